package uk

import "aramid/ukernel/uabi"

// Kernel is every native call, as one thread sees it. Errors are those of uabi/calls.go.
type Kernel interface {
	Messages
	Handles
	Events
	Memories
	Spaces
	Threads
	Processes
	Devices
	System
}

// Messages are the calls of the message buffer, endpoints and badges.
type Messages interface {
	// Buf is this thread's message buffer, or nil before Attach.
	Buf() *Buffer
	Null() uabi.Error
	// Attach maps the message buffer at va. Real locks the goroutine to its thread.
	Attach(va uint64) uabi.Error
	Detach() uabi.Error
	// Call sends Out to h and blocks for the reply. The result is the reply's status, or why there is none: then Out.Kind is
	// not KindReply.
	Call(h uabi.Handle) uabi.Error
	Receive(endpoint uabi.Handle, deadline uint64) uabi.Error
	Reply() uabi.Error
	ReplyReceive(endpoint uabi.Handle, deadline uint64) uabi.Error

	EndpointCreate(account uabi.Handle, rank uint32) (uabi.Handle, uabi.Error)
	Bind(endpoint, event uabi.Handle, key uint64, mask uint32) uabi.Error
	Mint(endpoint uabi.Handle, badge uint64, rights uint32) (uabi.Handle, uabi.Error)
	BadgeAck(endpoint uabi.Handle, badge uint64) uabi.Error
	Subscribe(endpoint uabi.Handle) uabi.Error
	ThreadAck(endpoint uabi.Handle, origin uint64) uabi.Error

	// The current trap's alien.
	AlienRead(va uint64, b []byte) (int, uabi.Error)
	AlienWrite(va uint64, b []byte) (int, uabi.Error)
	// AlienString reads up to and without the NUL; n is the string's length.
	AlienString(va uint64, b []byte) (int, uabi.Error)
	// AlienState copies the alien's 512-byte FXSAVE area to va of its memory or, with write, from there.
	AlienState(va uint64, write bool) uabi.Error

	// The current request's grants.
	GrantRead(i int, off uint64, b []byte) (int, uabi.Error)
	GrantWrite(i int, off uint64, b []byte) (int, uabi.Error)
	GrantToMemory(i int, off uint64, memory uabi.Handle, moff, n uint64) (uint64, uabi.Error)
	MemoryToGrant(i int, off uint64, memory uabi.Handle, moff, n uint64) (uint64, uabi.Error)

	FutexWake(space uabi.Handle, addr uint64, count, bitset uint32, shared bool) (uint32, uabi.Error)
	FutexRequeue(addr uint64, wake uint32, addr2 uint64, requeue, value, flags uint32) (uint32, uabi.Error)
	FutexOp(addr uint64, wake uint32, addr2 uint64, wake2, op uint32, shared bool) (uint32, uabi.Error)
}

// Handles are the calls on the handle table.
type Handles interface {
	Close(h uabi.Handle) uabi.Error
	Dup(h uabi.Handle, rights uint32) (uabi.Handle, uabi.Error)
	HandleInfo(h uabi.Handle) (t uabi.Type, rights uint32, badge uint64, err uabi.Error)
	HandleNext(h uabi.Handle) (uabi.Handle, uabi.Error)
}

