package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/uabi"
)

// Touch is CallSpaceTouch: it makes the pages of [va, va+n) present as reads or writes would, at most a piece of them. done is in bytes, short
// at a fault; the error is set only if it is 0. ErrArg; ErrFault, ErrNoMem: of the first page.
func (s *Space) Touch(va, n uint64, write bool) (done uint64, err uabi.Error) {
	if !aligned(va, n) {
		return 0, uabi.ErrArg
	}
	for n = min(n, uabi.MaxTouch); done < n; done += arch.PageSize {
		if _, err = s.Resolve(va+done, write); err != uabi.OK {
			return done, first(done, err)
		}
	}
	return done, uabi.OK
}

// Present is CallSpacePresent: bit i is set if the page at va + i pages is mapped, or its memory object has it.
func (s *Space) Present(va uint64) (bits uint64) {
	const pages = 64
	for i := uint64(0); i < pages; i++ {
		at := va + i<<pageShift
		r := s.find(at)
		if r == nil {
			return bits
		}
		if at < r.va {
			continue
		}
		w := s.pt.get(at >> pageShift)
		there := w != nil && *w != 0
		if !there && r.mem != nil {
			pa, _ := r.mem.look(r.page(at))
			there = pa != 0
		}
		if there {
			bits |= 1 << i
		}
	}
	return bits
}

// Punch is CallSpacePunch, the mechanism of MADV_REMOVE: what shared mappings show in [va, va+n) leaves their memory objects, and reads as
// zeroes. ErrArg; ErrRights: a region that is not shared and writable; ErrFault: a hole; ErrNoMem. What lies before is done.
func (s *Space) Punch(va, n uint64) uabi.Error {
	if !aligned(va, n) {
		return uabi.ErrArg
	}
	for end := va + n; va < end; {
		r := s.at(va)
		if r == nil {
			return uabi.ErrFault
		}
		if r.mem == nil || r.flags&(uabi.MapShared|uabi.ProtWrite) != uabi.MapShared|uabi.ProtWrite {
			return uabi.ErrRights
		}
		from, hi := r.off+(va-r.va), min(end, r.end)
		if from < r.mem.size {
			if err := r.mem.Zero(from, min(hi-va, r.mem.size-from)); err != uabi.OK {
				return err
			}
		}
		va = hi
	}
	return uabi.OK
}
