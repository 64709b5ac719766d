package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// incoming is where a message goes.
type incoming struct {
	n       net.Client
	iov     []byte
	flags   uint32
	control uint64 // bytes of room

	rep   net.MessageReply
	count uint64
	name  []byte // the sender's address
	cmsg  []byte
}

func recvfrom(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	flags, size := uint32(t.arg(3)), min(t.arg(2), maxRW)
	if t.arg(4) == 0 && t.forwardable && flags&unix.MSG_WAITALL == 0 {
		return t.forwarded(n.ForwardRecv(t, &net.FlagsRequest{Flags: flags}, grant(t.arg(1), size, uabi.RightWrite)))
	}
	in := incoming{n: n, iov: le.AppendUint64(le.AppendUint64(nil, t.arg(1)), size), flags: flags}
	if v := in.receive(t); v < 0 {
		return v
	}
	if t.arg(4) != 0 {
		if e := t.putAddress(t.arg(4), t.arg(5), in.name); e != 0 {
			return e
		}
	}
	return int64(in.count)
}

// recvFailed ends a forwarded receive.
func recvFailed(t *Trap, err uabi.Error) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.socketResult(n, 0, err)
}

// isSocketError reports an error that only a socket has, and tells once.
func isSocketError(err uabi.Error) bool {
	return err == uabi.ErrReset || err == uabi.ErrRefused || err == uabi.ErrNoBuffers
}

// maxInline is how much of a message comes in netd's reply, where there are more pieces than a request has grants.
const maxInline = 48 << 10

// receive takes the next message: what it gives is 0, an error or pending.
func (r *incoming) receive(t *Trap) int64 {
	in := net.ReceiveRequest{Flags: r.flags, Control: uint32(min(r.control, maxControl))}
	total, pieces := uint64(0), 0
	for i := 0; i < len(r.iov); i += abi.IovecSize {
		if n := le.Uint64(r.iov[i+8:]); n > 0 {
			total += n
			pieces++
		}
	}
	var g []uabi.Grant
	if pieces > uabi.MaxGrants {
		in.Inline = uint32(min(total, maxInline))
	} else {
		g = grantsAt(r.iov, 0, uabi.RightWrite)
	}
	if err := r.n.RecvMessage(t, &in, &r.rep, g...); err != uabi.OK {
		return t.socketResult(r.n, 0, err)
	}
	if r.rep.Flags&unix.MSG_TRUNC != 0 && in.Inline > 0 && total > maxInline {
		t.gap(unix.SYS_RECVMSG, "a long datagram into many pieces")
	}
	r.count = uint64(r.rep.Count)
	data, left := r.rep.Data, &r.rep
	if left.Family != 0 {
		r.name = addressBytes(left.Family, left.Name, left.Port, left.Groups)
	}
	if e := t.scatter(r.iov, data); e != 0 {
		return e
	}
	r.ancillary(t)
	if r.flags&unix.MSG_WAITALL != 0 && r.rep.More && r.rep.Files == 0 && r.count < total {
		return r.rest(t, total)
	}
	return 0
}

// rest goes on until all of a stream's bytes have come (MSG_WAITALL). A handler that runs again goes through its steps again: netd answers
// them from its journal, and their bytes are there.
func (r *incoming) rest(t *Trap, total uint64) int64 {
	for r.count < total {
		var out net.CountReply
		err := r.n.Recv(t, &net.FlagsRequest{Flags: r.flags}, &out, grantsAt(r.iov, r.count, uabi.RightWrite)...)
		if err == uabi.ErrWait {
			if v := t.socketBlock(); v == pending {
				return v
			}
			return 0
		}
		if err != uabi.OK || out.Count == 0 {
			return 0
		}
		r.count += uint64(out.Count)
	}
	return 0
}

// scatter copies bytes to the pieces of an iovec array.
func (t *Trap) scatter(iov, b []byte) int64 {
	for i := 0; i < len(iov) && len(b) > 0; i += abi.IovecSize {
		n := min(uint64(len(b)), le.Uint64(iov[i+8:]))
		if e := t.write(le.Uint64(iov[i:]), b[:n]); e != 0 {
			return e
		}
		b = b[n:]
	}
	return 0
}

// ancillary makes the ancillary data, in Linux's order: the time, the group, credentials, open files.
func (r *incoming) ancillary(t *Trap) {
	m := &r.rep
	files := m.Files
	if m.TimeNs != 0 {
		var w abi.Writer
		if m.Nanoseconds {
			w.Timespec(int64(m.TimeNs))
			r.put(unix.SOL_SOCKET, scmNanosecond, w.B)
		} else {
			w.Timeval(m.TimeNs)
			r.put(unix.SOL_SOCKET, scmTimestamp, w.B)
		}
	}
	if m.HasGroup {
		r.put(unix.SOL_NETLINK, unix.NETLINK_PKTINFO, le.AppendUint32(nil, m.Group))
	}
	if m.HasCreds {
		r.put(unix.SOL_SOCKET, unix.SCM_CREDENTIALS, le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, uint32(m.Pid)), m.Uid), m.Gid))
	}
	if files > 0 {
		if fds := t.takeFiles(r.n, files, r.flags&unix.MSG_CMSG_CLOEXEC != 0); len(fds) > 0 {
			r.put(unix.SOL_SOCKET, unix.SCM_RIGHTS, fds)
		}
		if len(r.cmsg) == 0 {
			m.Flags |= unix.MSG_CTRUNC
		}
	}
}

