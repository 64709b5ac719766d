package main

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// address is where a message or a connection goes.
type address struct {
	family uint32
	name   []byte // of the request: not to be kept
	ino    uint64
	port   uint32
	groups uint32
}

func (a *address) abstract() bool { return len(a.name) > 0 && a.name[0] == 0 }

// index enters a named socket into the tables.
func (h *Netd) index(s *state.Socket) {
	switch {
	case s.Borrowed:
	case s.Domain == unix.AF_NETLINK:
		h.ports[portKey{s.Protocol, s.Port}] = s
	case s.Ino != 0:
		h.inodes[s.Ino] = s
	case len(s.Name) > 0:
		h.names[nameKey{s.Type, string(s.Name)}] = s
	}
}

// unname takes a socket out of the tables.
func (h *Netd) unname(s *state.Socket) {
	switch {
	case !s.Bound || s.Borrowed:
	case s.Domain == unix.AF_NETLINK:
		delete(h.ports, portKey{s.Protocol, s.Port})
	case s.Ino != 0:
		delete(h.inodes, s.Ino)
	default:
		delete(h.names, nameKey{s.Type, string(s.Name)})
	}
}

// find is the socket that an AF_UNIX address means to one of type typ.
func (h *Netd) find(a *address, typ uint32) (*state.Socket, uabi.Error) {
	var s *state.Socket
	if a.abstract() {
		s = h.names[nameKey{typ, string(a.name)}]
	} else {
		s = h.inodes[a.ino]
	}
	switch {
	case s == nil:
		return nil, uabi.ErrRefused
	case s.Type != typ:
		return nil, uabi.ErrProtocolType
	}
	return s, uabi.OK
}

// Bind implements net.Handler.
func (h *Netd) Bind(c *server.Ctx, in *net.AddressRequest, out *net.EmptyReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	if s.Domain == unix.AF_NETLINK {
		return h.bindPort(c, s, in)
	}
	switch {
	case in.Family != unix.AF_UNIX:
		return uabi.ErrArg
	case len(in.Name) == 0:
		if !s.Bound {
			h.autobind(s)
		}
		return uabi.OK
	case s.Bound:
		return uabi.ErrArg
	}
	name := bytes.Clone(in.Name)
	if name[0] == 0 {
		if h.names[nameKey{s.Type, string(name)}] != nil {
			return uabi.ErrAddressInUse
		}
	} else {
		if in.Ino == 0 {
			return uabi.ErrArg
		}
		if h.inodes[in.Ino] != nil {
			return uabi.ErrAddressInUse
		}
		s.Ino = in.Ino
	}
	s.Bound, s.Name = true, name
	h.index(s)
	return uabi.OK
}

// autobind gives a socket an abstract name that no other has: five digits, as unix_autobind does.
func (h *Netd) autobind(s *state.Socket) {
	const names = 1 << 20
	for range names {
		h.top.LastName = (h.top.LastName + 1) % names
		name := fmt.Sprintf("\x00%05x", h.top.LastName)
		if h.names[nameKey{s.Type, name}] == nil {
			s.Bound, s.Name = true, []byte(name)
			h.index(s)
			return
		}
	}
}

// autobindSender gives a sender that wants credentials a name, so that it can be answered (unix_stream_connect, unix_dgram_sendmsg).
func (h *Netd) autobindSender(s *state.Socket) {
	if s.Options>>unix.SO_PASSCRED&1 != 0 && !s.Bound {
		h.autobind(s)
	}
}

// Name implements net.Handler.
func (h *Netd) Name(c *server.Ctx, in *net.NameRequest, out *net.NameReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	out.Family = s.Domain
	if s.Domain == unix.AF_NETLINK {
		if !in.Peer {
			out.Port, out.Groups = s.Port, s.Groups
		}
		return uabi.OK
	}
	if !in.Peer {
		out.Name = s.Name
		return uabi.OK
	}
	if s.Status != state.Status_CONNECTED {
		return uabi.ErrNotConnected
	}
	if peer := h.sockets[s.Peer]; peer != nil {
		out.Name = peer.Name
	} else {
		out.Name = s.PeerName
	}
	return uabi.OK
}
