package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// Resize is CallMemoryResize: size is rounded up to pages; shrinking unmaps and frees the pages beyond. ErrArg; ErrUnsupported: a
// contiguous object or a physical window.
func (m *Memory) Resize(size uint64) uabi.Error {
	if size > uabi.MaxMemory {
		return uabi.ErrArg
	}
	if m.readOnly || m.pinned {
		return uabi.ErrUnsupported
	}
	was := m.pages()
	m.size = (size + pageMask) &^ pageMask
	if n := m.pages(); n < was {
		m.unmapBeyond(n, was)
		m.dropPages(n, was)
		m.shown = min(m.shown, n)
		flush()
	}
	return uabi.OK
}

// dropPages frees pages [lo, hi), which are in no mapping, with the index nodes that are empty then.
func (m *Memory) dropPages(lo, hi uint64) {
	for lo < hi {
		leaf, at := m.index.next(lo, hi)
		if leaf == 0 {
			return
		}
		lo = leafEnd(at, hi)
		m.dropLeaf(leaf, at, lo)
	}
}

// dropLeaf frees pages [at, end) of one leaf.
func (m *Memory) dropLeaf(leaf, at, end uint64) {
	w := frame.Words(leaf)
	n, page := uint32(0), at
	for ; page < end; page++ {
		e := w[page&nodeMask]
		if e == 0 {
			continue
		}
		w[page&nodeMask] = 0
		drop(e & arch.PTEFrame)
		n++
	}
	frame.SubRefs(leaf, n)
	m.resident -= uint64(n)
	m.index.prune(at)
}

// Zero is CallMemoryZero: bytes [off, off+n) read as zero; whole pages are freed. ErrArg: beyond the end; ErrRights: a physical
// window; ErrNoMem: a page of a clone must be there to be zero. After ErrNoMem some of the range is zero.
func (m *Memory) Zero(off, n uint64) uabi.Error {
	if off > m.size || n > m.size-off {
		return uabi.ErrArg
	}
	if m.readOnly {
		return uabi.ErrRights
	}
	end := off + n
	for off < end {
		i, from := off>>pageShift, off&pageMask
		part := min(arch.PageSize-from, end-off)
		if part == arch.PageSize && !m.pinned && i >= m.shown {
			last := end >> pageShift
			if _, i = m.index.next(i, last); i < last {
				m.freePage(i)
				i++
			}
			off = i << pageShift
			continue
		}
		if err := m.zeroPart(i, from, part); err != uabi.OK {
			flush()
			return err
		}
		off += part
	}
	flush()
	return uabi.OK
}

// freePage makes page i absent.
func (m *Memory) freePage(i uint64) {
	leaf := m.index.leaf(i)
	pa := frame.Words(leaf)[i&nodeMask] & arch.PTEFrame
	if pa == 0 {
		return
	}
	m.unmapFrame(i, pa)
	m.dropLeaf(leaf, i, i+1)
}

// zeroPart zeroes part of page i.
func (m *Memory) zeroPart(i, from, n uint64) uabi.Error {
	if pa, _ := m.look(i); pa == 0 {
		return uabi.OK
	}
	pa, err := m.writable(i)
	if err == uabi.OK {
		clear(frame.Page(pa)[from : from+n])
	}
	return err
}

// Clone is CallMemoryClone: a new object with one reference, charged to a, that starts with the bytes [off, off+n) of m (page
// multiples) and shares their frames copy-on-write. ErrArg; ErrUnsupported: a contiguous object; ErrNoMem.
func (m *Memory) Clone(a *object.Account, off, n uint64) (*Memory, uabi.Error) {
	total := m.pages() << pageShift
	if (off|n)&pageMask != 0 || off > total || n > total-off {
		return nil, uabi.ErrArg
	}
	if m.pinned {
		return nil, uabi.ErrUnsupported
	}
	c, err := NewMemory(a, n, 0)
	if err != uabi.OK {
		return nil, err
	}
	lo, hi := off>>pageShift, (off+n)>>pageShift
	if lo < m.shown {
		c.window, c.shown = m.window+off, min(hi, m.shown)-lo
	}
	ok := m.share(c, lo, hi)
	m.protectPages(lo, hi)
	flush()
	if !ok {
		c.Release()
		return nil, uabi.ErrNoMem
	}
	return c, uabi.OK
}

// share gives c the frames of pages [lo, hi) of m; both must copy before they write. False: no memory, some are shared.
func (m *Memory) share(c *Memory, lo, hi uint64) bool {
	for i := lo; i < hi; {
		leaf, at := m.index.next(i, hi)
		if leaf == 0 {
			return true
		}
		w := frame.Words(leaf)
		for i = leafEnd(at, hi); at < i; at++ {
			e := w[at&nodeMask]
			if e == 0 {
				continue
			}
			to := c.index.need(at-lo, c.Acct)
			if to == 0 {
				c.index.prune(at - lo)
				return false
			}
			w[at&nodeMask] = e | idxCow
			frame.Ref(e & arch.PTEFrame)
			c.set(to, at-lo, e|idxCow)
		}
	}
	return true
}
