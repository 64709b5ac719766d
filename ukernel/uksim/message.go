package uksim

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Call is uk.Kernel's.
func (k *Native) Call(h uabi.Handle) uabi.Error {
	k.enter("call")
	if k.buf == nil {
		return uabi.ErrArg
	}
	k.buf.Out.Kind = 0
	r, e := k.outgoing(h)
	if e != uabi.OK {
		return e
	}
	if e := k.refused(r.msg.ID); e != uabi.OK {
		return e
	}
	if e := k.saveRecord(); e != uabi.OK {
		return e
	}
	r.caller = k
	r.commit(k.buf.OutBytes)
	if k.sim.Tracing() {
		k.sim.note(k.name, "calls "+r.ep().name(), uint64(r.msg.Method), r.msg.ID.Trap)
	}
	k.calling = r
	began := k.sim.now
	r.ep().push(r)
	k.block()
	k.calling = nil
	if k.cur != nil {
		k.cur.since += k.sim.now - began
	}
	return uabi.Error(-k.buf.Out.Status)
}

// refused is R13's refusal of a dead alien's requests.
func (k *Native) refused(id uabi.ID) uabi.Error {
	a := k.sim.origin(id)
	if a == nil || a.state != alienGone {
		return uabi.OK
	}
	if a.handler() == k.p || a.ackedBy(k.p) {
		return uabi.ErrDead
	}
	return uabi.OK
}

// fail answers a request for the kernel: nobody else will.
func (r *request) fail(e uabi.Error) {
	if r.caller != nil {
		o := r.caller.buf.Out
		*o = uabi.Msg{Kind: uabi.KindReply, Status: -int32(e)}
		r.caller.calling = nil
		r.caller.wake()
	}
	if r.alien != nil && r.alien.req == r {
		r.alien.req = nil
		if r.forward {
			r.alien.back(uabi.FlagFailed, -int32(e))
		}
	}
	r.release()
}

// Receive is uk.Kernel's.
func (k *Native) Receive(endpoint uabi.Handle, deadline uint64) uabi.Error {
	k.enter("receive")
	if k.buf == nil {
		return uabi.ErrArg
	}
	e, err := get[*Endpoint](k, endpoint, uabi.RightReceive)
	if err != uabi.OK {
		return err
	}
	if k.cur != nil {
		if k.buf.Out.Kind != uabi.AnswerNone {
			return uabi.ErrBusy
		}
		r := k.cur
		k.cur = nil
		k.closeRecs(r)
		r.fail(uabi.ErrIO)
	}
	return k.receive(e, deadline)
}

// receive waits for the next message. The current request has been dealt with.
func (k *Native) receive(e *Endpoint, deadline uint64) uabi.Error {
	k.notice = nil // one of a badge is done now
	e.owner = k.p
	if deadline == uabi.OnlyResent && (len(e.queue) == 0 || !e.queue[0].resend) {
		return uabi.ErrTimeout
	}
	out := false
	var d *alarm
	if deadline != uabi.NoDeadline {
		d = k.sim.at(max(deadline, k.sim.now), func() {
			out = true
			k.leaveQueue()
			k.wake()
		})
		defer func() { d.off = true }()
	}
	for {
		if k.take(e) {
			return uabi.OK
		}
		if out || deadline <= k.sim.now {
			return uabi.ErrTimeout
		}
		e.receivers = append(e.receivers, k)
		k.waiting = e
		k.block()
	}
}

// leaveQueue takes the thread out of its endpoint's receivers.
func (k *Native) leaveQueue() {
	e := k.waiting
	if e == nil {
		return
	}
	k.waiting = nil
	for i, x := range e.receivers {
		if x == k {
			e.receivers = append(e.receivers[:i], e.receivers[i+1:]...)
			return
		}
	}
}

// take delivers one pending message, if there is one: resent requests first, then what an earlier image was told and has not done, then
// the seed chooses between the first request and the notices.
func (k *Native) take(e *Endpoint) bool {
	if len(e.queue) > 0 && e.queue[0].resend {
		r := e.queue[0]
		e.queue = e.queue[1:]
		k.deliver(r)
		return true
	}
	if len(e.undone) > 0 {
		b := e.undone[0]
		e.undone = e.undone[1:]
		k.deliverNotice(&notice{kind: uabi.NoticeGone, badge: b})
		return true
	}
	notices := e.pendingNotices()
	n := len(notices)
	if len(e.queue) > 0 {
		n++
	}
	if n == 0 {
		return false
	}
	i := 0
	if n > 1 {
		i = k.sim.rng.IntN(n)
	}
	if i < len(notices) {
		k.deliverNotice(notices[i])
		return true
	}
	r := e.queue[0]
	e.queue = e.queue[1:]
	k.deliver(r)
	return true
}

