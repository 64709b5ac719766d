package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
)

// Bits of a page-table entry that the processor ignores; see doc.go.
const (
	pteCounted = arch.PTESoft0
	pteOwn     = arch.PTESoft1
)

// faultAround is how many pages a fault on a memory object maps, those that are resident: an aligned block.
const faultAround = 16

// Result is what became of a page fault.
type Result uint32

// Results of Fault.
const (
	Solved    Result = iota // run the instruction again
	Segv                    // no such mapping, or it does not allow the access
	Bus                     // beyond the end of the memory object
	NoMem                   // no frame, or an account's limit (Account.Hit says which)
	NeedPager               // the page must come from the memory object's pager
)

// Fault solves a page fault at va; code is the processor's error code (hw.Fault…).
func (s *Space) Fault(va, code uint64) Result {
	r := s.find(va)
	if r == nil || va < r.va || !r.allows(code) {
		return Segv
	}
	s.hint = r
	res := s.solve(r, va&^pageMask, code)
	for res == NoMem && Reap() {
		res = s.solve(r, va&^pageMask, code)
	}
	return res
}

// allows reports whether the region's rights allow the access. x86 cannot forbid reading what may be written or executed.
func (r *region) allows(code uint64) bool {
	switch {
	case code&hw.FaultWrite != 0:
		return r.flags&uabi.ProtWrite != 0
	case code&hw.FaultFetch != 0:
		return r.flags&uabi.ProtExec != 0
	}
	return r.flags&uabi.ProtMask != 0
}

// solve does the work of a fault that r allows.
func (s *Space) solve(r *region, va, code uint64) Result {
	leaf := s.pt.leaf(va >> pageShift)
	if leaf == 0 {
		if leaf = s.needLeaf(va); leaf == 0 {
			return NoMem
		}
	}
	w := &frame.Words(leaf)[va>>pageShift&nodeMask]
	var res Result
	switch {
	case *w != 0:
		return s.present(r, w, va, code)
	case r.mem == nil:
		res = s.zeroFill(r, leaf, w)
	default:
		res = s.fetch(r, leaf, w, va, code)
	}
	if res != Solved && frame.Refs(leaf) == 1 {
		s.pruneLeaf(va)
		flush()
	}
	return res
}

// zeroFill maps a fresh zero page of an anonymous region.
func (s *Space) zeroFill(r *region, leaf uint64, w *uint64) Result {
	pa, ok := s.Acct.AllocFrame()
	if !ok {
		return NoMem
	}
	frame.Zero(pa)
	s.enter(r, leaf, w, pa|pteCounted|pteOwn|r.protBits()|r.writeBit())
	return Solved
}

// writeBit is PTEWrite if the region may be written.
func (r *region) writeBit() uint64 {
	return uint64(r.flags) & uabi.ProtWrite * (arch.PTEWrite / uabi.ProtWrite)
}

// enter fills an empty entry.
func (s *Space) enter(r *region, leaf uint64, w *uint64, e uint64) {
	*w = e
	frame.AddRefs(leaf, 1)
	r.resident++
	s.resident++
}

// present solves a fault on an entry in use: it only gives rights back, or copies on write.
func (s *Space) present(r *region, w *uint64, va, code uint64) Result {
	e := *w | r.protBits()
	if r.flags&uabi.ProtExec != 0 {
		e &^= arch.PTENoExec
	}
	if code&hw.FaultWrite == 0 || e&arch.PTEWrite != 0 {
		*w = e
		s.flushLocal(va)
		return Solved
	}
	if e&pteOwn != 0 && frame.Refs(e&arch.PTEFrame) == 1 {
		*w = e | arch.PTEWrite
		s.flushLocal(va)
		return Solved
	}
	if r.flags&uabi.MapShared != 0 {
		return s.writeShared(r, w, va, e)
	}
	pa, ok := s.Acct.AllocFrame()
	if !ok {
		return NoMem
	}
	was := e & arch.PTEFrame
	frame.Copy(pa, was)
	*w = pa | pteCounted | pteOwn | arch.PTEWrite | e&^(arch.PTEFrame|pteCounted|pteOwn)
	s.stale(va)
	if e&pteCounted != 0 {
		drop(was)
	}
	flush()
	return Solved
}

// writeShared gives a page of a shared mapping the right to write, after the object's own copy-on-write.
func (s *Space) writeShared(r *region, w *uint64, va, e uint64) Result {
	leaf := s.pt.leaf(va >> pageShift)
	pa, err := r.mem.writableFor(leaf, r.page(va))
	if err != uabi.OK {
		flush()
		return asResult(err)
	}
	now := pa | pteCounted | arch.PTEWrite | e&^arch.PTEFrame
	if pa == e&arch.PTEFrame {
		*w = now
		s.flushLocal(va)
		return Solved
	}
	// The old frame has left every mapping, this one too, but the leaf is still there.
	frame.Ref(pa)
	s.enter(r, leaf, w, now)
	flush()
	return Solved
}

