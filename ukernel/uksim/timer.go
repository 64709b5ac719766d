package uksim

import "aramid/ukernel/uabi"

// Timer raises bits of an event at a time, and leaves them up.
type Timer struct {
	object
	ev    *Event
	bits  uint32
	alarm *alarm
}

func (t *Timer) kind() uabi.Type { return uabi.TypeTimer }

func (t *Timer) free() {
	t.disarm()
	unref(t.ev)
}

func (t *Timer) disarm() {
	if t.alarm != nil {
		t.alarm.off = true
		t.alarm = nil
	}
}

// arm raises at ns, then every interval ns. A next time that is beyond the clock's range never comes.
func (t *Timer) arm(ns, interval uint64) {
	t.alarm = t.sim.at(ns, func() {
		t.alarm = nil
		if next := ns + interval; next > ns {
			t.arm(max(next, t.sim.now), interval)
		}
		t.ev.update(t.bits, 0, 0)
	})
}

// TimerCreate is uk.Kernel's.
func (k *Native) TimerCreate(account, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	k.enter("timer.create")
	ev, e := get[*Event](k, event, uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	a, e := get[*Account](k, account, 0)
	if e != uabi.OK {
		return 0, e
	}
	t := &Timer{ev: ev, bits: bits}
	if e := k.sim.charge(t, a); e != uabi.OK {
		return 0, e
	}
	ref(ev)
	return k.give(t, uabi.RightsAll)
}

// TimerSet is uk.Kernel's.
func (k *Native) TimerSet(h uabi.Handle, deadline, interval uint64) uabi.Error {
	k.enter("timer.set")
	t, e := get[*Timer](k, h, uabi.RightWrite)
	if e != uabi.OK {
		return e
	}
	t.disarm()
	if deadline == uabi.NoDeadline {
		return uabi.OK
	}
	if deadline <= k.sim.now {
		t.ev.update(t.bits, 0, 0)
		if deadline = k.sim.now + interval; deadline <= k.sim.now {
			return uabi.OK
		}
	}
	t.arm(deadline, interval)
	return uabi.OK
}
