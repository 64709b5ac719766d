package main

import "fmt"

// wrongFiles is an invariant: each open file is counted once for each descriptor and each address space that has it.
func (h *Procd) wrongFiles() string {
	uses := map[uint64]uint64{h.top.SpawnExe: 1}
	for _, t := range h.tables.Values() {
		for _, s := range t.Slots {
			uses[s.File]++
		}
	}
	for _, m := range h.mms.Values() {
		uses[m.Exe]++
	}
	for _, f := range h.files.Values() {
		if f.Refs != uses[f.Id] {
			return fmt.Sprintf("file %d is used %d times, counted %d", f.Id, uses[f.Id], f.Refs)
		}
	}
	return ""
}
