package uk

import "aramid/ukernel/uabi"

// MemoryCreate implements Kernel.
func (r *Real) MemoryCreate(account uabi.Handle, size uint64, flags uint32) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallMemoryCreate, uintptr(account), uintptr(size), uintptr(flags), 0, 0, 0)
	return handle(r0)
}

// MemoryResize implements Kernel.
func (r *Real) MemoryResize(h uabi.Handle, size uint64) uabi.Error {
	return do(uabi.CallMemoryResize, uintptr(h), uintptr(size), 0, 0, 0, 0)
}

// MemorySize implements Kernel.
func (r *Real) MemorySize(h uabi.Handle) (uint64, uint64, uabi.Error) {
	return both(native(uabi.CallMemorySize, uintptr(h), 0, 0, 0, 0, 0))
}

// MemoryClone implements Kernel.
func (r *Real) MemoryClone(h, account uabi.Handle, off, n uint64) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallMemoryClone, uintptr(h), uintptr(account), uintptr(off), uintptr(n), 0, 0)
	return handle(r0)
}

// MemoryCopy implements Kernel.
func (r *Real) MemoryCopy(dst uabi.Handle, doff uint64, src uabi.Handle, soff, n uint64) (uint64, uabi.Error) {
	r0, _ := native(uabi.CallMemoryCopy, uintptr(dst), uintptr(doff), uintptr(src), uintptr(soff), uintptr(n), 0)
	return value(r0)
}

// MemoryZero implements Kernel.
func (r *Real) MemoryZero(h uabi.Handle, off, n uint64) uabi.Error {
	return do(uabi.CallMemoryZero, uintptr(h), uintptr(off), uintptr(n), 0, 0, 0)
}

// MemoryPager implements Kernel.
func (r *Real) MemoryPager(h, endpoint uabi.Handle, key uint64) uabi.Error {
	return do(uabi.CallMemoryPager, uintptr(h), uintptr(endpoint), uintptr(key), 0, 0, 0)
}

// MapSelf implements Kernel.
func (r *Real) MapSelf(h uabi.Handle, off, n uint64) ([]byte, uabi.Error) {
	for try := 0; ; try++ {
		va, err := r.SpaceGap(uabi.BootSpace, n, uabi.MinUser, uabi.MaxUser, 0)
		if err != uabi.OK {
			return nil, err
		}
		args := uabi.MapArgs{Va: va, Len: n, Off: off, Memory: h, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapShared}
		if _, err = r.SpaceMap(uabi.BootSpace, args); err == uabi.ErrRights {
			args.Flags &^= uabi.ProtWrite
			_, err = r.SpaceMap(uabi.BootSpace, args)
		}
		if err == uabi.ErrExists && try < attachTries {
			continue
		}
		if err != uabi.OK {
			return nil, err
		}
		return bytesAt(va, n), uabi.OK
	}
}

// SpaceCreate implements Kernel.
func (r *Real) SpaceCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallSpaceCreate, uintptr(account), 0, 0, 0, 0, 0)
	return handle(r0)
}

// SpaceClone implements Kernel.
func (r *Real) SpaceClone(h, account uabi.Handle) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallSpaceClone, uintptr(h), uintptr(account), 0, 0, 0, 0)
	return handle(r0)
}

// SpaceMap implements Kernel.
func (r *Real) SpaceMap(h uabi.Handle, a uabi.MapArgs) (uint64, uabi.Error) {
	if !r.have {
		return 0, uabi.ErrArg
	}
	*argMap(r.buf.Arg) = a
	r0, _ := native(uabi.CallSpaceMap, uintptr(h), 0, 0, 0, 0, 0)
	return value(r0)
}

// SpaceUnmap implements Kernel.
func (r *Real) SpaceUnmap(h uabi.Handle, va, n uint64) uabi.Error {
	return do(uabi.CallSpaceUnmap, uintptr(h), uintptr(va), uintptr(n), 0, 0, 0)
}

// SpaceProtect implements Kernel.
func (r *Real) SpaceProtect(h uabi.Handle, va, n uint64, prot uint32) uabi.Error {
	return do(uabi.CallSpaceProtect, uintptr(h), uintptr(va), uintptr(n), uintptr(prot), 0, 0)
}

// SpaceMove implements Kernel.
func (r *Real) SpaceMove(h uabi.Handle, old, oldLen, to, toLen uint64) uabi.Error {
	return do(uabi.CallSpaceMove, uintptr(h), uintptr(old), uintptr(oldLen), uintptr(to), uintptr(toLen), 0)
}

// SpaceTag implements Kernel.
func (r *Real) SpaceTag(h uabi.Handle, va, n, tag uint64) uabi.Error {
	return do(uabi.CallSpaceTag, uintptr(h), uintptr(va), uintptr(n), uintptr(tag), 0, 0)
}

// SpaceQuery implements Kernel.
func (r *Real) SpaceQuery(h uabi.Handle, va uint64) (uabi.RegionInfo, bool, uabi.Error) {
	if !r.have {
		return uabi.RegionInfo{}, false, uabi.ErrArg
	}
	r0, _ := native(uabi.CallSpaceQuery, uintptr(h), uintptr(va), 0, 0, 0, 0)
	n, err := count(r0)
	if n == 0 {
		return uabi.RegionInfo{}, false, err
	}
	return *argRegion(r.buf.Arg), true, uabi.OK
}

// SpaceGap implements Kernel.
func (r *Real) SpaceGap(h uabi.Handle, n, low, high uint64, flags uint32) (uint64, uabi.Error) {
	r0, _ := native(uabi.CallSpaceGap, uintptr(h), uintptr(n), uintptr(low), uintptr(high), uintptr(flags), 0)
	return value(r0)
}

// SpaceDiscard implements Kernel.
func (r *Real) SpaceDiscard(h uabi.Handle, va, n uint64) uabi.Error {
	return do(uabi.CallSpaceDiscard, uintptr(h), uintptr(va), uintptr(n), 0, 0, 0)
}

// SpacePunch implements Kernel.
func (r *Real) SpacePunch(h uabi.Handle, va, n uint64) uabi.Error {
	return do(uabi.CallSpacePunch, uintptr(h), uintptr(va), uintptr(n), 0, 0, 0)
}

// SpaceTouch implements Kernel.
func (r *Real) SpaceTouch(h uabi.Handle, va, n uint64, write bool) (uint64, uabi.Error) {
	r0, _ := native(uabi.CallSpaceTouch, uintptr(h), uintptr(va), uintptr(n), flag(write), 0, 0)
	return value(r0)
}

// SpacePresent implements Kernel.
func (r *Real) SpacePresent(h uabi.Handle, va uint64) (uint64, uabi.Error) {
	_, bits, err := both(native(uabi.CallSpacePresent, uintptr(h), uintptr(va), 0, 0, 0, 0))
	return bits, err
}

// SpaceInfo implements Kernel.
func (r *Real) SpaceInfo(h uabi.Handle) (uint64, uint64, uabi.Error) {
	return both(native(uabi.CallSpaceInfo, uintptr(h), 0, 0, 0, 0, 0))
}
