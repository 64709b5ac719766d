package sched

import (
	"unsafe"

	"aramid/ukernel/arch"
	"aramid/ukernel/object"
	"aramid/ukernel/vm"
)

// ctxOffset is where the saved state lies in a Thread; FXSAVE needs multiples of 16.
const ctxOffset = 32

// Thread is what the scheduler knows of a thread.
type Thread struct {
	object.Header
	_     [ctxOffset - unsafe.Sizeof(object.Header{})]byte // Safety: layout only
	Ctx   arch.Context
	Space *vm.Space // nil for none; who sets it owns a reference

	next, prev *Thread
	in         *Queue

	Timer Timer // of kind TimerThread: the deadline of what the thread waits for

	State State
	Prio  uint8 // in force, ≥ Base
	Base  uint8
	cpu   uint8  // that runs it, or ran it last
	slice uint64 // ns left when it was preempted; 0: a new slice

	UserNS uint64 // time on a CPU up to the last switch, ns
}

// Safety: compile-time checks of the layout: both constants overflow unless the context is 16-aligned in a thread.
const (
	_ = -(unsafe.Offsetof(Thread{}.Ctx) % 16)
	_ = -(unsafe.Sizeof(arch.Context{}) % 16)
)
