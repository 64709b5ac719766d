package uksim

import (
	"sort"

	"aramid/ukernel/uabi"
)

// region is one mapping of a Space.
type region struct {
	va, len  uint64
	off      uint64
	tag      uint64
	mem      *Memory // nil: anonymous private
	flags    uint32
	readOnly bool // shared, and the handle that it was mapped with has no RightWrite
}

func (r *region) end() uint64 { return r.va + r.len }

// Space is an address space as a list of regions and, for private ones, a map of own pages.
type Space struct {
	object
	regions []*region // by va
	private map[uint64]*page
}

func (sp *Space) kind() uabi.Type { return uabi.TypeSpace }

func (sp *Space) free() {
	sp.unmap(0, uabi.MaxUser)
}

func (s *Sim) newSpace() *Space { return &Space{private: map[uint64]*page{}} }

// NewSpace makes a Space that is charged to nobody, for tests.
func (s *Sim) NewSpace() *Space {
	sp := s.newSpace()
	s.adopt(sp)
	return sp
}

// Map maps anonymous private memory, for tests.
func (sp *Space) Map(va, n uint64, prot uint32) { sp.put(&region{va: va, len: n, flags: prot}) }

// find is the region that holds va.
func (sp *Space) find(va uint64) *region {
	i := sp.after(va)
	if i < len(sp.regions) && sp.regions[i].va <= va {
		return sp.regions[i]
	}
	return nil
}

// after is the index of the first region that ends above va.
func (sp *Space) after(va uint64) int {
	return sort.Search(len(sp.regions), func(i int) bool { return sp.regions[i].end() > va })
}

// split makes va a border of regions.
func (sp *Space) split(va uint64) {
	i := sp.after(va)
	if i == len(sp.regions) || sp.regions[i].va >= va {
		return
	}
	r := sp.regions[i]
	n := *r
	n.va, n.len = va, r.end()-va
	if r.mem != nil {
		n.off = r.off + (va - r.va)
		ref(r.mem)
	}
	r.len = va - r.va
	sp.insert(i+1, &n)
}

func (sp *Space) insert(i int, r *region) {
	sp.regions = append(sp.regions, nil)
	copy(sp.regions[i+1:], sp.regions[i:])
	sp.regions[i] = r
}

// put adds a region whose range is free.
func (sp *Space) put(r *region) { sp.insert(sp.after(r.va), r) }

// merge joins what can be joined among the regions that touch [va, end], as the kernel does.
func (sp *Space) merge(va, end uint64) {
	for i := max(sp.after(va), 1); i < len(sp.regions) && sp.regions[i].va <= end; {
		r, n := sp.regions[i-1], sp.regions[i]
		if r.end() != n.va || r.flags != n.flags || r.tag != n.tag || r.mem != n.mem || r.readOnly != n.readOnly || r.mem != nil && r.off+r.len != n.off {
			i++
			continue
		}
		r.len += n.len
		sp.regions = append(sp.regions[:i], sp.regions[i+1:]...)
		if n.mem != nil {
			unref(n.mem)
		}
	}
}

// within are the regions inside [va, va+n), after splitting at its ends.
func (sp *Space) within(va, n uint64) []*region {
	sp.split(va)
	sp.split(va + n)
	i, j := sp.after(va), sp.after(va+n)
	for j < len(sp.regions) && sp.regions[j].va < va+n {
		j++
	}
	return sp.regions[i:j]
}

// covered says whether [va, va+n) has no hole.
func (sp *Space) covered(va, n uint64) bool {
	for end := va + n; va < end; {
		r := sp.find(va)
		if r == nil {
			return false
		}
		va = r.end()
	}
	return true
}

// unmap removes what is in the range.
func (sp *Space) unmap(va, n uint64) {
	rs := append([]*region(nil), sp.within(va, n)...)
	for _, r := range rs {
		sp.forget(r.va, r.len)
		i := sp.after(r.va)
		sp.regions = append(sp.regions[:i], sp.regions[i+1:]...)
		if r.mem != nil {
			unref(r.mem)
		}
	}
}

// forget drops the private pages of a range.
func (sp *Space) forget(va, n uint64) {
	dropped := uint64(0)
	if n/PageSize > uint64(len(sp.private)) {
		for p := range sp.private {
			if p >= va/PageSize && p < (va+n)/PageSize {
				delete(sp.private, p)
				dropped++
			}
		}
	} else {
		for p := va / PageSize; p < (va+n)/PageSize; p++ {
			if sp.private[p] != nil {
				delete(sp.private, p)
				dropped++
			}
		}
	}
	if sp.account != nil {
		sp.account.give(dropped, 0)
	}
}

