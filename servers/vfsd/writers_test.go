package main

import "fmt"

// wrongWriters is an invariant: the counts are those of the open files, and no file is both written and executed.
func (h *VFSD) wrongWriters() string {
	want, parts := map[uint64]int{}, map[uint64]int32{}
	for _, o := range h.opens.Values() {
		if o.Writers == 0 {
			continue
		}
		if ino := o.At.Ino; parts[ino]*o.Writers < 0 {
			return fmt.Sprintf("inode %d is written and executed", ino)
		}
		want[o.At.Ino] += int(o.Writers)
		parts[o.At.Ino] = o.Writers
	}
	if fmt.Sprint(want) != fmt.Sprint(h.writing) {
		return fmt.Sprintf("writers are %v, counted %v", want, h.writing)
	}
	return ""
}
