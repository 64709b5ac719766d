package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Sockets are netd's: AF_UNIX and AF_NETLINK. An open one answers the methods of other open files too, so that read, write, poll, ioctl and
// fcntl know nothing of it.

// socketFD resolves a descriptor that must be a socket.
func (t *Trap) socketFD(fd int32) (net.Client, int64) {
	h, kind, e := t.opened(fd)
	if e != 0 {
		return net.Client{}, e
	}
	if kind != vfs.Kind_SOCKET {
		return net.Client{}, errno(unix.ENOTSOCK)
	}
	return net.Client{H: h}, 0
}

// socketResult is result for what socket n answered.
func (t *Trap) socketResult(n net.Client, v int64, err uabi.Error) int64 {
	if err == uabi.ErrWait {
		return t.socketBlock()
	}
	if isSocketError(err) {
		n.Error(t, &net.EmptyRequest{}, &net.CountReply{})
	}
	return t.result(v, err)
}

// socketBlock waits as the last call said. With a time limit of the socket's own (SO_RCVTIMEO, SO_SNDTIMEO) the end is EAGAIN, and a signal
// EINTR whatever its flags: signal(7).
func (t *Trap) socketBlock() int64 {
	w := t.LastWait()
	switch v := t.block(w); {
	case v == errno(unix.ETIMEDOUT):
		return errno(unix.EAGAIN)
	case v == restartSys && w.Deadline != uabi.NoDeadline:
		return errno(unix.EINTR)
	default:
		return v
	}
}

const (
	socketTypeMask = 0xf
	socketFlags    = unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK
	maxDomain      = 46 // AF_MAX
	maxSocketType  = 11 // SOCK_MAX
)

// socketArgs checks domain, type and protocol as __sys_socket and sock_create do before they look for the family.
func (t *Trap) socketArgs() (in *net.SocketRequest, cloexec bool, e int64) {
	domain, typ, protocol := t.arg32(0), t.arg32(1), t.arg32(2)
	in = &net.SocketRequest{Domain: uint32(domain), Type: uint32(typ) & socketTypeMask, Protocol: uint32(protocol), Nonblock: typ&unix.SOCK_NONBLOCK != 0}
	switch {
	case typ&^socketTypeMask&^socketFlags != 0:
		e = errno(unix.EINVAL)
	case domain < 0 || domain >= maxDomain:
		e = errno(unix.EAFNOSUPPORT)
	case in.Type >= maxSocketType:
		e = errno(unix.EINVAL)
	}
	return in, typ&unix.SOCK_CLOEXEC != 0, e
}

func socket(t *Trap) int64 {
	in, cloexec, e := t.socketArgs()
	if e != 0 {
		return e
	}
	var out net.SocketReply
	if err := t.l.net.Socket(t, in, &out); err != uabi.OK {
		if err == uabi.ErrFamily {
			t.gap(unix.SYS_SOCKET, "family")
		}
		return t.status(err)
	}
	return t.installSocket(out.File, out.Id, cloexec)
}

// installSocket is install with the socket's number.
func (t *Trap) installSocket(h uint32, id uint64, cloexec bool) int64 {
	t.temp(uabi.Handle(h))
	return t.installFile(&proc.FdInstallRequest{File: h, Kind: uint32(vfs.Kind_SOCKET), Id: id, Cloexec: cloexec})
}

func socketpair(t *Trap) int64 {
	in, cloexec, e := t.socketArgs()
	if e != 0 {
		return e
	}
	if e := t.writable(t.arg(3), 8); e != 0 {
		return e
	}
	var pair net.PairReply
	if err := t.l.net.Pair(t, in, &pair); err != uabi.OK {
		return t.status(err)
	}
	t.temp(uabi.Handle(pair.File))
	t.temp(uabi.Handle(pair.File2))
	const kind = uint32(vfs.Kind_SOCKET)
	var out proc.FdInstallReply
	err := t.l.proc.FdInstall(t, &proc.FdInstallRequest{File: pair.File, File2: pair.File2, Kind: kind, Kind2: kind, Id: pair.Id, Id2: pair.Id2,
		Cloexec: cloexec}, &out)
	if err != uabi.OK {
		return t.status(err)
	}
	t.l.fds.know(t.files0(), int32(out.Fd), vfs.Kind_SOCKET)
	t.l.fds.know(t.files0(), int32(out.Fd2), vfs.Kind_SOCKET)
	return t.write(t.arg(3), le.AppendUint32(le.AppendUint32(nil, uint32(out.Fd)), uint32(out.Fd2)))
}

func listen(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.status(n.Listen(t, &net.ListenRequest{Backlog: uint32(t.arg(1))}, &net.EmptyReply{}))
}

func accept(t *Trap) int64  { return t.accept(0) }
func accept4(t *Trap) int64 { return t.accept(t.arg32(3)) }

