package main

import (
	"unsafe"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// bufferAddress is where the message buffer lies.
func bufferAddress(b *uk.Buffer) uintptr {
	// Safety: the address of memory that the kernel mapped, only passed on to assembly.
	return uintptr(unsafe.Pointer(b.In))
}

// The build fails if Len moves in uabi.Msg.
var (
	_ [lenOffset - unsafe.Offsetof(uabi.Msg{}.Len)]struct{}
	_ [unsafe.Offsetof(uabi.Msg{}.Len) - lenOffset]struct{}
)
