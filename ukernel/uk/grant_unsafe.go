package uk

import (
	"unsafe"

	"aramid/ukernel/uabi"
)

// Grant describes a window onto b for one call. b must be on the heap and stay referenced until the call returns (runtime.KeepAlive, or
// a field of something that lives on): a goroutine's stack may move.
func Grant(b []byte, rights uint32) uabi.Grant {
	if len(b) == 0 {
		return uabi.Grant{Rights: rights}
	}
	// Safety: only the address is taken; who uses it is bound by the rule above.
	return uabi.Grant{Addr: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))), Len: uint64(len(b)), Rights: rights}
}
