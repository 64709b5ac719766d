package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// server is one running server.
type server struct {
	spec    Spec
	k       uk.Kernel
	b       *uk.Buffer
	kept    *kept
	ret     *retained
	ctx     Ctx
	methods []ipc.Method
	run     ipc.Dispatcher[*Ctx] // the handlers of live requests

	self    uint64              // OriginProcess | process id
	counter uint64              // ids of what no alien caused (R7)
	due     int                 // when the tail is behind this word, a snapshot is due
	quick   [modeReplay + 1]int // by mode: the last tail with room for an input of one word; −1: none is written

	last       int    // the last record's trailer, or 0
	lastOrigin uint64 // whose it is
	repeated   int    // trailer of the reply that is answered from the journal, or 0

	redo uabi.EventUpdate // of the last replayed record, whose answer may be unsent

	host   bool // replay on the host: no kernel
	fault  fault
	onStep func(step)
}

// Main runs a server until its image ends. It does not return.
func Main(spec Spec) {
	MainOn(spec.Name, func(uk.Kernel) (Spec, error) { return spec, nil })
}

// MainOn is Main for a server that asks the kernel for constants of its machine first.
func MainOn(name string, spec func(k uk.Kernel) (Spec, error)) {
	k, e := uk.NewThread()
	if e != uabi.OK {
		fmt.Fprintf(os.Stderr, "%s: no message buffer: %v\n", name, e)
		os.Exit(exitOther)
	}
	s, err := spec(k)
	if err == nil {
		err = Run(k, s)
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	os.Exit(ExitStatus(err))
}

// Exit statuses of a server, beside ExitFault.
const (
	exitOther = 1
	// ExitState: the snapshot does not load. After a swap the old binary is resumed.
	ExitState = 87
	// ExitReplay: replay crashed too often; the journal is kept as it is for a debugger.
	ExitReplay = 88
)

var (
	errState  = errors.New("the snapshot does not load")
	errReplay = errors.New("stopped: replay failed too often; the journal is kept")
)

// ExitStatus is the exit status that says why Run returned.
func ExitStatus(err error) int {
	switch {
	case errors.Is(err, errState):
		return ExitState
	case errors.Is(err, errReplay):
		return ExitReplay
	}
	return exitOther
}

// Run starts or resumes a server on k, whose thread it occupies, and serves. It returns only why it cannot.
func Run(k uk.Kernel, spec Spec) error {
	s, err := open(k, spec)
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	s.kept.w[headUp] = s.kept.w[headHealth+healthStarts]
	return s.serve()
}

// serve is the loop: answer the current request, receive the next, handle it.
func (s *server) serve() error {
	for {
		switch err := s.next(); err {
		case uabi.OK:
			if s.fault.on {
				s.step(stepReceive)
			}
			if in := s.b.In; in.Kind == uabi.KindCall {
				s.call(in)
			} else {
				s.handle()
			}
		case uabi.ErrInterrupted, uabi.ErrTimeout:
			s.b.Out.Kind = uabi.AnswerNone
		default:
			in, out := s.b.In, s.b.Out
			return fmt.Errorf("receive, with the answer %d (status %d, handles %v, wait %v) to method %d of %v: %w",
				out.Kind, out.Status, out.Handle[:min(out.NHandles, uabi.MaxHandles)], out.Wait.Event, in.Method, in.ID, err)
		}
	}
}

// next answers the current request, if there is one, closes what the reply carried away and what the handler closed, and receives.
func (s *server) next() uabi.Error {
	if n := len(s.ctx.minted) + len(s.ctx.closing); n != 0 {
		if n > uabi.MaxClose || s.repeated != 0 {
			return s.nextClosing()
		}
		s.listClosing()
	} else if s.b.Out.Kind == uabi.AnswerNone {
		return s.k.Receive(uabi.BootEndpoint, uabi.NoDeadline)
	}
	return s.k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline)
}

// listClosing has the kernel close minted handles and those of closing in the step that answers.
func (s *server) listClosing() {
	c, out := &s.ctx, s.b.Out
	n := 0
	for _, m := range c.minted {
		out.Close[n] = m.h
		n++
	}
	for _, h := range c.closing {
		out.Close[n] = h
		n++
	}
	out.NClose = uint32(n)
	c.minted, c.closing = c.minted[:0], c.closing[:0]
}

// nextClosing is next with a step for each handle: there are many, or the reply was sent before.
func (s *server) nextClosing() uabi.Error {
	if s.b.Out.Kind != uabi.AnswerNone {
		s.k.Reply()
		s.kept.w[headSent] = s.sentMark()
		s.unhold()
		s.step(stepReply)
	}
	s.repeated = 0
	s.closeSent()
	s.b.Out.Kind = uabi.AnswerNone
	return s.k.Receive(uabi.BootEndpoint, uabi.NoDeadline)
}

// closeSent closes minted handles, whose copies the reply carried away, and what the handler closed.
func (s *server) closeSent() {
	c := &s.ctx
	for _, m := range c.minted {
		s.k.Close(m.h)
	}
	for _, h := range c.closing {
		s.k.Close(h)
	}
	c.minted, c.closing = c.minted[:0], c.closing[:0]
}

