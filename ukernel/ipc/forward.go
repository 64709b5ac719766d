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
	regs   uabi.Regs // FlagRegs
	bytes  [uabi.MaxForward]byte
}

// answerForwarding sends s's Out to a server below with a's reply right: the trap moves from the handler to the alien (R3).
// ErrInterrupted: it was shown with a level up (R12); ErrSize, ErrDeadlock, ErrDead, ErrStale: not this trap's id.
func (s *Thread) answerForwarding(a *Thread, out *uabi.Msg) (next *Thread, err uabi.Error) {
	id, grants, target := out.ID, out.NGrants, out.Target // read once: see prepare
	e, b, rights, err := s.Proc.target(target)
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
	loads := out.Flags&uabi.FlagRegs != 0
	f := &a.al.fwd
	if loads {
		if f.regs = *s.Buf.ArgRegs(); !userRegs(&f.regs) {
			return nil, uabi.ErrArg
		}
	}
	c := &a.call // a trap's call has no handles and grants of its own
	if grants != 0 {
		if err := c.takeGrants(out, grants, a); err != uabi.OK {
			return nil, err
		}
	}
	n := 0
	if out.NHandles != 0 {
		if n, err = s.names(out, &c.handle); err != uabi.OK {
			return nil, err
		}
	}
	aims := a.al.kept == 0 && namesTarget(out, target)
	if !aims {
		if err := s.record(a, out); err != uabi.OK {
			return nil, err
		}
	}
	for i := range n {
		if x := &c.handle[i]; x.obj != nil && !s.takeListed(out.Handle[i], x, out) {
			hold(x.obj, x.badge, x.rights)
		}
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
	if aims {
		a.al.record, a.al.aim = out.Record, rights&^uabi.RightWeak
		a.al.kept = keepsWords | keepsTarget
	}
	if loads {
		a.al.kept |= keepsRegs
	}
	a.al.flags = 0
	c.kind = callForward
	c.ep, c.target = e, b
	c.id = id
	c.nh, c.ng = uint8(n), uint8(grants)
	c.extra = true
	f.method, f.w = out.Method, out.W
	if f.len = min(out.Len, uabi.MaxForward); f.len != 0 {
		copy(f.bytes[:f.len], s.Buf.OutBytes[:f.len])
	}
	a.block = BlockForward
	return a.send(), uabi.OK
}

// namesTarget reports whether out saves a record whose only handle is that of the forwarded request's target.
func namesTarget(out *uabi.Msg, target uabi.Handle) bool {
	h := &out.RecordHandle
	return out.Flags&uabi.FlagSaveRecord != 0 && h[0] == target && h[1]|h[2]|h[3] == 0
}

// notForwarded is for the end of t's forwarded call without an answer to the trap: the first record handle (R4) is taken from the call.
func (t *Thread) notForwarded() {
	k := t.al.kept
	t.al.kept = k &^ (keepsTarget | keepsRegs)
	if k&keepsTarget == 0 {
		return
	}
	t.al.kept |= keepsRefs
	r := &t.al.recRef[0]
	r.obj, r.badge, r.rights = &t.call.ep.Header, t.call.target, t.al.aim
	hold(r.obj, r.badge, r.rights)
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
	if status != 0 {
		a.endCall()
		return a.trapAgain(uabi.FlagFailed, uabi.Error(-status)), uabi.OK
	}
	if a.al.kept&keepsRegs == 0 {
		a.Ctx.Regs.RAX = w
	} else {
		a.loadRegs(a.al.fwd.regs)
	}
	a.finish() // first: the record goes with its target
	a.endCall()
	return a.resume(), uabi.OK
}
