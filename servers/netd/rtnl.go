package main

import (
	"bytes"

	"golang.org/x/sys/unix"

	"aramid/servers/netd/state"
	"aramid/servers/server"
)

// rtnetlink(7), with one device: lo.

const (
	loIndex     = 1
	loopbackMTU = 65536
	loopbackTx  = 1000
	loopback    = "lo"
	nlmsgHdr    = unix.SizeofNlMsghdr
	capped      = 0x100 // NLM_F_CAPPED
)

func newLink() *state.Link {
	return &state.Link{Flags: unix.IFF_LOOPBACK, Mtu: loopbackMTU, Txqlen: loopbackTx}
}

// request is one message of a datagram.
type request struct {
	typ   uint16
	flags uint16
	seq   uint32
	raw   []byte // with its header
	admin bool
}

func (r *request) body() []byte { return r.raw[nlmsgHdr:] }

// route carries out what a datagram asks the kernel for, as netlink_rcv_skb goes through it.
func (h *Netd) route(c *server.Ctx, s *state.Socket, b []byte, admin bool) {
	for len(b) >= nlmsgHdr {
		n := le.Uint32(b)
		if n < nlmsgHdr || uint64(n) > uint64(len(b)) {
			return
		}
		r := request{typ: le.Uint16(b[4:]), flags: le.Uint16(b[6:]), seq: le.Uint32(b[8:]), raw: b[:n], admin: admin}
		if r.flags&unix.NLM_F_REQUEST != 0 && r.typ >= unix.NLMSG_MIN_TYPE {
			a := answer{h: h, c: c, s: s, r: &r}
			a.ack(a.run())
			a.flush()
		}
		b = b[min(uint64(len(b)), uint64(n+3)&^3):]
	}
}

// answer collects the replies to one request.
type answer struct {
	h    *Netd
	c    *server.Ctx
	s    *state.Socket
	r    *request
	out  []byte
	dump bool
}

func (a *answer) flush() {
	if len(a.out) > 0 {
		a.h.queue(a.c, a.s, a.out, &state.Packet{Creds: &state.Creds{}})
		a.out = nil
	}
}

// message appends one.
func (a *answer) message(typ, flags uint16, body []byte) {
	a.out = le.AppendUint32(a.out, uint32(nlmsgHdr+len(body)))
	a.out = le.AppendUint16(a.out, typ)
	a.out = le.AppendUint16(a.out, flags)
	a.out = le.AppendUint32(a.out, a.r.seq)
	a.out = le.AppendUint32(a.out, a.s.Port)
	a.out = pad4(append(a.out, body...))
}

