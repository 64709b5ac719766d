package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// binding tells an endpoint of an event's raises (CallBind).
type binding struct {
	watch
	ep         *Endpoint // which owns it
	key        uint64
	pending    uint32 // raised since the last notice
	last       uint32 // bits of the last notice: due again for a successor
	queued     bool   // in the endpoint's raised list
	allNext    *binding
	raisedNext *binding
}

var bindings object.Pool[binding]

// Bind is CallBind. ErrNoMem.
func (e *Endpoint) Bind(ev *Event, key uint64, mask uint32) uabi.Error {
	b := e.bindings
	for b != nil && b.event != ev {
		b = b.allNext
	}
	if mask == 0 {
		if b != nil {
			b.unbind()
		}
		return uabi.OK
	}
	if b == nil {
		if b = bindings.Get(e.Acct); b == nil {
			return uabi.ErrNoMem
		}
		b.ep = e
		b.allNext = e.bindings
		e.bindings = b
		b.attach(ev)
	}
	b.key, b.mask = key, mask
	b.pending &= mask
	if up := ev.level & mask; up != 0 {
		b.raise(up)
	}
	return uabi.OK
}

// raise notes bits for the next notice.
func (b *binding) raise(bits uint32) {
	b.pending |= bits
	if b.queued {
		return
	}
	b.queued = true
	b.raisedNext = nil
	e := b.ep
	if e.raised == nil {
		e.raised = b
	} else {
		e.raisedEnd.raisedNext = b
	}
	e.raisedEnd = b
	e.notices++
	e.poke()
}

// unbind takes a binding out of everything and frees it.
func (b *binding) unbind() {
	e := b.ep
	b.detach()
	at := &e.bindings
	for *at != b {
		at = &(*at).allNext
	}
	*at = b.allNext
	if b.queued {
		var prev *binding
		x := e.raised
		for x != b {
			prev, x = x, x.raisedNext
		}
		if prev == nil {
			e.raised = b.raisedNext
		} else {
			prev.raisedNext = b.raisedNext
		}
		if e.raisedEnd == b {
			e.raisedEnd = prev
		}
		e.notices--
	}
	bindings.Put(b, e.Acct)
}

// poke delivers a new notice if somebody waits for one.
func (e *Endpoint) poke() {
	t := e.receivers.Pop()
	if t == nil {
		return
	}
	r := of(t)
	r.Timer.Stop()
	e.notify(r)
	r.block = BlockNone
	r.Ctx.Regs.RAX = 0
	sched.MakeReady(t)
}

// notify delivers the next notice to r. There is one.
func (e *Endpoint) notify(r *Thread) {
	in := &r.Buf.In
	in.Kind, in.Flags, in.Method, in.Status = uabi.KindNotice, 0, 0, 0
	in.Badge, in.ID = 0, uabi.ID{}
	in.Len, in.NHandles, in.NGrants = 0, 0, 0
	in.W = [uabi.MaxWords]uint64{}
	if b := e.gone.head; b != nil {
		b.tell(r)
		in.W[0], in.W[1] = uabi.NoticeGone, b.Number
		return
	}
	e.notices--
	if b := e.raised; b != nil {
		e.raised = b.raisedNext
		b.queued = false
		in.W[0], in.W[1] = uabi.NoticeEvent, b.key
		in.W[2], in.W[3] = uint64(b.pending), uint64(b.event.level)
		b.last, b.pending = b.pending, 0
		return
	}
	t := e.threads.Pop()
	e.mourned.Push(t)
	in.W[0], in.W[1] = uabi.NoticeThread, t.ID
}

// Subscribe is CallSubscribe. ErrDead.
func (e *Endpoint) Subscribe() uabi.Error {
	if e.dead {
		return uabi.ErrDead
	}
	e.subscribed = true
	return uabi.OK
}

// after reports whether e comes after f (nil: nobody yet) in the order of thread-gone notices: highest rank first (R13), and
// within a rank the older endpoint.
func (e *Endpoint) after(f *Endpoint) bool {
	return f == nil || e.Rank < f.Rank || e.Rank == f.Rank && e.ID > f.ID
}

// passOn makes the notice of the dead alien t due at the next endpoint (R13), or lets go of t when all have acknowledged.
func (t *Thread) passOn() {
	var next *Endpoint
	for e := allEndpoints; e != nil; e = e.allNext {
		if e.subscribed && e.after(t.al.goneAt) && (next == nil || next.after(e)) {
			next = e
		}
	}
	if q := t.In(); q != nil {
		if q == &t.al.goneAt.threads {
			t.al.goneAt.notices--
		}
		t.Unlink()
	}
	t.al.goneAt = next
	if next == nil {
		t.forget()
		return
	}
	next.threads.Push(&t.Thread)
	next.notices++
	next.poke()
}

// ThreadAck is CallThreadAck: R13. ErrBusy: that alien lives; ErrNotFound: its notice is not due here. An alien that everyone
// has acknowledged is OK: a successor may acknowledge again.
func (e *Endpoint) ThreadAck(origin uint64) uabi.Error {
	t := findAlien(origin)
	if t == nil {
		return uabi.OK
	}
	if t.block != BlockGone {
		return uabi.ErrBusy
	}
	if t.al.goneAt != e {
		if e.subscribed && t.al.goneAt.after(e) {
			return uabi.OK
		}
		return uabi.ErrNotFound
	}
	t.passOn()
	return uabi.OK
}
