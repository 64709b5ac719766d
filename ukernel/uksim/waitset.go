package uksim

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Nesting and size limits of wait sets.
const (
	maxNesting = 5
	maxMembers = 1 << 16
)

// WaitSet is epoll's kernel half: members are events or other sets.
type WaitSet struct {
	object
	members []*member
	ev      *Event // bit 0 is up while a member is ready
}

// member watches mask of an event for its set.
type member struct {
	set   *WaitSet
	ev    *Event
	inner *WaitSet // when the member is a set: ev is its event
	key   uint64
	mask  uint32
	data  uint64
	flags uint32
	seen  uint64 // WaitEdge: stamp consumed last
	off   bool   // WaitOneshot: consumed
}

func (w *WaitSet) kind() uabi.Type { return uabi.TypeWaitSet }

func (w *WaitSet) free() {
	for _, m := range w.members {
		m.leave()
	}
	w.members = nil
	w.ev.of = nil
	unref(w.ev)
}

func (m *member) leave() {
	for i, x := range m.ev.members {
		if x == m {
			m.ev.members = append(m.ev.members[:i], m.ev.members[i+1:]...)
			break
		}
	}
	unref(m.ev)
	if m.inner != nil {
		unref(m.inner)
	}
}

// ready are the member's bits to report now.
func (m *member) ready() uint32 {
	switch {
	case m.off:
		return 0
	case m.flags&uabi.WaitEdge == 0:
		return m.ev.level & m.mask
	}
	var bits uint32
	for i := range eventBits {
		if m.mask>>i&1 == 1 && m.ev.last[i] > m.seen {
			bits |= 1 << i
		}
	}
	return bits
}

// changed says that m's event was updated: the set's own event follows.
func (w *WaitSet) changed(m *member, raised uint32) {
	up := uint32(0)
	for _, x := range w.members {
		if x.ready() != 0 {
			up = 1
			break
		}
	}
	raise := uint32(0)
	if m != nil && raised&m.mask != 0 && m.ready() != 0 {
		raise = 1
	}
	if up != w.ev.level || raise != 0 {
		w.ev.update(up&^w.ev.level, up^1, raise)
	}
}

// reaches says whether target is w or nested below it, and how deep w nests.
func (w *WaitSet) reaches(target *WaitSet) (found bool, depth int) {
	if w == target {
		return true, 1
	}
	for _, m := range w.members {
		if m.ev.of == nil {
			continue
		}
		f, d := m.ev.of.reaches(target)
		found, depth = found || f, max(depth, d)
	}
	return found, depth + 1
}

func (w *WaitSet) find(key uint64) *member {
	for _, m := range w.members {
		if m.key == key {
			return m
		}
	}
	return nil
}

// WaitSetCreate is uk.Kernel's.
func (k *Native) WaitSetCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	k.enter("waitset.create")
	a, e := get[*Account](k, account, 0)
	if e != uabi.OK {
		return 0, e
	}
	ev := &Event{}
	if e := k.sim.charge(ev, a); e != uabi.OK {
		return 0, e
	}
	ref(ev)
	w := &WaitSet{ev: ev}
	if e := k.sim.charge(w, a); e != uabi.OK {
		unref(ev)
		return 0, e
	}
	ev.of = w
	return k.give(w, uabi.RightsAll)
}

