package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// WaitSet is a set of (event, mask) members with a list of those that are ready: epoll's object. Bit 0 of its own event is up
// while the list is not empty, so sets nest.
//
// A member is ready while a bit of its mask is up; with WaitEdge: from a raise until it is taken, or the bits fall. A member
// that is not ready is not in the list: falling bits take it out.
type WaitSet struct {
	node
	ev        *Event  // its readiness, with a reference
	members   *member // by setNext
	count     uint32
	ready     *member // doubly linked by rnext, rprev
	readyEnd  *member
	dirty     bool // in the list of sets to show
	raise     bool // a member became ready since the last show
	dirtyNext *WaitSet
}

// member is a member of a wait set. It holds no reference to the event and leaves when that ends.
type member struct {
	watch
	set      *WaitSet
	key      uint64
	data     uint64
	flags    uint32 // uabi.Wait…
	off      bool   // WaitOneshot: taken, until Modify
	listed   bool   // in the ready list
	rnext    *member
	rprev    *member
	setNext  *member
	setPrev  *member
	hashNext *member // same bucket
}

// maxMembers bounds a set, and maxDepth the nesting of sets (Linux: EP_MAX_NESTS 4).
const (
	maxMembers = 1 << 16
	maxDepth   = 5
	maxVisits  = 4096 // sets looked at by the cycle check
	waitFlags  = uabi.WaitEdge | uabi.WaitOneshot | uabi.WaitExclusive
)

var (
	waitSets object.Pool[WaitSet]
	members  object.Pool[member]
)

// NewWaitSet makes an empty set with one reference. ErrNoMem.
func NewWaitSet(a *object.Account) (*WaitSet, uabi.Error) {
	ev, err := NewEvent(a)
	if err != uabi.OK {
		return nil, err
	}
	s := waitSets.Get(a)
	if s == nil {
		bury(&ev.Header)
		return nil, uabi.ErrNoMem
	}
	s.Header.Start(uabi.TypeWaitSet, a)
	s.ev = ev
	ev.set = s
	return s, uabi.OK
}

// Event is the event whose bit 0 is up while a member is ready; no new reference.
func (s *WaitSet) Event() *Event { return s.ev }

// memberBuckets is the size of the hash of all members by set and key.
const memberBuckets = 4096

var memberHash [memberBuckets]*member

// bucketOf is where the member with that key is, if it exists.
func (s *WaitSet) bucketOf(key uint64) **member {
	return &memberHash[(key^s.ID<<32)*0x9e3779b97f4a7c15>>(64-12)]
}

// find is the member with that key, or nil.
func (s *WaitSet) find(key uint64) *member {
	m := *s.bucketOf(key)
	for m != nil && (m.key != key || m.set != s) {
		m = m.hashNext
	}
	return m
}

// AddSet is CallWaitSetAdd with a wait set as member.
func (s *WaitSet) AddSet(m *WaitSet, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	return s.Add(m.ev, key, mask, data, flags)
}

// Add is CallWaitSetAdd with an event. ErrExists: the key is in use; ErrLimit; ErrDeadlock: the set would contain itself, or be
// nested too deep; ErrArg, ErrNoMem.
func (s *WaitSet) Add(e *Event, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	if flags&^waitFlags != 0 {
		return uabi.ErrArg
	}
	if s.find(key) != nil {
		return uabi.ErrExists
	}
	if s.count >= maxMembers {
		return uabi.ErrLimit
	}
	if e.set != nil && !s.mayNest(e.set) {
		return uabi.ErrDeadlock
	}
	m := members.Get(s.Acct)
	if m == nil {
		return uabi.ErrNoMem
	}
	m.member = true
	m.set, m.key, m.data, m.mask, m.flags = s, key, data, mask, flags
	m.setNext = s.members
	if s.members != nil {
		s.members.setPrev = m
	}
	s.members = m
	at := s.bucketOf(key)
	m.hashNext = *at
	*at = m
	s.count++
	m.attach(e)
	m.look()
	s.settle()
	return uabi.OK
}

// Modify is CallWaitSetModify: arms a oneshot member again. ErrNotFound, ErrArg.
func (s *WaitSet) Modify(key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	if flags&^waitFlags != 0 {
		return uabi.ErrArg
	}
	m := s.find(key)
	if m == nil {
		return uabi.ErrNotFound
	}
	m.mask, m.data, m.flags, m.off = mask, data, flags, false
	m.unready()
	m.look()
	s.settle()
	return uabi.OK
}

// Remove is CallWaitSetRemove. ErrNotFound.
func (s *WaitSet) Remove(key uint64) uabi.Error {
	m := s.find(key)
	if m == nil {
		return uabi.ErrNotFound
	}
	m.leave()
	s.settle()
	return uabi.OK
}

// Take is CallWaitSetTake: fills out with ready members and returns how many. Oneshot and edge members are consumed; level
// members go to the end of the list, so that many ready ones take turns.
func (s *WaitSet) Take(out []uabi.WaitReady) int {
	n := 0
	last := s.readyEnd
	for m := s.ready; m != nil && n < len(out); {
		next := m.rnext
		if m == last {
			next = nil
		}
		out[n] = uabi.WaitReady{Key: m.key, Data: m.data, Bits: m.event.level & m.mask}
		n++
		m.unready()
		if m.flags&uabi.WaitOneshot != 0 {
			m.off = true
		} else if m.flags&uabi.WaitEdge == 0 {
			m.makeReady()
		}
		m = next
	}
	s.raise = false
	s.settle()
	return n
}