// handle executes the message in In and leaves the answer in Out.
func (s *server) handle() {
	switch in := s.b.In; in.Kind {
	case uabi.KindCall:
		s.call(in)
	case uabi.KindNotice:
		s.notice(in)
		s.b.Out.Kind = uabi.AnswerNone
	default:
		s.b.Out.Kind = uabi.AnswerNone
	}
}

// answer fills Out's header for a reply without content.
func (s *server) answer(err uabi.Error) {
	out := s.b.Out
	out.Kind = uabi.AnswerResult
	out.Flags = 0
	out.Status = -int32(err)
	out.NGrants = 0
	if err == uabi.OK {
		out.Update = s.ctx.later
	} else {
		out.Len, out.NHandles = 0, 0
		if err == uabi.ErrWait {
			out.Kind = uabi.AnswerWait
			out.Wait = s.ctx.wait
		}
	}
}

// call executes a request.
func (s *server) call(in *uabi.Msg) {
	i := uint(in.Method) - 1
	if i >= uint(len(s.methods)) {
		s.refuse(in, uabi.ErrCall)
		return
	}
	m := &s.methods[i]
	switch {
	case !m.Mutates:
		s.lookup(in)
	case in.ID.Origin == 0 || in.ID.Path == 0:
		s.count(healthNoID)
		s.refuse(in, uabi.ErrArg)
	default:
		o := s.ret.find(in.ID.Origin)
		fresh := (o == nil || o.trap < in.ID.Trap && !o.gives) && in.Flags&uabi.FlagDead == 0
		if fresh || !s.known(in, o) {
			s.mutate(in, m)
		}
	}
}

// refuse answers without running a handler.
func (s *server) refuse(in *uabi.Msg, err uabi.Error) {
	c := &s.ctx
	c.reset(modeLookup, s.b, uabi.ID{}, in.Badge)
	c.arrive(in)
	c.dropArrived()
	s.answer(err)
}

// lookup runs a handler that may change nothing; nothing is written.
func (s *server) lookup(in *uabi.Msg) {
	c := &s.ctx
	c.reset(modeLookup, s.b, uabi.ID{}, in.Badge)
	if in.NHandles != 0 {
		c.arrive(in)
	}
	err := uabi.ErrIO
	switch {
	case in.Flags&uabi.FlagDead != 0:
	case in.Flags&uabi.FlagQuarantine != 0:
		s.count(healthQuarantined)
		s.logf("look-up %d crashed this server: answered %v", in.Method, err)
	default:
		err = s.dispatch(in.Method)
	}
	s.count(healthLookups)
	if err == uabi.OK {
		// What the reply carries stays open until it is sent.
		c.keepSent()
	}
	c.dropArrived()
	s.answer(err)
}

// known answers what is committed already, refuses what is older than the newest trap of its origin, and drops requests of the
// dead that have no intent. o is its origin's slot, or nil.
func (s *server) known(in *uabi.Msg, o *origin) bool {
	if o != nil {
		if o.trap == in.ID.Trap {
			if off := s.ret.lookup(o, in.ID.Path); off != 0 {
				s.repeat(in, off)
				return true
			}
		} else if o.trap > in.ID.Trap {
			s.count(healthStale)
			s.logf("request %#x/%d/%#x is older than trap %d of its origin", in.ID.Origin, in.ID.Trap, in.ID.Path, o.trap)
			s.refuse(in, uabi.ErrStale)
			return true
		} else if o.gives {
			s.release(o)
		}
	}
	if in.Flags&uabi.FlagDead != 0 {
		s.count(healthDropped)
		s.refuse(in, uabi.ErrDead)
		s.b.Out.Kind = uabi.AnswerNone
		return true
	}
	return false
}

// release closes what an origin's replies gave away: they were delivered.
func (s *server) release(o *origin) {
	o.gives = false
	s.ret.replies(o, func(p *reply) {
		replyHandles(s.kept.w, int(p.off), func(word, _ uint64) {
			if word&repGiven != 0 {
				s.k.Close(uabi.Handle(word))
			}
		})
	})
}

// repeat answers from the journal.
func (s *server) repeat(in *uabi.Msg, off int) {
	c := &s.ctx
	c.reset(modeLookup, s.b, in.ID, in.Badge)
	c.arrive(in)
	c.dropArrived()
	s.count(healthRetained)
	if in.Flags&uabi.FlagDead != 0 {
		s.b.Out.Kind = uabi.AnswerNone
		return
	}
	s.answer(uabi.OK)
	c.again(off)
	if len(c.minted) != 0 {
		s.repeated = off
	}
}

