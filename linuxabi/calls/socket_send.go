package calls

import (
	"runtime"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// outgoing is a message that is being sent.
type outgoing struct {
	n     net.Client
	iov   []byte // of the alien
	total uint64
	own   []byte // the bytes, where they are in more pieces than a request has grants
	in    net.MessageRequest
	files []*proc.FdGetReply // open files (SCM_RIGHTS)
}

// maxGather is how much linuxabi copies of a message in many pieces; a longer one is no datagram for any socket here.
const maxGather = 1 << 20

// recordSent is the record word with how far a stream's message got, as recordProgress of writeStream. The words before it are remember's.
const recordSent = 2

func sendto(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	flags := uint32(t.arg(3))
	size := min(t.arg(2), maxRW)
	if t.arg(4) == 0 && t.forwardable && size <= pipeBuf && size > 0 {
		return t.forwarded(n.ForwardSend(t, &net.FlagsRequest{Flags: flags}, grant(t.arg(1), size, uabi.RightRead)))
	}
	o := outgoing{n: n, iov: le.AppendUint64(le.AppendUint64(nil, t.arg(1)), size), in: net.MessageRequest{Flags: flags}}
	if e := o.address(t, t.arg(4), t.arg(5)); e != 0 {
		return e
	}
	return o.send(t, &t.Record[recordSent])
}

// sendFailed ends a forwarded send.
func sendFailed(t *Trap, err uabi.Error) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.notSent(n, uint32(t.arg(3)), err)
}

// notSent is the answer for a message of which nothing was sent.
func (t *Trap) notSent(n net.Client, flags uint32, err uabi.Error) int64 {
	if err == uabi.ErrPipe {
		if flags&unix.MSG_NOSIGNAL != 0 {
			return errno(unix.EPIPE)
		}
		return t.wrote(0, err)
	}
	return t.socketResult(n, 0, err)
}

// address reads the address that a message goes to; va 0: the peer.
func (o *outgoing) address(t *Trap, va, size uint64) int64 {
	if va == 0 {
		return 0
	}
	if size == 0 {
		return 0
	}
	a, e := t.sockaddr(va, size)
	if e != 0 {
		return e
	}
	in := &o.in
	in.HasAddress, in.Family, in.Name, in.Port, in.Groups = true, a.family, a.name, a.port, a.groups
	if a.isPath() {
		in.Ino, e = t.socketInode(string(a.name))
	}
	return e
}

// plain reports a message that is bytes only.
func (o *outgoing) plain() bool { return !o.in.HasAddress && !o.in.HasCreds && len(o.files) == 0 }

// send sends the message: a stream's in as many steps as it takes, of which sent says how far they got.
func (o *outgoing) send(t *Trap, sent *uint64) int64 {
	if e := o.gather(t); e != 0 {
		return e
	}
	done := uint64(0)
	if sent != nil && *sent != 0 {
		done, t.Step = *sent&progressMask, uint16(*sent>>progressBits)
	}
	if done == 0 {
		if e := o.stage(t); e != 0 {
			return e
		}
	}
	for {
		var out net.CountReply
		err := o.piece(t, done, &out)
		if err != uabi.OK {
			return o.stopped(t, done, err)
		}
		done += uint64(out.Count)
		if done >= o.total || out.Count == 0 || t.Step > maxSteps {
			return int64(done)
		}
		o.files = nil // they went with the first bytes
		o.in.Staged, o.in.Kinds, o.in.Ids = false, nil, nil
		o.in.File1, o.in.File2, o.in.File3, o.in.File4 = 0, 0, 0, 0
		if sent != nil {
			*sent = done | uint64(t.Step)<<progressBits
			t.Save = true
		}
	}
}

// stopped is the answer when a step failed.
func (o *outgoing) stopped(t *Trap, done uint64, err uabi.Error) int64 {
	if done == 0 {
		v := t.notSent(o.n, o.in.Flags, err)
		if o.in.Staged && v != pending {
			o.n.Stage(t, &net.StageRequest{First: true}, &net.EmptyReply{})
		}
		return v
	}
	if err == uabi.ErrWait {
		if v := t.socketBlock(); v == pending {
			return v
		}
	}
	return int64(done)
}

