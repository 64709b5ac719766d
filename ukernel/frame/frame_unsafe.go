package frame

import (
	"unsafe"

	"aramid/ukernel/arch"
)

const metaSize = uint64(unsafe.Sizeof(meta{}))

// metas is the kernel address of the metadata array.
var metas unsafe.Pointer

// setMeta places the metadata at pa and zeroes need bytes there: every frame is reserved.
func setMeta(pa, need uint64) {
	metas = arch.Ptr(pa)
	for o := uint64(0); o < need; o += Size {
		Zero(pa + o)
	}
}

// at is the metadata of frame f.
func at(f uint32) *meta {
	// Safety: f < z.frames, and the array has that many entries. Callers get f from physical addresses that this
	// package handed out, or below BootInfo.Top; it lives for ever in the direct map.
	return (*meta)(unsafe.Add(metas, uint64(f)*metaSize))
}

// Page is the frame at pa as bytes, through the direct map.
func Page(pa uint64) *[Size]byte {
	// Safety: RAM, in the direct map, frame-aligned; callers own a reference.
	return (*[Size]byte)(arch.Ptr(pa))
}

// Words is the frame at pa as 64-bit words (page tables, index nodes).
func Words(pa uint64) *[Size / 8]uint64 {
	// Safety: as Page; aligned to 4096.
	return (*[Size / 8]uint64)(arch.Ptr(pa))
}

// Zero clears the frame at pa.
func Zero(pa uint64) { clear(Page(pa)[:]) }

// Copy copies a whole frame.
func Copy(dst, src uint64) { copy(Page(dst)[:], Page(src)[:]) }
