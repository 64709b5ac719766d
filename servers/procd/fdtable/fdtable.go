// Package fdtable is a process's descriptor table: slots in order of their number. It is pure; who closes files is told.
package fdtable

import (
	"math/bits"
	"slices"

	"aramid/servers/procd/state"
)

// Find is the place of a descriptor's slot, or where it would be. Where no number below is free, which is usual, that is the number itself.
func Find(t *state.Table, fd uint32) (int, bool) {
	n := uint32(len(t.Slots))
	if fd < n && t.Slots[fd].Fd == fd {
		return int(fd), true
	}
	if n == 0 || t.Slots[n-1].Fd < fd {
		return int(n), false
	}
	return slices.BinarySearchFunc(t.Slots, fd, func(s *state.Slot, fd uint32) int { return int(int64(s.Fd) - int64(fd)) })
}

// Get returns a descriptor's slot, or nil.
func Get(t *state.Table, fd uint32) *state.Slot {
	if i, ok := Find(t, fd); ok {
		return t.Slots[i]
	}
	return nil
}

// Lowest returns the lowest free number ≥ least, and the place of a slot for it.
func Lowest(t *state.Table, least uint32) (fd uint32, at int) {
	at, _ = Find(t, least)
	for fd = least; at < len(t.Slots) && t.Slots[at].Fd == fd; at++ {
		fd++
	}
	return fd, at
}

// Put sets a descriptor and returns the file that was there, or 0.
func Put(t *state.Table, s *state.Slot) (old uint64) {
	i, ok := Find(t, s.Fd)
	if ok {
		old = t.Slots[i].File
		t.Slots[i] = s
		return old
	}
	Insert(t, i, s)
	return 0
}

// Insert adds the slot of a descriptor that is free at its place.
func Insert(t *state.Table, at int, s *state.Slot) {
	t.Capacity = max(t.Capacity, capacityFor(s.Fd))
	if at == len(t.Slots) {
		t.Slots = append(t.Slots, s)
	} else {
		t.Slots = slices.Insert(t.Slots, at, s)
	}
}

// RemoveAt takes the slot at a place away.
func RemoveAt(t *state.Table, i int) {
	if last := len(t.Slots) - 1; i == last {
		t.Slots[last] = nil
		t.Slots = t.Slots[:last]
		return
	}
	t.Slots = slices.Delete(t.Slots, i, i+1)
}

// RemoveIf takes away all descriptors that match and returns their files.
func RemoveIf(t *state.Table, match func(*state.Slot) bool) (files []uint64) {
	t.Slots = slices.DeleteFunc(t.Slots, func(s *state.Slot) bool {
		if match(s) {
			files = append(files, s.File)
			return true
		}
		return false
	})
	return files
}

// Copy returns a forked table: its capacity is what its descriptors need.
func Copy(t *state.Table) *state.Table {
	out := &state.Table{Slots: make([]*state.Slot, len(t.Slots))}
	for i, s := range t.Slots {
		out.Slots[i] = &state.Slot{Fd: s.Fd, File: s.File, Cloexec: s.Cloexec}
	}
	if n := len(t.Slots); n > 0 {
		out.Capacity = capacityFor(t.Slots[n-1].Fd)
	}
	return out
}

// A table's least capacity, and the first that it grows to (fs/file.c).
const (
	leastCapacity = 64
	grownCapacity = 128
)

// capacityFor is how large a table has to be for fd: powers of two.
func capacityFor(fd uint32) uint32 {
	if fd < leastCapacity {
		return leastCapacity
	}
	return max(grownCapacity, uint32(1)<<bits.Len32(fd))
}

// Capacity is how many descriptors the table has room for, as Linux counts: it grows and does not shrink. It shows in select(2), which
// ignores what lies beyond.
func Capacity(t *state.Table) uint32 { return max(t.Capacity, leastCapacity) }
