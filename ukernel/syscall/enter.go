package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// Enter handles one trap of the thread whose saved state is c, or an interrupt of an idle CPU, and returns the state to run
// next; nil: nothing is ready. The kernel lock is held.
func Enter(c *arch.Context) *arch.Context {
	if c.Regs.Vector != hw.VecSyscall {
		return enterOther(c)
	}
	t := threadOf(c)
	if t.Kind != ipc.Native {
		return trap(t, uabi.TrapSyscall)
	}
	number := c.Regs.RAX
	if number == uabi.CallNull {
		c.Regs.RAX = 0
		return c
	}
	// The hottest without a further call in between, unless there is something to do for each call.
	if ktrace.Mask&ktrace.BitCall == 0 && ipc.Alive(t) {
		switch number {
		case uabi.CallReplyReceive:
			if next, ok := ipc.QuickReplyReceive(t); ok {
				return direct(next)
			}
			return replyReceive(t)
		case uabi.CallCall:
			if next, ok := ipc.QuickCall(t); ok {
				return direct(next)
			}
			return doCall(t)
		case uabi.CallReceive:
			return receive(t, &c.Regs)
		case uabi.CallEventWait:
			return eventWait(t, &c.Regs)
		case uabi.CallEventUpdate:
			v, err := eventUpdate(t, &c.Regs)
			return done(t, v, err)
		case uabi.CallAlienString:
			v, err := alienString(t, &c.Regs)
			return done(t, v, err)
		case uabi.CallMint:
			e, _, err := t.Proc.Endpoint(handle(c.Regs.RDI), uabi.RightReceive)
			if err != uabi.OK {
				return done(t, 0, err)
			}
			v, err := mint(t, &c.Regs, e)
			return done(t, v, err)
		}
	}
	return native(t, number)
}

// trap hands an alien's trap to its handler.
func trap(t *ipc.Thread, cause uint32) *arch.Context {
	if ipc.Alive(t) {
		if ktrace.Mask&ktrace.BitTrap != 0 {
			ktrace.Put(ktrace.EvTrap, t.TraceID(), uint64(cause), t.Ctx.Regs.RAX, t.Ctx.Regs.RIP)
		}
		return direct(ipc.Trap(t, cause))
	}
	return leave()
}

// direct is leave after a direct switch: next is the thread that runs if nothing else has to be looked at.
func direct(next *ipc.Thread) *arch.Context {
	if next == nil || signalled(next) {
		return leave()
	}
	return &next.Ctx
}

// signalled reports whether t must run a signal handler before anything else. Aliens have no such state: theirs is zero.
func signalled(t *ipc.Thread) bool {
	s := threadState(t)
	return s.pending&^s.mask != 0
}

// enterOther is Enter for everything but SYSCALL.
func enterOther(c *arch.Context) *arch.Context {
	v := c.Regs.Vector
	switch {
	case v < hw.VecIRQ:
		return enterException(threadOf(c))
	case v == hw.VecTimer:
		ipc.TimerTick()
		checkRootd()
	case v == hw.VecKick:
		sched.Resched()
	case v < hw.VecIRQ+irqLines:
		if ktrace.Mask&ktrace.BitIRQ != 0 {
			ktrace.Put(ktrace.EvIRQ, 0, v-hw.VecIRQ, 0, 0)
		}
		ipc.Interrupt(int(v - hw.VecIRQ))
	}
	return leave()
}

// enterException handles an exception of thread t. Page faults go to vm first.
func enterException(t *ipc.Thread) *arch.Context {
	if !ipc.Alive(t) {
		return leave()
	}
	r := &t.Ctx.Regs
	err := uabi.ErrFault
	if r.Vector == hw.VecPageFault {
		res := vm.Segv
		if t.Space != nil && r.Addr < uabi.MaxUser {
			res = t.Space.Fault(r.Addr, r.Code)
		}
		if ktrace.Mask&ktrace.BitFault != 0 {
			ktrace.Put(ktrace.EvFault, t.TraceID(), r.Addr, r.Code, uint64(res))
		}
		if res == vm.Solved {
			return &t.Ctx
		}
		err = faultError(r, res)
	}
	if t.Kind == ipc.Alien {
		return trap(t, uabi.TrapFault)
	}
	exception(t, err)
	return leave()
}

// faultError says what a fault that vm did not solve is to the thread, and marks Regs.Code for an alien's handler.
func faultError(r *uabi.Regs, res vm.Result) uabi.Error {
	switch res {
	case vm.Bus:
		r.Code |= uabi.FaultBus
		return uabi.ErrAgain
	case vm.NoMem:
		r.Code |= uabi.FaultNoMem
		return uabi.ErrNoMem
	case vm.NeedPager:
		r.Code |= uabi.FaultBus
		return uabi.ErrAgain
	}
	return uabi.ErrFault
}

// leave ends an entry: it says whose state is loaded next. A native thread's signals are delivered just before it goes to
// user mode; one of them can end its image, and then another thread is chosen.
func leave() *arch.Context {
	for {
		t := ipc.Leave()
		if t == nil {
			if checkRootd() {
				continue
			}
			// What a mapping kept alive goes with it, without ipc's knowledge: finish that, a piece each time.
			vm.Reap()
			return nil
		}
		if signalled(t) {
			deliver(t)
			if !ipc.Alive(t) {
				continue
			}
		}
		return &t.Ctx
	}
}
