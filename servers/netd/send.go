package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/servers/netd/bpf"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// atomic is what a stream takes whole or not at all, bytes: a writer of so little need not send a rest.
const atomic = 4096

// packetCost is what a datagram takes of its sender's buffer beside its bytes (truesize of a small one on Linux, about).
const packetCost = 768

// message is what is sent.
type message struct {
	flags uint32
	total uint64 // bytes of the whole message
	grants
	to    *address
	creds *state.Creds // that the sender gives; nil: its own
	files []*state.File
	fresh []*state.File // of these, those that are not under way yet
}

// Send implements net.Handler.
func (h *Netd) Send(c *server.Ctx, in *net.FlagsRequest, out *net.CountReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	m := message{flags: in.Flags, grants: grantsOf(c, maxGrants)}
	m.total = m.grants.total
	out.Count, err = h.send(c, s, &m)
	return err
}

// SendMessage implements net.Handler.
func (h *Netd) SendMessage(c *server.Ctx, in *net.MessageRequest, out *net.CountReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	m := message{flags: in.Flags, total: in.Total, grants: grantsOf(c, maxGrants)}
	if in.HasAddress {
		m.to = &address{in.Family, in.Name, in.Ino, in.Port, in.Groups}
	}
	if in.HasCreds {
		if err := h.caller(c).mayPass(in.Pid, in.Uid, in.Gid); err != uabi.OK {
			return err
		}
		m.creds = &state.Creds{Pid: in.Pid, Uid: in.Uid, Gid: in.Gid}
	}
	st := h.staged[c.Origin()]
	if in.Staged && st != nil {
		m.files = append(m.files, st.Out...) // which st holds until they are sent, or dropped
	}
	direct, err := h.arrived(c, in.Kinds, in.Ids, [...]uint32{in.File1, in.File2, in.File3, in.File4})
	if err != uabi.OK {
		return err
	}
	m.files, m.fresh = append(m.files, direct...), direct
	if out.Count, err = h.send(c, s, &m); err != uabi.OK {
		return err
	}
	if in.Staged && st != nil {
		st.Out = nil
		h.tidy(st)
	}
	return uabi.OK
}

// toss drops a message's files: its bytes reach nobody.
func (h *Netd) toss(c *server.Ctx, m *message) {
	h.launch(m.fresh)
	h.drop(c, m.files)
}

// send takes the message over: its files are then in a queue, or were dropped with bytes that nobody gets.
func (h *Netd) send(c *server.Ctx, s *state.Socket, m *message) (int64, uabi.Error) {
	switch {
	case m.flags&unix.MSG_OOB != 0:
		return 0, uabi.ErrOperation
	case s.Domain == unix.AF_NETLINK:
		return h.sendNetlink(c, s, m)
	case s.Type == unix.SOCK_STREAM:
		return h.sendStream(c, s, m)
	}
	return h.sendDatagram(c, s, m)
}

func (h *Netd) sendStream(c *server.Ctx, s *state.Socket, m *message) (int64, uabi.Error) {
	if m.to != nil {
		if s.Status == state.Status_CONNECTED {
			return 0, uabi.ErrConnected
		}
		return 0, uabi.ErrOperation
	}
	if s.Status != state.Status_CONNECTED {
		return 0, uabi.ErrNotConnected
	}
	peer := h.sockets[s.Peer]
	switch {
	case s.WriteShut || peer == nil || peer.ReadShut:
		return 0, uabi.ErrPipe
	case m.grants.total == 0:
		h.toss(c, m)
		return 0, uabi.OK
	case s.Sent >= uint64(s.Sndbuf):
		if dontWait(s, m.flags) {
			return 0, uabi.ErrAgain
		}
		return 0, h.wait(c, s, unix.POLLOUT|downBit, s.SendNs)
	}
	n := min(m.grants.total, max(uint64(s.Sndbuf)-s.Sent, atomic))
	err := h.deliver(c, s, peer, m, n, n)
	return int64(n), err
}

