package kcheck

import (
	"testing"

	"golang.org/x/arch/x86/x86asm"
	"pgregory.net/rapid"
)

// values draws register contents of every kind.
func values(t *rapid.T, label string) value {
	switch rapid.IntRange(0, 3).Draw(t, label) {
	case 0:
		return value{}
	case 1:
		return value{kind: slot, off: int64(rapid.IntRange(0, 3).Draw(t, label+" offset") * word)}
	}
	v := value{kind: known}
	for range rapid.IntRange(1, maxSet).Draw(t, label+" size") {
		v = v.add(uint64(rapid.IntRange(0, 20).Draw(t, label+" member")))
	}
	return v
}

// covers reports whether everything that w may be, v may be too.
func covers(v, w value) bool {
	if v.kind == unknown || v == w {
		return true
	}
	if v.kind != known || w.kind != known {
		return false
	}
	for _, x := range w.list() {
		found := false
		for _, y := range v.list() {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}

func TestJoinCoversBothSidesInEitherOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := values(t, "a"), values(t, "b")
		j := a.join(b)
		if !covers(j, a) || !covers(j, b) {
			t.Fatalf("%v joined with %v gives %v", a, b, j)
		}
		if j != b.join(a) {
			t.Fatalf("%v and %v: %v one way, %v the other", a, b, j, b.join(a))
		}
		if j.join(a) != j {
			t.Fatalf("joining %v again changes %v", a, j)
		}
	})
}

// jumps maps each conditional jump to what it means after CMP a, b.
var jumps = map[x86asm.Op]func(a, b int8) bool{
	x86asm.JE:  func(a, b int8) bool { return a == b },
	x86asm.JNE: func(a, b int8) bool { return a != b },
	x86asm.JB:  func(a, b int8) bool { return uint8(a) < uint8(b) },
	x86asm.JAE: func(a, b int8) bool { return uint8(a) >= uint8(b) },
	x86asm.JBE: func(a, b int8) bool { return uint8(a) <= uint8(b) },
	x86asm.JA:  func(a, b int8) bool { return uint8(a) > uint8(b) },
	x86asm.JL:  func(a, b int8) bool { return a < b },
	x86asm.JGE: func(a, b int8) bool { return a >= b },
	x86asm.JLE: func(a, b int8) bool { return a <= b },
	x86asm.JG:  func(a, b int8) bool { return a > b },
}

func TestConditionalJumpsAreDecidedAsTheProcessorDoes(t *testing.T) {
	const all = 1 << 8
	for a := range all {
		for b := range all {
			for op, want := range jumps {
				compared := flags{known: true, width: 1, a: uint64(a), b: uint64(b)}
				if got, ok := compared.decided(op); !ok || got != want(int8(a), int8(b)) {
					t.Fatalf("CMP %d, %d; %v: %v %v", a, b, op, got, ok)
				}
				tested := flags{known: true, test: true, width: 1, a: uint64(a), b: uint64(b)}
				if got, ok := tested.decided(op); !ok || got != want(int8(a&b), 0) {
					t.Fatalf("TEST %d, %d; %v: %v %v", a, b, op, got, ok)
				}
			}
		}
	}
	if _, ok := (flags{}).decided(x86asm.JE); ok {
		t.Error("decided without knowing")
	}
}

func TestPackageIsFoundInEveryKindOfSymbol(t *testing.T) {
	for name, want := range map[string]string{
		"aramid/ukernel/vm.(*Space).Map":                                 "aramid/ukernel/vm",
		"aramid/ukernel/object.(*Pool[go.shape.struct { a/b.X int }]).F": "aramid/ukernel/object",
		"aramid/ukernel/object.New[go.shape.*a/b.T]":                     "aramid/ukernel/object",
		"gopkg.in/yaml%2ev3.F":                                           "gopkg.in/yaml.v3",
		"main.main.func1":                                                "main",
		"runtime.mallocgc":                                               "runtime",
		"memeqbody":                                                      "",
		"type:.eq.main.thread":                                           "",
		"go:buildid":                                                     "",
	} {
		if got := packageOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
