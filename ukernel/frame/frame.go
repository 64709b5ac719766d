package frame

import (
	"math/bits"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/hw"
)

// Size is the size of a frame in bytes.
const Size = arch.PageSize

// MaxOrder is the order of the largest buddy block: 2^MaxOrder frames (4 MiB).
const MaxOrder = 10

const (
	shift    = 12   // log2(Size)
	hotMax   = 4096 // single frames kept out of the buddy system
	hotSpill = 256  // how many go back at once when the hot list is full
	hotOrder = 4    // order of the blocks that refill it
	none     = 0    // frame number that ends a list: frame 0 is never handed out
)

// state says what a frame is used for; it selects which fields of meta are valid.
type state uint8

const (
	stateReserved    state = iota // inside a free block, no RAM, or not ours (kernel image, archive, the metadata)
	stateBuddy                    // head of a free block of 2^order frames: a, b are the list links
	stateHot                      // in the hot list: a is the next
	stateUser                     // handed out: a, b are the owner word, refs the count
	stateKernel                   // handed out, and counted as kernel memory
	stateQuarantined              // a is the next, b and refs the generation
)

// meta is what is known of one frame.
type meta struct {
	a, b  uint32
	refs  uint32
	order uint8
	state state
	_     uint16
}

// zone is the whole state of the package.
type zone struct {
	frames      uint64 // entries of the metadata array
	total       uint64 // frames that were free at boot, and the metadata's own
	free        uint64 // in the buddy system and the hot list
	kernel      uint64 // metadata and frames of stateKernel
	quarantined uint64
	reserve     uint64 // free frames that only servers and the kernel may take
	list        [MaxOrder + 1]uint32
	mask        uint32 // bit k: list[k] is not empty
	hot         uint32
	hotLen      uint32
	openHead    uint32 // quarantine: the batch being collected
	openTail    uint32
	waitHead    uint32 // quarantine: sealed, oldest first
	waitTail    uint32
}

var z zone

// Init takes over the free ranges of bi. It reports whether there was room for the metadata.
func Init(bi *hw.BootInfo) bool {
	z = zone{frames: bi.Top >> shift}
	need := (z.frames*metaSize + Size - 1) &^ (Size - 1)
	at := -1
	var base uint64
	for i := 0; i < bi.NFree && at < 0; i++ {
		lo, hi := bounds(bi.Free[i])
		if hi >= lo+need && hi > lo {
			at, base = i, lo
		}
	}
	if at < 0 {
		return false
	}
	setMeta(base, need)
	z.kernel = need >> shift
	z.total = z.kernel
	for i := 0; i < bi.NFree; i++ {
		lo, hi := bounds(bi.Free[i])
		if i == at {
			lo += need
		}
		if hi > z.frames<<shift {
			hi = z.frames << shift
		}
		putRange(uint32(lo>>shift), uint32(hi>>shift))
	}
	return true
}

// bounds returns r rounded inwards to frames, without frame 0.
func bounds(r hw.Range) (lo, hi uint64) {
	lo, hi = (r.Base+Size-1)&^(Size-1), (r.Base+r.Len)&^(Size-1)
	if lo == 0 {
		lo = Size
	}
	if hi < lo {
		hi = lo
	}
	return lo, hi
}

// SetReserve keeps n frames for allocations with reserve = true (servers and the kernel itself).
func SetReserve(n uint64) { z.reserve = n }

// Total is the number of frames that Init took over.
func Total() uint64 { return z.total }

// FreeCount is the number of frames that can be handed out now.
func FreeCount() uint64 {
	drain()
	return z.free
}

// Kernel is the number of frames that hold kernel data: metadata, slabs, page tables, handle tables.
func Kernel() uint64 { return z.kernel }

// Quarantined is the number of frames that wait for TLB acknowledgements.
func Quarantined() uint64 { return z.quarantined }

// Alloc hands out one frame with count 1 and undefined contents; ok is false when there is none. Only with reserve may
// it take the last frames that SetReserve keeps.
func Alloc(reserve bool) (pa uint64, ok bool) {
	if z.hot == none || !reserve && z.free <= z.reserve || injected() {
		return allocSlow(reserve)
	}
	f := z.hot
	m := at(f)
	z.hot = m.a
	z.hotLen--
	z.free--
	*m = meta{refs: 1, state: stateUser}
	return uint64(f) << shift, true
}

// allocSlow drains the quarantine and takes from the buddy system.
func allocSlow(reserve bool) (pa uint64, ok bool) {
	if injectFail() {
		return 0, false
	}
	drain()
	if z.free == 0 || !reserve && z.free <= z.reserve {
		return 0, false
	}
	if z.hot == none {
		refill()
	}
	f := z.hot
	z.hot = at(f).a
	z.hotLen--
	z.free--
	*at(f) = meta{refs: 1, state: stateUser}
	return uint64(f) << shift, true
}

// refill moves a block from the buddy system, which is not empty, to the hot list.
func refill() {
	order := uint8(hotOrder)
	f := take(order)
	for f == none {
		order--
		f = take(order)
	}
	for i := uint32(1) << order; i > 0; i-- {
		*at(f + i - 1) = meta{a: z.hot, state: stateHot}
		z.hot = f + i - 1
	}
	z.hotLen += 1 << order
}

// AllocZero is Alloc with the frame zeroed.
func AllocZero(reserve bool) (pa uint64, ok bool) {
	pa, ok = Alloc(reserve)
	if ok {
		Zero(pa)
	}
	return pa, ok
}

// AllocKernel hands out a zeroed frame that counts as kernel memory.
func AllocKernel(reserve bool) (pa uint64, ok bool) {
	pa, ok = AllocZero(reserve)
	if ok {
		at(uint32(pa >> shift)).state = stateKernel
		z.kernel++
	}
	return pa, ok
}

