package amd64

import (
	"math/bits"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"aramid/ukernel/arch/hw"
)

// What package main defines in a kernel.
var (
	bootFn  = func() {}
	enterFn = func(c *hw.Context) *hw.Context { return c }
)

func TestEveryFunctionValueThatAssemblyCallsIsSet(t *testing.T) {
	if bootFn == nil || enterFn == nil || prepareFn == nil || startFn == nil || joinFn == nil || interruptFn == nil || reportFn == nil {
		t.Fatal("a nil function value")
	}
}

func TestEachVectorStubStandsAtItsPlaceAndPushesItsNumber(t *testing.T) {
	const push = 0x6a
	withCode := map[int]bool{8: true, 10: true, 11: true, 12: true, 13: true, 14: true, 17: true, 21: true, 29: true, 30: true}
	for v := range vectorCount {
		stub := (*[stubSize]byte)(at(vectorsPC + uint64(v)*stubSize))
		want := []byte{push, 0, push, byte(v)}
		if withCode[v] {
			want = want[2:]
		}
		if string(stub[:len(want)]) != string(want) {
			t.Errorf("vector %d: stub starts with % x, want % x", v, stub[:len(want)], want)
		}
	}
}

func TestTheFakeGHasTheRuntimesLayout(t *testing.T) {
	// runtime.g starts with stack {lo, hi}, stackguard0, stackguard1; the guard is checked at 16(R14).
	var g fakeG
	offsets := [...]uintptr{unsafe.Offsetof(g.lo), unsafe.Offsetof(g.hi), unsafe.Offsetof(g.guard0), unsafe.Offsetof(g.guard1), unsafe.Offsetof(g.rest)}
	for i, off := range offsets {
		if off != uintptr(i)*8 {
			t.Errorf("word %d of g is at %d", i, off)
		}
	}
	if unsafe.Offsetof(percpu{}.gp) != 0 || gsBias != 8 || unsafe.Offsetof(percpu{}.g)%8 != 0 {
		t.Fatal("g is not where compiled code looks for it")
	}
}

func TestTheWordsThatEveryEntryNeedsShareTwoCacheLines(t *testing.T) {
	const lines = 128
	var p percpu
	for _, off := range [...]uintptr{unsafe.Offsetof(p.current), unsafe.Offsetof(p.scratch), unsafe.Offsetof(p.scratch2), unsafe.Offsetof(p.stackTop),
		unsafe.Offsetof(p.curFS), unsafe.Offsetof(p.curGS), unsafe.Offsetof(p.idle), unsafe.Offsetof(p.want), unsafe.Offsetof(p.done)} {
		if off >= lines {
			t.Errorf("a field is at %d", off)
		}
	}
	if unsafe.Offsetof(p.idleCtx)%8 != 0 || unsafe.Offsetof(p.crash) < lines-8 {
		t.Error("the large fields are not behind them")
	}
}

func TestNowScalesTheTimeStampCounter(t *testing.T) {
	defer func() { tscStart, nsMult = 0, 0 }()
	for _, mult := range []uint64{1 << 30, 1 << 32, 3 << 31, 1 << 34} {
		tscStart, nsMult = rdtsc()-1<<40, mult
		scale := func(tsc uint64) uint64 {
			hi, lo := bits.Mul64(tsc-tscStart, nsMult)
			return hi<<32 | lo>>32
		}
		before := rdtsc()
		now := Now()
		if after := rdtsc(); now < scale(before) || now > scale(after) {
			t.Errorf("× %#x: %d is not between %d and %d", mult, now, scale(before), scale(after))
		}
	}
}

func TestSelectorsAreWhatSYSRETLoads(t *testing.T) {
	const sysretBase = starValue >> 48
	if sysretBase+16 != selUserCode || sysretBase+8 != selUserData || starValue>>32&0xffff != selKernelCode || selKernelData != selKernelCode+8 {
		t.Fatal("STAR and the selectors disagree")
	}
}

// TestFreeRAMIsRAMWithoutWhatIsTaken compares freeRAM with a page-by-page model.
func TestFreeRAMIsRAMWithoutWhatIsTaken(t *testing.T) {
	const pages = 512
	rapid.Check(t, func(t *rapid.T) {
		model := [pages]bool{}
		nRAM, info = 0, hw.BootInfo{}
		for base := uint64(0); base < pages-4 && nRAM < 6; {
			lo := base + rapid.Uint64Range(0, 40).Draw(t, "hole")
			n := rapid.Uint64Range(1, 120).Draw(t, "size")
			if lo+n > pages {
				break
			}
			ram[nRAM] = hw.Range{Base: lo * hw.PageSize, Len: n * hw.PageSize}
			nRAM++
			for p := lo; p < lo+n; p++ {
				model[p] = true
			}
			base = lo + n
		}
		take := func(r hw.Range) {
			if r.Len == 0 {
				return
			}
			for p := r.Base / hw.PageSize; p*hw.PageSize < r.Base+r.Len; p++ {
				if p < pages {
					model[p] = false
				}
			}
		}
		bump = rapid.Uint64Range(1, 100).Draw(t, "bump") * hw.PageSize
		take(hw.Range{Len: bump})
		piece := rapid.Custom(func(t *rapid.T) hw.Range {
			return hw.Range{Base: rapid.Uint64Range(0, pages*hw.PageSize).Draw(t, "base"), Len: rapid.Uint64Range(0, 30*hw.PageSize).Draw(t, "len")}
		})
		info.Initrd, info.CmdLine = piece.Draw(t, "initrd"), piece.Draw(t, "command line")
		take(info.Initrd)
		take(info.CmdLine)
		total := freeRAM()
		var got [pages]bool
		for i := range info.NFree {
			for p := info.Free[i].Base / hw.PageSize; p*hw.PageSize < info.Free[i].Base+info.Free[i].Len; p++ {
				if got[p] {
					t.Fatalf("page %d is given out twice", p)
				}
				got[p] = true
				total -= hw.PageSize
			}
		}
		if got != model || total != 0 {
			t.Fatalf("free %v, total off by %d", info.Free[:info.NFree], total)
		}
	})
}

func TestAThreadCannotHavePrivilegedFlags(t *testing.T) {
	const ioPrivilege, nestedTask, virtual8086, interruptFlag = 3 << 12, 1 << 14, 1 << 17, 1 << 9
	if userFlags&(ioPrivilege|nestedTask|virtual8086|interruptFlag) != 0 || fixedFlags&interruptFlag == 0 {
		t.Fatalf("flags %#x, always %#x", userFlags, fixedFlags)
	}
}

func TestTheMachineStartsUnlockedWithNoCPUComingUp(t *testing.T) {
	if klock != 0 || startup != nil || stackGuard >= StackSize/2 {
		t.Fatal("static state is not zero")
	}
}
