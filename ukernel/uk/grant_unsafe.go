package uk

import (
	"unsafe"

	"aramid/ukernel/uabi"
)

// escaped is never set: that it could be has the compiler put what Grant is given on the heap, since a goroutine's stack may move.
var escaped struct {
	ever bool
	b    []byte
}

// Grant describes a window onto b for one call. b must stay referenced until the call returns (runtime.KeepAlive, or a field of something that
// lives on).
func Grant(b []byte, rights uint32) uabi.Grant {
	if escaped.ever {
		escaped.b = b
	}
	if len(b) == 0 {
		return uabi.Grant{Rights: rights}
	}
	// Safety: only the address is taken, of memory that does not move; who uses it is bound by the rule above.
	return uabi.Grant{Addr: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))), Len: uint64(len(b)), Rights: rights}
}
