package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// pinSlots pins fit in the alien's thread object.
const pinSlots = 4

// pinNode holds a further one.
type pinNode struct {
	next *pinNode
	acct *object.Account // that it is charged to
	ref  ref
}

var pinNodes object.Pool[pinNode]

// pin keeps the first n of x alive in the alien that call c's id names, while that trap is open (R5), or until the killed alien
// is forgotten. ErrNoMem: pins taken before the failure stay, which is harmless.
func (c *call) pin(x *[uabi.MaxHandles]ref, n int) uabi.Error {
	a := c.alien
	if n == 0 || a == nil || c.id.Origin != a.ID || c.id.Trap != a.al.traps {
		return uabi.OK
	}
	if !a.al.open && a.block != BlockGone || a.al.forgot {
		return uabi.OK
	}
	for i := range n {
		if x[i].obj != nil && !a.al.addPin(&x[i], a.Acct) {
			return uabi.ErrNoMem
		}
	}
	return uabi.OK
}

// addPin keeps a copy of r; false: no memory. What is pinned already is not pinned again.
func (al *alien) addPin(r *ref, a *object.Account) bool {
	al.kept |= keepsRefs
	if r.badge != nil {
		r.badge.out = true
	}
	for i := range al.pins { // the free ones are last
		p := &al.pins[i]
		if p.obj == nil {
			p.copy(r)
			return true
		}
		if p.obj == r.obj && p.badge == r.badge {
			return true
		}
	}
	for p := al.morePins; p != nil; p = p.next {
		if p.ref.obj == r.obj && p.ref.badge == r.badge {
			return true
		}
	}
	p := pinNodes.Get(a)
	if p == nil {
		return false
	}
	p.acct = a
	p.next = al.morePins
	al.morePins = p
	p.ref.copy(r)
	return true
}

// copy makes the empty r hold what from holds.
func (r *ref) copy(from *ref) {
	*r = *from
	hold(r.obj, r.badge, r.rights)
}

// clear empties record (R2), record handles (R4) and pins (R5).
func (al *alien) clear() {
	k := al.kept
	if k == 0 {
		return
	}
	al.kept = 0
	al.record = [uabi.RecordWords]uint64{}
	if k&keepsRefs == 0 {
		return
	}
	for i := range al.recRef {
		if r := &al.recRef[i]; r.obj != nil {
			r.drop()
		}
	}
	for i := range al.pins {
		r := &al.pins[i]
		if r.obj == nil {
			break
		}
		r.drop()
	}
	for p := al.morePins; p != nil; p = al.morePins {
		al.morePins = p.next
		p.ref.drop()
		pinNodes.Put(p, p.acct)
	}
}
