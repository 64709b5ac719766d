package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/net"
	"aramid/servers/netd/bpf"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// maxGroups is how many multicast groups there are: those of a sockaddr_nl.
const maxGroups = 32

// bindPort is bind(2) of a netlink socket: port 0 has the server choose.
func (h *Netd) bindPort(c *server.Ctx, s *state.Socket, in *net.AddressRequest) uabi.Error {
	switch {
	case in.Family != unix.AF_NETLINK || s.Bound && in.Port != s.Port:
		return uabi.ErrArg
	case !s.Bound && in.Port != 0 && h.ports[portKey{s.Protocol, in.Port}] != nil:
		return uabi.ErrAddressInUse
	}
	if !s.Bound {
		h.givePort(c, s, in.Port)
	}
	s.Groups = in.Groups
	return uabi.OK
}

// givePort names a netlink socket: port 0 becomes the caller's process id, or if that is taken a number that is none (netlink_autobind).
func (h *Netd) givePort(c *server.Ctx, s *state.Socket, port uint32) {
	if port == 0 {
		port = uint32(c.Context(ctx.Tgid))
	}
	for port == 0 || h.ports[portKey{s.Protocol, port}] != nil {
		const lowest, count = 1 << 31, 1 << 30
		h.top.LastPort = (h.top.LastPort + 1) % count
		port = lowest + h.top.LastPort
	}
	s.Bound, s.Port = true, port
	h.index(s)
}

// connectPort sets where a netlink socket sends without an address.
func (h *Netd) connectPort(c *server.Ctx, s *state.Socket, to *address) uabi.Error {
	if to.family == unix.AF_UNSPEC {
		s.Status, s.ToPort, s.ToGroups = state.Status_IDLE, 0, 0
		return uabi.OK
	}
	if to.family != unix.AF_NETLINK {
		return uabi.ErrArg
	}
	if (to.port != 0 || to.groups != 0) && !h.caller(c).can(unix.CAP_NET_ADMIN) {
		return uabi.ErrPerm
	}
	if !s.Bound {
		h.givePort(c, s, 0)
	}
	s.Status, s.ToPort, s.ToGroups = state.Status_CONNECTED, to.port, to.groups
	return uabi.OK
}

func (h *Netd) sendNetlink(c *server.Ctx, s *state.Socket, m *message) (int64, uabi.Error) {
	port, groups := s.ToPort, s.ToGroups
	if m.to != nil {
		if m.to.family != unix.AF_NETLINK {
			return 0, uabi.ErrArg
		}
		port, groups = m.to.port, m.to.groups
	}
	me := h.caller(c)
	switch {
	case (port != 0 || groups != 0) && !me.can(unix.CAP_NET_ADMIN):
		return 0, uabi.ErrPerm
	case m.total > uint64(s.Sndbuf)-32 || m.total != m.grants.total:
		return 0, uabi.ErrSize
	}
	b, err := readAll(c, &m.grants)
	if err != uabi.OK {
		return 0, err
	}
	creds := m.creds
	if creds == nil {
		creds = me.real()
	}
	if port != 0 {
		to := h.ports[portKey{s.Protocol, port}]
		switch {
		case to == nil:
			return 0, uabi.ErrRefused
		case to.Queue.Used >= uint64(to.Rcvbuf):
			if dontWait(s, m.flags) {
				return 0, uabi.ErrAgain
			}
			return 0, h.wait(c, to, roomBit, s.SendNs)
		}
	}
	if !s.Bound {
		h.givePort(c, s, 0)
	}
	group := lowestGroup(groups)
	for _, to := range h.members(s, group) {
		h.multicast(c, to, b, creds, s.Port, group)
	}
	if to := h.ports[portKey{s.Protocol, port}]; port != 0 {
		h.queue(c, to, b, &state.Packet{Creds: creds, Port: s.Port})
	} else if s.Protocol == unix.NETLINK_ROUTE {
		h.route(c, s, b, me.can(unix.CAP_NET_ADMIN))
	}
	h.toss(c, m)
	return int64(m.total), uabi.OK
}

