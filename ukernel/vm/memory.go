package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// idxCow marks an index entry whose frame another memory object may also have. It is one of the bits that frame
// addresses leave free.
const idxCow = arch.PTESoft2

// Memory is a memory object: size bytes, whose frames are allocated when first touched.
type Memory struct {
	object.Header
	size     uint64 // bytes
	resident uint64 // frames of its own
	index    radix
	window   uint64 // physical address of what shows through where there is no frame of its own; 0 none
	shown    uint64 // pages of the window
	maps     *region
	nextDead *Memory
	readOnly bool // a window itself (NewPhys): never written
	pinned   bool // contiguous: frames never change
}

var memories Pool[Memory]

// NewMemory makes a memory object of size bytes (rounded up to pages) with one reference, charged to a. With flag
// uabi.MemoryContiguous its frames are resident, neighbours, and stay (at most 4 MiB). ErrArg, ErrNoMem.
func NewMemory(a *object.Account, size uint64, flags uint32) (*Memory, uabi.Error) {
	if size > uabi.MaxMemory || flags&^uint32(uabi.MemoryContiguous) != 0 {
		return nil, uabi.ErrArg
	}
	m := memories.Get(a)
	if m == nil {
		return nil, uabi.ErrNoMem
	}
	m.Start(uabi.TypeMemory, a)
	m.size = (size + pageMask) &^ pageMask
	if flags&uabi.MemoryContiguous != 0 {
		if err := m.pin(); err != uabi.OK {
			m.Release()
			return nil, err
		}
	}
	return m, uabi.OK
}

// NewPhys makes a read-only memory object that shows n bytes of physical memory at page-aligned base, which is not in
// package frame's hands (boot archive, initrd). Its last page shows what lies behind it to the end of the page. ErrArg, ErrNoMem.
func NewPhys(a *object.Account, base, n uint64) (*Memory, uabi.Error) {
	if base == 0 || base&pageMask != 0 || n > uabi.MaxMemory {
		return nil, uabi.ErrArg
	}
	m, err := NewMemory(a, 0, 0)
	if err != uabi.OK {
		return nil, err
	}
	m.size, m.window, m.readOnly = n, base, true
	m.shown = m.pages()
	return m, uabi.OK
}

// pin makes all frames resident, as one run.
func (m *Memory) pin() uabi.Error {
	n := m.pages()
	if n == 0 || n > 1<<frame.MaxOrder {
		return uabi.ErrArg
	}
	m.pinned = true
	for i := uint64(0); i < n; i += nodeWords {
		if m.index.need(i, m.Acct) == 0 {
			m.index.prune(i)
			m.dropPages(0, n)
			return uabi.ErrNoMem
		}
	}
	pa, ok := m.Acct.AllocRun(int(n))
	if !ok {
		m.dropPages(0, n)
		return uabi.ErrNoMem
	}
	for i := range n {
		m.set(m.index.leaf(i), i, pa+i<<pageShift)
	}
	return uabi.OK
}

// set fills an empty index entry.
//
//go:noinline
func (m *Memory) set(leaf, i, e uint64) {
	frame.Words(leaf)[i&nodeMask] = e
	frame.AddRefs(leaf, 1)
	m.resident++
}

// pages is the number of pages, the last one perhaps only partly in use.
func (m *Memory) pages() uint64 { return (m.size + pageMask) >> pageShift }

// Size returns the size in bytes and the resident frames (without those of a physical window).
func (m *Memory) Size() (size, resident uint64) { return m.size, m.resident }

// Phys is the physical address of a contiguous object or a physical window; ok is false for others.
func (m *Memory) Phys() (pa uint64, ok bool) {
	switch {
	case m.readOnly:
		return m.window, true
	case m.pinned:
		pa, _ = m.look(0)
		return pa, true
	}
	return 0, false
}

// look returns the frame that page i shows, or 0 when it is absent, and whether writing needs a copy first.
func (m *Memory) look(i uint64) (pa uint64, cow bool) {
	if w := m.index.get(i); w != nil && *w != 0 {
		return *w & arch.PTEFrame, *w&idxCow != 0
	}
	if i < m.shown {
		return m.window + i<<pageShift, true
	}
	return 0, false
}

// readable returns the frame of page i, a new zero one if it is absent. ErrArg: beyond the end; ErrNoMem.
func (m *Memory) readable(i uint64) (uint64, uabi.Error) {
	if i >= m.pages() {
		return 0, uabi.ErrArg
	}
	if pa, _ := m.look(i); pa != 0 {
		return pa, uabi.OK
	}
	pa, ok := m.fresh(i)
	if !ok {
		return 0, uabi.ErrNoMem
	}
	frame.Zero(pa)
	return pa, uabi.OK
}

// fresh gives absent page i a frame with undefined contents.
func (m *Memory) fresh(i uint64) (pa uint64, ok bool) {
	leaf := m.index.need(i, m.Acct)
	if leaf != 0 {
		if pa, ok = m.Acct.AllocFrame(); ok {
			m.set(leaf, i, pa)
			return pa, true
		}
	}
	m.index.prune(i)
	return 0, false
}

// writable returns the frame of page i, which no other object shares. If that takes a copy, the old frame leaves all
// mappings of m, and the caller flushes. ErrArg: beyond the end; ErrRights: a window; ErrNoMem.
func (m *Memory) writable(i uint64) (uint64, uabi.Error) {
	pa, cow := m.look(i)
	if m.readOnly {
		return 0, uabi.ErrRights
	}
	if pa == 0 || !cow {
		return m.readable(i)
	}
	w := m.index.get(i)
	if w == nil || *w == 0 { // shows through
		own, ok := m.fresh(i)
		if !ok {
			return 0, uabi.ErrNoMem
		}
		frame.Copy(own, pa)
		m.unmapFrame(i, pa)
		return own, uabi.OK
	}
	if frame.Refs(pa) == 1 {
		*w = pa
		return pa, uabi.OK
	}
	own, ok := m.Acct.AllocFrame()
	if !ok {
		return 0, uabi.ErrNoMem
	}
	frame.Copy(own, pa)
	*w = own
	m.unmapFrame(i, pa)
	drop(pa)
	return own, uabi.OK
}

// writableFor is writable for a fault that will fill an entry of a page table's leaf, which stays even if it is empty meanwhile.
func (m *Memory) writableFor(leaf, i uint64) (uint64, uabi.Error) {
	frame.AddRefs(leaf, 1)
	pa, err := m.writable(i)
	frame.SubRefs(leaf, 1)
	return pa, err
}

// Release drops a reference; the last one leaves the object to Reap.
func (m *Memory) Release() {
	m.unref()
	Reap()
}

// unref is Release without Reap.
//
//go:noinline
func (m *Memory) unref() {
	if m.Unref() {
		m.nextDead = deadMemories
		deadMemories = m
	}
}