func pad4(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// attr appends an attribute.
func attr(b []byte, typ uint16, value []byte) []byte {
	b = le.AppendUint16(b, uint16(unix.SizeofRtAttr+len(value)))
	b = le.AppendUint16(b, typ)
	return pad4(append(b, value...))
}

// ack ends a request: with NLMSG_DONE for a dump, else with NLMSG_ERROR where one is asked for or something is wrong.
func (a *answer) ack(e unix.Errno) {
	if a.dump {
		a.flush()
		a.message(unix.NLMSG_DONE, unix.NLM_F_MULTI, number(0))
		return
	}
	if e == 0 && a.r.flags&unix.NLM_F_ACK == 0 {
		return
	}
	a.flush()
	body := number(uint32(-int32(e)))
	if e == 0 || a.s.Netlink>>unix.NETLINK_CAP_ACK&1 != 0 {
		a.message(unix.NLMSG_ERROR, capped, append(body, a.r.raw[:nlmsgHdr]...))
		return
	}
	a.message(unix.NLMSG_ERROR, 0, append(body, a.r.raw...))
}

// run carries the request out. Errors are errnos, since they are part of the protocol's bytes.
func (a *answer) run() unix.Errno {
	change := a.r.typ&3 != 2 // RTM_GET… are those with 2 in the low bits
	if change && !a.r.admin {
		return unix.EPERM
	}
	dump := a.r.flags&unix.NLM_F_DUMP == unix.NLM_F_DUMP
	switch a.r.typ {
	case unix.RTM_NEWLINK, unix.RTM_SETLINK:
		return a.setLink()
	case unix.RTM_GETLINK:
		return a.getLink(dump)
	case unix.RTM_NEWADDR:
		return a.addAddress()
	case unix.RTM_DELADDR:
		return a.removeAddress()
	case unix.RTM_GETADDR:
		if !dump {
			return unix.EOPNOTSUPP
		}
		a.getAddresses()
		return 0
	case unix.RTM_GETROUTE, unix.RTM_GETNEIGH, unix.RTM_GETRULE:
		if dump {
			a.dump = true // there are none
			return 0
		}
		if a.r.typ == unix.RTM_GETROUTE {
			return unix.ENETUNREACH
		}
	}
	return unix.EOPNOTSUPP
}

// attributes are those behind a request's fixed part of n bytes.
func (r *request) attributes(n int) map[uint16][]byte {
	out := map[uint16][]byte{}
	b := r.body()
	for b = b[min(len(b), n):]; len(b) >= unix.SizeofRtAttr; {
		size := int(le.Uint16(b))
		if size < unix.SizeofRtAttr || size > len(b) {
			break
		}
		out[le.Uint16(b[2:])&^unix.NLA_F_NESTED] = b[unix.SizeofRtAttr:size]
		b = b[min(len(b), (size+3)&^3):]
	}
	return out
}

// link checks that a request's struct ifinfomsg means lo.
func (a *answer) link() ([]byte, unix.Errno) {
	b := a.r.body()
	if len(b) < unix.SizeofIfInfomsg {
		return nil, unix.EINVAL
	}
	name, named := a.r.attributes(unix.SizeofIfInfomsg)[unix.IFLA_IFNAME]
	switch index := le.Uint32(b[4:]); {
	case index == loIndex:
	case index != 0 || named && string(bytes.TrimRight(name, "\x00")) != loopback:
		return nil, unix.ENODEV
	case !named:
		return nil, unix.EINVAL
	}
	return b, 0
}

func (a *answer) setLink() unix.Errno {
	b, e := a.link()
	if e != 0 {
		if e == unix.ENODEV && a.r.typ == unix.RTM_NEWLINK && a.r.flags&unix.NLM_F_CREATE != 0 {
			return unix.EOPNOTSUPP // no kind of device can be made
		}
		return e
	}
	const known = unix.IFF_UP | unix.IFF_NOARP | unix.IFF_PROMISC | unix.IFF_ALLMULTI | unix.IFF_DEBUG
	flags, change := le.Uint32(b[8:]), le.Uint32(b[12:])
	if change == 0 && flags != 0 {
		change = ^uint32(0)
	}
	lo := a.h.top.Lo
	up := lo.Flags&unix.IFF_UP == 0 && flags&change&unix.IFF_UP != 0
	lo.Flags = lo.Flags&^(change&known) | flags&change&known
	for typ, v := range a.r.attributes(unix.SizeofIfInfomsg) {
		switch {
		case typ == unix.IFLA_MTU && len(v) >= 4:
			lo.Mtu = le.Uint32(v)
		case typ == unix.IFLA_TXQLEN && len(v) >= 4:
			lo.Txqlen = le.Uint32(v)
		}
	}
	if up {
		a.h.addLoopback()
	}
	return 0
}

// addLoopback gives lo, which comes up, the addresses that Linux gives it.
func (h *Netd) addLoopback() {
	v6 := make([]byte, 16)
	v6[15] = 1
	for _, x := range []*state.Address{
		{Family: unix.AF_INET, Prefix: 8, Flags: unix.IFA_F_PERMANENT, Scope: unix.RT_SCOPE_HOST, Local: []byte{127, 0, 0, 1}, Label: []byte(loopback)},
		{Family: unix.AF_INET6, Prefix: 128, Flags: unix.IFA_F_PERMANENT, Scope: unix.RT_SCOPE_HOST, Local: v6},
	} {
		if h.address(x) < 0 {
			h.top.Lo.Addresses = append(h.top.Lo.Addresses, x)
		}
	}
}

// address is the index of an address of lo, or -1.
func (h *Netd) address(x *state.Address) int {
	for i, y := range h.top.Lo.Addresses {
		if y.Family == x.Family && y.Prefix == x.Prefix && bytes.Equal(y.Local, x.Local) {
			return i
		}
	}
	return -1
}

// running is what lo's flags show.
func running(lo *state.Link) uint32 {
	f := lo.Flags
	if f&unix.IFF_UP != 0 {
		f |= unix.IFF_RUNNING | unix.IFF_LOWER_UP
	}
	return f
}

func (a *answer) getLink(dump bool) unix.Errno {
	if !dump {
		if _, e := a.link(); e != 0 {
			return e
		}
	}
	lo := a.h.top.Lo
	b := []byte{unix.AF_UNSPEC, 0}
	b = le.AppendUint16(b, unix.ARPHRD_LOOPBACK)
	b = le.AppendUint32(b, loIndex)
	b = le.AppendUint32(b, running(lo))
	b = le.AppendUint32(b, 0)
	operstate := byte(2) // IF_OPER_DOWN
	if lo.Flags&unix.IFF_UP != 0 {
		operstate = 0 // IF_OPER_UNKNOWN, which lo says
	}
	b = attr(b, unix.IFLA_IFNAME, []byte(loopback+"\x00"))
	b = attr(b, unix.IFLA_TXQLEN, number(lo.Txqlen))
	b = attr(b, unix.IFLA_OPERSTATE, []byte{operstate})
	b = attr(b, unix.IFLA_LINKMODE, []byte{0})
	b = attr(b, unix.IFLA_MTU, number(lo.Mtu))
	b = attr(b, unix.IFLA_MIN_MTU, number(0))
	b = attr(b, unix.IFLA_MAX_MTU, number(0))
	b = attr(b, unix.IFLA_GROUP, number(0))
	b = attr(b, unix.IFLA_PROMISCUITY, number(0))
	b = attr(b, unix.IFLA_NUM_TX_QUEUES, number(1))
	b = attr(b, unix.IFLA_NUM_RX_QUEUES, number(1))
	b = attr(b, unix.IFLA_CARRIER, []byte{1})
	b = attr(b, unix.IFLA_QDISC, []byte("noqueue\x00"))
	b = attr(b, unix.IFLA_ADDRESS, make([]byte, 6))
	b = attr(b, unix.IFLA_BROADCAST, make([]byte, 6))
	flags := uint16(0)
	if a.dump = dump; dump {
		flags = unix.NLM_F_MULTI
	}
	a.message(unix.RTM_NEWLINK, flags, b)
	return 0
}

// parseAddress reads a struct ifaddrmsg and its attributes.
func (a *answer) parseAddress() (*state.Address, unix.Errno) {
	b := a.r.body()
	if len(b) < unix.SizeofIfAddrmsg {
		return nil, unix.EINVAL
	}
	at := a.r.attributes(unix.SizeofIfAddrmsg)
	x := &state.Address{Family: uint32(b[0]), Prefix: uint32(b[1]), Flags: uint32(b[2]), Scope: uint32(b[3])}
	size := 4
	switch x.Family {
	case unix.AF_INET:
	case unix.AF_INET6:
		size = 16
	default:
		return nil, unix.EOPNOTSUPP
	}
	local := at[unix.IFA_LOCAL]
	if local == nil {
		local = at[unix.IFA_ADDRESS]
	}
	switch {
	case le.Uint32(b[4:]) != loIndex:
		return nil, unix.ENODEV
	case len(local) != size || int(x.Prefix) > 8*size:
		return nil, unix.EINVAL
	}
	x.Local = bytes.Clone(local)
	if f := at[unix.IFA_FLAGS]; len(f) >= 4 {
		x.Flags = le.Uint32(f)
	}
	if x.Family == unix.AF_INET {
		x.Label = []byte(loopback)
		if l := bytes.TrimRight(at[unix.IFA_LABEL], "\x00"); len(l) > 0 {
			x.Label = bytes.Clone(l)
		}
	}
	return x, 0
}

func (a *answer) addAddress() unix.Errno {
	x, e := a.parseAddress()
	if e != 0 {
		return e
	}
	x.Flags |= unix.IFA_F_PERMANENT
	lo := a.h.top.Lo
	i := a.h.address(x)
	switch {
	case i < 0:
		lo.Addresses = append(lo.Addresses, x)
	case a.r.flags&unix.NLM_F_REPLACE == 0 || a.r.flags&unix.NLM_F_EXCL != 0:
		return unix.EEXIST
	default:
		lo.Addresses[i] = x
	}
	return 0
}

func (a *answer) removeAddress() unix.Errno {
	x, e := a.parseAddress()
	if e != 0 {
		return e
	}
	i := a.h.address(x)
	if i < 0 {
		return unix.EADDRNOTAVAIL
	}
	lo := a.h.top.Lo
	lo.Addresses = append(lo.Addresses[:i], lo.Addresses[i+1:]...)
	return 0
}

func (a *answer) getAddresses() {
	a.dump = true
	family := uint32(unix.AF_UNSPEC)
	if b := a.r.body(); len(b) > 0 {
		family = uint32(b[0])
	}
	for _, x := range a.h.top.Lo.Addresses {
		if family != unix.AF_UNSPEC && family != x.Family {
			continue
		}
		b := []byte{byte(x.Family), byte(x.Prefix), byte(x.Flags), byte(x.Scope)}
		b = le.AppendUint32(b, loIndex)
		b = attr(b, unix.IFA_ADDRESS, x.Local)
		if x.Family == unix.AF_INET {
			b = attr(b, unix.IFA_LOCAL, x.Local)
			b = attr(b, unix.IFA_LABEL, append(bytes.Clone(x.Label), 0))
		}
		b = attr(b, unix.IFA_FLAGS, number(x.Flags))
		forever := le.AppendUint64(le.AppendUint64(nil, ^uint64(0)), 0)
		b = attr(b, unix.IFA_CACHEINFO, forever)
		a.message(unix.RTM_NEWADDR, unix.NLM_F_MULTI, b)
	}
}
