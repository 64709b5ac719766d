package abi

import (
	"unsafe"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// regs is Arg as the register set of AnswerRegs.
func (h *Handler) regs(b *uk.Buffer) *uabi.Regs {
	// Safety: Arg is ArgSize bytes at an 8-byte boundary of the message buffer, larger than Regs, which holds no pointers.
	return (*uabi.Regs)(unsafe.Pointer(&b.Arg[0]))
}
