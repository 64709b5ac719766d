package ipc

import (
	"slices"
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"

	"pgregory.net/rapid"
)

// place is where the model thinks an alien is.
type place int

const (
	inUser place = iota
	atHandlerQueue
	atHandler
	atServerQueue
	atServer
	waiting
	gone
)

// ghost is an alien as the naive model sees it.
type ghost struct {
	t        *Thread
	at       place
	lane     int
	traps    uint64
	cause    uint32
	record   uint64
	intr     bool
	kill     bool
	timeout  bool
	again    bool // the trap was delivered
	resend   bool
	reason   uint32 // FlagEvent, FlagFailed
	deadline uint64
	order    int // of the last delivery
}

// alienModel drives aliens, their handler and a server below at random, with crashes, kills and interrupts, and compares every delivery
// with the model: R1, R2, R3, R11, R12.
type alienModel struct {
	*lx
	ev      *Event
	lh, vh2 uabi.Handle // the event in l and v
	g       []*ghost
	lanes   [2][]*Thread // of the handler, of the server
	serves  [2][]*ghost
	sleeps  [2][]int // lanes in Receive, newest last
	queue   [2][]*ghost
	orders  int
}

const (
	handler = iota
	server
)

func (m *alienModel) proc(side int) *Process {
	if side == handler {
		return m.l
	}
	return m.v
}

func (m *alienModel) ep(side int) *Endpoint {
	if side == handler {
		return m.le
	}
	return m.ve
}

// arrives is a trap or a request that reaches side.
func (m *alienModel) arrives(t fataler, side int, g *ghost) {
	g.resend = false
	if n := len(m.sleeps[side]); n > 0 {
		l := m.sleeps[side][n-1]
		m.sleeps[side] = m.sleeps[side][:n-1]
		m.delivered(t, side, l, g)
		return
	}
	g.at = atHandlerQueue + place(2*side)
	m.queue[side] = append(m.queue[side], g)
}

func (m *alienModel) delivered(t fataler, side, l int, g *ghost) {
	m.serves[side][l] = g
	g.at, g.lane = atHandler+place(2*side), l
	m.orders++
	g.order = m.orders
	in := &m.lanes[side][l].Buf.In
	eq(t, "alien", in.ID.Origin, g.t.ID)
	eq(t, "R1", in.ID.Trap, g.traps)
	want := uint32(0)
	if g.resend {
		want |= uabi.FlagResend
	}
	if g.intr {
		want |= uabi.FlagInterrupt
	}
	got := in.Flags &^ uabi.FlagQuarantine
	if side == server {
		if g.timeout {
			want |= uabi.FlagInterrupt
		}
		eq(t, "flags of a request", got, want|uabi.FlagForwarded)
		return
	}
	if g.timeout {
		want |= uabi.FlagTimeout
	}
	if g.again {
		want |= uabi.FlagRedeliver
	}
	eq(t, "flags of a trap", got, want|g.reason)
	eq(t, "cause", in.Trap, g.cause)
	eq(t, "R2: record", in.Record[0], g.record)
	g.again = true
}

// back brings the trap to the handler again.
func (m *alienModel) back(t fataler, g *ghost, reason uint32) {
	g.reason = reason
	m.arrives(t, handler, g)
}

func (m *alienModel) dies(g *ghost) { g.at = gone }

// enters is the alien's next trap.
func (m *alienModel) enters(t fataler, g *ghost, cause uint32) {
	g.traps++
	g.cause = cause
	g.timeout, g.again, g.reason = false, false, 0
	m.arrives(t, handler, g)
}

func (m *alienModel) answered(g *ghost) {
	g.record, g.timeout = 0, false
	if g.kill {
		m.dies(g)
		return
	}
	g.at = inUser
}

// waits is an AnswerWait: R11, R12.
func (m *alienModel) waits(t fataler, g *ghost, deadline uint64) {
	level, _ := m.ev.Read()
	switch {
	case g.kill:
		m.dies(g)
	case g.intr || g.timeout:
		m.back(t, g, 0)
	case level&1 != 0:
		m.back(t, g, uabi.FlagEvent)
	default:
		g.at, g.deadline = waiting, deadline
	}
}

func (m *alienModel) drawAlien(t *rapid.T) *ghost {
	return m.g[rapid.IntRange(0, len(m.g)-1).Draw(t, "alien")]
}

func (m *alienModel) run(t *rapid.T) {
	g := m.drawAlien(t)
	if g.at != inUser {
		t.Skip("it is not in user mode")
	}
	m.on(g.t)
	if !g.intr {
		Trap(g.t, uabi.TrapSyscall)
		m.enters(t, g, uabi.TrapSyscall)
	} else {
		m.settle(t) // it runs into the level
		m.enters(t, g, uabi.TrapInterrupt)
	}
	m.settle(t)
}

