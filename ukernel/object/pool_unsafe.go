package object

import (
	"unsafe"

	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
)

// Pool hands out objects of type T from slabs of frames. The zero Pool is ready. T must hold no Go heap pointers. Objects
// are zeroed, aligned to 16 bytes, and never move. An emptied slab goes back to package frame, but one is kept (Trim frees it).
type Pool[T any] struct{ s store }

// Get returns a zeroed object charged to a (nil: the kernel), or nil when there is no memory or a limit is reached.
func (p *Pool[T]) Get(a *Account) *T {
	// Safety: the object has room for a T, is aligned, and no one else has it.
	return (*T)(p.s.get(a, sizeOf[T]()))
}

// Put takes back an object that was charged to a.
func (p *Pool[T]) Put(t *T, a *Account) {
	// Safety: as in back.
	p.s.putFor(unsafe.Pointer(t), sizeOf[T](), a)
}

// back is Put without the uncharging, which the end of an account must do itself: the kernel has no recursion.
func (p *Pool[T]) back(t *T) {
	// Safety: t came from Get, so it is in a slab of this pool.
	p.s.put(unsafe.Pointer(t), sizeOf[T]())
}

// Live is the number of objects in use.
func (p *Pool[T]) Live() uint64 { return p.s.live }

// Trim gives the spare slab back.
func (p *Pool[T]) Trim() { p.s.trim(sizeOf[T]()) }

// sizeOf is the distance between objects of a slab: multiples of 16, so that every object is aligned for FXSAVE.
func sizeOf[T any]() uint32 {
	var p *T
	return uint32(unsafe.Sizeof(*p)+15) &^ 15
}

// get returns a zeroed object charged to a, or nil.
func (p *store) get(a *Account, size uint32) unsafe.Pointer {
	pa, off := p.find(a, size)
	if pa == 0 {
		return nil
	}
	// Safety: the slab at pa has size bytes at off, which find has just taken out of its free list.
	at := unsafe.Add(arch.Ptr(pa), off)
	clear(unsafe.Slice((*byte)(at), size))
	return at
}

// putFor takes back an object that was charged to a.
func (p *store) putFor(t unsafe.Pointer, size uint32, a *Account) {
	p.put(t, size)
	if a != nil {
		a.UnchargeObjects(1)
	}
}

// put takes back an object; the caller uncharges it.
func (p *store) put(t unsafe.Pointer, size uint32) {
	// Safety: slabs of one frame are frame-aligned, and in larger ones the only object is at slabHeader.
	at := arch.Phys(t)
	p.give(at&^(frame.Size-1), uint32(at&(frame.Size-1)), size)
}
