package ipc

import (
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"

	"pgregory.net/rapid"
)

// restart ends p's image (crashed: by itself) and gives it a successor with n threads.
func (w *world) restart(p *Process, crashed bool, n int) []*Thread {
	w.t.Helper()
	p.Die(1, crashed)
	w.idle()
	w.image(p)
	var ts []*Thread
	for range n {
		ts = append(ts, w.native(p))
	}
	return ts
}

func TestUnansweredCallsGoToTheSuccessorInDeliveryOrderBeforeNewOnesAndNotices(t *testing.T) {
	p := newPair(t)
	callers := []*Thread{p.ct, p.native(p.c), p.native(p.c)}
	lanes := []*Thread{p.native(p.s), p.st}
	h, err := p.e.Mint(p.c, 5, uabi.RightCall)
	p.check(err)
	for i, c := range callers {
		o := out(c, 0)
		o.W[0], o.Len = uint64(i), 1
		c.Buf.OutBytes[0] = byte('a' + i)
		p.call(c, p.e, nil)
		if i < 2 {
			p.receive(lanes[i], p.e)
		}
	}
	p.check(p.c.Close(h))
	p.st = p.restart(p.s, true, 1)[0]
	for i := range callers {
		if i == 2 {
			p.receive(p.st, p.e)
			eq(t, "then the notice", p.st.Buf.In.W[0], uabi.NoticeGone)
		}
		p.receive(p.st, p.e)
		in := &p.st.Buf.In
		eq(t, "order", in.W[0], uint64(i))
		eq(t, "bytes", p.st.Buf.InBytes[0], byte('a'+i))
		eq(t, "resend", in.Flags&uabi.FlagResend != 0, i < 2)
		out(p.st, uabi.AnswerResult).W[0] = uint64(10 + i)
		p.reply(p.st)
		eq(t, "answer", callers[i].Buf.Out.W[0], uint64(10+i))
	}
	p.leak()
}

func TestAQueuedCallGoesWithItsCallerAndAnExecutedOneIsAnsweredToNobody(t *testing.T) {
	p := newPair(t)
	c2 := p.native(p.c)
	_, h := p.event(p.c)
	for _, c := range []*Thread{p.ct, c2} {
		o := out(c, 0)
		o.NHandles, o.Handle[0] = 1, h
		p.call(c, p.e, nil)
	}
	p.receive(p.st, p.e)
	p.c.Die(0, true)
	p.idle()
	eq(t, "queue", p.e.calls.Empty(), true)
	out(p.st, uabi.AnswerResult)
	eq(t, "reply", p.reply(p.st), uabi.ErrStale)
	p.receive(p.st, p.e)
	eq(t, "nothing more", p.st.block, BlockReceive)
	p.leak()
}

func TestACallWhoseCallerIsGoneIsNotGivenToTheSuccessor(t *testing.T) {
	p := newPair(t)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	p.c.Die(0, true)
	st := p.restart(p.s, true, 1)[0]
	p.receive(st, p.e)
	eq(t, "nothing", st.block, BlockReceive)
	p.leak()
}

func TestACallIsDroppedWithTheServerThatMadeIt(t *testing.T) { // nested: client → v → d
	p := newPair(t)
	d := p.process(uabi.RankProc, uabi.ProcessServer)
	de, _ := p.endpoint(d)
	dt := p.native(d)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	out(p.st, 0)
	p.call(p.st, de, nil)
	st := p.restart(p.s, true, 1)[0]
	p.receive(dt, de)
	eq(t, "dropped", dt.block, BlockReceive)
	p.receive(st, p.e)
	eq(t, "resent", st.Buf.In.Flags, uabi.FlagResend)
	p.leak()
}

func TestHandlesKeepTheirNumbersAcrossARestart(t *testing.T) {
	p := newPair(t)
	ev, h := p.event(p.s)
	n := p.s.Table.Count()
	p.restart(p.s, true, 0)
	got, err := p.s.GetEvent(h, uabi.RightRead)
	p.check(err)
	eq(t, "event", got, ev)
	eq(t, "handles", p.s.Table.Count(), n)
	p.leak()
}

