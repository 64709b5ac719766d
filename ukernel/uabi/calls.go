package uabi

// CallBase is the first native call number.
const CallBase = 0x1000

// Native calls. Each comment gives the arguments in register order, the result, the rights needed and the errors beyond
// ErrHandle, ErrType, ErrRights. "→ n" is RAX, "→ n, m" RAX and RDX. buf/len pairs are user memory of the caller; addresses in
// the upper half or unmapped give ErrFault and change nothing.
const (
	CallNull   = CallBase + iota // () → 0
	CallAttach                   // (va) → 0. Maps this thread's message buffer at page-aligned va in free user space. ErrArg, ErrExists (already attached: RAX −ErrExists), ErrNoMem
	CallDetach                   // () → 0. Unmaps it. ErrBusy while a request is current

	// Messages. All need an attached buffer (ErrArg without).
	CallCall         // (endpoint|badge handle) → status. Sends Out, blocks, reply header in Out (KindReply), bytes in OutBytes. RightCall. ErrDeadlock, ErrStale, ErrSize, ErrDead
	CallReceive      // (endpoint, deadline) → 0. Drops any current request's reply right only if Out.Kind = AnswerNone; message in In. RightReceive. ErrTimeout, ErrSignal. deadline OnlyResent: a RESEND or, at once, ErrTimeout
	CallReply        // () → 0. Answers the current request with Out. ErrStale: it has been dropped
	CallReplyReceive // (endpoint, deadline) → 0. CallReply (its ErrStale is ignored), then CallReceive. The server's fast path

	// Handles.
	CallClose      // (h) → 0
	CallDup        // (h, rights) → h'. rights ⊆ those of h; RightWeak may be added to a badge handle
	CallHandleInfo // (h) → type<<32|rights, badge (of an endpoint this process receives on, else 0)
	CallHandleNext // (h) → the next handle in slot order after h, or 0 at the end. For a successor that closes what it does not know

	// Endpoints and badges.
	CallEndpointCreate // (account, rank) → h with all rights. rank must be the process's own, or the caller has RightManage on the account
	CallBind           // (endpoint, event, key, mask) → 0. Raises of mask become NoticeEvent. mask 0 unbinds. RightReceive, RightRead
	CallMint           // (endpoint, badge ≠ 0, rights) → h. A (further) handle with that badge; cancels a pending NoticeGone. RightReceive. ErrStale: number died
	CallBadgeAck       // (endpoint, badge) → 0. The number dies without a NoticeGone. ErrBusy: a handle exists; ErrNotFound: no such number
	CallSubscribe      // (endpoint) → 0. This endpoint wants NoticeThread. RightReceive
	CallThreadAck      // (endpoint, origin) → 0. R13

	// Events.
	CallEventCreate // (account) → h
	CallEventUpdate // (h, set, clear, raise) → seq. One step: level = (level &^ clear) | set; each bit of set and raise counts one raise. RightWrite
	CallEventRead   // (h) → level, seq. RightRead
	CallEventWait   // (h, mask, since, deadline) → bits that ended the wait (never 0). Native threads only; blocks. ErrTimeout

	// Wait sets (epoll). A member's key is unique in the set.
	CallWaitSetCreate // (account) → h
	CallWaitSetAdd    // (set, event|waitset, key, mask, data, flags) → 0. flags: WaitEdge, WaitOneshot, WaitExclusive. ErrExists, ErrLimit, ErrDeadlock (cycle)
	CallWaitSetModify // (set, 0, key, mask, data, flags) → 0. ErrNotFound
	CallWaitSetRemove // (set, key) → 0. ErrNotFound
	CallWaitSetTake   // (set, max ≤ 64) → n. Ready members to Arg as []WaitReady; consumes oneshot and edge. RightRead
	CallWaitSetEvent  // (set) → h of an event whose bit 0 is up while a member is ready

	// Timers. Times in ns of the monotonic clock.
	CallTimerCreate // (account, event, bits) → h. RightWrite on event. Going off raises the bits and leaves them up
	CallTimerSet    // (h, deadline, interval) → 0. deadline NoDeadline disarms; a deadline in the past raises at once; a next time beyond 2^64 ns never comes

	// Memory objects. Offsets and sizes in bytes; frames are allocated when first touched.
	CallMemoryCreate // (account, size, flags) → h. size is rounded up to pages
	CallMemoryResize // (h, size) → 0. Shrinking unmaps and frees pages beyond. RightWrite
	CallMemorySize   // (h) → size in bytes, frames resident
	CallMemoryRead   // (h, off, buf, len) → n. RightRead. Never-touched pages read as zeroes. ErrArg beyond the end
	CallMemoryWrite  // (h, off, buf, len) → n. RightWrite
	CallMemoryClone  // (h, account, off, len) → h'. Private copy-on-write window. RightRead
	CallMemoryCopy   // (dst, doff, src, soff, len) → n
	CallMemoryZero   // (h, off, len) → 0. Frees whole pages. RightWrite
	CallMemoryPager  // (h, endpoint, key) → 0. Absent pages are asked for: NoticeEvent-like request to endpoint. ErrUnsupported today

	// Spaces. RightMap for layout changes, RightRead to look.
	CallSpaceCreate  // (account) → h. User range [MinUser, MaxUser)
	CallSpaceClone   // (h, account) → h'. fork: private regions share frames copy-on-write; shared ones share the object
	CallSpaceMap     // (h) → va. Arg: MapArgs. ErrExists without MapFixed when occupied, ErrNoMem, ErrArg
	CallSpaceUnmap   // (h, va, len) → 0. Unmapped holes are fine
	CallSpaceProtect // (h, va, len, prot) → 0. ErrNoMem (a hole), ErrRights (shared object lacks the right)
	CallSpaceMove    // (h, old, oldLen, new, newLen) → 0. mremap to a free or same range: moves pages, keeps offsets; grows or shrinks. oldLen 0: the region at old stays, and what it shows from there on is mapped at new a second time. ErrExists, ErrFault
	CallSpaceTag     // (h, va, len, tag) → 0
	CallSpaceQuery   // (h, va) → 1 and Arg: RegionInfo of the first region that ends above va, or 0 when none
	CallSpaceGap     // (h, len, low, high, flags) → va of the highest free range in [low, high), GapLow: the lowest. ErrNoMem
	CallSpaceDiscard // (h, va, len) → 0. MADV_DONTNEED: private anonymous pages become zero, others are fetched again
	CallSpacePunch   // (h, va, len) → 0. MADV_REMOVE: the pages that shared mappings show there are dropped from their objects. ErrRights: a region that is not shared and writable; ErrFault: a hole. Regions before it are done
	CallSpaceTouch   // (h, va, len, write) → bytes done, at most MaxTouch. Makes pages present as reads (writes) would. Short at a fault; ErrFault, ErrNoMem if 0
	CallSpacePresent // (h, va) → 0, bits: which of the 64 pages from va on are there: mapped, or in the region's memory object. RightRead
	CallSpaceInfo    // (h) → mapped bytes, resident frames
	CallSpaceRead    // (h, va, buf, len) → n (short at a fault; ErrFault if 0). RightRead
	CallSpaceWrite   // (h, va, buf, len) → n. RightWrite

	// Alien threads. RightManage. Closing the last handle of an alien kills it.
	CallThreadCreate    // (account, space, handler endpoint|badge) → h, origin. Parked; zero registers
	CallThreadSetRegs   // (h) → 0. Arg: Regs. Thread parked (never started or AnswerStop). ErrBusy
	CallThreadGetRegs   // (h) → 0. Arg: Regs
	CallThreadCopyState // (h, from) → 0. Copies FX state and registers: fork. Both parked or in a trap
	CallThreadContext   // (h) → 0. Arg: [ContextWords]uint64; takes effect at the next delivery
	CallThreadStart     // (h) → 0. Idempotent
	CallThreadSpace     // (h, space) → 0. exec: its x87 and SSE registers begin anew. The thread is in a trap or parked
	CallThreadInterrupt // (h, on) → 0. R12: the level; on=1 wakes it from user mode or a wait, 0 lowers it
	CallThreadKill      // (h) → 0. Takes effect when its trap ends, at a wait, or in user mode. Idempotent
	CallThreadEvent     // (h, event, bits) → 0. Raised when the thread is gone
	CallThreadInfo      // (h) → state (Thread…), user ns; Arg[0] = system ns, Arg[1] = traps, Arg[2] = origin

	// The current trap's alien (handler) or the current request's grants (any server).
	CallAlienRead     // (va, buf, len) → n. Reads the current trap's alien memory; short at a fault, ErrFault if 0
	CallAlienWrite    // (va, buf, len) → n
	CallAlienString   // (va, buf, max) → length without NUL. ErrFault, ErrSize when no NUL within max
	CallAlienState    // (va, write) → 0. The 512 bytes of the current trap's alien's FXSAVE area go to va of its memory or, with write 1, come from there (MXCSR's reserved bits are cleared). ErrFault
	CallGrantRead     // (index, off, buf, len) → n. ErrStale when the request was dropped
	CallGrantWrite    // (index, off, buf, len) → n
	CallGrantToMemory // (index, off, memory, moff, len) → n
	CallMemoryToGrant // (index, off, memory, moff, len) → n
	CallFutexWake     // (space 0 = current trap's, addr, count, bitset, shared) → woken
	CallFutexRequeue  // (addr, wake, addr2, requeue, value, flags) → woken+requeued. On the current trap's alien; flags: FutexCompare, FutexShared. ErrAgain: value differs
	CallFutexOp       // (addr, wake, addr2, wake2, op, shared) → woken. FUTEX_WAKE_OP on the current trap's alien

	// Processes. RightManage.
	CallProcessCreate // (account, rank, flags, name, nameLen ≤ 15) → h. No image yet. flags: ProcessServer
	CallProcessGive   // (h, slot, handle, rights) → 0. Puts a handle at slot < BootFirst of its table. ErrExists
	CallProcessStart  // (h, memory, off, len, argsMemory) → 0. Loads the static ELF at [off, off+len) of memory as a fresh image in place of any running one: restart and swap. args: NUL-separated argv, an empty string, then the environment. ErrNoExec, ErrNoMem: the old image (if any) still runs
	CallProcessKill   // (h, status) → 0. Kills the image; what waits for it keeps waiting
	CallProcessEvent  // (h) → event h. Bits: ProcessDied, ProcessHung
	CallProcessInfo   // (h) → state, generation (starts so far); Arg: ProcessInfo. RightRead
	CallProcessExit   // (status) — the caller's image ends

	// Accounts. RightManage.
	CallAccountCreate // (parent, frames, objects) → h. Limits; 0 = the parent's
	CallAccountLimit  // (h, frames, objects) → 0
	CallAccountInfo   // (h) → frames used, objects used

	// Devices.
	CallIRQCreate // (BootIRQ, line, event, bits) → h. Masked at each interrupt until CallIRQAck
	CallIRQAck    // (h) → 0
	CallPortIn    // (ports h, port, width 1|2|4) → value
	CallPortOut   // (ports h, port, width, value) → 0
	CallPortInBuf // (ports h, port, buf, len, width) → len. Repeated reads of width 1|2|4 (0: 1) bytes; len is a multiple of it
	CallPortOutBuf

	// System.
	CallClock    // (clock) → ns. ClockMonotonic since boot, ClockRealtime since 1970
	CallClockSet // (BootPower, ns of realtime) → 0
	CallBarrier  // (gen) → gen'. 0 interrupts every other CPU; with what that gave, gen' is 0 once each has been in the kernel since: a full barrier of all that run
	CallRandom   // (buf, len ≤ 256) → len
	CallLog      // (buf, len ≤ 1024) → len. One line to the kernel log
	CallSystem   // () → 0. Arg: SystemInfo
	CallTrace    // (BootPower, from seq, buf, len) → bytes, next seq. Kernel trace ring as []TraceRecord
	CallPowerOff // (BootPower, status) — ends the machine; the log's last line is "ukernel: power off, status N"
	CallPanic    // (BootPower, what) — test only: PanicNMI, PanicDoubleFault, PanicKernelFault, PanicStack

	callEnd
)

