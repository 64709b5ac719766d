package ipc

import (
	"slices"
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/uabi"

	"pgregory.net/rapid"
)

// natives is a process with threads and events.
type natives struct {
	*world
	p *Process
}

func newNatives(t fataler) *natives {
	w := newWorld(t)
	return &natives{w, w.process(uabi.RankClient, 0)}
}

func (n *natives) wait(t *Thread, e *Event, mask uint32, since, deadline uint64) {
	n.t.Helper()
	n.on(t)
	EventWait(t, e, mask, since, deadline)
	n.leave()
}

func TestAnEventWakesEveryoneWhoWaitsForItsBits(t *testing.T) {
	n := newNatives(t)
	e, _ := n.event(n.p)
	a, b, c := n.native(n.p), n.native(n.p), n.native(n.p)
	n.wait(a, e, 1, 0, uabi.NoDeadline)
	n.wait(b, e, 3, 0, uabi.NoDeadline)
	n.wait(c, e, 4, 0, uabi.NoDeadline)
	e.Update(1, 0, 2)
	eq(t, "a", a.Ctx.Regs.RAX, 1)
	eq(t, "b sees level and pulse", b.Ctx.Regs.RAX, 3)
	eq(t, "c", c.block, BlockEvent)
	level, seq := e.Read()
	eq(t, "level", level, 1)
	eq(t, "one update", seq, 1)
	n.wait(a, e, 2, 0, uabi.NoDeadline)
	eq(t, "raised since 0", a.Ctx.Regs.RAX, 2)
	n.wait(a, e, 2, seq, 800)
	eq(t, "not since then", a.block, BlockEvent)
	n.tick(800)
	eq(t, "status", status(a), uabi.ErrTimeout)
	n.wait(a, e, 0, 0, uabi.NoDeadline)
	eq(t, "an empty mask", status(a), uabi.ErrArg)
	n.leak()
}

func TestATimerRaisesItsEventOnceOrAtIntervals(t *testing.T) {
	n := newNatives(t)
	e, _ := n.event(n.p)
	x, err := NewTimer(n.acct, e, 8)
	n.check(err)
	_, err = n.p.InstallNew(&x.Header, uabi.RightsAll)
	n.check(err)
	raises := func() uint64 { _, s := e.Read(); return s }
	x.Set(100, 0)
	n.tick(99)
	eq(t, "early", raises(), 0)
	n.tick(100)
	eq(t, "once", raises(), 1)
	n.tick(1000)
	eq(t, "only once", raises(), 1)
	x.Set(1100, 50)
	n.tick(1100)
	n.tick(1149)
	eq(t, "first", raises(), 2)
	n.tick(1150)
	eq(t, "second", raises(), 3)
	n.tick(1333)
	eq(t, "missed ones are one", raises(), 4)
	eq(t, "and the phase stays", x.timer.At(), 1350)
	x.Set(uabi.NoDeadline, 0)
	n.tick(5000)
	eq(t, "disarmed", raises(), 4)
	x.Set(10, 0)
	eq(t, "the past raises at once", raises(), 5)
	x.Set(6000, ^uint64(0)-1)
	n.tick(6000)
	eq(t, "an interval without end raises once", raises(), 6)
	eq(t, "and never again", x.timer.Set(), false)
	n.leak()
}

func TestAnInterruptLineRaisesItsEvent(t *testing.T) {
	n := newNatives(t)
	e, _ := n.event(n.p)
	i, err := NewIRQ(n.acct, 4, e, 1)
	n.check(err)
	_, err = NewIRQ(n.acct, 4, e, 1)
	eq(t, "taken", err, uabi.ErrExists)
	_, err = NewIRQ(n.acct, irqLines, e, 1)
	eq(t, "no such line", err, uabi.ErrArg)
	h, err := n.p.InstallNew(&i.Header, uabi.RightsAll)
	n.check(err)
	Interrupt(4)
	Interrupt(5)
	level, seq := e.Read()
	eq(t, "level", level, 1)
	eq(t, "raises", seq, 1)
	n.check(n.p.Close(h))
	n.idle()
	eq(t, "free again", lines[4], nil)
	n.leak()
}

// set makes a wait set.
func (n *natives) set() *WaitSet {
	s, err := NewWaitSet(n.acct)
	n.check(err)
	_, err = n.p.InstallNew(&s.Header, uabi.RightsAll)
	n.check(err)
	return s
}

// keys is what Take gives.
func keys(s *WaitSet, n int) (ks []uint64) {
	buf := make([]uabi.WaitReady, n)
	for _, r := range buf[:s.Take(buf)] {
		ks = append(ks, r.Key)
	}
	return ks
}

