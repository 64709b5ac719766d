package ipc

import (
	"encoding/binary"
	"math/bits"
)

// The pieces of the generated codec of flat messages (scalars, strings and bytes, no lists): protobuf's wire format, written and read in
// field order, straight through. What is not in that form is left to vtprotobuf's code.

// PutVarint stores v at b[n] and returns the index behind it.
func PutVarint(b []byte, n int, v uint64) int {
	if v < 0x80 {
		b[n] = byte(v)
		return n + 1
	}
	return putLong(b, n, v)
}

// Seven-bit groups are spread and gathered in three steps, pairs of 7, 14 and 28 bits at a time: half of each mask stays, half moves.
const (
	low7, high7   = 0x007f007f007f007f, 0x7f007f007f007f00
	low14, high14 = 0x00003fff00003fff, 0x3fff00003fff0000
	low28, high28 = 0x000000000fffffff, 0x0fffffff00000000
	more          = 0x8080808080808080 // the bit that says that another byte follows
	word          = 8                  // bytes that are handled at once
	wordLimit     = 1 << (7 * word)
)

// putLong stores numbers of two bytes and more.
func putLong(b []byte, n int, v uint64) int {
	if v < wordLimit && n+word <= len(b) {
		x := v&low28 | v<<4&high28
		x = x&low14 | x<<2&high14
		x = x&low7 | x<<1&high7
		size := (bits.Len64(v)*9 + 64) / 64 // ⌈bits / 7⌉ for up to 63 bits
		binary.LittleEndian.PutUint64(b[n:], x|more&(1<<(8*size-8)-1))
		return n + size
	}
	for v >= 0x80 {
		b[n] = byte(v) | 0x80
		v >>= 7
		n++
	}
	b[n] = byte(v)
	return n + 1
}

// Varint reads the number at b[i] and returns the index behind it, which is beyond the end if there is none.
func Varint(b []byte, i int) (v uint64, next int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		return uint64(b[i]), i + 1
	}
	return longVarint(b, i)
}

// maxShift is that of a varint's tenth byte, whose value is at most 1.
const maxShift = 63

func longVarint(b []byte, i int) (v uint64, next int) {
	// Reading on to the capacity is harmless: a number that ends behind b makes the index say so.
	if c := b[:cap(b)]; i+word <= len(c) {
		x := binary.LittleEndian.Uint64(c[i:])
		if stop := ^x & more; stop != 0 {
			x &= (stop ^ (stop - 1)) &^ more
			x = x&low7 | x&high7>>1
			x = x&low14 | x&high14>>2
			return x&low28 | x&high28>>4, i + bits.TrailingZeros64(stop)/8 + 1
		}
	}
	for shift := uint(0); i < len(b) && shift <= maxShift; shift += 7 {
		c := b[i]
		i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if shift == maxShift && c > 1 {
				break
			}
			return v, i
		}
	}
	return 0, len(b) + 1
}

// PutBytes stores a field's length and bytes at b[n] and returns the index behind them.
func PutBytes(b []byte, n int, p []byte) int {
	n = PutVarint(b, n, uint64(len(p)))
	return n + copy(b[n:], p)
}

// PutString is PutBytes for a string.
func PutString(b []byte, n int, s string) int {
	n = PutVarint(b, n, uint64(len(s)))
	return n + copy(b[n:], s)
}

// FieldBytes is the field whose length is at b[i], not copied, and the index behind it, beyond the end if it is cut short.
func FieldBytes(b []byte, i int) (p []byte, next int) {
	var v uint64
	if i < len(b) && b[i] < 0x80 {
		v = uint64(b[i])
		i++
	} else {
		v, i = longVarint(b, i)
	}
	if i > len(b) || v > uint64(len(b)-i) {
		return nil, len(b) + 1
	}
	next = i + int(v)
	return b[i:next:next], next
}

// PutFixed64 stores v at b[n].
func PutFixed64(b []byte, n int, v uint64) int {
	binary.LittleEndian.PutUint64(b[n:], v)
	return n + 8
}

// Fixed64 reads what PutFixed64 stored.
func Fixed64(b []byte, i int) (v uint64, next int) {
	if i+8 > len(b) {
		return 0, len(b) + 1
	}
	return binary.LittleEndian.Uint64(b[i:]), i + 8
}

// PutFixed32 stores v at b[n].
func PutFixed32(b []byte, n int, v uint32) int {
	binary.LittleEndian.PutUint32(b[n:], v)
	return n + 4
}

// Fixed32 reads what PutFixed32 stored.
func Fixed32(b []byte, i int) (v uint32, next int) {
	if i+4 > len(b) {
		return 0, len(b) + 1
	}
	return binary.LittleEndian.Uint32(b[i:]), i + 4
}

// Zigzag and Unzigzag are protobuf's map of signed numbers (sint32, sint64).
func Zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// Unzigzag is Zigzag's inverse.
func Unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// Bit is a bool as a varint.
func Bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
