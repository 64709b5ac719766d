// Package signal is the pure part of signals (signal(7)): sets, pending queues, actions and what a signal does by default.
package signal

import (
	"math/bits"
	"slices"

	"aramid/servers/procd/state"
)

// The signals that have rules of their own.
const (
	HUP   = 1
	ILL   = 4
	TRAP  = 5
	ABRT  = 6
	BUS   = 7
	FPE   = 8
	KILL  = 9
	SEGV  = 11
	ALRM  = 14
	CHLD  = 17
	CONT  = 18
	STOP  = 19
	TSTP  = 20
	TTIN  = 21
	TTOU  = 22
	URG   = 23
	WINCH = 28
	SYS   = 31
	RTMin = 32 // the first real-time signal, as the kernel counts
	Max   = 64
)

// Values of Action.Handler that are no address.
const (
	Default = 0
	Ignore  = 1
)

// Flags of an action (SA_*).
const (
	NoCldStop = 1
	NoCldWait = 2
	OnStack   = 0x08000000
	Restart   = 0x10000000
	NoDefer   = 0x40000000
	ResetHand = 0x80000000
)

// Codes (si_code) that are made here.
const (
	CodeUser   = 0
	CodeKernel = 0x80
	CodeTimer  = -2
	CodeTkill  = -6
	CldExited  = 1
	CldKilled  = 2
	CldStopped = 5
	CldCont    = 6
)

// Set is a set of signals: signal n is bit n−1, as in the kernel's sigset_t.
type Set = uint64

// Bit is the set with just that signal.
func Bit(sig uint32) Set { return 1 << (sig - 1) }

// Valid reports whether sig names a signal (0 does not).
func Valid(sig uint32) bool { return sig >= 1 && sig <= Max }

// Sets with rules of their own.
const (
	Unblockable Set = 1<<(KILL-1) | 1<<(STOP-1)
	Stops       Set = 1<<(STOP-1) | 1<<(TSTP-1) | 1<<(TTIN-1) | 1<<(TTOU-1)
	ignored     Set = 1<<(CHLD-1) | 1<<(CONT-1) | 1<<(URG-1) | 1<<(WINCH-1)
	cores       Set = 1<<2 | 1<<(ILL-1) | 1<<(TRAP-1) | 1<<(ABRT-1) | 1<<(BUS-1) | 1<<(FPE-1) | 1<<(SEGV-1) | 1<<(SYS-1) | 1<<23 | 1<<24
	synchronous Set = 1<<(SEGV-1) | 1<<(BUS-1) | 1<<(ILL-1) | 1<<(TRAP-1) | 1<<(FPE-1) | 1<<(SYS-1)
)

// IgnoredByDefault reports whether SIG_DFL of the signal does nothing.
func IgnoredByDefault(sig uint32) bool { return ignored&Bit(sig) != 0 }

// StopsByDefault reports whether SIG_DFL of the signal stops the process.
func StopsByDefault(sig uint32) bool { return Stops&Bit(sig) != 0 }

// Dumps reports whether SIG_DFL of the signal would write a core, if cores were written.
func Dumps(sig uint32) bool { return cores&Bit(sig) != 0 }

// MaxQueued bounds a queue (RLIMIT_SIGPENDING's default is about that).
const MaxQueued = 4096

// Add queues a signal: a standard one that is pending already is dropped, real-time ones and those of timers queue. false: the queue is full.
func Add(p *state.Pending, i *state.Info) bool {
	b := Bit(i.Signal)
	if i.Signal < RTMin && i.Timer == 0 && p.Set&b != 0 {
		if i.Forced {
			drop(p, i.Signal)
		} else {
			return true
		}
	}
	if len(p.Queue) >= MaxQueued {
		return false
	}
	p.Set |= b
	p.Queue = append(p.Queue, i)
	return true
}

// Next returns which pending signal outside blocked comes first: forced and synchronous ones, then the lowest number. 0: none.
func Next(p *state.Pending, blocked Set) uint32 {
	for _, i := range p.GetQueue() {
		if i.Forced {
			return i.Signal
		}
	}
	s := p.GetSet() &^ (blocked &^ Unblockable)
	if s == 0 {
		return 0
	}
	if sync := s & synchronous; sync != 0 {
		s = sync
	}
	if s&Bit(KILL) != 0 {
		return KILL
	}
	return uint32(bits.TrailingZeros64(s)) + 1
}

// Take removes the oldest pending instance of a signal.
func Take(p *state.Pending, sig uint32) *state.Info {
	for n, i := range p.Queue {
		if i.Signal != sig {
			continue
		}
		p.Queue = slices.Delete(p.Queue, n, n+1)
		unset(p, sig)
		return i
	}
	return nil
}