// put appends an ancillary message as far as there is room (put_cmsg).
func (r *incoming) put(level, typ uint32, data []byte) {
	left := int(r.control) - len(r.cmsg)
	if left < cmsgSize {
		r.rep.Flags |= unix.MSG_CTRUNC
		return
	}
	n := cmsgSize + len(data)
	if n > left {
		r.rep.Flags |= unix.MSG_CTRUNC
		n = left
	}
	r.cmsg = le.AppendUint64(r.cmsg, uint64(n))
	r.cmsg = le.AppendUint32(r.cmsg, level)
	r.cmsg = le.AppendUint32(r.cmsg, typ)
	r.cmsg = append(r.cmsg, data[:n-cmsgSize]...)
	for len(r.cmsg)%8 != 0 && len(r.cmsg) < int(r.control) {
		r.cmsg = append(r.cmsg, 0)
	}
}

// takeFiles gives the open files of a received message descriptors, and gives those as SCM_RIGHTS has them.
func (t *Trap) takeFiles(n net.Client, files uint32, cloexec bool) (fds []byte) {
	for taken := uint32(0); taken < files; {
		var out net.TakeReply
		if err := n.Take(t, &net.TakeRequest{}, &out); err != uabi.OK || len(out.Kinds) == 0 {
			break
		}
		handles := [...]uint32{out.File1, out.File2, out.File3, out.File4}
		for _, h := range handles[:len(out.Kinds)] {
			t.temp(uabi.Handle(h))
		}
		for i, kind := range out.Kinds {
			fd := t.installFile(&proc.FdInstallRequest{File: handles[i], Kind: kind, Id: out.Ids[i], Cloexec: cloexec})
			if fd < 0 {
				files = 0 // EMFILE: the others are lost
				break
			}
			fds = le.AppendUint32(fds, uint32(fd))
			taken++
		}
	}
	n.Take(t, &net.TakeRequest{Drop: true}, &net.TakeReply{})
	return fds
}

func recvmsg(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.receiveMessage(n, t.arg(1), uint32(t.arg(2)))
}

// receiveMessage fills the struct msghdr at va.
func (t *Trap) receiveMessage(n net.Client, va uint64, flags uint32) int64 {
	var m [msghdrSize]byte
	if e := t.read(va, m[:]); e != 0 {
		return e
	}
	if le.Uint64(m[msgIovLen:]) > maxIovecs {
		return errno(unix.EMSGSIZE)
	}
	name, room := le.Uint64(m[:]), int32(le.Uint32(m[msgNameLen:]))
	if name != 0 && room < 0 {
		return errno(unix.EINVAL)
	}
	in := incoming{n: n, flags: flags, control: le.Uint64(m[msgControlLen:])}
	var e int64
	if in.iov, e = t.iovecs(le.Uint64(m[msgIov:]), le.Uint64(m[msgIovLen:])); e != 0 {
		return e
	}
	if v := in.receive(t); v < 0 {
		return v
	}
	if name != 0 {
		if e := t.write(name, in.name[:min(len(in.name), int(room))]); e != 0 {
			return e
		}
		if e := t.write(va+msgNameLen, le.AppendUint32(nil, uint32(len(in.name)))); e != 0 {
			return e
		}
	}
	if e := t.write(le.Uint64(m[msgControl:]), in.cmsg); e != 0 {
		return e
	}
	w := le.AppendUint64(nil, uint64(len(in.cmsg)))
	w = le.AppendUint32(w, in.rep.Flags|flags&unix.MSG_CMSG_CLOEXEC)
	if e := t.write(va+msgControlLen, w); e != 0 {
		return e
	}
	return int64(in.count)
}

// recvmmsg: as sendmmsg. The time limit is looked at between messages only, as on Linux.
func recvmmsg(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	deadline := uint64(uabi.NoDeadline)
	if t.arg(4) != 0 {
		ns, e := t.timespec(t.arg(4), 0)
		if e != 0 {
			return e
		}
		deadline = t.deadline(ns)
	}
	const waitForOne = 0x10000 // MSG_WAITFORONE
	flags := uint32(t.arg(3)) &^ waitForOne
	count := min(t.arg(2)&0xffffffff, maxIovecs)
	for i := range count {
		va := t.arg(1) + i*mmsghdrSize
		v := t.receiveMessage(n, va, flags)
		if v == pending {
			return v
		}
		if v < 0 {
			if i > 0 {
				return int64(i)
			}
			return v
		}
		if e := t.write(va+mmsgLen, le.AppendUint32(nil, uint32(v))); e != 0 {
			return e
		}
		if t.arg(3)&waitForOne != 0 {
			flags |= unix.MSG_DONTWAIT
		}
		if now, err := t.K.Clock(uabi.ClockMonotonic); deadline != uabi.NoDeadline && err == uabi.OK && now >= deadline {
			return int64(i + 1)
		}
	}
	return int64(count)
}
