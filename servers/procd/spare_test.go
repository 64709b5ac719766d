package main

import (
	"testing"

	"aramid/servers/procd/fdtable"
	"aramid/servers/procd/state"
	"aramid/servers/server"
)

// A descriptor that was closed, and its file, are what the next open takes.
func TestDescriptorsComeAndGoWithoutAllocation(t *testing.T) {
	h, table, c := New(), &state.Table{}, &server.Ctx{}
	again := func() {
		h.install(table, 0, 3, true, 10, 2, 77)
		i, _ := fdtable.Find(table, 3)
		s := table.Slots[i]
		f := h.files.Get(s.File)
		if s.Fd != 3 || !s.Cloexec || f.Handle != 10 || f.Kind != 2 || f.Number != 77 || f.Refs != 1 || f.Id != s.File {
			t.Fatalf("slot %v, file %v", s, f)
		}
		fdtable.RemoveAt(table, i)
		h.closeSlot(c, s, f)
	}
	if n := testing.AllocsPerRun(100, again); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if h.files.Len() != 0 || len(table.Slots) != 0 {
		t.Errorf("%d files, %d descriptors", h.files.Len(), len(table.Slots))
	}
}
