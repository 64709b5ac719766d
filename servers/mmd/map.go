package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Map implements mm.Handler.
func (h *MMD) Map(c *server.Ctx, in *mm.MapRequest, out *mm.MapReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	a, err := layout.CheckMap(in.Addr, in.Len, in.Offset, in.Prot, in.Flags, in.Tag, in.Memory != 0)
	if err != uabi.OK {
		return err
	}
	va, err := h.place(c, m, space, &a)
	if err != uabi.OK {
		return err
	}
	if err := h.promise(c, m, space, va, &a, in.Memory == 0); err != uabi.OK {
		return err
	}
	mayLock := in.Prot&uint32(mm.ProtBit_PROT_MAY_LOCK) != 0
	if err := h.lockNew(c, m, space, &a, mayLock); err != uabi.OK {
		return err
	}
	// Nothing is mapped at va, or it is to be replaced. Fixed, since a successor that does it again finds its own mapping there.
	args := uabi.MapArgs{Va: va, Len: a.Len, Off: a.Offset, Tag: a.Tag, Memory: uabi.Handle(in.Memory), Flags: a.Flags | uabi.MapFixed}
	if in.Memory == 0 {
		args.Off = 0
	}
	if a.Shared && in.Memory == 0 {
		args.Memory, err = c.MemoryCreate(h.payer(), a.Len, 0)
		if err != uabi.OK {
			return err
		}
	}
	if _, err = c.SpaceMap(space, args); err != uabi.OK {
		return mapError(err)
	}
	if args.Memory != 0 {
		// The region keeps the object.
		c.Close(args.Memory)
	}
	if a.Locked {
		m.Locks, m.MayLock = true, mayLock
	}
	if a.Populate {
		h.touch(c, space, va, va+a.Len, a.Flags&(uabi.ProtWrite|uabi.MapShared) == uabi.ProtWrite)
	}
	out.Addr = va
	return uabi.OK
}

// mapError turns the kernel's complaint about a memory object's rights into mmap's.
func mapError(err uabi.Error) uabi.Error {
	if err == uabi.ErrRights {
		return uabi.ErrAccess
	}
	return err
}

// place chooses the address of a mapping.
func (h *MMD) place(c *server.Ctx, m *state.MM, space uabi.Handle, a *layout.Map) (uint64, uabi.Error) {
	if a.Fixed {
		if !a.Replace {
			if free, err := h.free(c, space, a.Addr, a.Len); err != uabi.OK || !free {
				return 0, orExists(err)
			}
		}
		return a.Addr, uabi.OK
	}
	if a.Addr >= uabi.MinUser && a.Addr <= uabi.MaxUser-a.Len {
		free, err := h.free(c, space, a.Addr, a.Len)
		if err != uabi.OK {
			return 0, err
		}
		if free {
			return a.Addr, uabi.OK
		}
	}
	return h.gap(c, m, space, a.Len)
}

// gap finds free addresses: below the stack's area from the top down, else above the heap.
func (h *MMD) gap(c *server.Ctx, m *state.MM, space uabi.Handle, n uint64) (uint64, uabi.Error) {
	va, err := c.SpaceGap(space, n, lowest, m.Top, 0)
	if err == uabi.ErrNoMem {
		va, err = c.SpaceGap(space, n, lowest, uabi.MaxUser, uabi.GapLow)
	}
	return va, err
}

// lowest is Linux's default of vm.mmap_min_addr: what is not fixed stays above it.
const lowest = 64 << 10

func orExists(err uabi.Error) uabi.Error {
	if err == uabi.OK {
		return uabi.ErrExists
	}
	return err
}

// free reports whether nothing is mapped in [va, va+n).
func (h *MMD) free(c *server.Ctx, space uabi.Handle, va, n uint64) (bool, uabi.Error) {
	r, ok, err := c.SpaceQuery(space, va)
	return !ok || r.Va >= va+n, err
}

// mapped reports whether [va, va+n) has no hole.
func (h *MMD) mapped(c *server.Ctx, space uabi.Handle, va, n uint64) (bool, uabi.Error) {
	for end := va + n; va < end; {
		r, ok, err := c.SpaceQuery(space, va)
		if err != uabi.OK || !ok || r.Va > va {
			return false, err
		}
		va = r.Va + r.Len
	}
	return true, uabi.OK
}

