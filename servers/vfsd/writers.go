package main

import (
	"aramid/servers/vfsd/state"
)

// A regular file is written or executed, not both (ETXTBSY of open(2), truncate(2) and execve(2)). VFSD.writing counts for each inode the
// open files that may write it or, below 0, the programs that execute it; Open.Writers is what an open file adds to that. As on Linux,
// a program's file counts as long as its address space lives, its ELF interpreter's while it is loaded, and the file of memfd_create(2)
// does not count as written until it is opened again.
//
// That a program has ended is known before its file is opened next: procd and linuxabi close what they had of it in the step that answers,
// and the kernel gives notices before calls (ipc/call.go, receive).

// countWriter adds an open file's part n times.
func (h *VFSD) countWriter(o *state.Open, n int) {
	if o.Writers == 0 {
		return
	}
	ino := o.At.Ino
	if h.writing[ino] += n * int(o.Writers); h.writing[ino] == 0 {
		delete(h.writing, ino)
	}
}

// written and executed are what an inode's count says.
func (h *VFSD) written(ino uint64) bool  { return h.writing[ino] > 0 }
func (h *VFSD) executed(ino uint64) bool { return h.writing[ino] < 0 }

// writes makes an open file that is being made one that counts, if it may write.
func writes(o *state.Open) *state.Open {
	if writable(o) {
		o.Writers = 1
	}
	return o
}