// Remove drops all pending instances of a set's signals.
func Remove(p *state.Pending, s Set) {
	if p.GetSet()&s == 0 {
		return
	}
	p.Queue = slices.DeleteFunc(p.Queue, func(i *state.Info) bool { return Bit(i.Signal)&s != 0 })
	p.Set &^= s
	if len(p.Queue) == 0 {
		p.Queue = nil
	}
}

// RemoveTimers drops the pending signals that timers sent.
func RemoveTimers(p *state.Pending) {
	for n := 0; n < len(p.GetQueue()); {
		if p.Queue[n].Timer == 0 {
			n++
			continue
		}
		sig := p.Queue[n].Signal
		p.Queue = slices.Delete(p.Queue, n, n+1)
		unset(p, sig)
	}
}

// unset brings the set up to date after an instance of the signal has left the queue.
func unset(p *state.Pending, sig uint32) {
	if !slices.ContainsFunc(p.Queue, func(j *state.Info) bool { return j.Signal == sig }) {
		p.Set &^= Bit(sig)
	}
	if len(p.Queue) == 0 {
		p.Queue = nil
	}
}

func drop(p *state.Pending, sig uint32) { Remove(p, Bit(sig)) }

// Action returns what a handler table says about a signal; the zero action is the default. It is not to be changed.
func Action(h *state.Handlers, sig uint32) *state.Action {
	if i, ok := find(h, sig); ok {
		return h.Actions[i]
	}
	return &state.Action{Signal: sig}
}

// find is where a signal's action is, or belongs: they are in the order of their signals.
func find(h *state.Handlers, sig uint32) (int, bool) {
	lo, hi := 0, len(h.Actions)
	for lo < hi {
		if mid := (lo + hi) / 2; h.Actions[mid].Signal < sig {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(h.Actions) && h.Actions[lo].Signal == sig
}

// SetAction changes the table.
func SetAction(h *state.Handlers, a *state.Action) {
	i, ok := find(h, a.Signal)
	plain := a.Handler == Default && a.Flags == 0 && a.Mask == 0 && a.Restorer == 0
	switch {
	case ok && plain:
		h.Actions = slices.Delete(h.Actions, i, i+1)
	case ok:
		h.Actions[i] = a
	case !plain:
		h.Actions = slices.Insert(h.Actions, i, a)
	}
}

// Reset is exec's: handlers become the default, ignored signals stay ignored.
func Reset(h *state.Handlers) {
	h.Actions = slices.DeleteFunc(h.Actions, func(a *state.Action) bool { return a.Handler != Ignore })
	for i, a := range h.Actions {
		h.Actions[i] = &state.Action{Signal: a.Signal, Handler: Ignore}
	}
}

// Ignores reports whether a signal would do nothing under this table.
func Ignores(h *state.Handlers, sig uint32) bool {
	switch a := Action(h, sig); a.Handler {
	case Ignore:
		return true
	case Default:
		return IgnoredByDefault(sig)
	}
	return false
}

// Sets sums a table up for /proc/PID/status.
func Sets(h *state.Handlers) (ignored, caught Set) {
	for _, a := range h.Actions {
		switch a.Handler {
		case Ignore:
			ignored |= Bit(a.Signal)
		case Default:
		default:
			caught |= Bit(a.Signal)
		}
	}
	return ignored, caught
}

// Exited is the status of a process that called exit(code).
func Exited(code int32) int32 { return code & 0xff << 8 }

// Killed is the status of a process that died of a signal. No core is ever written, so it never says that one was.
func Killed(sig uint32) int32 { return int32(sig) }

// StopStatus is the status that reports a stop.
func StopStatus(sig int32) int32 { return sig<<8 | 0x7f }

// ContStatus is the status that reports a continue.
const ContStatus = 0xffff

// ExitCode is a shell's view of a status: the exit code, or 128 + the signal.
func ExitCode(status int32) uint64 {
	if sig := status & 0x7f; sig != 0 {
		return 128 + uint64(sig)
	}
	return uint64(status>>8) & 0xff
}

// ChildCode is si_code and si_status of a status.
func ChildCode(status int32) (code uint32, value int32) {
	switch {
	case status == ContStatus:
		return CldCont, CONT
	case status&0xff == 0x7f:
		return CldStopped, status >> 8
	case status&0x7f != 0:
		return CldKilled, status & 0x7f
	}
	return CldExited, status >> 8 & 0xff
}
