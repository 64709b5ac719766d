package fake

import "unsafe"

// Ptr is the direct map: the address of physical address pa.
//
// Safety: pa is inside RAM, else the slice index panics.
func Ptr(pa uint64) unsafe.Pointer { return unsafe.Pointer(&M.RAM[pa]) }

// Phys is the inverse of Ptr.
//
// Safety: p came from Ptr of the same machine.
func Phys(p unsafe.Pointer) uint64 {
	return uint64(uintptr(p) - uintptr(unsafe.Pointer(&M.RAM[0])))
}
