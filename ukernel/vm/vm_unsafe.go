package vm

import (
	"unsafe"

	"aramid/ukernel/arch"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// bytesAt is n bytes of physical memory at pa.
func bytesAt(pa, n uint64) []byte {
	// Safety: callers resolved pa in this kernel entry, and n does not leave its frame.
	return unsafe.Slice((*byte)(arch.Ptr(pa)), n)
}

// AsSpace is the space with header h, or nil when h is of another type.
func AsSpace(h *object.Header) *Space {
	if h.Type != uabi.TypeSpace {
		return nil
	}
	// Safety: headers of this type are only in Spaces, first.
	return (*Space)(unsafe.Pointer(h))
}

// AsMemory is the memory object with header h, or nil when h is of another type.
func AsMemory(h *object.Header) *Memory {
	if h.Type != uabi.TypeMemory {
		return nil
	}
	// Safety: headers of this type are only in Memories, first.
	return (*Memory)(unsafe.Pointer(h))
}