// settle ends an entry; aliens that would run in user mode are paused, after what their levels make them do.
func (m *alienModel) settle(t *rapid.T) {
	for n := Leave(); n != nil; n = Leave() {
		sched.Block(&n.Thread)
	}
	for untidy {
		Tidy()
	}
}

func (m *alienModel) receives(t *rapid.T) {
	side := rapid.IntRange(handler, server).Draw(t, "side")
	l := rapid.IntRange(0, len(m.lanes[side])-1).Draw(t, "lane")
	if m.serves[side][l] != nil || m.lanes[side][l].block != BlockNone {
		t.Skip("it is busy or waits")
	}
	x := m.lanes[side][l]
	m.on(x)
	x.Buf.Out.Kind = uabi.AnswerNone
	Receive(x, m.ep(side), uabi.NoDeadline)
	if len(m.queue[side]) == 0 {
		m.sleeps[side] = append(m.sleeps[side], l)
	} else {
		g := m.queue[side][0]
		m.queue[side] = m.queue[side][1:]
		m.delivered(t, side, l, g)
	}
	m.settle(t)
}

func (m *alienModel) answers(t *rapid.T) {
	side := rapid.IntRange(handler, server).Draw(t, "side")
	l := rapid.IntRange(0, len(m.lanes[side])-1).Draw(t, "lane")
	g := m.serves[side][l]
	if g == nil {
		t.Skip("it has nothing to answer")
	}
	x := m.lanes[side][l]
	m.on(x)
	kinds := []string{"result", "wait", "deadline"}
	if side == handler {
		kinds = append(kinds, "forward")
	} else {
		kinds = append(kinds, "error")
	}
	how := rapid.SampledFrom(kinds).Draw(t, "how")
	deadline := fake.M.NS + rapid.Uint64Range(1, 100).Draw(t, "deadline")
	record := rapid.Uint64Range(1, 9).Draw(t, "record")
	o := out(x, uabi.AnswerResult)
	switch how {
	case "wait", "deadline":
		o.Kind = uabi.AnswerWait
		o.Flags, o.Record[0] = uabi.FlagSaveRecord, record
		o.Wait = uabi.WaitSpec{Event: m.lh, Mask: 1, Since: ^uint64(0), Deadline: uabi.NoDeadline}
		if side == server {
			o.Wait.Event = m.vh2
		}
		if how == "deadline" {
			o.Wait.Deadline = deadline
		}
	case "forward":
		o.Kind = uabi.AnswerForward
		o.Flags, o.Record[0] = uabi.FlagSaveRecord, record
		o.Target = m.vh
		o.RecordHandle[0] = rapid.SampledFrom([]uabi.Handle{0, m.vh}).Draw(t, "record handle")
		o.ID = uabi.ID{Origin: g.t.ID, Trap: g.traps, Path: 1}
		if shown := x.Buf.In.Flags & (uabi.FlagInterrupt | uabi.FlagTimeout); shown != 0 && (g.intr || g.timeout) {
			eq(t, "R12: not forwarded", Reply(x), uabi.ErrInterrupted)
			m.settle(t)
			return
		}
	case "error":
		o.Status = -int32(uabi.ErrIO)
	}
	m.serves[side][l] = nil
	g.reason = 0
	if o.Flags&uabi.FlagSaveRecord != 0 && side == handler {
		g.record = record
	}
	eq(t, "reply", Reply(x), uabi.OK)
	switch how {
	case "result":
		m.answered(g)
	case "wait", "deadline":
		m.waits(t, g, o.Wait.Deadline)
	case "forward":
		m.arrives(t, server, g)
	case "error":
		m.back(t, g, uabi.FlagFailed)
	}
	m.settle(t)
	if g.at == inUser && g.intr { // the level made it trap before user mode
		m.enters(t, g, uabi.TrapInterrupt)
	}
}

func (m *alienModel) raises(t *rapid.T) {
	if rapid.Bool().Draw(t, "down") {
		m.ev.Update(0, 1, 0)
		return
	}
	m.ev.Update(1, 0, 0)
	m.woken(t, func(g *ghost) bool { return true }, uabi.FlagEvent)
	m.settle(t)
}

// woken ends the waits of the aliens that match, in the kernel's order: they arrive in the order in which they began to wait.
func (m *alienModel) woken(t *rapid.T, match func(*ghost) bool, reason uint32) {
	var all []*ghost
	for _, g := range m.g {
		if g.at == waiting && match(g) {
			all = append(all, g)
		}
	}
	slices.SortFunc(all, func(a, b *ghost) int { return a.order - b.order })
	for _, g := range all {
		g.at = inUser
	}
	m.inKernelOrder(t, all, reason)
}