// flushLocal drops this CPU's stale copy of an entry that now allows more; other CPUs fault and come here.
func (s *Space) flushLocal(va uint64) {
	if s.cpus>>arch.CPU()&1 != 0 {
		arch.FlushPage(va)
	}
}

// fetch maps an absent page of a memory object.
func (s *Space) fetch(r *region, leaf uint64, w *uint64, va, code uint64) Result {
	m, i := r.mem, r.page(va)
	if i >= m.pages() {
		return Bus
	}
	if code&hw.FaultWrite != 0 && r.flags&uabi.MapShared == 0 {
		return s.fetchOwn(r, leaf, w, i)
	}
	was, _ := m.look(i)
	var pa uint64
	var err uabi.Error
	if code&hw.FaultWrite != 0 {
		pa, err = m.writableFor(leaf, i)
	} else {
		pa, err = m.readable(i)
	}
	switch {
	case err != uabi.OK:
	case was != 0:
		s.around(r, leaf, va)
	default: // where a page is new its neighbours seldom are there
		frame.Ref(pa)
		s.enter(r, leaf, w, pa|pteCounted|r.sharedBits())
	}
	flush()
	return asResult(err)
}

// fetchOwn maps a copy of page i of the object of a private region.
func (s *Space) fetchOwn(r *region, leaf uint64, w *uint64, i uint64) Result {
	pa, ok := s.Acct.AllocFrame()
	if !ok {
		return NoMem
	}
	if from, _ := r.mem.look(i); from != 0 {
		frame.Copy(pa, from)
	} else {
		frame.Zero(pa)
	}
	s.enter(r, leaf, w, pa|pteCounted|pteOwn|arch.PTEWrite|r.protBits())
	return Solved
}

// sharedBits are the rights to a page that nobody else has to copy first.
func (r *region) sharedBits() uint64 {
	if r.flags&uabi.MapShared != 0 {
		return r.protBits() | r.writeBit()
	}
	return r.protBits()
}

// around maps what is resident of the block of pages around va, where nothing is mapped yet, with the rights that need no
// copy. The page of va is resident.
func (s *Space) around(r *region, leaf, va uint64) {
	const block = faultAround << pageShift
	lo, hi := max(va&^(block-1), r.va), min(va&^(block-1)+block, r.end)
	words, m := frame.Words(leaf), r.mem
	i := r.page(lo)
	bits, writable := r.protBits(), r.sharedBits()
	node, nodeOf := m.index.leaf(i), i>>nodeBits // the index leaf of page i
	n := uint64(0)
	for ; lo < hi; lo, i = lo+arch.PageSize, i+1 {
		w := &words[lo>>pageShift&nodeMask]
		if *w != 0 {
			continue
		}
		if i>>nodeBits != nodeOf {
			node, nodeOf = m.index.leaf(i), i>>nodeBits
		}
		e := uint64(0)
		if node != 0 {
			e = frame.Words(node)[i&nodeMask]
		}
		switch {
		case e == 0 && i >= m.shown:
			continue
		case e == 0:
			*w = m.window + i<<pageShift | bits
		case e&idxCow != 0:
			frame.Ref(e)
			*w = e&arch.PTEFrame | pteCounted | bits
		default:
			frame.Ref(e)
			*w = e&arch.PTEFrame | pteCounted | writable
		}
		n++
	}
	frame.AddRefs(leaf, uint32(n))
	r.resident += n
	s.resident += n
}

// asResult is the fault result for a memory object's error.
func asResult(err uabi.Error) Result {
	switch err {
	case uabi.OK:
		return Solved
	case uabi.ErrNoMem:
		return NoMem
	case uabi.ErrAgain:
		return NeedPager
	case uabi.ErrRights:
		return Segv
	}
	return Bus
}

// needLeaf returns the leaf of va's page table, making it; 0 when there is no memory.
func (s *Space) needLeaf(va uint64) uint64 {
	i := va >> pageShift
	leaf := s.pt.need(i, s.Acct)
	if leaf == 0 {
		s.pruneLeaf(va)
		flush()
	}
	return leaf
}

// pruneLeaf frees the empty tables on the way to va; the caller flushes.
func (s *Space) pruneLeaf(va uint64) {
	s.stale(va)
	s.pt.prune(va >> pageShift)
}

// dropEntry lets go of what the entry of va (already cleared) referred to.
func (s *Space) dropEntry(e, va uint64) {
	if s.cpus != 0 && e&arch.PTEPresent != 0 {
		s.stale(va)
	}
	if e&pteCounted != 0 {
		drop(e & arch.PTEFrame)
	}
}