// resolve is the page behind va, or nil for a fault. write: for writing; a private page is copied first.
func (sp *Space) resolve(va uint64, write, force bool) []byte {
	r := sp.find(va)
	if r == nil || r.flags&uabi.MapGuard != 0 {
		return nil
	}
	need := uint32(uabi.ProtRead)
	if write {
		need = uabi.ProtWrite
	}
	if r.flags&need == 0 && !force {
		return nil
	}
	n := va / PageSize
	off := r.off + (va&^(PageSize-1) - r.va)
	if r.mem != nil && !r.mem.in(off, PageSize) {
		return nil
	}
	if r.flags&uabi.MapShared != 0 && r.mem != nil {
		return r.mem.page(off/PageSize, true)
	}
	if p := sp.private[n]; p != nil {
		return p[:]
	}
	var below []byte
	if r.mem != nil {
		below = r.mem.page(off/PageSize, false)
	}
	if !write {
		if below == nil {
			return zeroPage[:]
		}
		return below
	}
	if sp.account != nil && sp.account.take(1, 0) != uabi.OK {
		return nil
	}
	p := new(page)
	copy(p[:], below)
	sp.private[n] = p
	return p[:]
}

// why is what a fault inside a region adds to its code.
func (sp *Space) why(r *region, va uint64, prot uint32) uint64 {
	off := r.off + (va&^(PageSize-1) - r.va)
	switch {
	case r.flags&prot == 0 || r.flags&uabi.MapGuard != 0:
		return faultPresent
	case r.mem != nil && !r.mem.in(off, PageSize):
		return uabi.FaultBus
	}
	return uabi.FaultNoMem
}

// zeroPage is what reads of never-written private memory see; nobody writes it.
var zeroPage page

// read copies until a fault and returns how much.
func (sp *Space) read(va uint64, b []byte) int {
	done := 0
	for len(b) > 0 {
		p := sp.resolve(va, false, false)
		if p == nil {
			break
		}
		n := copy(b, p[va%PageSize:])
		b, va, done = b[n:], va+uint64(n), done+n
	}
	return done
}

// write copies until a fault and returns how much. force: protections do not count (a debugger's or loader's write).
func (sp *Space) write(va uint64, b []byte, force bool) int {
	done := 0
	for len(b) > 0 {
		p := sp.resolve(va, true, force)
		if p == nil {
			break
		}
		n := copy(p[va%PageSize:], b)
		b, va, done = b[n:], va+uint64(n), done+n
	}
	return done
}

// copy reads or writes with a grant's result: short at a fault, ErrFault if nothing was copied.
func (sp *Space) copy(va uint64, b []byte, write bool) (int, uabi.Error) {
	n := 0
	if write {
		n = sp.write(va, b, false)
	} else {
		n = sp.read(va, b)
	}
	if n == 0 && len(b) > 0 {
		return 0, uabi.ErrFault
	}
	return n, uabi.OK
}

// userRange checks a page-aligned range of user addresses.
func userRange(va, n uint64) bool {
	return va%PageSize == 0 && n%PageSize == 0 && n != 0 && va >= uabi.MinUser && va < uabi.MaxUser && n <= uabi.MaxUser-va
}

// gap finds a free range of n bytes in [low, high).
func (sp *Space) gap(n, low, high uint64, lowest bool) (uint64, bool) {
	low, high = max(pageUp(low), uabi.MinUser), min(high, uabi.MaxUser)&^(PageSize-1)
	if lowest {
		for i := sp.after(low); ; i++ {
			end := high
			if i < len(sp.regions) {
				end = min(high, sp.regions[i].va)
			}
			if end > low && end-low >= n {
				return low, true
			}
			if i >= len(sp.regions) || sp.regions[i].va >= high {
				return 0, false
			}
			low = max(low, sp.regions[i].end())
		}
	}
	for i := len(sp.regions); i >= 0; i-- {
		from := low
		if i > 0 {
			from = max(low, sp.regions[i-1].end())
		}
		to := high
		if i < len(sp.regions) {
			to = min(high, sp.regions[i].va)
		}
		if to > from && to-from >= n {
			return to - n, true
		}
	}
	return 0, false
}

// clone copies the space as fork does.
func (sp *Space) clone(c *Space) uabi.Error {
	if c.account != nil {
		if e := c.account.take(uint64(len(sp.private)), 0); e != uabi.OK {
			return e
		}
	}
	for _, r := range sp.regions {
		n := *r
		if n.mem != nil {
			ref(n.mem)
		}
		c.regions = append(c.regions, &n)
	}
	for n, p := range sp.private {
		q := *p
		c.private[n] = &q
	}
	return uabi.OK
}
