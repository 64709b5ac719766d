package uksim

import (
	"unsafe"

	"aramid/ukernel/uabi"
)

// nativeBytes is a native caller's granted memory: a Go slice of this very process.
func nativeBytes(addr, n uint64) []byte {
	if n == 0 {
		return nil
	}
	// Safety: the caller is blocked in its call while the slice is used, so what the address points to is live on its stack frame;
	// doc of uk.Kernel: granted slices are on the heap, since a blocked coroutine's stack may move.
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
}

// argRegs is Arg as a register set.
func argRegs(b []byte) *uabi.Regs {
	// Safety: Arg is ArgSize bytes of its own heap block, so it is 8-byte aligned and larger than Regs, which holds no pointers.
	return (*uabi.Regs)(unsafe.Pointer(&b[0]))
}