// Unmap implements mm.Handler.
func (h *MMD) Unmap(c *server.Ctx, in *mm.RangeRequest, out *mm.EmptyReply) uabi.Error {
	_, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	n, err := layout.CheckUnmap(in.Addr, in.Len)
	if err != uabi.OK {
		return err
	}
	// Nothing is ever mapped below MinUser.
	addr, end := max(in.Addr, uabi.MinUser), in.Addr+n
	if addr >= end {
		return uabi.OK
	}
	return c.SpaceUnmap(space, addr, end-addr)
}

// Protect implements mm.Handler.
func (h *MMD) Protect(c *server.Ctx, in *mm.ProtectRequest, out *mm.EmptyReply) uabi.Error {
	_, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	n, err := layout.CheckProtect(in.Addr, in.Len, in.Prot)
	if err != uabi.OK || n == 0 {
		return err
	}
	start, end, prot := in.Addr, in.Addr+n, layout.Prot(in.Prot)
	if in.Prot&(unix.PROT_GROWSDOWN|unix.PROT_GROWSUP) != 0 {
		if start, err = h.growingFrom(c, space, start, end, in.Prot); err != uabi.OK {
			return err
		}
	}
	if err := c.SpaceProtect(space, start, end-start, prot); err != uabi.OK {
		h.protectUntil(c, space, start, end, prot)
		return mapError(err)
	}
	return uabi.OK
}

// growingFrom is where an mprotect of [va, end) with PROT_GROWSDOWN begins: at the bottom of the region, which must be one that grows down. On x86 none
// grows up.
func (h *MMD) growingFrom(c *server.Ctx, space uabi.Handle, va, end uint64, prot uint32) (uint64, uabi.Error) {
	r, ok, err := c.SpaceQuery(space, va)
	switch {
	case err != uabi.OK:
		return 0, err
	case !ok || r.Va >= end || prot&unix.PROT_GROWSUP != 0 && r.Va > va:
		return 0, uabi.ErrNoMem
	case prot&unix.PROT_GROWSUP != 0 || r.Tag&layout.TagStack == 0:
		return 0, uabi.ErrArg
	}
	return r.Va, uabi.OK
}

// protectUntil protects the regions of [va, end) up to the first hole or the first that may not be: as in Linux, a failed mprotect has
// changed what lies before.
func (h *MMD) protectUntil(c *server.Ctx, space uabi.Handle, va, end uint64, prot uint32) {
	for va < end {
		r, ok, err := c.SpaceQuery(space, va)
		if err != uabi.OK || !ok || r.Va > va || c.SpaceProtect(space, va, min(r.Va+r.Len, end)-va, prot) != uabi.OK {
			return
		}
		va = r.Va + r.Len
	}
}

// Remap implements mm.Handler.
func (h *MMD) Remap(c *server.Ctx, in *mm.RemapRequest, out *mm.MapReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	a, err := layout.CheckRemap(in.Old, in.OldLen, in.NewLen, in.New, in.Flags)
	if err != uabi.OK {
		return err
	}
	r, ok, err := c.SpaceQuery(space, a.Old)
	if err != uabi.OK {
		return err
	}
	if !ok || r.Va > a.Old || r.Va+r.Len-a.Old < min(a.OldLen, a.NewLen) {
		return uabi.ErrFault
	}
	if r.Va+r.Len-a.Old < a.OldLen && (a.Fixed || a.NewLen > a.OldLen) {
		return uabi.ErrFault
	}
	more := max(a.NewLen, a.OldLen) - a.OldLen
	if a.DontUnmap {
		more = a.NewLen
	}
	if a.OldLen == 0 && r.Flags&uabi.MapShared == 0 {
		return uabi.ErrArg
	}
	if more > 0 {
		if err := h.mayLock(c, m, space, max(a.NewLen, a.OldLen)-a.OldLen, r.Tag, m.MayLock); err != uabi.OK {
			return err
		}
		if err := h.grows(c, m, space, more, isData(r.Flags, r.Tag)); err != uabi.OK {
			return err
		}
	}
	if !a.Fixed && !a.DontUnmap && a.OldLen != 0 {
		done, err := h.resize(c, space, &a, &r)
		if done && err == uabi.OK && a.NewLen > a.OldLen {
			h.populateLocked(c, space, r.Tag, r.Flags, a.Old+a.OldLen, a.Old+a.NewLen)
		}
		if done || err != uabi.OK {
			out.Addr = a.Old
			return err
		}
	}
	if !a.MayMove {
		return uabi.ErrNoMem
	}
	return h.move(c, m, space, &a, &r, out)
}

