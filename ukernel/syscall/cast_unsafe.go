package syscall

import (
	"unsafe"

	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// threadOf is the thread whose saved state c is. Never for an idle CPU's own context.
func threadOf(c *arch.Context) *ipc.Thread {
	// Safety: entry code passes the Ctx field of a sched.Thread, which is the first field of an ipc.Thread.
	return (*ipc.Thread)(unsafe.Add(unsafe.Pointer(c), -int(unsafe.Offsetof(sched.Thread{}.Ctx))))
}

// badgeOf is the badge of a handle table entry, or nil.
func badgeOf(h *object.Header) *ipc.Badge {
	// Safety: an entry's Badge is nil or the header of an ipc.Badge, its first field.
	return (*ipc.Badge)(unsafe.Pointer(h))
}

// The casts from a header to its object.

// Safety (all of them): every kernel object has its Header as the first field; needs says of which type each argument is, and
// need.find has checked Header.Type.

func processOf(h *object.Header) *ipc.Process    { return (*ipc.Process)(unsafe.Pointer(h)) }
func alienOf(h *object.Header) *ipc.Thread       { return (*ipc.Thread)(unsafe.Pointer(h)) }
func endpointOf(h *object.Header) *ipc.Endpoint  { return (*ipc.Endpoint)(unsafe.Pointer(h)) }
func eventOf(h *object.Header) *ipc.Event        { return (*ipc.Event)(unsafe.Pointer(h)) }
func waitSetOf(h *object.Header) *ipc.WaitSet    { return (*ipc.WaitSet)(unsafe.Pointer(h)) }
func timerOf(h *object.Header) *ipc.Timer        { return (*ipc.Timer)(unsafe.Pointer(h)) }
func irqOf(h *object.Header) *ipc.IRQ            { return (*ipc.IRQ)(unsafe.Pointer(h)) }
func accountOf(h *object.Header) *object.Account { return (*object.Account)(unsafe.Pointer(h)) }
func spaceOf(h *object.Header) *vm.Space         { return (*vm.Space)(unsafe.Pointer(h)) }
func memoryOf(h *object.Header) *vm.Memory       { return (*vm.Memory)(unsafe.Pointer(h)) }

// portOf is the port object whose header h is.
func portOf(h *object.Header) *port {
	// Safety: only this package makes headers of type TypePort, and each is a port's first field.
	return (*port)(unsafe.Pointer(h))
}

// linuxThread is what the Go runtime's subset keeps of a native thread.
func threadState(t *ipc.Thread) *linuxThread {
	// Safety: t.Sys is this package's; linuxThread is plain words and fits (checked below).
	return (*linuxThread)(unsafe.Pointer(&t.Sys))
}

// processState is what the Go runtime's subset keeps of an image.
func processState(p *ipc.Process) *linuxProcess {
	// Safety: p.Sys is this package's; linuxProcess is plain words and fits (checked below).
	return (*linuxProcess)(unsafe.Pointer(&p.Sys))
}

// Safety: compile-time checks that the states fit.
const (
	_ = unsafe.Sizeof(ipc.Thread{}.Sys) - unsafe.Sizeof(linuxThread{})
	_ = unsafe.Sizeof(ipc.Process{}.Sys) - unsafe.Sizeof(linuxProcess{})
)

// The structures that calls pass in Arg. The user can write Arg at any time from another thread: callers copy before they
// look, and write each result once.

func argMap(b *ipc.Buffer) *uabi.MapArgs {
	// Safety: Arg is ArgSize bytes, 8-aligned; MapArgs is plain words and smaller.
	return (*uabi.MapArgs)(unsafe.Pointer(&b.Arg))
}

func argRegion(b *ipc.Buffer) *uabi.RegionInfo {
	// Safety: as argMap.
	return (*uabi.RegionInfo)(unsafe.Pointer(&b.Arg))
}

func argWords(b *ipc.Buffer) *[uabi.ContextWords]uint64 {
	// Safety: as argMap.
	return (*[uabi.ContextWords]uint64)(unsafe.Pointer(&b.Arg))
}

func argReady(b *ipc.Buffer, n int) []uabi.WaitReady {
	// Safety: as argMap; n ≤ maxReady, which fits.
	return unsafe.Slice((*uabi.WaitReady)(unsafe.Pointer(&b.Arg)), n)
}

func argProcess(b *ipc.Buffer) *uabi.ProcessInfo {
	// Safety: as argMap.
	return (*uabi.ProcessInfo)(unsafe.Pointer(&b.Arg))
}

func argSystem(b *ipc.Buffer) *uabi.SystemInfo {
	// Safety: as argMap.
	return (*uabi.SystemInfo)(unsafe.Pointer(&b.Arg))
}

// Safety: compile-time checks that the largest structures fit into Arg.
const (
	_ = uabi.ArgSize - unsafe.Sizeof(uabi.SystemInfo{})
	_ = uabi.ArgSize - unsafe.Sizeof(uabi.Regs{})
	_ = uabi.ArgSize - maxReady*unsafe.Sizeof(uabi.WaitReady{})
)

// traceBytes is a record as bytes.
func traceBytes(p *uabi.TraceRecord) []byte {
	// Safety: TraceRecord is plain words without padding; the slice lives no longer than the record.
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), traceSize)
}

const traceSize = uint64(unsafe.Sizeof(uabi.TraceRecord{}))

// physBytes is a run of physical memory as bytes, through the direct map.
func physBytes(base, n uint64) []byte {
	if n == 0 {
		return nil
	}
	// Safety: the loader says that this RAM holds what it handed over; nobody writes or frees it.
	return unsafe.Slice((*byte)(arch.Ptr(base)), n)
}
