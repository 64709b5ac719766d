package uabi

// Sizes and offsets of the message buffer, in bytes. BufInBytes is page-aligned.
const (
	MsgSize     = 1024
	ArgSize     = 2048
	BufIn       = 0
	BufOut      = MsgSize
	BufArg      = 2 * MsgSize
	MaxBytes    = 64 << 10
	BufInBytes  = 4096
	BufOutBytes = BufInBytes + MaxBytes
	BufSize     = BufOutBytes + MaxBytes
)

// Limits of one message.
const (
	MaxWords      = 6   // register words
	MaxHandles    = 4   // handles transferred, and record handle slots
	MaxGrants     = 4   // windows onto the caller's (or its alien's) memory
	MaxClose      = 8   // handles closed with an answer
	MaxForward    = 512 // bytes of a forwarded request: it lives in the alien's thread object
	RecordWords   = 8   // words of an alien's record (R2)
	ContextWords  = 8   // words that procd sets on an alien; they come with each trap and forwarded call
	NoDeadline    = ^uint64(0)
	OnlyResent    = 1 // as the deadline of a CallReceive
	QuarantineTry = 3 // the delivery that is marked FlagQuarantine
)

// Handle is a process's index for a kernel object: slot number in the low 20 bits, slot generation in the upper 12.
// 0 is never a valid handle. Boot handles have generation 0.
type Handle uint32

// ID names a mutating request for ever (R7). The zero ID means a look-up.
//
// Origin is the alien's thread id (never reused), or OriginProcess|process id for what no alien caused; Trap is the
// alien's trap count (R1) or the originator's own counter (≥ 1). Path holds, for each rank r in 5…2, the number n ≥ 1 of the
// mutating call that the sender of that rank made while it handled the request: 16 bits at PathShift(r).
type ID struct {
	Origin uint64
	Trap   uint64
	Path   uint64
}

// OriginProcess marks the Origin of requests that no alien caused; the low bits are the process id.
const OriginProcess = 1 << 63

// PathShift returns the bit offset in ID.Path of the 16-bit step number of a sender of that rank (2…5). A native client of
// any rank that originates a request uses PathShift(5) with step 1.
func PathShift(rank uint32) uint { return uint(5-rank) * 16 }

// Kind says what a received message is, or what a sent one asks the kernel to do.
type Kind uint32

// Kinds of received messages (In.Kind), and of replies (Out.Kind after CallCall).
const (
	KindCall   Kind = 1 + iota // a request from a native caller, or forwarded for an alien (FlagForwarded)
	KindTrap                   // an alien's trap: Regs, Trap, Context, Record are valid; W[0] is the CPU that it ran on last
	KindNotice                 // W[0] = Notice…; see there
	KindReply                  // the answer to a call
)

// Kinds of answers (Out.Kind for CallReply and CallReplyReceive).
const (
	AnswerNone    Kind = 16 + iota // receive only: there is no current request, or it has been dropped
	AnswerResult                   // done. To a caller: Status, W, bytes, handles. To a trap: RAX = W[0], thread goes on
	AnswerRegs                     // to a trap: thread goes on with the whole register set in Arg (Regs)
	AnswerWait                     // park until Wait.Event has a bit of Wait.Mask (R11); to a native caller it is handed on as KindReply, Status ErrWait, Wait.Event a handle of the caller
	AnswerFutex                    // to a trap: park on a futex of the alien's space (Futex…); compared and parked atomically
	AnswerForward                  // to a trap: send Out as a request to Target with the alien's reply right (R3); ≤ MaxForward bytes
	AnswerStop                     // to a trap: leave the thread parked with no wake-up but interrupt, SetRegs+Start or kill
)

// Flags of a message.
const (
	FlagResend     = 1 << iota // In: delivered before to an earlier image of this process
	FlagQuarantine             // In: crashed this server QuarantineTry−1 times; commit ErrIO and reply
	FlagForwarded              // In: an alien waits for this reply
	FlagSaveRecord             // Out: store Record and RecordHandle in the current trap's alien, in this same step
	FlagCloseEvent             // Out, AnswerWait: Wait.Event is a transferred handle; close it after parking
	FlagInterrupt              // In, trap: the interrupt level is up (R12)
	FlagTimeout                // In, trap: the wait's deadline passed (R12: a level until answered)
	FlagEvent                  // In, trap: redelivered because the awaited event came up
	FlagFailed                 // In, trap: a forwarded request was answered with an error; Status holds it
	FlagRedeliver              // In, trap: this trap was delivered before (linuxabi's successor, or after a wait)
	FlagFirm                   // Out, AnswerWait to a trap: an interrupt level does not end the wait; a kill does (TASK_KILLABLE of Linux)
	FlagDead                   // In, call: the alien or caller behind this request is gone; its reply goes nowhere
	FlagRegs                   // Out, AnswerForward: once the request has succeeded the thread goes on with the register set in Arg (Regs); W[0] is ignored
	FlagYield                  // Out, AnswerResult to a trap: the thread goes behind all others of its priority that are ready (sched_yield of Linux)
)

