package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// tombs is the set of an endpoint's dead badge numbers (R6): a radix tree of bitmaps, 64 ways per level. A node in which
// every number is dead is freed and becomes one bit in full of its parent, so the tree has at most one path of nodes per
// number that is alive or was skipped.
type tombs struct {
	root  *tomb
	level uint32 // of the root; the lowest is 1
}

// tomb is a node. Its level l covers 64^(l+1) numbers.
type tomb struct {
	full uint64     // bit i: slot i is all dead
	slot [64]uint64 // level 1: bitmaps; above: children (child, word), 0 none
}

const (
	tombBits = 6
	tombMask = 1<<tombBits - 1
	tombTop  = 10 // its 66 bits cover every number
	allDead  = ^uint64(0)
)

var tombNodes object.Pool[tomb]

// covers reports whether a root of that level covers n.
func covers(level uint32, n uint64) bool {
	return level >= tombTop || n>>(tombBits*(level+1)) == 0
}

// has reports whether n is dead.
func (s *tombs) has(n uint64) bool {
	if s.root == nil || !covers(s.level, n) {
		return false
	}
	at := s.root
	for l := s.level; ; l-- {
		i := n >> (tombBits * l) & tombMask
		if at.full>>i&1 != 0 {
			return true
		}
		if l == 1 {
			return at.slot[i]>>(n&tombMask)&1 != 0
		}
		if at = child(at.slot[i]); at == nil {
			return false
		}
	}
}

// reserve makes sure that set(n) needs no memory; nodes are charged to a. ErrStale: n is dead. ErrNoMem changes nothing that has can see.
func (s *tombs) reserve(n uint64, a *object.Account) uabi.Error {
	if s.root == nil || !covers(s.level, n) {
		if err := s.grow(n, a); err != uabi.OK {
			return err
		}
	}
	at := s.root
	for l := s.level; ; l-- {
		i := n >> (tombBits * l) & tombMask
		if at.full>>i&1 != 0 {
			return uabi.ErrStale
		}
		if l == 1 {
			if at.slot[i]>>(n&tombMask)&1 != 0 {
				return uabi.ErrStale
			}
			return uabi.OK
		}
		next := child(at.slot[i])
		if next == nil {
			if next = tombNodes.Get(a); next == nil {
				return uabi.ErrNoMem
			}
			at.slot[i] = next.word()
		}
		at = next
	}
}

// set makes n dead, which was reserved and is alive; nodes are charged to a.
func (s *tombs) set(n uint64, a *object.Account) {
	var path [tombTop + 1]*tomb
	at := s.root
	for l := s.level; l > 1; l-- {
		path[l] = at
		at = child(at.slot[n>>(tombBits*l)&tombMask])
	}
	i := n >> tombBits & tombMask
	at.slot[i] |= 1 << (n & tombMask)
	if at.slot[i] == allDead {
		at.full |= 1 << i
	}
	for l := uint32(1); at.full == allDead && l < s.level; {
		l++
		up := path[l]
		i := n >> (tombBits * l) & tombMask
		up.slot[i] = 0
		up.full |= 1 << i
		tombNodes.Put(at, a)
		at = up
	}
}

// grow makes the root cover n. Number 0 is no badge: it counts as dead, so that the first node can become full.
func (s *tombs) grow(n uint64, a *object.Account) uabi.Error {
	if s.root == nil {
		if s.root = tombNodes.Get(a); s.root == nil {
			return uabi.ErrNoMem
		}
		s.level = 1
		s.root.slot[0] = 1
	}
	for !covers(s.level, n) {
		r := tombNodes.Get(a)
		if r == nil {
			return uabi.ErrNoMem
		}
		if s.root.full == allDead {
			r.full = 1
			tombNodes.Put(s.root, a)
		} else {
			r.slot[0] = s.root.word()
		}
		s.root = r
		s.level++
	}
	return uabi.OK
}

// clear frees the tree: always the first leaf that is left, from the root down.
func (s *tombs) clear(a *object.Account) {
	for s.root != nil {
		at := s.root
		var up *tomb
		slot := 0
		for l := s.level; l > 1; l-- {
			i := 0
			for i < len(at.slot) && at.slot[i] == 0 {
				i++
			}
			if i == len(at.slot) {
				break
			}
			up, slot = at, i
			at = child(at.slot[i])
		}
		if up == nil {
			s.root = nil
		} else {
			up.slot[slot] = 0
		}
		tombNodes.Put(at, a)
	}
}
