// Package layout is mmd's arithmetic: page rounding, the checks that mmap(2) and its family make before anything is looked
// up, where an address space's areas lie, and what a region's tag holds. It is pure.
package layout

import (
	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

// PageSize in bytes.
const PageSize = 4096

// Flags of mmap(2) that x/sys does not name for every platform.
const (
	protMask    = unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
	mapTypeMask = 0xf
	mremapMask  = unix.MREMAP_MAYMOVE | unix.MREMAP_FIXED | mremapDontUnmap
)

const mremapDontUnmap = 4

// maxOffset is where the largest file ends, bytes (the kernel's bound of offsets in memory objects).
const maxOffset = 1 << 60

// Areas of a space, bytes. Linux: mmap_base() and STACK_RND_MASK of arch/x86.
const (
	stackRandom = 16 << 30 // the stack starts up to this far below the end of user space
	stackGap    = 128 << 20
	mapRandom   = 1 << 40 // mappings start up to this far below the stack's area
	brkRandom   = 32 << 20
)

// Tag bits above the file's id.
const (
	TagFile       = 1<<48 - 1
	TagDontFork   = 1 << 63
	TagWipeOnFork = 1 << 62
	TagHeap       = 1 << 61
	TagStack      = 1 << 60 // grows down (MAP_GROWSDOWN)
	TagMainStack  = 1 << 59 // beside TagStack: the one that the program began with
	TagLocked     = 1 << 58
	TagOnFault    = 1 << 57 // beside TagLocked: pages are locked when they are touched
)

// Up rounds up to a page. ok is false when that overflows.
func Up(n uint64) (r uint64, ok bool) {
	r = (n + PageSize - 1) &^ (PageSize - 1)
	return r, r >= n
}

// Aligned reports whether n is a multiple of the page size.
func Aligned(n uint64) bool { return n%PageSize == 0 }

// Top chooses where mappings end, from a random number.
func Top(random uint64) uint64 {
	return uabi.MaxUser - stackRandom - stackGap - random%mapRandom&^(PageSize-1)
}

// GuardGap is how far below the room that a main stack may grow into mappings end, bytes.
const GuardGap = 1 << 20

// MaxStack is the most that a main stack gets, bytes, also where RLIMIT_STACK says more, or nothing.
const MaxStack = 1 << 30

// FixedTop is where mappings end without randomization, above the bottom of a main stack's room: Linux's mmap_base.
func FixedTop(stack uint64) uint64 { return min(uabi.MaxUser-stackGap, stack-GuardGap) }

// Brk chooses where a heap starts whose program ends at end.
func Brk(end, random uint64) uint64 {
	r, _ := Up(end)
	return r + random%brkRandom&^(PageSize-1)
}

// Map is a checked mmap(2).
type Map struct {
	Addr, Len, Offset uint64
	Flags             uint32 // uabi.Prot… and uabi.MapShared
	Fixed             bool   // at Addr or not at all
	Replace           bool   // what is there goes
	Shared            bool
	NoReserve         bool
	Locked, Populate  bool
	Tag               uint64
}

// CheckMap validates mmap(2)'s arguments in Linux's order.
func CheckMap(addr, length, offset uint64, prot, flags uint32, tag uint64, file bool) (m Map, err uabi.Error) {
	if !Aligned(offset) || length == 0 {
		return m, uabi.ErrArg
	}
	n, ok := Up(length)
	if !ok || n > uabi.MaxUser {
		return m, uabi.ErrNoMem
	}
	if offset > maxOffset-n {
		return m, uabi.ErrOverflow
	}
	switch flags & mapTypeMask {
	case unix.MAP_SHARED, unix.MAP_SHARED_VALIDATE:
		m.Shared = true
	case unix.MAP_PRIVATE:
	default:
		return m, uabi.ErrArg
	}
	m.Addr, m.Len, m.Offset, m.Tag = addr, n, offset, tag&TagFile
	m.Fixed = flags&(unix.MAP_FIXED|unix.MAP_FIXED_NOREPLACE) != 0
	m.Replace = flags&unix.MAP_FIXED != 0 && flags&unix.MAP_FIXED_NOREPLACE == 0
	if m.Fixed {
		if !Aligned(addr) {
			return m, uabi.ErrArg
		}
		if addr > uabi.MaxUser-n {
			return m, uabi.ErrNoMem
		}
		if addr < uabi.MinUser {
			return m, uabi.ErrPerm
		}
	} else {
		m.Addr &^= PageSize - 1
	}
	m.NoReserve = flags&unix.MAP_NORESERVE != 0
	m.Locked = flags&unix.MAP_LOCKED != 0
	m.Populate = flags&(unix.MAP_POPULATE|unix.MAP_NONBLOCK) == unix.MAP_POPULATE
	m.Flags = Prot(prot)
	if m.Shared {
		m.Flags |= uabi.MapShared
	}
	if flags&unix.MAP_GROWSDOWN != 0 && !file {
		m.Tag |= TagStack
	}
	return m, uabi.OK
}

// Prot converts PROT_* to uabi.Prot….
func Prot(p uint32) (f uint32) {
	if p&unix.PROT_READ != 0 {
		f |= uabi.ProtRead
	}
	if p&unix.PROT_WRITE != 0 {
		f |= uabi.ProtWrite
	}
	if p&unix.PROT_EXEC != 0 {
		f |= uabi.ProtExec
	}
	return f
}

// LinuxProt is the inverse of Prot.
func LinuxProt(f uint32) (p uint32) {
	if f&uabi.ProtRead != 0 {
		p |= unix.PROT_READ
	}
	if f&uabi.ProtWrite != 0 {
		p |= unix.PROT_WRITE
	}
	if f&uabi.ProtExec != 0 {
		p |= unix.PROT_EXEC
	}
	return p
}

// CheckLock rounds mlock(2)'s arguments outwards. ErrArg: what they mean then is not below the end of all addresses.
func CheckLock(addr, length uint64) (from, n uint64, err uabi.Error) {
	from = addr &^ (PageSize - 1)
	n = (length + addr - from + PageSize - 1) &^ (PageSize - 1)
	if from+n < from {
		err = uabi.ErrArg
	}
	return from, n, err
}

// CheckUnmap validates munmap(2)'s arguments and gives the rounded length.
func CheckUnmap(addr, length uint64) (uint64, uabi.Error) {
	n, ok := Up(length)
	if !Aligned(addr) || length == 0 || !ok || addr > uabi.MaxUser || n > uabi.MaxUser-addr {
		return 0, uabi.ErrArg
	}
	return n, uabi.OK
}

// CheckProtect validates mprotect(2)'s arguments. A length of 0 is fine and does nothing.
func CheckProtect(addr, length uint64, prot uint32) (uint64, uabi.Error) {
	const grows = unix.PROT_GROWSDOWN | unix.PROT_GROWSUP
	if prot&^uint32(protMask|grows|protSem) != 0 || prot&grows == grows || !Aligned(addr) {
		return 0, uabi.ErrArg
	}
	n, ok := Up(length)
	if !ok || addr+n < addr {
		return 0, uabi.ErrNoMem
	}
	if n > 0 && (addr < uabi.MinUser || addr >= uabi.MaxUser || n > uabi.MaxUser-addr) {
		return 0, uabi.ErrNoMem
	}
	return n, uabi.OK
}

// protSem is PROT_SEM, which x86 ignores.
const protSem = 8

// Remap is a checked mremap(2).
type Remap struct {
	Old, OldLen, NewLen, New  uint64
	MayMove, Fixed, DontUnmap bool
}

// CheckRemap validates mremap(2)'s arguments.
func CheckRemap(old, oldLen, newLen, to uint64, flags uint32) (r Remap, err uabi.Error) {
	r.MayMove = flags&unix.MREMAP_MAYMOVE != 0
	r.Fixed = flags&unix.MREMAP_FIXED != 0
	r.DontUnmap = flags&mremapDontUnmap != 0
	if flags&^uint32(mremapMask) != 0 || r.Fixed && !r.MayMove || r.DontUnmap && !r.MayMove || !Aligned(old) {
		return r, uabi.ErrArg
	}
	ol, ok1 := Up(oldLen)
	nl, ok2 := Up(newLen)
	if !ok1 || !ok2 || nl == 0 || nl > uabi.MaxUser || r.DontUnmap && ol != nl {
		return r, uabi.ErrArg
	}
	if old >= uabi.MaxUser || ol > uabi.MaxUser-old {
		return r, uabi.ErrFault
	}
	if r.Fixed || r.DontUnmap {
		if !Aligned(to) || to > uabi.MaxUser-nl || r.Fixed && to < uabi.MinUser {
			return r, uabi.ErrArg
		}
		if old < to+nl && to < old+ol {
			return r, uabi.ErrArg
		}
	}
	r.Old, r.OldLen, r.NewLen, r.New = old, ol, nl, to
	return r, uabi.OK
}

// Bases places two pieces of n1 and n2 bytes (page multiples, 0: none) below top, one below the other. ok is false when there is no room.
func Bases(top, n1, n2 uint64) (bases [2]uint64, ok bool) {
	for i, n := range [2]uint64{n1, n2} {
		if !Aligned(n) || n >= top {
			return bases, false
		}
		if n != 0 {
			top -= n
			bases[i] = top
		}
	}
	return bases, true
}
