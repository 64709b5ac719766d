package uk

import (
	"unsafe"

	"aramid/ukernel/uabi"
)

// Safety (of every method here that takes a slice): the conversion to uintptr stands in the argument list of native, an assembly
// function, so the compiler keeps the array alive and in place for the call; the kernel touches at most len bytes of it and
// only while the call lasts.

// AlienRead implements Kernel.
func (r *Real) AlienRead(va uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallAlienRead, uintptr(va), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	return count(r0)
}

// AlienWrite implements Kernel.
func (r *Real) AlienWrite(va uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallAlienWrite, uintptr(va), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	return count(r0)
}

// AlienString implements Kernel.
func (r *Real) AlienString(va uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallAlienString, uintptr(va), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	return count(r0)
}

// GrantRead implements Kernel.
func (r *Real) GrantRead(i int, off uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallGrantRead, uintptr(i), uintptr(off), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// GrantWrite implements Kernel.
func (r *Real) GrantWrite(i int, off uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallGrantWrite, uintptr(i), uintptr(off), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// MemoryRead implements Kernel.
func (r *Real) MemoryRead(h uabi.Handle, off uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallMemoryRead, uintptr(h), uintptr(off), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// MemoryWrite implements Kernel.
func (r *Real) MemoryWrite(h uabi.Handle, off uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallMemoryWrite, uintptr(h), uintptr(off), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// SpaceRead implements Kernel.
func (r *Real) SpaceRead(h uabi.Handle, va uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallSpaceRead, uintptr(h), uintptr(va), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// SpaceWrite implements Kernel.
func (r *Real) SpaceWrite(h uabi.Handle, va uint64, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallSpaceWrite, uintptr(h), uintptr(va), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// ProcessCreate implements Kernel.
func (r *Real) ProcessCreate(account uabi.Handle, rank, flags uint32, name string) (uabi.Handle, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallProcessCreate, uintptr(account), uintptr(rank), uintptr(flags),
		uintptr(unsafe.Pointer(unsafe.StringData(name))), uintptr(len(name)), 0)
	return handle(r0)
}

// PortInWide is PortInBuf with accesses of 2 or 4 bytes; len(b) is a multiple of width. It is not part of Kernel: only rootd's drop drive,
// which no simulation has, needs it.
func (r *Real) PortInWide(ports uabi.Handle, port uint16, b []byte, width uint32) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallPortInBuf, uintptr(ports), uintptr(port), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(width), 0)
	return count(r0)
}

// PortInBuf implements Kernel.
func (r *Real) PortInBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallPortInBuf, uintptr(ports), uintptr(port), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// PortOutBuf implements Kernel.
func (r *Real) PortOutBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallPortOutBuf, uintptr(ports), uintptr(port), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0)
	return count(r0)
}

// Barrier implements Kernel. The others are interrupted at once, so that asking again is shorter than any wait would be.
func (r *Real) Barrier() {
	for gen := uintptr(0); ; {
		if gen, _ = native(uabi.CallBarrier, gen, 0, 0, 0, 0, 0); gen == 0 {
			return
		}
	}
}

// Random implements Kernel.
func (r *Real) Random(b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallRandom, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0, 0)
	return count(r0)
}

// Log implements Kernel.
func (r *Real) Log(line []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallLog, uintptr(unsafe.Pointer(unsafe.SliceData(line))), uintptr(len(line)), 0, 0, 0, 0)
	return count(r0)
}

// Trace implements Kernel.
func (r *Real) Trace(power uabi.Handle, from uint64, out []uabi.TraceRecord) (int, uint64, uabi.Error) {
	const size = unsafe.Sizeof(uabi.TraceRecord{})
	// Safety: see the head of this file.
	r0, r1 := native(uabi.CallTrace, uintptr(power), uintptr(from), uintptr(unsafe.Pointer(unsafe.SliceData(out))), uintptr(len(out))*size, 0, 0)
	n, next, err := both(r0, r1)
	return int(n / uint64(size)), next, err
}

// Raw makes any call with any words: for fuzzers and figures. Pointers among the words are the caller's affair.
func Raw(num, a0, a1, a2, a3, a4, a5 uintptr) (r0, r1 uintptr) {
	return native(num, a0, a1, a2, a3, a4, a5)
}

// bufferAt describes the message buffer that the kernel mapped at va.
func bufferAt(va uint64) Buffer {
	base := mapped(va)
	// Safety: CallAttach mapped BufSize bytes at va, outside the Go heap, until Detach; the offsets are uabi's, and a Msg at a
	// multiple of MsgSize is aligned.
	return Buffer{
		In:       (*uabi.Msg)(unsafe.Add(base, uabi.BufIn)),
		Out:      (*uabi.Msg)(unsafe.Add(base, uabi.BufOut)),
		Arg:      unsafe.Slice((*byte)(unsafe.Add(base, uabi.BufArg)), uabi.ArgSize),
		InBytes:  unsafe.Slice((*byte)(unsafe.Add(base, uabi.BufInBytes)), uabi.MaxBytes),
		OutBytes: unsafe.Slice((*byte)(unsafe.Add(base, uabi.BufOutBytes)), uabi.MaxBytes),
	}
}

