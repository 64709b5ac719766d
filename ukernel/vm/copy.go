package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

// Place is one end of a copy: an address in a space or an offset in a memory object.
type Place struct {
	Space  *Space // one of the two
	Memory *Memory
	At     uint64
}

// Key identifies a futex word: an object id (memory or space) and an offset or address in it.
type Key struct{ ID, Off uint64 }

// Resolve returns the physical address of va, faulting the page in for reading or writing. ErrFault: not mapped so; ErrNoMem;
// ErrAgain: the page must come from its pager.
func (s *Space) Resolve(va uint64, write bool) (uint64, uabi.Error) {
	if va >= uabi.MaxUser {
		return 0, uabi.ErrFault
	}
	need, code := uint64(arch.PTEPresent), uint64(hw.FaultUser)
	if write {
		need, code = need|arch.PTEWrite, code|hw.FaultWrite
	}
	for {
		if w := s.pt.get(va >> pageShift); w != nil && *w&need == need {
			return *w&arch.PTEFrame | va&pageMask, uabi.OK
		}
		switch s.Fault(va, code) {
		case Solved:
		case NoMem:
			return 0, uabi.ErrNoMem
		case NeedPager:
			return 0, uabi.ErrAgain
		default:
			return 0, uabi.ErrFault
		}
	}
}

// FutexKey is the identity of the word at va: in a shared mapping of an object, and if shared is asked for, the object and the
// offset; else the space and the address. ErrFault: not mapped (shared only).
func (s *Space) FutexKey(va uint64, shared bool) (Key, uabi.Error) {
	if shared {
		r := s.at(va)
		if r == nil {
			return Key{}, uabi.ErrFault
		}
		if r.mem != nil && r.flags&uabi.MapShared != 0 {
			return Key{r.mem.ID, r.off + (va - r.va)}, uabi.OK
		}
	}
	return Key{s.ID, va}, uabi.OK
}

// page returns the physical address of p.At; 0 with OK for a page of zeroes that need not be there (reading only).
func (p *Place) page(write bool) (uint64, uabi.Error) {
	if p.Space != nil {
		return p.Space.Resolve(p.At, write)
	}
	return p.Memory.resolve(p.At, write)
}

// resolve is page for a memory object. ErrArg: beyond the end.
func (m *Memory) resolve(off uint64, write bool) (uint64, uabi.Error) {
	i := off >> pageShift
	if off >= m.size {
		return 0, uabi.ErrArg
	}
	var pa uint64
	if write {
		var err uabi.Error
		pa, err = m.writable(i)
		for err == uabi.ErrNoMem && Reap() {
			pa, err = m.writable(i)
		}
		flush()
		if err != uabi.OK {
			return 0, err
		}
	} else if pa, _ = m.look(i); pa == 0 {
		return 0, uabi.OK
	}
	return pa | off&pageMask, uabi.OK
}

// room is how many of n bytes lie in the page of p.At, and in the object.
func (p *Place) room(n uint64) uint64 {
	n = min(n, arch.PageSize-p.At&pageMask)
	if p.Memory != nil && p.At < p.Memory.size {
		n = min(n, p.Memory.size-p.At)
	}
	return n
}

// Copy copies n bytes from src to dst; done is short at a fault or an object's end, and the error is set only if it is 0. It
// is one piece: callers bound n. Overlapping ranges of one object are not moved as memmove would.
func Copy(dst, src Place, n uint64) (done uint64, err uabi.Error) {
	for done < n {
		part := src.room(dst.room(n - done))
		to, err := dst.page(true)
		if err != uabi.OK {
			return done, first(done, err)
		}
		from, err := src.page(false)
		if err != uabi.OK {
			return done, first(done, err)
		}
		out := bytesAt(to, part)
		if from == 0 {
			clear(out)
		} else {
			copy(out, bytesAt(from, part))
		}
		done += part
		dst.At += part
		src.At += part
	}
	return done, uabi.OK
}

// CopyString is Copy up to the first NUL, at most max bytes: n counts it, and end says that it was found. The error says why it ended before max.
func CopyString(dst, src Place, max uint64) (n uint64, end bool, err uabi.Error) {
	for n < max {
		part := src.room(dst.room(max - n))
		to, err := dst.page(true)
		if err != uabi.OK {
			return n, false, err
		}
		from, err := src.page(false)
		if err != uabi.OK {
			return n, false, err
		}
		out := bytesAt(to, part)
		if from == 0 {
			out[0] = 0
			return n + 1, true, uabi.OK
		}
		in := bytesAt(from, part)[:len(out)]
		for i := range out {
			c := in[i] // once: its owner may change it
			out[i] = c
			if c == 0 {
				return n + uint64(i) + 1, true, uabi.OK
			}
		}
		n += part
		dst.At += part
		src.At += part
	}
	return n, false, uabi.OK
}

// first is err if nothing was done before it.
func first(done uint64, err uabi.Error) uabi.Error {
	if done != 0 {
		return uabi.OK
	}
	return err
}

// Read copies from p into b; n is short at a fault or the object's end, and the error is set only if it is 0.
func (p Place) Read(b []byte) (n int, err uabi.Error) { return p.transfer(b, false) }

// Write copies b to p; as Read.
func (p Place) Write(b []byte) (n int, err uabi.Error) { return p.transfer(b, true) }

// transfer copies between b and p.
func (p Place) transfer(b []byte, write bool) (n int, err uabi.Error) {
	for n < len(b) {
		part := p.room(uint64(len(b) - n))
		pa, err := p.page(write)
		if err != uabi.OK {
			return n, first(uint64(n), err)
		}
		here := b[n : n+int(part)]
		switch {
		case pa == 0:
			clear(here)
		case write:
			copy(bytesAt(pa, part), here)
		default:
			copy(here, bytesAt(pa, part))
		}
		n += int(part)
		p.At += part
	}
	return n, uabi.OK
}

// Read copies from user memory; n is short at a fault, and the error is set only if n is 0.
func (s *Space) Read(va uint64, b []byte) (n int, err uabi.Error) {
	return Place{Space: s, At: va}.Read(b)
}

// Write copies to user memory; n as in Read.
func (s *Space) Write(va uint64, b []byte) (n int, err uabi.Error) {
	return Place{Space: s, At: va}.Write(b)
}

// Read copies from the object; n is short at its end, ErrArg beyond it. Absent pages read as zeroes and stay absent.
func (m *Memory) Read(off uint64, b []byte) (n int, err uabi.Error) {
	return Place{Memory: m, At: off}.Read(b)
}

// Write copies to the object; n is short at its end or without memory. ErrArg, ErrRights (a physical window), ErrNoMem.
func (m *Memory) Write(off uint64, b []byte) (n int, err uabi.Error) {
	return Place{Memory: m, At: off}.Write(b)
}
