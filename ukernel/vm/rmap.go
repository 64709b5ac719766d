package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
)

// link adds r to the regions of m.
func (m *Memory) link(r *region) {
	r.mprev, r.mnext = nil, m.maps
	if m.maps != nil {
		m.maps.mprev = r
	}
	m.maps = r
}

// unlink takes r out.
func (m *Memory) unlink(r *region) {
	if r.mprev != nil {
		r.mprev.mnext = r.mnext
	} else {
		m.maps = r.mnext
	}
	if r.mnext != nil {
		r.mnext.mprev = r.mprev
	}
}

// shows returns the addresses of r that show pages [lo, hi) of its object; empty when there are none.
//
//go:noinline
func (r *region) shows(lo, hi uint64) (va, end uint64) {
	first := r.off >> pageShift
	last := first + (r.end-r.va)>>pageShift
	lo, hi = max(lo, first), min(hi, last)
	if lo >= hi {
		return r.va, r.va
	}
	return r.va + (lo-first)<<pageShift, r.va + (hi-first)<<pageShift
}

// unmapFrame takes frame pa, page i until now, out of all mappings. A fault that is in the middle of filling a leaf holds a
// reference to it meanwhile.
func (m *Memory) unmapFrame(i, pa uint64) {
	for r := m.maps; r != nil; r = r.mnext {
		va, end := r.shows(i, i+1)
		if va == end {
			continue
		}
		w := r.space.pt.get(va >> pageShift)
		if w == nil || *w&arch.PTEFrame != pa {
			continue
		}
		leaf := r.space.pt.leaf(va >> pageShift)
		r.space.zapLeaf(leaf, va>>pageShift, va>>pageShift+1)
		r.resident--
		r.space.resident--
		if frame.Refs(leaf) == 1 {
			r.space.pruneLeaf(va)
		}
	}
}

// unmapBeyond takes pages [lo, hi) out of all mappings, private copies included: the object has been truncated.
func (m *Memory) unmapBeyond(lo, hi uint64) {
	for r := m.maps; r != nil; r = r.mnext {
		va, end := r.shows(lo, hi)
		if va != end {
			r.space.zap(r, va, end, ^uint64(0))
		}
	}
}

// protectPages takes the right to write pages [lo, hi) from all shared mappings.
func (m *Memory) protectPages(lo, hi uint64) {
	for r := m.maps; r != nil; r = r.mnext {
		if r.flags&uabi.MapShared == 0 {
			continue
		}
		va, end := r.shows(lo, hi)
		for ; va < end && r.resident != 0; va += arch.PageSize {
			w := r.space.pt.get(va >> pageShift)
			if w != nil && *w&arch.PTEWrite != 0 {
				*w &^= arch.PTEWrite
				r.space.stale(va)
			}
		}
	}
}