func TestARequestThatCrashedItsServerTwiceIsQuarantined(t *testing.T) {
	p := newPair(t)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	for i, crashed := range []bool{true, false, true} { // a kill from outside does not count
		p.receive(p.st, p.e)
		eq(t, "not yet", p.st.Buf.In.Flags&uabi.FlagQuarantine, 0)
		eq(t, "resend", p.st.Buf.In.Flags&uabi.FlagResend != 0, i > 0)
		p.st = p.restart(p.s, crashed, 1)[0]
	}
	p.receive(p.st, p.e)
	eq(t, "flags", p.st.Buf.In.Flags, uabi.FlagResend|uabi.FlagQuarantine)
	out(p.st, uabi.AnswerResult).Status = -int32(uabi.ErrIO)
	p.reply(p.st)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	eq(t, "the next call is clean", p.st.Buf.In.Flags, 0)
	p.leak()
}

func TestAnExitOfOneLaneGivesItsRequestToTheOthers(t *testing.T) {
	p := newPair(t)
	lane := p.native(p.s)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(lane, p.e)
	p.on(lane)
	lane.Exit()
	p.idle()
	p.receive(p.st, p.e)
	eq(t, "flags", p.st.Buf.In.Flags, uabi.FlagResend)
	p.leak()
}

func TestALaneThatWaitsGetsTheRequestOfOneThatExits(t *testing.T) {
	p := newPair(t)
	lane := p.native(p.s)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(lane, p.e)
	p.receive(p.st, p.e)
	p.on(lane)
	lane.Exit()
	p.idle()
	eq(t, "delivered", p.st.cur, p.ct)
	eq(t, "flags", p.st.Buf.In.Flags, uabi.FlagResend)
	p.leak()
}

func TestTheLastThreadsExitEndsTheImage(t *testing.T) {
	p := newPair(t)
	p.on(p.st)
	p.st.Exit()
	p.idle()
	eq(t, "state", p.s.State, uabi.ProcessDead)
	level, _ := p.s.Event().Read()
	eq(t, "event", level, uabi.ProcessDied)
	p.image(p.s)
	level, _ = p.s.Event().Read()
	eq(t, "lowered", level, 0)
	eq(t, "starts", p.s.Starts, 2)
	p.leak()
}

func TestTheWatchdogFindsALoopingServerButNotOneThatWaitsBelow(t *testing.T) {
	p := newPair(t)
	d := p.process(uabi.RankProc, uabi.ProcessServer)
	de, _ := p.endpoint(d)
	dt := p.native(d)
	out(p.ct, 0)
	p.call(p.ct, p.e, nil)
	p.receive(p.st, p.e)
	out(p.st, 0)
	p.call(p.st, de, nil)
	p.receive(dt, de)
	hung := func(x *Process) bool { l, _ := x.Event().Read(); return l&uabi.ProcessHung != 0 }
	for range watchLooks {
		p.tick(fake.M.NS + watchPeriod)
		eq(t, "not yet", hung(d), false)
	}
	p.tick(fake.M.NS + watchPeriod)
	eq(t, "the lower one", hung(d), true)
	eq(t, "not the one that waits", hung(p.s), false)
	dt = p.restart(d, false, 1)[0]
	eq(t, "lowered", hung(d), false)
	p.receive(dt, de)
	p.restart(d, true, 0)
	eq(t, "the hang counted as a crash", p.st.call.crashes, 2)
	p.leak()
}

func TestABadgeThatNeverLeftItsOwnerIsNotReportedGone(t *testing.T) { // R6, R9
	p := newPair(t)
	h, err := p.e.Mint(p.s, 7, uabi.RightCall)
	p.check(err)
	p.check(p.s.Close(h))
	p.receive(p.st, p.e)
	eq(t, "no notice", p.st.block, BlockReceive)
	h, err = p.e.Mint(p.s, 7, uabi.RightCall)
	p.check(err) // the number did not die
	p.check(p.s.Close(h))
	p.leak()
}

