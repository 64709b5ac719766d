package uksim

import (
	"fmt"

	"aramid/ukernel/uabi"
)

// States of an alien.
const (
	alienParked = iota // created, or AnswerStop
	alienRunning
	alienTrapped
	alienWaiting
	alienGone
)

// Addresses of simulated alien code. Each trap has its own return address, syscallLen behind the address that repeats it.
const (
	codeBase   = 0x7000_0000_0000
	codeStep   = 16
	syscallLen = 2
	alienStack = 0x7fff_0000_0000
)

// vectorPageFault is the page fault's exception vector (Intel SDM 3A, 6.15).
const vectorPageFault = 14

// Bits of a page fault's error code (Intel SDM 3A, 4.7).
const (
	faultPresent = 1 << iota
	faultWrite
	faultUser
	_
	faultFetch
)

// Alien is a thread whose traps go to a handler. Its user-mode program is a Go function; its memory is its Space.
type Alien struct {
	object
	task
	run     bool // a coroutine exists
	handles int  // closing the last one kills it
	origin  uint64
	space   *Space
	handle  capability // handler endpoint, with its badge
	regs    uabi.Regs
	load    *uabi.Regs      // for when the forwarded request has succeeded (FlagRegs)
	fx      [stateSize]byte // FXSAVE area
	traps   uint64
	cause   uint32
	state   int
	rec     [uabi.RecordWords]uint64
	recH    [uabi.MaxHandles]capability
	ctx     [uabi.ContextWords]uint64
	pins    []capability
	intr    bool // the interrupt level
	timeout bool // of this trap
	killed  bool
	req     *request // the trap, or the forwarded request
	park    *parking
	futexOn *futexWait
	goneEv  *Event
	goneBit uint32
	askers  []*Endpoint // R13: who must still acknowledge, highest rank first
	acked   []*Process
	pc      uint64
	frames  []uint64
}

// jump is the panic value that leaves alien code for the code at regs.RIP; depth is the frame that goes on.
type jump struct{ depth int }

func (a *Alien) kind() uabi.Type { return uabi.TypeThread }

func (a *Alien) free() {
	if a.state != alienGone {
		a.state = alienGone
		a.release()
	}
}

// release drops everything that a living alien holds.
func (a *Alien) release() {
	dropAll(a.recH[:])
	dropAll(a.pins)
	a.pins = nil
	if a.space != nil {
		unref(a.space)
		a.space = nil
	}
	a.handle.drop()
	a.handle = capability{}
	if a.goneEv != nil {
		unref(a.goneEv)
		a.goneEv = nil
	}
}

// handler is the process that the alien's traps go to.
func (a *Alien) handler() *Process {
	if ep, ok := a.handle.obj.(*Endpoint); ok {
		return ep.owner
	}
	return nil
}

func (a *Alien) ackedBy(p *Process) bool {
	for _, x := range a.acked {
		if x == p {
			return true
		}
	}
	return false
}

// pinning says whether replies are still pinned for the alien (R5).
func (a *Alien) pinning() bool { return a.state != alienGone || len(a.askers) > 0 }

// Origin is the alien's thread id.
func (a *Alien) Origin() uint64 { return a.origin }

// Gone says whether the alien ended.
func (a *Alien) Gone() bool { return a.state == alienGone }

// Regs is the alien's register set.
func (a *Alien) Regs() *uabi.Regs { return &a.regs }

// Machine is the machine that the alien runs on.
func (a *Alien) Machine() *Sim { return a.task.sim }

// Code registers alien code for an address: what runs when an alien starts or jumps there.
func (s *Sim) Code(va uint64, f func(*Alien)) { s.code[va] = f }

// Aliens lists the aliens ever created, by origin.
func (s *Sim) Aliens() []*Alien { return s.aliens }

func (s *Sim) newAlien(space *Space, handler capability) *Alien {
	a := &Alien{space: space, handle: handler, origin: uint64(len(s.aliens) + 1)}
	a.task.sim, a.task.name = s, fmt.Sprintf("alien%d", a.origin)
	a.pc = codeBase + a.origin<<32
	a.regs.RSP = alienStack
	s.aliens = append(s.aliens, a)
	ref(space)
	handler.hold()
	return a
}

