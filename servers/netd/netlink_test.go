package main

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/ukernel/uabi"
)

// nl is a netlink address.
func nl(port, groups uint32) *net.AddressRequest {
	return &net.AddressRequest{Family: unix.AF_NETLINK, Port: port, Groups: groups}
}

func (c *client) uevents() net.Client {
	return c.socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_KOBJECT_UEVENT)
}

func (c *client) bindPort(s net.Client, in *net.AddressRequest, want uabi.Error) {
	c.want("bind", s.Bind(c.t, in, &net.EmptyReply{}), want)
}

func to(port, groups uint32) *net.MessageRequest {
	return &net.MessageRequest{HasAddress: true, Family: unix.AF_NETLINK, Port: port, Groups: groups}
}

func TestNetlinkMessagesReachGroupsAndPorts(t *testing.T) {
	sweep(t, 2, func(w *world) {
		w.client(func(c *client) {
			a, b, d := c.uevents(), c.uevents(), c.uevents()
			c.bindPort(a, nl(7, 4), uabi.OK)
			c.bindPort(b, nl(8, 4), uabi.OK)
			c.bindPort(d, nl(8, 0), uabi.ErrAddressInUse)
			c.bindPort(b, nl(9, 0), uabi.ErrArg)
			c.bindPort(d, &net.AddressRequest{Family: unix.AF_UNIX}, uabi.ErrArg)
			c.set(b, unix.SOL_SOCKET, unix.SO_PASSCRED, number(1), uabi.OK)
			c.set(b, unix.SOL_NETLINK, unix.NETLINK_PKTINFO, number(1), uabi.OK)
			c.message(a, "to all", to(0, 4), uabi.OK)
			text, m := c.receive(b, 0, 200, uabi.OK)
			if text != "to all" || m.Port != 7 || m.Groups != 4 || m.Group != 3 || !m.HasGroup || m.Uid != 1000 {
				w.Fail("received %q %v", text, m)
			}
			c.recv(a, 9, unix.MSG_DONTWAIT, uabi.ErrAgain)
			c.message(a, "to one", to(8, 0), uabi.OK)
			c.reads(b, "to one")
			c.message(d, "to nobody", to(99, 0), uabi.ErrRefused)
			c.message(d, "to none", to(0, 2), uabi.OK)
			var name net.NameReply
			c.want("name", d.Name(c.t, &net.NameRequest{}, &name), uabi.OK)
			if name.Port>>31 != 1 {
				w.Fail("the chosen port is %d", name.Port)
			}
			c.want("connect", d.Connect(c.t, nl(8, 0), &net.EmptyReply{}), uabi.OK)
			c.send(d, "connected", 0, uabi.OK)
			c.reads(b, "connected")
			c.want("connect", d.Connect(c.t, &net.AddressRequest{Family: unix.AF_UNIX}, &net.EmptyReply{}), uabi.ErrArg)
			c.set(b, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, number(33), uabi.ErrArg)
			c.set(b, unix.SOL_NETLINK, unix.NETLINK_DROP_MEMBERSHIP, number(3), uabi.OK)
			c.message(a, "not heard", to(0, 4), uabi.OK)
			c.recv(b, 9, unix.MSG_DONTWAIT, uabi.ErrAgain)
			c.get(b, unix.SOL_NETLINK, 31, uabi.ErrNoOption)
			c.want("shutdown", a.Shutdown(c.t, &net.ShutdownRequest{}, &net.EmptyReply{}), uabi.ErrOperation)
			c.close(a, b, d)
		})
	})
}

func TestAFullNetlinkQueueIsTold(t *testing.T) {
	sweep(t, 9, func(w *world) {
		w.client(func(c *client) {
			a, b := c.uevents(), c.uevents()
			c.bindPort(a, nl(7, 0), uabi.OK)
			c.bindPort(b, nl(8, 1), uabi.OK)
			c.set(b, unix.SOL_SOCKET, unix.SO_RCVBUF, number(0), uabi.OK)
			long := string(bytes.Repeat([]byte("x"), 2000))
			c.message(a, long, to(0, 1), uabi.OK)
			c.message(a, long, to(0, 1), uabi.OK)
			c.message(a, long, &net.MessageRequest{Flags: unix.MSG_DONTWAIT, HasAddress: true, Family: unix.AF_NETLINK, Port: 8}, uabi.ErrAgain)
			c.message(a, long, to(0, 1), uabi.OK) // lost
			c.recv(b, 9, 0, uabi.ErrNoBuffers)
			c.receive(b, 0, 0, uabi.ErrNoBuffers)
			c.read(b, 9, uabi.ErrNoBuffers)
			c.want("error", b.Error(c.t, &net.EmptyRequest{}, &net.CountReply{}), uabi.OK)
			c.recv(b, 3000, 0, uabi.OK)
			c.message(a, "more", to(8, 0), uabi.OK)
			c.close(a, b)
		})
	})
}

