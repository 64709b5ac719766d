package ipc

import (
	"unsafe"

	"aramid/ukernel/arch"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// Buffer is a thread's message buffer, uabi.BufSize bytes.
type Buffer struct {
	In       uabi.Msg
	_        [uabi.MsgSize - unsafe.Sizeof(uabi.Msg{})]byte // Safety: layout only
	Out      uabi.Msg
	_        [uabi.MsgSize - unsafe.Sizeof(uabi.Msg{})]byte // Safety: layout only
	Arg      [uabi.ArgSize]byte
	InBytes  [uabi.MaxBytes]byte
	OutBytes [uabi.MaxBytes]byte
}

// Safety: compile-time checks that the layout is uabi's.
const (
	_ = -(unsafe.Offsetof(Buffer{}.Out) - uabi.BufOut)
	_ = -(unsafe.Offsetof(Buffer{}.Arg) - uabi.BufArg)
	_ = -(unsafe.Offsetof(Buffer{}.InBytes) - uabi.BufInBytes)
	_ = -(unsafe.Offsetof(Buffer{}.OutBytes) - uabi.BufOutBytes)
	_ = -(unsafe.Sizeof(Buffer{}) - uabi.BufSize)
)

// ArgRegs is Arg as a register set (AnswerRegs, CallThreadSetRegs).
func (b *Buffer) ArgRegs() *uabi.Regs {
	// Safety: Regs is plain words, fits in ArgSize, and Arg is page-aligned plus 2 KiB.
	return (*uabi.Regs)(unsafe.Pointer(&b.Arg))
}

// bufferAt is the message buffer at physical address pa.
func bufferAt(pa uint64) *Buffer {
	// Safety: pa is the first of uabi.BufSize contiguous bytes of RAM that the thread's memory object keeps.
	return (*Buffer)(arch.Ptr(pa))
}

// of is the ipc thread that t is the first field of.
func of(t *sched.Thread) *Thread {
	// Safety: every sched.Thread is the first field of an ipc.Thread.
	return (*Thread)(unsafe.Pointer(t))
}
