package ipc

import (
	"aramid/ukernel/ktrace"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// answer gives s's Out to whom s's current request is from. next is the thread that may run for it (nil: none). On an error but
// ErrStale nothing has changed.
func (s *Thread) answer() (next *Thread, err uabi.Error) {
	t := s.cur
	out := &s.Buf.Out
	if ktrace.Mask&ktrace.BitMessage != 0 {
		s.traceReply(out)
	}
	if t.call.kind == callNative {
		return s.answerNative(t, out)
	}
	if out.Kind == uabi.AnswerNone {
		return s.abandon(), uabi.OK
	}
	if t.call.kind == callForward {
		return s.answerForward(t, out)
	}
	return s.answerTrap(t, out)
}

// result is the plain reply to a native caller: words and bytes.
func (s *Thread) result(t *Thread, out *uabi.Msg) {
	if ktrace.Mask&ktrace.BitMessage != 0 {
		s.traceReply(out)
	}
	to := &t.Buf.Out
	to.Kind = uabi.KindReply
	to.Flags = 0
	to.Status = out.Status
	to.W = out.W
	to.NHandles = 0
	n := out.Len
	to.Len = n
	if n != 0 {
		n = min(n, uabi.MaxBytes)
		to.Len = n
		copy(t.Buf.OutBytes[:n], s.Buf.OutBytes[:n])
	}
	t.Ctx.Regs.RAX = uint64(int64(out.Status))
	s.cur = nil
	sched.Undonate(&s.Thread) // no record handles to close: this was no trap
	t.block = BlockNone
	c := &t.call
	if c.extra || c.ep.Refs == 1 {
		t.endCall()
		return
	}
	c.state = callIdle
	c.ep.Refs--
}

// traceReply records an answer.
func (s *Thread) traceReply(out *uabi.Msg) {
	ktrace.Put(ktrace.EvReply, s.TraceID(), uint64(out.Kind), uint64(-out.Status), out.W[0])
}

// release makes s a thread without a current request.
func (s *Thread) release() {
	s.cur = nil
	sched.Undonate(&s.Thread)
	for s.nrec != 0 {
		s.nrec--
		if h := s.recHandle[s.nrec]; h != 0 {
			s.Proc.Close(h)
		}
	}
}

// answerNative is every other answer to a native caller: with handles, a wait handed on (R11), or to a caller that is gone.
func (s *Thread) answerNative(t *Thread, out *uabi.Msg) (*Thread, uabi.Error) {
	c := &t.call
	switch out.Kind {
	case uabi.AnswerNone:
		return s.abandon(), uabi.OK
	case uabi.AnswerResult:
		return s.resultHandles(t, out)
	case uabi.AnswerWait:
		ev, err := s.waitSource(out)
		if err != uabi.OK {
			return nil, err
		}
		if c.dead {
			s.closeEvent(out)
			s.discard(t)
			return nil, uabi.ErrStale
		}
		if err := t.Proc.Table.Room(1); err != uabi.OK {
			return nil, err
		}
		var h uabi.Handle
		if ev != nil {
			h, _ = t.Proc.Install(&ev.Header, nil, uabi.RightRead|uabi.RightTransfer)
		}
		to := &t.Buf.Out
		wait := out.Wait
		wait.Event = h
		s.closeEvent(out)
		out.Status, out.Len = -int32(uabi.ErrWait), 0
		s.result(t, out)
		to.Wait = wait
		return t, uabi.OK
	}
	return nil, uabi.ErrArg
}

// waitSource is the event that an AnswerWait in out names; nil for handle 0, which waits for the deadline only.
func (s *Thread) waitSource(out *uabi.Msg) (*Event, uabi.Error) {
	if out.Wait.Event == 0 {
		return nil, uabi.OK
	}
	if out.Wait.Mask == 0 {
		return nil, uabi.ErrArg
	}
	return s.Proc.GetEvent(out.Wait.Event, uabi.RightRead)
}

// closeEvent does FlagCloseEvent.
//
//go:noinline
func (s *Thread) closeEvent(out *uabi.Msg) {
	if out.Flags&uabi.FlagCloseEvent != 0 && out.Wait.Event != 0 {
		s.Proc.Close(out.Wait.Event)
	}
}

// resultHandles is a result with handles, or to a caller that is gone. Handles that answer a call with an alien's id are
// pinned in the alien, caller or not (R5).
func (s *Thread) resultHandles(t *Thread, out *uabi.Msg) (*Thread, uabi.Error) {
	c := &t.call
	var x [uabi.MaxHandles]ref
	n, err := s.names(out, &x)
	if err == uabi.OK && !c.dead {
		err = t.Proc.Table.Room(n)
	}
	if err == uabi.OK {
		err = c.pin(&x, n)
	}
	if err != uabi.OK {
		return nil, err
	}
	if c.dead {
		s.discard(t)
		return nil, uabi.ErrStale
	}
	p := t.Proc
	to := &t.Buf.Out
	for i := range n { // first: the end of the call can take what keeps a weak one's badge
		to.Handle[i], to.Record[i] = s.pass(out.Handle[i], &x[i], p, out) // 0 for 0
	}
	s.result(t, out)
	to.NHandles = uint32(n)
	return t, uabi.OK
}

// pass gives p the handle h of s, which x names: itself if it is a badge's and out lists it to be closed, else a copy. Results as give's.
func (s *Thread) pass(h uabi.Handle, x *ref, p *Process, out *uabi.Msg) (uabi.Handle, uint64) {
	b := x.badge
	if b == nil || b.ep.owner == p || !s.takeListed(h, x, out) {
		return x.give(p)
	}
	b.out = true
	moved, err := p.Table.Insert(x.obj, &b.Header, x.rights)
	if err != uabi.OK { // there was room: see Room
		unhold(x.obj, b, x.rights)
	}
	return moved, 0
}

// takeListed makes x, which names the handle h of s, own its references if h is a badge's and counted, and out lists it to be closed: that is done then.
func (s *Thread) takeListed(h uabi.Handle, x *ref, out *uabi.Msg) bool {
	for i := range min(out.NClose, uabi.MaxClose) {
		if out.Close[i] != h {
			continue
		}
		e, err := s.Proc.Table.Lookup(h)
		if err != uabi.OK || x.badge == nil || e.Badge != &x.badge.Header || e.Rights&uabi.RightWeak != 0 {
			return false
		}
		s.Proc.remove(h, e)
		out.Close[i] = 0
		return true
	}
	return false
}

// discard ends a request whose caller is gone.
func (s *Thread) discard(t *Thread) {
	s.release()
	t.endCall()
	bury(&t.Header)
}

// abandon drops the reply right of s's current request: the caller, or a forwarded alien's handler, gets ErrIO; a trap stays
// parked. next may run for it.
func (s *Thread) abandon() (next *Thread) {
	t := s.cur
	if t.call.dead {
		s.discard(t)
		return nil
	}
	kind := t.call.kind
	s.release()
	t.endCall()
	switch kind {
	case callNative:
		to := &t.Buf.Out
		to.Kind, to.Status, to.Len, to.NHandles = uabi.KindReply, -int32(uabi.ErrIO), 0, 0
		t.fail(uabi.ErrIO)
		t.block = BlockNone
		return t
	case callForward:
		return t.trapAgain(uabi.FlagFailed, uabi.ErrIO)
	}
	return t.stop()
}

// collect takes references to the handles that out transfers. On an error it has taken none.
func (s *Thread) collect(out *uabi.Msg, x *[uabi.MaxHandles]ref) (int, uabi.Error) {
	n, err := s.names(out, x)
	for i := range n {
		if x[i].obj != nil {
			hold(x[i].obj, x[i].badge, x[i].rights)
		}
	}
	return n, err
}

// names looks up the handles that out transfers and takes no references. Each needs RightTransfer. On an error there are none.
func (s *Thread) names(out *uabi.Msg, x *[uabi.MaxHandles]ref) (int, uabi.Error) {
	n := int(out.NHandles)
	if n > uabi.MaxHandles {
		return 0, uabi.ErrSize
	}
	for i := range n {
		h := out.Handle[i]
		if h == 0 {
			x[i] = ref{}
			continue
		}
		e, err := s.Proc.Table.Lookup(h)
		switch {
		case err != uabi.OK:
			return 0, err
		case e.Rights&uabi.RightTransfer == 0:
			return 0, uabi.ErrRights
		case e.Badge != nil && e.Rights&uabi.RightWeak != 0 && badgeOf(e.Badge).handles == 0:
			return 0, uabi.ErrStale
		}
		x[i].name(e)
	}
	return n, uabi.OK
}

// drop drops the first n of x.
//
//go:noinline
func drop(x *[uabi.MaxHandles]ref, n int) {
	for i := range n {
		x[i].drop()
	}
}
