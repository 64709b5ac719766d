package ipc

import (
	"aramid/ukernel/uabi"
)

// forward is a request that an alien's handler sent with the alien's reply right (R3). Its handles, grants and target are in the
// alien's call.
type forward struct {
	method uint32
	len    uint32
	w      [uabi.MaxWords]uint64
	bytes  [uabi.MaxForward]byte
}

// answerForwarding sends s's Out to a server below with a's reply right: the trap moves from the handler to the alien (R3).
// ErrInterrupted: it was shown with a level up (R12); ErrSize, ErrDeadlock, ErrDead, ErrStale: not this trap's id.
func (s *Thread) answerForwarding(a *Thread, out *uabi.Msg) (next *Thread, err uabi.Error) {
	e, b, err := s.Proc.Endpoint(out.Target, uabi.RightCall)
	id, grants := out.ID, out.NGrants // read once: see prepare
	switch {
	case err != uabi.OK:
		return nil, err
	case out.Len > uabi.MaxForward:
		return nil, uabi.ErrSize
	case e.Rank >= s.Proc.Rank:
		return nil, uabi.ErrDeadlock
	case e.dead:
		return nil, uabi.ErrDead
	case id.Trap|id.Origin != 0 && (id.Origin != a.ID || id.Trap != a.al.traps):
		return nil, uabi.ErrStale
	case s.Buf.In.Flags&(uabi.FlagInterrupt|uabi.FlagTimeout) != 0 && a.levels():
		return nil, uabi.ErrInterrupted
	}
	c := &a.call // a trap's call has no handles and grants of its own
	if grants != 0 {
		if err := c.takeGrants(out, grants, a); err != uabi.OK {
			return nil, err
		}
	}
	n, err := s.collect(out, &c.handle)
	if err != uabi.OK {
		return nil, err
	}
	if err := s.record(a, out); err != uabi.OK {
		drop(&c.handle, n)
		return nil, err
	}
	e.Refs++
	c.badge = 0
	if b != nil {
		b.Refs++
		b.count()
		c.badge = b.Number
	}
	s.release()
	a.endCall()
	a.al.flags = 0
	c.kind = callForward
	c.ep, c.target = e, b
	c.id = id
	c.nh, c.ng = uint8(n), uint8(grants)
	c.extra = true
	f := &a.al.fwd
	f.method, f.w = out.Method, out.W
	f.len = min(out.Len, uabi.MaxForward)
	copy(f.bytes[:f.len], s.Buf.OutBytes[:f.len])
	a.block = BlockForward
	return a.send(), uabi.OK
}

// showForward puts t's forwarded request into r's buffer.
func (t *Thread) showForward(r *Thread) {
	f := &t.al.fwd
	in := &r.Buf.In
	in.Flags = uabi.FlagForwarded
	if t.levels() {
		in.Flags |= uabi.FlagInterrupt
	}
	in.Method, in.W, in.Len = f.method, f.w, f.len
	if f.len != 0 {
		copy(r.Buf.InBytes[:f.len], f.bytes[:f.len])
	}
	t.call.showExtra(r)
	in.Context = t.al.context
}

// answerForward gives s's Out to the alien a, whose forwarded request s executes: success goes straight to it, an error back to
// its handler with the record.
func (s *Thread) answerForward(a *Thread, out *uabi.Msg) (next *Thread, err uabi.Error) {
	switch out.Kind {
	case uabi.AnswerWait:
		return s.answerWait(a, out)
	case uabi.AnswerResult:
	default:
		return nil, uabi.ErrArg
	}
	if out.NHandles != 0 {
		return nil, uabi.ErrSize // nobody receives them
	}
	status, w := out.Status, out.W[0]
	s.release()
	a.endCall()
	if status != 0 {
		return a.trapAgain(uabi.FlagFailed, uabi.Error(-status)), uabi.OK
	}
	a.Ctx.Regs.RAX = w
	a.finish()
	return a.resume(), uabi.OK
}