// CallCount is the number of native calls.
const CallCount = callEnd - CallBase

// CallReceipt, added to the number of a call that does not block and has no sixth argument, asks for a receipt: R9 is the address of two
// words of the caller, 16-byte aligned, to which the kernel stores RAX and RDX as it returns them, in the same step as the call's
// effect. So a server that dies behind an effect that cannot be done twice leaves in its kept memory that it was done. ErrFault:
// the words cannot be written, and nothing was done. A call that is refused (ErrCall, ErrHandle, …) leaves its receipt too. Behind the two
// words CallWaitSetTake also stores what it took; that receipt lies within one page.
const CallReceipt = 1 << 16

// Alignment and size of a receipt, bytes: the two words, and for CallWaitSetTake MaxReady members behind them.
const (
	ReceiptAlign = 16
	MaxReady     = 64 // members that CallWaitSetTake takes at once
	ReadySize    = 24 // of a WaitReady
	ReceiptSize  = ReceiptAlign + MaxReady*ReadySize
)

// Protection bits of a mapping, and flags of MapArgs, as one word.
const (
	ProtRead = 1 << iota
	ProtWrite
	ProtExec
	MapFixed  // replace what is there
	MapShared // shared with the memory object; else private copy-on-write
	MapGuard  // never to be accessed: reserves addresses
	ProtMask  = ProtRead | ProtWrite | ProtExec
)