// inKernelOrder lets a set of aliens arrive together: in which order is the kernel's to choose, so the model reads it there.
func (m *alienModel) inKernelOrder(t *rapid.T, all []*ghost, reason uint32) {
	for len(all) > 0 {
		first := 0
		for i, g := range all {
			if g.t.call.state == callDelivered && (all[first].t.call.state != callDelivered || g.t.call.seq < all[first].t.call.seq) {
				first = i
			}
		}
		if all[first].t.call.state != callDelivered {
			for c := m.le.calls.Head(); c != nil; c = c.Next() {
				if i := slices.IndexFunc(all, func(g *ghost) bool { return g.t == of(c) }); i >= 0 {
					first = i
					break
				}
			}
		}
		g := all[first]
		all = slices.Delete(all, first, first+1)
		m.back(t, g, reason)
	}
}

func (m *alienModel) passes(t *rapid.T) {
	now := fake.M.NS + rapid.Uint64Range(1, 150).Draw(t, "ns")
	fake.M.NS = now
	TimerTick()
	for _, g := range m.g {
		if g.at == waiting && g.deadline <= now {
			g.timeout = true
		}
	}
	m.woken(t, func(g *ghost) bool { return g.timeout }, 0)
	m.settle(t)
}

func (m *alienModel) interrupts(t *rapid.T) {
	g := m.drawAlien(t)
	on := rapid.Bool().Draw(t, "on")
	err := g.t.Interrupt(on)
	if g.at == gone {
		eq(t, "dead", err, uabi.ErrDead)
		return
	}
	g.intr = on
	if on && g.at == waiting {
		m.back(t, g, 0)
	}
	m.settle(t)
}

func (m *alienModel) kills(t *rapid.T) {
	g := m.drawAlien(t)
	m.check(g.t.Kill())
	g.kill = true
	switch {
	case g.at == inUser || g.at == waiting:
		m.dies(g)
	case g.at == atHandlerQueue && !g.again:
		m.queue[handler] = slices.DeleteFunc(m.queue[handler], func(x *ghost) bool { return x == g })
		m.dies(g)
	}
	m.settle(t)
}

func (m *alienModel) crashes(t *rapid.T) {
	side := rapid.IntRange(handler, server).Draw(t, "side")
	m.lanes[side] = m.restart(m.proc(side), rapid.Bool().Draw(t, "by itself"), len(m.lanes[side]))
	var back []*ghost
	for l, g := range m.serves[side] {
		if g != nil {
			g.resend = true
			g.at = atHandlerQueue + place(2*side)
			back = append(back, g)
		}
		m.serves[side][l] = nil
	}
	slices.SortFunc(back, func(a, b *ghost) int { return a.order - b.order })
	m.queue[side] = append(back, m.queue[side]...)
	m.sleeps[side] = nil
	m.settle(t)
}

func (m *alienModel) check2(t *rapid.T) {
	for side := range 2 {
		i := 0
		for c := m.ep(side).calls.Head(); c != nil; c = c.Next() {
			if i >= len(m.queue[side]) || m.queue[side][i].t != of(c) {
				t.Fatalf("queue %d differs at %d", side, i)
			}
			i++
		}
		eq(t, "queue length", i, len(m.queue[side]))
	}
	blocks := []Block{BlockNone, BlockTrap, BlockTrap, BlockForward, BlockForward, BlockEvent, BlockGone}
	for _, g := range m.g {
		eq(t, "state", g.t.block, blocks[g.at])
	}
}

func TestAliensFollowTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := newLX(t)
		m := &alienModel{lx: x}
		m.ev, m.lh = x.event(x.l)
		var err uabi.Error
		m.vh2, err = x.v.Install(&m.ev.Header, nil, uabi.RightsAll)
		x.check(err)
		m.g = []*ghost{{t: x.a}}
		for range 2 {
			a, _ := x.alien(x.d, x.le)
			m.g = append(m.g, &ghost{t: a})
		}
		for _, g := range m.g {
			g.t.Refs++ // the test looks at it after its end
		}
		m.lanes = [2][]*Thread{{x.lt, x.native(x.l)}, {x.vt, x.native(x.v)}}
		m.serves = [2][]*ghost{make([]*ghost, 2), make([]*ghost, 2)}
		m.settle(t)
		t.Repeat(map[string]func(*rapid.T){
			"run": m.run, "receive": m.receives, "receive 2": m.receives, "answer": m.answers, "answer 2": m.answers, "event": m.raises,
			"time": m.passes, "interrupt": m.interrupts, "kill": m.kills, "crash": m.crashes, "": m.check2,
		})
		for _, g := range m.g {
			g.t.Kill()
			bury(&g.t.Header)
		}
		x.idle()
		x.leak()
	})
}
