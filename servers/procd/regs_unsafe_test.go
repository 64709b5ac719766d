package main

import (
	"unsafe"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// argRegs views a buffer's Arg as registers.
func argRegs(b *uk.Buffer) *uabi.Regs {
	// Safety: Arg is ArgSize bytes at an 8-byte boundary of the message buffer, larger than Regs, which holds no pointers.
	return (*uabi.Regs)(unsafe.Pointer(&b.Arg[0]))
}
