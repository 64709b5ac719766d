package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// Event is 32 signal bits with raise stamps.
type Event struct {
	object.Header
}

// WaitSet is a set of events (epoll).
type WaitSet struct {
	object.Header
}

// Timer raises an event at a time.
type Timer struct {
	object.Header
}

// IRQ raises an event when an interrupt line fires.
type IRQ struct {
	object.Header
}

// NewEvent makes an event.
func NewEvent(a *object.Account) (*Event, uabi.Error) { return nil, uabi.ErrUnsupported }

// Update is CallEventUpdate.
func (e *Event) Update(set, clear, raise uint32) (seq uint64) { return 0 }

// Read is CallEventRead.
func (e *Event) Read() (level uint32, seq uint64) { return 0, 0 }

// EventWait is CallEventWait for the native thread t. RAX.
func EventWait(t *Thread, e *Event, mask uint32, since, deadline uint64) {}

// NewWaitSet makes a wait set.
func NewWaitSet(a *object.Account) (*WaitSet, uabi.Error) { return nil, uabi.ErrUnsupported }

// Add is CallWaitSetAdd with an event.
func (s *WaitSet) Add(e *Event, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	return uabi.ErrUnsupported
}

// AddSet is CallWaitSetAdd with a wait set.
func (s *WaitSet) AddSet(m *WaitSet, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	return uabi.ErrUnsupported
}

// Modify is CallWaitSetModify.
func (s *WaitSet) Modify(key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	return uabi.ErrUnsupported
}

// Remove is CallWaitSetRemove.
func (s *WaitSet) Remove(key uint64) uabi.Error { return uabi.ErrUnsupported }

// Take is CallWaitSetTake: fills out and returns how many.
func (s *WaitSet) Take(out []uabi.WaitReady) int { return 0 }

// Event is the event whose bit 0 is up while a member is ready; no new reference.
func (s *WaitSet) Event() *Event { return nil }

// NewTimer makes a timer that raises bits of e.
func NewTimer(a *object.Account, e *Event, bits uint32) (*Timer, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Set is CallTimerSet.
func (t *Timer) Set(deadline, interval uint64) {}

// NewIRQ makes the interrupt object of a line. ErrExists, ErrArg.
func NewIRQ(a *object.Account, line uint32, e *Event, bits uint32) (*IRQ, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Ack is CallIRQAck.
func (i *IRQ) Ack() {}

// Interrupt handles vector VecIRQ + line.
func Interrupt(line int) {}