// Events are the calls on events, wait sets and timers.
type Events interface {
	EventCreate(account uabi.Handle) (uabi.Handle, uabi.Error)
	EventUpdate(h uabi.Handle, set, clear, raise uint32) (seq uint64, err uabi.Error)
	EventRead(h uabi.Handle) (level uint32, seq uint64, err uabi.Error)
	EventWait(h uabi.Handle, mask uint32, since, deadline uint64) (bits uint32, err uabi.Error)

	WaitSetCreate(account uabi.Handle) (uabi.Handle, uabi.Error)
	WaitSetAdd(set, member uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error
	WaitSetModify(set uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error
	WaitSetRemove(set uabi.Handle, key uint64) uabi.Error
	// WaitSetTake fills out with ready members and returns how many. It needs an attached buffer.
	WaitSetTake(set uabi.Handle, out []uabi.WaitReady) (int, uabi.Error)
	WaitSetTakeOnce(r *Receipt, set uabi.Handle, out []uabi.WaitReady) (int, uabi.Error)
	WaitSetEvent(set uabi.Handle) (uabi.Handle, uabi.Error)

	TimerCreate(account, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error)
	TimerSet(h uabi.Handle, deadline, interval uint64) uabi.Error
}

// Memories are the calls on memory objects. Offsets and sizes are bytes.
type Memories interface {
	MemoryCreate(account uabi.Handle, size uint64, flags uint32) (uabi.Handle, uabi.Error)
	MemoryResize(h uabi.Handle, size uint64) uabi.Error
	MemorySize(h uabi.Handle) (size, frames uint64, err uabi.Error)
	MemoryRead(h uabi.Handle, off uint64, b []byte) (int, uabi.Error)
	MemoryWrite(h uabi.Handle, off uint64, b []byte) (int, uabi.Error)
	MemoryClone(h, account uabi.Handle, off, n uint64) (uabi.Handle, uabi.Error)
	MemoryCopy(dst uabi.Handle, doff uint64, src uabi.Handle, soff, n uint64) (uint64, uabi.Error)
	MemoryZero(h uabi.Handle, off, n uint64) uabi.Error
	MemoryPager(h, endpoint uabi.Handle, key uint64) uabi.Error
	// MapSelf maps [off, off+n) of h shared, readable and (if the handle may) writable into the calling process and returns it as a slice that stays
	// valid for the life of the image. It is how a server reaches its kept memory: SpaceGap and SpaceMap on BootSpace.
	MapSelf(h uabi.Handle, off, n uint64) ([]byte, uabi.Error)
}

// Spaces are the calls on address spaces.
type Spaces interface {
	SpaceCreate(account uabi.Handle) (uabi.Handle, uabi.Error)
	SpaceClone(h, account uabi.Handle) (uabi.Handle, uabi.Error)
	SpaceMap(h uabi.Handle, a uabi.MapArgs) (va uint64, err uabi.Error)
	SpaceUnmap(h uabi.Handle, va, n uint64) uabi.Error
	SpaceProtect(h uabi.Handle, va, n uint64, prot uint32) uabi.Error
	SpaceMove(h uabi.Handle, old, oldLen, new, newLen uint64) uabi.Error
	SpaceMoveOnce(r *Receipt, h uabi.Handle, old, oldLen, new, newLen uint64) uabi.Error
	SpaceTag(h uabi.Handle, va, n, tag uint64) uabi.Error
	// SpaceQuery reports the first region that ends above va; ok is false when there is none.
	SpaceQuery(h uabi.Handle, va uint64) (r uabi.RegionInfo, ok bool, err uabi.Error)
	SpaceGap(h uabi.Handle, n, low, high uint64, flags uint32) (va uint64, err uabi.Error)
	SpaceDiscard(h uabi.Handle, va, n uint64) uabi.Error
	SpacePunch(h uabi.Handle, va, n uint64) uabi.Error
	SpaceTouch(h uabi.Handle, va, n uint64, write bool) (done uint64, err uabi.Error)
	SpacePresent(h uabi.Handle, va uint64) (bits uint64, err uabi.Error)
	SpaceInfo(h uabi.Handle) (mapped, frames uint64, err uabi.Error)
	SpaceRead(h uabi.Handle, va uint64, b []byte) (int, uabi.Error)
	SpaceWrite(h uabi.Handle, va uint64, b []byte) (int, uabi.Error)
}

// Threads are the calls on alien threads.
type Threads interface {
	ThreadCreate(account, space, handler uabi.Handle) (h uabi.Handle, origin uint64, err uabi.Error)
	ThreadSetRegs(h uabi.Handle, r *uabi.Regs) uabi.Error
	ThreadGetRegs(h uabi.Handle, r *uabi.Regs) uabi.Error
	ThreadCopyState(h, from uabi.Handle) uabi.Error
	ThreadContext(h uabi.Handle, words *[uabi.ContextWords]uint64) uabi.Error
	ThreadStart(h uabi.Handle) uabi.Error
	ThreadSpace(h, space uabi.Handle) uabi.Error
	ThreadInterrupt(h uabi.Handle, on bool) uabi.Error
	ThreadKill(h uabi.Handle) uabi.Error
	ThreadEvent(h, event uabi.Handle, bits uint32) uabi.Error
	ThreadInfo(h uabi.Handle) (ThreadInfo, uabi.Error)
}

// ThreadInfo is what CallThreadInfo says. Times in ns.
type ThreadInfo struct {
	State            uint32 // uabi.Thread…
	UserNS, SystemNS uint64
	Traps, Origin    uint64
}

// Processes are the calls on process images and accounts.
type Processes interface {
	ProcessCreate(account uabi.Handle, rank, flags uint32, name string) (uabi.Handle, uabi.Error)
	ProcessGive(h uabi.Handle, slot uint32, give uabi.Handle, rights uint32) uabi.Error
	ProcessStart(h, memory uabi.Handle, off, n uint64, args uabi.Handle) uabi.Error
	ProcessKill(h uabi.Handle, status uint64) uabi.Error
	ProcessEvent(h uabi.Handle) (uabi.Handle, uabi.Error)
	ProcessInfo(h uabi.Handle, info *uabi.ProcessInfo) uabi.Error
	// ProcessExit does not return.
	ProcessExit(status uint64)

	AccountCreate(parent uabi.Handle, frames, objects uint64) (uabi.Handle, uabi.Error)
	AccountLimit(h uabi.Handle, frames, objects uint64) uabi.Error
	AccountInfo(h uabi.Handle) (frames, objects uint64, err uabi.Error)
}

// Receipt is where a call whose name ends in Once stores its RAX and RDX in the same step as its effect (uabi.CallReceipt), and
// WaitSetTakeOnce what it took. It lies in memory that outlives the image, 16-byte aligned and within a page.
type Receipt [uabi.ReceiptSize / 8]uint64

// Ready copies what a WaitSetTakeOnce that gave len(out) members has taken.
func (r *Receipt) Ready(out []uabi.WaitReady) {
	w := r[2:]
	for i := range out {
		out[i] = uabi.WaitReady{Key: w[0], Data: w[1], Bits: uint32(w[2])}
		w = w[uabi.ReadySize/8:]
	}
}

// Devices are interrupts and I/O ports.
type Devices interface {
	IRQCreate(right uabi.Handle, line uint32, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error)
	IRQCreateOnce(r *Receipt, right uabi.Handle, line uint32, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error)
	IRQAck(h uabi.Handle) uabi.Error
	PortIn(ports uabi.Handle, port uint16, width int) (uint32, uabi.Error)
	PortOut(ports uabi.Handle, port uint16, width int, v uint32) uabi.Error
	PortInOnce(r *Receipt, ports uabi.Handle, port uint16, width int) (uint32, uabi.Error)
	PortOutBufOnce(r *Receipt, ports uabi.Handle, port uint16, b []byte) (int, uabi.Error)
	PortInBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error)
	PortOutBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error)
}

// System are the remaining calls.
type System interface {
	Clock(clock uint32) (ns uint64, err uabi.Error)
	ClockSet(power uabi.Handle, ns uint64) uabi.Error
	// Barrier returns once every other CPU has been in the kernel since it was called: a full barrier of all threads that run.
	Barrier()
	Random(b []byte) (int, uabi.Error)
	// Log writes one line to the kernel log.
	Log(line []byte) (int, uabi.Error)
	SystemInfo(info *uabi.SystemInfo) uabi.Error
	// Trace fills out with records from sequence number from on.
	Trace(power uabi.Handle, from uint64, out []uabi.TraceRecord) (n int, next uint64, err uabi.Error)
	// PowerOff does not return unless it fails.
	PowerOff(power uabi.Handle, status uint64) uabi.Error
	Panic(power uabi.Handle, what uint32) uabi.Error
}

// Buffer is a thread's message buffer (uabi: "The message buffer"). The pointers and slices alias memory that the kernel writes
// during message calls.
type Buffer struct {
	In, Out  *uabi.Msg
	Arg      []byte // ArgSize bytes
	InBytes  []byte // MaxBytes; In.Len of them are valid
	OutBytes []byte // MaxBytes; Out.Len of them are valid
}
