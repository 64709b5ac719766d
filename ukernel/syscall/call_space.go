package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// pages checks a page-aligned, not empty range of user addresses. ErrArg.
//
//go:noinline
func pages(va, n uint64) uabi.Error {
	if (va|n)%arch.PageSize != 0 || n == 0 || va < uabi.MinUser || va > uabi.MaxUser || n > uabi.MaxUser-va {
		return uabi.ErrArg
	}
	return uabi.OK
}

// spaceCreate is CallSpaceCreate.
func spaceCreate(t *ipc.Thread, a *object.Account) (uint64, uabi.Error) {
	s, err := vm.NewSpace(a)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &s.Header, uabi.RightsAll)
}

// spaceClone is CallSpaceClone.
func spaceClone(t *ipc.Thread, s *vm.Space, a *object.Account) (uint64, uabi.Error) {
	c, err := s.Clone(a)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &c.Header, uabi.RightsAll)
}

const mapFlags = uabi.ProtMask | uabi.MapFixed | uabi.MapShared | uabi.MapGuard

// spaceMap is CallSpaceMap.
func spaceMap(t *ipc.Thread, s *vm.Space) (v uint64, err uabi.Error) {
	a := *argMap(t.Buf) // once: the user can change it meanwhile
	if a.Flags&^mapFlags != 0 || a.Off%arch.PageSize != 0 || badProt(t, s, a.Flags) {
		return 0, uabi.ErrArg
	}
	if err = pages(a.Va, a.Len); err != uabi.OK {
		return 0, err
	}
	m := vm.MapArgs{Va: a.Va, Len: a.Len, Off: a.Off, Tag: a.Tag, Flags: a.Flags, Max: uabi.ProtMask}
	if a.Memory != 0 {
		if m.Memory, m.Max, err = mappable(t, a.Memory, a.Flags); err != uabi.OK {
			return 0, err
		}
	}
	return s.Map(&m)
}

// badProt reports whether flags ask for memory of t's own image that is writable and executable: W^X holds for servers. Programs
// above them may have it, as on Linux.
func badProt(t *ipc.Thread, s *vm.Space, flags uint32) bool {
	return s == t.Space && flags&(uabi.ProtWrite|uabi.ProtExec) == uabi.ProtWrite|uabi.ProtExec
}

// mappable looks up a memory object to be mapped: every mapping can be read, so it needs RightRead beside RightMap; a shared
// writable one needs RightWrite.
func mappable(t *ipc.Thread, h uabi.Handle, flags uint32) (*vm.Memory, uint32, uabi.Error) {
	rights := uint32(uabi.RightMap | uabi.RightRead)
	if flags&uabi.MapShared != 0 && flags&uabi.ProtWrite != 0 {
		rights |= uabi.RightWrite
	}
	m, err := t.Proc.GetMemory(h, rights)
	if err != uabi.OK {
		return nil, 0, err
	}
	limit := uint32(uabi.ProtMask)
	if _, err = t.Proc.GetMemory(h, uabi.RightWrite); err != uabi.OK {
		limit &^= uabi.ProtWrite
	}
	return m, limit, uabi.OK
}

// spaceUnmap is CallSpaceUnmap.
func spaceUnmap(r *uabi.Regs, s *vm.Space) (uint64, uabi.Error) {
	if err := pages(r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	more, err := s.Unmap(r.RSI, r.RDX)
	if more && err == uabi.OK {
		return 0, restart(r)
	}
	return 0, err
}

// spaceProtect is CallSpaceProtect.
func spaceProtect(t *ipc.Thread, r *uabi.Regs, s *vm.Space) (uint64, uabi.Error) {
	if r.R10&^uabi.ProtMask != 0 || badProt(t, s, uint32(r.R10)) {
		return 0, uabi.ErrArg
	}
	if err := pages(r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	return 0, s.Protect(r.RSI, r.RDX, uint32(r.R10))
}

// spaceMove is CallSpaceMove.
func spaceMove(r *uabi.Regs, s *vm.Space) (uint64, uabi.Error) {
	if err := pages(r.RSI, max(r.RDX, arch.PageSize)); err != uabi.OK {
		return 0, err
	}
	if err := pages(r.R10, r.R8); err != uabi.OK {
		return 0, err
	}
	return 0, s.Move(r.RSI, r.RDX, r.R10, r.R8)
}

// spaceTag is CallSpaceTag.
func spaceTag(r *uabi.Regs, s *vm.Space) (uint64, uabi.Error) {
	if err := pages(r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	return 0, s.Tag(r.RSI, r.RDX, r.R10)
}

// spaceQuery is CallSpaceQuery.
func spaceQuery(t *ipc.Thread, r *uabi.Regs, s *vm.Space) (uint64, uabi.Error) {
	var info uabi.RegionInfo
	if !s.Query(r.RSI, &info) {
		return 0, uabi.OK
	}
	*argRegion(t.Buf) = info
	return 1, uabi.OK
}

// spaceGap is CallSpaceGap.
func spaceGap(r *uabi.Regs, s *vm.Space) (uint64, uabi.Error) {
	if r.R8&^uabi.GapLow != 0 || r.RSI == 0 || r.RSI > uabi.MaxUser || r.RDX >= r.R10 {
		return 0, uabi.ErrArg
	}
	low, high := max(r.RDX, uabi.MinUser), min(r.R10, uabi.MaxUser)
	return s.Gap(pageUp(r.RSI), pageUp(low), pageDown(high), uint32(r.R8))
}

// spaceDiscard is CallSpaceDiscard.
func spaceDiscard(r *uabi.Regs, s *vm.Space) (uint64, uabi.Error) {
	if err := pages(r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	more, err := s.Discard(r.RSI, r.RDX)
	if more && err == uabi.OK {
		return 0, restart(r)
	}
	return 0, err
}

// spaceInfo is CallSpaceInfo.
func spaceInfo(r *uabi.Regs, s *vm.Space) (mapped uint64, err uabi.Error) {
	mapped, r.RDX = s.Info()
	return mapped, uabi.OK
}

// spaceMemory is CallSpaceRead and CallSpaceWrite: (s, va, buf, len).
func spaceMemory(t *ipc.Thread, r *uabi.Regs, s *vm.Space, write bool) (uint64, uabi.Error) {
	n, err := twoRanges(r)
	if err != uabi.OK || n == 0 {
		return 0, err
	}
	return move(vm.Place{Space: t.Space, At: r.RDX}, vm.Place{Space: s, At: r.RSI}, n, write)
}

// twoRanges checks (va, buf, len) in RSI, RDX, R10 and bounds the length.
func twoRanges(r *uabi.Regs) (uint64, uabi.Error) {
	if err := userRange(r.RSI, r.R10); err != uabi.OK {
		return 0, err
	}
	return min(r.R10, maxCopy), userRange(r.RDX, r.R10)
}