func (k *Native) deliverNotice(n *notice) {
	in := k.buf.In
	*in = uabi.Msg{Kind: uabi.KindNotice}
	in.W[0] = n.kind
	switch n.kind {
	case uabi.NoticeEvent:
		n.bits = n.bind.pending
		n.bind.pending = 0
		in.W[1], in.W[2], in.W[3] = n.bind.key, uint64(n.bits), uint64(n.bind.ev.level)
	case uabi.NoticeGone:
		in.W[1] = n.badge.num
		n.badge.die()
	case uabi.NoticeThread:
		in.W[1] = n.alien.origin
	}
	k.notice = n
	k.sim.note(k.name, "gets notice", n.kind, in.W[1])
}

// deliver makes r the thread's current request.
func (k *Native) deliver(r *request) {
	in := k.buf.In
	*in = uabi.Msg{Kind: uabi.KindCall, Method: r.msg.Method, W: r.msg.W, ID: r.msg.ID, Len: r.msg.Len, NHandles: r.msg.NHandles, NGrants: r.msg.NGrants}
	if r.target.badge != nil {
		in.Badge = r.target.badge.num
	}
	copy(k.buf.InBytes, r.bytes)
	for i, g := range r.grants {
		in.Grant[i] = uabi.Grant{Len: g.len, Rights: g.rights}
	}
	for i := range r.caps {
		in.Handle[i], in.Record[i] = k.p.arrive(r.caps[i])
	}
	in.Flags = r.msg.Flags & uabi.FlagInterrupt
	if r.forward {
		in.Flags |= uabi.FlagForwarded
		if r.alien.intr || r.alien.timeout {
			in.Flags |= uabi.FlagInterrupt
		}
	}
	if r.behalf != nil {
		in.Context = r.behalf.ctx
	} else if a := k.sim.origin(r.msg.ID); a != nil {
		in.Context = a.ctx
	}
	if r.trap {
		r.alien.fillTrap(k, r, in)
	}
	if r.resend {
		in.Flags |= uabi.FlagResend
	}
	if r.crashes >= uabi.QuarantineTry-1 {
		in.Flags |= uabi.FlagQuarantine
	}
	r.state, r.at, k.cur = delivered, k, r
	k.watch(r)
	if k.sim.Tracing() {
		k.sim.note(k.name, "gets "+r.text(), uint64(in.Flags), r.msg.ID.Path)
	}
}

// arrive installs a transferred capability; one for an endpoint of this process arrives weak, with its badge number.
func (p *Process) arrive(c capability) (uabi.Handle, uint64) {
	if !c.valid() {
		return 0, 0
	}
	num := uint64(0)
	if c.badge != nil && p.receives(c.badge.ep) {
		c.rights |= uabi.RightWeak
		num = c.badge.num
	}
	if c.badge != nil && num == 0 {
		c.badge.out = true
	}
	h, _ := p.table.insert(c)
	return h, num
}

// watch has the process reported hung when r stays with it for too long (DESIGN §4, poison).
func (k *Native) watch(r *request) {
	s := k.sim
	if s.cfg.HungLimit == 0 {
		return
	}
	r.since = s.now
	var check func()
	check = func() {
		if r.state != delivered || r.at != k || k.dead {
			return
		}
		if due := r.since + s.cfg.HungLimit; s.now < due || k.calling != nil {
			r.watch = s.at(max(due, s.now+s.cfg.HungLimit), check)
			return
		}
		k.p.hung = r
		k.p.event().update(uabi.ProcessHung, 0, 0)
	}
	r.watch = s.at(r.since+s.cfg.HungLimit, check)
}

// Reply is uk.Kernel's.
func (k *Native) Reply() uabi.Error {
	k.enter("reply")
	if k.buf == nil {
		return uabi.ErrArg
	}
	err := k.answer()
	if err == uabi.OK || err == uabi.ErrStale {
		k.updateEvent()
		k.closeListed()
	}
	return err
}

// updateEvent does the event update that comes with the answer in Out.
func (k *Native) updateEvent() {
	u := k.buf.Out.Update
	k.buf.Out.Update.Event = 0
	if u.Event == 0 {
		return
	}
	if e, err := get[*Event](k, u.Event, uabi.RightWrite); err == uabi.OK {
		e.update(u.Set, u.Clear, u.Raise)
	}
}

