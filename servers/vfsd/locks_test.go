package main

import (
	"math"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// lock asks for a lock of n bytes at start.
func (c *client) lock(f vfs.Client, owner vfs.LockOwner, typ uint32, start, n int64, want uabi.Error) {
	in := vfs.LockRequest{Owner: uint32(owner), Type: typ, Start: start, Len: n}
	c.want("lock", f.Lock(c.t, &in, &vfs.LockReply{}), want)
}

// await waits for a lock of the whole file.
func (c *client) await(f vfs.Client, owner vfs.LockOwner, typ uint32) {
	for {
		err := f.Lock(c.t, &vfs.LockRequest{Owner: uint32(owner), Type: typ, Wait: true}, &vfs.LockReply{})
		if err != uabi.ErrWait {
			c.want("lock", err, uabi.OK)
			return
		}
		c.t.Wait()
	}
}

func TestLocksExcludeAndGoWithTheirOwnerAtEveryCrash(t *testing.T) {
	const whole, process, open = vfs.LockOwner_FLOCK, vfs.LockOwner_PROCESS, vfs.LockOwner_OPEN
	const read, write, none = uint32(unix.F_RDLCK), uint32(unix.F_WRLCK), uint32(unix.F_UNLCK)
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			a := c.open("/aligned", unix.O_RDWR, 0, uabi.OK)
			b := c.open("/aligned", unix.O_RDWR, 0, uabi.OK)
			c.lock(a, whole, write, 0, 0, uabi.OK)
			c.lock(b, whole, read, 0, 0, uabi.ErrAgain)
			c.lock(b, open, write, 0, 10, uabi.OK) // record locks do not mind
			c.lock(a, whole, read, 0, 0, uabi.OK)
			c.lock(b, whole, read, 0, 0, uabi.OK)
			c.lock(b, whole, write, 0, 0, uabi.ErrAgain)

			c.lock(a, process, read, 9, 5, uabi.ErrAgain)
			c.lock(a, process, read, 10, 5, uabi.OK)
			c.lock(b, open, write, 12, 1, uabi.ErrAgain)
			c.lock(b, open, read, 12, 1, uabi.OK)
			var out vfs.LockReply
			in := vfs.LockRequest{Owner: uint32(process), Type: read, Test: true, Start: 5, Len: 20}
			c.want("test", a.Lock(c.t, &in, &out), uabi.OK)
			if out.Type != write || out.Start != 0 || out.Len != 10 || out.Pid != -1 {
				w.Fail("the lock in the way is %+v", &out)
			}
			c.lock(a, process, write, -1, 1, uabi.ErrArg)
			c.lock(a, process, write, math.MaxInt64, 2, uabi.ErrOverflow)
			c.lock(a, process, none, 11, 1, uabi.OK)
			var n vfs.CountReply
			c.want("count", c.vfs.LockCount(c.t, &vfs.EmptyRequest{}, &n), uabi.OK)
			if n.Count != 2 {
				w.Fail("a lock cut in the middle is %d locks", n.Count)
			}
			c.want("closing", b.Lock(c.t, &vfs.LockRequest{Owner: uint32(process), Closing: true}, &out), uabi.OK)
			if out.Count != 0 {
				w.Fail("%d locks after closing a descriptor", out.Count)
			}
			c.close(b)
			c.await(a, whole, write)
			c.await(a, open, write)
			ro := c.open("/aligned", unix.O_RDONLY, 0, uabi.OK)
			c.lock(ro, open, write, 0, 0, uabi.ErrBadFD)
			c.lock(ro, open, 7, 0, 0, uabi.ErrArg)
		})
	})
}

func TestRecordLocksOfOneOwnerAreCutAndJoined(t *testing.T) {
	h := New(Config{})
	set := func(typ uint32, start, end int64) {
		h.setLock(&state.Lock{Owner: uint32(vfs.LockOwner_OPEN), Write: typ == unix.F_WRLCK, Start: start, End: end}, typ)
	}
	// A naive model: a type for each byte.
	const size = 24
	model := [size]uint32{}
	for i := range model {
		model[i] = unix.F_UNLCK
	}
	r := uint32(1)
	for range 300 {
		r = r*1664525 + 1013904223
		start, end := int64(r>>8%size), int64(r>>16%size)
		if start > end {
			start, end = end, start
		}
		typ := [...]uint32{unix.F_RDLCK, unix.F_WRLCK, unix.F_UNLCK}[r>>24%3]
		set(typ, start, end)
		for i := start; i <= end; i++ {
			model[i] = typ
		}
		got := [size]uint32{}
		for i := range got {
			got[i] = unix.F_UNLCK
		}
		for _, l := range h.top.Locks {
			for i := l.Start; i <= l.End; i++ {
				if got[i] != unix.F_UNLCK {
					t.Fatalf("byte %d is locked twice: %v", i, h.top.Locks)
				}
				got[i] = unix.F_RDLCK
				if l.Write {
					got[i] = unix.F_WRLCK
				}
			}
		}
		if got != model {
			t.Fatalf("got %v, want %v", got, model)
		}
	}
}
