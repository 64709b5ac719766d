package ipc

import (
	"testing"

	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// makers is every function that makes objects; each installs what it made in p.
func makers(w *world, p *Process, e *Endpoint) map[string]func(a *object.Account) uabi.Error {
	keep := func(h *object.Header, err uabi.Error) uabi.Error {
		if err == uabi.OK {
			_, err = p.InstallNew(h, uabi.RightsAll)
		}
		return err
	}
	ev, _ := w.event(p)
	return map[string]func(a *object.Account) uabi.Error{
		"event":    func(a *object.Account) uabi.Error { x, err := NewEvent(a); return keep(x.header(), err) },
		"endpoint": func(a *object.Account) uabi.Error { x, err := NewEndpoint(a, 3); return keep(x.header(), err) },
		"wait set": func(a *object.Account) uabi.Error {
			x, err := NewWaitSet(a)
			if err != uabi.OK {
				return err
			}
			if err := x.Add(ev, 1, 1, 0, 0); err != uabi.OK {
				Drop(&x.Header)
				return err
			}
			return keep(&x.Header, uabi.OK)
		},
		"timer":     func(a *object.Account) uabi.Error { x, err := NewTimer(a, ev, 1); return keep(x.header(), err) },
		"interrupt": func(a *object.Account) uabi.Error { x, err := NewIRQ(a, 3, ev, 1); return keep(x.header(), err) },
		"port":      func(a *object.Account) uabi.Error { x, err := NewPort(a, 1, 2, 3); return keep(x.header(), err) },
		"process":   func(a *object.Account) uabi.Error { x, err := NewProcess(a, 6, 0, nil); return keep(x.header(), err) },
		"alien": func(a *object.Account) uabi.Error {
			x, err := NewAlien(a, p.Space, e, nil)
			if err != uabi.OK {
				return err
			}
			return keep(&x.Header, uabi.OK)
		},
	}
}

func (x *Event) header() *object.Header {
	return header(x == nil, func() *object.Header { return &x.Header })
}
func (x *Endpoint) header() *object.Header {
	return header(x == nil, func() *object.Header { return &x.Header })
}
func (x *Timer) header() *object.Header {
	return header(x == nil, func() *object.Header { return &x.Header })
}
func (x *IRQ) header() *object.Header {
	return header(x == nil, func() *object.Header { return &x.Header })
}
func (x *Port) header() *object.Header {
	return header(x == nil, func() *object.Header { return &x.Header })
}
func (x *Process) header() *object.Header {
	return header(x == nil, func() *object.Header { return &x.Header })
}

func header(none bool, h func() *object.Header) *object.Header {
	if none {
		return nil
	}
	return h()
}

func TestWhatCannotBePaidForLeavesNothingBehind(t *testing.T) {
	p := newPair(t)
	for name, make := range makers(p.world, p.s, p.e) {
		p.idle()
		before := p.count()
		a := object.NewAccount(p.acct, 0, 0)
		for limit := uint64(1); ; limit++ {
			a.SetLimit(0, a.ObjectsUsed+limit)
			h0 := p.s.Table.Count()
			err := make(a)
			if err == uabi.OK {
				break
			}
			eq(t, name, err, uabi.ErrNoMem)
			p.idle()
			eq(t, name+": handles", p.s.Table.Count(), h0)
			eq(t, name+": charged", a.ObjectsUsed, 0)
			if limit > 8 {
				t.Fatalf("%s: never succeeds", name)
			}
			a.SetLimit(0, a.ObjectsUsed+1)
		}
		for h := p.s.Table.Next(0); h != 0; {
			next := p.s.Table.Next(h)
			if x, _ := p.s.Table.Lookup(h); x.Obj.Acct == a {
				p.check(p.s.Close(h))
			}
			h = next
		}
		p.idle()
		eq(t, name+": charged at the end", a.ObjectsUsed, 0)
		a.Release()
		eq(t, name, p.count(), before)
	}
	p.leak()
}

func TestABufferIsMappedOnceAndDetachedOnlyBetweenRequests(t *testing.T) {
	p := newPair(t)
	x, err := NewNative(p.s)
	p.check(err)
	eq(t, "none", x.Detach(), uabi.ErrArg)
	frames := p.acct.FramesUsed
	p.check(x.Attach(0x40000000))
	eq(t, "twice", x.Attach(0x50000000), uabi.ErrExists)
	_, err = p.s.Space.Write(0x40000000+uabi.BufOut, []byte{7})
	p.check(err)
	eq(t, "the same memory", uint8(x.Buf.Out.Kind), 7)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(x, p.e)
	eq(t, "busy", x.Detach(), uabi.ErrBusy)
	out(x, uabi.AnswerResult)
	p.reply(x)
	p.check(x.Detach())
	for vm.Reap() {
	}
	p.idle()
	if got := p.acct.FramesUsed; got > frames+2 { // page tables may stay
		t.Fatalf("%d frames are still charged", got-frames)
	}
	y, err := NewNative(p.s)
	p.check(err)
	eq(t, "taken address", y.Attach(dataVA), uabi.ErrExists)
	p.leak()
}

func TestAHandlerReachesTheMemoryOfTheAlienWhoseTrapItHandles(t *testing.T) {
	x := newLX(t)
	_, err := x.a.Space.Write(dataVA, []byte("path\x00rest"))
	x.check(err)
	_, err = AlienString(x.lt, dataVA, dataVA, 100)
	eq(t, "no trap", err, uabi.ErrStale)
	x.trapped()
	n, err := AlienString(x.lt, dataVA, dataVA, 100)
	x.check(err)
	eq(t, "length", n, 4)
	_, err = AlienString(x.lt, dataVA, dataVA, 4)
	eq(t, "no room for the NUL", err, uabi.ErrSize)
	_, err = AlienString(x.lt, 0x700000, dataVA, 4)
	eq(t, "unmapped", err, uabi.ErrFault)
	long := make([]byte, 400)
	for i := range long {
		long[i] = 'a'
	}
	end := dataVA + 4*frame.Size - uint64(len(long)) // up to the end of the mapping, with no NUL
	_, err = x.a.Space.Write(end, long)
	x.check(err)
	_, err = AlienString(x.lt, end, dataVA, 1000)
	eq(t, "runs into a hole", err, uabi.ErrFault)
	_, err = x.a.Space.Write(end+uint64(len(long))-1, []byte{0})
	x.check(err)
	n, err = AlienString(x.lt, end, dataVA, 1000)
	x.check(err)
	eq(t, "length", n, uint64(len(long)-1))
	_, err = x.l.Space.Write(dataVA, []byte("back"))
	x.check(err)
	n, err = AlienCopy(x.lt, dataVA+8, dataVA, 4, true)
	x.check(err)
	var b [4]byte
	x.a.Space.Read(dataVA+8, b[:])
	eq(t, "written", string(b[:]), "back")
	eq(t, "bytes", n, 4)
	x.end()
}

func TestAlienGrantsPassThroughNestedAndForwardedRequests(t *testing.T) {
	x := newLX(t)
	pe, _ := x.endpoint(x.d)
	dt := x.native(x.d)
	_, err := x.a.Space.Write(dataVA, []byte("alien"))
	x.check(err)
	grant := func(o *uabi.Msg) {
		o.NGrants = 1
		o.Grant[0] = uabi.Grant{Addr: dataVA, Len: 5, Rights: uabi.RightRead | uabi.RightWrite, Flags: uabi.GrantAlien}
	}
	reads := func(s *Thread) {
		t.Helper()
		var b [5]byte
		n, err := GrantCopy(s, 0, 0, placeOf(s.Proc, dataVA), 5, false)
		x.check(err)
		s.Proc.Space.Read(dataVA, b[:])
		eq(t, "bytes", string(b[:n]), "alien")
	}
	x.trapped()
	grant(out(x.lt, 0))
	x.call(x.lt, x.ve, nil)
	x.receive(x.vt, x.ve)
	reads(x.vt)
	grant(out(x.vt, 0))
	x.call(x.vt, pe, nil)
	x.receive(dt, pe)
	reads(dt)
	out(dt, uabi.AnswerResult)
	x.reply(dt)
	out(x.vt, uabi.AnswerResult)
	x.reply(x.vt)
	grant(x.forward())
	x.reply(x.lt)
	x.receive(x.vt, x.ve)
	reads(x.vt)
	x.end()
}

// The sender of a call for an alien ends: its successor will send the call again, and is told what is answered now.
func TestAlienGrantsOutliveTheSenderAsLongAsTheTrap(t *testing.T) {
	x := newLX(t)
	_, err := x.a.Space.Write(dataVA, []byte("alien"))
	x.check(err)
	x.trapped()
	o := out(x.lt, 0)
	o.ID = uabi.ID{Origin: x.a.ID, Trap: x.a.al.traps, Path: 1}
	o.NGrants = 2
	o.Grant[0] = uabi.Grant{Addr: dataVA, Len: 5, Rights: uabi.RightRead, Flags: uabi.GrantAlien}
	o.Grant[1] = uabi.Grant{Addr: dataVA, Len: 5, Rights: uabi.RightRead}
	x.call(x.lt, x.ve, nil)
	x.receive(x.vt, x.ve)
	x.l.Die(1, true)
	n, err := GrantCopy(x.vt, 0, 0, placeOf(x.v, dataVA), 5, false)
	x.check(err)
	eq(t, "bytes", n, 5)
	_, err = GrantCopy(x.vt, 1, 0, placeOf(x.v, dataVA), 5, false)
	eq(t, "the sender's own memory", err, uabi.ErrStale)
	x.a.al.traps++ // as if a successor had answered, and the alien had trapped again
	_, err = GrantCopy(x.vt, 0, 0, placeOf(x.v, dataVA), 5, false)
	eq(t, "of another trap", err, uabi.ErrStale)
	x.a.al.traps--
}

func TestWeakHandlesStayWeakAndRightsOnlyShrink(t *testing.T) {
	p := newPair(t)
	h, err := p.e.Mint(p.c, 3, uabi.RightCall|uabi.RightTransfer)
	p.check(err)
	b := p.e.find(3)
	less, err := p.c.Dup(h, uabi.RightCall)
	p.check(err)
	_, err = p.c.Dup(less, uabi.RightCall|uabi.RightTransfer)
	eq(t, "more", err, uabi.ErrRights)
	weak, err := p.c.Dup(h, uabi.RightCall|uabi.RightWeak)
	p.check(err)
	weak2, err := p.c.Dup(weak, uabi.RightCall)
	p.check(err)
	_, rights, _, _ := p.c.HandleInfo(weak2)
	eq(t, "still weak", rights&uabi.RightWeak, uabi.RightWeak)
	eq(t, "counted", b.handles, 2)
	_, err = p.e.Mint(p.c, 3, uabi.RightsAll)
	p.check(err)
	for x := p.c.Table.Next(0); x != 0; x = p.c.Table.Next(x) {
		_, r, _, _ := p.c.HandleInfo(x)
		eq(t, "nobody receives on a badge", r&(uabi.RightReceive|uabi.RightManage), 0)
	}
	p.leak()
}

func TestAnEndpointHandleIsForgottenWhenItIsClosed(t *testing.T) {
	p := newPair(t)
	h, err := p.c.Install(&p.e.Header, nil, uabi.RightCall)
	p.check(err)
	for range 2 { // looked up, and known
		e, _, err := p.c.Endpoint(h, uabi.RightCall)
		p.check(err)
		eq(t, "endpoint", e, p.e)
		_, _, err = p.c.Endpoint(h, uabi.RightReceive)
		eq(t, "right", err, uabi.ErrRights)
	}
	p.check(p.c.Close(h))
	_, _, err = p.c.Endpoint(h, uabi.RightCall)
	eq(t, "closed", err, uabi.ErrHandle)
	ev, eh := p.event(p.c)
	for range 2 {
		got, err := p.c.GetEvent(eh, uabi.RightRead)
		p.check(err)
		eq(t, "event", got, ev)
		_, err = p.c.GetThread(eh, 0)
		eq(t, "type", err, uabi.ErrType)
	}
	p.check(p.c.Close(eh))
	_, err = p.c.GetEvent(eh, uabi.RightRead)
	eq(t, "closed", err, uabi.ErrHandle)
	_, again := p.event(p.c)
	eq(t, "the slot has another generation", again != eh, true)
	p.leak()
}