func (h *Netd) sendDatagram(c *server.Ctx, s *state.Socket, m *message) (int64, uabi.Error) {
	if m.to == nil && s.Peer == 0 || s.Type == unix.SOCK_SEQPACKET && s.Status != state.Status_CONNECTED {
		return 0, uabi.ErrNotConnected
	}
	switch {
	case m.total > uint64(s.Sndbuf)-32 || m.total != m.grants.total:
		return 0, uabi.ErrSize
	case s.Error != 0:
		return 0, uabi.Error(s.Error) // the caller takes it away with Error
	case s.WriteShut:
		return 0, uabi.ErrShutdown
	case s.Sent >= uint64(s.Sndbuf):
		if dontWait(s, m.flags) {
			return 0, uabi.ErrAgain
		}
		return 0, h.wait(c, s, unix.POLLOUT|downBit, s.SendNs)
	}
	to, err := h.target(s, m.to)
	switch {
	case err != uabi.OK:
		return 0, err
	case s.Type == unix.SOCK_DGRAM && !maySend(s, to):
		return 0, uabi.ErrPerm
	case to.ReadShut:
		return 0, uabi.ErrShutdown
	case to != s && to.Peer != s.Id && queueFull(to):
		if dontWait(s, m.flags) {
			return 0, uabi.ErrAgain
		}
		return 0, h.wait(c, to, roomBit, s.SendNs)
	}
	take := m.total
	if len(to.Filter) > 0 {
		if take, err = h.filtered(c, to, m); err != uabi.OK {
			return 0, err
		}
		if take == 0 {
			h.toss(c, m)
			return int64(m.total), uabi.OK
		}
	}
	if err := h.deliver(c, s, to, m, take, take+packetCost); err != uabi.OK {
		return 0, err
	}
	h.autobindSender(s)
	return int64(m.total), uabi.OK
}

// target is who gets a datagram.
func (h *Netd) target(s *state.Socket, to *address) (*state.Socket, uabi.Error) {
	if to != nil && s.Type != unix.SOCK_SEQPACKET { // which forgets it

		if to.family != unix.AF_UNIX || len(to.name) == 0 {
			return nil, uabi.ErrArg
		}
		return h.find(to, s.Type)
	}
	if peer := h.sockets[s.Peer]; peer != nil {
		return peer, uabi.OK
	}
	if s.Type == unix.SOCK_SEQPACKET {
		return nil, uabi.ErrShutdown
	}
	return nil, uabi.ErrRefused
}

// filtered runs a socket's filter over the message: how many bytes of it are taken.
func (h *Netd) filtered(c *server.Ctx, to *state.Socket, m *message) (uint64, uabi.Error) {
	b, err := readAll(c, &m.grants)
	if err != uabi.OK {
		return 0, err
	}
	return uint64(bpf.Run(to.Filter, b)), uabi.OK
}

// maxRead is how much of a message this process looks at itself, bytes.
const maxRead = 256 << 10

// readAll reads a request's grants into this process, where the message has to be looked at.
func readAll(c *server.Ctx, g *grants) ([]byte, uabi.Error) {
	if g.total > maxRead {
		return nil, uabi.ErrSize
	}
	b := make([]byte, g.total)
	err := g.each(g.total, func(i int, off, done, n uint64) uabi.Error {
		const piece = 32 << 10 // of the journal's input at once
		for n > 0 {
			want := min(n, piece)
			got, err := c.GrantRead(i, off, b[done:done+want])
			if uint64(got) < want {
				return faultOr(err)
			}
			off, done, n = off+want, done+want, n-want
		}
		return uabi.OK
	})
	return b, err
}

// deliver puts n bytes of the message into the queue of another socket, with all that goes with them.
func (h *Netd) deliver(c *server.Ctx, s, to *state.Socket, m *message, n, cost uint64) uabi.Error {
	creds := h.credsFor(c, s, to, m) // before the first effect, behind which the request may be gone
	at, err := h.room(c, to.Queue, n)
	if err != uabi.OK {
		return err
	}
	if err := at.fill(c, &m.grants, n); err != uabi.OK {
		return err
	}
	p := h.packet()
	p.Len, p.Sender, p.Cost, p.Creds, p.Files, p.Name = n, s.Id, cost, creds, m.files, s.Name
	if stamped(to) {
		p.TimeNs = c.Realtime()
	}
	h.launch(m.fresh)
	h.append(c, to, at, p)
	return uabi.OK
}

// packet is an empty one: the last that was consumed, if nothing of it but its fields is in use.
func (h *Netd) packet() *state.Packet {
	p := h.spare
	if p == nil {
		return &state.Packet{}
	}
	h.spare = nil
	p.Len, p.Sender, p.Creds, p.Files, p.Name, p.Port, p.Group, p.TimeNs, p.Cost = 0, 0, nil, nil, nil, 0, 0, 0, 0
	return p
}

// stamped reports a socket whose messages have times.
func stamped(s *state.Socket) bool {
	return s.Domain == unix.AF_UNIX && s.Type != unix.SOCK_STREAM && s.Options&(1<<unix.SO_TIMESTAMP|1<<unix.SO_TIMESTAMPNS) != 0
}

// credsFor are the credentials that go with a message: those that were given, or the sender's if one of both ends asks for some.
func (h *Netd) credsFor(c *server.Ctx, s, to *state.Socket, m *message) *state.Creds {
	if m.creds != nil {
		return m.creds
	}
	if s.Options>>unix.SO_PASSCRED&1 == 0 && to.Options>>unix.SO_PASSCRED&1 == 0 && !to.Embryo {
		return nil
	}
	return h.caller(c).real()
}
