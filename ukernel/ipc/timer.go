package ipc

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// Timer raises bits of an event at a time, once or at intervals.
type Timer struct {
	node
	timer    sched.Timer
	event    *Event // with a reference
	bits     uint32
	interval uint64 // ns; 0: once
}

var timers object.Pool[Timer]

// NewTimer makes a disarmed timer with one reference. ErrNoMem.
func NewTimer(a *object.Account, e *Event, bits uint32) (*Timer, uabi.Error) {
	t := timers.Get(a)
	if t == nil {
		return nil, uabi.ErrNoMem
	}
	t.Header.Start(uabi.TypeTimer, a)
	t.timer.Kind = sched.TimerObject
	e.Refs++
	t.event, t.bits = e, bits
	return t, uabi.OK
}

// Set is CallTimerSet: deadline and interval in ns.
func (t *Timer) Set(deadline, interval uint64) {
	t.interval = interval
	if deadline != uabi.NoDeadline && deadline <= arch.Now() {
		t.timer.Stop()
		t.fire(deadline)
		return
	}
	t.timer.Start(deadline)
}

// fire raises the event and starts the next interval, which is counted from the deadline that passed; those that were missed are
// one raise. A next time that is beyond the clock's range never comes.
func (t *Timer) fire(deadline uint64) {
	if next := deadline + t.interval; next > deadline {
		now := arch.Now()
		if next <= now {
			next += (now - next) / t.interval * t.interval
			if next <= now {
				next += t.interval
			}
		}
		t.timer.Start(next)
	}
	t.event.Update(t.bits, 0, 0)
}

// destroy frees a timer that nothing names.
func (t *Timer) destroy() {
	t.timer.Stop()
	e := t.event
	t.event = nil
	timers.Put(t, t.Stop())
	bury(&e.Header)
}
