package server

import (
	"fmt"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// maxTries is how often a start may crash in its replay, and how often an open intent may crash its server, in a row.
const maxTries = 3

// goPanicStatus is the exit status of a Go program that panicked; exceptions are vectorStatus and above (uabi.ProcessInfo).
const (
	goPanicStatus = 2
	vectorStatus  = 256
)

// open maps the kept memory.
func open(k uk.Kernel, spec Spec) (*server, error) {
	if k.Buf() == nil {
		return nil, fmt.Errorf("no message buffer: %w", uabi.ErrArg)
	}
	size, _, e := k.MemorySize(uabi.BootKept)
	if e != uabi.OK {
		return nil, fmt.Errorf("kept memory: %w", e)
	}
	mem, e := k.MapSelf(uabi.BootKept, 0, size)
	if e != uabi.OK {
		return nil, fmt.Errorf("mapping kept memory: %w", e)
	}
	return prepare(k, k.Buf(), mem, spec), nil
}

// prepare makes a server over kept memory mem.
func prepare(k uk.Kernel, b *uk.Buffer, mem []byte, spec Spec) *server {
	s := &server{spec: spec, k: k, b: b, kept: &kept{b: mem}, ret: newRetained(), methods: spec.Service.Methods}
	s.quick = [...]int{modeLive: -1, modeLookup: -1, modeReplay: -1}
	s.ctx = Ctx{s: s, k: k, b: b}
	s.run = spec.Service.Dispatch
	if spec.Check {
		s.run = checked{s}
	}
	if f, ok := k.(faultPoints); ok {
		s.onStep = func(at step) { f.FaultPoint(stepNames[at]) }
	}
	return s
}

// faultPoints is what a simulated kernel has beyond uk.Kernel: it may kill the image at any step of the library.
type faultPoints interface{ FaultPoint(what string) }

// start brings the state up and leaves Out as the serve loop wants it.
func (s *server) start() error {
	s.b.Out.Kind = uabi.AnswerNone
	info := new(uabi.ProcessInfo)
	if err := s.k.ProcessInfo(uabi.BootProcess, info); err != uabi.OK {
		return fmt.Errorf("process info: %w", err)
	}
	s.self = uabi.OriginProcess | info.ID
	k, cold, err := openKept(s.kept.b)
	if err != nil {
		return err
	}
	s.kept = k
	s.count(healthStarts)
	s.plan()
	s.quick[modeLive] = k.end - replyRoom - 3 // its head, the word, and the end of the inputs
	if cold {
		s.setLimit(0)
		s.k.Subscribe(uabi.BootEndpoint)
		// An image that ended before its first commit can have left handles.
		s.clean(false)
		if s.spec.Start != nil {
			s.own(recStart, 0, 0)
		}
		s.b.Out.Kind = uabi.AnswerNone
		return nil
	}
	crashed := info.ExitStatus == goPanicStatus || info.ExitStatus >= vectorStatus
	return s.resume(crashed)
}

// resume is the start of a successor.
func (s *server) resume(crashed bool) error {
	w := s.kept.w
	if !crashed {
		w[headReplays], w[headFinishes] = 0, 0
	}
	if w[headReplays] >= maxTries {
		return errReplay
	}
	w[headReplays]++
	if err := s.load(); err != nil {
		w[headReplays]--
		return err
	}
	r, intent := s.replayLog(nil)
	w[headReplays] = 0
	s.step(stepReplayed)
	s.k.Subscribe(uabi.BootEndpoint)
	received := false
	if intent {
		received = s.finishOpen(r)
	} else {
		s.holdUnsent()
		s.update(&s.redo)
	}
	w[headFinishes] = 0
	s.clean(received)
	if received {
		s.handle()
	}
	return nil
}

// finishOpen goes on with the open intent r (R9). Its result is whether In holds another RESEND that waits to be handled.
func (s *server) finishOpen(r record) (received bool) {
	c, w := &s.ctx, s.kept.w
	w[headFinishes]++
	s.count(healthFinished)
	received = s.k.Receive(uabi.BootEndpoint, uabi.OnlyResent) == uabi.OK
	in := s.b.In
	same := received && r.kind == recCall && in.Kind == uabi.KindCall && in.ID == r.id && in.Method == r.method
	poison := w[headFinishes] >= maxTries || same && in.Flags&uabi.FlagQuarantine != 0
	mine := same && in.Flags&uabi.FlagDead == 0
	s.runOpen(r, !mine, poison)
	if !same {
		// Nobody waits for this reply, or its caller will ask again and be answered from the journal.
		if r.kind == recCall {
			s.holdUnsent()
		}
		s.closeSent()
		s.noAnswer()
		return received
	}
	for i := 0; i < int(in.NHandles) && i < uabi.MaxHandles; i++ {
		// The intent has the handles of its first delivery.
		if in.Handle[i] != 0 {
			s.k.Close(in.Handle[i])
		}
	}
	if !mine {
		s.closeSent()
		s.noAnswer()
	}
	c.b = s.b
	return false
}

// noAnswer is for a request that nobody waits for: what was to go with its answer is done now.
func (s *server) noAnswer() {
	out := s.b.Out
	out.Kind = uabi.AnswerNone
	s.update(&out.Update)
}

// update does what was to be done with an answer.
func (s *server) update(u *uabi.EventUpdate) {
	if u.Event != 0 {
		s.step(stepEffect)
		s.k.EventUpdate(u.Event, u.Set, u.Clear, u.Raise)
	}
	*u = uabi.EventUpdate{}
}

// runOpen runs an open record to its commit.
func (s *server) runOpen(r record, orphan, poison bool) {
	c := &s.ctx
	var in uabi.Msg
	_, bytes, _ := s.kept.read(r.at, &in)
	rb := s.replayBuffer(&in, bytes)
	c.reset(modeReplay, rb, r.id, r.badge)
	c.rec, c.cursor = r, r.inputs
	c.orphan = orphan
	c.arrive(&in)
	if poison {
		c.goLive()
		s.quarantine(r.id)
		return
	}
	switch r.kind {
	case recCall:
		err := s.spec.Service.Dispatch.Dispatch(c, r.method, rb)
		c.stillOpen()
		s.finish(err, &s.methods[r.method-1])
		s.count(healthAnswered)
	default:
		s.runOwn(r.kind, in.W[0], in.W[1])
	}
}

// stillOpen goes live if the handler came to its end within what was logged.
func (c *Ctx) stillOpen() {
	if c.mode == modeReplay {
		c.goLive()
	}
}

// clean closes every handle of the table that nobody names: leftovers of the image before. In's handles are spared.
func (s *server) clean(received bool) {
	known := map[uabi.Handle]bool{}
	s.spec.State.Handles(func(h uabi.Handle) { known[h] = true })
	if in := s.b.In; received && in.Kind == uabi.KindCall {
		for i := 0; i < int(in.NHandles) && i < uabi.MaxHandles; i++ {
			known[in.Handle[i]] = true
		}
	}
	for i := range s.ret.slots {
		s.ret.replies(&s.ret.slots[i], func(p *reply) {
			replyHandles(s.kept.w, int(p.off), func(word, _ uint64) {
				if word&repGiven != 0 {
					known[uabi.Handle(word)] = true
				}
			})
		})
	}
	for _, m := range s.ctx.minted {
		known[m.h] = true
	}
	for _, h := range s.ctx.closing {
		known[h] = true
	}
	for h := uabi.Handle(uabi.BootFirst - 1); ; {
		next, err := s.k.HandleNext(h)
		if err != uabi.OK || next == 0 {
			return
		}
		if !known[next] {
			s.step(stepClean)
			s.k.Close(next)
		}
		h = next
	}
}
