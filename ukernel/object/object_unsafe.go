package object

import (
	"unsafe"

	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
)

// slabAt is the header of the slab at pa.
func slabAt(pa uint64) *slab {
	// Safety: pa is the frame-aligned start of a slab that a Pool owns; slab fits in slabHeader bytes.
	return (*slab)(arch.Ptr(pa))
}

// linkAt is the first word of the free object at offset off of a slab.
func linkAt(pa uint64, off uint32) *uint32 {
	// Safety: off is an object's offset inside the slab, a multiple of 16.
	return (*uint32)(unsafe.Add(arch.Ptr(pa), off))
}

// setOwner notes a as the payer of a frame.
func setOwner(pa uint64, a *Account) {
	// Safety: only owner turns the word back; the account outlives the charge.
	frame.SetOwner(pa, uint64(uintptr(unsafe.Pointer(a))))
}

// owner is the payer of a frame; nil for the kernel.
func owner(pa uint64) *Account {
	// Safety: the word is 0 or what setOwner stored: an account in the direct map, alive while frames are charged to it, and
	// out of reach of any garbage collector.
	w := uintptr(frame.Owner(pa))
	return *(**Account)(unsafe.Pointer(&w))
}

// entryAt is entry i of the handle table page at pa.
func entryAt(pa uint64, i uint32) *Entry {
	// Safety: pa is a frame of the table, i < entriesPerPage.
	return (*Entry)(unsafe.Add(arch.Ptr(pa), uintptr(i)*unsafe.Sizeof(Entry{})))
}