// closeListed closes the handles that Out lists.
func (k *Native) closeListed() {
	out := k.buf.Out
	for _, h := range out.Close[:min(out.NClose, uabi.MaxClose)] {
		k.p.table.remove(h)
	}
	out.NClose = 0
}

// ReplyReceive is uk.Kernel's.
func (k *Native) ReplyReceive(endpoint uabi.Handle, deadline uint64) uabi.Error {
	k.enter("reply.receive")
	if k.buf == nil {
		return uabi.ErrArg
	}
	e, err := get[*Endpoint](k, endpoint, uabi.RightReceive)
	if err != uabi.OK {
		return err
	}
	if k.buf.Out.Kind != uabi.AnswerNone {
		if err := k.answer(); err != uabi.OK && err != uabi.ErrStale {
			return err
		}
	} else if r := k.cur; r != nil {
		k.cur = nil
		k.closeRecs(r)
		r.fail(uabi.ErrIO)
	}
	k.updateEvent()
	k.closeListed()
	k.sim.step(&k.task, k.p, "between reply and receive")
	return k.receive(e, deadline)
}

// answer gives Out to whoever waits for the current request.
func (k *Native) answer() uabi.Error {
	r := k.cur
	if r == nil {
		return uabi.ErrStale
	}
	if r.trap {
		return k.answerTrap(r)
	}
	out := k.buf.Out
	var caps [uabi.MaxHandles]capability
	if out.Kind != uabi.AnswerResult && out.Kind != uabi.AnswerWait {
		return uabi.ErrArg
	}
	if out.Len > uabi.MaxBytes || out.NHandles > uabi.MaxHandles {
		return uabi.ErrSize
	}
	if r.forward && out.Kind == uabi.AnswerResult && out.NHandles != 0 {
		return uabi.ErrSize // nobody receives them
	}
	if e := k.sendCaps(&caps); e != uabi.OK {
		return e
	}
	var ev *Event
	if out.Kind == uabi.AnswerWait && out.Wait.Event != 0 {
		var e uabi.Error
		if ev, e = get[*Event](k, out.Wait.Event, 0); e != uabi.OK {
			return e
		}
	}
	k.cur = nil
	for _, c := range caps {
		c.hold()
	}
	if k.sim.Tracing() {
		k.sim.note(k.name, "answers "+r.text(), uint64(out.Kind), uint64(-out.Status))
	}
	gone := false
	switch {
	case r.forward:
		r.alien.forwarded(r, out, ev)
	case r.caller != nil:
		r.caller.reply(out, k.buf, caps, ev)
	default:
		gone = true
	}
	r.pin(caps)
	if out.Kind == uabi.AnswerWait && out.Flags&uabi.FlagCloseEvent != 0 {
		k.p.table.remove(out.Wait.Event)
	}
	dropAll(caps[:])
	r.release()
	if gone {
		return uabi.ErrStale
	}
	return uabi.OK
}

// pin keeps the handles of a reply for the alien that the request belongs to, until its trap is answered (R5).
func (r *request) pin(caps [uabi.MaxHandles]capability) {
	a := r.sim.origin(r.msg.ID)
	if a == nil || a.freed || a.traps != r.msg.ID.Trap || !a.pinning() {
		return
	}
	for _, c := range caps {
		if c.valid() && !c.weak() {
			c.hold()
			if c.badge != nil {
				c.badge.out = true
			}
			a.pins = append(a.pins, c)
		}
	}
}

// reply delivers the answer to the blocked caller.
func (k *Native) reply(out *uabi.Msg, from *uk.Buffer, caps [uabi.MaxHandles]capability, ev *Event) {
	o := k.buf.Out
	*o = uabi.Msg{Kind: uabi.KindReply, Method: out.Method, Status: out.Status, W: out.W, Len: out.Len, NHandles: out.NHandles}
	copy(k.buf.OutBytes, from.OutBytes[:out.Len])
	for i, c := range caps {
		o.Handle[i], o.Record[i] = k.p.arrive(c)
	}
	if out.Kind == uabi.AnswerWait {
		o.Status = -int32(uabi.ErrWait)
		o.Wait = out.Wait
		o.Wait.Event = 0
		if ev != nil {
			o.Wait.Event, _ = k.p.table.insert(capability{obj: ev, rights: uabi.RightRead | uabi.RightTransfer})
		}
	}
	k.calling = nil
	k.wake()
}