// MaxTouch is how much CallSpaceTouch does at once, bytes.
const MaxTouch = 4 << 20

// GapLow asks CallSpaceGap for the lowest address.
const GapLow = 1

// MemoryContiguous asks CallMemoryCreate for physically contiguous, resident frames.
const MemoryContiguous = 1

// MaxMemory is the largest memory object, bytes.
const MaxMemory = 1 << 46

// User address range of every space, bytes.
const (
	MinUser = 0x1000
	MaxUser = 0x7ffffffff000
)

// MapArgs asks for a mapping. Va and Len are page multiples; Memory 0 is anonymous zero memory; Off is a page multiple.
type MapArgs struct {
	Va, Len uint64
	Off     uint64
	Tag     uint64 // mmd's word for the region
	Memory  Handle
	Flags   uint32 // Prot… | Map…
}

// RegionInfo describes one region. Memory is 0 for anonymous ones, else an opaque id of the object (not a handle).
type RegionInfo struct {
	Va, Len  uint64
	Off      uint64
	Tag      uint64
	Memory   uint64
	Flags    uint32
	_        uint32
	Resident uint64 // frames
}

// Wait set member flags.
const (
	WaitEdge = 1 << iota
	WaitOneshot
	WaitExclusive
)

// WaitReady is one ready member.
type WaitReady struct {
	Key, Data uint64
	Bits      uint32
	_         uint32
}