// piece sends what is behind the first done bytes, as much as one request can.
func (o *outgoing) piece(t *Trap, done uint64, out *net.CountReply) uabi.Error {
	var g []uabi.Grant
	if o.own != nil {
		g = append(g, uk.Grant(o.own[done:], uabi.RightRead))
	} else {
		g = grantsAt(o.iov, done, uabi.RightRead)
	}
	defer runtime.KeepAlive(o.own)
	o.in.Total = o.total - done
	if o.plain() && granted(g) == o.in.Total {
		return o.n.Send(t, &net.FlagsRequest{Flags: o.in.Flags}, out, g...)
	}
	return o.n.SendMessage(t, &o.in, out, g...)
}

func granted(g []uabi.Grant) (n uint64) {
	for _, x := range g {
		n += x.Len
	}
	return n
}

// grantsAt are windows onto the pieces of an iovec array behind the first done bytes: as many as a request has.
func grantsAt(iov []byte, done uint64, rights uint32) (g []uabi.Grant) {
	for i := 0; i < len(iov) && len(g) < uabi.MaxGrants; i += abi.IovecSize {
		addr, n := le.Uint64(iov[i:]), le.Uint64(iov[i+8:])
		if skip := min(done, n); skip > 0 {
			addr, n, done = addr+skip, n-skip, done-skip
		}
		if n > 0 {
			g = append(g, grant(addr, min(n, maxRW), rights))
		}
	}
	return g
}

// gather finds how long the message is, and copies one in many pieces.
func (o *outgoing) gather(t *Trap) int64 {
	pieces := 0
	for i := 0; i < len(o.iov); i += abi.IovecSize {
		if n := le.Uint64(o.iov[i+8:]); n > 0 {
			o.total += n
			pieces++
		}
	}
	if pieces <= uabi.MaxGrants || o.total > maxGather {
		return 0
	}
	o.own = make([]byte, 0, o.total)
	for i := 0; i < len(o.iov); i += abi.IovecSize {
		at, n := len(o.own), int(le.Uint64(o.iov[i+8:]))
		o.own = o.own[:at+n]
		if e := t.read(le.Uint64(o.iov[i:]), o.own[at:]); e != 0 {
			return e
		}
	}
	return 0
}

// stage leaves open files with netd where they are more than one request carries.
func (o *outgoing) stage(t *Trap) int64 {
	slots := [...]*uint32{&o.in.File1, &o.in.File2, &o.in.File3, &o.in.File4}
	for i := 0; len(o.files)-i > uabi.MaxHandles; i += uabi.MaxHandles {
		in := net.StageRequest{First: i == 0}
		to := [...]*uint32{&in.File1, &in.File2, &in.File3, &in.File4}
		for j, f := range o.files[i : i+uabi.MaxHandles] {
			in.Kinds, in.Ids, *to[j] = append(in.Kinds, f.Kind), append(in.Ids, f.Id), f.File
		}
		if err := o.n.Stage(t, &in, &net.EmptyReply{}); err != uabi.OK {
			return t.status(err)
		}
		o.in.Staged = true
	}
	rest := o.files
	if n := len(rest); n > uabi.MaxHandles {
		rest = rest[(n-1)/uabi.MaxHandles*uabi.MaxHandles:]
	}
	for j, f := range rest {
		o.in.Kinds, o.in.Ids, *slots[j] = append(o.in.Kinds, f.Kind), append(o.in.Ids, f.Id), f.File
	}
	return 0
}

// Layout of struct msghdr and struct mmsghdr.
const (
	msghdrSize    = 56
	mmsghdrSize   = 64
	msgNameLen    = 8
	msgIov        = 16
	msgIovLen     = 24
	msgControl    = 32
	msgControlLen = 40
	msgFlags      = 48
	mmsgLen       = 56
)

func sendmsg(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.sendMessage(n, t.arg(1), uint32(t.arg(2)), &t.Record[recordSent])
}

