package ipc

import (
	"math/bits"

	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// Event is 32 signal bits, each with a level and the number of the update that raised it last.
type Event struct {
	node
	level    uint32
	set      *WaitSet // whose readiness it shows; nil for others
	seq      uint64   // updates that raised something
	stamp    [32]uint64
	waiters  sched.Queue // threads in BlockEvent
	watches  *watch
	watchEnd *watch
}

var events object.Pool[Event]

// dirty holds the wait sets whose readiness event must follow their members, linked by dirtyNext.
var dirty *WaitSet

// NewEvent makes an event with all bits down and one reference. ErrNoMem.
func NewEvent(a *object.Account) (*Event, uabi.Error) {
	e := events.Get(a)
	if e == nil {
		return nil, uabi.ErrNoMem
	}
	e.Header.Start(uabi.TypeEvent, a)
	return e, uabi.OK
}

// Update is CallEventUpdate: one step.
func (e *Event) Update(set, clear, raise uint32) (seq uint64) {
	e.apply(set, clear, raise)
	for s := dirty; s != nil; s = dirty {
		dirty = s.dirtyNext
		s.dirty = false
		s.show()
	}
	return e.seq
}

// apply is Update but for the wait sets that it makes dirty.
func (e *Event) apply(set, clear, raise uint32) {
	before := e.level
	e.level = before&^clear | set
	if up := set | raise; up != 0 {
		e.seq++
		for m := up; m != 0; m &= m - 1 {
			e.stamp[bits.TrailingZeros32(m)] = e.seq
		}
		if !e.waiters.Empty() {
			e.wake(up)
		}
		for w := e.watches; w != nil; {
			next := w.next
			if hit := up & w.mask; hit != 0 {
				if w.member {
					w.asMember().raised()
				} else {
					w.binding().raise(hit)
				}
			}
			w = next
		}
	}
	if before&^e.level != 0 {
		for w := e.watches; w != nil; w = w.next {
			if w.member {
				w.asMember().fell()
			}
		}
	}
}

// wake ends the waits that bits of up end.
func (e *Event) wake(up uint32) {
	for t := e.waiters.Head(); t != nil; {
		next := t.Next()
		if w := of(t); w.mask&up != 0 {
			w.eventUp(w.mask & (e.level | up))
		}
		t = next
	}
}

// Read is CallEventRead.
func (e *Event) Read() (level uint32, seq uint64) { return e.level, e.seq }

// since returns the bits of mask that are up, or were raised after update seq.
func (e *Event) since(mask uint32, seq uint64) uint32 {
	up := e.level & mask
	if e.seq > seq {
		for m := mask &^ up; m != 0; m &= m - 1 {
			if i := bits.TrailingZeros32(m); e.stamp[i] > seq {
				up |= 1 << i
			}
		}
	}
	return up
}

// EventWait is CallEventWait for the native thread t. RAX: the bits, −ErrArg for an empty mask, −ErrTimeout.
func EventWait(t *Thread, e *Event, mask uint32, since, deadline uint64) {
	if mask == 0 {
		t.Ctx.Regs.RAX = rax(uabi.ErrArg)
		return
	}
	if up := e.since(mask, since); up != 0 {
		t.Ctx.Regs.RAX = uint64(up)
		return
	}
	t.State = sched.Blocked // it runs here
	t.onTimeout = rax(uabi.ErrTimeout)
	t.waitEvent(e, mask, deadline)
}

// waitEvent parks the blocked thread t until a bit of mask is raised; without an event (nil) until the deadline.
func (t *Thread) waitEvent(e *Event, mask uint32, deadline uint64) {
	t.block = BlockEvent
	if e != nil {
		e.Refs++
		t.event, t.mask = e, mask
		e.waiters.Push(&t.Thread)
	}
	if deadline != uabi.NoDeadline {
		t.Timer.Start(deadline)
	}
}

// destroy frees an event that nothing names; members and bindings go with it. Nobody waits: a waiter has a reference.
func (e *Event) destroy() {
	for w := e.watches; w != nil; w = e.watches {
		if w.member {
			w.asMember().leave()
		} else {
			w.binding().unbind()
		}
	}
	events.Put(e, e.Stop())
}
