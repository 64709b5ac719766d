package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// lockState is what linuxabi knows of record locks that belong to processes: while there are some, a close has to release the
// caller's (fcntl(2)), and else must not cost a request more.
type lockState uint8

const (
	locksUnknown lockState = iota // of a fresh linuxabi: vfsd knows
	locksNone
	locksSome
)

func flock(t *Trap) int64 {
	const mandatory = 32 // LOCK_MAND, which Linux ignores since 5.18
	if t.arg(1)&mandatory != 0 {
		return 0
	}
	in := vfs.LockRequest{Owner: uint32(vfs.LockOwner_FLOCK), Wait: t.arg(1)&unix.LOCK_NB == 0}
	switch t.arg32(1) &^ unix.LOCK_NB {
	case unix.LOCK_SH:
		in.Type = unix.F_RDLCK
	case unix.LOCK_EX:
		in.Type = unix.F_WRLCK
	case unix.LOCK_UN:
		in.Type = unix.F_UNLCK
	default:
		return errno(unix.EINVAL)
	}
	f, e := t.target(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.status(f.Lock(t, &in, &vfs.LockReply{}))
}

// Layout of struct flock.
const (
	flockSize = 32
	flockPid  = 24
)

// recordLock is fcntl's F_GETLK, F_SETLK, F_SETLKW and their F_OFD_ forms.
func (t *Trap) recordLock(cmd int32) int64 {
	f, e := t.target(t.arg32(0))
	if e != 0 {
		return e
	}
	b := t.bytes(flockSize)
	if e := t.read(t.arg(2), b[:]); e != 0 {
		return e
	}
	in := vfs.LockRequest{Owner: uint32(vfs.LockOwner_PROCESS), Type: uint32(le.Uint16(b[:])), Whence: uint32(le.Uint16(b[2:])),
		Start: int64(le.Uint64(b[8:])), Len: int64(le.Uint64(b[16:]))}
	switch cmd {
	case unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW:
		in.Owner = uint32(vfs.LockOwner_OPEN)
		if le.Uint32(b[flockPid:]) != 0 {
			return errno(unix.EINVAL)
		}
	}
	in.Test = cmd == unix.F_GETLK || cmd == unix.F_OFD_GETLK
	in.Wait = cmd == unix.F_SETLKW || cmd == unix.F_OFD_SETLKW
	if in.Type > unix.F_UNLCK || in.Test && in.Type == unix.F_UNLCK && in.Owner == uint32(vfs.LockOwner_PROCESS) {
		return errno(unix.EINVAL)
	}
	var out vfs.LockReply
	if err := f.Lock(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if !in.Test {
		t.l.sawLocks(out.Count)
		return 0
	}
	le.PutUint16(b[:], uint16(out.Type))
	if out.Type != unix.F_UNLCK {
		le.PutUint16(b[2:], unix.SEEK_SET)
		le.PutUint64(b[8:], uint64(out.Start))
		le.PutUint64(b[16:], uint64(out.Len))
		le.PutUint32(b[flockPid:], uint32(out.Pid))
	}
	return t.write(t.arg(2), b[:])
}

func (l *Linux) sawLocks(n int64) {
	l.locks = locksNone
	if n > 0 {
		l.locks = locksSome
	}
}

// Decisions of releaseLocks in the trap's record: the steps that follow are numbered by it.
const (
	closeKeeps    = 1
	closeReleases = 2
)

// releaseLocks takes the caller's record locks on the file of fd away, which it is about to close.
func (t *Trap) releaseLocks(fd int32) {
	if t.l.locks == locksNone && t.forwardable && t.Record[0] == 0 {
		return
	}
	if t.remember(t.closeDecision) == closeKeeps {
		return
	}
	f, e := t.target(fd)
	if e != 0 {
		return
	}
	var out vfs.LockReply
	if err := f.Lock(t, &vfs.LockRequest{Owner: uint32(vfs.LockOwner_PROCESS), Closing: true}, &out); err == uabi.OK {
		t.l.sawLocks(out.Count)
	}
}

func (t *Trap) closeDecision() uint64 {
	if t.l.locks == locksUnknown {
		var out vfs.CountReply
		if err := t.l.vfs.LockCount(t, &vfs.EmptyRequest{}, &out); err == uabi.OK {
			t.l.sawLocks(out.Count)
		}
	}
	if t.l.locks == locksNone {
		return closeKeeps
	}
	return closeReleases
}