func same(t fataler, what string, got []uint64, want ...uint64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func TestLevelMembersStayReadyEdgeMembersUntilTakenOneshotsUntilModified(t *testing.T) {
	n := newNatives(t)
	s := n.set()
	l, _ := n.event(n.p)
	e, _ := n.event(n.p)
	o, _ := n.event(n.p)
	n.check(s.Add(l, 1, 1, 0, 0))
	n.check(s.Add(e, 2, 1, 0, uabi.WaitEdge))
	n.check(s.Add(o, 3, 1, 0, uabi.WaitOneshot))
	eq(t, "key taken", s.Add(o, 3, 1, 0, 0), uabi.ErrExists)
	for _, x := range []*Event{l, e, o} {
		x.Update(1, 0, 0)
	}
	same(t, "all", keys(s, 9), 1, 2, 3)
	same(t, "level only", keys(s, 9), 1)
	e.Update(1, 0, 0)
	o.Update(1, 0, 0)
	same(t, "an edge while the level is high", keys(s, 9), 1, 2)
	n.check(s.Modify(3, 1, 0, uabi.WaitOneshot))
	same(t, "armed again", keys(s, 9), 1, 3)
	l.Update(0, 1, 0)
	same(t, "nothing", keys(s, 9))
	level, _ := s.Event().Read()
	eq(t, "readiness", level, 0)
	e.Update(1, 0, 0)
	e.Update(0, 1, 0)
	same(t, "an edge whose level fell", keys(s, 9))
	n.check(s.Remove(1))
	eq(t, "gone", s.Remove(1), uabi.ErrNotFound)
	n.leak()
}

func TestReadyMembersTakeTurns(t *testing.T) {
	n := newNatives(t)
	s := n.set()
	for k := range uint64(4) {
		e, _ := n.event(n.p)
		e.Update(1, 0, 0)
		n.check(s.Add(e, k, 1, 0, 0))
	}
	same(t, "first", keys(s, 3), 0, 1, 2)
	same(t, "then", keys(s, 3), 3, 0, 1)
	n.leak()
}

func TestAMemberLeavesWhenItsEventDies(t *testing.T) {
	n := newNatives(t)
	s := n.set()
	e, h := n.event(n.p)
	e.Update(1, 0, 0)
	n.check(s.Add(e, 1, 1, 0, 0))
	n.check(n.p.Close(h))
	n.idle()
	same(t, "nothing", keys(s, 9))
	level, _ := s.Event().Read()
	eq(t, "readiness", level, 0)
	eq(t, "members", s.count, 0)
	n.leak()
}

func TestSetsNestButNotInCirclesNorTooDeep(t *testing.T) {
	n := newNatives(t)
	e, _ := n.event(n.p)
	var s []*WaitSet
	for range maxDepth + 1 {
		s = append(s, n.set())
	}
	n.check(s[0].Add(e, 1, 1, 0, 0))
	for i := range maxDepth - 1 {
		n.check(s[i+1].AddSet(s[i], 1, 1, 0, 0))
	}
	eq(t, "circle", s[0].AddSet(s[maxDepth-1], 2, 1, 0, 0), uabi.ErrDeadlock)
	eq(t, "itself", s[0].AddSet(s[0], 2, 1, 0, 0), uabi.ErrDeadlock)
	eq(t, "too deep", s[maxDepth].AddSet(s[maxDepth-1], 1, 1, 0, 0), uabi.ErrDeadlock)
	th := n.native(n.p)
	n.wait(th, s[maxDepth-1].Event(), 1, 0, uabi.NoDeadline)
	e.Update(1, 0, 0)
	eq(t, "woken through all", th.runnable(), true)
	e.Update(0, 1, 0)
	level, _ := s[maxDepth-1].Event().Read()
	eq(t, "falls through all", level, 0)
	n.leak()
}

func TestOneExclusiveMemberIsEnough(t *testing.T) {
	n := newNatives(t)
	e, _ := n.event(n.p)
	a, b := n.set(), n.set()
	n.check(a.Add(e, 1, 1, 0, uabi.WaitExclusive))
	n.check(b.Add(e, 1, 1, 0, uabi.WaitExclusive))
	ta, tb := n.native(n.p), n.native(n.p)
	n.wait(ta, a.Event(), 1, 0, uabi.NoDeadline)
	n.wait(tb, b.Event(), 1, 0, uabi.NoDeadline)
	e.Update(1, 0, 0)
	eq(t, "first", ta.runnable(), true)
	eq(t, "second", tb.block, BlockEvent)
	n.leak()
}

// naive is a member as the model of wait sets sees it.
type naive struct {
	ev          int
	mask, flags uint32
	off, edge   bool // edge: raised since it was taken
}

func TestWaitSetsFollowTheNaiveModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newNatives(t)
		s := n.set()
		var evs []*Event
		for range 3 {
			e, _ := n.event(n.p)
			evs = append(evs, e)
		}
		model := map[uint64]*naive{}
		up := func(m *naive) bool {
			level, _ := evs[m.ev].Read()
			return !m.off && level&m.mask != 0 && (m.flags&uabi.WaitEdge == 0 || m.edge)
		}
		draw := func(t *rapid.T) (uint32, uint32) {
			return rapid.Uint32Range(1, 3).Draw(t, "mask"),
				rapid.SampledFrom([]uint32{0, uabi.WaitEdge, uabi.WaitOneshot, uabi.WaitEdge | uabi.WaitOneshot}).Draw(t, "flags")
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				k, i := rapid.Uint64Range(0, 5).Draw(t, "key"), rapid.IntRange(0, 2).Draw(t, "event")
				mask, flags := draw(t)
				err := s.Add(evs[i], k, mask, k, flags)
				eq(t, "exists", err == uabi.ErrExists, model[k] != nil)
				if model[k] == nil {
					model[k] = &naive{ev: i, mask: mask, flags: flags, edge: true}
				}
			},
			"modify": func(t *rapid.T) {
				k := rapid.Uint64Range(0, 5).Draw(t, "key")
				mask, flags := draw(t)
				err := s.Modify(k, mask, k, flags)
				eq(t, "not found", err == uabi.ErrNotFound, model[k] == nil)
				if m := model[k]; m != nil {
					m.mask, m.flags, m.off, m.edge = mask, flags, false, true
				}
			},
			"remove": func(t *rapid.T) {
				k := rapid.Uint64Range(0, 5).Draw(t, "key")
				err := s.Remove(k)
				eq(t, "not found", err == uabi.ErrNotFound, model[k] == nil)
				delete(model, k)
			},
			"update": func(t *rapid.T) {
				i := rapid.IntRange(0, 2).Draw(t, "event")
				set, clr, raise := rapid.Uint32Range(0, 3).Draw(t, "set"), rapid.Uint32Range(0, 3).Draw(t, "clear"), rapid.Uint32Range(0, 3).Draw(t, "raise")
				evs[i].Update(set, clr, raise)
				level, _ := evs[i].Read()
				for _, m := range model {
					if m.ev == i {
						if m.mask&level == 0 {
							m.edge = false
						} else if m.mask&(set|raise) != 0 {
							m.edge = true
						}
					}
				}
			},
			"take": func(t *rapid.T) {
				limit := rapid.IntRange(0, 6).Draw(t, "limit")
				got := keys(s, limit)
				for i, k := range got {
					m := model[k]
					if m == nil || !up(m) || slices.Contains(got[:i], k) {
						t.Fatalf("key %d is not ready", k)
					}
				}
				for _, k := range got {
					m := model[k]
					m.edge = false
					m.off = m.flags&uabi.WaitOneshot != 0
				}
				if len(got) < limit {
					for k, m := range model {
						if up(m) && !slices.Contains(got, k) {
							t.Fatalf("key %d is ready", k)
						}
					}
				}
			},
			"": func(t *rapid.T) {
				any := false
				for _, m := range model {
					any = any || up(m)
				}
				level, _ := s.Event().Read()
				eq(t, "readiness", level == 1, any)
			},
		})
		n.leak()
	})
}

