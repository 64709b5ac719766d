package ipc

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// HangLimit is how old a server's delivered request may become, time in lower calls excluded, before the server counts as hung;
// ns. The watchdog looks watchLooks times in that time and counts the looks at which the request was being executed.
const (
	HangLimit  = 5_000_000_000
	watchLooks = 10
)

var (
	watchdog    sched.Timer
	watchPeriod uint64 = HangLimit / watchLooks // ns
)

// SetHangLimit replaces HangLimit by another limit, ns, at least watchLooks. To be called before there is a server.
func SetHangLimit(ns uint64) { watchPeriod = ns / watchLooks }

// startWatchdog makes sure that the watchdog looks.
func startWatchdog() {
	if !watchdog.Set() {
		watchdog.Kind = sched.TimerWatchdog
		watchdog.Start(arch.Now() + watchPeriod)
	}
}

// lookAround looks at what every server executes and raises ProcessHung where a request is too old. It stops when there is no server.
func lookAround() {
	servers := false
	for p := allProcesses; p != nil; p = p.allNext {
		if p.Flags&uabi.ProcessServer == 0 {
			continue
		}
		servers = true
		hung := false
		for t := p.threads; t != nil; t = t.procNext {
			t.look()
			hung = hung || t.hung()
		}
		if hung && p.event.level&uabi.ProcessHung == 0 {
			p.event.Update(uabi.ProcessHung, 0, 0)
		}
	}
	if servers {
		watchdog.Start(arch.Now() + watchPeriod)
	}
}

// look counts a look at the request that t executes.
func (t *Thread) look() {
	switch {
	case t.cur == nil:
		t.watchTicks, t.watchSeq = 0, 0
	case t.cur.call.seq != t.watchSeq:
		t.watchTicks, t.watchSeq = 0, t.cur.call.seq
	case t.block != BlockCall:
		t.watchTicks++
	}
}

// hung reports whether t's current request is too old.
func (t *Thread) hung() bool {
	return t.cur != nil && t.watchTicks >= watchLooks && t.watchSeq == t.cur.call.seq
}
