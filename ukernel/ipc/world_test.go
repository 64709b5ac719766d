package ipc

import (
	"reflect"
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// fataler is what testing.T and rapid.T share.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// world is a fake machine with one CPU and a root account.
type world struct {
	t      fataler
	acct   *object.Account
	base   counts
	quick  bool    // calls and answers try QuickCall and QuickReplyReceive first
	quicks int     // how many of them did it
	next   *Thread // what the last one said
}

// counts is what must be back at the end of a test: objects per type, handles, frames.
type counts struct {
	live    [uabi.TypeCount]uint64
	handles uint64
	nodes   uint64 // bindings, members, pins, tombs
}

const (
	ramSize = 64 << 20
	bufVA   = 0x100000
	dataVA  = 0x10000
)

func newWorld(t fataler) *world {
	t.Helper()
	fake.Reset(ramSize, 1)
	bi := hw.BootInfo{NFree: 1, Top: ramSize}
	bi.Free[0] = hw.Range{Base: frame.Size, Len: ramSize - frame.Size}
	if !frame.Init(&bi) {
		t.Fatalf("frame.Init")
	}
	object.Init()
	if err := vm.Init(); err != uabi.OK {
		t.Fatalf("vm.Init: %v", err)
	}
	Init()
	w := &world{t: t, acct: object.NewAccount(nil, 0, 0), quick: true}
	w.base = w.count()
	return w
}

func (w *world) count() counts {
	c := counts{handles: object.Handles(), nodes: bindings.Live() + members.Live() + pinNodes.Live() + tombNodes.Live()}
	for i := range c.live {
		c.live[i] = object.Live(uabi.Type(i))
	}
	return c
}

// leave ends an entry and lets all cleaning up happen.
func (w *world) leave() *Thread {
	n := Leave()
	for untidy && len(w.busyDying()) == 0 {
		tidy(true)
	}
	return n
}

func (w *world) busyDying() (ts []*Thread) {
	for t := dying; t != nil; t = t.procNext {
		if sched.Busy(&t.Thread) {
			ts = append(ts, t)
		}
	}
	return ts
}

// leak fails the test if objects, handles or nodes are left, after every process is gone.
func (w *world) leak(keep ...*object.Header) {
	w.t.Helper()
	for _, h := range keep {
		Drop(h)
	}
	for p := allProcesses; p != nil; {
		next := p.allNext
		p.Die(0, false)
		w.idle()
		for h := p.Table.Next(0); h != 0; h = p.Table.Next(0) {
			p.Close(h)
		}
		w.idle()
		bury(&p.Header)
		w.idle()
		p = next
	}
	w.idle()
	if got := w.count(); got != w.base {
		w.t.Fatalf("left behind: %+v, at the start %+v", got, w.base)
	}
}

// idle takes every thread off the CPU and cleans up.
func (w *world) idle() {
	for {
		n := Leave()
		if n == nil {
			break
		}
		sched.Block(&n.Thread)
	}
	for untidy {
		tidy(true)
	}
}

// check fails the test on an error.
func (w *world) check(err uabi.Error) {
	w.t.Helper()
	if err != uabi.OK {
		w.t.Fatalf("%v", err)
	}
}

// process makes a running process; leak drops the reference.
func (w *world) process(rank, flags uint32) *Process {
	w.t.Helper()
	p, err := NewProcess(w.acct, rank, flags, []byte("test"))
	w.check(err)
	w.image(p)
	return p
}

// image puts a fresh image into p.
func (w *world) image(p *Process) {
	w.t.Helper()
	s, err := vm.NewSpace(w.acct)
	w.check(err)
	_, err = s.Map(&vm.MapArgs{Va: dataVA, Len: 4 * frame.Size, Flags: uabi.ProtRead | uabi.ProtWrite})
	w.check(err)
	p.Replace(s)
}

// native makes a thread of p with a message buffer. It runs when the test wants it to: see on.
func (w *world) native(p *Process) *Thread {
	w.t.Helper()
	t, err := NewNative(p)
	w.check(err)
	w.check(t.Attach(bufVA + uint64(p.nthreads)*0x100000))
	return t
}

// endpoint makes an endpoint of p's rank and gives p a handle with all rights.
func (w *world) endpoint(p *Process) (*Endpoint, uabi.Handle) {
	w.t.Helper()
	e, err := NewEndpoint(w.acct, p.Rank)
	w.check(err)
	h, err := p.InstallNew(&e.Header, uabi.RightsAll)
	w.check(err)
	e.owner = p
	return e, h
}

// event makes an event and gives p a handle.
func (w *world) event(p *Process) (*Event, uabi.Handle) {
	w.t.Helper()
	e, err := NewEvent(w.acct)
	w.check(err)
	h, err := p.InstallNew(&e.Header, uabi.RightsAll)
	w.check(err)
	return e, h
}

// alien makes a started alien of its own space; its handle is p's.
func (w *world) alien(p *Process, e *Endpoint) (*Thread, uabi.Handle) {
	w.t.Helper()
	s, err := vm.NewSpace(w.acct)
	w.check(err)
	_, err = s.Map(&vm.MapArgs{Va: dataVA, Len: 4 * frame.Size, Flags: uabi.ProtRead | uabi.ProtWrite})
	w.check(err)
	a, err := NewAlien(w.acct, s, e, nil)
	w.check(err)
	s.Release()
	h, err := p.InstallNew(&a.Header, uabi.RightsAll)
	w.check(err)
	w.check(a.Start())
	return a, h
}

// on makes t, which can run, the CPU's current thread; the one that was pauses.
func (w *world) on(t *Thread) {
	w.t.Helper()
	if t.State == sched.Running {
		return
	}
	if t.block != BlockNone || t.State == sched.Gone {
		w.t.Fatalf("thread %d cannot run: block %d state %d", t.ID, t.block, t.State)
	}
	if c := sched.Current(); c != nil && c.State == sched.Running {
		sched.Block(c)
	}
	sched.Block(&t.Thread)
	sched.SwitchTo(&t.Thread)
}

// runnable reports whether t could run.
func (t *Thread) runnable() bool { return t.block == BlockNone && t.State != sched.Gone }

// aim puts a handle of t's process on e through b, which was looked up before, into RDI; false: there is none.
func (t *Thread) aim(e *Endpoint, b *Badge, right uint32) bool {
	p := t.Proc
	for h := p.Table.Next(0); h != 0; h = p.Table.Next(h) {
		if ke, kb, err := p.Endpoint(h, right); err == uabi.OK && ke == e && kb == b {
			t.Ctx.Regs.RDI = uint64(h)
			return true
		}
	}
	return false
}

// leaveTo is leave after a call or an answer: if that said which thread runs next, it must be so.
func (w *world) leaveTo() {
	w.t.Helper()
	said := w.next
	if n := w.leave(); said != nil && n != said {
		w.t.Fatalf("thread %v runs next, not %v", n, said)
	}
}

// done notes which thread runs next, and counts the quick calls that were possible.
func (w *world) done(next *Thread, ok bool) bool {
	w.next = next
	if ok {
		w.quicks++
	}
	return ok
}

// The native calls, each a whole entry of thread t.

func (w *world) call(t *Thread, e *Endpoint, b *Badge) {
	w.t.Helper()
	w.on(t)
	if !w.quick || !t.aim(e, b, uabi.RightCall) || !w.done(QuickCall(t)) {
		w.done(Call(t, e, b), false)
	}
	w.leaveTo()
}

func (w *world) receive(t *Thread, e *Endpoint) {
	w.t.Helper()
	w.on(t)
	t.Buf.Out.Kind = uabi.AnswerNone
	Receive(t, e, uabi.NoDeadline)
	w.leave()
}

func (w *world) reply(t *Thread) uabi.Error {
	w.t.Helper()
	w.on(t)
	err := Reply(t)
	w.leave()
	return err
}

func (w *world) replyReceive(t *Thread, e *Endpoint) {
	w.t.Helper()
	w.on(t)
	t.Ctx.Regs.RSI = uabi.NoDeadline
	if !w.quick || !t.aim(e, nil, uabi.RightReceive) || !w.done(QuickReplyReceive(t)) {
		w.done(ReplyReceive(t, e, uabi.NoDeadline), false)
	}
	w.leaveTo()
}

// trap makes the alien a do a system call.
func (w *world) trap(a *Thread) {
	w.t.Helper()
	w.on(a)
	Trap(a, uabi.TrapSyscall)
	w.leave()
}

// out clears t's Out and returns it.
func out(t *Thread, kind uabi.Kind) *uabi.Msg {
	t.Buf.Out = uabi.Msg{Kind: kind}
	return &t.Buf.Out
}

// status is what t's last call returned as an error.
func status(t *Thread) uabi.Error { return uabi.Error(-int64(t.Ctx.Regs.RAX)) }

// tick moves the clock to at and lets the timers go off.
func (w *world) tick(at uint64) {
	fake.M.NS = at
	TimerTick()
	w.leave()
}

// eq fails the test unless got is want.
func eq[T comparable](t fataler, what string, got, want T) {
	t.Helper()
	if got != want {
		if reflect.TypeFor[T]().Kind() == reflect.Pointer {
			t.Fatalf("%s: got %p, want %p", what, any(got), any(want))
		}
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

var _ fataler = (*testing.T)(nil)

// placeOf is an address in p's space.
func placeOf(p *Process, va uint64) vm.Place { return vm.Place{Space: p.Space, At: va} }
