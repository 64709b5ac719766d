package ipc

import (
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
	BlockNone    Block = iota // none: ready or running
	BlockCall                 // native: its call is queued (the endpoint's calls) or delivered (none)
	BlockReceive              // native: waits for a message (the endpoint's receivers)
	BlockEvent                // an event (its waiters)
	BlockFutex                // a futex word (its hash bucket)
	BlockSleep                // native: only its deadline (none)
	BlockParked               // alien: never started, or AnswerStop (none)
	BlockTrap                 // alien: its trap is queued (the endpoint's calls) or delivered (none)
	BlockForward              // alien: its forwarded request is queued or delivered
	BlockGone                 // alien: gone; the endpoint's gone list while a thread-gone notice is due (R13)
)

// SysWords is the number of words that package syscall may keep in a thread.
const SysWords = 24

// Thread is a native or alien thread.
type Thread struct {
	sched.Thread
	Kind  Kind
	block Block
	kill  bool // alien: dies when its trap ends, at a wait, or in user mode
	intr  bool // alien: the interrupt level (R12)

	// Native threads.
	Proc       *Process // nil for aliens
	procNext   *Thread  // the process's list of threads
	procPrev   *Thread
	Buf        *Buffer                      // message buffer, or nil: CallAttach maps it
	BufVA      uint64                       // where it is mapped
	bufMem     *vm.Memory                   // its frames, with a reference
	Sys        [SysWords]uint64             // package syscall's own words: zero at first
	cur        *Thread                      // whose call this thread executes; nil: none
	recHandles [uabi.MaxHandles]uabi.Handle // record handles installed for the current trap
	watchSeq   uint64                       // watchdog: delivery number of cur at the last look
	watchTicks uint32                       // how many looks it has been there, not blocked in a lower call
	onTimeout  uint64                       // RAX when the deadline of what it waits for passes

	// What a thread waits for.
	event *Event
	mask  uint32
	fbits uint32 // futex bitset
	key   vm.Key // futex word

	call call
	al   alien
}

// alien is the part of a thread that only aliens use.
type alien struct {
	handler   *Endpoint // where traps go, with a reference
	badge     *Badge    // through which handle, counted; or nil
	traps     uint64    // trap count (R1)
	cause     uint32    // uabi.Trap… of the current or last trap
	flags     uint32    // FlagTimeout level, and FlagEvent, FlagFailed of the next delivery
	status    int32     // with FlagFailed
	delivered bool      // the trap was delivered before
	started   bool
	context   [uabi.ContextWords]uint64
	record    [uabi.RecordWords]uint64 // R2
	recRef    [uabi.MaxHandles]ref     // R4
	pin       [pinSlots]ref            // R5; more are in pins
	pins      *pinNode
	gone      *Event // raised with goneBits when the thread is gone; referenced
	goneBits  uint32
	goneSent  bool      // the notice was delivered to the current image
	goneAt    *Endpoint // whose acknowledgement is due (R13)
	hashNext  *Thread
	fwd       forward
}

const pinSlots = 4

// forward is a request that an alien's handler sent with the alien's reply right (R3).
type forward struct {
	method uint32
	len    uint32
	w      [uabi.MaxWords]uint64
	bytes  [uabi.MaxForward]byte
}

// ref is a counted handle that the kernel itself keeps.
type ref struct {
	obj    *object.Header // nil: none
	badge  *Badge
	rights uint32
}

// NewNative makes a thread of p: blocked, with zero registers, in p's space. sched.MakeReady starts it.
func NewNative(p *Process) (*Thread, uabi.Error) { return nil, uabi.ErrUnsupported }

// NewAlien makes a parked alien whose traps go to e (through badge b, or nil).
func NewAlien(a *object.Account, s *vm.Space, e *Endpoint, b *Badge) (*Thread, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Exit ends a native thread. The last one of an image ends the image with status 0.
func (t *Thread) Exit() {}

// Attach makes t's message buffer and maps it at va. Detach undoes it.
func (t *Thread) Attach(va uint64) uabi.Error { return uabi.ErrUnsupported }

// Detach unmaps and frees the message buffer. ErrBusy while a request is current.
func (t *Thread) Detach() uabi.Error { return uabi.ErrUnsupported }

// Serving reports whether t has a current request.
func (t *Thread) Serving() bool { return t.cur != nil }

// CurrentAlien is the alien whose trap t handles. ErrArg: none.
func (t *Thread) CurrentAlien() (*Thread, uabi.Error) { return nil, uabi.ErrUnsupported }

// Break ends a native thread's wait (BlockReceive, BlockEvent, BlockFutex, BlockSleep) with rax as its result; false if it is
// in none.
func (t *Thread) Break(rax uint64) bool { return false }

// Sleep blocks the native thread t until deadline; RAX is then rax.
func Sleep(t *Thread, deadline, rax uint64) {}

// SetRegs, GetRegs: CallThreadSetRegs, CallThreadGetRegs. ErrBusy unless parked (Set).
func (t *Thread) SetRegs(r *uabi.Regs) uabi.Error { return uabi.ErrUnsupported }

// GetRegs copies the registers of a thread that is parked, in a trap or waiting. ErrBusy else.
func (t *Thread) GetRegs(r *uabi.Regs) uabi.Error { return uabi.ErrUnsupported }

// CopyState copies FX state and registers of from: fork. ErrBusy unless t is parked and from is not in user mode.
func (t *Thread) CopyState(from *Thread) uabi.Error { return uabi.ErrUnsupported }

// SetContext is CallThreadContext.
func (t *Thread) SetContext(w *[uabi.ContextWords]uint64) uabi.Error { return uabi.ErrUnsupported }

// Start is CallThreadStart.
func (t *Thread) Start() uabi.Error { return uabi.ErrUnsupported }

// SetSpace is CallThreadSpace: takes its own reference of s.
func (t *Thread) SetSpace(s *vm.Space) uabi.Error { return uabi.ErrUnsupported }

// Interrupt is CallThreadInterrupt.
func (t *Thread) Interrupt(on bool) uabi.Error { return uabi.ErrUnsupported }

// Kill is CallThreadKill.
func (t *Thread) Kill() uabi.Error { return uabi.ErrUnsupported }

// SetGone is CallThreadEvent.
func (t *Thread) SetGone(e *Event, bits uint32) uabi.Error { return uabi.ErrUnsupported }

// Info is CallThreadInfo: state (uabi.Thread…), user and system ns, traps.
func (t *Thread) Info() (state uint32, user, system, traps uint64) { return 0, 0, 0, 0 }
