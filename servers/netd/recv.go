package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// received is what a receive gave.
type received struct {
	count   int64
	flags   uint32 // MSG_* for the caller
	more    bool
	from    *state.Packet // the first packet; nil: none (end of a stream)
	files   []*state.File
	peeked  bool // the files are still the packet's
	data    []byte
	grants  grants
	consume uint64
	packets int
}

// Recv implements net.Handler.
func (h *Netd) Recv(c *server.Ctx, in *net.FlagsRequest, out *net.CountReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	r := received{grants: grantsOf(c, maxGrants)}
	if err := h.receive(c, s, in.Flags, &r, 0); err != uabi.OK {
		return err
	}
	h.discard(c, s, &r)
	out.Count = r.count
	return uabi.OK
}

// discard ends a receive that nobody asked about files.
func (h *Netd) discard(c *server.Ctx, s *state.Socket, r *received) {
	h.finish(c, s, r)
	if !r.peeked {
		h.drop(c, r.files)
	}
}

// finish takes what was received out of the queue.
func (h *Netd) finish(c *server.Ctx, s *state.Socket, r *received) {
	if r.consume > 0 || r.packets > 0 {
		h.consume(c, s, r.consume, r.packets)
	}
}

// RecvMessage implements net.Handler.
func (h *Netd) RecvMessage(c *server.Ctx, in *net.ReceiveRequest, out *net.MessageReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	r := received{grants: grantsOf(c, maxGrants)}
	if err := h.receive(c, s, in.Flags, &r, in.Inline); err != uabi.OK {
		return err
	}
	files := r.files
	if most := filesIn(s, in.Control); len(files) > most {
		files = files[:most]
		r.flags |= unix.MSG_CTRUNC
	}
	if r.peeked {
		if files, err = h.again(c, files); err != uabi.OK {
			return err
		}
	}
	var over []*state.File
	if !r.peeked {
		over = r.files[len(files):]
	}
	h.finish(c, s, &r)
	h.leaveFor(c, files, over)
	out.Count, out.Flags, out.More, out.Files, out.Data = r.count, r.flags, r.more, uint32(len(files)), r.data
	h.describe(c, s, &r, out)
	return uabi.OK
}

// Sizes of ancillary messages on x86-64, bytes: the header; a time and credentials with theirs, padded; a descriptor.
const (
	cmsgHeader = 16
	cmsgTime   = cmsgHeader + 16
	cmsgCreds  = cmsgHeader + 16
	cmsgFile   = 4
)

// filesIn is how many open files fit into that much ancillary data behind what comes before them.
func filesIn(s *state.Socket, control uint32) int {
	left := int(control) - cmsgHeader
	if stamped(s) {
		left -= cmsgTime
	}
	if s.Options>>unix.SO_PASSCRED&1 != 0 {
		left -= cmsgCreds
	}
	return max(left/cmsgFile, 0)
}

// describe says from whom a message is, and when it came.
func (h *Netd) describe(c *server.Ctx, s *state.Socket, r *received, out *net.MessageReply) {
	p := r.from
	if s.Options>>unix.SO_PASSCRED&1 != 0 && (p != nil || s.Type == unix.SOCK_STREAM) {
		out.HasCreds = true
		switch {
		case p == nil: // the end of a stream
		case p.Creds == nil:
			out.Uid, out.Gid = nobody, nobody
		default:
			out.Pid, out.Uid, out.Gid = p.Creds.Pid, p.Creds.Uid, p.Creds.Gid
		}
	}
	if p == nil {
		return
	}
	if stamped(s) {
		out.Nanoseconds = s.Options>>unix.SO_TIMESTAMPNS&1 != 0
		if out.TimeNs = p.TimeNs; out.TimeNs == 0 {
			out.TimeNs = c.Realtime()
		}
	}
	if s.Domain == unix.AF_NETLINK {
		out.Family, out.Port = unix.AF_NETLINK, p.Port
		if p.Group != 0 && p.Group <= 32 {
			out.Groups = 1 << (p.Group - 1)
		}
		out.HasGroup, out.Group = s.Netlink>>unix.NETLINK_PKTINFO&1 != 0, p.Group
		return
	}
	if len(p.Name) > 0 {
		out.Family, out.Name = unix.AF_UNIX, p.Name
	}
}