// settle lets the set's event, and those of the sets it is in, follow.
//
//go:noinline
func (s *WaitSet) settle() {
	s.touch()
	s.ev.Update(0, 0, 0)
}

// touch queues the set for show.
func (s *WaitSet) touch() {
	if !s.dirty {
		s.dirty = true
		s.dirtyNext = dirty
		dirty = s
	}
}

// show makes bit 0 of the set's event follow the ready list.
func (s *WaitSet) show() {
	raise := s.raise
	s.raise = false
	if s.ready == nil {
		if s.ev.level&1 != 0 {
			s.ev.apply(0, 1, 0)
		}
	} else if raise || s.ev.level&1 == 0 {
		s.ev.apply(1, 0, 0)
	}
}

// raised is called when bits of the member's mask were raised.
func (m *member) raised() {
	if m.flags&uabi.WaitExclusive != 0 && !m.first() {
		return
	}
	m.look()
}

// first reports whether no exclusive member before m in the event's list has somebody waiting on its set: one of them is
// enough.
func (m *member) first() bool {
	for w := m.prev; w != nil; w = w.prev {
		if w.member {
			x := w.asMember()
			if x.flags&uabi.WaitExclusive != 0 && x.listed && !x.set.ev.waiters.Empty() {
				return false
			}
		}
	}
	return true
}

// look puts the member into the ready list if a bit of its mask is up.
//
//go:noinline
func (m *member) look() {
	if m.off || m.event.level&m.mask == 0 {
		return
	}
	m.set.raise = true
	m.set.touch()
	m.makeReady()
}

// fell is called when bits of the event fell.
func (m *member) fell() {
	if m.listed && m.event.level&m.mask == 0 {
		m.unready()
		m.set.touch()
	}
}

// makeReady appends the member to the ready list if it is not in it.
func (m *member) makeReady() {
	if m.listed {
		return
	}
	s := m.set
	m.listed = true
	m.rnext, m.rprev = nil, s.readyEnd
	if s.readyEnd == nil {
		s.ready = m
	} else {
		s.readyEnd.rnext = m
	}
	s.readyEnd = m
}

// unready takes it out.
//
//go:noinline
func (m *member) unready() {
	if !m.listed {
		return
	}
	s := m.set
	m.listed = false
	if m.rprev == nil {
		s.ready = m.rnext
	} else {
		m.rprev.rnext = m.rnext
	}
	if m.rnext == nil {
		s.readyEnd = m.rprev
	} else {
		m.rnext.rprev = m.rprev
	}
	m.rnext, m.rprev = nil, nil
}

// leave takes the member out of its set and event and frees it. The set is touched: whoever calls it settles, or is inside
// destroy, where the next update of anything does.
func (m *member) leave() {
	s := m.set
	m.unready()
	m.detach()
	at := s.bucketOf(m.key)
	for *at != m {
		at = &(*at).hashNext
	}
	*at = m.hashNext
	if m.setPrev == nil {
		s.members = m.setNext
	} else {
		m.setPrev.setNext = m.setNext
	}
	if m.setNext != nil {
		m.setNext.setPrev = m.setPrev
	}
	s.count--
	s.touch()
	members.Put(m, s.Acct)
}

// mayNest reports whether set x may become a member of s: s is not inside x, and the chain through it is not longer than
// maxDepth. The sets around s are at most maxVisits, else the answer is no.
func (s *WaitSet) mayNest(x *WaitSet) bool {
	up, ok := s.height(x, true)
	if !ok {
		return false
	}
	down, ok := x.height(s, false)
	return ok && up+down <= maxDepth
}

// height is the number of sets in the longest chain from s outwards (up: the sets that contain it) or inwards; ok is false if
// avoid is met, or too many sets are. It walks depth first with a stack of positions that is as deep as chains may be.
func (s *WaitSet) height(avoid *WaitSet, up bool) (n int, ok bool) {
	var at [maxDepth + 1]step
	at[0] = s.walk(up)
	if s == avoid {
		return 0, false
	}
	depth, n := 0, 1
	for visits := 0; depth >= 0; {
		x := at[depth].next(up)
		if x == nil {
			depth--
			continue
		}
		if visits++; x == avoid || visits > maxVisits || depth+1 > maxDepth {
			return 0, false
		}
		depth++
		n = max(n, depth+1)
		at[depth] = x.walk(up)
	}
	return n, true
}

// step is a position in the list of sets next to one: the watches of its event, or its members.
type step struct {
	w *watch
	m *member
}

func (s *WaitSet) walk(up bool) step {
	if up {
		return step{w: s.ev.watches}
	}
	return step{m: s.members}
}

// next is the next set of the list, or nil.
func (p *step) next(up bool) *WaitSet {
	for up && p.w != nil {
		w := p.w
		p.w = w.next
		if w.member {
			return w.asMember().set
		}
	}
	for !up && p.m != nil {
		m := p.m
		p.m = m.setNext
		if m.event.set != nil {
			return m.event.set
		}
	}
	return nil
}

// destroy frees a set that nothing names.
func (s *WaitSet) destroy() {
	for s.members != nil {
		s.members.leave()
	}
	if s.dirty {
		at := &dirty
		for *at != s {
			at = &(*at).dirtyNext
		}
		*at = s.dirtyNext
	}
	s.ev.set = nil
	ev := s.ev
	s.ev = nil
	waitSets.Put(s, s.Stop())
	bury(&ev.Header)
}