// sendMessage sends what the struct msghdr at va says.
func (t *Trap) sendMessage(n net.Client, va uint64, flags uint32, sent *uint64) int64 {
	var m [msghdrSize]byte
	if e := t.read(va, m[:]); e != 0 {
		return e
	}
	o := outgoing{n: n, in: net.MessageRequest{Flags: flags}}
	var e int64
	if le.Uint64(m[msgIovLen:]) > maxIovecs {
		return errno(unix.EMSGSIZE)
	}
	if o.iov, e = t.iovecs(le.Uint64(m[msgIov:]), le.Uint64(m[msgIovLen:])); e != 0 {
		return e
	}
	if int32(le.Uint32(m[msgNameLen:])) < 0 {
		return errno(unix.EINVAL)
	}
	if e := o.address(t, le.Uint64(m[:]), uint64(min(le.Uint32(m[msgNameLen:]), maxSockaddr))); e != 0 {
		return e
	}
	if size := le.Uint64(m[msgControlLen:]); size > 0 {
		if e := o.control(t, le.Uint64(m[msgControl:]), size); e != 0 {
			return e
		}
	}
	return o.send(t, sent)
}

// Ancillary messages (cmsg(3)).
const (
	cmsgSize      = 16
	maxControl    = 20480 // net.core.optmem_max
	maxRights     = 253   // SCM_MAX_FD
	ucredSize     = 12
	scmTimestamp  = unix.SO_TIMESTAMP
	scmNanosecond = unix.SO_TIMESTAMPNS
)

// control reads the ancillary data of a message.
func (o *outgoing) control(t *Trap, va, size uint64) int64 {
	if size > maxControl {
		return errno(unix.ENOBUFS)
	}
	b := make([]byte, size)
	if e := t.read(va, b); e != 0 {
		return e
	}
	for len(b) >= cmsgSize {
		n := le.Uint64(b)
		if n < cmsgSize || n > uint64(len(b)) {
			return errno(unix.EINVAL)
		}
		level, typ, data := le.Uint32(b[8:]), le.Uint32(b[12:]), b[cmsgSize:n]
		if level == unix.SOL_SOCKET {
			if e := o.ancillary(t, typ, data); e != 0 {
				return e
			}
		}
		b = b[min(uint64(len(b)), (n+7)&^7):]
	}
	return 0
}

func (o *outgoing) ancillary(t *Trap, typ uint32, data []byte) int64 {
	switch typ {
	case unix.SCM_RIGHTS:
		if len(data)/4 > maxRights-len(o.files) {
			return errno(unix.EINVAL)
		}
		for i := 0; i+4 <= len(data); i += 4 {
			// Not through the cache: what is under way must count as a handle.
			f := &proc.FdGetReply{}
			if err := t.l.proc.FdGet(t, &proc.FdGetRequest{Fd: int32(le.Uint32(data[i:]))}, f); err != uabi.OK {
				return t.status(err)
			}
			t.temp(uabi.Handle(f.File))
			o.files = append(o.files, f)
		}
	case unix.SCM_CREDENTIALS:
		if len(data) != ucredSize {
			return errno(unix.EINVAL)
		}
		in := &o.in
		in.HasCreds, in.Pid, in.Uid, in.Gid = true, int32(le.Uint32(data)), le.Uint32(data[4:]), le.Uint32(data[8:])
	default:
		return errno(unix.EINVAL)
	}
	return 0
}

// sendmmsg: each message is steps of its own. A successor, and the handler after a wait, sends those before it again and is answered from
// netd's journal.
func sendmmsg(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	count := min(t.arg(2)&0xffffffff, maxIovecs)
	for i := range count {
		va := t.arg(1) + i*mmsghdrSize
		v := t.sendMessage(n, va, uint32(t.arg(3)), nil)
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
	}
	return int64(count)
}

// writeSocket sends a write's bytes.
func (t *Trap) writeSocket(n net.Client, iov []byte) int64 {
	o := outgoing{n: n, iov: iov}
	return o.send(t, &t.Record[recordSent])
}

// vectorSocket is readv and writev: a vector is one message.
func (t *Trap) vectorSocket(n net.Client, off int64, iov []byte, rights uint32) int64 {
	if off != atPosition {
		return errno(unix.ESPIPE)
	}
	if rights == uabi.RightRead {
		return t.writeSocket(n, iov)
	}
	in := incoming{n: n, iov: iov}
	if granted(grantsAt(iov, 0, 0)) == 0 {
		return 0 // as sock_read_iter
	}
	if v := in.receive(t); v < 0 {
		return v
	}
	return int64(in.count)
}
