package main

import (
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
	start, err := h.heap(c, m, space, in.Addr, false)
	if err == uabi.OK {
		m.BrkStart, m.Brk = start, start
	}
	return err
}

// heap chooses where the heap of a program that ends at end starts: near is the next page.
func (h *MMD) heap(c *server.Ctx, m *state.MM, space uabi.Handle, end uint64, near bool) (uint64, uabi.Error) {
	page, ok := layout.Up(end)
	if !ok || end < uabi.MinUser || page >= m.Top {
		return 0, uabi.ErrArg
	}
	if near {
		return page, uabi.OK
	}
	start := layout.Brk(end, h.random(c, m))
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
	if h.mayLock(c, m, space, end-old, m.Future, m.MayLock) != uabi.OK {
		return false
	}
	args := uabi.MapArgs{Va: old, Len: end - old, Tag: layout.TagHeap | m.Future, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapFixed}
	if _, err := c.SpaceMap(space, args); err != uabi.OK {
		return false
	}
	h.populateLocked(c, space, args.Tag, args.Flags, old, end)
	return true
}
