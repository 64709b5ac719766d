package object

import "aramid/ukernel/frame"

// Pool hands out objects of type T from slabs of frames. The zero Pool is ready. T must hold no Go heap pointers. Objects
// are zeroed, aligned to 16 bytes, and never move. An emptied slab goes back to package frame, but one is kept (Trim frees it).
type Pool[T any] struct {
	partial uint64 // slabs with free objects: doubly linked by physical address; 0 ends
	empty   uint64 // at most one slab with no object in use, in no list
	live    uint64
}

// slab is the first slabHeader bytes of a slab.
type slab struct {
	next, prev uint64 // physical addresses in Pool.partial
	free       uint32 // offset of the first free object, 0 none; its first word holds the next offset
	used       uint32
	fresh      uint32 // offset of the first object that was never used; they are beyond the free list
	listed     bool
}

const slabHeader = 64

// Get returns a zeroed object charged to a (nil: the kernel), or nil when there is no memory or a limit is reached.
func (p *Pool[T]) Get(a *Account) *T {
	if !a.ChargeObjects(1) {
		return nil
	}
	t := p.take(a.mayReserve())
	if t == nil {
		a.UnchargeObjects(1)
	}
	return t
}

// Put takes back an object that was charged to a.
func (p *Pool[T]) Put(t *T, a *Account) {
	p.free(t)
	if a != nil {
		a.UnchargeObjects(1)
	}
}

// Live is the number of objects in use.
func (p *Pool[T]) Live() uint64 { return p.live }

// Trim gives the spare slab back.
func (p *Pool[T]) Trim() {
	if p.empty != 0 {
		p.release(p.empty)
		p.empty = 0
	}
}

// take finds a free object.
func (p *Pool[T]) take(reserve bool) *T {
	pa := p.partial
	if pa == 0 {
		if pa = p.empty; pa != 0 {
			p.empty = 0
		} else if pa = p.grow(reserve); pa == 0 {
			return nil
		}
		p.list(pa)
	}
	s := slabAt(pa)
	size := sizeOf[T]()
	off := s.free
	if off != 0 {
		s.free = *linkAt(pa, off)
	} else {
		off = s.fresh
		s.fresh += size
	}
	s.used++
	if s.free == 0 && s.fresh+size > slabBytes(size) {
		p.unlist(pa)
	}
	p.live++
	return place[T](pa, off)
}

// free gives an object back to its slab.
func (p *Pool[T]) free(t *T) {
	pa, off := find(t)
	s := slabAt(pa)
	*linkAt(pa, off) = s.free
	s.free = off
	s.used--
	p.live--
	if s.used == 0 {
		if s.listed {
			p.unlist(pa)
		}
		s.free, s.fresh = 0, slabHeader
		if p.empty == 0 {
			p.empty = pa
		} else {
			p.release(pa)
		}
		return
	}
	if !s.listed {
		p.list(pa)
	}
}

// grow gets a slab, in no list; 0 when there is no memory.
func (p *Pool[T]) grow(reserve bool) uint64 {
	n := slabBytes(sizeOf[T]()) / frame.Size
	var pa uint64
	var ok bool
	if n == 1 {
		pa, ok = frame.AllocKernel(reserve)
	} else {
		pa, ok = frame.AllocRun(int(n), reserve)
	}
	if !ok {
		return 0
	}
	*slabAt(pa) = slab{fresh: slabHeader}
	return pa
}

// release gives a slab's frames back.
func (p *Pool[T]) release(pa uint64) {
	n := slabBytes(sizeOf[T]()) / frame.Size
	for i := range uint64(n) {
		frame.Free(pa + i*frame.Size)
	}
}

// list puts a slab in the partial list.
func (p *Pool[T]) list(pa uint64) {
	s := slabAt(pa)
	s.next, s.prev, s.listed = p.partial, 0, true
	if p.partial != 0 {
		slabAt(p.partial).prev = pa
	}
	p.partial = pa
}

// unlist takes it out.
func (p *Pool[T]) unlist(pa uint64) {
	s := slabAt(pa)
	if s.prev != 0 {
		slabAt(s.prev).next = s.next
	} else {
		p.partial = s.next
	}
	if s.next != 0 {
		slabAt(s.next).prev = s.prev
	}
	s.listed = false
}

// slabBytes is the size of a slab for objects of size bytes: a frame, or for large ones as many as one object needs.
func slabBytes(size uint32) uint32 {
	return (slabHeader + size + frame.Size - 1) &^ (frame.Size - 1)
}
