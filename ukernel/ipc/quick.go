package ipc

import (
	"aramid/ukernel/ktrace"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// The commonest call and its reply, each in one straight function that gives up before it has changed anything: a message of words
// and bytes between native threads, one of them perhaps with an alien's trap, or the result of that, through a handle that was used before, with somebody
// waiting at the other end. What they do is what Call and ReplyReceive do; the tests make both do the same and compare.

// traced are the events that Call and ReplyReceive record and the functions here do not.
const traced = ktrace.BitCall | ktrace.BitMessage | ktrace.BitSwitch

// QuickCall is CallCall by the current thread t. done is false if it is not the common case; then nothing has changed. next is what
// Call's is.
func QuickCall(t *Thread) (next *Thread, done bool) {
	buf, a := t.Buf, t.cur
	if buf == nil || a != nil && a.call.kind != callTrap {
		return nil, false
	}
	h := t.Ctx.Regs.RDI
	k := &t.Proc.known[h%knownEndpoints]
	if uint64(k.h) != h || k.rights&uabi.RightCall == 0 || t.State != sched.Running || ktrace.Mask&traced != 0 {
		return nil, false
	}
	e, out := k.e, &buf.Out
	q := e.receivers.Head()
	n := out.Len
	if q == nil || e.dead || e.Rank >= t.Proc.Rank || n > uabi.MaxBytes ||
		out.NHandles|out.NGrants|out.Flags&uabi.FlagSaveRecord != 0 {
		return nil, false
	}
	id := out.ID // once: see prepare
	if id.Origin|id.Trap == 0 {
		id.Path = 0
	} else if a == nil || t.Proc.Flags&uabi.ProcessServer == 0 || id.Origin != a.ID || id.Trap != a.al.traps {
		return nil, false
	}
	r := of(q)
	if r.Timer.Set() {
		return nil, false
	}
	e.receivers.Pop()
	e.Refs++
	deliveries++
	c := &t.call
	c.kind, c.state, c.ep, c.seq = callNative, callDelivered, e, deliveries
	c.badge = 0
	if k.b != nil {
		c.badge = k.b.Number
	}
	t.block = BlockCall
	t.State = sched.Blocked
	r.cur = t
	r.block = BlockNone
	r.Ctx.Regs.RAX = 0
	sched.Donate(q, t.Prio)
	in := &r.Buf.In
	in.Kind, in.Flags, in.Method, in.Status = uabi.KindCall, out.Flags&uabi.FlagInterrupt, out.Method, 0
	in.Badge = c.badge
	in.ID = id
	in.W = out.W
	in.Len, in.NHandles, in.NGrants = n, 0, 0
	if n != 0 {
		copy(r.Buf.InBytes[:n], buf.OutBytes[:n])
	}
	if a != nil {
		a.Refs++
		c.id, c.alien, c.extra = id, a, true
		in.Context = a.al.context
		if a.levels() {
			in.Flags |= uabi.FlagInterrupt
		}
	}
	if sched.SwitchTo(q) && !untidy {
		return r, true
	}
	return nil, true
}

// quickForward is QuickReplyReceive's part for c's trap that t passes on.
func (t *Thread) quickForward(c *Thread, e *Endpoint) (next *Thread, done bool) {
	if c.call.kind != callTrap {
		return nil, false
	}
	out := &t.Buf.Out
	next, err := t.answerForwarding(c, out)
	if err != uabi.OK {
		return nil, false
	}
	if out.Update.Event != 0 {
		t.update(out)
	}
	if out.NClose != 0 {
		return t.closeReceive(e, uabi.NoDeadline, next), true
	}
	return receive(t, e, uabi.NoDeadline, next), true
}

// QuickReplyReceive is CallReplyReceive by the current thread t: a result without handles for a native caller, or for an alien's system call, forwarded or
// not, or a trap that is forwarded; and a wait without a deadline. Its results are QuickCall's.
func QuickReplyReceive(t *Thread) (next *Thread, done bool) {
	buf, c := t.Buf, t.cur
	if buf == nil || c == nil {
		return nil, false
	}
	kind := buf.Out.Kind
	if kind != uabi.AnswerForward && (kind != uabi.AnswerResult || buf.Out.NHandles != 0) {
		return nil, false
	}
	h := t.Ctx.Regs.RDI
	k := &t.Proc.known[h%knownEndpoints]
	if uint64(k.h) != h || k.rights&uabi.RightReceive == 0 || t.State != sched.Running || ktrace.Mask&traced != 0 || t.Ctx.Regs.RSI != uabi.NoDeadline {
		return nil, false
	}
	e, out := k.e, &buf.Out
	n := out.Len
	if c.call.dead || t.hurry || out.Flags&uabi.FlagYield != 0 || n > uabi.MaxBytes {
		return nil, false
	}
	if kind == uabi.AnswerForward {
		return t.quickForward(c, e)
	}
	if c.call.kind == callNative {
		to, status := &c.Buf.Out, out.Status
		to.Kind, to.Flags, to.Status = uabi.KindReply, 0, status
		to.W = out.W
		to.Len, to.NHandles = n, 0
		if n != 0 {
			copy(c.Buf.OutBytes[:n], buf.OutBytes[:n])
		}
		c.Ctx.Regs.RAX = uint64(int64(status))
	} else {
		if c.pend != 0 || t.nrec != 0 || c.al.cause != uabi.TrapSyscall || c.call.kind == callForward && out.Status != 0 {
			return nil, false
		}
		c.al.open, c.al.flags = false, 0
		k := c.al.kept
		if k != 0 {
			c.al.clear()
		}
		if k&keepsRegs == 0 {
			c.Ctx.Regs.RAX = out.W[0]
		} else {
			c.loadRegs(c.al.fwd.regs)
		}
	}
	if c.call.extra || c.call.ep.Refs == 1 {
		c.endCall()
	} else {
		c.call.state = callIdle
		c.call.ep.Refs--
	}
	c.block = BlockNone
	t.cur = nil
	sched.Undonate(&t.Thread)
	if out.Update.Event != 0 {
		t.update(out)
	}
	if out.NClose != 0 {
		return t.closeReceive(e, uabi.NoDeadline, c), true
	}
	if e.dead || e.notices != 0 || !e.calls.Empty() { // now: the end of the call can give a notice
		return receive(t, e, uabi.NoDeadline, c), true
	}
	t.block = BlockReceive
	t.State = sched.Blocked
	e.owner = t.Proc
	e.receivers.PushFront(&t.Thread)
	if sched.SwitchTo(&c.Thread) && !untidy {
		return c, true
	}
	return nil, true
}