// receive copies what is next into the grants, or with inline into the result. It changes nothing: finish does.
func (h *Netd) receive(c *server.Ctx, s *state.Socket, flags uint32, r *received, inline uint32) uabi.Error {
	want := r.grants.total
	if inline > 0 {
		want = uint64(inline)
	}
	if flags&(unix.MSG_OOB|unix.MSG_ERRQUEUE) != 0 {
		if s.Type != unix.SOCK_STREAM || flags&unix.MSG_ERRQUEUE != 0 {
			return uabi.ErrOperation
		}
		return uabi.ErrArg // no such byte
	}
	if s.Type == unix.SOCK_STREAM {
		if s.Status != state.Status_CONNECTED {
			return uabi.ErrArg
		}
		if want == 0 && len(s.Queue.Packets) > 0 && s.Error == 0 {
			return uabi.OK
		}
	} else if s.Type == unix.SOCK_SEQPACKET && s.Status != state.Status_CONNECTED {
		return uabi.ErrNotConnected
	}
	if len(s.Queue.Packets) == 0 || s.Type != unix.SOCK_STREAM && s.Error != 0 {
		return h.empty(c, s, flags)
	}
	if s.Type == unix.SOCK_STREAM {
		h.run(s, flags, want, r)
	} else {
		p := s.Queue.Packets[0]
		n := min(p.Len, want)
		r.from, r.files, r.packets, r.consume, r.count = p, p.Files, 1, p.Len, int64(n)
		if n < p.Len {
			r.flags |= unix.MSG_TRUNC
			if flags&unix.MSG_TRUNC != 0 {
				r.count = int64(p.Len)
			}
		}
		want = n
	}
	if s.Type == unix.SOCK_STREAM {
		want = r.consume
	}
	if err := h.copy(c, s, want, inline > 0, r); err != uabi.OK {
		return err
	}
	if flags&unix.MSG_PEEK != 0 {
		r.peeked, r.packets, r.consume = true, 0, 0
	}
	return uabi.OK
}

// copy gives the caller the first n bytes of the queue.
func (h *Netd) copy(c *server.Ctx, s *state.Socket, n uint64, inline bool, r *received) uabi.Error {
	if !inline {
		return copyOut(c, s.Queue, &r.grants, 0, 0, n)
	}
	r.data = make([]byte, n)
	return pieces(s.Queue.Size, s.Queue.Head, n, func(done, at, n uint64) (uint64, uabi.Error) {
		got, err := c.MemoryRead(uabi.Handle(s.Queue.Memory), at, r.data[done:done+n])
		return uint64(got), err
	})
}

// run finds how far a read of a stream goes: to the end of a packet with files, and with SO_PASSCRED not into one with others' credentials
// (unix_stream_read_generic).
func (h *Netd) run(s *state.Socket, flags uint32, want uint64, r *received) {
	r.more = true
	for _, p := range s.Queue.Packets {
		if r.consume == want || r.from != nil && s.Options>>unix.SO_PASSCRED&1 != 0 && !sameCreds(p.Creds, r.from.Creds) {
			r.more = false
			break
		}
		if r.from == nil {
			r.from = p
		}
		n := min(p.Len, want-r.consume)
		r.consume += n
		r.files = p.Files
		if n < p.Len {
			r.more = false
			break
		}
		r.packets++
		if len(p.Files) > 0 {
			r.more = false
			break
		}
	}
	r.count = int64(r.consume)
	r.more = r.more && !s.ReadShut && flags&unix.MSG_PEEK == 0
}

// empty is the answer of a receive when there is nothing: an error, the end, or a wait.
func (h *Netd) empty(c *server.Ctx, s *state.Socket, flags uint32) uabi.Error {
	switch {
	case s.Error != 0:
		return uabi.Error(s.Error) // the caller takes it away with Error
	case s.ReadShut && (isConnection(s) || !dontWait(s, flags)):
		return uabi.OK
	case dontWait(s, flags):
		return uabi.ErrAgain
	}
	return h.wait(c, s, unix.POLLIN|unix.POLLERR, s.RecvNs)
}

// Error implements net.Handler. A datagram socket whose peer is gone is connected no more once it has been told so.
func (h *Netd) Error(c *server.Ctx, in *net.EmptyRequest, out *net.CountReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	out.Count = int64(s.Error)
	s.Error = 0
	if s.Type == unix.SOCK_DGRAM && s.Peer != 0 && h.sockets[s.Peer] == nil {
		h.leave(s)
		s.Status = state.Status_IDLE
	}
	h.level(c, s, 0)
	return uabi.OK
}
