package table

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The table says the same as a map after any series of changes.
func TestATableIsAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, span := range []uint64{8, 100, 1 << 62} {
		var table Table[uint64, int]
		model := map[uint64]int{}
		for i := range 20_000 {
			key := 1 + r.Uint64N(span)
			switch r.Uint32N(3) {
			case 0:
				table.Delete(key)
				delete(model, key)
			default:
				table.Put(key, i+1)
				model[key] = i + 1
			}
			if at := table.Find(key); (at == nil) != (model[key] == 0) || at != nil && *at != model[key] {
				t.Fatalf("span %d, step %d: key %d is not found", span, i, key)
			}
			if table.Get(key) != model[key] || table.Has(key) != (model[key] != 0) || table.Len() != len(model) {
				t.Fatalf("span %d, step %d: key %d is %d, not %d; %d entries, not %d", span, i, key, table.Get(key), model[key], table.Len(), len(model))
			}
		}
		for k, v := range model {
			if table.Get(k) != v {
				t.Fatalf("span %d: key %d is %d, not %d", span, k, table.Get(k), v)
			}
		}
		keys := table.Keys()
		if len(keys) != len(model) || !slices.IsSorted(keys) {
			t.Fatalf("span %d: keys %v", span, keys)
		}
		for i, v := range table.Values() {
			if v != model[keys[i]] {
				t.Fatalf("span %d: value %d of key %d", span, v, keys[i])
			}
		}
	}
}

func TestKeyZeroIsNone(t *testing.T) {
	var table Table[uint64, int]
	table.Put(7, 1)
	if table.Get(0) != 0 || table.Has(0) {
		t.Error("key 0 is there")
	}
	table.Delete(0)
	defer func() {
		if recover() == nil {
			t.Error("key 0 was put")
		}
	}()
	table.Put(0, 1)
}

// Neighbouring numbers, which is what servers have, need few probes.
func TestNeighboursLieApart(t *testing.T) {
	var table Table[uint64, int]
	for k := range uint64(10_000) {
		table.Put(k+1, 1)
	}
	far := 0
	for k := range uint64(10_000) {
		first := table.first(k + 1)
		far = max(far, int((uint64(table.at(k+1))-first)&uint64(len(table.slots)-1)))
	}
	if far > 4 {
		t.Errorf("%d probes", far)
	}
}

func TestKeysMayBeSigned(t *testing.T) {
	var table Table[int32, string]
	table.Put(-1, "a")
	table.Put(1, "b")
	if table.Get(-1) != "a" || table.Get(1) != "b" || !slices.Equal(table.Keys(), []int32{-1, 1}) {
		t.Errorf("%q, %q, keys %v", table.Get(-1), table.Get(1), table.Keys())
	}
}

func TestWhatIsSparedIsUsedAgainAndEmpty(t *testing.T) {
	type thing struct {
		n    int
		more []byte
	}
	var s Spares[thing]
	a := s.Take()
	a.n, a.more = 1, []byte("x")
	s.Give(a)
	if b := s.Take(); b != a || b.n != 0 || b.more != nil {
		t.Errorf("%v, not an empty %p", b, a)
	}
	if b := s.Take(); b == a {
		t.Error("one thing was given out twice")
	}
	for range 2 * maxSpares {
		s.Give(&thing{})
	}
	if s.n != maxSpares {
		t.Errorf("%d spares are kept", s.n)
	}
	if n := testing.AllocsPerRun(10, func() { s.Give(s.Take()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