// Trap causes (Msg.Trap of a KindTrap message).
const (
	TrapSyscall   = 1 + iota // Regs.RAX is the number; Regs.RIP is behind the SYSCALL instruction
	TrapFault                // exception Regs.Vector with Regs.Code; Regs.Addr for page faults
	TrapInterrupt            // no cause but the interrupt level
)

// What the kernel adds to Regs.Code of a page fault that it could not solve (the processor's own bits are the low 32).
const (
	FaultBus   = 1 << 32 // beyond the end of the memory object
	FaultNoMem = 1 << 33 // no frame, or an account's limit: run the instruction again later
)

// Notices (W[0] of a KindNotice message). A notice is delivered again until it is acknowledged, or done.
const (
	NoticeEvent  = 1 + iota // a bound event: W[1] = key, W[2] = bits raised since the last notice (cleared in the binding), W[3] = level
	NoticeGone              // R6: the last handle of badge W[1] is gone, and with this notice the number is dead. It is done when its thread receives again; a successor's first notice if the image ends before. Not for a badge whose handles never left its owner's table: as if it had not been minted
	NoticeThread            // R13: the alien with Origin W[1] is gone; acknowledge with CallThreadAck
)

// Grant is a window onto the caller's memory (or, with GrantAlien, onto that of the alien whose trap the caller
// handles, or whose forwarded request it is), valid until the reply. Rights are RightRead and RightWrite.
type Grant struct {
	Addr   uint64
	Len    uint64
	Rights uint32
	Flags  uint32
}

// GrantAlien says that a grant's address is in the space of the alien whose trap the caller handles.
const GrantAlien = 1

// WaitSpec is what AnswerWait waits for. Since is a raise sequence number as CallEventRead returns; the wait ends at
// once if a bit of Mask is up, or was raised after Since. Deadline is in ns of the monotonic clock, or NoDeadline.
type WaitSpec struct {
	Event    Handle
	Mask     uint32
	Since    uint64
	Deadline uint64
}

// Msg is the header of a message. In each direction only the fields that the Kind documents are valid.
type Msg struct {
	Kind         Kind
	Flags        uint32
	Method       uint32
	Status       int32 // 0 or −Error
	Badge        uint64
	ID           ID
	W            [MaxWords]uint64
	Len          uint32 // bytes in InBytes or OutBytes
	NHandles     uint32
	NGrants      uint32
	Trap         uint32
	Target       Handle             // AnswerForward
	NClose       uint32             // Out, CallReply and CallReplyReceive: see Close; the kernel makes it 0
	Handle       [MaxHandles]Handle // the first NHandles; a 0 is handed on as 0 (an absent one)
	Grant        [MaxGrants]Grant
	Wait         WaitSpec
	Futex        FutexArgs            // AnswerFutex; its deadline is Wait.Deadline
	Context      [ContextWords]uint64 // In: of the alien that the request's id names, with traps, forwarded requests and every call made (also nested) while its trap is handled
	Record       [RecordWords]uint64
	RecordHandle [MaxHandles]Handle
	Regs         Regs // KindTrap
	// Close lists handles that the sender has done with: the kernel closes the first NClose in the same step, once the answer has taken what it
	// transfers, or turned out to have nobody to go to. Any other error leaves them.
	Close [MaxClose]Handle
	// Update is a CallEventUpdate in the same step, under the same condition and before Close; Out, CallReply and CallReplyReceive.
	Update EventUpdate
}

// EventUpdate is what Msg.Update does. Event 0: nothing, as with a handle that is no event or lacks RightWrite; the kernel makes it 0.
type EventUpdate struct {
	Event             Handle
	Set, Clear, Raise uint32 // as of CallEventUpdate
}

// Regs is an alien's integer state. FSBase and GSBase must be canonical user addresses; of Flags only the arithmetic
// bits, DF, TF, AC and RF are taken.
type Regs struct {
	RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP uint64
	R8, R9, R10, R11, R12, R13, R14, R15   uint64
	RIP, Flags, FSBase, GSBase             uint64
	Vector, Code, Addr, OrigRAX            uint64 // of the trap; ignored when written
}

// FutexArgs asks to park the alien while the 32-bit word at Addr holds Value.
type FutexArgs struct {
	Addr   uint64
	Value  uint32
	Bitset uint32 // ≠ 0; FUTEX_BITSET_MATCH_ANY is ^0
	Shared uint32 // 1: keyed by memory object and offset; 0: by space and address
	_      uint32
}
