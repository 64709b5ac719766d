package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// Clone is CallSpaceClone, the memory half of fork: a new space with one reference, charged to a. Own pages of private regions
// are shared copy-on-write; shared regions, and pages of memory objects, come by faults. ErrNoMem.
func (s *Space) Clone(a *object.Account) (*Space, uabi.Error) {
	c, err := NewSpace(a)
	if err != uabi.OK {
		return nil, err
	}
	for r := s.first; r != nil; r = r.next {
		if !s.cloneRegion(c, r) {
			flush()
			c.Release()
			return nil, uabi.ErrNoMem
		}
	}
	flush()
	return c, uabi.OK
}

// cloneRegion copies one region into c.
func (s *Space) cloneRegion(c *Space, r *region) bool {
	n := regions.Get(c.Acct)
	if n == nil {
		return false
	}
	n.va, n.end, n.off, n.tag, n.flags, n.max = r.va, r.end, r.off, r.tag, r.flags, r.max
	if n.mem = r.mem; n.mem != nil {
		n.mem.Refs++
		n.mem.link(n)
	}
	c.insert(n)
	c.mapped += n.end - n.va
	return r.flags&uabi.MapShared != 0 || s.sharePages(c, r, n)
}

// sharePages shares the own pages of r with n, its copy in c.
func (s *Space) sharePages(c *Space, r, n *region) bool {
	i, last := r.va>>pageShift, r.end>>pageShift
	for r.resident != 0 {
		leaf, at := s.pt.next(i, last)
		if leaf == 0 {
			break
		}
		i = leafEnd(at, last)
		if !s.shareLeaf(c, n, leaf, at, i) {
			return false
		}
	}
	return true
}

// shareLeaf shares the own pages [at, end) of one leaf.
func (s *Space) shareLeaf(c *Space, n *region, leaf, at, end uint64) bool {
	from := frame.Words(leaf)
	for ; at < end && from[at&nodeMask]&pteOwn == 0; at++ {
	}
	if at == end {
		return true
	}
	to := c.needLeaf(at << pageShift)
	if to == 0 {
		return false
	}
	w, count := frame.Words(to), uint32(0)
	for ; at < end; at++ {
		e := from[at&nodeMask]
		if e&pteOwn == 0 {
			continue
		}
		if e&arch.PTEWrite != 0 {
			e &^= arch.PTEWrite
			from[at&nodeMask] = e
			s.stale(at << pageShift)
		}
		frame.Ref(e & arch.PTEFrame)
		w[at&nodeMask] = e
		count++
	}
	frame.AddRefs(to, count)
	n.resident += uint64(count)
	c.resident += uint64(count)
	return true
}
