package ipc

import (
	"aramid/ukernel/ktrace"
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// Kind tells native threads, which make native calls, from aliens, whose traps go to a handler.
type Kind uint8

// The kinds.
const (
	Native Kind = iota
	Alien
)

// Block says what a thread that sched counts as blocked is doing; docs/ipc.md has the transitions.
type Block uint8

// The reasons. The queue in which the thread is linked meanwhile stands behind each.
const (
	BlockNone    Block = iota // none: ready or running; or a native thread that was not started
	BlockCall                 // native: its call is queued (the endpoint's calls) or delivered (none)
	BlockReceive              // native: waits for a message (the endpoint's receivers)
	BlockEvent                // an event (its waiters)
	BlockFutex                // a futex word (its hash bucket)
	BlockSleep                // native: only its deadline (none)
	BlockParked               // alien: never started, or AnswerStop (none)
	BlockTrap                 // alien: its trap is queued (the endpoint's calls) or delivered (none)
	BlockForward              // alien: its forwarded request is queued or delivered
	BlockGone                 // alien: gone; an endpoint's threads or mourned while a notice is due (R13)
)

// What an alien must do before it runs in user mode again.
const (
	pendKill = 1 << iota // die: when its trap ends, at a wait, or in user mode
	pendIntr             // trap: the interrupt level is up (R12)
)

// SysWords is the number of words that package syscall may keep in a thread.
const SysWords = 24

// Thread is a native or alien thread.
type Thread struct {
	sched.Thread
	Kind  Kind
	block Block
	pend  uint8 // alien: pend…
	nrec  uint8 // native: record handles installed for the current trap
	hurry bool  // native: a signal came while it ran: its next wait for a message ends at once

	Proc       *Process // native: whose thread it is; nil for aliens
	procNext   *Thread  // the process's list of threads; the dying list, the graveyard
	procPrev   *Thread
	Buf        *Buffer          // message buffer, or nil: Attach maps it
	BufVA      uint64           // where
	bufMem     *vm.Memory       // its frames, with a reference
	Sys        [SysWords]uint64 // package syscall's own words: zero at first
	cur        *Thread          // whose call this thread executes; nil: none
	told       *Badge           // what NoticeGone named: not done until the next Receive, and dead. With a reference
	recHandle  [uabi.MaxHandles]uabi.Handle
	watchSeq   uint64 // watchdog: delivery number of cur's call at the last look
	watchTicks uint32 // looks since then at which it was not blocked in a lower call
	onTimeout  uint64 // RAX when the deadline of what it waits for passes

	event *Event // BlockEvent: with a reference
	mask  uint32
	fbits uint32 // BlockFutex: bitset
	key   vm.Key // and word

	call call
	al   alien
}

// TraceID is how the trace names the thread: its id, and its process's.
func (t *Thread) TraceID() uint64 {
	if t.Proc == nil {
		return t.ID
	}
	return t.ID | t.Proc.ID<<ktrace.ProcessShift
}

var threads object.Pool[Thread]

// NewNative makes a thread of p: blocked, with zero registers, in p's space. sched.MakeReady starts it. ErrNoMem.
func NewNative(p *Process) (*Thread, uabi.Error) {
	t := threads.Get(p.Acct)
	if t == nil {
		return nil, uabi.ErrNoMem
	}
	t.Header.Start(uabi.TypeThread, p.Acct)
	t.Proc = p
	t.Base = sched.PrioNative
	if p.Flags&uabi.ProcessServer != 0 {
		t.Base = sched.PrioServer
	}
	t.Prio = t.Base
	if t.Space = p.Space; t.Space != nil {
		t.Space.Ref()
	}
	t.procNext = p.threads
	if p.threads != nil {
		p.threads.procPrev = t
	}
	p.threads = t
	p.nthreads++
	return t, uabi.OK
}

// Exit ends a native thread. The last one of an image ends the image, with status 0.
func (t *Thread) Exit() {
	p := t.Proc
	if p.nthreads == 1 {
		p.Die(0, true)
		return
	}
	t.endWaiting()
	t.unheard()
	if t.cur != nil {
		t.giveBack(true)
	}
	t.end()
}

// endWaiting takes the native thread t out of whatever it waits for. A queued call is dropped; one that is being executed
// goes on without its caller.
func (t *Thread) endWaiting() {
	switch t.block {
	case BlockCall:
		if t.call.state == callQueued {
			t.Unlink()
			t.endCall()
		} else {
			t.call.dead = true
			t.Refs++ // the server's, until it answers
		}
	case BlockReceive, BlockEvent, BlockFutex, BlockSleep:
		t.leaveWait()
	}
}

// end takes a native thread that waits for nothing and serves nobody out of its process.
func (t *Thread) end() {
	p := t.Proc
	if t.procPrev == nil {
		p.threads = t.procNext
	} else {
		t.procPrev.procNext = t.procNext
	}
	if t.procNext != nil {
		t.procNext.procPrev = t.procPrev
	}
	t.procNext, t.procPrev = nil, nil
	p.nthreads--
	p.userNS += t.UserNS
	t.Buf = nil
	if t.bufMem != nil {
		t.bufMem.Release()
		t.bufMem = nil
	}
	sched.Kill(&t.Thread)
	mourn(t)
	bury(&t.Header)
}

// destroy frees a thread that nothing names.
func (t *Thread) destroy() {
	t.Timer.Stop()
	threads.Put(t, t.Stop())
}

// Attach makes t's message buffer and maps it at va. ErrExists, ErrArg, ErrNoMem.
func (t *Thread) Attach(va uint64) uabi.Error {
	if t.Buf != nil {
		return uabi.ErrExists
	}
	m, err := vm.NewMemory(t.Proc.Acct, uabi.BufSize, uabi.MemoryContiguous)
	if err != uabi.OK {
		return err
	}
	pa, ok := m.Phys()
	if !ok {
		m.Release()
		return uabi.ErrNoMem
	}
	args := vm.MapArgs{Va: va, Len: uabi.BufSize, Memory: m, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapShared,
		Max: uabi.ProtRead | uabi.ProtWrite}
	if _, err = t.Space.Map(&args); err != uabi.OK {
		m.Release()
		return err
	}
	t.Buf, t.BufVA, t.bufMem = bufferAt(pa), va, m
	return uabi.OK
}

// Detach unmaps and frees the message buffer. ErrBusy while a request is current; ErrArg: there is none.
func (t *Thread) Detach() uabi.Error {
	if t.Buf == nil {
		return uabi.ErrArg
	}
	if t.cur != nil {
		return uabi.ErrBusy
	}
	for more := true; more; {
		more, _ = t.Space.Unmap(t.BufVA, uabi.BufSize)
	}
	t.bufMem.Release()
	t.Buf, t.BufVA, t.bufMem = nil, 0, nil
	return uabi.OK
}

// Serving reports whether t has a current request.
func (t *Thread) Serving() bool { return t.cur != nil }

// Blocked says what t is doing.
func (t *Thread) Blocked() Block { return t.block }

// CurrentAlien is the alien whose trap t handles. ErrStale: it handles none.
func (t *Thread) CurrentAlien() (*Thread, uabi.Error) {
	if a := t.cur; a != nil && a.call.kind == callTrap {
		return a, uabi.OK
	}
	return nil, uabi.ErrStale
}

// leaveWait takes t out of what it waits for; it stays blocked.
func (t *Thread) leaveWait() {
	t.Unlink()
	if t.Timer.Set() {
		t.Timer.Stop()
	}
	if e := t.event; e != nil {
		t.event = nil
		bury(&e.Header)
	}
}

// wakeWait ends the native thread t's wait with v as its result.
func (t *Thread) wakeWait(v uint64) {
	t.leaveWait()
	t.Ctx.Regs.RAX = v
	t.block = BlockNone
	sched.MakeReady(&t.Thread)
}

// Break ends a native thread's wait (BlockReceive, BlockEvent, BlockFutex, BlockSleep) with v in RAX; false if it is in none.
func (t *Thread) Break(v uint64) bool {
	switch t.block {
	case BlockReceive, BlockEvent, BlockFutex, BlockSleep:
		t.wakeWait(v)
		return true
	}
	return false
}

// Hurry ends the native thread t's wait for a message, or the next one if it is in none, with ErrSignal: a signal is due, whose
// handler must run in user mode.
func (t *Thread) Hurry() {
	if t.block == BlockReceive {
		t.wakeWait(rax(uabi.ErrSignal))
	} else {
		t.hurry = true
	}
}

// Sleep blocks the running native thread t until deadline (ns); RAX is then v.
func Sleep(t *Thread, deadline, v uint64) {
	sched.Block(&t.Thread)
	t.block = BlockSleep
	t.onTimeout = v
	t.Timer.Start(deadline)
}

// eventUp ends a wait for an event, of which bits came up.
func (t *Thread) eventUp(bits uint32) {
	if t.Kind == Native {
		t.wakeWait(uint64(bits))
		return
	}
	t.leaveWait()
	t.redeliver(uabi.FlagEvent, uabi.OK)
}

// timedOut ends a wait whose deadline passed.
func (t *Thread) timedOut() {
	if t.Kind == Native {
		t.wakeWait(t.onTimeout)
		return
	}
	t.leaveWait()
	t.redeliver(uabi.FlagTimeout, uabi.OK)
}

// rax is an error as a native call returns it.
func rax(err uabi.Error) uint64 { return uint64(-int64(err)) }

// fail is the end of a call that could not be done.
func (t *Thread) fail(err uabi.Error) { t.Ctx.Regs.RAX = rax(err) }
