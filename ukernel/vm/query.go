package vm

import "aramid/ukernel/uabi"

// Query fills ri with the first region that ends above va; false when there is none.
func (s *Space) Query(va uint64, ri *uabi.RegionInfo) bool {
	r := s.find(va)
	if r == nil {
		return false
	}
	*ri = uabi.RegionInfo{Va: r.va, Len: r.end - r.va, Off: r.off, Tag: r.tag, Flags: r.flags, Resident: r.resident}
	if r.mem != nil {
		ri.Memory = r.mem.ID
	}
	return true
}

// Gap is CallSpaceGap: the address of the highest (uabi.GapLow: the lowest) free range of n bytes in [low, high). ErrArg; ErrNoMem: none.
func (s *Space) Gap(n, low, high uint64, flags uint32) (uint64, uabi.Error) {
	low, high = max(low, uabi.MinUser), min(high, uabi.MaxUser)
	if n == 0 || n&pageMask != 0 || flags&^uint32(uabi.GapLow) != 0 {
		return 0, uabi.ErrArg
	}
	low, high = (low+pageMask)&^pageMask, high&^pageMask
	if high < low || high-low < n {
		return 0, uabi.ErrNoMem
	}
	if flags&uabi.GapLow != 0 {
		return s.gapUp(n, low, high)
	}
	return s.gapDown(n, low, high)
}

// gapUp searches upwards.
func (s *Space) gapUp(n, low, high uint64) (uint64, uabi.Error) {
	for r := s.find(low); r != nil && r.va < high; r = r.next {
		if r.va > low && r.va-low >= n {
			return low, uabi.OK
		}
		low = r.end
	}
	if low < high && high-low >= n {
		return low, uabi.OK
	}
	return 0, uabi.ErrNoMem
}

// gapDown searches downwards.
func (s *Space) gapDown(n, low, high uint64) (uint64, uabi.Error) {
	r := s.find(high - 1)
	if r == nil {
		r = s.last
	}
	for ; r != nil && r.end > low; r = r.prev {
		if r.va >= high {
			continue
		}
		if r.end < high && high-r.end >= n {
			return high - n, uabi.OK
		}
		if high = r.va; high <= low {
			return 0, uabi.ErrNoMem
		}
	}
	if high-low >= n {
		return high - n, uabi.OK
	}
	return 0, uabi.ErrNoMem
}
