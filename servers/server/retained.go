package server

import (
	"slices"

	"aramid/ukernel/uabi"
)

// retained finds the replies of each origin's newest trap (DESIGN "Commit"). Replies themselves stay where they were
// committed: in the log or in the snapshot; this holds their word offsets. It is rebuilt by replay.
type retained struct {
	slots []origin // open addressing, a power of two, at most half full
	n     int
	more  []reply // replies beyond an origin's first, chained
	free  int32   // chain of unused entries of more, −1: none
	lent  []lent
	last  *origin // of slots, or one without an id: what was found last
}

// lent is a handle of the server's own, not of one of its badges, that a retained reply names.
type lent struct {
	h      uabi.Handle
	origin uint64
	word   int // of the reply's trailer in kept memory
}

// origin is one alien or originator. id 0: the slot is empty.
type origin struct {
	id, trap uint64
	first    reply // off 0: none
	gives    bool  // a reply has a handle that was given away (reply.go)
	lends    bool  // some of lent are its replies'
}

// reply is one committed reply: which step, where its trailer is, and the next of the same trap (index into more, −1: none).
type reply struct {
	path uint64
	off  int32
	next int32
}

const firstSlots = 64

func newRetained() *retained {
	return &retained{slots: make([]origin, firstSlots), free: -1, last: new(origin)}
}

// hash spreads origins, which are small numbers in sequence, by Fibonacci hashing.
func (r *retained) hash(id uint64) int {
	return int((id * 0x9e3779b97f4a7c15) >> 32 & uint64(len(r.slots)-1))
}

// find returns the slot of an origin, whose id is not 0, or nil. It is valid until the next insert or remove.
func (r *retained) find(id uint64) *origin {
	if o := r.last; o.id == id {
		return o
	}
	return r.search(id)
}

func (r *retained) search(id uint64) *origin {
	for i := r.hash(id); ; i = (i + 1) & (len(r.slots) - 1) {
		switch o := &r.slots[i]; o.id {
		case id:
			r.last = o
			return o
		case 0:
			return nil
		}
	}
}

// lookup returns the word offset of the reply to a step, or 0.
func (r *retained) lookup(o *origin, path uint64) int {
	if o.first.off == 0 {
		return 0
	}
	for p := &o.first; ; p = &r.more[p.next] {
		if p.path == path {
			return int(p.off)
		}
		if p.next < 0 {
			return 0
		}
	}
}

// put retains a reply and returns the slot of its origin; a newer trap drops the replies of the one before.
func (r *retained) put(id, trap, path uint64, off int) *origin {
	o := r.find(id)
	if o == nil {
		o = r.insert(id)
	}
	if o.trap != trap {
		if o.first.next >= 0 || o.gives || o.lends {
			r.drop(o)
		}
		o.trap = trap
	} else if o.first.off != 0 {
		i := r.alloc()
		r.more[i] = reply{path, int32(off), o.first.next}
		o.first.next = i
		return o
	}
	o.first = reply{path, int32(off), -1}
	return o
}

// name notes what handles the reply of an origin at word off of w names: those that were given away, and those that are lent, which are none
// of the server's badges.
func (r *retained) name(o *origin, w []uint64, off int) {
	handleWords(w, off, func(at int) {
		word, badge := w[at], w[at+1]
		if word&repGiven != 0 {
			o.gives = true
		} else if h := uabi.Handle(word); h != 0 && badge == 0 {
			r.lent = append(r.lent, lent{h, o.id, at})
			o.lends = true
		}
	})
}

// unlend calls f with the word of each place where an origin's replies name a handle, which they then do no longer.
func (r *retained) unlend(h uabi.Handle, origin uint64, f func(word int)) {
	r.lent = slices.DeleteFunc(r.lent, func(l lent) bool {
		found := l.h == h && l.origin == origin
		if found {
			f(l.word)
		}
		return found
	})
}

// touch notes an origin's trap without a reply.
func (r *retained) touch(id, trap uint64) *origin {
	o := r.find(id)
	if o == nil {
		o = r.insert(id)
	} else if o.trap != trap {
		r.drop(o)
	}
	o.trap = trap
	return o
}

func (r *retained) insert(id uint64) *origin {
	if 2*(r.n+1) > len(r.slots) {
		old := r.slots
		r.slots = make([]origin, 2*len(old))
		for _, o := range old {
			if o.id != 0 {
				*r.empty(o.id) = o
			}
		}
	}
	r.n++
	o := r.empty(id)
	*o = origin{id: id, first: reply{next: -1}}
	r.last = o
	return o
}

func (r *retained) empty(id uint64) *origin {
	i := r.hash(id)
	for r.slots[i].id != 0 {
		i = (i + 1) & (len(r.slots) - 1)
	}
	return &r.slots[i]
}

// drop forgets the replies of an origin.
func (r *retained) drop(o *origin) {
	for i := o.first.next; o.first.off != 0 && i >= 0; {
		next := r.more[i].next
		r.more[i] = reply{next: r.free}
		r.free = i
		i = next
	}
	o.first = reply{next: -1}
	o.gives = false
	if o.lends {
		o.lends = false
		r.lent = slices.DeleteFunc(r.lent, func(l lent) bool { return l.origin == o.id })
	}
}

func (r *retained) alloc() int32 {
	if i := r.free; i >= 0 {
		r.free = r.more[i].next
		return i
	}
	r.more = append(r.more, reply{})
	return int32(len(r.more) - 1)
}

// remove forgets an origin: its alien is gone.
func (r *retained) remove(id uint64) {
	o := r.find(id)
	if o == nil {
		return
	}
	r.drop(o)
	mask := len(r.slots) - 1
	i := r.hash(id)
	for r.slots[i].id != id {
		i = (i + 1) & mask
	}
	// Close the gap: move back what was pushed past it.
	for j := (i + 1) & mask; r.slots[j].id != 0; j = (j + 1) & mask {
		if home := r.hash(r.slots[j].id); (j-home)&mask >= (j-i)&mask {
			r.slots[i] = r.slots[j]
			i = j
		}
	}
	r.slots[i] = origin{}
	r.n--
	r.last = new(origin)
}

// replies calls f for each retained reply of an origin.
func (r *retained) replies(o *origin, f func(p *reply)) {
	if o.first.off == 0 {
		return
	}
	for p := &o.first; ; p = &r.more[p.next] {
		f(p)
		if p.next < 0 {
			return
		}
	}
}
