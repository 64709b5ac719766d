package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func eventfd(t *Trap) int64  { return t.eventfd(0) }
func eventfd2(t *Trap) int64 { return t.eventfd(uint32(t.arg(1))) }

func (t *Trap) eventfd(flags uint32) int64 {
	if flags&^(unix.EFD_CLOEXEC|unix.EFD_NONBLOCK|unix.EFD_SEMAPHORE) != 0 {
		return errno(unix.EINVAL)
	}
	in := vfs.EventfdRequest{Value: uint32(t.arg(0)), Semaphore: flags&unix.EFD_SEMAPHORE != 0, Nonblock: flags&unix.EFD_NONBLOCK != 0}
	var out vfs.OpenReply
	if err := t.l.vfs.Eventfd(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), flags&unix.EFD_CLOEXEC != 0)
}

func epollCreate(t *Trap) int64 {
	if t.arg32(0) <= 0 {
		return errno(unix.EINVAL)
	}
	return t.epollCreate(0)
}

func epollCreate1(t *Trap) int64 { return t.epollCreate(t.arg(0)) }

func (t *Trap) epollCreate(flags uint64) int64 {
	if flags&^unix.EPOLL_CLOEXEC != 0 {
		return errno(unix.EINVAL)
	}
	var out vfs.OpenReply
	if err := t.l.vfs.EpollCreate(t, &vfs.EmptyRequest{}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), flags != 0)
}

// epollEventSize is sizeof(struct epoll_event), which x86-64 packs.
const epollEventSize = 12

func epollCtl(t *Trap) int64 {
	in := vfs.EpollControlRequest{Op: uint32(t.arg(1)), Fd: t.arg32(2)}
	if in.Op != unix.EPOLL_CTL_DEL {
		b := t.bytes(epollEventSize)
		if e := t.read(t.arg(3), b[:]); e != 0 {
			return e
		}
		in.Events, in.Data = le.Uint32(b[:]), le.Uint64(b[4:])
	}
	e, kind, bad := t.opened(t.arg32(0))
	if bad != 0 {
		return bad
	}
	f, of, bad := t.opened(in.Fd)
	if bad != 0 {
		return bad
	}
	if kind != vfs.Kind_EPOLL {
		if of == vfs.Kind_FILE || of == vfs.Kind_DIRECTORY {
			return errno(unix.EPERM) // what cannot be polled comes first
		}
		return errno(unix.EINVAL)
	}
	in.File = uint32(f)
	if of == vfs.Kind_SOCKET {
		if err := t.watchSocket(net.Client{H: f}, &in); err != uabi.OK {
			return t.status(err)
		}
	}
	return t.status(vfs.Client{H: e}.EpollControl(t, &in, &vfs.EmptyReply{}))
}

func epollWait(t *Trap) int64 {
	deadline, ms := uint64(uabi.NoDeadline), t.arg32(3)
	if ms >= 0 {
		deadline = t.deadline(int64(ms) * 1e6)
	}
	return t.epollWait(ms == 0, deadline)
}

func epollPwait(t *Trap) int64 {
	if e := t.pollMask(t.arg(4), t.arg(5)); e != 0 {
		return e
	}
	return epollWait(t)
}

func epollPwait2(t *Trap) int64 {
	deadline, now, e := t.pollTime(t.arg(3))
	if e != 0 {
		return e
	}
	if e := t.pollMask(t.arg(4), t.arg(5)); e != 0 {
		return e
	}
	return t.epollWait(now, deadline)
}

func (t *Trap) epollWait(now bool, deadline uint64) int64 {
	const most = 1<<31/epollEventSize - 1
	n := t.arg32(2)
	if n <= 0 || n > most {
		return errno(unix.EINVAL)
	}
	if t.arg(1) > uabi.MaxUser-uint64(n)*epollEventSize {
		return errno(unix.EFAULT)
	}
	h, kind, e := t.opened(t.arg32(0))
	if e != 0 {
		return e
	}
	if kind != vfs.Kind_EPOLL {
		return errno(unix.EINVAL)
	}
	in := vfs.EpollWaitRequest{Max: uint32(n), Deadline: deadline, Now: now}
	g := grant(t.arg(1), uint64(n)*epollEventSize, uabi.RightWrite)
	f := vfs.Client{H: h}
	if t.forwardable && !t.masked {
		return t.forwarded(f.ForwardEpollWait(t, &in, g))
	}
	var out vfs.CountReply
	err := f.EpollWait(t, &in, &out, g)
	if err == uabi.ErrWait {
		return t.epollBlock(deadline)
	}
	return t.result(out.Count, err)
}

// epollBlock waits as the last call said, at most until the deadline.
func (t *Trap) epollBlock(deadline uint64) int64 {
	w := t.LastWait()
	w.Deadline = deadline
	switch v := t.block(w); v {
	case errno(unix.ETIMEDOUT):
		return 0
	case restartSys:
		return errno(unix.EINTR) // never restarted: signal(7)
	default:
		return v
	}
}
