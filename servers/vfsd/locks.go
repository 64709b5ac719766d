package main

import (
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Locks: flock(2)'s whole-file locks belong to an open file, fcntl(2)'s record locks to a process or to an open file. An open file's
// go with it. A process's go when it says that it closes a descriptor of the file (linuxabi sends that), when the open file that they
// were set through is gone, and when the process is: which shows when a thread's end is told.
//
// Who waits for a lock waits for one event of all locks, which is raised when any goes.

const lockGone = 1 // bit of the event

// Lock implements vfs.Handler.
func (h *VFSD) Lock(c *server.Ctx, in *vfs.LockRequest, out *vfs.LockReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Flags&unix.O_PATH != 0 {
		return uabi.ErrBadFD
	}
	want := &state.Lock{Owner: in.Owner, Open: o.Id, Write: in.Type == unix.F_WRLCK}
	if want.Ino = o.At.GetIno(); o.At == nil {
		want.Ino = o.Id | 1<<63 // a file without an inode
	}
	if in.Owner == uint32(vfs.LockOwner_PROCESS) {
		want.Pid, want.Thread = int32(c.Context(ctx.Tgid)), c.Origin()
	}
	want.Holder = int32(c.Context(ctx.Tgid))
	if in.Closing {
		want.End = math.MaxInt64
		h.change(c, want, unix.F_UNLCK, out)
		return uabi.OK
	}
	if want.Start, want.End, err = h.lockRange(o, in); err != uabi.OK {
		return err
	}
	if in.Test {
		h.testLock(c, want, in, out)
		return uabi.OK
	}
	switch {
	case in.Type > unix.F_UNLCK:
		return uabi.ErrArg
	case in.Owner == uint32(vfs.LockOwner_FLOCK):
	case in.Type == unix.F_RDLCK && !readable(o), in.Type == unix.F_WRLCK && !writable(o):
		return uabi.ErrBadFD
	}
	if in.Type != unix.F_UNLCK {
		if err := h.awaitLock(c, want, in.Wait); err != uabi.OK {
			return err
		}
		if h.top.LockEvent == 0 {
			event, err := c.EventCreate(uabi.BootAccount)
			if err != uabi.OK {
				return err
			}
			h.top.LockEvent = uint32(event)
		}
	}
	h.change(c, want, in.Type, out)
	return uabi.OK
}

// change sets a lock and wakes who may have waited for what that gave back.
func (h *VFSD) change(c *server.Ctx, want *state.Lock, typ uint32, out *vfs.LockReply) {
	if h.setLock(want, typ) {
		h.unlocked(c)
	}
	out.Count = h.processLocks()
}

// LockCount implements vfs.Handler.
func (h *VFSD) LockCount(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.CountReply) uabi.Error {
	out.Count = h.processLocks()
	return uabi.OK
}

func (h *VFSD) processLocks() (n int64) {
	for _, l := range h.top.Locks {
		if l.Owner == uint32(vfs.LockOwner_PROCESS) {
			n++
		}
	}
	return n
}

// lockRange is the first and last byte of a request.
func (h *VFSD) lockRange(o *state.Open, in *vfs.LockRequest) (start, end int64, err uabi.Error) {
	if in.Owner == uint32(vfs.LockOwner_FLOCK) {
		return 0, math.MaxInt64, uabi.OK
	}
	switch in.Whence {
	case unix.SEEK_SET:
	case unix.SEEK_CUR:
		start = o.Pos
	case unix.SEEK_END:
		if n := h.tree.Inode(o.At.GetIno()); n != nil {
			start = n.Size
		}
	default:
		return 0, 0, uabi.ErrArg
	}
	if in.Start > math.MaxInt64-start {
		return 0, 0, uabi.ErrOverflow
	}
	start += in.Start
	end = math.MaxInt64
	switch {
	case start < 0:
		return 0, 0, uabi.ErrArg
	case in.Len > 0:
		if in.Len-1 > math.MaxInt64-start {
			return 0, 0, uabi.ErrOverflow
		}
		end = start + in.Len - 1
	case in.Len < 0:
		start, end = start+in.Len, start-1
	}
	if start < 0 {
		return 0, 0, uabi.ErrArg
	}
	return start, end, uabi.OK
}

// sameOwner reports whether two locks of one file belong to the same.
func sameOwner(a, b *state.Lock) bool {
	if a.Owner != b.Owner {
		return false
	}
	if a.Owner == uint32(vfs.LockOwner_PROCESS) {
		return a.Pid == b.Pid
	}
	return a.Open == b.Open
}

// conflict is a lock that is in want's way, or nil. Those of processes that are gone are none.
func (h *VFSD) conflict(c *server.Ctx, want *state.Lock) *state.Lock {
	const whole = uint32(vfs.LockOwner_FLOCK)
	for _, l := range h.top.Locks {
		if l.Ino != want.Ino || !l.Write && !want.Write || (l.Owner == whole) != (want.Owner == whole) || sameOwner(l, want) ||
			l.Start > want.End || l.End < want.Start {
			continue
		}
		if l.Thread == 0 && l.Owner == uint32(vfs.LockOwner_PROCESS) && h.ended(c, l.Pid, 0) {
			continue
		}
		return l
	}
	return nil
}

// awaitLock is OK when nothing is in want's way.
func (h *VFSD) awaitLock(c *server.Ctx, want *state.Lock, wait bool) uabi.Error {
	event := uabi.Handle(h.top.LockEvent)
	since := uint64(0)
	if event != 0 && wait {
		var err uabi.Error
		if _, since, err = c.EventRead(event); err != uabi.OK {
			return err
		}
	}
	switch {
	case h.conflict(c, want) == nil:
		return uabi.OK
	case !wait:
		return uabi.ErrAgain
	}
	return c.Wait(event, lockGone, since, uabi.NoDeadline)
}

// testLock is F_GETLK.
func (h *VFSD) testLock(c *server.Ctx, want *state.Lock, in *vfs.LockRequest, out *vfs.LockReply) {
	out.Type, out.Start, out.Len = unix.F_UNLCK, in.Start, in.Len
	l := h.conflict(c, want)
	if l == nil {
		return
	}
	out.Type, out.Start, out.Len, out.Pid = unix.F_RDLCK, l.Start, 0, l.Pid
	if l.Write {
		out.Type = unix.F_WRLCK
	}
	if l.End != math.MaxInt64 {
		out.Len = l.End - l.Start + 1
	}
	if l.Owner != uint32(vfs.LockOwner_PROCESS) {
		out.Pid = -1
	}
}

// setLock gives want to its owner, or takes its range away: other locks of the owner are cut where they overlap, and neighbours of
// the same type become one. It reports whether somebody lost something, for which others may wait.
func (h *VFSD) setLock(want *state.Lock, typ uint32) (lost bool) {
	var kept []*state.Lock
	for _, l := range h.top.Locks {
		overlap := l.Start <= want.End && l.End >= want.Start
		touch := overlap || l.End != math.MaxInt64 && l.End+1 == want.Start || want.End != math.MaxInt64 && want.End+1 == l.Start
		switch {
		case l.Ino != want.Ino || !sameOwner(l, want) || !touch:
			kept = append(kept, l)
		case typ != unix.F_UNLCK && l.Write == want.Write:
			want.Start, want.End = min(want.Start, l.Start), max(want.End, l.End)
		case !overlap:
			kept = append(kept, l)
		default:
			lost = true
			kept = append(kept, cut(l, want)...)
		}
	}
	if typ != unix.F_UNLCK {
		kept = append(kept, want)
	}
	h.top.Locks = kept
	return lost
}

// cut is what is left of l outside of w.
func cut(l, w *state.Lock) (out []*state.Lock) {
	if l.Start < w.Start {
		out = append(out, piece(l, l.Start, w.Start-1))
	}
	if l.End > w.End {
		out = append(out, piece(l, w.End+1, l.End))
	}
	return out
}

func piece(l *state.Lock, start, end int64) *state.Lock {
	return &state.Lock{Ino: l.Ino, Owner: l.Owner, Open: l.Open, Pid: l.Pid, Thread: l.Thread, Write: l.Write, Start: start, End: end, Holder: l.Holder}
}

// unlocked wakes who waits for a lock.
func (h *VFSD) unlocked(c *server.Ctx) {
	c.EventUpdate(uabi.Handle(h.top.LockEvent), 0, 0, lockGone)
}

// dropLocks takes the locks away that gone says.
func (h *VFSD) dropLocks(c *server.Ctx, gone func(*state.Lock) bool) {
	n := len(h.top.Locks)
	h.top.Locks = slices.DeleteFunc(h.top.Locks, gone)
	if len(h.top.Locks) < n {
		h.unlocked(c)
	}
}

// closeLocks takes away what was locked through an open file that is gone.
func (h *VFSD) closeLocks(c *server.Ctx, open uint64) {
	if len(h.top.Locks) > 0 {
		h.dropLocks(c, func(l *state.Lock) bool { return l.Open == open })
	}
}

// threadLocks takes the locks of processes that end away. procd hears of a thread's end after us: its last one is still counted there.
func (h *VFSD) threadLocks(c *server.Ctx, origin uint64) {
	ended := map[int32]bool{}
	for _, l := range h.top.Locks {
		if l.Owner == uint32(vfs.LockOwner_PROCESS) && (l.Thread == origin || l.Thread == 0) {
			last := uint32(0)
			if l.Thread == origin {
				last = 1
			}
			l.Thread = 0
			ended[l.Pid] = ended[l.Pid] || h.ended(c, l.Pid, last)
		}
	}
	if len(ended) > 0 {
		h.dropLocks(c, func(l *state.Lock) bool { return l.Owner == uint32(vfs.LockOwner_PROCESS) && ended[l.Pid] })
	}
}

// ended reports whether a process is gone or about to be, or has at most so many threads.
func (h *VFSD) ended(c *server.Ctx, pid int32, threads uint32) bool {
	var s proc.StatusReply
	err := proc.Client{H: uabi.BootProc}.Status(c, &proc.PidRequest{Pid: pid}, &s)
	return err != uabi.OK || s.State == "Z" || s.State == "X" || s.Threads <= threads
}
