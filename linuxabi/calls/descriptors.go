package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func closeFD(t *Trap) int64 { return t.close(t.forwardable) }

// closeFailed goes on where procd did not close a socket.
func closeFailed(t *Trap, e uabi.Error) int64 {
	if e == uabi.ErrBusy {
		return t.close(false)
	}
	return t.status(e)
}

// close is close(2); forward: procd may answer, if the descriptor turns out to be no socket's.
func (t *Trap) close(forward bool) int64 {
	fd := t.arg32(0)
	t.releaseLocks(fd)
	kind := t.l.fds.drop(t.files0(), fd)
	in := proc.FdCloseRequest{Fd: fd}
	if forward && kind != vfs.Kind_SOCKET {
		in.Except = uint32(vfs.Kind_SOCKET)
		return t.forwarded(t.l.proc.ForwardFdClose(t, &in))
	}
	var out proc.FdCloseReply
	err := t.l.proc.FdClose(t, &in, &out)
	if err == uabi.OK && out.Last && vfs.Kind(out.Kind) == vfs.Kind_SOCKET {
		// It must have left vfsd's epoll files when close returns.
		t.l.net.Settle(t, &net.EmptyRequest{}, &net.EmptyReply{})
	}
	return t.status(err)
}

func closeRange(t *Trap) int64 {
	first, last, flags := uint32(t.arg(0)), uint32(t.arg(1)), t.arg(2)
	if first > last || flags&^(unix.CLOSE_RANGE_CLOEXEC|unix.CLOSE_RANGE_UNSHARE) != 0 {
		return errno(unix.EINVAL)
	}
	if flags&unix.CLOSE_RANGE_UNSHARE != 0 {
		if err := t.l.proc.Unshare(t, &proc.UnshareRequest{Flags: unix.CLONE_FILES}, &proc.EmptyReply{}); err != uabi.OK {
			return t.status(err)
		}
	}
	t.l.fds.dropTable(t.files0())
	return t.status(t.l.proc.FdCloseRange(t, &proc.FdRangeRequest{First: first, Last: last,
		CloexecOnly: flags&unix.CLOSE_RANGE_CLOEXEC != 0}, &proc.EmptyReply{}))
}

func dup(t *Trap) int64 { return t.dupFrom(0, false) }

// dupZeroFailed: the lowest descriptor is beyond a limit of 0.
func dupZeroFailed(t *Trap, e uabi.Error) int64 {
	if e == uabi.ErrArg {
		return errno(unix.EMFILE)
	}
	return t.status(e)
}

func (t *Trap) dupFrom(lowest uint32, cloexec bool) int64 {
	in := proc.FdDupRequest{Fd: t.arg32(0), Min: lowest, Cloexec: cloexec}
	if t.forwardable {
		return t.forwarded(t.l.proc.ForwardFdDup(t, &in))
	}
	var out proc.FdReply
	err := t.l.proc.FdDup(t, &in, &out)
	return t.result(out.Fd, err)
}

func dup2(t *Trap) int64 {
	if t.arg32(0) == t.arg32(1) {
		if _, _, e := t.file(t.arg32(0)); e != 0 {
			return e
		}
		return int64(t.arg32(1))
	}
	return t.dupTo(false)
}

func dup3(t *Trap) int64 {
	flags := t.arg(2)
	if t.arg32(0) == t.arg32(1) || flags&^unix.O_CLOEXEC != 0 {
		return errno(unix.EINVAL)
	}
	return t.dupTo(flags != 0)
}

func (t *Trap) dupTo(cloexec bool) int64 {
	in := proc.FdDup2Request{Fd: t.arg32(0), New: t.arg32(1), Cloexec: cloexec}
	t.releaseLocks(in.New)
	t.l.fds.drop(t.files0(), in.New)
	if t.forwardable {
		return t.forwarded(t.l.proc.ForwardFdDup2(t, &in))
	}
	var out proc.FdReply
	err := t.l.proc.FdDup2(t, &in, &out)
	return t.result(out.Fd, err)
}

// dupFailed: a target beyond the limit is EBADF for dup2 and dup3.
func dupFailed(t *Trap, e uabi.Error) int64 {
	if e == uabi.ErrArg {
		return errno(unix.EBADF)
	}
	return t.status(e)
}

func fcntl(t *Trap) int64 {
	switch cmd := t.arg32(1); cmd {
	case unix.F_DUPFD, unix.F_DUPFD_CLOEXEC:
		return t.dupFrom(uint32(t.arg(2)), cmd == unix.F_DUPFD_CLOEXEC)
	case unix.F_GETFD, unix.F_SETFD:
		in := proc.FdFlagsRequest{Fd: t.arg32(0), Set: cmd == unix.F_SETFD, Cloexec: t.arg(2)&unix.FD_CLOEXEC != 0}
		var out proc.FdReply
		err := t.l.proc.FdFlags(t, &in, &out)
		if in.Set {
			return t.status(err)
		}
		return t.result(out.Fd, err)
	case unix.F_GETFL, unix.F_SETFL:
		f, e := t.target(t.arg32(0))
		if e != 0 {
			return e
		}
		in := vfs.FlagsRequest{Set: cmd == unix.F_SETFL, Flags: uint32(t.arg(2))}
		var out vfs.CountReply
		err := f.Flags(t, &in, &out)
		if in.Set {
			return t.status(err)
		}
		return t.result(out.Count, err)
	case unix.F_GETLK, unix.F_SETLK, unix.F_SETLKW, unix.F_OFD_GETLK, unix.F_OFD_SETLK, unix.F_OFD_SETLKW:
		return t.recordLock(cmd)
	case unix.F_ADD_SEALS, unix.F_GET_SEALS:
		return t.seals(cmd == unix.F_ADD_SEALS)
	case unix.F_GETPIPE_SZ, unix.F_SETPIPE_SZ:
		return t.pipeSize(cmd == unix.F_SETPIPE_SZ, uint32(t.arg(2)))
	default:
		if _, _, e := t.file(t.arg32(0)); e != 0 {
			return e
		}
		t.gap(unix.SYS_FCNTL, fcntlName(cmd))
		return errno(unix.EINVAL)
	}
}

// pipeSize is F_GETPIPE_SZ and F_SETPIPE_SZ.
func (t *Trap) pipeSize(set bool, n uint32) int64 {
	f, kind, e := t.file(t.arg32(0))
	switch {
	case e != 0:
		return e
	case kind != vfs.Kind_PIPE:
		return errno(unix.EBADF)
	}
	var out vfs.CountReply
	err := (vfs.Client{H: f}).PipeSize(t, &vfs.PipeSizeRequest{Set: set, Size: uint64(n)}, &out)
	return t.result(out.Count, err)
}

func fcntlName(cmd int32) string {
	switch cmd {
	case unix.F_GETOWN, unix.F_SETOWN:
		return "F_SETOWN"
	}
	return "unknown command"
}
