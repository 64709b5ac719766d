package object

import "aramid/ukernel/frame"

// store is a Pool without its type, so that its code exists once: kernel text is limited. size is that of an object, rounded
// up to 16.
type store struct {
	partial uint64 // slabs with free objects: doubly linked by physical address; 0 ends
	empty   uint64 // at most one slab with no object in use, in no list
	live    uint64
}

// slab is the first slabHeader bytes of a slab.
type slab struct {
	next, prev uint64 // physical addresses in store.partial
	free       uint32 // offset of the first free object, 0 none; its first word holds the next offset
	used       uint32
	fresh      uint32 // offset of the first object that was never used; they are beyond the free list
	listed     bool
}

const slabHeader = 64

// find charges for a free object and finds it: its slab and offset there, or 0, 0.
func (p *store) find(a *Account, size uint32) (pa uint64, off uint32) {
	if !a.ChargeObjects(1) {
		return 0, 0
	}
	pa = p.partial
	if pa == 0 {
		if pa = p.empty; pa != 0 {
			p.empty = 0
		} else if pa = grow(size, a.mayReserve()); pa == 0 {
			a.UnchargeObjects(1)
			return 0, 0
		}
		p.list(pa)
	}
	s := slabAt(pa)
	off = s.free
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
	return pa, off
}

// give gives an object back to its slab.
func (p *store) give(pa uint64, off, size uint32) {
	s := slabAt(pa)
	*linkAt(pa, off) = s.free
	s.free = off
	s.used--
	p.live--
	switch {
	case s.used == 0:
		if s.listed {
			p.unlist(pa)
		}
		if p.empty != 0 {
			release(pa, size)
			break
		}
		s.free, s.fresh = 0, slabHeader
		p.empty = pa
	case !s.listed:
		p.list(pa)
	}
}

// trim gives the spare slab back.
//
//go:noinline
func (p *store) trim(size uint32) {
	if p.empty != 0 {
		release(p.empty, size)
		p.empty = 0
	}
}

// list puts a slab in the partial list.
func (p *store) list(pa uint64) {
	s := slabAt(pa)
	s.next, s.prev, s.listed = p.partial, 0, true
	if p.partial != 0 {
		slabAt(p.partial).prev = pa
	}
	p.partial = pa
}

// unlist takes it out.
func (p *store) unlist(pa uint64) {
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

// grow gets a slab, in no list; 0 when there is no memory.
func grow(size uint32, reserve bool) uint64 {
	n := slabBytes(size) / frame.Size
	var pa uint64
	var ok bool
	if n == 1 {
		pa, ok = frame.AllocKernel(reserve)
	} else {
		pa, ok = frame.AllocKernelRun(int(n), reserve)
	}
	if !ok {
		return 0
	}
	*slabAt(pa) = slab{fresh: slabHeader}
	return pa
}

// release gives a slab's frames back.
func release(pa uint64, size uint32) {
	n := slabBytes(size) / frame.Size
	for i := range uint64(n) {
		frame.Free(pa + i*frame.Size)
	}
}

// slabBytes is the size of a slab for objects of size bytes: a frame, or for large ones as many as one object needs.
func slabBytes(size uint32) uint32 {
	return (slabHeader + size + frame.Size - 1) &^ (frame.Size - 1)
}
