package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Nothing is ever paged out. So locked memory (mlock(2)) is memory that was made present, that RLIMIT_MEMLOCK bounds, and that
// madvise(2) leaves alone. That a region is locked stands in its tag.

const lockTags = layout.TagLocked | layout.TagOnFault

// Lock implements mm.Handler.
func (h *MMD) Lock(c *server.Ctx, in *mm.LockRequest, out *mm.LockReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	if !in.Unlock && !in.MayLock && limits(m).Lock == 0 {
		return uabi.ErrPerm
	}
	va, n, bad := layout.CheckLock(in.Addr, in.Len)
	tag := uint64(0)
	if !in.Unlock {
		tag = lockTag(in.OnFault)
		if err := h.lockable(c, m, space, va, n, in.MayLock); err != uabi.OK {
			return err
		}
	}
	if bad != uabi.OK {
		return bad
	}
	whole, err := h.mapped(c, space, va, n)
	if err != uabi.OK {
		return err
	}
	if tag != 0 {
		m.Locks, m.MayLock = true, in.MayLock
	}
	h.lockRegions(c, space, va, va+n, tag)
	out.Partial = !whole || tag != 0 && !h.populateRegions(c, space, va, va+n)
	return uabi.OK
}

// LockAll implements mm.Handler.
func (h *MMD) LockAll(c *server.Ctx, in *mm.LockAllRequest, out *mm.EmptyReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	if in.Flags == 0 {
		m.Future = 0
		h.lockRegions(c, space, 0, uabi.MaxUser, 0)
		return uabi.OK
	}
	const known = unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT
	if in.Flags&^known != 0 || in.Flags == unix.MCL_ONFAULT {
		return uabi.ErrArg
	}
	if !in.MayLock && limits(m).Lock == 0 {
		return uabi.ErrPerm
	}
	current, tag := in.Flags&unix.MCL_CURRENT != 0, lockTag(in.Flags&unix.MCL_ONFAULT != 0)
	if current && !in.MayLock {
		all, _, err := h.sizes(c, space, 0, 0)
		if err != uabi.OK {
			return err
		}
		if all > limits(m).Lock {
			return uabi.ErrNoMem
		}
	}
	m.Locks, m.MayLock, m.Future = true, in.MayLock, 0
	if in.Flags&unix.MCL_FUTURE != 0 {
		m.Future = tag
	}
	if current {
		h.lockRegions(c, space, 0, uabi.MaxUser, tag)
		h.populateRegions(c, space, 0, uabi.MaxUser)
	}
	return uabi.OK
}

// lockNew says in a's tag whether a new mapping is locked, and makes it populated then. ErrPerm, ErrLimit: RLIMIT_MEMLOCK.
func (h *MMD) lockNew(c *server.Ctx, m *state.MM, space uabi.Handle, a *layout.Map, mayLock bool) uabi.Error {
	tag := m.Future
	if a.Locked {
		tag |= layout.TagLocked
		if !mayLock && limits(m).Lock == 0 {
			return uabi.ErrPerm
		}
	} else {
		mayLock = m.MayLock
	}
	a.Tag |= tag
	a.Populate = a.Populate || tag == layout.TagLocked
	return h.mayLock(c, m, space, a.Len, tag, mayLock)
}

// lockTag is how the tag of a locked region says so.
func lockTag(onFault bool) uint64 {
	if onFault {
		return layout.TagLocked | layout.TagOnFault
	}
	return layout.TagLocked
}

// lockable is ErrNoMem if locking [va, va+n) would take the mm beyond its limit, where that binds.
func (h *MMD) lockable(c *server.Ctx, m *state.MM, space uabi.Handle, va, n uint64, mayLock bool) uabi.Error {
	if mayLock {
		return uabi.OK
	}
	locked, inside, err := h.locked(c, m, space, va, va+n)
	if err == uabi.OK && locked-inside+n > limits(m).Lock {
		err = uabi.ErrNoMem
	}
	return err
}

// mayLock is ErrLimit if a region of n more bytes with that tag would take the mm beyond its limit, where that binds.
func (h *MMD) mayLock(c *server.Ctx, m *state.MM, space uabi.Handle, n, tag uint64, mayLock bool) uabi.Error {
	if tag&layout.TagLocked == 0 || mayLock {
		return uabi.OK
	}
	locked, _, err := h.locked(c, m, space, 0, 0)
	if err == uabi.OK && locked+n > limits(m).Lock {
		err = uabi.ErrLimit
	}
	return err
}

