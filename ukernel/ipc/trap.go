package ipc

import (
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// Trap makes the running alien t trap with that cause (uabi.Trap…); its registers are in t.Ctx. next is what Call's is.
func Trap(t *Thread, cause uint32) (next *Thread) {
	al := &t.al
	al.traps++
	al.cause = cause
	al.flags, al.status = 0, 0
	al.open, al.firm = true, false
	al.delivered = false
	t.State = sched.Blocked
	if r := t.sendTrap(); r != nil && sched.SwitchTo(&r.Thread) && !untidy {
		return r
	}
	return nil
}

// sendTrap sends the open trap of the blocked alien t to its handler; next is the receiver, still blocked, or nil.
func (t *Thread) sendTrap() (next *Thread) {
	e := t.al.handler
	if e.dead {
		t.strand()
		return nil
	}
	c := &t.call
	c.kind = callTrap
	c.ep = e
	e.Refs++
	t.block = BlockTrap
	return t.send()
}

// trapAgain sends the trap again, with the reason (FlagEvent, FlagFailed, FlagTimeout or none) and status; next as in sendTrap.
//
//go:noinline
func (t *Thread) trapAgain(flags uint32, status uabi.Error) (next *Thread) {
	t.al.flags = t.al.flags&uabi.FlagTimeout | flags
	t.al.status = -int32(status)
	return t.sendTrap()
}

// redeliver is trapAgain when the receiver cannot run at once.
func (t *Thread) redeliver(flags uint32, status uabi.Error) { wake(t.trapAgain(flags, status)) }

// levels reports whether the interrupt or the timeout level is up (R12).
func (t *Thread) levels() bool { return t.pend&pendIntr != 0 || t.al.flags&uabi.FlagTimeout != 0 }

// showTrap puts t's trap into r's buffer.
func (t *Thread) showTrap(r *Thread) {
	al := &t.al
	in := &r.Buf.In
	flags := al.flags
	if t.pend&pendIntr != 0 {
		flags |= uabi.FlagInterrupt
	}
	if al.delivered {
		flags |= uabi.FlagRedeliver
	}
	if t.call.extra {
		if t.call.resend {
			flags |= uabi.FlagResend
		}
		if t.call.crashes >= uabi.QuarantineTry-1 {
			flags |= uabi.FlagQuarantine
		}
	}
	al.delivered = true
	in.Kind = uabi.KindTrap
	in.Flags = flags
	in.Status = al.status
	in.Badge = 0
	if al.badge != nil {
		in.Badge = al.badge.Number
	}
	in.ID = uabi.ID{Origin: t.ID, Trap: al.traps}
	in.W[0] = t.CPU()
	in.Len, in.NHandles, in.NGrants = 0, 0, 0
	in.Trap = al.cause
	in.Context = al.context
	in.Record = al.record
	in.RecordHandle = [uabi.MaxHandles]uabi.Handle{}
	if al.kept&keepsRefs != 0 {
		t.showRecord(r)
	}
	in.Regs = t.Ctx.Regs
}

// showRecord installs the record's handles for r, which has them until it answers the trap (R4).
func (t *Thread) showRecord(r *Thread) {
	for i := range t.al.recRef {
		x := &t.al.recRef[i]
		r.recHandle[i] = 0
		if x.obj == nil {
			continue
		}
		rights := x.rights
		if x.badge != nil {
			rights |= uabi.RightWeak
		}
		h, _ := r.Proc.Install(x.obj, x.badge, rights)
		r.recHandle[i] = h
		r.Buf.In.RecordHandle[i] = h
	}
	r.nrec = uabi.MaxHandles
}

// answerTrap gives s's Out to the alien a, whose trap s handles.
func (s *Thread) answerTrap(a *Thread, out *uabi.Msg) (next *Thread, err uabi.Error) {
	switch out.Kind {
	case uabi.AnswerResult:
		if a.al.cause == uabi.TrapSyscall {
			a.Ctx.Regs.RAX = out.W[0]
		}
	case uabi.AnswerRegs:
		if err := a.setRegs(s.Buf.ArgRegs()); err != uabi.OK {
			return nil, err
		}
	case uabi.AnswerWait:
		return s.answerWait(a, out)
	case uabi.AnswerFutex:
		return s.answerFutex(a, out)
	case uabi.AnswerForward:
		return s.answerForwarding(a, out)
	case uabi.AnswerStop:
		if err := s.record(a, out); err != uabi.OK {
			return nil, err
		}
		s.release()
		a.endCall()
		return a.stop(), uabi.OK
	default:
		return nil, uabi.ErrArg
	}
	s.release()
	a.endCall()
	a.finish()
	if next = a.resume(); out.Flags&uabi.FlagYield != 0 {
		wake(next)
		next = nil
	}
	return next, uabi.OK
}

// record does FlagSaveRecord of an answer.
func (s *Thread) record(a *Thread, out *uabi.Msg) uabi.Error {
	if out.Flags&uabi.FlagSaveRecord == 0 {
		return uabi.OK
	}
	return s.saveRecord(a, out)
}

// finish ends the trap: it is answered (R2).
func (t *Thread) finish() {
	t.al.open = false
	t.al.flags = 0
	t.al.clear()
}

// resume makes the blocked alien ready to run in user mode and returns it, or kills it. Leave makes it trap again if the
// interrupt level is up.
func (t *Thread) resume() *Thread {
	if t.pend&pendKill != 0 {
		t.die()
		return nil
	}
	t.block = BlockNone
	return t
}

// strand parks an alien whose handler is gone for good; if it is to be killed, Leave does it.
func (t *Thread) strand() {
	t.block = BlockParked
	if t.pend&pendKill != 0 {
		t.procNext = doomed
		doomed = t
		untidy = true
	}
}

// stop leaves the alien parked with its trap open; a level brings the trap back at once.
func (t *Thread) stop() (next *Thread) {
	switch {
	case t.pend&pendKill != 0:
		t.die()
	case t.pend&pendIntr != 0 && t.al.open && !t.al.handler.dead:
		return t.trapAgain(0, uabi.OK)
	default:
		t.block = BlockParked
	}
	return nil
}

// answerWait parks the alien a until an event comes up (R11), or with no event until the deadline. s handles its trap, or its forwarded request; its handler's
// record stays in the latter case (R3).
func (s *Thread) answerWait(a *Thread, out *uabi.Msg) (next *Thread, err uabi.Error) {
	ev, err := s.waitSource(out)
	if err != uabi.OK {
		return nil, err
	}
	if a.call.kind == callTrap {
		if err := s.record(a, out); err != uabi.OK {
			return nil, err
		}
	}
	if ev != nil {
		ev.Refs++
	}
	spec, firm := out.Wait, out.Flags&uabi.FlagFirm != 0
	s.closeEvent(out)
	s.release()
	a.endCall()
	a.al.firm = firm
	next = a.await(ev, &spec)
	a.al.firm = firm && a.block == BlockEvent
	if ev != nil {
		bury(&ev.Header)
	}
	return next, uabi.OK
}

// await parks the alien, or lets its trap come back at once; or kills it: a wait is where a kill takes effect.
func (t *Thread) await(ev *Event, w *uabi.WaitSpec) (next *Thread) {
	if t.pend&pendKill != 0 {
		t.die()
		return nil
	}
	if t.levels() && !t.al.firm {
		return t.trapAgain(0, uabi.OK)
	}
	if ev != nil && ev.since(w.Mask, w.Since) != 0 {
		return t.trapAgain(uabi.FlagEvent, uabi.OK)
	}
	t.al.flags = 0
	t.waitEvent(ev, w.Mask, w.Deadline)
	return nil
}
