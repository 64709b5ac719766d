package frame

import "math/bits"

// put makes the block of 2^order frames at f free, merging it with its buddies (Knuth, TAOCP Vol. 1, §2.5).
func put(f uint32, order uint8) {
	z.free += 1 << order
	for order < MaxOrder {
		b := f ^ 1<<order
		if uint64(b) >= z.frames {
			break
		}
		if m := at(b); m.state != stateBuddy || m.order != order {
			break
		}
		unlink(b)
		at(b).state = stateReserved
		at(f).state = stateReserved
		f &^= 1 << order
		order++
	}
	link(f, order)
}

// take removes a block of 2^order frames from the lists, splitting a larger one if needed; none if there is none. The
// caller adjusts z.free.
func take(order uint8) uint32 {
	m := z.mask >> order
	if m == 0 {
		return none
	}
	have := order + uint8(bits.TrailingZeros32(m))
	f := z.list[have]
	unlink(f)
	for have > order {
		have--
		link(f+1<<have, have)
	}
	at(f).state = stateReserved
	return f
}

// link puts a block on its list.
func link(f uint32, order uint8) {
	head := z.list[order]
	*at(f) = meta{a: head, b: none, order: order, state: stateBuddy}
	if head != none {
		at(head).b = f
	}
	z.list[order] = f
	z.mask |= 1 << order
}

// unlink takes a block off its list.
func unlink(f uint32) {
	m := at(f)
	if m.b != none {
		at(m.b).a = m.a
	} else {
		z.list[m.order] = m.a
		if m.a == none {
			z.mask &^= 1 << m.order
		}
	}
	if m.a != none {
		at(m.a).b = m.b
	}
}

// putRange makes the frames [f, end) free at boot, in blocks as large as alignment allows.
func putRange(f, end uint32) {
	if f >= end {
		return
	}
	z.total += uint64(end - f)
	for f < end {
		order := uint8(min(bits.TrailingZeros32(f), MaxOrder))
		for f+1<<order > end {
			order--
		}
		put(f, order)
		f += 1 << order
	}
}
