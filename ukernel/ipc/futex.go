package ipc

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// FutexWait parks the native thread t while the word at va of its space holds value. RAX: 0 when woken; −ErrAgain when the word
// differs, −ErrFault, or onTimeout when the deadline passes.
func FutexWait(t *Thread, va uint64, value, bitset uint32, shared bool, deadline, onTimeout uint64) {}

// FutexWake wakes up to count waiters of the word whose bitset meets bits.
func FutexWake(s *vm.Space, va uint64, count, bitset uint32, shared bool) (uint32, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// FutexRequeue is CallFutexRequeue in space s.
func FutexRequeue(s *vm.Space, va uint64, wake uint32, va2 uint64, requeue, value, flags uint32) (uint32, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// FutexOp is CallFutexOp in space s; op is encoded as in Linux futex(2).
func FutexOp(s *vm.Space, va uint64, wake uint32, va2 uint64, wake2, op uint32, shared bool) (uint32, uabi.Error) {
	return 0, uabi.ErrUnsupported
}