// AllocRun hands out n neighbouring frames, each with count 1 and undefined contents; pa is the first. n ≤ 2^MaxOrder.
// ok is false when there is no such run.
func AllocRun(n int, reserve bool) (pa uint64, ok bool) {
	if n <= 0 || n > 1<<MaxOrder || injected() && injectFail() {
		return 0, false
	}
	drain()
	if z.free < uint64(n) || !reserve && z.free < z.reserve+uint64(n) {
		return 0, false
	}
	order := uint8(bits.Len(uint(n - 1)))
	f := take(order)
	if f == none {
		spill(z.hotLen)
		if f = take(order); f == none {
			return 0, false
		}
	}
	for i := range uint32(n) {
		*at(f + i) = meta{refs: 1, state: stateUser}
	}
	for i := uint32(n); i < 1<<order; i++ {
		put(f+i, 0)
		z.free--
	}
	z.free -= uint64(n)
	return uint64(f) << shift, true
}

// AllocKernelRun is AllocRun of frames that count as kernel memory; their contents are undefined.
func AllocKernelRun(n int, reserve bool) (pa uint64, ok bool) {
	pa, ok = AllocRun(n, reserve)
	if ok {
		for i := range uint32(n) {
			at(uint32(pa>>shift) + i).state = stateKernel
		}
		z.kernel += uint64(n)
	}
	return pa, ok
}

// Ref adds a reference to a frame that was handed out.
func Ref(pa uint64) { at(uint32(pa>>shift)).refs++ }

// AddRefs adds n references to a frame that was handed out.
func AddRefs(pa uint64, n uint32) { at(uint32(pa >> shift)).refs += n }

// Refs is the number of references; 0 for a free frame or one that is not ours.
func Refs(pa uint64) uint32 {
	m := at(uint32(pa >> shift))
	if m.state != stateUser && m.state != stateKernel {
		return 0
	}
	return m.refs
}

// Managed reports whether pa is a frame that was handed out (and not, say, one of the boot archive).
func Managed(pa uint64) bool {
	if pa>>shift >= z.frames {
		return false
	}
	s := at(uint32(pa >> shift)).state
	return s == stateUser || s == stateKernel
}

// Owner is the word that SetOwner stored; 0 at first.
func Owner(pa uint64) uint64 {
	m := at(uint32(pa >> shift))
	return uint64(m.b)<<32 | uint64(m.a)
}

// SetOwner stores package object's word for a frame that was handed out.
func SetOwner(pa, owner uint64) {
	m := at(uint32(pa >> shift))
	m.a, m.b = uint32(owner), uint32(owner>>32)
}

// Unref drops one reference and reports whether it was the last: then the caller must Free or Retire the frame. Frames
// that are not ours are left alone.
func Unref(pa uint64) bool {
	m := at(uint32(pa >> shift))
	if m.state != stateUser && m.state != stateKernel {
		return false
	}
	m.refs--
	return m.refs == 0
}

// Free gives a handed-out frame back whatever its count; it must not be mapped on any CPU.
func Free(pa uint64) {
	f := uint32(pa >> shift)
	leave(at(f))
	release(f)
}

// Retire gives a handed-out frame back whatever its count, once the CPUs that may have it in their TLB have
// acknowledged: it joins the open batch, which Seal closes.
func Retire(pa uint64) {
	f := uint32(pa >> shift)
	m := at(f)
	leave(m)
	*m = meta{state: stateQuarantined}
	if z.openHead == none {
		z.openHead = f
	} else {
		at(z.openTail).a = f
	}
	z.openTail = f
	z.quarantined++
}

// Seal closes the open batch: its frames become free once arch.Acked(gen), where gen is not older than that of any earlier
// Seal. Generation 0 means at once.
func Seal(gen uint64) {
	f := z.openHead
	if f == none {
		return
	}
	last := z.openTail
	z.openHead, z.openTail = none, none
	if gen == 0 {
		for f != none {
			next := at(f).a
			z.quarantined--
			release(f)
			f = next
		}
		return
	}
	for i := f; i != none; i = at(i).a {
		m := at(i)
		m.b, m.refs = uint32(gen), uint32(gen>>32)
	}
	if z.waitHead == none {
		z.waitHead = f
	} else {
		at(z.waitTail).a = f
	}
	z.waitTail = last
}

// drain frees what the quarantine no longer needs to hold.
func drain() {
	for f := z.waitHead; f != none; f = z.waitHead {
		m := at(f)
		if !arch.Acked(uint64(m.refs)<<32 | uint64(m.b)) {
			return
		}
		z.waitHead = m.a
		z.quarantined--
		release(f)
	}
	z.waitTail = none
}

// leave takes a handed-out frame out of the kernel count.
func leave(m *meta) {
	if m.state == stateKernel {
		z.kernel--
	}
}

// release makes f free through the hot list.
func release(f uint32) {
	if z.hotLen >= hotMax {
		spill(hotSpill)
	}
	*at(f) = meta{a: z.hot, state: stateHot}
	z.hot = f
	z.hotLen++
	z.free++
}

// spill moves n frames of the hot list to the buddy system.
func spill(n uint32) {
	for ; n > 0 && z.hot != none; n-- {
		f := z.hot
		z.hot = at(f).a
		z.hotLen--
		z.free--
		put(f, 0)
	}
}

// Trim moves the whole hot list to the buddy system and drains the quarantine.
func Trim() {
	drain()
	spill(z.hotLen)
}

// SubRefs drops n references that are not the last: the frame stays.
func SubRefs(pa uint64, n uint32) { at(uint32(pa >> shift)).refs -= n }