// Futex flags.
const (
	FutexCompare = 1 << iota
	FutexShared
)

// Thread states of CallThreadInfo.
const (
	ThreadParked  = 1 + iota // created, or AnswerStop
	ThreadRunning            // ready or on a CPU
	ThreadTrapped            // its trap is queued, delivered or forwarded
	ThreadWaiting            // AnswerWait or AnswerFutex
	ThreadGone
)

// Process flags and event bits.
const (
	ProcessServer = 1 // may give explicit IDs; is watched for hangs
	ProcessDied   = 1 // event bit: the image ended
	ProcessHung   = 2 // event bit: the oldest delivered request is older than the limit
)

// Process states.
const (
	ProcessEmpty = iota
	ProcessRunning
	ProcessDead
)

// ProcessInfo is what CallProcessInfo puts in Arg.
type ProcessInfo struct {
	ID, State, Rank, Starts uint64
	Threads, Handles        uint64
	Frames                  uint64
	UserNS, QueuedCalls     uint64
	DeliveredCalls          uint64
	ExitStatus              uint64 // of the last image; 256+vector after an unhandled exception
	Name                    [16]byte
}

// SystemInfo is what CallSystem puts in Arg. Counts of live objects are indexed by Type.
type SystemInfo struct {
	FramesTotal, FramesFree uint64
	KernelFrames            uint64
	CPUs                    uint64
	Handles                 uint64
	Objects                 [16]uint64
	UptimeNS                uint64
	TSCHz                   uint64
	Features                uint64    // CPUID leaf 1, EDX: what a program may use, AT_HWCAP of Linux
	StackMax                [8]uint64 // deepest kernel stack seen per CPU, bytes
}

// Clocks of CallClock.
const (
	ClockMonotonic = iota
	ClockRealtime
)

// Words of the clock page: a program with RDTSC computes CallClock's answers from it. Each changes in one store, and only ClockPageReal ever
// does. ns = (TSC − start) × mult / 2^32, plus real for ClockRealtime.
const (
	ClockPageStart = iota
	ClockPageMult
	ClockPageReal
	ClockPageNumbered // not 0: RDTSCP gives the number of the CPU
)

// Kinds of CallPanic.
const (
	PanicExplicit = iota
	PanicNMI
	PanicDoubleFault
	PanicKernelFault
	PanicStack
)

// TraceRecord is one entry of the kernel's trace ring. What it holds is in ktrace. Process is that of the thread, 0 for an alien and where the
// kernel does not know it.
type TraceRecord struct {
	Seq, NS uint64
	Event   uint32
	CPU     uint16
	Process uint16
	Thread  uint64
	A, B, C uint64
}
