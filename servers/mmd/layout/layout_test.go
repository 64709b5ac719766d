package layout

import (
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"aramid/ukernel/uabi"
)

func TestMapArgumentsAreCheckedAsMmapDoes(t *testing.T) {
	const anon = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	for _, c := range []struct {
		name              string
		addr, length, off uint64
		flags             uint32
		err               uabi.Error
	}{
		{"plain", 0, 100, 0, anon, uabi.OK},
		{"nothing", 0, 0, 0, anon, uabi.ErrArg},
		{"an unaligned offset", 0, 1, 5, unix.MAP_PRIVATE, uabi.ErrArg},
		{"neither shared nor private", 0, 1, 0, unix.MAP_ANONYMOUS, uabi.ErrArg},
		{"a length that overflows", 0, ^uint64(0), 0, anon, uabi.ErrNoMem},
		{"more than there is", 0, uabi.MaxUser + 1, 0, anon, uabi.ErrNoMem},
		{"an offset that overflows", 0, 2 * PageSize, 1<<64 - PageSize, unix.MAP_PRIVATE, uabi.ErrOverflow},
		{"an offset that no file has", 0, PageSize, 1 << 63, unix.MAP_PRIVATE, uabi.ErrOverflow},
		{"the end of the largest file", 0, PageSize, maxOffset - PageSize, unix.MAP_PRIVATE, uabi.OK},
		{"beyond the end of the largest file", 0, 2 * PageSize, maxOffset - PageSize, unix.MAP_PRIVATE, uabi.ErrOverflow},
		{"fixed, unaligned", 5, 1, 0, anon | unix.MAP_FIXED, uabi.ErrArg},
		{"fixed beyond the end", uabi.MaxUser, 1, 0, anon | unix.MAP_FIXED, uabi.ErrNoMem},
		{"fixed at 0", 0, 1, 0, anon | unix.MAP_FIXED, uabi.ErrPerm},
		{"a hint is rounded", 5, 1, 0, anon, uabi.OK},
	} {
		m, err := CheckMap(c.addr, c.length, c.off, unix.PROT_READ, c.flags, 0, false)
		if err != c.err {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		if err == uabi.OK && (!Aligned(m.Addr) || !Aligned(m.Len) || m.Len < c.length) {
			t.Errorf("%s: %+v", c.name, m)
		}
	}
}

func TestRemapArgumentsAreCheckedAsMremapDoes(t *testing.T) {
	const page = PageSize
	for _, c := range []struct {
		name              string
		old, oldLen, newL uint64
		to                uint64
		flags             uint32
		err               uabi.Error
	}{
		{"grow", page, page, 2 * page, 0, 0, uabi.OK},
		{"unaligned", 5, page, page, 0, 0, uabi.ErrArg},
		{"to nothing", page, page, 0, 0, 0, uabi.ErrArg},
		{"unknown flag", page, page, page, 0, 8, uabi.ErrArg},
		{"fixed without may-move", page, page, page, 8 * page, unix.MREMAP_FIXED, uabi.ErrArg},
		{"onto itself", page, 4 * page, page, 2 * page, unix.MREMAP_FIXED | unix.MREMAP_MAYMOVE, uabi.ErrArg},
		{"elsewhere", page, 4 * page, page, 5 * page, unix.MREMAP_FIXED | unix.MREMAP_MAYMOVE, uabi.OK},
		{"beyond user space", uabi.MaxUser, page, page, 0, 0, uabi.ErrFault},
	} {
		if _, err := CheckRemap(c.old, c.oldLen, c.newL, c.to, c.flags); err != c.err {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
}

// TestAreasNeverOverlap is about the random choices: mappings end below every stack, heaps start behind their program.
func TestAreasNeverOverlap(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		a, b := rapid.Uint64().Draw(r, "a"), rapid.Uint64().Draw(r, "b")
		top, stack := Top(a), uabi.MaxUser-b%stackRandom&^(PageSize-1)
		if !Aligned(top) || top+stackGap > stack {
			r.Fatalf("mappings end at %#x, a stack at %#x", top, stack)
		}
		end := rapid.Uint64Range(uabi.MinUser, 1<<46).Draw(r, "end")
		if s := Brk(end, a); s < end || !Aligned(s) || s > end+brkRandom+PageSize {
			r.Fatalf("a heap behind %#x starts at %#x", end, s)
		}
		p := uint32(rapid.IntRange(0, 7).Draw(r, "prot"))
		if LinuxProt(Prot(p)) != p {
			r.Fatalf("protection %d becomes %d", p, LinuxProt(Prot(p)))
		}
	})
}
