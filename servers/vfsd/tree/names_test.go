package tree

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"aramid/servers/vfsd/state"
)

// The names say the same as a map after any series of changes.
func TestNamesAreAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, long := range []int{0, 1, 3, 4, 8, 9, 17, 250} {
		var table names
		model := map[string]*state.Entry{}
		for i := range 5000 {
			name := fmt.Sprintf("%0*d", long, r.Uint32N(200))
			switch old := model[name]; {
			case old == nil:
				e := &state.Entry{Name: name, Ino: uint64(i)}
				table.put(e)
				model[name] = e
			case r.Uint32N(2) == 0:
				table.remove(old)
				delete(model, name)
			}
			if table.get(name) != model[name] || table.n != len(model) {
				t.Fatalf("%q is %v, not %v; %d names, not %d", name, table.get(name), model[name], table.n, len(model))
			}
		}
		for name, e := range model {
			if table.get(name) != e {
				t.Fatalf("%q is %v, not %v", name, table.get(name), e)
			}
		}
	}
}

func TestReservedNamesNeedNoRoomMore(t *testing.T) {
	var table names
	table.reserve(1000)
	size := len(table.slots)
	for i := range 1000 {
		table.put(&state.Entry{Name: fmt.Sprint(i)})
	}
	if len(table.slots) != size {
		t.Errorf("%d slots became %d", size, len(table.slots))
	}
}

// Names that differ little need few probes.
func TestNamesLieApart(t *testing.T) {
	for _, form := range []string{"%d", "a-longer-name.%d", "%06d.suffix"} {
		var table names
		for i := range 10_000 {
			table.put(&state.Entry{Name: fmt.Sprintf(form, i)})
		}
		mask, far, sum := uint64(len(table.slots)-1), uint64(0), uint64(0)
		for i, s := range table.slots {
			if s.e != nil {
				d := (uint64(i) - s.hash) & mask
				far, sum = max(far, d), sum+d
			}
		}
		if far > 100 || sum > 4*10_000 {
			t.Errorf("%q: %d probes, %d in all", form, far, sum)
		}
	}
}

func BenchmarkNames(b *testing.B) {
	var table names
	for i := range 100 {
		table.put(&state.Entry{Name: fmt.Sprintf("file%d", i)})
	}
	for b.Loop() {
		if table.get("file77") == nil {
			b.Fatal("it is not there")
		}
	}
}
