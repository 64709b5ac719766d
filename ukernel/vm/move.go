package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
)

// Move is CallSpaceMove, the mechanism of mremap(2): [old, old+oldLen) must be in one region. With new = old it shrinks, or
// grows into free space; else the region goes to [new, new+newLen), which must be free. Pages move, object offsets stay. With oldLen 0 the
// region at old stays, and another that shows the same goes to new.
// ErrArg; ErrFault: not one region; ErrExists: the target is occupied; ErrNoMem.
func (s *Space) Move(old, oldLen, new, newLen uint64) uabi.Error {
	if oldLen == 0 {
		return s.again(old, new, newLen)
	}
	if !aligned(old, oldLen) || !aligned(new, newLen) {
		return uabi.ErrArg
	}
	r := s.at(old)
	if r == nil || r.end < old+oldLen {
		return uabi.ErrFault
	}
	if new == old {
		return s.resizeRegion(r, old+oldLen, old+newLen)
	}
	if !s.free(new, new+newLen) {
		return uabi.ErrExists
	}
	var sp spares
	if !sp.take(s.Acct, s.splits(old, old+oldLen)) {
		return uabi.ErrNoMem
	}
	keep := min(oldLen, newLen)
	if !s.tablesFor(old, new, keep) {
		sp.free()
		flush()
		return uabi.ErrNoMem
	}
	r = s.carve(old, old+oldLen, &sp)
	s.movePages(old, new, keep)
	s.zap(r, old+keep, old+oldLen, ^uint64(0)) // behind movePages: it prunes leaves, and tablesFor's are empty before
	s.pruneRange(old, old+keep)
	s.remove(r)
	s.mapped += newLen - oldLen
	r.va, r.end = new, new+newLen
	s.insert(r)
	s.merge(new, new+newLen)
	sp.free()
	flush()
	return uabi.OK
}

// again maps n bytes of what the region at old shows from there on at to.
func (s *Space) again(old, to, n uint64) uabi.Error {
	r := s.at(old)
	if r == nil {
		return uabi.ErrFault
	}
	_, err := s.Map(&MapArgs{Va: to, Len: n, Off: r.off + (old - r.va), Tag: r.tag, Memory: r.mem, Flags: r.flags, Max: r.max})
	return err
}

// resizeRegion moves the end of what r holds from end to newEnd, in place.
func (s *Space) resizeRegion(r *region, end, newEnd uint64) uabi.Error {
	if newEnd <= end {
		if newEnd == end {
			return uabi.OK
		}
		var sp spares
		if !sp.take(s.Acct, s.splits(newEnd, end)) {
			return uabi.ErrNoMem
		}
		s.clear(newEnd, end, &sp)
		sp.free()
		flush()
		return uabi.OK
	}
	if !s.free(end, newEnd) {
		return uabi.ErrExists
	}
	s.mapped += newEnd - end
	r.end = newEnd
	s.merge(r.va, newEnd)
	return uabi.OK
}

// tablesFor makes the page tables that n bytes at new need for the pages that are at old. False: no memory, nothing left over.
func (s *Space) tablesFor(old, new, n uint64) bool {
	i, last := old>>pageShift, (old+n)>>pageShift
	shift := new>>pageShift - old>>pageShift // modulo 2^64
	for {
		leaf, at := s.pt.next(i, last)
		if leaf == 0 {
			return true
		}
		w := frame.Words(leaf)
		for i = leafEnd(at, last); at < i; at++ {
			if w[at&nodeMask] != 0 && s.needLeaf((at+shift)<<pageShift) == 0 {
				s.pruneRange(new, new+n)
				return false
			}
		}
	}
}

// pruneRange frees the empty page tables of [va, end).
func (s *Space) pruneRange(va, end uint64) {
	i, last := va>>pageShift, end>>pageShift
	for {
		leaf, at := s.pt.next(i, last)
		if leaf == 0 {
			return
		}
		if frame.Refs(leaf) == 1 {
			s.stale(at << pageShift)
			s.pt.prune(at)
		}
		i = leafEnd(at, last)
	}
}

// movePages moves the entries of n bytes; tablesFor has made room. Leaves stay, even if empty: one may be the target of later
// pages.
func (s *Space) movePages(old, new, n uint64) {
	i, last := old>>pageShift, (old+n)>>pageShift
	shift := new>>pageShift - old>>pageShift
	for {
		leaf, at := s.pt.next(i, last)
		if leaf == 0 {
			return
		}
		w := frame.Words(leaf)
		moved := uint32(0)
		for i = leafEnd(at, last); at < i; at++ {
			e := w[at&nodeMask]
			if e == 0 {
				continue
			}
			w[at&nodeMask] = 0
			moved++
			if e&arch.PTEPresent != 0 {
				s.stale(at << pageShift)
			}
			to := s.pt.leaf(at + shift)
			frame.Words(to)[(at+shift)&nodeMask] = e
			frame.AddRefs(to, 1)
		}
		frame.SubRefs(leaf, moved)
	}
}
