package ipc

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// untidy says that something waits to be destroyed; more, that it is in package vm.
var untidy, more bool

// idlePieces bounds how long a CPU that found nothing to run cleans up with the kernel lock held.
const idlePieces = 16

// Current is the thread that this CPU runs, or nil when it idled.
func Current() *Thread {
	t := sched.Current()
	if t == nil {
		return nil
	}
	return of(t)
}

// Alive reports whether t, this CPU's current thread, may handle its entry; false: it was killed or blocked meanwhile by another
// CPU; only Leave follows.
func Alive(t *Thread) bool { return t.State == sched.Running }

// TimerTick handles VecTimer: deadlines and timers that passed, and the end of a slice.
func TimerTick() {
	now := arch.Now()
	for x := sched.Expired(now); x != nil; x = sched.Expired(now) {
		switch x.Kind {
		case sched.TimerThread:
			threadOwner(x).timedOut()
		case sched.TimerObject:
			timerOwner(x).fire(x.At())
		case sched.TimerWatchdog:
			lookAround()
		}
	}
	sched.Tick(now)
}

// Leave ends an entry: it says which thread runs next on this CPU (nil: none) and destroys what died. The thread's Ctx is what
// syscall.Enter returns.
func Leave() *Thread {
	if t := sched.Keep(); t != nil && !untidy {
		if t := of(t); t.pend == 0 {
			return t
		}
	}
	return choose()
}

// choose is Leave when the current thread does not just go on.
func choose() *Thread {
	for {
		n := sched.Next()
		if untidy {
			tidy(n == nil)
		}
		if n == nil {
			return nil
		}
		t := of(n)
		if t.pend == 0 {
			return t
		}
		if t.pend&pendKill != 0 {
			t.die()
		} else {
			Trap(t, uabi.TrapInterrupt)
		}
	}
}

// tidy does a piece of destroying, or several when the CPU has nothing better to do.
func tidy(idle bool) {
	pieces := 1
	if idle {
		pieces = idlePieces
	}
	for ; pieces > 0; pieces-- {
		lastRites()
		left := reap(reapBudget)
		if more {
			more = vm.Reap()
		}
		if !left && !more {
			untidy = dying != nil
			return
		}
	}
}
