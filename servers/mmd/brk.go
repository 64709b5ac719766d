package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// SetBrk implements mm.Handler.
func (h *MMD) SetBrk(c *server.Ctx, in *mm.BrkRequest, out *mm.EmptyReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	start, err := h.heap(c, m, space, in.Addr)
	if err == uabi.OK {
		m.BrkStart, m.Brk = start, start
	}
	return err
}

// heap chooses where the heap of a program that ends at end starts.
func (h *MMD) heap(c *server.Ctx, m *state.MM, space uabi.Handle, end uint64) (uint64, uabi.Error) {
	page, ok := layout.Up(end)
	if !ok || end < uabi.MinUser || page >= m.Top {
		return 0, uabi.ErrArg
	}
	start := layout.Brk(end, c.Rand64())
	// A program that was loaded close below something else keeps what room it has.
	free, err := h.free(c, space, page, start-page+layout.PageSize)
	if !free {
		start = page
	}
	return start, err
}

// Brk implements mm.Handler.
func (h *MMD) Brk(c *server.Ctx, in *mm.BrkRequest, out *mm.MapReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	if in.Addr >= m.BrkStart && in.Addr != m.Brk && m.BrkStart != 0 && in.Addr < uabi.MaxUser-layout.PageSize {
		if h.setBrk(c, m, space, in.Addr) {
			m.Brk = in.Addr
		}
	}
	out.Addr = m.Brk
	return uabi.OK
}

// setBrk maps or unmaps the pages between the old and the new break.
func (h *MMD) setBrk(c *server.Ctx, m *state.MM, space uabi.Handle, to uint64) bool {
	old, _ := layout.Up(m.Brk)
	end, _ := layout.Up(to)
	if end < old {
		return c.SpaceUnmap(space, end, old-end) == uabi.OK
	}
	if end == old {
		return true
	}
	// One page above the heap stays free, as Linux's stack guard gap wants it.
	if free, err := h.free(c, space, old, end-old+layout.PageSize); err != uabi.OK || !free {
		return false
	}
	if h.grows(c, m, space, end-old, true) != uabi.OK {
		return false
	}
	args := uabi.MapArgs{Va: old, Len: end - old, Tag: layout.TagHeap, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapFixed}
	_, err := c.SpaceMap(space, args)
	return err == uabi.OK
}

// Advise implements mm.Handler.
func (h *MMD) Advise(c *server.Ctx, in *mm.AdviseRequest, out *mm.EmptyReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	if !knownAdvice(in.Advice) || !layout.Aligned(in.Addr) {
		return uabi.ErrArg
	}
	n, ok := layout.Up(in.Len)
	if !ok || in.Addr+n < in.Addr {
		return uabi.ErrArg
	}
	if n == 0 {
		return uabi.OK
	}
	if in.Addr >= uabi.MaxUser || n > uabi.MaxUser-in.Addr {
		return uabi.ErrNoMem
	}
	whole, err := h.mapped(c, space, in.Addr, n)
	if err != uabi.OK {
		return err
	}
	switch in.Advice {
	case unix.MADV_DONTNEED, unix.MADV_FREE:
		err = h.discard(c, space, in.Addr, in.Addr+n, in.Advice == unix.MADV_FREE)
	case unix.MADV_DONTFORK:
		err = h.retag(c, m, space, in.Addr, in.Addr+n, layout.TagDontFork, 0)
	case unix.MADV_DOFORK:
		err = h.retag(c, m, space, in.Addr, in.Addr+n, 0, layout.TagDontFork)
	case unix.MADV_WIPEONFORK:
		err = h.retag(c, m, space, in.Addr, in.Addr+n, layout.TagWipeOnFork, 0)
	case unix.MADV_KEEPONFORK:
		err = h.retag(c, m, space, in.Addr, in.Addr+n, 0, layout.TagWipeOnFork)
	}
	if err == uabi.OK && !whole {
		// Linux does what it can and then reports the hole.
		return uabi.ErrNoMem
	}
	return err
}

// knownAdvice are those that Linux 6.1 knows, without the ones that only tests of memory errors use, and without
// MADV_REMOVE, MADV_COLLAPSE and the populating ones, which older kernels answer with EINVAL too.
func knownAdvice(a uint32) bool {
	switch a {
	case unix.MADV_NORMAL, unix.MADV_RANDOM, unix.MADV_SEQUENTIAL, unix.MADV_WILLNEED, unix.MADV_DONTNEED,
		unix.MADV_FREE, unix.MADV_DONTFORK, unix.MADV_DOFORK, unix.MADV_MERGEABLE, unix.MADV_UNMERGEABLE,
		unix.MADV_HUGEPAGE, unix.MADV_NOHUGEPAGE, unix.MADV_DONTDUMP, unix.MADV_DODUMP,
		unix.MADV_WIPEONFORK, unix.MADV_KEEPONFORK, unix.MADV_COLD, unix.MADV_PAGEOUT:
		return true
	}
	return false
}

// regions calls f for each piece of [va, end) that is mapped.
func (h *MMD) regions(c *server.Ctx, space uabi.Handle, va, end uint64, f func(r *uabi.RegionInfo, va, n uint64) uabi.Error) uabi.Error {
	for va < end {
		r, ok, err := c.SpaceQuery(space, va)
		if err != uabi.OK {
			return err
		}
		if !ok || r.Va >= end {
			return uabi.OK
		}
		lo, hi := max(va, r.Va), min(end, r.Va+r.Len)
		if err := f(&r, lo, hi-lo); err != uabi.OK {
			return err
		}
		va = hi
	}
	return uabi.OK
}

// discard drops pages. MADV_FREE is for private anonymous memory only.
func (h *MMD) discard(c *server.Ctx, space uabi.Handle, va, end uint64, free bool) uabi.Error {
	return h.regions(c, space, va, end, func(r *uabi.RegionInfo, va, n uint64) uabi.Error {
		if free && (r.Memory != 0 || r.Flags&uabi.MapShared != 0) {
			return uabi.ErrArg
		}
		return c.SpaceDiscard(space, va, n)
	})
}

// retag changes tag bits; WIPEONFORK is for private anonymous memory only.
func (h *MMD) retag(c *server.Ctx, m *state.MM, space uabi.Handle, va, end, set, clear uint64) uabi.Error {
	err := h.regions(c, space, va, end, func(r *uabi.RegionInfo, va, n uint64) uabi.Error {
		if set&layout.TagWipeOnFork != 0 && (r.Memory != 0 || r.Flags&uabi.MapShared != 0) {
			return uabi.ErrArg
		}
		return c.SpaceTag(space, va, n, r.Tag&^clear|set)
	})
	if err == uabi.OK && set != 0 {
		m.ForkAdvice = true
	}
	return err
}
