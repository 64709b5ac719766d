package ipc

import "unsafe"

// child is the node that word w of a node above the lowest level points to; nil for 0.
func child(w uint64) *tomb {
	// Safety: w is 0 or what word made of a node in a slab of the direct map, out of reach of any garbage collector.
	return *(**tomb)(unsafe.Pointer(&w))
}

// word is its inverse.
func (n *tomb) word() uint64 {
	// Safety: only child turns it back.
	return uint64(uintptr(unsafe.Pointer(n)))
}