// mutate executes a request that may change state.
func (s *server) mutate(in *uabi.Msg, m *ipc.Method) {
	if !s.begin() {
		s.refuse(in, uabi.ErrNoMem)
		return
	}
	c, k := &s.ctx, s.kept
	c.reset(modeLive, s.b, in.ID, in.Badge)
	if in.NHandles != 0 {
		c.arrive(in)
	}
	c.rec.at = k.tail
	c.tail = k.writeCall(s.b, m.In)
	if s.fault.on {
		s.step(stepDecode)
	}
	if in.Flags&uabi.FlagQuarantine != 0 {
		s.quarantine(in.ID)
		return
	}
	s.finish(s.dispatch(in.Method), m)
	s.count(healthAnswered)
}

// dispatch runs the current request's handler.
func (s *server) dispatch(method uint32) uabi.Error { return s.run.Dispatch(&s.ctx, method, s.b) }

// checked is the service with Spec.Check.
type checked struct{ s *server }

// Dispatch implements ipc.Dispatcher.
func (k checked) Dispatch(c *Ctx, method uint32, b *uk.Buffer) uabi.Error {
	s := k.s
	before := s.spec.State.Save()
	err := s.spec.Service.Dispatch.Dispatch(c, method, b)
	request := b.InBytes[:min(b.In.Len, uabi.MaxBytes)]
	for i := range request {
		request[i] = '?'
	}
	if (err != uabi.OK || c.mode == modeLookup) && !bytes.Equal(before, s.spec.State.Save()) {
		panic(fmt.Sprintf("server: %s of %s gave %v but changed the state", s.methods[method-1].Name, s.spec.Name, err))
	}
	return err
}

// finish ends a mutating request: commits it, or leaves nothing behind; and fills Out.
//
// ErrStale says that what the caller lent is gone with it, which may be before the end of an intent. That is no answer for a successor of the caller,
// which asks again and lends it again: the intent is undone. Behind a nested mutating call it is not, since the server below has answered that step.
func (s *server) finish(err uabi.Error, m *ipc.Method) {
	c := &s.ctx
	if err == uabi.OK {
		s.commit(uabi.OK, int(max(m.Out, 0)))
		if len(c.weak) != 0 {
			c.dropWeak()
		}
		s.answer(uabi.OK)
		return
	}
	if err == uabi.ErrWait || err == uabi.ErrStale && c.calls == 0 {
		s.abandon()
	} else if c.intent {
		s.commit(err, 0)
	}
	c.dropArrived()
	s.answer(err)
}

// commit makes the record and the reply in Out the truth, and retains the reply.
func (s *server) commit(status uabi.Error, nwords int) {
	c, k := &s.ctx, s.kept
	trailer := c.tail + 1
	end, named := c.writeReply(status, nwords)
	if s.fault.on {
		s.step(stepCommit)
	}
	k.w[end] = 0
	k.mark(c.rec.at, end, markCommit)
	k.tail = end
	s.last, s.lastOrigin = trailer, c.id.Origin
	if c.id.Origin != s.self {
		o := s.ret.put(c.id.Origin, c.id.Trap, c.id.Path, trailer)
		if named {
			s.ret.name(o, k.w, trailer)
		}
	}
	if len(c.closing) != 0 && len(s.ret.lent) != 0 {
		s.forgetLent(c.id.Origin)
	}
	s.count(healthCommits)
	if s.fault.on {
		s.step(stepCommitted)
	}
}

// abandon ends a request that must wait (R11) or be sent again. A nested mutation that was committed cannot be taken back, so waiting after it is a
// mistake of the handler that must not pass for success.
func (s *server) abandon() {
	c, k := &s.ctx, s.kept
	if !c.intent {
		return
	}
	if c.nested > 0 {
		panic("server: a handler waits after a nested mutation was committed")
	}
	k.mark(c.rec.at, c.rec.at, 0)
}

// quarantine commits ErrIO for a request that crashed this server.
func (s *server) quarantine(id uabi.ID) {
	c, k := &s.ctx, s.kept
	k.w[c.rec.at+1] |= recNoRun << flagShift
	s.count(healthQuarantined)
	s.logf("request %#x/%d/%#x crashed this server: answered %v", id.Origin, id.Trap, id.Path, uabi.ErrIO)
	s.commit(uabi.ErrIO, 0)
	c.dropArrived()
	s.answer(uabi.ErrIO)
}

// dropArrived closes, behind the answer, what came with the request and what the handler made: it failed, or may keep nothing.
func (c *Ctx) dropArrived() {
	c.closing = append(c.closing, c.got...)
	c.got = c.got[:0]
	c.dropWeak()
}

// dropWeak closes the arrived handles of our own badges, behind the answer.
func (c *Ctx) dropWeak() {
	for _, o := range c.weak {
		c.closing = append(c.closing, o.h)
	}
	c.weak = c.weak[:0]
}

// keepSent moves handles that a look-up's reply carries from got to closing: they are closed once it is sent.
func (c *Ctx) keepSent() {
	m := c.b.Out
	for i := 0; i < int(m.NHandles) && i < uabi.MaxHandles; i++ {
		for j, h := range c.got {
			if h == m.Handle[i] {
				c.got = append(c.got[:j], c.got[j+1:]...)
				c.closing = append(c.closing, h)
				break
			}
		}
	}
}
