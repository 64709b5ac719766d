package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
)

// Protect is CallSpaceProtect. ErrArg; ErrNoMem: a hole in [va, va+n), or no memory for splitting a region; ErrRights: a
// guard, or a shared object that may not be accessed so.
func (s *Space) Protect(va, n uint64, prot uint32) uabi.Error {
	if !aligned(va, n) || prot&^uint32(uabi.ProtMask) != 0 {
		return uabi.ErrArg
	}
	end := va + n
	if !s.covered(va, end) {
		return uabi.ErrNoMem
	}
	for r := s.at(va); r != nil && r.va < end; r = r.next {
		if r.flags&uabi.MapGuard != 0 || prot&^r.max != 0 {
			return uabi.ErrRights
		}
	}
	var sp spares
	if !sp.take(s.Acct, s.splits(va, end)) {
		return uabi.ErrNoMem
	}
	for r := s.carve(va, end, &sp); r != nil && r.va < end; r = r.next {
		if r.flags&uabi.ProtMask != prot {
			r.flags = r.flags&^uabi.ProtMask | prot
			s.reprotect(r)
		}
	}
	s.merge(va, end)
	sp.free()
	flush()
	return uabi.OK
}

// reprotect gives the pages of r the rights of its flags, except that the right to write comes by a fault.
func (s *Space) reprotect(r *region) {
	bits := r.protBits()
	if r.flags&uabi.ProtMask == 0 {
		bits = 0
	}
	keep := uint64(arch.PTEFrame | pteCounted | pteOwn)
	if r.flags&uabi.ProtWrite != 0 {
		keep |= arch.PTEWrite
	}
	left := r.resident
	i, last := r.va>>pageShift, r.end>>pageShift
	for left > 0 {
		leaf, at := s.pt.next(i, last)
		if leaf == 0 {
			return
		}
		i = leafEnd(at, last)
		w := frame.Words(leaf)
		for ; at < i; at++ {
			e := w[at&nodeMask]
			if e == 0 {
				continue
			}
			left--
			now := e&keep | bits
			if bits == 0 {
				now &^= arch.PTEWrite
			}
			w[at&nodeMask] = now
			if e&arch.PTEPresent != 0 && lost(e, now) {
				s.stale(at << pageShift)
			}
		}
	}
}

// lost reports whether an entry allows less now than it did.
func lost(was, now uint64) bool {
	const grants = arch.PTEPresent | arch.PTEWrite
	return was&^now&grants != 0 || now&^was&arch.PTENoExec != 0
}

// Tag is CallSpaceTag. ErrArg; ErrNoMem: a hole, or no memory for splitting a region.
func (s *Space) Tag(va, n, tag uint64) uabi.Error {
	if !aligned(va, n) {
		return uabi.ErrArg
	}
	end := va + n
	var sp spares
	if !s.covered(va, end) || !sp.take(s.Acct, s.splits(va, end)) {
		return uabi.ErrNoMem
	}
	for r := s.carve(va, end, &sp); r != nil && r.va < end; r = r.next {
		r.tag = tag
	}
	s.merge(va, end)
	sp.free()
	return uabi.OK
}
