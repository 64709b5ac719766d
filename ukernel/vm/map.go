package vm

import (
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
)

// piece is how many pages a long operation handles at a time: some 20,000 instructions.
const piece = 1024

// maxOffset bounds offsets in memory objects, so that no sum with a length overflows.
const maxOffset = 1 << 60

const mapFlags = uabi.ProtMask | uabi.MapFixed | uabi.MapShared | uabi.MapGuard

// MapArgs asks for a mapping; see uabi.MapArgs for the fields of the same name. Va 0 (which no user can map) takes the highest
// free range.
type MapArgs struct {
	Va, Len, Off, Tag uint64
	Memory            *Memory // nil: anonymous
	Flags             uint32  // uabi.Prot… | uabi.Map…
	Max               uint32  // uabi.Prot… bits that a shared mapping may ever have (from the handle's rights)
}

// aligned reports whether [va, va+n) is a non-empty range of whole pages that users may map.
//
//go:noinline
func aligned(va, n uint64) bool {
	return (va|n)&pageMask == 0 && n != 0 && va >= uabi.MinUser && n <= uabi.MaxUser && va <= uabi.MaxUser-n
}

// check is the part of Map's decode that looks at the arguments alone.
func (a *MapArgs) check() uabi.Error {
	if !aligned(a.Va, a.Len) || a.Off&pageMask != 0 || a.Off > maxOffset || a.Flags&^uint32(mapFlags) != 0 {
		return uabi.ErrArg
	}
	if a.Flags&uabi.MapGuard != 0 && (a.Memory != nil || a.Flags&uabi.ProtMask != 0) {
		return uabi.ErrArg
	}
	if a.Memory != nil && a.Flags&uabi.MapShared != 0 {
		if a.Memory.readOnly {
			a.Max &^= uabi.ProtWrite
		}
		if a.Flags&uabi.ProtMask&^a.Max != 0 {
			return uabi.ErrRights
		}
	}
	return uabi.OK
}

// Map makes a mapping and returns its address. The region takes its own reference to the memory object. Anonymous shared
// memory becomes a memory object charged to the space's account. ErrArg, ErrExists (occupied, without MapFixed), ErrRights
// (shared and the object may not be accessed so), ErrNoMem.
func (s *Space) Map(a *MapArgs) (uint64, uabi.Error) {
	if a.Va == 0 && a.Flags&uabi.MapFixed == 0 {
		va, err := s.Gap(a.Len, uabi.MinUser, uabi.MaxUser, 0)
		if err != uabi.OK {
			return 0, err
		}
		a.Va = va
	}
	if err := a.check(); err != uabi.OK {
		return 0, err
	}
	end := a.Va + a.Len
	taken := !s.free(a.Va, end)
	if taken && a.Flags&uabi.MapFixed == 0 {
		return 0, uabi.ErrExists
	}
	nodes := 1
	if taken {
		nodes += s.splits(a.Va, end)
	}
	var sp spares
	if !sp.take(s.Acct, nodes) {
		return 0, uabi.ErrNoMem
	}
	mem := a.Memory
	switch {
	case mem != nil:
		mem.Refs++
	case a.Flags&uabi.MapShared != 0:
		m, err := NewMemory(s.Acct, a.Len, 0)
		if err != uabi.OK {
			sp.free()
			return 0, err
		}
		mem = m
	}
	if taken {
		s.clear(a.Va, end, &sp)
	}
	s.add(a, mem, sp.pop())
	s.merge(a.Va, end)
	sp.free()
	flush()
	return a.Va, uabi.OK
}

// add inserts the region that a describes, with the caller's reference to mem.
func (s *Space) add(a *MapArgs, mem *Memory, r *region) {
	r.va, r.end, r.tag = a.Va, a.Va+a.Len, a.Tag
	r.flags = a.Flags &^ uabi.MapFixed
	r.max = uabi.ProtMask
	if r.mem = mem; mem != nil {
		if a.Memory == nil {
			a.Off = 0
		} else if a.Flags&uabi.MapShared != 0 {
			r.max = a.Max & uabi.ProtMask
		}
		r.off = a.Off
		mem.link(r)
	}
	s.insert(r)
	s.mapped += a.Len
}

// clear removes the regions and pages of [va, end), however many.
func (s *Space) clear(va, end uint64, sp *spares) {
	for r := s.carve(va, end, sp); r != nil && r.va < end; {
		next := r.next
		s.zap(r, r.va, r.end, ^uint64(0))
		s.mapped -= r.end - r.va
		s.discardNode(r)
		r = next
	}
}

// zap drops the pages of r in [va, end), at most about budget of them, and returns the address behind the last one done.
func (s *Space) zap(r *region, va, end, budget uint64) uint64 {
	i, last := va>>pageShift, end>>pageShift
	for r.resident != 0 && budget > 0 {
		leaf, at := s.pt.next(i, last)
		if leaf == 0 {
			return end
		}
		i = leafEnd(at, last)
		if i-at > budget {
			i = at + budget
		}
		budget -= i - at
		n := s.zapLeaf(leaf, at, i)
		r.resident -= n
		s.resident -= n
		if frame.Refs(leaf) == 1 {
			s.stale(at << pageShift)
			s.pt.prune(at)
		}
		if i == last {
			return end
		}
	}
	if r.resident == 0 {
		return end
	}
	return i << pageShift
}

// zapLeaf drops the entries of pages [at, end) of one leaf and returns how many there were. The leaf stays, even if empty.
func (s *Space) zapLeaf(leaf, at, end uint64) (n uint64) {
	w := frame.Words(leaf)
	for ; at < end; at++ {
		e := w[at&nodeMask]
		if e == 0 {
			continue
		}
		w[at&nodeMask] = 0
		n++
		s.dropEntry(e, at<<pageShift)
	}
	frame.SubRefs(leaf, uint32(n))
	return n
}

// Unmap removes what is mapped in [va, va+n); holes are fine. It does a bounded piece; more: call again with the same
// arguments. ErrArg, ErrNoMem (for splitting a region).
func (s *Space) Unmap(va, n uint64) (more bool, err uabi.Error) {
	if !aligned(va, n) {
		return false, uabi.ErrArg
	}
	end := va + n
	var sp spares
	if !sp.take(s.Acct, s.splits(va, end)) {
		return false, uabi.ErrNoMem
	}
	budget := uint64(piece)
	for r := s.carve(va, end, &sp); r != nil && r.va < end && budget > 0; budget-- {
		next := r.next
		before := r.resident
		if s.zap(r, r.va, r.end, budget) != r.end {
			more = true
			break
		}
		budget -= min(before, budget-1)
		s.mapped -= r.end - r.va
		s.discardNode(r)
		r = next
	}
	sp.free()
	flush()
	return more || !s.free(va, end), uabi.OK
}

// Discard is CallSpaceDiscard: the next access finds private anonymous pages zero, others in their memory object. Holes are
// fine. more as in Unmap. ErrArg.
func (s *Space) Discard(va, n uint64) (more bool, err uabi.Error) {
	if !aligned(va, n) {
		return false, uabi.ErrArg
	}
	end := va + n
	budget := uint64(piece)
	for r := s.find(va); r != nil && r.va < end; r = r.next {
		lo, hi, before := max(va, r.va), min(end, r.end), r.resident
		if budget == 0 || s.zap(r, lo, hi, budget) != hi {
			more = true
			break
		}
		budget -= min(before-r.resident, budget)
	}
	flush()
	return more, uabi.OK
}
