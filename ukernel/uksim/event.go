package uksim

import "aramid/ukernel/uabi"

// eventBits is how many signal bits an event has.
const eventBits = 32

// Event has 32 bits, each with a level and the stamp of its last raise.
type Event struct {
	object
	level   uint32
	seq     uint64
	last    [eventBits]uint64
	waiters []*waiter
	bound   []*binding
	members []*member
	of      *WaitSet // whose event it is
}

// waiter is one who waits for bits.
type waiter struct {
	ev    *Event
	mask  uint32
	since uint64
	fire  func(bits uint32)
}

func (e *Event) kind() uabi.Type { return uabi.TypeEvent }
func (e *Event) free()           {}

// ready are the bits of mask that are up, or were raised after since.
func (e *Event) ready(mask uint32, since uint64) uint32 {
	r := e.level & mask
	if e.seq > since {
		for i := range eventBits {
			if mask>>i&1 == 1 && e.last[i] > since {
				r |= 1 << i
			}
		}
	}
	return r
}

// update changes levels and raises bits in one step, then wakes whoever waited for it.
func (e *Event) update(set, clear, raise uint32) uint64 {
	e.level = e.level&^clear | set
	raised := set | raise
	if raised != 0 {
		e.seq++
		for i := range eventBits {
			if raised>>i&1 == 1 {
				e.last[i] = e.seq
			}
		}
	}
	for _, b := range e.bound {
		if raised&b.mask != 0 {
			b.pending |= raised & b.mask
			b.ep.poke()
		}
	}
	ws := append([]*waiter(nil), e.waiters...)
	for _, w := range ws {
		if bits := e.ready(w.mask, w.since); bits != 0 && w.off() {
			w.fire(bits)
		}
	}
	for _, m := range e.members {
		m.set.changed(m, raised)
	}
	return e.seq
}

// await calls fire once when a bit of mask is up or raised after since. It is not ready now.
func (e *Event) await(mask uint32, since uint64, fire func(uint32)) *waiter {
	w := &waiter{e, mask, since, fire}
	e.waiters = append(e.waiters, w)
	return w
}

// off ends the wait; false if it was over already.
func (w *waiter) off() bool {
	for i, x := range w.ev.waiters {
		if x == w {
			w.ev.waiters = append(w.ev.waiters[:i], w.ev.waiters[i+1:]...)
			return true
		}
	}
	return false
}

// EventCreate is uk.Kernel's.
func (k *Native) EventCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	k.enter("event.create")
	return k.made(account, &Event{})
}

// EventUpdate is uk.Kernel's.
func (k *Native) EventUpdate(h uabi.Handle, set, clear, raise uint32) (uint64, uabi.Error) {
	k.enter("event.update")
	e, err := get[*Event](k, h, uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	return e.update(set, clear, raise), uabi.OK
}

// EventRead is uk.Kernel's.
func (k *Native) EventRead(h uabi.Handle) (level uint32, seq uint64, err uabi.Error) {
	k.enter("event.read")
	e, err := get[*Event](k, h, uabi.RightRead)
	if err != uabi.OK {
		return 0, 0, err
	}
	return e.level, e.seq, uabi.OK
}

// EventWait is uk.Kernel's.
func (k *Native) EventWait(h uabi.Handle, mask uint32, since, deadline uint64) (uint32, uabi.Error) {
	k.enter("event.wait")
	e, err := get[*Event](k, h, uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	if bits := e.ready(mask, since); bits != 0 {
		return bits, uabi.OK
	}
	if deadline <= k.sim.now {
		return 0, uabi.ErrTimeout
	}
	var got uint32
	ref(e)
	w := e.await(mask, since, func(bits uint32) {
		got = bits
		k.wake()
	})
	k.evWait = w
	var d *alarm
	if deadline != uabi.NoDeadline {
		d = k.sim.at(deadline, func() {
			if w.off() {
				k.wake()
			}
		})
	}
	k.block()
	k.evWait = nil
	if d != nil {
		d.off = true
	}
	unref(e)
	if got == 0 {
		return 0, uabi.ErrTimeout
	}
	return got, uabi.OK
}