// resize shrinks or grows a region where it is, if it can.
func (h *MMD) resize(c *server.Ctx, space uabi.Handle, a *layout.Remap, r *uabi.RegionInfo) (bool, uabi.Error) {
	if a.NewLen == a.OldLen {
		return true, uabi.OK
	}
	if a.NewLen < a.OldLen {
		return true, c.SpaceUnmap(space, a.Old+a.NewLen, a.OldLen-a.NewLen)
	}
	if a.Old+a.OldLen != r.Va+r.Len || a.Old+a.NewLen > uabi.MaxUser {
		return false, uabi.OK
	}
	free, err := h.free(c, space, a.Old+a.OldLen, a.NewLen-a.OldLen)
	if err != uabi.OK || !free {
		return false, err
	}
	return true, c.SpaceMove(space, a.Old, a.OldLen, a.Old, a.NewLen)
}

// move takes a region elsewhere.
func (h *MMD) move(c *server.Ctx, m *state.MM, space uabi.Handle, a *layout.Remap, r *uabi.RegionInfo, out *mm.MapReply) uabi.Error {
	to := a.New
	if a.Fixed {
		if err := c.SpaceUnmap(space, to, a.NewLen); err != uabi.OK {
			return err
		}
	} else {
		hint := layout.Map{Len: a.NewLen}
		if a.DontUnmap {
			hint.Addr = to
		}
		var err uabi.Error
		if to, err = h.place(c, m, space, &hint); err != uabi.OK {
			return err
		}
	}
	if a.NewLen < a.OldLen {
		if err := c.SpaceUnmap(space, a.Old+a.NewLen, a.OldLen-a.NewLen); err != uabi.OK {
			return err
		}
	}
	if err := c.SpaceMove(space, a.Old, min(a.OldLen, a.NewLen), to, a.NewLen); err != uabi.OK {
		return err
	}
	if a.DontUnmap {
		if err := c.SpaceMove(space, to, 0, a.Old, a.OldLen); err != uabi.OK {
			return err
		}
		if r.Tag&lockTags != 0 {
			c.SpaceTag(space, a.Old, a.OldLen, r.Tag&^lockTags)
		}
	}
	if a.NewLen > a.OldLen {
		h.populateLocked(c, space, r.Tag, r.Flags, to+a.OldLen, to+a.NewLen)
	}
	out.Addr = to
	return uabi.OK
}

// Usage implements mm.Handler.
func (h *MMD) Usage(c *server.Ctx, in *mm.EmptyRequest, out *mm.UsageReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	mapped, frames, err := c.SpaceInfo(space)
	if err != uabi.OK {
		return err
	}
	stack, ok, err := h.mainStack(c, m, space)
	if err != uabi.OK {
		return err
	}
	if ok {
		used, err := h.used(c, space, &stack)
		if err != uabi.OK {
			return err
		}
		mapped -= stack.Len - used
	}
	out.Mapped, out.Resident = mapped, frames*layout.PageSize
	out.BrkStart, out.Brk, out.Memory = m.BrkStart, m.Brk, h.memory
	out.Locked, _, err = h.locked(c, m, space, 0, 0)
	return err
}

// maxRegions bounds one reply of Regions: its bytes stay far below a message's limit.
const maxRegions = 1000

// Regions implements mm.Handler.
func (h *MMD) Regions(c *server.Ctx, in *mm.RegionsRequest, out *mm.RegionsReply) uabi.Error {
	_, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	limit := int(in.Max)
	if limit == 0 || limit > maxRegions {
		limit = maxRegions
	}
	for va := in.After; len(out.Regions) < limit; {
		r, ok, err := c.SpaceQuery(space, va)
		if err != uabi.OK {
			return err
		}
		if !ok {
			break
		}
		used, err := h.used(c, space, &r)
		if err != uabi.OK {
			return err
		}
		out.Regions = append(out.Regions, &mm.Region{
			Addr: r.Va + r.Len - used, Len: used, Offset: r.Off, Tag: r.Tag,
			Prot: layout.LinuxProt(r.Flags), Shared: r.Flags&uabi.MapShared != 0,
		})
		va = r.Va + r.Len
	}
	return uabi.OK
}