// locked are the bytes that are locked, of the whole mm and in [from, to).
func (h *MMD) locked(c *server.Ctx, m *state.MM, space uabi.Handle, from, to uint64) (all, inside uint64, err uabi.Error) {
	if !m.Locks {
		return 0, 0, uabi.OK
	}
	err = h.regions(c, space, 0, uabi.MaxUser, func(r *uabi.RegionInfo, va, n uint64) uabi.Error {
		if r.Tag&layout.TagLocked == 0 {
			return uabi.OK
		}
		used, err := h.used(c, space, r)
		all += used
		if lo, hi := max(va, from), min(va+n, to); lo < hi {
			inside += min(hi-lo, used)
		}
		return err
	})
	return all, inside, err
}

// lockRegions gives the regions of [va, end), up to the first hole behind va, the lock tags of tag. From 0 on, holes do not count.
func (h *MMD) lockRegions(c *server.Ctx, space uabi.Handle, va, end, tag uint64) {
	next, everything := va, va == 0
	h.regions(c, space, va, end, func(r *uabi.RegionInfo, va, n uint64) uabi.Error {
		if va != next && !everything {
			return uabi.ErrNoMem
		}
		next = va + n
		if r.Tag&lockTags == tag {
			return uabi.OK
		}
		return c.SpaceTag(space, va, n, r.Tag&^lockTags|tag)
	})
}

// populateRegions makes the pages of locked regions in [va, end) present; of a main stack, which is mapped with all that it may have, what
// is used. It reports whether all could be.
func (h *MMD) populateRegions(c *server.Ctx, space uabi.Handle, va, end uint64) bool {
	all := true
	err := h.regions(c, space, va, end, func(r *uabi.RegionInfo, va, n uint64) uabi.Error {
		used, err := h.used(c, space, r)
		if err != uabi.OK {
			return err
		}
		if skip := r.Len - used; va < r.Va+skip {
			cut := min(n, r.Va+skip-va)
			va, n = va+cut, n-cut
		}
		err = h.populateLocked(c, space, r.Tag, r.Flags, va, va+n)
		if err == uabi.ErrFault {
			all = false
			err = uabi.OK
		}
		return err
	})
	return all && err == uabi.OK
}

// populateLocked makes the pages of [va, end), a piece of one region, present if its tag says that they are locked. Private pages that may be
// written become the mm's own. Errors as touch's.
func (h *MMD) populateLocked(c *server.Ctx, space uabi.Handle, tag uint64, flags uint32, va, end uint64) uabi.Error {
	if tag&lockTags != layout.TagLocked {
		return uabi.OK
	}
	return h.touch(c, space, va, end, flags&(uabi.ProtWrite|uabi.MapShared) == uabi.ProtWrite)
}

// unlockAll takes the locks off a child's regions: fork(2) does not inherit them.
func (h *MMD) unlockAll(c *server.Ctx, space uabi.Handle) {
	h.lockRegions(c, space, 0, uabi.MaxUser, 0)
}

// maxPresent is how many pages one reply of Present describes.
const maxPresent = 4096

// Present implements mm.Handler.
func (h *MMD) Present(c *server.Ctx, in *mm.RangeRequest, out *mm.PresentReply) uabi.Error {
	_, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	n, ok := layout.Up(in.Len)
	if !layout.Aligned(in.Addr) || !ok || in.Addr >= uabi.MaxUser || n > uabi.MaxUser-in.Addr {
		return uabi.ErrArg
	}
	end := in.Addr
	for limit := in.Addr + min(n, maxPresent*layout.PageSize); end < limit; {
		r, ok, err := c.SpaceQuery(space, end)
		if err != uabi.OK {
			return err
		}
		if !ok || r.Va > end {
			break
		}
		end = min(limit, r.Va+r.Len)
	}
	if end == in.Addr && n != 0 {
		return uabi.ErrNoMem
	}
	for va := in.Addr; va < end; {
		bits, err := c.SpacePresent(space, va)
		if err != uabi.OK {
			return err
		}
		for i := 0; i < 64 && va < end; i, va = i+1, va+layout.PageSize {
			out.Pages = append(out.Pages, byte(bits>>i&1))
		}
	}
	return uabi.OK
}
