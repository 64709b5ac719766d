package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// region is a run of addresses with the same backing, rights and tag.
type region struct {
	va, end         uint64
	left, right, up *region // treap: a heap by prio, a search tree by va
	prev, next      *region // in address order
	space           *Space
	mem             *Memory // with a reference; nil: anonymous
	mprev, mnext    *region // mem's regions
	off             uint64  // of va in mem, bytes; 0 when anonymous
	tag             uint64
	resident        uint64 // page-table entries in use
	flags           uint32 // uabi.Prot… | MapShared | MapGuard
	max             uint32 // uabi.Prot… that Protect may give
	prio            uint32
}

var regions object.Pool[region]

// prioState is the state of a xorshift generator (Marsaglia, 2003); treap priorities need no better.
var prioState uint32 = 2463534242

func nextPrio() uint32 {
	x := prioState
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	prioState = x
	return x
}

// spares are region nodes taken in advance, so that splitting cannot fail.
type spares struct {
	acct *object.Account
	list *region // through next
}

// take makes sure of n nodes; false: no memory, and nothing is taken.
func (p *spares) take(a *object.Account, n int) bool {
	p.acct = a
	for ; n > 0; n-- {
		r := regions.Get(a)
		if r == nil {
			p.free()
			return false
		}
		r.next = p.list
		p.list = r
	}
	return true
}

// pop returns a zeroed node.
func (p *spares) pop() *region {
	r := p.list
	p.list = r.next
	r.next = nil
	return r
}

// free gives back what was not used.
//
//go:noinline
func (p *spares) free() {
	for p.list != nil {
		regions.Put(p.pop(), p.acct)
	}
}

// find returns the first region that ends above va, or nil.
//
//go:noinline
func (s *Space) find(va uint64) *region {
	if h := s.hint; h != nil && h.va <= va && va < h.end {
		return h
	}
	var best *region
	for r := s.tree; r != nil; {
		if va < r.end {
			best, r = r, r.left
		} else {
			r = r.right
		}
	}
	return best
}

// at returns the region that contains va, or nil.
//
//go:noinline
func (s *Space) at(va uint64) *region {
	r := s.find(va)
	if r == nil || va < r.va {
		return nil
	}
	return r
}

// free reports whether nothing is mapped in [va, end).
//
//go:noinline
func (s *Space) free(va, end uint64) bool {
	r := s.find(va)
	return r == nil || r.va >= end
}

// covered reports whether [va, end) has no hole.
func (s *Space) covered(va, end uint64) bool {
	for r := s.at(va); r != nil; r = r.next {
		if r.end >= end {
			return true
		}
		if r.next == nil || r.next.va != r.end {
			return false
		}
	}
	return false
}

// splits is how many nodes carve(va, end) will take.
func (s *Space) splits(va, end uint64) int {
	n := 0
	if r := s.at(va); r != nil && r.va < va {
		n++
	}
	if r := s.at(end); r != nil && r.va < end {
		n++
	}
	return n
}

// carve splits regions so that none crosses va or end, and returns the first in [va, end), or nil.
func (s *Space) carve(va, end uint64, p *spares) *region {
	s.split(va, p)
	s.split(end, p)
	r := s.find(va)
	if r == nil || r.va >= end {
		return nil
	}
	return r
}

// split cuts the region that has va in its middle, if any, into two. Each piece keeps its own object offset.
func (s *Space) split(va uint64, p *spares) {
	r := s.at(va)
	if r == nil || r.va == va {
		return
	}
	n := p.pop()
	n.va, n.end, n.flags, n.max, n.tag = va, r.end, r.flags, r.max, r.tag
	if r.mem != nil {
		n.mem, n.off = r.mem, r.off+(va-r.va)
		n.mem.Refs++
		n.mem.link(n)
	}
	if r.resident != 0 {
		if va-r.va < r.end-va {
			left := s.count(r.va, va)
			n.resident, r.resident = r.resident-left, left
		} else {
			n.resident = s.count(va, r.end)
			r.resident -= n.resident
		}
	}
	r.end = va
	s.insert(n)
}

// count is the number of page-table entries in use in [va, end).
func (s *Space) count(va, end uint64) uint64 {
	n := uint64(0)
	i, last := va>>pageShift, end>>pageShift
	for {
		leaf, at := s.pt.next(i, last)
		if leaf == 0 {
			return n
		}
		w := frame.Words(leaf)
		i = leafEnd(at, last)
		for ; at < i; at++ {
			if w[at&nodeMask] != 0 {
				n++
			}
		}
	}
}

// same reports whether r and its neighbour n (at r.end) can be one region.
func same(r, n *region) bool {
	return r.end == n.va && r.flags == n.flags && r.tag == n.tag && r.mem == n.mem && r.max == n.max &&
		(r.mem == nil || r.off+(r.end-r.va) == n.off)
}

// merge joins what can be joined among the regions that touch [va, end].
func (s *Space) merge(va, end uint64) {
	r := s.find(va)
	if r == nil {
		return
	}
	if r.prev != nil {
		r = r.prev
	}
	for r.next != nil && r.next.va <= end {
		n := r.next
		if !same(r, n) {
			r = n
			continue
		}
		r.end = n.end
		r.resident += n.resident
		s.discardNode(n)
	}
}

// discardNode takes n out of the tree and its object's list, and frees it. The addresses are another's, or unmapped, by now.
func (s *Space) discardNode(n *region) {
	s.remove(n)
	if m := n.mem; m != nil {
		m.unlink(n)
		m.unref()
	}
	regions.Put(n, s.Acct)
}

// protBits are the page-table bits for a present page of r, without the right to write.
func (r *region) protBits() uint64 {
	b := uint64(arch.PTEPresent | arch.PTEUser | arch.PTEAccessed | arch.PTEDirty)
	if r.flags&uabi.ProtExec == 0 {
		b |= arch.PTENoExec
	}
	return b
}

// page is the page number in r.mem that va shows.
func (r *region) page(va uint64) uint64 { return (r.off + (va - r.va)) >> pageShift }
