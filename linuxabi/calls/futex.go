package calls

import (
	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

// Futex operations (linux/futex.h).
const (
	futexWait        = 0
	futexWake        = 1
	futexRequeue     = 3
	futexCmpRequeue  = 4
	futexWakeOp      = 5
	futexWaitBitset  = 9
	futexWakeBitset  = 10
	futexPrivate     = 128
	futexRealtime    = 256
	futexMatchAny    = 0xffffffff
	futexCommandMask = ^(futexPrivate | futexRealtime)
)

func futex(t *Trap) int64 {
	addr, op, val := t.arg(0), t.arg32(1), uint32(t.arg(2))
	if addr&3 != 0 {
		return errno(unix.EINVAL)
	}
	shared := op&futexPrivate == 0
	switch op & futexCommandMask {
	case futexWait:
		return t.futexWait(addr, val, futexMatchAny, shared, false)
	case futexWaitBitset:
		return t.futexWait(addr, val, uint32(t.arg(5)), shared, true)
	case futexWake:
		return t.futexWake(addr, val, futexMatchAny, shared)
	case futexWakeBitset:
		return t.futexWake(addr, val, uint32(t.arg(5)), shared)
	case futexRequeue, futexCmpRequeue:
		return t.futexRequeue(addr, val, op&futexCommandMask == futexCmpRequeue, shared)
	case futexWakeOp:
		n, err := t.K.FutexOp(addr, val, t.arg(4), uint32(t.arg(3)), uint32(t.arg(5)), shared)
		return t.result(int64(n), err)
	}
	t.gap(unix.SYS_FUTEX, "priority inheritance")
	return errno(unix.ENOSYS)
}

// futexWait parks the alien. The timeout of FUTEX_WAIT is relative, that of the bitset form absolute.
func (t *Trap) futexWait(addr uint64, val, bitset uint32, shared, absolute bool) int64 {
	if bitset == 0 {
		return errno(unix.EINVAL)
	}
	deadline := uint64(uabi.NoDeadline)
	if va := t.arg(3); va != 0 {
		ns, e := t.timespec(va, 0)
		if e != 0 {
			return e
		}
		if absolute {
			now := t.monotonic()
			if t.arg32(1)&futexRealtime != 0 {
				now = t.realtime()
			}
			ns = max(0, ns-int64(now))
		}
		deadline = t.deadline(ns)
	}
	if t.in.Status != 0 {
		return t.status(uabi.Error(-t.in.Status)) // EAGAIN: the word has another value; EFAULT
	}
	switch f := t.in.Flags; {
	case f&uabi.FlagEvent != 0:
		return 0
	case f&uabi.FlagTimeout != 0:
		return errno(unix.ETIMEDOUT)
	case f&uabi.FlagInterrupt != 0:
		if deadline != uabi.NoDeadline {
			return restartBlock
		}
		return restartSys
	}
	t.answer(uabi.AnswerFutex, 0)
	o := t.buf.Out
	o.Futex = uabi.FutexArgs{Addr: addr, Value: val, Bitset: bitset}
	if shared {
		o.Futex.Shared = 1
	}
	o.Wait.Deadline = deadline
	return pending
}

func (t *Trap) futexWake(addr uint64, n, bitset uint32, shared bool) int64 {
	if bitset == 0 {
		return errno(unix.EINVAL)
	}
	woken, err := t.K.FutexWake(0, addr, n, bitset, shared)
	return t.result(int64(woken), err)
}

func (t *Trap) futexRequeue(addr uint64, wake uint32, compare, shared bool) int64 {
	move := uint32(t.arg(3))
	if int32(wake) < 0 || int32(move) < 0 {
		return errno(unix.EINVAL)
	}
	flags := uint32(0)
	if compare {
		flags |= uabi.FutexCompare
	}
	if shared {
		flags |= uabi.FutexShared
	}
	n, err := t.K.FutexRequeue(addr, wake, t.arg(4), move, uint32(t.arg(5)), flags)
	return t.result(int64(n), err)
}
