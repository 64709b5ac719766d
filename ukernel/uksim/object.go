package uksim

import "aramid/ukernel/uabi"

// Object is a simulated kernel object.
type Object interface {
	hdr() *object
	kind() uabi.Type
	// free releases what the object holds; nothing refers to it any more.
	free()
}

// object is the part that all kernel objects share.
type object struct {
	sim     *Sim
	refs    int
	freed   bool
	account *Account // what it is charged to
}

func (o *object) hdr() *object { return o }

// adopt counts a new object as live.
func (s *Sim) adopt(o Object) {
	o.hdr().sim = s
	s.live[o.kind()]++
}

// charge makes account pay for o. ErrNoMem if its limit is reached.
func (s *Sim) charge(o Object, a *Account) uabi.Error {
	if e := a.take(0, 1); e != uabi.OK {
		return e
	}
	o.hdr().account = a
	s.adopt(o)
	ref(a)
	return uabi.OK
}

func ref(o Object) { o.hdr().refs++ }

// unref drops one reference; the last one frees the object.
func unref(o Object) {
	h := o.hdr()
	h.refs--
	if h.refs > 0 || h.freed {
		return
	}
	h.freed = true
	h.sim.live[o.kind()]--
	o.free()
	if a := h.account; a != nil {
		a.give(0, 1)
		unref(a)
	}
}

// capability is a reference to an object with rights: what a table slot, a message, a record or a pin holds.
type capability struct {
	obj    Object
	badge  *Badge
	rights uint32
}

func (c capability) valid() bool { return c.obj != nil }

func (c capability) kind() uabi.Type {
	if c.badge != nil {
		return uabi.TypeBadge
	}
	return c.obj.kind()
}

func (c capability) weak() bool { return c.rights&uabi.RightWeak != 0 }

// stale says whether the capability's badge number died.
func (c capability) stale() bool { return c.badge != nil && c.badge.dead }

// hold counts one more holder of c. Weak handles count for nothing.
func (c capability) hold() {
	if c.obj == nil || c.weak() {
		return
	}
	ref(c.obj)
	if a, ok := c.obj.(*Alien); ok {
		a.handles++
	}
	if c.badge != nil {
		c.badge.count++
		c.badge.gone = false
	}
}

// drop counts one holder less; the last counted one of a badge makes its NoticeGone pending
// (R6), or is the end of a badge that was never outside its owner.
func (c capability) drop() {
	if c.obj == nil || c.weak() {
		return
	}
	if b := c.badge; b != nil {
		b.count--
		switch {
		case b.count > 0 || b.dead:
		case b.out:
			b.gone = true
			b.ep.poke()
		default:
			b.ep.unlist(b)
		}
	}
	if a, ok := c.obj.(*Alien); ok {
		if a.handles--; a.handles == 0 {
			a.Kill()
		}
	}
	unref(c.obj)
}

// dropAll drops every capability of caps and empties it.
func dropAll(caps []capability) {
	for i, c := range caps {
		caps[i] = capability{}
		c.drop()
	}
}

// Sizes of a handle's parts (uabi.Handle).
const (
	slotBits = 20
	slotMask = 1<<slotBits - 1
	genMask  = 1<<12 - 1
)

// MaxSlots is how many slots a handle table has at most.
const MaxSlots = 1 << 16

// table is a process's handle table.
type table struct {
	slots []slot
	low   int // no free slot ≥ BootFirst below
	count int
}

type slot struct {
	c   capability
	gen uint32
}

func (t *table) at(h uabi.Handle) *slot {
	i := int(h & slotMask)
	if i == 0 || i >= len(t.slots) || t.slots[i].gen != uint32(h>>slotBits) || !t.slots[i].c.valid() {
		return nil
	}
	return &t.slots[i]
}

func (t *table) grow(n int) {
	for len(t.slots) < n {
		t.slots = append(t.slots, slot{})
	}
}

// insert takes a hold of c and gives it a number.
func (t *table) insert(c capability) (uabi.Handle, uabi.Error) {
	i := max(t.low, int(uabi.BootFirst))
	for i < len(t.slots) && t.slots[i].c.valid() {
		i++
	}
	if i >= MaxSlots {
		return 0, uabi.ErrLimit
	}
	t.grow(i + 1)
	t.low = i + 1
	c.hold()
	t.slots[i].c = c
	t.count++
	return t.number(i), uabi.OK
}

func (t *table) number(i int) uabi.Handle {
	return uabi.Handle(t.slots[i].gen)<<slotBits | uabi.Handle(i)
}

func (t *table) remove(h uabi.Handle) uabi.Error {
	s := t.at(h)
	if s == nil {
		return uabi.ErrHandle
	}
	c := s.c
	s.c = capability{}
	s.gen = (s.gen + 1) & genMask
	t.count--
	if i := int(h & slotMask); i >= int(uabi.BootFirst) {
		t.low = min(t.low, i)
	}
	c.drop()
	return uabi.OK
}

// clear empties the table.
func (t *table) clear() {
	for i := range t.slots {
		c := t.slots[i].c
		t.slots[i].c = capability{}
		c.drop()
	}
	t.slots, t.count, t.low = nil, 0, 0
}
