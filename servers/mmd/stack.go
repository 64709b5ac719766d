package main

import (
	"math/bits"

	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// A main stack is mapped with all the room that RLIMIT_STACK gives it, since pages come when they are touched. What a program sees of it, and what its
// other limits count, is what Linux has mapped of it: down to the lowest page that was touched.

// leastStack is what Linux gives a main stack at first, bytes.
const leastStack = 132 << 10

// used are the bytes of a region that count: of a main stack those that it has come to use.
func (h *MMD) used(c *server.Ctx, space uabi.Handle, r *uabi.RegionInfo) (uint64, uabi.Error) {
	if r.Tag&layout.TagMainStack == 0 || r.Len <= leastStack {
		return r.Len, uabi.OK
	}
	const window = 64 * layout.PageSize // of SpacePresent
	for va, least := r.Va, r.Va+r.Len-leastStack; va < least; va += window {
		there, err := c.SpacePresent(space, va)
		if err != uabi.OK {
			return 0, err
		}
		if there != 0 {
			lowest := va + uint64(bits.TrailingZeros64(there))*layout.PageSize
			return r.Va + r.Len - min(lowest, least), uabi.OK
		}
	}
	return leastStack, uabi.OK
}

// mainStack finds the region at the bottom of the main stack, above which mprotect may have made others. Mappings end below it, so that the
// search begins there.
func (h *MMD) mainStack(c *server.Ctx, m *state.MM, space uabi.Handle) (r uabi.RegionInfo, ok bool, err uabi.Error) {
	for va := m.Top; ; va = r.Va + r.Len {
		if r, ok, err = c.SpaceQuery(space, va); err != uabi.OK || !ok || r.Tag&layout.TagMainStack != 0 {
			return r, ok, err
		}
	}
}

// limitStack gives the main stack the room of a limit in bytes: not less than it has come to use, nor more than what is free below it.
func (h *MMD) limitStack(c *server.Ctx, m *state.MM, space uabi.Handle, limit uint64) uabi.Error {
	r, ok, err := h.mainStack(c, m, space)
	if err != uabi.OK || !ok {
		return err
	}
	n, err := h.used(c, space, &r)
	if err != uabi.OK {
		return err
	}
	n = max(n, min(limit, layout.MaxStack)&^(layout.PageSize-1))
	switch {
	case n == r.Len:
		return uabi.OK
	case n < r.Len:
		return c.SpaceUnmap(space, r.Va, r.Len-n)
	}
	low, err := h.roomBelow(c, space, r.Va, n-r.Len)
	if err != uabi.OK || low == r.Va {
		return err
	}
	_, err = c.SpaceMap(space, uabi.MapArgs{Va: low, Len: r.Va - low, Tag: r.Tag, Flags: r.Flags | uabi.MapFixed})
	return err
}

// roomBelow is how far down a main stack that begins at va may grow, n bytes at most: the guard gap stays between it and what is below.
func (h *MMD) roomBelow(c *server.Ctx, space uabi.Handle, va, n uint64) (uint64, uabi.Error) {
	low := va - n
	err := h.regions(c, space, low-layout.GuardGap, va, func(r *uabi.RegionInfo, _, _ uint64) uabi.Error {
		low = max(low, r.Va+r.Len+layout.GuardGap)
		return uabi.OK
	})
	return min(low, va), err
}
