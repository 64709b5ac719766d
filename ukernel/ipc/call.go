package ipc

import (
	"aramid/ukernel/uabi"
)

// callState is where a thread's call is; docs/ipc.md has the transitions.
type callState uint8

const (
	callIdle      callState = iota
	callQueued              // in its endpoint's queue
	callDelivered           // some thread's cur
)

// callKind says who waits for the answer.
type callKind uint8

const (
	callNative  callKind = iota
	callTrap             // an alien, for its handler
	callForward          // an alien, for a server below (R3)
)

// call is a thread's one unanswered call.
type call struct {
	state   callState
	kind    callKind
	resend  bool // delivered before, to an earlier image
	dead    bool // the caller is gone: the answer is discarded
	crashes uint8
	nh, ng  uint8
	ep      *Endpoint // with a reference
	server  *Thread   // who executes it
	seq     uint64    // delivery number
	badge   uint64    // number of the handle that was called; 0: the plain endpoint
	target  *Badge    // forwarded: that badge, counted (R4)
	id      uabi.ID
	alien   *Thread // whose context comes with it, with a reference; nil: none
	handle  [uabi.MaxHandles]ref
	grant   [uabi.MaxGrants]uabi.Grant
}

// Call sends t's Out to e through badge b (nil: the plain handle) and blocks t for the reply: RAX is its status, or why there is
// none.
func Call(t *Thread, e *Endpoint, b *Badge) {}

// Receive waits for a message on e. RAX.
func Receive(t *Thread, e *Endpoint, deadline uint64) {}

// Reply answers t's current request with Out.
func Reply(t *Thread) uabi.Error { return uabi.ErrUnsupported }

// ReplyReceive is Reply, then Receive. RAX.
func ReplyReceive(t *Thread, e *Endpoint, deadline uint64) {}

// Trap makes the current alien t trap with that cause (uabi.Trap…): its registers are in t.Ctx.
func Trap(t *Thread, cause uint32) {}

// Current is the thread that this CPU runs, or nil when it idled.
func Current() *Thread { return nil }

// Alive reports whether this CPU's current thread may handle its entry; false: it was killed meanwhile, call Leave.
func Alive(t *Thread) bool { return false }

// TimerTick handles VecTimer: expired deadlines and timers, and the end of a slice.
func TimerTick() {}

// Leave ends an entry: reaps what died and says which thread runs next, nil for none. Its Ctx is what syscall.Enter returns.
func Leave() *Thread { return nil }