// WaitSetAdd is uk.Kernel's.
func (k *Native) WaitSetAdd(set, of uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	k.enter("waitset.add")
	w, e := get[*WaitSet](k, set, uabi.RightWrite)
	if e != uabi.OK {
		return e
	}
	c, e := k.lookup(of, uabi.RightRead)
	if e != uabi.OK {
		return e
	}
	m := &member{set: w, key: key, mask: mask, data: data, flags: flags}
	switch o := c.obj.(type) {
	case *Event:
		m.ev = o
	case *WaitSet:
		m.ev, m.inner = o.ev, o
	default:
		return uabi.ErrType
	}
	if m.ev.of != nil {
		if found, depth := m.ev.of.reaches(w); found || depth >= maxNesting {
			return uabi.ErrDeadlock
		}
	}
	if w.find(key) != nil {
		return uabi.ErrExists
	}
	if len(w.members) >= maxMembers {
		return uabi.ErrLimit
	}
	ref(m.ev)
	if m.inner != nil {
		ref(m.inner)
	}
	m.prime()
	w.members = append(w.members, m)
	m.ev.members = append(m.ev.members, m)
	w.changed(m, m.ready())
	return uabi.OK
}

// prime makes an edge member report what is up already, once.
func (m *member) prime() {
	m.off, m.seen = false, m.ev.seq
	if m.flags&uabi.WaitEdge == 0 {
		return
	}
	for i := range eventBits {
		if m.ev.level&m.mask>>i&1 == 1 {
			m.seen = min(m.seen, m.ev.last[i]-1)
		}
	}
}

// WaitSetModify is uk.Kernel's.
func (k *Native) WaitSetModify(set uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	k.enter("waitset.modify")
	w, e := get[*WaitSet](k, set, uabi.RightWrite)
	if e != uabi.OK {
		return e
	}
	m := w.find(key)
	if m == nil {
		return uabi.ErrNotFound
	}
	m.mask, m.data, m.flags = mask, data, flags
	m.prime()
	w.changed(m, m.ready())
	return uabi.OK
}

// WaitSetRemove is uk.Kernel's.
func (k *Native) WaitSetRemove(set uabi.Handle, key uint64) uabi.Error {
	k.enter("waitset.remove")
	w, e := get[*WaitSet](k, set, uabi.RightWrite)
	if e != uabi.OK {
		return e
	}
	for i, m := range w.members {
		if m.key == key {
			w.members = append(w.members[:i], w.members[i+1:]...)
			m.leave()
			w.changed(nil, 0)
			return uabi.OK
		}
	}
	return uabi.ErrNotFound
}

// WaitSetTakeOnce is uk.Kernel's.
func (k *Native) WaitSetTakeOnce(r *uk.Receipt, set uabi.Handle, out []uabi.WaitReady) (int, uabi.Error) {
	n, e := k.WaitSetTake(set, out[:min(len(out), uabi.MaxReady)])
	for i, m := range out[:n] {
		w := r[2+3*i:]
		w[0], w[1], w[2] = m.Key, m.Data, uint64(m.Bits)
	}
	leave(r, uint64(n), e)
	return n, e
}

// WaitSetTake is uk.Kernel's. Members that stay ready go to the end, so that all get their turn.
func (k *Native) WaitSetTake(set uabi.Handle, out []uabi.WaitReady) (int, uabi.Error) {
	k.enter("waitset.take")
	if k.buf == nil {
		return 0, uabi.ErrArg
	}
	w, e := get[*WaitSet](k, set, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	n := 0
	var taken, rest []*member
	for _, m := range w.members {
		bits := m.ready()
		if bits == 0 || n == len(out) {
			rest = append(rest, m)
			continue
		}
		out[n] = uabi.WaitReady{Key: m.key, Data: m.data, Bits: bits}
		n++
		taken = append(taken, m)
		if m.flags&uabi.WaitEdge != 0 {
			m.seen = m.ev.seq
		}
		if m.flags&uabi.WaitOneshot != 0 {
			m.off = true
		}
	}
	w.members = append(rest, taken...)
	w.changed(nil, 0)
	return n, uabi.OK
}

// WaitSetEvent is uk.Kernel's.
func (k *Native) WaitSetEvent(set uabi.Handle) (uabi.Handle, uabi.Error) {
	k.enter("waitset.event")
	w, e := get[*WaitSet](k, set, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	return k.p.table.insert(capability{obj: w.ev, rights: uabi.RightRead | uabi.RightTransfer})
}
