package fdtable

import (
	"testing"

	"pgregory.net/rapid"

	"aramid/servers/procd/state"
)

func TestCapacityGrowsInPowersOfTwoAndIsForkedByNeed(t *testing.T) {
	table := &state.Table{}
	for _, c := range []struct{ fd, grown uint32 }{{63, 64}, {64, 128}, {127, 128}, {128, 256}, {300, 512}, {5, 512}, {512, 1024}} {
		Put(table, &state.Slot{Fd: c.fd, File: 1})
		if got := Capacity(table); got != c.grown {
			t.Errorf("with descriptor %d the capacity is %d, want %d", c.fd, got, c.grown)
		}
	}
	for _, c := range []struct{ removed, forked uint32 }{{512, 512}, {300, 256}, {128, 128}, {127, 128}, {64, 64}, {63, 64}, {5, 64}} {
		i, _ := Find(table, c.removed)
		RemoveAt(table, i)
		if got := Capacity(Copy(table)); got != c.forked {
			t.Errorf("without descriptor %d a copy's capacity is %d, want %d", c.removed, got, c.forked)
		}
	}
	if got := Capacity(table); got != 1024 {
		t.Errorf("the capacity shrank to %d", got)
	}
}

func TestTableBehavesLikeAMap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		table, naive := &state.Table{}, map[uint32]uint64{}
		for range rapid.IntRange(1, 80).Draw(r, "steps") {
			fd := uint32(rapid.IntRange(0, 12).Draw(r, "fd"))
			switch rapid.IntRange(0, 3).Draw(r, "op") {
			case 0:
				want := fd
				for naive[want] != 0 {
					want++
				}
				got, at := Lowest(table, fd)
				if i, ok := Find(table, got); i != at || ok {
					r.Fatalf("the place of %d is %d, not %d", got, i, at)
				}
				if got != want {
					r.Fatalf("lowest free ≥ %d is %d, want %d", fd, got, want)
				}
			case 1:
				file := rapid.Uint64Min(1).Draw(r, "file")
				if old := Put(table, &state.Slot{Fd: fd, File: file}); old != naive[fd] {
					r.Fatalf("put replaced %d, want %d", old, naive[fd])
				}
				naive[fd] = file
			case 2:
				i, ok := Find(table, fd)
				if ok != (naive[fd] != 0) || ok && table.Slots[i].File != naive[fd] {
					r.Fatalf("find %d: %v, want %d", fd, ok, naive[fd])
				}
				if ok {
					RemoveAt(table, i)
				}
				delete(naive, fd)
			case 3:
				s := Get(table, fd)
				if (s == nil) != (naive[fd] == 0) || s != nil && s.File != naive[fd] {
					r.Fatalf("get %d: %v, want %d", fd, s, naive[fd])
				}
			}
		}
		if len(table.Slots) != len(naive) {
			r.Fatalf("%d slots, want %d", len(table.Slots), len(naive))
		}
	})
}
