package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

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
	if in.Advice == unix.MADV_POPULATE_READ || in.Advice == unix.MADV_POPULATE_WRITE {
		return h.populate(c, space, in.Addr, in.Addr+n, in.Advice == unix.MADV_POPULATE_WRITE)
	}
	whole, err := h.mapped(c, space, in.Addr, n)
	if err != uabi.OK {
		return err
	}
	switch in.Advice {
	case unix.MADV_DONTNEED, unix.MADV_FREE, madvDontNeedLocked:
		err = h.discard(c, space, in.Addr, in.Addr+n, in.Advice)
	case unix.MADV_REMOVE:
		err = h.remove(c, space, in.Addr, in.Addr+n)
	case unix.MADV_COLD, unix.MADV_PAGEOUT:
		err = h.regions(c, space, in.Addr, in.Addr+n, unlocked)
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

// madvDontNeedLocked is MADV_DONTNEED_LOCKED, which x/sys does not name.
const madvDontNeedLocked = 24

// knownAdvice are those that Linux 6.1 knows, without the ones that only tests of memory errors use, and without MADV_COLLAPSE, which a
// kernel without transparent huge pages answers with EINVAL too.
func knownAdvice(a uint32) bool {
	switch a {
	case unix.MADV_NORMAL, unix.MADV_RANDOM, unix.MADV_SEQUENTIAL, unix.MADV_WILLNEED, unix.MADV_DONTNEED,
		unix.MADV_FREE, unix.MADV_DONTFORK, unix.MADV_DOFORK, unix.MADV_MERGEABLE, unix.MADV_UNMERGEABLE,
		unix.MADV_HUGEPAGE, unix.MADV_NOHUGEPAGE, unix.MADV_DONTDUMP, unix.MADV_DODUMP,
		unix.MADV_WIPEONFORK, unix.MADV_KEEPONFORK, unix.MADV_COLD, unix.MADV_PAGEOUT,
		unix.MADV_REMOVE, unix.MADV_POPULATE_READ, unix.MADV_POPULATE_WRITE, madvDontNeedLocked:
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

// discard drops pages. MADV_FREE is for private anonymous memory only, and locked pages stay but for MADV_DONTNEED_LOCKED.
func (h *MMD) discard(c *server.Ctx, space uabi.Handle, va, end uint64, advice uint32) uabi.Error {
	return h.regions(c, space, va, end, func(r *uabi.RegionInfo, va, n uint64) uabi.Error {
		if advice == unix.MADV_FREE && (r.Memory != 0 || r.Flags&uabi.MapShared != 0) {
			return uabi.ErrArg
		}
		if err := unlocked(r, va, n); err != uabi.OK && advice != madvDontNeedLocked {
			return err
		}
		return c.SpaceDiscard(space, va, n)
	})
}

// unlocked is ErrArg for a locked region.
func unlocked(r *uabi.RegionInfo, _, _ uint64) uabi.Error {
	if r.Tag&layout.TagLocked != 0 {
		return uabi.ErrArg
	}
	return uabi.OK
}

// remove punches a hole into what is mapped shared and writable.
func (h *MMD) remove(c *server.Ctx, space uabi.Handle, va, end uint64) uabi.Error {
	return h.regions(c, space, va, end, func(r *uabi.RegionInfo, va, n uint64) uabi.Error {
		const writable = uabi.MapShared | uabi.ProtWrite
		switch {
		case r.Memory == 0 || r.Tag&layout.TagLocked != 0:
			return uabi.ErrArg
		case r.Flags&writable != writable:
			return uabi.ErrAccess
		}
		return c.SpacePunch(space, va, n)
	})
}

// populate is MADV_POPULATE_READ and MADV_POPULATE_WRITE. ErrNoMem: a hole, or no memory; ErrArg: a region that may not be accessed so;
// ErrFault: behind the end of a file.
func (h *MMD) populate(c *server.Ctx, space uabi.Handle, va, end uint64, write bool) uabi.Error {
	need := uint32(uabi.ProtRead)
	if write {
		need = uabi.ProtWrite
	}
	for va < end {
		r, ok, err := c.SpaceQuery(space, va)
		switch {
		case err != uabi.OK:
			return err
		case !ok || r.Va > va:
			return uabi.ErrNoMem
		case r.Flags&need == 0:
			return uabi.ErrArg
		}
		to := min(end, r.Va+r.Len)
		if err := h.touch(c, space, va, to, write); err != uabi.OK {
			return err
		}
		va = to
	}
	return uabi.OK
}

// touch makes the pages of [va, end) present. ErrFault, ErrNoMem: of the first that could not be.
func (h *MMD) touch(c *server.Ctx, space uabi.Handle, va, end uint64, write bool) uabi.Error {
	for va < end {
		n, err := c.SpaceTouch(space, va, end-va, write)
		if err != uabi.OK {
			return err
		}
		va += n
	}
	return uabi.OK
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