func (t *Trap) accept(flags int32) int64 {
	if flags&^socketFlags != 0 {
		return errno(unix.EINVAL)
	}
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	if t.arg(1) != 0 {
		if _, e := t.addressRoom(t.arg(2)); e != 0 {
			return e
		}
	}
	var out net.AcceptReply
	if err := n.Accept(t, &net.AcceptRequest{Nonblock: flags&unix.SOCK_NONBLOCK != 0}, &out); err != uabi.OK {
		return t.socketResult(n, 0, err)
	}
	name := addressBytes(out.Family, out.Name, 0, 0)
	fd := t.installSocket(out.File, out.Id, flags&unix.SOCK_CLOEXEC != 0)
	if fd >= 0 && t.arg(1) != 0 {
		if e := t.putAddress(t.arg(1), t.arg(2), name); e != 0 {
			return e
		}
	}
	return fd
}

func shutdown(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.status(n.Shutdown(t, &net.ShutdownRequest{How: uint32(t.arg(1))}, &net.EmptyReply{}))
}

// Options.

const (
	maxOption = 4096 // bytes of a value that has no size of its own
	soError   = unix.SO_ERROR
)

func getsockopt(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	room, e := t.addressRoom(t.arg(4))
	if e != 0 {
		return e
	}
	in := net.OptionRequest{Level: uint32(t.arg(1)), Name: uint32(t.arg(2))}
	value, err := t.option(n, &in)
	if err != uabi.OK {
		return t.status(err)
	}
	socketLevel := in.Level == unix.SOL_SOCKET
	full := socketLevel && in.Name == unix.SO_PEERGROUPS || in.Level == unix.SOL_NETLINK && in.Name == unix.NETLINK_LIST_MEMBERSHIPS
	if socketLevel && in.Name == unix.SO_PEERGROUPS && room < len(value) {
		if e := t.write(t.arg(4), le.AppendUint32(nil, uint32(len(value)))); e != 0 {
			return e
		}
		return errno(unix.ERANGE)
	}
	put := min(room, len(value))
	if e := t.write(t.arg(3), value[:put]); e != 0 {
		return e
	}
	if full {
		put = len(value)
	}
	return t.write(t.arg(4), le.AppendUint32(nil, uint32(put)))
}

func (t *Trap) option(n net.Client, in *net.OptionRequest) ([]byte, uabi.Error) {
	if in.Level == unix.SOL_SOCKET && in.Name == soError {
		var out net.CountReply
		err := n.Error(t, &net.EmptyRequest{}, &out)
		return le.AppendUint32(nil, uint32(abi.Errno(uabi.Error(out.Count)))), err
	}
	var out net.OptionReply
	err := n.GetOption(t, in, &out)
	return out.Value, err
}

// struct sock_fprog: how many instructions, and where they are.
const (
	fprogSize  = 16
	filterSize = 8
	maxFilter  = 4096
)

func setsockopt(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	size := t.arg32(4)
	if size < 0 {
		return errno(unix.EINVAL)
	}
	in := net.OptionRequest{Level: uint32(t.arg(1)), Name: uint32(t.arg(2)), Value: make([]byte, min(size, maxOption))}
	if e := t.read(t.arg(3), in.Value); e != 0 {
		return e
	}
	if in.Level == unix.SOL_SOCKET && in.Name == unix.SO_ATTACH_FILTER {
		if len(in.Value) != fprogSize {
			return errno(unix.EINVAL)
		}
		count, va := uint64(le.Uint16(in.Value)), le.Uint64(in.Value[8:])
		if count == 0 || count > maxFilter {
			return errno(unix.EINVAL)
		}
		in.Value = make([]byte, count*filterSize)
		if e := t.read(va, in.Value); e != 0 {
			return e
		}
	}
	switch err := n.SetOption(t, &in, &net.EmptyReply{}); err {
	case uabi.ErrRange:
		return errno(unix.EDOM)
	case uabi.ErrNoOption:
		t.gap(unix.SYS_SETSOCKOPT, "option")
		return errno(unix.ENOPROTOOPT)
	default:
		return t.status(err)
	}
}

// watchSocket gives an epoll_ctl request what vfsd has to know of a socket. netd is told, since vfsd keeps a note of it.
func (t *Trap) watchSocket(n net.Client, in *vfs.EpollControlRequest) uabi.Error {
	in.File = 0
	if in.Op == unix.EPOLL_CTL_ADD {
		var out net.WatchReply
		err := n.Watch(t, &net.EmptyRequest{}, &out)
		t.temp(uabi.Handle(out.Event))
		in.Id, in.Event = out.Id, out.Event
		return err
	}
	var out vfs.PollReply
	err := vfs.Client{H: n.H}.Poll(t, &vfs.EmptyRequest{}, &out)
	t.temp(uabi.Handle(out.Event))
	in.Id = out.Id
	return err
}
