package tree

import (
	"math/bits"
	"math/rand/v2"

	"aramid/servers/vfsd/state"
)

// names finds a directory's entries by name: all of a directory that is not Lower, of a Lower one those that were looked up. Against Go's map a
// look-up takes a third of the instructions. The zero names has none and is ready.
type names struct {
	slots []nameSlot // a power of two, at most half full; open addressing with linear probing
	n     int
}

type nameSlot struct {
	hash uint64
	e    *state.Entry // nil: free
}

const minNames = 8

// nameSeed keeps who chooses names from choosing such as collide. Nothing depends on where they come to lie.
var nameSeed = rand.Uint64()

// mixOdd is 2^64 / φ.
const mixOdd = 0x9e3779b97f4a7c15

func mix(v uint64) uint64 {
	high, low := bits.Mul64(v, mixOdd)
	return high ^ low
}

// hashName takes eight bytes at a time, as wyhash does.
func hashName(s string) uint64 {
	h := nameSeed ^ uint64(len(s))*mixOdd
	for ; len(s) > 8; s = s[8:] {
		h = mix(h ^ (uint64(load32(s)) | uint64(load32(s[4:]))<<32))
		h ^= nameSeed
	}
	switch {
	case len(s) >= 4:
		h ^= uint64(load32(s)) | uint64(load32(s[len(s)-4:]))<<32
	case len(s) > 0:
		h ^= uint64(s[0]) | uint64(s[len(s)/2])<<8 | uint64(s[len(s)-1])<<16
	}
	return mix(h)
}

// load32 is a string's first four bytes.
func load32(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// get returns the entry of that name, or nil. t may be nil.
func (t *names) get(name string) *state.Entry {
	if t == nil || t.n == 0 {
		return nil
	}
	h, slots := hashName(name), t.slots
	for i := h; ; i++ {
		s := &slots[i&uint64(len(slots)-1)]
		e := s.e
		if e == nil || s.hash == h && e.Name == name {
			return e
		}
	}
}

// put adds an entry whose name is not there.
func (t *names) put(e *state.Entry) {
	if 2*(t.n+1) > len(t.slots) {
		t.resize(max(2*len(t.slots), minNames))
	}
	t.insert(nameSlot{hashName(e.Name), e})
	t.n++
}

func (t *names) insert(s nameSlot) {
	mask := uint64(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].e != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *names) resize(size int) {
	old := t.slots
	t.slots = make([]nameSlot, size)
	for _, s := range old {
		if s.e != nil {
			t.insert(s)
		}
	}
}

// reserve makes room for n entries.
func (t *names) reserve(n int) {
	size := minNames
	for 2*n > size {
		size *= 2
	}
	if size > len(t.slots) {
		t.resize(size)
	}
}

// remove takes out an entry that is there.
func (t *names) remove(e *state.Entry) {
	mask := uint64(len(t.slots) - 1)
	hole := hashName(e.Name) & mask
	for t.slots[hole].e != e {
		hole = (hole + 1) & mask
	}
	for i := (hole + 1) & mask; t.slots[i].e != nil; i = (i + 1) & mask {
		// What may not stay behind the hole moves into it: its first place is not between the two.
		if (i-t.slots[i].hash)&mask >= (i-hole)&mask {
			t.slots[hole], hole = t.slots[i], i
		}
	}
	t.slots[hole] = nameSlot{}
	t.n--
}