// ask builds a request of rtnetlink.
func ask(typ, flags uint16, body ...byte) string {
	b := number(uint32(nlmsgHdr + len(body)))
	b = le.AppendUint16(le.AppendUint16(b, typ), flags|unix.NLM_F_REQUEST)
	return string(append(le.AppendUint64(b, 5), body...))
}

func TestLoIsKeptAtEveryCrash(t *testing.T) {
	link := func(flags, change uint32) []byte {
		b := append(number(0), number(loIndex)...)
		return append(append(b, number(flags)...), number(change)...)
	}
	addr := append([]byte{unix.AF_INET, 8, 0, unix.RT_SCOPE_HOST, loIndex, 0, 0, 0}, attr(nil, unix.IFA_LOCAL, []byte{127, 0, 0, 1})...)
	sweep(t, 2, func(w *world) {
		w.client(func(c *client) {
			s := c.socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
			c.bindPort(s, nl(1, 0), uabi.OK)
			// errno sends a request and gives the error of its answer.
			errno := func(text string) int32 {
				c.send(s, text, 0, uabi.OK)
				b := []byte(c.recv(s, 200, 0, uabi.OK))
				if le.Uint16(b[4:]) != unix.NLMSG_ERROR || le.Uint32(b[8:]) != 5 {
					w.Fail("the answer is %x", b)
				}
				return int32(le.Uint32(b[nlmsgHdr:]))
			}
			for _, v := range []struct {
				text string
				want unix.Errno
			}{
				{ask(unix.RTM_NEWADDR, unix.NLM_F_ACK, addr...), 0}, {ask(unix.RTM_NEWADDR, unix.NLM_F_ACK, addr...), unix.EEXIST},
				{ask(unix.RTM_NEWLINK, unix.NLM_F_ACK, link(unix.IFF_UP, unix.IFF_UP)...), 0}, {ask(unix.RTM_NEWADDR, 0, 1, 2), unix.EINVAL},
				{ask(unix.RTM_NEWLINK, 0, make([]byte, 16)...), unix.EINVAL}, {ask(1000, 0), unix.EOPNOTSUPP},
				{ask(unix.RTM_DELADDR, unix.NLM_F_ACK, addr...), 0}, {ask(unix.RTM_DELADDR, 0, addr...), unix.EADDRNOTAVAIL},
			} {
				if got := errno(v.text); got != -int32(v.want) {
					w.Fail("%x answers %d, want %v", v.text, got, v.want)
				}
			}
			c.send(s, ask(unix.RTM_GETLINK, unix.NLM_F_DUMP, link(0, 0)...), 0, uabi.OK)
			b := []byte(c.recv(s, 1000, 0, uabi.OK))
			if le.Uint16(b[4:]) != unix.RTM_NEWLINK || le.Uint32(b[nlmsgHdr+8:])&(unix.IFF_UP|unix.IFF_RUNNING) != unix.IFF_UP|unix.IFF_RUNNING {
				w.Fail("lo is %x", b)
			}
			if b = []byte(c.recv(s, 1000, 0, uabi.OK)); le.Uint16(b[4:]) != unix.NLMSG_DONE {
				w.Fail("the dump ends with %x", b)
			}
			// lo was given both addresses when it came up, of which one was taken away.
			c.send(s, ask(unix.RTM_GETADDR, unix.NLM_F_DUMP, 0), 0, uabi.OK)
			if b = []byte(c.recv(s, 1000, 0, uabi.OK)); b[nlmsgHdr] != unix.AF_INET6 || len(b) != int(le.Uint32(b)) {
				w.Fail("the addresses are %x", b)
			}
			c.close(s)
		})
	})
}
