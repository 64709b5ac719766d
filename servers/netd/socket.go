package main

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Sizes of sockets' buffers (net.core.{w,r}mem_{default,max} of Linux; SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF), bytes.
const (
	defaultBuf = 212992
	maxBuf     = 212992
	minSndbuf  = 4608
	minRcvbuf  = 2304
)

// publicID is what others know of a socket's number: it is none of vfsd's.
func publicID(s *state.Socket) uint64 { return 1<<43 | s.Id }

// socket is the called socket.
func (h *Netd) socket(c *server.Ctx) (*state.Socket, uabi.Error) {
	if s := h.badges[c.Badge()]; s != nil {
		return s, uabi.OK
	}
	return nil, uabi.ErrHandle
}

// kindOf says whether there are sockets of that kind, and of which type a socket that asks for typ is.
func kindOf(domain, typ, protocol uint32) (uint32, uabi.Error) {
	switch domain {
	case unix.AF_UNIX:
		if protocol != 0 && protocol != unix.AF_UNIX {
			return 0, uabi.ErrProtocol
		}
		switch typ {
		case unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET:
			return typ, uabi.OK
		case unix.SOCK_RAW:
			return unix.SOCK_DGRAM, uabi.OK // as unix_create does
		}
		return 0, uabi.ErrSocketType
	case unix.AF_NETLINK:
		if typ != unix.SOCK_RAW && typ != unix.SOCK_DGRAM {
			return 0, uabi.ErrSocketType
		}
		if protocol != unix.NETLINK_ROUTE && protocol != unix.NETLINK_KOBJECT_UEVENT {
			return 0, uabi.ErrProtocol // as a kernel without the others, audit among them
		}
		return typ, uabi.OK
	}
	return 0, uabi.ErrFamily
}

// make builds a socket that is in no table yet.
func (h *Netd) make(c *server.Ctx, domain, typ, protocol uint32, nonblock bool) (*state.Socket, uabi.Error) {
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return nil, err
	}
	ids := c.Context(ctx.UID)
	s := &state.Socket{
		Domain: domain, Type: typ, Protocol: protocol, Event: uint32(event), Sndbuf: defaultBuf, Rcvbuf: defaultBuf, Queue: &state.Queue{},
		Uid: uint32(ids), Gid: uint32(ids >> 32), MadeNs: c.Realtime(), Rcvlowat: 1,
	}
	if nonblock {
		s.Flags = unix.O_NONBLOCK
	}
	return s, uabi.OK
}

// add numbers a new socket and puts it into the table.
func (h *Netd) add(s *state.Socket) {
	s.Id = h.nextID()
	h.sockets[s.Id] = s
}

// name gives a socket the badge number that was minted for it.
func (h *Netd) name(s *state.Socket) {
	s.Badge = h.nextID()
	h.badges[s.Badge] = s
}

// Socket implements net.Handler.
func (h *Netd) Socket(c *server.Ctx, in *net.SocketRequest, out *net.SocketReply) uabi.Error {
	typ, err := kindOf(in.Domain, in.Type, in.Protocol)
	if err != uabi.OK {
		return err
	}
	s, err := h.make(c, in.Domain, typ, in.Protocol, in.Nonblock)
	if err != uabi.OK {
		return err
	}
	handle, err := c.Mint(h.top.LastId + 2)
	if err != uabi.OK {
		return err
	}
	h.add(s)
	h.name(s)
	h.level(c, s, 0)
	out.Id, out.File = publicID(s), uint32(handle)
	return uabi.OK
}

// Pair implements net.Handler.
func (h *Netd) Pair(c *server.Ctx, in *net.SocketRequest, out *net.PairReply) uabi.Error {
	typ, err := kindOf(in.Domain, in.Type, in.Protocol)
	if err != uabi.OK {
		return err
	}
	if in.Domain != unix.AF_UNIX {
		return uabi.ErrOperation
	}
	var made [2]*state.Socket
	var handles [2]uabi.Handle
	for i := range made {
		if made[i], err = h.make(c, in.Domain, typ, in.Protocol, in.Nonblock); err != uabi.OK {
			return err
		}
		if handles[i], err = c.Mint(h.top.LastId + 2 + 2*uint64(i)); err != uabi.OK {
			return err
		}
	}
	me := h.caller(c)
	for _, s := range made {
		h.add(s)
		h.name(s)
		s.Status, s.PeerCreds, s.PeerGroups = state.Status_CONNECTED, me.effective(), me.groups()
	}
	h.join(made[0], made[1])
	h.join(made[1], made[0])
	for _, s := range made {
		h.level(c, s, 0)
	}
	out.Id, out.File = publicID(made[0]), uint32(handles[0])
	out.Id2, out.File2 = publicID(made[1]), uint32(handles[1])
	return uabi.OK
}