// bytesAt is the n bytes that the kernel mapped at va.
func bytesAt(va, n uint64) []byte {
	// Safety: the caller just mapped the range, outside the Go heap, and never unmaps it.
	return unsafe.Slice((*byte)(mapped(va)), n)
}

// mapped turns an address that the kernel gave into a pointer.
func mapped(va uint64) unsafe.Pointer {
	// Safety: the address lies outside the Go heap and in a mapping that lives on, so the collector neither moves nor frees it. Going
	// through a variable's own bits is the form that vet knows not to be arithmetic on a Go pointer.
	return *(*unsafe.Pointer)(unsafe.Pointer(&va))
}

// Safety (of the functions below): Arg is ArgSize bytes at an 8-byte boundary inside the message buffer, larger than each of the
// structures, which hold no pointers.

func argMap(b []byte) *uabi.MapArgs       { return (*uabi.MapArgs)(unsafe.Pointer(&b[0])) }
func argRegion(b []byte) *uabi.RegionInfo { return (*uabi.RegionInfo)(unsafe.Pointer(&b[0])) }
func argRegs(b []byte) *uabi.Regs         { return (*uabi.Regs)(unsafe.Pointer(&b[0])) }

// ArgRegs is Arg as registers.
func (b *Buffer) ArgRegs() *uabi.Regs { return argRegs(b.Arg) }

func argProcess(b []byte) *uabi.ProcessInfo { return (*uabi.ProcessInfo)(unsafe.Pointer(&b[0])) }
func argSystem(b []byte) *uabi.SystemInfo   { return (*uabi.SystemInfo)(unsafe.Pointer(&b[0])) }
func argThread(b []byte) *[3]uint64         { return (*[3]uint64)(unsafe.Pointer(&b[0])) }
func argContext(b []byte) *[uabi.ContextWords]uint64 {
	return (*[uabi.ContextWords]uint64)(unsafe.Pointer(&b[0]))
}

// argReady is the first n ready members in Arg.
func argReady(b []byte, n int) []uabi.WaitReady {
	return unsafe.Slice((*uabi.WaitReady)(unsafe.Pointer(&b[0])), n)
}

// WaitSetTakeOnce implements Kernel.
func (r *Real) WaitSetTakeOnce(at *Receipt, set uabi.Handle, out []uabi.WaitReady) (int, uabi.Error) {
	if !r.have {
		return 0, uabi.ErrArg
	}
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallWaitSetTake|uabi.CallReceipt, uintptr(set), uintptr(min(len(out), uabi.MaxReady)), 0, 0, 0, uintptr(unsafe.Pointer(at)))
	n, err := count(r0)
	at.Ready(out[:n])
	return n, err
}

// PortInOnce implements Kernel.
func (r *Real) PortInOnce(at *Receipt, ports uabi.Handle, port uint16, width int) (uint32, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallPortIn|uabi.CallReceipt, uintptr(ports), uintptr(port), uintptr(width), 0, 0, uintptr(unsafe.Pointer(at)))
	v, err := value(r0)
	return uint32(v), err
}

// PortOutBufOnce implements Kernel.
func (r *Real) PortOutBufOnce(at *Receipt, ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallPortOutBuf|uabi.CallReceipt, uintptr(ports), uintptr(port), uintptr(unsafe.Pointer(unsafe.SliceData(b))),
		uintptr(len(b)), 0, uintptr(unsafe.Pointer(at)))
	return count(r0)
}

// SpaceMoveOnce implements Kernel.
func (r *Real) SpaceMoveOnce(at *Receipt, h uabi.Handle, old, oldLen, to, toLen uint64) uabi.Error {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallSpaceMove|uabi.CallReceipt, uintptr(h), uintptr(old), uintptr(oldLen), uintptr(to), uintptr(toLen),
		uintptr(unsafe.Pointer(at)))
	return fail(r0)
}

// IRQCreateOnce implements Kernel.
func (r *Real) IRQCreateOnce(at *Receipt, right uabi.Handle, line uint32, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	// Safety: see the head of this file.
	r0, _ := native(uabi.CallIRQCreate|uabi.CallReceipt, uintptr(right), uintptr(line), uintptr(event), uintptr(bits), 0, uintptr(unsafe.Pointer(at)))
	return handle(r0)
}
