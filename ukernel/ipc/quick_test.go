package ipc

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// story lets two clients, two aliens and two threads of a server make random calls, traps and answers, and tells what all of them look
// like after each.
func story(t *testing.T, seed uint64, quick bool) (told []string, quicks int) {
	p := newPair(t)
	p.quick = quick
	rng := rand.New(rand.NewPCG(seed, 1))
	c2, s2 := p.native(p.c), p.native(p.s)
	_, badge := p.badge(t)
	_, err := p.c.Install(&p.e.Header, nil, uabi.RightCall|uabi.RightTransfer)
	p.check(err)
	a1, _ := p.alien(p.s, p.e)
	a2, ah := p.alien(p.s, p.e)
	below := p.process(uabi.RankMM, uabi.ProcessServer)
	bt := p.native(below)
	be, _ := p.endpoint(below)
	target, err := p.s.Install(&be.Header, nil, uabi.RightCall)
	p.check(err)
	all := []*Thread{p.ct, c2, p.st, s2, a1, a2, bt}
	c2.Base, c2.Prio = sched.PrioMax, sched.PrioMax
	ev, evh := p.event(p.s)
	ev.Update(1, 0, 0)
	for range 200 {
		x := all[rng.IntN(len(all))]
		if rng.IntN(32) == 0 {
			p.check(a2.Interrupt(rng.IntN(2) == 0))
			p.leave()
		}
		if !x.runnable() {
			continue
		}
		if x.Kind == Alien {
			p.trap(x)
			told = append(told, tell(p, all))
			continue
		}
		o := out(x, 0)
		o.Method, o.Status, o.W[0], o.W[5] = rng.Uint32(), -int32(rng.IntN(2)), rng.Uint64(), rng.Uint64()
		o.Flags = rng.Uint32N(2) * uabi.FlagInterrupt
		if rng.IntN(2) == 0 {
			o.Len = rng.Uint32N(20)
			x.Buf.OutBytes[0] = byte(rng.Uint32())
		}
		switch {
		case x.Proc == p.c:
			if rng.IntN(8) == 0 {
				o.ID.Trap = 1 + rng.Uint64N(5)
			}
			var b *Badge
			if rng.IntN(2) == 0 {
				b = badge
			}
			p.call(x, p.e, b)
		case x == bt && x.cur == nil:
			p.receive(x, be)
		case x == bt:
			o.Kind = uabi.AnswerResult
			p.replyReceive(x, be)
		case x.cur == nil && rng.IntN(2) == 0:
			p.call(x, p.e, nil) // not down
		case x.cur == nil:
			p.receive(x, p.e)
		case x.cur.Kind == Alien && rng.IntN(3) == 0:
			if rng.IntN(2) == 0 { // some ids are of the trap before
				o.ID = uabi.ID{Origin: x.cur.ID, Trap: x.cur.al.traps - rng.Uint64N(4)/3, Path: rng.Uint64()}
			}
			p.call(x, be, nil)
			o.ID = uabi.ID{} // ids of aliens differ between the two worlds
		default:
			o.Kind = uabi.AnswerResult
			if rng.IntN(4) == 0 {
				o.Update = uabi.EventUpdate{Event: evh, Set: 1 + rng.Uint32N(4), Clear: 2, Raise: rng.Uint32()}
			}
			if rng.IntN(8) == 0 {
				o.NHandles, o.Handle[0] = 1, p.eh
			}
			switch rng.IntN(16) {
			case 4, 5, 6:
				o.Kind, o.Target = uabi.AnswerForward, target
				o.NHandles = 0
				if rng.IntN(2) == 0 {
					o.Flags |= uabi.FlagSaveRecord
					o.Record[0], o.RecordHandle[0] = rng.Uint64(), target
				}
				if rng.IntN(2) == 0 {
					o.Flags |= uabi.FlagRegs
					*x.Buf.ArgRegs() = uabi.Regs{RAX: rng.Uint64()}
				}
			case 0:
				o.Kind = uabi.AnswerStop
				o.Flags |= uabi.FlagSaveRecord
				o.Record[0], o.RecordHandle[1] = rng.Uint64(), ah
			case 1:
				o.Kind = uabi.AnswerNone
			case 2, 3:
				o.Kind = uabi.AnswerWait // comes back at once
				o.Wait = uabi.WaitSpec{Event: evh, Mask: 1, Deadline: uabi.NoDeadline}
				if x.cur.Kind == Alien && rng.IntN(2) == 0 {
					o.Flags |= uabi.FlagSaveRecord
					o.Record[0], o.RecordHandle[1] = rng.Uint64(), ah
				}
			}
			p.replyReceive(x, p.e)
		}
		told = append(told, fmt.Sprint("below ", be.Refs, tell(p, all)))
	}
	return told, p.quicks
}

// badge mints a badge of p's endpoint for the client.
func (p *pair) badge(t *testing.T) (uabi.Handle, *Badge) {
	h, err := p.e.Mint(p.s, 77, uabi.RightsAll)
	p.check(err)
	x, err := p.s.Get(h, uabi.TypeEndpoint, 0)
	p.check(err)
	b := badgeOf(x.Badge)
	ch, err := p.c.Install(x.Obj, b, uabi.RightCall)
	p.check(err)
	return ch, b
}

// tell writes down what the threads, their buffers and the endpoint look like, without addresses.
func tell(p *pair, all []*Thread) string {
	number := func(t *Thread) int {
		for i, x := range all {
			if x == t {
				return i
			}
		}
		return -1
	}
	s := fmt.Sprint("refs ", p.e.Refs, " owner ", p.e.owner == p.s, " delivered ", deliveries)
	for q := p.e.calls.Head(); q != nil; q = q.Next() {
		s += fmt.Sprint(" call ", number(of(q)))
	}
	for q := p.e.receivers.Head(); q != nil; q = q.Next() {
		s += fmt.Sprint(" receiver ", number(of(q)))
	}
	if c := sched.Current(); c != nil {
		s += fmt.Sprint(" current ", number(of(c)))
	}
	for i, x := range all {
		if x.Kind == Alien {
			s += fmt.Sprint("\n", i, " alien ", x.State, x.block, x.pend, x.Prio, x.Refs, " RAX ", x.Ctx.Regs.RAX, " call ", x.call.state, x.call.kind,
				x.call.extra, x.call.seq, " trap ", x.al.traps, x.al.open, x.al.delivered, x.al.kept, x.al.flags, x.al.status)
			continue
		}
		in := x.Buf.In
		if in.ID.Origin != 0 {
			in.ID.Origin -= p.c.ID
		}
		s += fmt.Sprint("\n", i, " ", x.State, x.block, x.Prio, x.Refs, number(x.cur), " RAX ", x.Ctx.Regs.RAX,
			" call ", x.call.state, x.call.kind, x.call.extra, x.call.badge, x.call.seq, x.call.id.Trap,
			" in ", in, x.Buf.InBytes[0], " out ", x.Buf.Out, x.Buf.OutBytes[0])
	}
	return s
}

func TestQuickCallsAndAnswersDoWhatTheGeneralOnesDo(t *testing.T) {
	quicks := 0
	for seed := range uint64(40) {
		slow, _ := story(t, seed, false)
		quick, n := story(t, seed, true)
		quicks += n
		for i := range slow {
			if slow[i] != quick[i] {
				t.Fatalf("seed %d, step %d:\n%s\nquick:\n%s", seed, i, slow[i], quick[i])
			}
		}
	}
	if quicks < 500 {
		t.Fatalf("only %d were quick", quicks)
	}
}
