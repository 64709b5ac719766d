package main

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// maxBacklog is Linux's net.core.somaxconn.
const maxBacklog = 4096

// Listen implements net.Handler.
func (h *Netd) Listen(c *server.Ctx, in *net.ListenRequest, out *net.EmptyReply) uabi.Error {
	s, err := h.socket(c)
	switch {
	case err != uabi.OK:
		return err
	case !isConnection(s):
		return uabi.ErrOperation
	case !s.Bound || s.Status == state.Status_CONNECTED:
		return uabi.ErrArg
	}
	me := h.caller(c)
	s.Listener, s.ListenerGroups = me.effective(), me.groups()
	s.Backlog, s.Status = min(in.Backlog, maxBacklog), state.Status_LISTENING
	h.level(c, s, 0)
	return uabi.OK
}

// Connect implements net.Handler.
func (h *Netd) Connect(c *server.Ctx, in *net.AddressRequest, out *net.EmptyReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	to := &address{in.Family, in.Name, in.Ino, in.Port, in.Groups}
	switch {
	case s.Domain == unix.AF_NETLINK:
		return h.connectPort(c, s, to)
	case isConnection(s):
		return h.connectStream(c, s, to)
	}
	return h.connectDatagram(c, s, to)
}

func (h *Netd) connectStream(c *server.Ctx, s *state.Socket, to *address) uabi.Error {
	if to.family != unix.AF_UNIX || len(to.name) == 0 {
		return uabi.ErrArg
	}
	l, err := h.find(to, s.Type)
	switch {
	case err != uabi.OK:
		return err
	case l.Status != state.Status_LISTENING || l.ReadShut:
		return uabi.ErrRefused
	case queueFull(l):
		if dontWait(s, 0) {
			return uabi.ErrAgain
		}
		return h.wait(c, l, roomBit, s.SendNs)
	case s.Status == state.Status_CONNECTED:
		return uabi.ErrConnected
	case s.Status != state.Status_IDLE:
		return uabi.ErrArg
	}
	e, err := h.make(c, s.Domain, s.Type, s.Protocol, false)
	if err != uabi.OK {
		return err
	}
	me := h.caller(c)
	h.autobindSender(s)
	h.add(e)
	e.Embryo, e.Status, e.PeerCreds, e.PeerGroups = true, state.Status_CONNECTED, me.effective(), me.groups()
	e.Bound, e.Borrowed, e.Name = true, true, l.Name
	s.Status, s.PeerCreds, s.PeerGroups = state.Status_CONNECTED, l.Listener, l.ListenerGroups
	h.join(s, e)
	h.join(e, s)
	l.Pending = append(l.Pending, e.Id)
	h.level(c, e, 0)
	h.level(c, s, 0)
	h.level(c, l, pollIn)
	return uabi.OK
}

// connectDatagram sets the default address, or with AF_UNSPEC takes it away.
func (h *Netd) connectDatagram(c *server.Ctx, s *state.Socket, to *address) uabi.Error {
	var peer *state.Socket
	if to.family != unix.AF_UNSPEC {
		if to.family != unix.AF_UNIX || len(to.name) == 0 {
			return uabi.ErrArg
		}
		var err uabi.Error
		if peer, err = h.find(to, s.Type); err != uabi.OK {
			return err
		}
		if !maySend(s, peer) {
			return uabi.ErrPerm
		}
		h.autobindSender(s)
	}
	old := h.sockets[s.Peer]
	if s.Peer != 0 && old != peer {
		h.disconnected(c, s, old)
	}
	s.Status = state.Status_IDLE
	h.leave(s)
	if peer != nil {
		s.Status, s.PeerCreds = state.Status_CONNECTED, nil
		h.join(s, peer)
	}
	h.level(c, s, 0)
	return uabi.OK
}

// maySend is unix_may_send: the other is connected to nobody, or to s.
func maySend(s, to *state.Socket) bool { return to.Peer == 0 || to.Peer == s.Id }

// disconnected drops what s has received, since its peer changes. A peer that is connected to s is told (unix_dgram_disconnected).
func (h *Netd) disconnected(c *server.Ctx, s, old *state.Socket) {
	if len(s.Queue.Packets) == 0 {
		return
	}
	h.purge(c, s)
	if old != nil && old.Peer == s.Id {
		old.Error = int32(uabi.ErrReset)
		h.level(c, old, 0)
	}
}

// purge drops everything in a socket's queue.
func (h *Netd) purge(c *server.Ctx, s *state.Socket) {
	var files []*state.File
	for _, p := range s.Queue.Packets {
		files = append(files, p.Files...)
	}
	h.consume(c, s, s.Queue.Used, len(s.Queue.Packets))
	h.drop(c, files)
}

// inherited are the options that an accepted socket has from its listener (unix_sock_inherit_flags).
const inherited = 1<<unix.SO_PASSCRED | 1<<unix.SO_PASSSEC

// Accept implements net.Handler.
func (h *Netd) Accept(c *server.Ctx, in *net.AcceptRequest, out *net.AcceptReply) uabi.Error {
	s, err := h.socket(c)
	switch {
	case err != uabi.OK:
		return err
	case !isConnection(s):
		return uabi.ErrOperation
	case s.Status != state.Status_LISTENING || s.ReadShut && len(s.Pending) == 0:
		return uabi.ErrArg
	case len(s.Pending) == 0:
		if dontWait(s, 0) {
			return uabi.ErrAgain
		}
		return h.wait(c, s, pollIn, s.RecvNs)
	}
	e := h.sockets[s.Pending[0]]
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	s.Pending = slices.Delete(s.Pending, 0, 1)
	e.Embryo, e.Options = false, s.Options&inherited
	if in.Nonblock {
		e.Flags = unix.O_NONBLOCK
	}
	h.name(e)
	h.level(c, s, 0)
	out.Id, out.Family, out.File = publicID(e), e.Domain, uint32(handle)
	if peer := h.sockets[e.Peer]; peer != nil {
		out.Name = peer.Name
	}
	return uabi.OK
}

// Shutdown implements net.Handler.
func (h *Netd) Shutdown(c *server.Ctx, in *net.ShutdownRequest, out *net.EmptyReply) uabi.Error {
	s, err := h.socket(c)
	switch {
	case err != uabi.OK:
		return err
	case s.Domain != unix.AF_UNIX:
		return uabi.ErrOperation
	case in.How > unix.SHUT_RDWR:
		return uabi.ErrArg
	}
	read, write := in.How != unix.SHUT_WR, in.How != unix.SHUT_RD
	s.ReadShut, s.WriteShut = s.ReadShut || read, s.WriteShut || write
	if peer := h.sockets[s.Peer]; peer != nil && isConnection(s) {
		peer.ReadShut, peer.WriteShut = peer.ReadShut || write, peer.WriteShut || read
		h.level(c, peer, pollIn)
	}
	h.level(c, s, pollIn)
	return uabi.OK
}
