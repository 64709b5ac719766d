package main

import (
	"golang.org/x/sys/unix"

	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Groups of poll(2)'s bits that come together (with POLLRDNORM, POLLWRNORM, POLLWRBAND), and those of an event.
const (
	pollIn   = unix.POLLIN | 0x40
	pollOut  = unix.POLLOUT | 0x100 | 0x200
	pollMask = 1<<16 - 1

	roomBit = 1 << 16 // the queue, or that of a listener, takes more
	downBit = 1 << 17 // nothing can be sent any more
)

// maxDatagrams is how many datagrams wait in a queue before senders that are not its peer have to wait. It is what systemd sets
// net.unix.max_dgram_qlen to.
const maxDatagrams = 512

// onlyLevel as the raise number of a wait: what was raised before does not count, the level does.
const onlyLevel = ^uint64(0)

// queueFull is unix_recvq_full: of connections for a listener, else of datagrams.
func queueFull(s *state.Socket) bool {
	if s.Status == state.Status_LISTENING {
		return len(s.Pending) > int(s.Backlog)
	}
	return len(s.Queue.Packets) > maxDatagrams
}

// ready is what a socket's event has to say (unix_poll, unix_dgram_poll, datagram_poll of Linux).
func (h *Netd) ready(s *state.Socket) (now uint32) {
	if s.Error != 0 {
		now |= unix.POLLERR
	}
	if len(s.Queue.Packets) > 0 || len(s.Pending) > 0 {
		now |= pollIn
	}
	if s.Domain == unix.AF_NETLINK {
		if s.Queue.Used < uint64(s.Rcvbuf) {
			now |= roomBit
		}
		return now | pollOut
	}
	if s.ReadShut {
		now |= unix.POLLRDHUP | pollIn
		if s.WriteShut {
			now |= unix.POLLHUP
		}
	}
	if s.WriteShut {
		now |= downBit
	}
	if isConnection(s) && s.Status == state.Status_IDLE {
		now |= unix.POLLHUP
	}
	if !queueFull(s) {
		now |= roomBit
	}
	if s.Status != state.Status_LISTENING && h.writable(s) {
		now |= pollOut
	}
	return now
}

// writable is unix_writable, and for a datagram socket whether the one that it is connected to takes more.
func (h *Netd) writable(s *state.Socket) bool {
	if s.Sent*4 > uint64(s.Sndbuf) {
		return false
	}
	if s.Type != unix.SOCK_DGRAM || s.Peer == 0 {
		return true
	}
	peer := h.sockets[s.Peer]
	return peer == nil || peer.Peer == s.Id || !queueFull(peer)
}

// level brings a socket's event up to date; raise counts bits again that are up already (for edge-triggered waiters).
func (h *Netd) level(c *server.Ctx, s *state.Socket, raise uint32) {
	now := h.ready(s)
	set, clear := now&^s.Level|now&raise, s.Level&^now
	room := (s.Level^now)&roomBit != 0
	if set|clear != 0 {
		c.EventLater(uabi.Handle(s.Event), set, clear, 0)
	}
	s.Level = now
	if !room {
		return
	}
	for _, id := range h.fans[s.Id] {
		if f := h.sockets[id]; f != nil {
			h.level(c, f, 0)
		}
	}
}

// wait is a handler's answer when it has to wait for bits of a socket's event, at most ns (0: for ever).
func (h *Netd) wait(c *server.Ctx, s *state.Socket, bits uint32, ns uint64) uabi.Error {
	deadline := uint64(uabi.NoDeadline)
	if ns != 0 {
		deadline = c.Now() + ns
	}
	return c.Wait(uabi.Handle(s.Event), bits, onlyLevel, deadline)
}

// dontWait reports whether a call must not wait.
func dontWait(s *state.Socket, flags uint32) bool {
	return s.Flags&unix.O_NONBLOCK != 0 || flags&unix.MSG_DONTWAIT != 0
}