func TestLastGoneIsALevelUntilItIsTold(t *testing.T) { // R6
	p := newPair(t)
	h, err := p.e.Mint(p.c, 7, uabi.RightCall)
	p.check(err)
	eq(t, "busy", p.e.BadgeAck(7), uabi.ErrBusy)
	weak, err := p.c.Dup(h, uabi.RightCall|uabi.RightWeak)
	p.check(err)
	p.check(p.c.Close(h))
	_, _, err = p.c.Endpoint(weak, uabi.RightCall)
	eq(t, "weak handles do not count", err, uabi.ErrStale)
	h, err = p.e.Mint(p.s, 7, uabi.RightCall)
	p.check(err)
	p.receive(p.st, p.e)
	eq(t, "a new handle cancels it", p.st.block, BlockReceive)
	p.check(p.s.Close(h))
	eq(t, "notice", p.st.Buf.In.W, [6]uint64{uabi.NoticeGone, 7})
	_, err = p.e.Mint(p.s, 7, uabi.RightCall)
	eq(t, "the number is dead", err, uabi.ErrStale)
	p.check(p.c.Close(weak))
	p.receive(p.st, p.e)
	eq(t, "no other notice", p.st.block, BlockReceive)
	p.check(p.e.BadgeAck(7)) // of a dead number
	eq(t, "unknown", p.e.BadgeAck(8), uabi.ErrNotFound)
	p.leak()
}

// lost makes badge n of p.e and closes its only handle.
func (p *pair) lost(n uint64) {
	h, err := p.e.Mint(p.c, n, uabi.RightCall)
	p.check(err)
	p.check(p.c.Close(h))
}

func TestANoticeThatIsNotDoneIsASuccessorsFirst(t *testing.T) { // R6
	p := newPair(t)
	p.lost(8)
	p.lost(7)
	p.receive(p.st, p.e)
	eq(t, "notice", p.st.Buf.In.W, [6]uint64{uabi.NoticeGone, 8})
	p.lost(6)
	for range 2 {
		p.st = p.restart(p.s, true, 1)[0]
		p.on(p.st)
		Receive(p.st, p.e, uabi.OnlyResent)
		eq(t, "it is no RESEND", p.st.Ctx.Regs.RAX, rax(uabi.ErrTimeout))
		p.receive(p.st, p.e)
		eq(t, "again", p.st.Buf.In.W, [6]uint64{uabi.NoticeGone, 8})
		_, err := p.e.Mint(p.s, 8, uabi.RightCall)
		eq(t, "dead", err, uabi.ErrStale)
	}
	for _, n := range []uint64{7, 6} {
		p.receive(p.st, p.e)
		eq(t, "the next", p.st.Buf.In.W, [6]uint64{uabi.NoticeGone, n})
	}
	p.receive(p.st, p.e)
	p.st = p.restart(p.s, true, 1)[0]
	p.receive(p.st, p.e)
	eq(t, "what is done is not told again", p.st.block, BlockReceive)
	p.lost(5)
	eq(t, "notice", p.st.Buf.In.W, [6]uint64{uabi.NoticeGone, 5})
	p.leak() // the endpoint goes with a notice undone
}

func TestAcknowledgingKillsANumberThatNobodyHas(t *testing.T) { // R13's replies that nobody got
	p := newPair(t)
	h, err := p.e.Mint(p.c, 7, uabi.RightCall)
	p.check(err)
	eq(t, "busy", p.e.BadgeAck(7), uabi.ErrBusy)
	p.check(p.c.Close(h))
	p.check(p.e.BadgeAck(7))
	p.receive(p.st, p.e)
	eq(t, "no notice", p.st.block, BlockReceive)
	_, err = p.e.Mint(p.s, 7, uabi.RightCall)
	eq(t, "never again", err, uabi.ErrStale)
	p.leak()
}

