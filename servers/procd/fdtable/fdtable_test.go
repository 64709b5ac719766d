package fdtable

import (
	"testing"

	"pgregory.net/rapid"

	"aramid/servers/procd/state"
)

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
				if got := Lowest(table, fd); got != want {
					r.Fatalf("lowest free ≥ %d is %d, want %d", fd, got, want)
				}
			case 1:
				file := rapid.Uint64Min(1).Draw(r, "file")
				if old := Put(table, &state.Slot{Fd: fd, File: file}); old != naive[fd] {
					r.Fatalf("put replaced %d, want %d", old, naive[fd])
				}
				naive[fd] = file
			case 2:
				if old := Remove(table, fd); old != naive[fd] {
					r.Fatalf("removed %d, want %d", old, naive[fd])
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
