package uksim

import (
	"fmt"

	"aramid/ukernel/uabi"
)

// States of a request.
const (
	queued = 1 + iota
	delivered
	finished
)

// pidMask is where the process id is in an Origin; a process may number its threads above it.
const pidMask = 1<<32 - 1

// request is an unanswered call or trap.
type request struct {
	sim     *Sim
	trap    bool    // an alien's trap at its handler
	forward bool    // an alien's reply right goes with it (R3)
	caller  *Native // the native sender; nil once it is gone
	alien   *Alien  // of a trap or a forwarded request
	from    *Process
	behalf  *Alien     // whose trap is being handled, at any depth of nesting
	target  capability // kept while the request lives (R4)
	msg     uabi.Msg
	bytes   []byte
	caps    [uabi.MaxHandles]capability
	grants  []grant
	state   int
	resend  bool
	crashes int
	at      *Native
	recs    [uabi.MaxHandles]uabi.Handle // record handles in the receiver's table
	since   uint64                       // when delivered, moved on by time in lower calls
	watch   *alarm
}

func (r *request) ep() *Endpoint { return r.target.obj.(*Endpoint) }

// origin is the alien that the request belongs to, or nil.
func (s *Sim) origin(id uabi.ID) *Alien {
	if id.Origin&uabi.OriginProcess != 0 || id.Origin == 0 || id.Origin > uint64(len(s.aliens)) {
		return nil
	}
	return s.aliens[id.Origin-1]
}

// outgoing checks and copies what k.buf.Out sends to the endpoint behind h. It changes nothing on an error.
func (k *Native) outgoing(h uabi.Handle) (*request, uabi.Error) {
	c, e := k.lookup(h, 0)
	if e != uabi.OK {
		return nil, e
	}
	ep, ok := c.obj.(*Endpoint)
	if !ok {
		return nil, uabi.ErrType
	}
	out := k.buf.Out
	switch {
	case c.rights&uabi.RightCall == 0:
		return nil, uabi.ErrRights
	case c.stale():
		return nil, uabi.ErrStale
	case ep.rank >= k.p.rank:
		return nil, uabi.ErrDeadlock
	case out.Len > uabi.MaxBytes || out.NHandles > uabi.MaxHandles || out.NGrants > uabi.MaxGrants:
		return nil, uabi.ErrSize
	}
	c.rights &^= uabi.RightWeak // what the kernel keeps counts
	r := &request{sim: k.sim, from: k.p, target: c, msg: *out}
	if k.cur != nil {
		r.behalf = k.cur.behalf
	}
	if out.ID != (uabi.ID{}) && k.p.flags&uabi.ProcessServer == 0 && out.ID.Origin&(uabi.OriginProcess|pidMask) != uabi.OriginProcess|k.p.id {
		return nil, uabi.ErrArg
	}
	if e := k.sendCaps(&r.caps); e != uabi.OK {
		return nil, e
	}
	if e := k.sendGrants(r); e != uabi.OK {
		return nil, e
	}
	return r, uabi.OK
}

// sendCaps looks the outgoing handles up, without holding them.
func (k *Native) sendCaps(caps *[uabi.MaxHandles]capability) uabi.Error {
	for i := range min(k.buf.Out.NHandles, uabi.MaxHandles) {
		if k.buf.Out.Handle[i] == 0 {
			continue
		}
		c, e := k.lookup(k.buf.Out.Handle[i], uabi.RightTransfer)
		if e != uabi.OK {
			return e
		}
		caps[i] = c
	}
	return uabi.OK
}

// commit takes what the request holds.
func (r *request) commit(bytes []byte) {
	r.bytes = append([]byte(nil), bytes[:r.msg.Len]...)
	r.target.hold()
	for _, c := range r.caps {
		c.hold()
	}
	for _, g := range r.grants {
		g.hold()
	}
}

// release drops what the request holds. It is finished.
func (r *request) release() {
	r.state = finished
	if r.watch != nil {
		r.watch.off = true
	}
	r.target.drop()
	dropAll(r.caps[:])
	for _, g := range r.grants {
		g.drop()
	}
	r.grants = nil
}

// again puts the current requests of an ended image back for its successor.
func (k *Native) again(own bool) {
	if n := k.notice; n != nil {
		switch n.kind {
		case uabi.NoticeEvent:
			n.bind.pending |= n.bits
		case uabi.NoticeGone:
			n.badge.ep.undone = append(n.badge.ep.undone, n.badge)
		}
	}
	k.notice = nil
	r := k.cur
	if r == nil {
		return
	}
	k.cur = nil
	k.closeRecs(r)
	if own || k.p.hung == r {
		r.crashes++
	}
	if r.watch != nil {
		r.watch.off = true
	}
	if !r.trap && !r.forward && r.caller == nil { // nobody waits: the successor finishes what has an intent
		r.release()
		return
	}
	if a := r.sim.origin(r.msg.ID); !r.trap && a != nil && a.state == alienGone && (r.forward || a.handler() == r.from) {
		r.fail(uabi.ErrDead)
		return
	}
	r.at, r.resend = nil, true
	r.ep().push(r)
}

// abandon is what happens to the call that a thread of an ended image was blocked in.
func (k *Native) abandon() {
	r := k.calling
	if r == nil {
		return
	}
	k.calling = nil
	r.caller = nil
	if r.state == queued {
		r.ep().remove(r)
		r.release()
	}
}

// name is for traces.
func (e *Endpoint) name() string {
	if e.owner == nil {
		return "endpoint"
	}
	return e.owner.name
}

// text is for traces.
func (r *request) text() string {
	id := r.msg.ID
	if r.trap {
		return fmt.Sprintf("trap %d of alien %d", id.Trap, id.Origin)
	}
	who := "?"
	if r.from != nil {
		who = r.from.name
	}
	return fmt.Sprintf("call %s.%d of %s id (%#x %d %x)", r.ep().name(), r.msg.Method, who, id.Origin, id.Trap, id.Path)
}
