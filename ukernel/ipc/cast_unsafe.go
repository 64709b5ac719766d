package ipc

import (
	"unsafe"

	"aramid/ukernel/sched"
)

// timerOwner is the timer object that s is embedded in.
func timerOwner(s *sched.Timer) *Timer {
	// Safety: s.Kind is TimerObject, and only Timer.timer is of that kind.
	return (*Timer)(unsafe.Add(unsafe.Pointer(s), -int(unsafe.Offsetof(Timer{}.timer))))
}

// threadOwner is the thread whose deadline s is.
func threadOwner(s *sched.Timer) *Thread {
	// Safety: s.Kind is TimerThread, and only sched.Thread.Timer, in the first field of a Thread, is of that kind.
	return (*Thread)(unsafe.Add(unsafe.Pointer(s), -int(unsafe.Offsetof(sched.Thread{}.Timer))))
}