// NewAlien makes and starts an alien outside any server, running f with its traps going to the endpoint; for tests.
func (s *Sim) NewAlien(space *Space, handler *Endpoint, f func(*Alien)) *Alien {
	a := s.newAlien(space, capability{obj: handler, rights: uabi.RightCall})
	s.adopt(a)
	s.code[a.pc] = f
	a.regs.RIP = a.pc
	a.start()
	return a
}

// start lets a parked alien run in user mode.
func (a *Alien) start() {
	if a.state != alienParked {
		return
	}
	a.state = alienRunning
	ref(a)
	if !a.run {
		a.run = true
		a.task.launch(a.user)
		return
	}
	a.wake()
}

// user is the alien's life in user mode.
func (a *Alien) user() {
	for {
		a.frames = a.frames[:0]
		f := a.task.sim.code[a.regs.RIP]
		if f == nil {
			a.fault(a.regs.RIP, faultUser|faultFetch)
			continue
		}
		if a.enterCode(f, 0) {
			a.task.sim.Fail("%s runs off the end of its program", a.task.name)
			return
		}
	}
}

// enterCode runs f; false if it was left by a jump to this depth.
func (a *Alien) enterCode(f func(*Alien), depth int) (ended bool) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if j, ok := v.(jump); ok && j.depth == depth {
			ended = false
			return
		}
		panic(v)
	}()
	f(a)
	return true
}

// Step is one step of user-mode work; an interrupt traps here.
func (a *Alien) Step() {
	s := a.task.sim
	s.step(&a.task, nil, "user")
	for a.killed || a.intr {
		if a.killed {
			a.die()
			panic(unwind{})
		}
		site := a.site()
		a.regs.RIP = site
		a.trap(uabi.TrapInterrupt)
		a.settle(site)
		s.step(&a.task, nil, "user")
	}
}

// site is the next return address.
func (a *Alien) site() uint64 {
	a.pc += codeStep
	return a.pc
}

// Syscall makes a system call and returns RAX. It may not return: exec, exit, a signal handler that jumps.
func (a *Alien) Syscall(nr uint64, args ...uint64) uint64 {
	a.Step()
	var x [6]uint64
	copy(x[:], args)
	r := &a.regs
	r.RAX, r.RDI, r.RSI, r.RDX, r.R10, r.R8, r.R9 = nr, x[0], x[1], x[2], x[3], x[4], x[5]
	site := a.site()
	for {
		r.RIP = site + syscallLen
		r.OrigRAX = r.RAX
		a.trap(uabi.TrapSyscall)
		a.settle(site)
		if r.RIP == site+syscallLen {
			return r.RAX
		}
		a.Step() // the handler set RIP back: the call is repeated with the registers as they are
	}
}

// Fork is Syscall for calls that make a thread with a copy of the registers: the new one runs child.
func (a *Alien) Fork(child func(*Alien), nr uint64, args ...uint64) uint64 {
	a.task.sim.code[a.pc+codeStep+syscallLen] = child
	return a.Syscall(nr, args...)
}

// settle goes on after a trap from site was answered: it returns when RIP is site or right behind the call there. RIP of an
// outer frame unwinds to that frame; other registered code runs nested, as a signal handler does.
func (a *Alien) settle(site uint64) {
	for a.regs.RIP != site && a.regs.RIP != site+syscallLen {
		rip := a.regs.RIP
		for d, f := range a.frames {
			if rip == f || rip == f+syscallLen {
				panic(jump{d + 1})
			}
		}
		f := a.task.sim.code[rip]
		if f == nil || a.task.sim.entry(rip) {
			panic(jump{0})
		}
		depth := len(a.frames) + 1
		a.frames = append(a.frames, site)
		if a.enterCode(f, depth) {
			a.task.sim.Fail("%s returns from a handler without a call", a.task.name)
			panic(unwind{})
		}
		a.frames = a.frames[:depth-1]
	}
}