func TestABoundEventIsANoticeWithItsKey(t *testing.T) {
	p := newPair(t)
	ev, _ := p.event(p.s)
	p.check(p.e.Bind(ev, 55, 6))
	p.receive(p.st, p.e)
	ev.Update(1, 0, 0)
	eq(t, "not its bit", p.st.block, BlockReceive)
	ev.Update(2, 0, 0)
	eq(t, "notice", p.st.Buf.In.W, [6]uint64{uabi.NoticeEvent, 55, 2, 3})
	ev.Update(4, 0, 0)
	ev.Update(0, 4, 2)
	p.receive(p.st, p.e)
	eq(t, "bits since", p.st.Buf.In.W, [6]uint64{uabi.NoticeEvent, 55, 6, 3})
	p.st = p.restart(p.s, true, 1)[0]
	p.receive(p.st, p.e)
	eq(t, "the successor hears of the last ones", p.st.Buf.In.W[2], 6)
	p.check(p.e.Bind(ev, 55, 0))
	ev.Update(2, 0, 0)
	p.receive(p.st, p.e)
	eq(t, "unbound", p.st.block, BlockReceive)
	p.leak()
}

func TestASecondReceiverGetsWhatTheFirstIsNotThereFor(t *testing.T) {
	p := newPair(t)
	lane := p.native(p.s)
	p.receive(p.st, p.e)
	p.receive(lane, p.e)
	c2 := p.native(p.c)
	for _, c := range []*Thread{p.ct, c2} {
		out(c, 0)
		p.call(c, p.e, nil)
	}
	eq(t, "both", p.st.cur != nil && lane.cur != nil, true)
	p.leak()
}

// want is the naive model of one client's call: where it is, and what the server must see.
type want struct {
	state   callState
	token   uint64
	resend  bool
	crashes int
	lane    int // with callDelivered
	dead    bool
}

// ipcModel drives two servers' lanes, clients and restarts at random, and compares each delivery with a naive model: a slice as
// the queue, and a map from clients to what they wait for.
type ipcModel struct {
	*world
	client  *Process
	server  *Process
	e       *Endpoint
	clients []*Thread
	lanes   []*Thread
	calls   map[*Thread]*want
	queue   []*want
	lane    []*want // what each lane executes
	idle2   []int   // lanes that wait in Receive, newest last
	token   uint64
}

func (m *ipcModel) who(x *want) *Thread {
	for t, y := range m.calls {
		if x == y {
			return t
		}
	}
	return nil
}

func (m *ipcModel) send(t *rapid.T) {
	i := rapid.IntRange(0, len(m.clients)-1).Draw(t, "client")
	c := m.clients[i]
	if m.calls[c] != nil {
		t.Skip("it waits")
	}
	m.token++
	x := &want{state: callQueued, token: m.token}
	m.calls[c] = x
	out(c, 0).W[3] = x.token
	m.call(c, m.e, nil)
	if n := len(m.idle2); n > 0 {
		l := m.idle2[n-1]
		m.idle2 = m.idle2[:n-1]
		m.delivered(t, l, x)
		return
	}
	m.queue = append(m.queue, x)
}

func (m *ipcModel) delivered(t *rapid.T, l int, x *want) {
	x.state, x.lane = callDelivered, l
	m.lane[l] = x
	in := &m.lanes[l].Buf.In
	eq(t, "token", in.W[3], x.token)
	eq(t, "resend", in.Flags&uabi.FlagResend != 0, x.resend)
	eq(t, "quarantine", in.Flags&uabi.FlagQuarantine != 0, x.crashes >= uabi.QuarantineTry-1)
}

func (m *ipcModel) take(t *rapid.T) {
	l := rapid.IntRange(0, len(m.lanes)-1).Draw(t, "lane")
	if m.lanes[l].block != BlockNone || m.lane[l] != nil {
		t.Skip("it is busy or waits")
	}
	m.receive(m.lanes[l], m.e)
	m.next(t, l)
}

// next is what lane l must have got from a Receive.
func (m *ipcModel) next(t *rapid.T, l int) {
	if len(m.queue) == 0 {
		eq(t, "waits", m.lanes[l].block, BlockReceive)
		m.idle2 = append(m.idle2, l)
		return
	}
	x := m.queue[0]
	m.queue = m.queue[1:]
	m.delivered(t, l, x)
}

