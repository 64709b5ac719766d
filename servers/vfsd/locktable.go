package main

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
)

// lockTable is /proc/locks: a line a lock, the newest first (lock_get_status of Linux; proc_locks(5)). Those that are waited for are not known here.
func (k *call) lockTable() string {
	var b strings.Builder
	for i := range k.top.Locks {
		l := k.top.Locks[len(k.top.Locks)-1-i]
		kind, pid := "POSIX ", l.Pid
		switch vfs.LockOwner(l.Owner) {
		case vfs.LockOwner_FLOCK:
			kind, pid = "FLOCK ", l.Holder
		case vfs.LockOwner_OPEN:
			kind, pid = "OFDLCK", -1
		}
		mode := "READ"
		if l.Write {
			mode = "WRITE"
		}
		end := "EOF"
		if l.End != math.MaxInt64 {
			end = fmt.Sprint(l.End)
		}
		dev := uint64(0)
		if n := k.tree.Inode(l.Ino); n != nil {
			dev = fsDevice(k.tree.FSByID(n.Fs))
		}
		fmt.Fprintf(&b, "%d: %s ADVISORY  %s %d %02x:%02x:%d %d %s\n", i+1, kind, mode, pid, unix.Major(dev), unix.Minor(dev), l.Ino, l.Start, end)
	}
	return b.String()
}