func TestSleepEndsAtItsDeadline(t *testing.T) {
	n := newNatives(t)
	th := n.native(n.p)
	n.on(th)
	Sleep(th, fake.M.NS+100, 0)
	n.leave()
	n.tick(fake.M.NS + 99)
	eq(t, "sleeps", th.block, BlockSleep)
	n.tick(fake.M.NS + 1)
	eq(t, "wakes", th.runnable(), true)
	n.on(th)
	Sleep(th, fake.M.NS+100, 0)
	eq(t, "broken", th.Break(77), true)
	eq(t, "RAX", th.Ctx.Regs.RAX, 77)
	eq(t, "not twice", th.Break(78), false)
	n.leak()
}

func TestASignalEndsAWaitForAMessageThisOneOrTheNext(t *testing.T) {
	for _, waiting := range []bool{true, false} {
		n := newNatives(t)
		server := n.process(3, uabi.ProcessServer)
		e, _ := n.endpoint(server)
		th, caller := n.native(server), n.native(n.p)
		n.on(th)
		if waiting {
			n.receive(th, e)
			th.Hurry()
		} else {
			th.Hurry()
			n.receive(th, e)
		}
		eq(t, "goes on", th.runnable(), true)
		eq(t, "told why", status(th), uabi.ErrSignal)
		n.receive(th, e)
		eq(t, "once", th.block, BlockReceive)
		n.call(caller, e, nil)
		eq(t, "received", status(th), uabi.OK)
		th.Hurry()
		out(th, uabi.AnswerResult)
		n.replyReceive(th, e)
		eq(t, "the answer was sent", caller.runnable(), true)
		eq(t, "and the wait ended", status(th), uabi.ErrSignal)
	}
}
