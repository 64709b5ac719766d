package ipc

import (
	"testing"

	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// pair is a client and a server with one thread each, and an endpoint.
type pair struct {
	*world
	c, s   *Process
	ct, st *Thread
	e      *Endpoint
	eh     uabi.Handle // in s
}

func newPair(t fataler) *pair {
	w := newWorld(t)
	p := &pair{world: w}
	p.c = w.process(uabi.RankClient, 0)
	p.s = w.process(uabi.RankVFS, uabi.ProcessServer)
	p.ct, p.st = w.native(p.c), w.native(p.s)
	p.e, p.eh = w.endpoint(p.s)
	return p
}

func TestACallSwitchesToAWaitingServerAndTheReplySwitchesBack(t *testing.T) {
	p := newPair(t)
	p.receive(p.st, p.e)
	eq(t, "server", p.st.block, BlockReceive)
	o := out(p.ct, 0)
	o.Method, o.W = 7, [6]uint64{1, 2, 3, 4, 5, 6}
	p.call(p.ct, p.e, nil)
	eq(t, "current", Current(), p.st)
	in := &p.st.Buf.In
	eq(t, "kind", in.Kind, uabi.KindCall)
	eq(t, "method", in.Method, 7)
	eq(t, "words", in.W, [6]uint64{1, 2, 3, 4, 5, 6})
	eq(t, "RAX of Receive", p.st.Ctx.Regs.RAX, 0)
	r := out(p.st, uabi.AnswerResult)
	r.W[0] = 42
	p.replyReceive(p.st, p.e)
	eq(t, "current", Current(), p.ct)
	eq(t, "kind", p.ct.Buf.Out.Kind, uabi.KindReply)
	eq(t, "word", p.ct.Buf.Out.W[0], 42)
	eq(t, "status", status(p.ct), uabi.OK)
	eq(t, "server", p.st.block, BlockReceive)
	p.leak()
}

func TestCallsQueueInOrderOfArrivalAndBytesAreCopied(t *testing.T) {
	p := newPair(t)
	c2 := p.native(p.c)
	for i, x := range []*Thread{p.ct, c2} {
		o := out(x, 0)
		o.Len = 3
		copy(x.Buf.OutBytes[:], []byte{'a', 'b', byte('0' + i)})
		p.call(x, p.e, nil)
		eq(t, "caller", x.block, BlockCall)
	}
	for i, x := range []*Thread{p.ct, c2} {
		p.receive(p.st, p.e)
		eq(t, "bytes", string(p.st.Buf.InBytes[:p.st.Buf.In.Len]), "ab"+string(rune('0'+i)))
		r := out(p.st, uabi.AnswerResult)
		r.Status, r.Len = -int32(uabi.ErrPipe), 2
		copy(p.st.Buf.OutBytes[:], "xy")
		eq(t, "reply", p.reply(p.st), uabi.OK)
		eq(t, "status", status(x), uabi.ErrPipe)
		eq(t, "bytes", string(x.Buf.OutBytes[:x.Buf.Out.Len]), "xy")
	}
	p.leak()
}

func TestACallThatIsNotDownIsRefused(t *testing.T) {
	p := newPair(t)
	up, _ := p.endpoint(p.c)
	p.call(p.st, up, nil)
	eq(t, "status", status(p.st), uabi.ErrDeadlock)
	p.call(p.st, p.e, nil)
	eq(t, "own rank", status(p.st), uabi.ErrDeadlock)
	p.leak()
}

func TestAMalformedMessageChangesNothing(t *testing.T) {
	p := newPair(t)
	before := p.count()
	for name, bad := range map[string]func(*uabi.Msg){
		"bytes":     func(o *uabi.Msg) { o.Len = uabi.MaxBytes + 1 },
		"handles":   func(o *uabi.Msg) { o.NHandles = uabi.MaxHandles + 1 },
		"grants":    func(o *uabi.Msg) { o.NGrants = uabi.MaxGrants + 1 },
		"handle":    func(o *uabi.Msg) { o.NHandles, o.Handle[0] = 1, 0xfff },
		"range":     func(o *uabi.Msg) { o.NGrants = 1; o.Grant[0] = uabi.Grant{Addr: uabi.MaxUser, Len: 1} },
		"wrap":      func(o *uabi.Msg) { o.NGrants = 1; o.Grant[0] = uabi.Grant{Addr: 8, Len: ^uint64(0)} },
		"alien":     func(o *uabi.Msg) { o.NGrants = 1; o.Grant[0] = uabi.Grant{Flags: uabi.GrantAlien} },
		"no record": func(o *uabi.Msg) { o.Flags = uabi.FlagSaveRecord },
	} {
		bad(out(p.ct, 0))
		p.call(p.ct, p.e, nil)
		if status(p.ct) == uabi.OK || !p.ct.runnable() {
			t.Fatalf("%s: accepted", name)
		}
		eq(t, name, p.count(), before)
	}
	p.leak()
}

func TestAReceiveTimesOut(t *testing.T) {
	p := newPair(t)
	p.on(p.st)
	Receive(p.st, p.e, 1000)
	p.leave()
	p.tick(999)
	eq(t, "early", p.st.block, BlockReceive)
	p.tick(1000)
	eq(t, "status", status(p.st), uabi.ErrTimeout)
	eq(t, "receivers", p.e.receivers.Empty(), true)
	p.leak()
}

func TestAReceiverRunsOnItsCallersPriorityUntilItReplies(t *testing.T) {
	p := newPair(t)
	p.receive(p.st, p.e)
	p.ct.Prio, p.ct.Base = sched.PrioMax, sched.PrioMax
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	eq(t, "donated", p.st.Prio, sched.PrioMax)
	out(p.st, uabi.AnswerResult)
	p.replyReceive(p.st, p.e)
	eq(t, "own again", p.st.Prio, p.st.Base)
	p.leak()
}

func TestHandlesTravelWithCallsAndReplies(t *testing.T) {
	p := newPair(t)
	ev, h := p.event(p.c)
	o := out(p.ct, 0)
	o.NHandles, o.Handle[0] = 1, h
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	eq(t, "handles", p.st.Buf.In.NHandles, 1)
	got, err := p.s.GetEvent(p.st.Buf.In.Handle[0], uabi.RightRead)
	p.check(err)
	eq(t, "event", got, ev)
	ev2, h2 := p.event(p.s)
	r := out(p.st, uabi.AnswerResult)
	r.NHandles, r.Handle[0] = 1, h2
	p.replyReceive(p.st, p.e)
	got, err = p.c.GetEvent(p.ct.Buf.Out.Handle[0], uabi.RightWrite)
	p.check(err)
	eq(t, "event", got, ev2)
	weak, err := p.c.Dup(h, uabi.RightRead)
	p.check(err)
	o = out(p.ct, 0)
	o.NHandles, o.Handle[0] = 1, weak
	p.call(p.ct, p.e, nil)
	eq(t, "no right to transfer", status(p.ct), uabi.ErrRights)
	p.leak()
}

func TestABadgedHandleThatComesHomeArrivesWeakWithItsNumber(t *testing.T) {
	p := newPair(t)
	h, err := p.e.Mint(p.c, 99, uabi.RightCall|uabi.RightTransfer)
	p.check(err)
	o := out(p.ct, 0)
	o.NHandles, o.Handle[0] = 1, h
	_, b, err := p.c.Endpoint(h, uabi.RightCall)
	p.check(err)
	p.call(p.ct, p.e, b)
	p.receive(p.st, p.e)
	in := &p.st.Buf.In
	eq(t, "badge of the call", in.Badge, 99)
	eq(t, "badge of the handle", in.Record[0], 99)
	_, rights, badge, err := p.s.HandleInfo(in.Handle[0])
	p.check(err)
	eq(t, "badge", badge, 99)
	eq(t, "weak", rights&uabi.RightWeak != 0, true)
	_, _, badge, _ = p.c.HandleInfo(h)
	eq(t, "the client learns nothing", badge, 0)
	p.check(p.c.Close(h))
	eq(t, "the call keeps it", b.handles, 1)
	p.check(p.s.Close(in.Handle[0]))
	out(p.st, uabi.AnswerResult)
	p.replyReceive(p.st, p.e)
	eq(t, "notice", p.st.Buf.In.W[0], uabi.NoticeGone)
	p.leak()
}

func TestAWaitIsHandedOnToANativeCallerWithTheEvent(t *testing.T) {
	p := newPair(t)
	ev, h := p.event(p.s)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	r := out(p.st, uabi.AnswerWait)
	r.Flags = uabi.FlagCloseEvent
	r.Wait = uabi.WaitSpec{Event: h, Mask: 3, Since: 5, Deadline: 9}
	p.replyReceive(p.st, p.e)
	o := &p.ct.Buf.Out
	eq(t, "status", status(p.ct), uabi.ErrWait)
	eq(t, "mask", o.Wait.Mask, 3)
	got, err := p.c.GetEvent(o.Wait.Event, uabi.RightRead)
	p.check(err)
	eq(t, "event", got, ev)
	_, err = p.s.GetEvent(h, 0)
	eq(t, "closed", err, uabi.ErrHandle)
	p.leak()
}

func TestOthersThanServersOriginateTheirOwnIds(t *testing.T) {
	p := newPair(t)
	o := out(p.ct, 0)
	o.ID = uabi.ID{Origin: 12345, Trap: 1, Path: 1}
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	eq(t, "id", p.st.Buf.In.ID, uabi.ID{Origin: uabi.OriginProcess | p.c.ID, Trap: 1, Path: 1})
	p.leak()
}

func TestAnEndpointWithoutReceiversIsDead(t *testing.T) {
	p := newPair(t)
	out(p.ct, 0)
	eh, err := p.c.Install(&p.e.Header, nil, uabi.RightCall)
	p.check(err)
	p.call(p.ct, p.e, nil)
	p.check(p.s.Close(p.eh))
	p.leave()
	eq(t, "status", status(p.ct), uabi.ErrDead)
	p.call(p.ct, p.e, nil)
	eq(t, "status", status(p.ct), uabi.ErrDead)
	p.check(p.c.Close(eh))
	p.leak()
}

func TestADroppedReplyRightGivesTheCallerAnError(t *testing.T) {
	p := newPair(t)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	p.on(p.st)
	p.st.Buf.Out.Kind = uabi.AnswerResult
	Receive(p.st, p.e, uabi.NoDeadline)
	eq(t, "still current", status(p.st), uabi.ErrBusy)
	p.receive(p.st, p.e)
	eq(t, "status", status(p.ct), uabi.ErrIO)
	p.leak()
}

func TestAGrantReachesTheCallersMemoryUntilTheReply(t *testing.T) {
	p := newPair(t)
	_, err := p.c.Space.Write(dataVA, []byte("hello"))
	p.check(err)
	o := out(p.ct, 0)
	o.NGrants = 1
	o.Grant[0] = uabi.Grant{Addr: dataVA, Len: 5, Rights: uabi.RightRead}
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	n, err := GrantCopy(p.st, 0, 1, placeOf(p.s, dataVA), 4, false)
	p.check(err)
	eq(t, "copied", n, 4)
	var b [4]byte
	p.s.Space.Read(dataVA, b[:])
	eq(t, "bytes", string(b[:]), "ello")
	_, err = GrantCopy(p.st, 0, 1, placeOf(p.s, dataVA), 5, false)
	eq(t, "beyond", err, uabi.ErrArg)
	_, err = GrantCopy(p.st, 0, 0, placeOf(p.s, dataVA), 5, true)
	eq(t, "write", err, uabi.ErrRights)
	_, err = GrantCopy(p.st, 1, 0, placeOf(p.s, dataVA), 1, false)
	eq(t, "index", err, uabi.ErrArg)
	p.c.Die(0, false)
	p.leave()
	_, err = GrantCopy(p.st, 0, 0, placeOf(p.s, dataVA), 5, false)
	eq(t, "caller gone", err, uabi.ErrStale)
	p.leak()
}

func TestObjectsAreChargedToTheirAccount(t *testing.T) {
	p := newPair(t)
	a := object.NewAccount(p.acct, 0, 4) // the endpoint, a node of its dead numbers, two badges
	e, err := NewEndpoint(a, 3)
	p.check(err)
	h, err := p.s.InstallNew(&e.Header, uabi.RightsAll)
	p.check(err)
	_, err = e.Mint(p.s, 1, uabi.RightCall)
	p.check(err)
	_, err = e.Mint(p.s, 2, uabi.RightCall)
	p.check(err)
	_, err = e.Mint(p.s, 3, uabi.RightCall)
	eq(t, "limit", err, uabi.ErrNoMem)
	eq(t, "charged", a.ObjectsUsed, 4)
	_ = h
	p.leak(&a.Header)
}

func TestHandlesListedWithAnAnswerAreClosedBehindIt(t *testing.T) {
	p := newPair(t)
	ev, h := p.event(p.s)
	p.receive(p.st, p.e)
	p.call(p.ct, p.e, nil)
	r := out(p.st, uabi.AnswerResult)
	r.NHandles, r.Handle[0] = 1, h
	r.NClose, r.Close = 3, [uabi.MaxClose]uabi.Handle{h, 0, 0x7fff}
	p.replyReceive(p.st, p.e)
	eq(t, "listed", r.NClose, 0)
	_, err := p.s.GetEvent(h, uabi.RightRead)
	eq(t, "the sender's", err, uabi.ErrHandle)
	got, err := p.c.GetEvent(p.ct.Buf.Out.Handle[0], uabi.RightRead)
	eq(t, "the receiver's", err, uabi.OK)
	eq(t, "event", got, ev)

	// An answer that is refused closes nothing; one that nobody waits for does.
	_, h = p.event(p.s)
	p.call(p.ct, p.e, nil)
	r = out(p.st, uabi.AnswerResult)
	r.Len, r.NHandles, r.Handle[0], r.NClose, r.Close[0] = 0, 1, 0x7fff, 1, h
	eq(t, "a bad handle", p.reply(p.st), uabi.ErrHandle)
	_, err = p.s.GetEvent(h, uabi.RightRead)
	eq(t, "not closed", err, uabi.OK)
	r.NHandles, r.Kind = 0, uabi.AnswerNone
	p.replyReceive(p.st, p.e)
	_, err = p.s.GetEvent(h, uabi.RightRead)
	eq(t, "closed", err, uabi.ErrHandle)
}

func TestABadgedHandleThatIsSentAndListedMoves(t *testing.T) {
	p := newPair(t)
	p.receive(p.st, p.e)
	for _, n := range []uint32{1, 3} { // three: it is sent twice, and a weak one with it
		out(p.ct, 0)
		p.call(p.ct, p.e, nil)
		h, err := p.e.Mint(p.s, uint64(n), uabi.RightCall|uabi.RightTransfer)
		p.check(err)
		weak, err := p.s.Dup(h, uabi.RightCall|uabi.RightTransfer|uabi.RightWeak)
		p.check(err)
		r := out(p.st, uabi.AnswerResult)
		r.NHandles, r.Handle = n, [uabi.MaxHandles]uabi.Handle{h, h, weak}
		r.NClose, r.Close = 2, [uabi.MaxClose]uabi.Handle{weak, h}
		p.replyReceive(p.st, p.e)
		for _, x := range []uabi.Handle{h, weak} {
			_, _, err = p.s.Endpoint(x, uabi.RightCall)
			eq(t, "the sender's", err, uabi.ErrHandle)
		}
		got := p.ct.Buf.Out.Handle[:n]
		_, b, err := p.c.Endpoint(got[0], uabi.RightCall)
		p.check(err)
		eq(t, "badge", b.Number, uint64(n))
		eq(t, "handles", b.handles, n)
		for _, x := range got {
			p.check(p.c.Close(x))
		}
		eq(t, "notice", p.st.Buf.In.W, [6]uint64{uabi.NoticeGone, uint64(n)})
		p.receive(p.st, p.e)
	}
	p.leak()
}

func TestAnEndpointMayBeListedByWhoReceivesOnIt(t *testing.T) {
	p := newPair(t)
	r := out(p.st, uabi.AnswerNone)
	r.NClose, r.Close[0] = 1, p.eh
	p.replyReceive(p.st, p.e)
	eq(t, "RAX", status(p.st), uabi.ErrDead)
}