func (m *ipcModel) answer(t *rapid.T) {
	l := rapid.IntRange(0, len(m.lanes)-1).Draw(t, "lane")
	x := m.lane[l]
	if x == nil {
		t.Skip("it executes nothing")
	}
	both := rapid.Bool().Draw(t, "receive too")
	o := out(m.lanes[l], uabi.AnswerResult)
	o.W[1] = x.token * 2
	m.lane[l] = nil
	c := m.who(x)
	if both {
		m.replyReceive(m.lanes[l], m.e)
	} else {
		err := m.reply(m.lanes[l])
		eq(t, "dead", err == uabi.ErrStale, x.dead)
	}
	if !x.dead {
		delete(m.calls, c)
		eq(t, "kind", c.Buf.Out.Kind, uabi.KindReply)
		eq(t, "answer", c.Buf.Out.W[1], x.token*2)
		eq(t, "runs", c.runnable(), true)
	}
	if both {
		m.next(t, l)
	}
}

func (m *ipcModel) crash(t *rapid.T) {
	own := rapid.Bool().Draw(t, "by itself")
	m.lanes = m.restart(m.server, own, len(m.lanes))
	var back []*want
	for {
		var old *want
		at := -1
		for l, x := range m.lane {
			if x != nil && (old == nil || m.order(x) < m.order(old)) {
				old, at = x, l
			}
		}
		if old == nil {
			break
		}
		m.lane[at] = nil
		if !old.dead {
			old.state, old.resend = callQueued, true
			if own && old.crashes < uabi.QuarantineTry {
				old.crashes++
			}
			back = append(back, old)
		}
	}
	m.queue = append(back, m.queue...)
	m.idle2 = nil
}

// order is the delivery number, read from the kernel: the model has no clock.
func (m *ipcModel) order(x *want) uint64 {
	if c := m.who(x); c != nil {
		return c.call.seq
	}
	return 0
}

func (m *ipcModel) clientDies(t *rapid.T) {
	n := len(m.clients)
	m.restartClients()
	for i, x := range m.queue {
		if x != nil {
			m.queue[i] = nil
		}
	}
	m.queue = nil
	for _, x := range m.lane {
		if x != nil {
			x.dead = true
		}
	}
	m.calls = map[*Thread]*want{}
	eq(t, "clients", len(m.clients), n)
}

func (m *ipcModel) restartClients() { m.clients = m.restart(m.client, false, len(m.clients)) }

// check compares the queue with the kernel's.
func (m *ipcModel) check2(t *rapid.T) {
	i := 0
	for c := m.e.calls.Head(); c != nil; c = c.Next() {
		if i >= len(m.queue) || of(c) != m.who(m.queue[i]) {
			t.Fatalf("queue differs at %d of %d", i, len(m.queue))
		}
		i++
	}
	eq(t, "queue length", i, len(m.queue))
	for l, x := range m.lane {
		eq(t, "current request", m.lanes[l].cur != nil, x != nil)
	}
}

func TestDeliveriesAndRestartsFollowTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		m := &ipcModel{world: w, calls: map[*Thread]*want{}, lane: make([]*want, 2)}
		m.client, m.server = w.process(uabi.RankClient, 0), w.process(uabi.RankVFS, uabi.ProcessServer)
		m.e, _ = w.endpoint(m.server)
		for range 4 {
			m.clients = append(m.clients, w.native(m.client))
		}
		for range 2 {
			m.lanes = append(m.lanes, w.native(m.server))
		}
		t.Repeat(map[string]func(*rapid.T){
			"call": m.send, "receive": m.take, "answer": m.answer, "answer 2": m.answer, "server restarts": m.crash,
			"clients die": m.clientDies, "": m.check2,
		})
		m.leak()
	})
}

func TestNoThreadIsLostByTheSchedulerDuringDirectSwitches(t *testing.T) {
	p := newPair(t)
	p.receive(p.st, p.e)
	sched.MakeReady(&p.ct.Thread)
	p.leave()
	eq(t, "client runs", Current(), p.ct)
	for range 100 {
		out(p.ct, 0)
		Call(p.ct, p.e, nil)
		eq(t, "server", Leave(), p.st)
		out(p.st, uabi.AnswerResult)
		ReplyReceive(p.st, p.e, uabi.NoDeadline)
		eq(t, "client", Leave(), p.ct)
	}
	p.leak()
}
