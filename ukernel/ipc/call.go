package ipc

import (
	"aramid/ukernel/ktrace"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// callState is where a thread's call is; docs/ipc.md has the transitions.
type callState uint8

const (
	callIdle      callState = iota
	callQueued              // in its endpoint's queue
	callDelivered           // some thread's cur
)

// callKind says who waits for the answer.
type callKind uint8

const (
	callNative  callKind = iota
	callTrap             // an alien, for its handler
	callForward          // an alien, for a server below (R3)
)

// call is a thread's one unanswered call.
type call struct {
	state   callState
	kind    callKind
	extra   bool // one of the fields after extra, or below id, is not zero: endCall clears them
	dead    bool // the caller is gone: the answer is discarded
	resend  bool // delivered before, to an earlier image
	crashes uint8
	nh, ng  uint8
	ep      *Endpoint // with a reference
	seq     uint64    // delivery number
	badge   uint64    // number of the handle that was called; 0: the plain endpoint
	id      uabi.ID
	alien   *Thread // whose context comes with it, with a reference; nil: none
	target  *Badge  // forwarded: the badge, counted (R4)
	handle  [uabi.MaxHandles]ref
	grant   [uabi.MaxGrants]uabi.Grant
}

// deliveries numbers deliveries: a successor gets the unanswered ones in the order of their last delivery.
var deliveries uint64

// Call sends t's Out to e through badge b (nil: the plain handle) and blocks t, which runs, for the reply. RAX is the reply's
// status, or why there is none: ErrArg (no buffer, a malformed message), ErrDeadlock, ErrDead, ErrSize, ErrStale (an id that is not
// the caller's to use), and what its handles give.
//
// next is the thread that runs now, if nothing else has to be looked at; nil: Leave says it.
func Call(t *Thread, e *Endpoint, b *Badge) (next *Thread) {
	buf := t.Buf
	if buf == nil {
		t.fail(uabi.ErrArg)
		return nil
	}
	if e.Rank >= t.Proc.Rank {
		t.fail(uabi.ErrDeadlock)
		return nil
	}
	if e.dead {
		t.fail(uabi.ErrDead)
		return nil
	}
	out := &buf.Out
	c := &t.call
	if out.Len|out.NHandles|out.NGrants|out.Flags&uabi.FlagSaveRecord != 0 || out.ID.Origin|out.ID.Trap != 0 || t.cur != nil {
		if err := t.prepare(out); err != uabi.OK {
			t.fail(err)
			return nil
		}
	}
	c.kind = callNative
	c.badge = 0
	if b != nil {
		c.badge = b.Number
	}
	c.ep = e
	e.Refs++
	t.block = BlockCall
	t.State = sched.Blocked
	q := e.receivers.Pop()
	if q == nil {
		t.enqueue()
		return nil
	}
	r := of(q)
	t.deliver(r)
	if sched.SwitchTo(q) && !untidy {
		return r
	}
	return nil
}

// send delivers t's call to a thread that waits on its endpoint and returns that thread, still blocked; or queues the call
// and returns nil.
func (t *Thread) send() *Thread {
	q := t.call.ep.receivers.Pop()
	if q == nil {
		t.enqueue()
		return nil
	}
	r := of(q)
	t.deliver(r)
	return r
}

// enqueue puts t's call at the end of its endpoint's queue.
func (t *Thread) enqueue() {
	c := &t.call
	if ktrace.Mask&ktrace.BitMessage != 0 {
		t.traceSend()
	}
	c.state = callQueued
	c.ep.calls.Push(&t.Thread)
}

// traceSend records that a call is queued: its method (0 for a trap) and its id's trap count.
func (t *Thread) traceSend() {
	c := &t.call
	method, trap := uint32(0), c.id.Trap
	switch c.kind {
	case callNative:
		method = t.Buf.Out.Method
	case callForward:
		method = t.al.fwd.method
	default:
		trap = t.al.traps
	}
	ktrace.Put(ktrace.EvSend, t.TraceID(), c.ep.ID, uint64(method), trap)
}

// deliver puts t's call into r's buffer and makes it r's current request, and the result of its Receive; r runs on t's priority
// until it answers.
func (t *Thread) deliver(r *Thread) {
	if r.Timer.Set() {
		r.Timer.Stop()
	}
	r.block = BlockNone
	r.Ctx.Regs.RAX = 0
	c := &t.call
	deliveries++
	c.seq = deliveries
	c.state = callDelivered
	r.cur = t
	sched.Donate(&r.Thread, t.Prio)
	if ktrace.Mask&ktrace.BitMessage != 0 {
		ktrace.Put(ktrace.EvDeliver, r.TraceID(), c.ep.ID, uint64(c.kind)+1, c.badge)
	}
	if c.kind == callTrap {
		t.showTrap(r)
		return
	}
	in := &r.Buf.In
	in.Kind = uabi.KindCall
	in.Flags = 0
	in.Status = 0
	in.Badge = c.badge
	in.ID = c.id
	if c.kind == callForward {
		t.showForward(r)
		return
	}
	out := &t.Buf.Out
	in.Flags = out.Flags & uabi.FlagInterrupt
	in.Method = out.Method
	in.W = out.W
	n := out.Len
	in.Len = n
	in.NHandles, in.NGrants = 0, 0
	if n != 0 {
		n = min(n, uabi.MaxBytes) // the sender's process may have changed it meanwhile
		in.Len = n
		copy(r.Buf.InBytes[:n], t.Buf.OutBytes[:n])
	}
	if c.extra {
		c.showExtra(r)
	}
}

// showExtra adds what few calls have: flags, context words, handles, grants.
func (c *call) showExtra(r *Thread) {
	in := &r.Buf.In
	if c.resend {
		in.Flags |= uabi.FlagResend
	}
	if c.crashes >= uabi.QuarantineTry-1 {
		in.Flags |= uabi.FlagQuarantine
	}
	if a := c.alien; a != nil {
		in.Context = a.al.context
		if a.pend&pendIntr != 0 || a.al.flags&uabi.FlagTimeout != 0 {
			in.Flags |= uabi.FlagInterrupt
		}
		// A nested call for a dead alien is not dead: its sender waits, and must be able to finish its intent (R9, R13).
		if a.block == BlockGone && c.kind == callForward {
			in.Flags |= uabi.FlagDead
		}
	}
	in.NHandles, in.NGrants = uint32(c.nh), uint32(c.ng)
	for i := range int(c.nh) {
		in.Handle[i], in.Record[i] = c.handle[i].give(r.Proc)
	}
	for i := range int(c.ng) {
		in.Grant[i] = c.grant[i]
	}
}

// give installs a copy of r's handle in p's table and returns it (0: no room) and, if p receives on its endpoint, its badge
// number; then the handle is a weak one.
func (r *ref) give(p *Process) (uabi.Handle, uint64) {
	if r.obj == nil {
		return 0, 0
	}
	rights, badge := r.rights, uint64(0)
	if r.badge != nil && r.badge.ep.owner == p {
		rights |= uabi.RightWeak
		badge = r.badge.Number
	} else if r.badge != nil {
		r.badge.out = true
	}
	h, _ := p.Install(r.obj, r.badge, rights)
	return h, badge
}

// endCall makes t's call idle: it was answered, refused or dropped.
func (t *Thread) endCall() {
	c := &t.call
	c.state = callIdle
	e := c.ep
	if c.extra {
		if t.al.kept&(keepsTarget|keepsRegs) != 0 {
			t.notForwarded()
		}
		c.clear()
	}
	c.ep = nil
	if e.Refs--; e.Refs == 0 {
		e.Refs++
		bury(&e.Header)
	}
}

// clear drops what extra stands for.
func (c *call) clear() {
	c.extra, c.dead, c.resend, c.crashes, c.ng = false, false, false, 0, 0
	for i := range int(c.nh) {
		c.handle[i].drop()
	}
	c.nh = 0
	c.id = uabi.ID{}
	if a := c.alien; a != nil {
		c.alien = nil
		bury(&a.Header)
	}
	if b := c.target; b != nil {
		c.target = nil
		b.uncount()
		bury(&b.Header)
	}
}

// refuse answers a queued call with an error, without a server.
func (t *Thread) refuse(err uabi.Error) {
	t.Unlink()
	kind := t.call.kind
	t.endCall()
	switch kind {
	case callNative:
		t.block = BlockNone
		t.fail(err)
		sched.MakeReady(&t.Thread)
	case callForward:
		t.redeliver(uabi.FlagFailed, err)
	default:
		t.strand()
	}
}

// Receive waits for a message on e. RAX: 0, ErrBusy: a request is current and Out.Kind is not AnswerNone; ErrArg: no buffer;
// ErrTimeout, ErrDead, ErrSignal.
func Receive(t *Thread, e *Endpoint, deadline uint64) {
	if t.Buf == nil {
		t.fail(uabi.ErrArg)
		return
	}
	if t.cur != nil {
		if t.Buf.Out.Kind != uabi.AnswerNone {
			t.fail(uabi.ErrBusy)
			return
		}
		wake(t.abandon())
	}
	receive(t, e, deadline, nil)
}

// receive is the second half: next is a blocked thread that t's answer lets run, or nil. runs is what Call's next is.
func receive(t *Thread, e *Endpoint, deadline uint64, next *Thread) (runs *Thread) {
	e.owner = t.Proc
	if t.told != nil {
		t.heard()
	}
	h := e.calls.Head()
	if deadline == uabi.OnlyResent && (h == nil || !of(h).call.resend) {
		t.fail(uabi.ErrTimeout)
		wake(next)
		return nil
	}
	if e.notices != 0 && (h == nil || !of(h).call.resend) {
		e.notify(t)
		t.Ctx.Regs.RAX = 0
		wake(next)
		return nil
	}
	if h != nil {
		e.calls.Pop()
		of(h).deliver(t)
		wake(next)
		return nil
	}
	if e.dead {
		t.fail(uabi.ErrDead)
		wake(next)
		return nil
	}
	if t.hurry {
		t.hurry = false
		t.fail(uabi.ErrSignal)
		wake(next)
		return nil
	}
	t.State = sched.Blocked
	t.block = BlockReceive
	e.receivers.PushFront(&t.Thread)
	if deadline != uabi.NoDeadline {
		t.onTimeout = rax(uabi.ErrTimeout)
		t.Timer.Start(deadline)
	}
	if next != nil && !sched.Defer(&next.Thread) && sched.SwitchTo(&next.Thread) && !untidy && next.pend == 0 {
		return next
	}
	return nil
}

// wake lets a blocked thread run, if there is one.
//
//go:noinline
func wake(t *Thread) {
	if t != nil {
		sched.MakeReady(&t.Thread)
	}
}

// Reply answers t's current request with Out. ErrStale: it has been dropped, or there is none. Other errors are those of the
// answer's kind; then the request stays current.
func Reply(t *Thread) uabi.Error {
	if t.cur == nil {
		return uabi.ErrStale
	}
	next, err := t.answer()
	wake(next)
	if err == uabi.OK || err == uabi.ErrStale {
		out := &t.Buf.Out
		if out.Update.Event != 0 {
			t.update(out)
		}
		if out.NClose != 0 {
			t.closeListed(out)
		}
	}
	return err
}

// update does the event update that comes with the answer in out.
func (t *Thread) update(out *uabi.Msg) {
	u := out.Update
	out.Update.Event = 0
	if e, err := t.Proc.GetEvent(u.Event, uabi.RightWrite); err == uabi.OK {
		e.Update(u.Set, u.Clear, u.Raise)
	}
}

// closeListed closes the handles that out lists.
//
//go:noinline
func (t *Thread) closeListed(out *uabi.Msg) {
	n := min(out.NClose, uabi.MaxClose)
	out.NClose = 0
	for i := range n {
		if h := out.Close[i]; h != 0 {
			t.Proc.Close(h)
		}
	}
}

// closeReceive is closeListed, then receive. The handle of e itself may be listed.
//
//go:noinline
func (t *Thread) closeReceive(e *Endpoint, deadline uint64, next *Thread) (runs *Thread) {
	e.Refs++
	t.closeListed(&t.Buf.Out)
	runs = receive(t, e, deadline, next)
	if e.Refs--; e.Refs == 0 {
		e.Refs++
		bury(&e.Header)
	}
	return runs
}

// ReplyReceive is Reply, then Receive. An ErrStale of the answer is ignored; any other error ends it before the Receive. RAX.
// runs is what Call's next is.
func ReplyReceive(t *Thread, e *Endpoint, deadline uint64) (runs *Thread) {
	if t.Buf == nil {
		t.fail(uabi.ErrArg)
		return nil
	}
	var next *Thread
	if c := t.cur; c != nil {
		out := &t.Buf.Out
		if out.Kind == uabi.AnswerResult && c.call.kind == callNative && out.NHandles == 0 && !c.call.dead {
			t.result(c, out)
			next = c
		} else {
			var err uabi.Error
			if next, err = t.answer(); err != uabi.OK && err != uabi.ErrStale {
				t.fail(err)
				return nil
			}
		}
	}
	if t.Buf.Out.Update.Event != 0 {
		t.update(&t.Buf.Out)
	}
	if t.Buf.Out.NClose != 0 {
		return t.closeReceive(e, deadline, next)
	}
	return receive(t, e, deadline, next)
}