// join makes peer the peer of s.
func (h *Netd) join(s, peer *state.Socket) {
	h.leave(s)
	s.Peer = peer.Id
	if s.Type == unix.SOCK_DGRAM {
		h.fan(s)
	}
}

func (h *Netd) fan(s *state.Socket) {
	list := h.fans[s.Peer]
	at, _ := slices.BinarySearch(list, s.Id)
	h.fans[s.Peer] = slices.Insert(list, at, s.Id)
}

// leave takes the peer of s away.
func (h *Netd) leave(s *state.Socket) {
	if s.Peer == 0 {
		return
	}
	list := h.fans[s.Peer]
	if at, ok := slices.BinarySearch(list, s.Id); ok {
		if len(list) == 1 {
			delete(h.fans, s.Peer)
		} else {
			h.fans[s.Peer] = slices.Delete(list, at, at+1)
		}
	}
	s.Peer = 0
}

// isConnection reports a socket that listens, accepts and connects.
func isConnection(s *state.Socket) bool {
	return s.Domain == unix.AF_UNIX && s.Type != unix.SOCK_DGRAM
}

// Gone is server.Spec's (R6): nobody has a handle of that badge any more.
func (h *Netd) Gone(c *server.Ctx, badge uint64) {
	s := h.badges[badge]
	if s == nil {
		return
	}
	delete(h.badges, badge)
	s.Badge = 0
	if s.Flights > 0 {
		h.lost[s.Id] = true
	} else {
		h.end(c, s)
	}
	h.collect(c)
}

// end closes a socket for good, and those that only messages in its queue carried.
func (h *Netd) end(c *server.Ctx, first *state.Socket) {
	for work := []*state.Socket{first}; len(work) > 0; {
		s := work[0]
		work = work[1:]
		if s == nil || h.sockets[s.Id] == nil {
			continue
		}
		delete(h.sockets, s.Id)
		delete(h.lost, s.Id)
		h.unname(s)
		h.detach(c, s)
		for _, id := range s.Pending {
			work = append(work, h.sockets[id])
		}
		var files []*state.File
		for _, p := range s.Queue.Packets {
			files = append(files, p.Files...)
			h.returned(c, p.Sender, p.Cost)
		}
		work = append(work, h.land(c, files)...)
		h.release(c, s)
	}
}

// detach tells the others that s is gone.
func (h *Netd) detach(c *server.Ctx, s *state.Socket) {
	peer := h.sockets[s.Peer]
	h.leave(s)
	if peer != nil && isConnection(s) {
		peer.ReadShut, peer.WriteShut, peer.PeerName = true, true, s.Name
		if len(s.Queue.Packets) > 0 || s.Embryo {
			peer.Error = int32(uabi.ErrReset)
		}
		h.level(c, peer, unix.POLLIN|unix.POLLOUT)
	}
	for _, id := range slices.Clone(h.fans[s.Id]) {
		if f := h.sockets[id]; f != nil {
			h.level(c, f, 0)
		}
	}
}

// release gives a socket's kernel objects back. Whoever waits on its event is woken: the event has no level any more that would do it.
func (h *Netd) release(c *server.Ctx, s *state.Socket) {
	if s.Status == state.Status_LISTENING || s.Type == unix.SOCK_DGRAM || s.Domain == unix.AF_NETLINK {
		c.EventUpdate(uabi.Handle(s.Event), roomBit, 0, 0)
	}
	c.Close(uabi.Handle(s.Event))
	if s.Queue.Memory != 0 {
		c.Close(uabi.Handle(s.Queue.Memory))
	}
	if s.Watched {
		vfs.Client{H: uabi.BootVFS}.Forget(c, &vfs.ForgetRequest{Id: publicID(s)}, &vfs.EmptyReply{})
	}
}

// Settle implements net.Handler: notices of handles that are gone come before any request that was sent later.
func (h *Netd) Settle(*server.Ctx, *net.EmptyRequest, *net.EmptyReply) uabi.Error { return uabi.OK }

// Watch implements net.Handler.
func (h *Netd) Watch(c *server.Ctx, in *net.EmptyRequest, out *net.WatchReply) uabi.Error {
	s, err := h.socket(c)
	if err != uabi.OK {
		return err
	}
	level, seq, err := c.EventRead(uabi.Handle(s.Event))
	if err != uabi.OK {
		return err
	}
	s.Watched = true
	out.Level, out.Seq, out.Event, out.Id = level&pollMask, seq, s.Event, publicID(s)
	return uabi.OK
}
