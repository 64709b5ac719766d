// Package table is a hash table from numbers to values: what servers look up in each request (badges, inodes, processes). Against Go's map a
// look-up is a few instructions instead of some fifty, and the walk's order depends on nothing but what was put in and taken out.
package table

import (
	"iter"
	"slices"
)

// Key is what a table is looked up by.
type Key interface {
	~int32 | ~uint32 | ~uint64
}

// Table maps numbers other than 0 to values. The zero Table is empty and ready. It is not safe for concurrent use.
type Table[K Key, V any] struct {
	slots []slot[K, V] // a power of two, at most half full; open addressing with linear probing
	shift uint         // 64 − log2(len(slots))
	n     int
}

type slot[K Key, V any] struct {
	key K // 0: free
	v   V
}

const (
	minSlots = 8
	// mix is 2^64 / φ: neighbours come to lie far apart (Knuth, The Art of Computer Programming 3, 6.4).
	mix = 0x9e3779b97f4a7c15
)

// Len is the number of entries.
func (t *Table[K, V]) Len() int { return t.n }

// first is the slot where the search for key begins.
func (t *Table[K, V]) first(key K) uint64 { return uint64(key) * mix >> (t.shift & 63) }

// Get returns the value of key, or V's zero.
func (t *Table[K, V]) Get(key K) (v V) {
	if t.n == 0 {
		return v
	}
	for i := t.first(key); ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.key == key || s.key == 0 {
			return s.v
		}
	}
}

// Has reports whether there is a value of key.
func (t *Table[K, V]) Has(key K) bool { return t.at(key) >= 0 }

// at is the slot of key, or -1.
func (t *Table[K, V]) at(key K) int {
	if t.n == 0 || key == 0 {
		return -1
	}
	mask := uint64(len(t.slots) - 1)
	for i := t.first(key); t.slots[i].key != 0; i = (i + 1) & mask {
		if t.slots[i].key == key {
			return int(i)
		}
	}
	return -1
}

// Find is where key's value is, or nil. It is good until the table changes.
func (t *Table[K, V]) Find(key K) *V {
	if t.n == 0 {
		return nil
	}
	if s := t.slot(key); s.key != 0 {
		return &s.v
	}
	return nil
}

// Put sets the value of key, which must not be 0.
func (t *Table[K, V]) Put(key K, v V) {
	if key == 0 {
		panic("table: key 0")
	}
	if len(t.slots) == 0 {
		t.grow()
	}
	s := t.slot(key)
	if s.key == 0 {
		if t.n++; 2*t.n > len(t.slots) {
			t.grow()
			s = t.slot(key)
		}
		s.key = key
	}
	s.v = v
}

// slot is where key is, or the free slot where it would be. There are slots.
func (t *Table[K, V]) slot(key K) *slot[K, V] {
	for i := t.first(key); ; i++ {
		s := &t.slots[i&uint64(len(t.slots)-1)]
		if s.key == key || s.key == 0 {
			return s
		}
	}
}

// grow doubles the slots.
func (t *Table[K, V]) grow() {
	old := t.slots
	size := max(2*len(old), minSlots)
	t.slots, t.shift = make([]slot[K, V], size), 64
	for ; size > 1; size /= 2 {
		t.shift--
	}
	for i := range old {
		if old[i].key != 0 {
			*t.slot(old[i].key) = old[i]
		}
	}
}

// Delete takes key out, if it is in.
func (t *Table[K, V]) Delete(key K) {
	at := t.at(key)
	if at < 0 {
		return
	}
	mask := uint64(len(t.slots) - 1)
	hole := uint64(at)
	for i := (hole + 1) & mask; t.slots[i].key != 0; i = (i + 1) & mask {
		// What may not stay behind the hole moves into it: its first place is not between the two.
		if first := t.first(t.slots[i].key); (i-first)&mask >= (i-hole)&mask {
			t.slots[hole], hole = t.slots[i], i
		}
	}
	t.slots[hole] = slot[K, V]{}
	t.n--
}

// Clear empties the table.
func (t *Table[K, V]) Clear() { *t = Table[K, V]{} }

// All walks the entries in no useful order. The table must not change meanwhile.
func (t *Table[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for i := range t.slots {
			if s := &t.slots[i]; s.key != 0 && !yield(s.key, s.v) {
				return
			}
		}
	}
}

// Keys lists the keys, ascending.
func (t *Table[K, V]) Keys() []K {
	keys := make([]K, 0, t.n)
	for k := range t.All() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Values lists the values in the order of their keys.
func (t *Table[K, V]) Values() []V {
	values := make([]V, 0, t.n)
	for _, k := range t.Keys() {
		values = append(values, t.Get(k))
	}
	return values
}