// lowestGroup is the one group that a message goes to: Linux takes the first of the mask.
func lowestGroup(mask uint32) uint32 {
	for g := uint32(0); g < maxGroups; g++ {
		if mask>>g&1 != 0 {
			return g + 1
		}
	}
	return 0
}

// members are the sockets of a protocol that listen to a group, but the sender.
func (h *Netd) members(from *state.Socket, group uint32) (out []*state.Socket) {
	if group == 0 {
		return nil
	}
	for _, s := range sorted(h.sockets) {
		if s.Domain == unix.AF_NETLINK && s.Protocol == from.Protocol && s != from && s.Groups>>(group-1)&1 != 0 {
			out = append(out, s)
		}
	}
	return out
}

// multicast gives a member of a group a message, or tells it that it missed one.
func (h *Netd) multicast(c *server.Ctx, to *state.Socket, b []byte, creds *state.Creds, port, group uint32) {
	if to.Queue.Used >= uint64(to.Rcvbuf) {
		if to.Netlink>>unix.NETLINK_NO_ENOBUFS&1 == 0 {
			to.Error = int32(uabi.ErrNoBuffers)
			h.level(c, to, 0)
		}
		return
	}
	h.queue(c, to, b, &state.Packet{Creds: creds, Port: port, Group: group})
}

// queue appends a message that this process has read or made, as far as the socket's filter takes it. Without memory it is lost.
func (h *Netd) queue(c *server.Ctx, to *state.Socket, b []byte, p *state.Packet) {
	if len(to.Filter) > 0 {
		n := bpf.Run(to.Filter, b)
		if n == 0 {
			return
		}
		b = b[:n]
	}
	at, err := h.room(c, to.Queue, uint64(len(b)))
	if err == uabi.OK {
		err = at.put(c, b)
	}
	if err != uabi.OK {
		to.Error = int32(uabi.ErrNoBuffers)
		h.level(c, to, 0)
		return
	}
	p.Len = uint64(len(b))
	h.append(c, to, at, p)
}

// netlinkSwitches are the options that are on or off, kept in Socket.Netlink.
const netlinkSwitches = 1<<unix.NETLINK_PKTINFO | 1<<unix.NETLINK_BROADCAST_ERROR | 1<<unix.NETLINK_NO_ENOBUFS | 1<<unix.NETLINK_CAP_ACK |
	1<<unix.NETLINK_EXT_ACK | 1<<unix.NETLINK_GET_STRICT_CHK

func netlinkOption(s *state.Socket, in *net.OptionRequest, out *net.OptionReply) uabi.Error {
	switch {
	case in.Level != unix.SOL_NETLINK || in.Name >= 32:
		return uabi.ErrNoOption
	case netlinkSwitches>>in.Name&1 != 0:
		out.Value = number(s.Netlink >> in.Name & 1)
	case in.Name == unix.NETLINK_LIST_MEMBERSHIPS:
		out.Value = number(s.Groups)
	default:
		return uabi.ErrNoOption
	}
	return uabi.OK
}

func (h *Netd) setNetlinkOption(c *server.Ctx, s *state.Socket, in *net.OptionRequest) uabi.Error {
	if in.Level != unix.SOL_NETLINK || in.Name >= 32 {
		return uabi.ErrNoOption
	}
	if len(in.Value) < 4 {
		return uabi.ErrArg
	}
	v := le.Uint32(in.Value)
	switch {
	case netlinkSwitches>>in.Name&1 != 0:
		s.Netlink &^= 1 << in.Name
		if v != 0 {
			s.Netlink |= 1 << in.Name
		}
	case in.Name == unix.NETLINK_ADD_MEMBERSHIP, in.Name == unix.NETLINK_DROP_MEMBERSHIP:
		if v == 0 || v > maxGroups {
			return uabi.ErrArg
		}
		if !s.Bound {
			h.givePort(c, s, 0)
		}
		s.Groups &^= 1 << (v - 1)
		if in.Name == unix.NETLINK_ADD_MEMBERSHIP {
			s.Groups |= 1 << (v - 1)
		}
	default:
		return uabi.ErrNoOption
	}
	return uabi.OK
}