// Entry registers code that replaces what ran before when an alien gets there: a program's entry point (exec).
func (s *Sim) Entry(va uint64, f func(*Alien)) {
	s.code[va] = f
	s.entries = append(s.entries, va)
}

func (s *Sim) entry(va uint64) bool {
	for _, e := range s.entries {
		if e == va {
			return true
		}
	}
	return false
}

// fault traps with a page fault.
func (a *Alien) fault(va uint64, code uint64) {
	a.regs.Vector, a.regs.Code, a.regs.Addr = vectorPageFault, code, va
	a.trap(uabi.TrapFault)
}

// Read copies from the alien's memory as its own loads would: absent pages trap.
func (a *Alien) Read(va uint64, b []byte) { a.access(va, b, uabi.ProtRead) }

// Write copies into the alien's memory as its own stores would.
func (a *Alien) Write(va uint64, b []byte) { a.access(va, b, uabi.ProtWrite) }

func (a *Alien) access(va uint64, b []byte, prot uint32) {
	for {
		a.Step()
		var n int
		if prot == uabi.ProtRead {
			n = a.space.read(va, b)
		} else {
			n = a.space.write(va, b, false)
		}
		if n == len(b) {
			return
		}
		va, b = va+uint64(n), b[n:]
		code := uint64(faultUser)
		if prot == uabi.ProtWrite {
			code |= faultWrite
		}
		if r := a.space.find(va); r != nil {
			code |= a.space.why(r, va, prot)
		}
		site := a.site()
		a.regs.RIP = site
		a.fault(va, code)
		a.settle(site)
	}
}

// Word reads the 32-bit word at va, as for a futex.
func (a *Alien) Word(va uint64) uint32 {
	var b [4]byte
	a.Read(va, b[:])
	return word(b[:])
}

// die ends the alien; R13 begins.
func (a *Alien) die() {
	if a.state == alienGone {
		return
	}
	s := a.task.sim
	if s.Tracing() {
		s.note(a.task.name, "is gone", 0, 0)
	}
	a.unpark()
	was := a.state
	a.state = alienGone
	a.killed = true
	a.task.kill()
	s.refuse(a)
	a.askers = s.subscribers()
	if a.goneEv != nil {
		a.goneEv.update(a.goneBit, 0, 0)
	}
	ref(a) // until the last acknowledgement
	s.askNext(a)
	if was != alienParked {
		unref(a)
	}
}

// refuse fails the queued requests that a dead alien's handler sent for it, and its forwarded one (R13).
func (s *Sim) refuse(a *Alien) {
	for _, p := range s.procs {
		for _, e := range p.endpoints {
			for i := 0; i < len(e.queue); {
				r := e.queue[i]
				if r.msg.ID.Origin == a.origin && !r.trap && (r.forward || r.from == a.handler()) {
					e.queue = append(e.queue[:i], e.queue[i+1:]...)
					r.fail(uabi.ErrDead)
					continue
				}
				i++
			}
		}
	}
}

// subscribers lists the endpoints that want thread notices, highest rank first.
func (s *Sim) subscribers() []*Endpoint {
	var l []*Endpoint
	for rank := int(uabi.RankClient); rank >= 0; rank-- {
		for _, p := range s.procs {
			for _, e := range p.endpoints {
				if e.subscribed && !e.freed && int(e.rank) == rank {
					l = append(l, e)
				}
			}
		}
	}
	return l
}

// askNext gives the notice to the next server, or lets the pins fall after the last.
func (s *Sim) askNext(a *Alien) {
	if len(a.askers) > 0 {
		e := a.askers[0]
		e.gone = append(e.gone, a)
		e.poke()
		return
	}
	a.release()
	unref(a)
}

// threadAcked is the acknowledgement of e.
func (s *Sim) threadAcked(a *Alien, e *Endpoint) {
	if len(a.askers) == 0 || a.askers[0] != e {
		return
	}
	a.askers = a.askers[1:]
	a.acked = append(a.acked, e.owner)
	s.askNext(a)
}
