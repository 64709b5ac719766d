package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// sigeventSize is sizeof(struct sigevent): value, signal, notification, thread (asm-generic/siginfo.h).
const sigeventSize = 64

// How a timer tells (SIGEV_*).
const (
	sigevSignal   = 0
	sigevNone     = 1
	sigevThread   = 2 // the C library's; to the kernel it is sigevSignal
	sigevThreadID = 4
)

func timerCreate(t *Trap) int64 {
	in := proc.TimerMakeRequest{Signal: uint32(unix.SIGALRM), OwnValue: true}
	e := t.timerClock(t.arg32(0), &in)
	if va := t.arg(1); va != 0 {
		b := t.bytes(sigeventSize)
		if e := t.read(va, b); e != 0 {
			return e
		}
		if e == 0 {
			e = sigevent(b, &in)
		}
	}
	if e != 0 {
		return e
	}
	if e := t.writable(t.arg(2), 4); e != 0 {
		return e
	}
	var out proc.TimerMakeReply
	if err := t.l.proc.TimerMake(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.write(t.arg(2), le.AppendUint32(nil, uint32(out.Id)))
}

// timerClock looks at the clock of timer_create(2). Those that wake a sleeping machine need one with an RTC.
func (t *Trap) timerClock(id int32, in *proc.TimerMakeRequest) int64 {
	const realtimeAlarm, boottimeAlarm = 8, 9
	switch id {
	case unix.CLOCK_REALTIME, unix.CLOCK_TAI:
		in.Realtime = true
		return 0
	case unix.CLOCK_MONOTONIC, unix.CLOCK_BOOTTIME:
		return 0
	case unix.CLOCK_PROCESS_CPUTIME_ID, unix.CLOCK_THREAD_CPUTIME_ID:
		t.gap(unix.SYS_TIMER_CREATE, "CPU clocks")
		return errno(unix.EOPNOTSUPP)
	case unix.CLOCK_MONOTONIC_RAW, unix.CLOCK_REALTIME_COARSE, unix.CLOCK_MONOTONIC_COARSE, realtimeAlarm, boottimeAlarm:
		return errno(unix.EOPNOTSUPP)
	}
	return errno(unix.EINVAL)
}

// sigevent takes what a struct sigevent asks for (sigevent(7)).
func sigevent(b []byte, in *proc.TimerMakeRequest) int64 {
	in.Value, in.OwnValue = le.Uint64(b), false
	in.Signal = le.Uint32(b[8:])
	switch notify := le.Uint32(b[12:]); notify {
	case sigevNone:
		in.Signal = 0
		return 0
	case sigevThreadID:
		in.Tid = int32(le.Uint32(b[16:]))
		if in.Tid <= 0 {
			return errno(unix.EINVAL)
		}
	case sigevSignal, sigevThread:
	default:
		return errno(unix.EINVAL)
	}
	if in.Signal == 0 {
		return errno(unix.EINVAL)
	}
	return 0
}

func timerSettime(t *Trap) int64 {
	if t.arg(2) == 0 {
		return errno(unix.EINVAL)
	}
	value, interval, e := t.itimerspec(t.arg(2))
	if e != 0 {
		return e
	}
	in := proc.TimerArmRequest{Id: t.arg32(0), Set: true, Absolute: t.arg(1)&unix.TIMER_ABSTIME != 0, Value: value, Interval: interval}
	var out proc.TimerArmReply
	if err := t.l.proc.TimerArm(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if t.arg(3) == 0 {
		return 0
	}
	return t.putItimerspec(t.arg(3), out.Interval, out.Value)
}

func timerGettime(t *Trap) int64 {
	var out proc.TimerArmReply
	if err := t.l.proc.TimerArm(t, &proc.TimerArmRequest{Id: t.arg32(0)}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.putItimerspec(t.arg(1), out.Interval, out.Value)
}

func timerGetoverrun(t *Trap) int64 {
	var out proc.TimerArmReply
	if err := t.l.proc.TimerArm(t, &proc.TimerArmRequest{Id: t.arg32(0)}, &out); err != uabi.OK {
		return t.status(err)
	}
	return int64(out.Overrun)
}

func timerDelete(t *Trap) int64 {
	return t.status(t.l.proc.TimerDelete(t, &proc.TimerDeleteRequest{Id: t.arg32(0)}, &proc.EmptyReply{}))
}
