package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// monotonic is ns since boot, realtime ns since 1970.
func (t *Trap) monotonic() uint64 {
	ns, _ := t.K.Clock(uabi.ClockMonotonic)
	return ns
}

func (t *Trap) realtime() uint64 {
	ns, _ := t.K.Clock(uabi.ClockRealtime)
	return ns
}

// deadline is ns from now as an absolute time that stays the same however often the handler runs.
func (t *Trap) deadline(ns int64) uint64 {
	return t.remember(func() uint64 {
		now := t.monotonic()
		if uint64(ns) > uabi.NoDeadline-1-now {
			return uabi.NoDeadline - 1
		}
		return now + uint64(ns)
	})
}

// clock reads a clock of clock_gettime(2) in ns.
func (t *Trap) clock(id int32) (uint64, int64) {
	switch id {
	case unix.CLOCK_REALTIME, unix.CLOCK_REALTIME_COARSE, unix.CLOCK_TAI:
		return t.realtime(), 0
	case unix.CLOCK_MONOTONIC, unix.CLOCK_MONOTONIC_COARSE, unix.CLOCK_MONOTONIC_RAW, unix.CLOCK_BOOTTIME:
		return t.monotonic(), 0
	case unix.CLOCK_PROCESS_CPUTIME_ID, unix.CLOCK_THREAD_CPUTIME_ID:
		who := int32(unix.RUSAGE_SELF)
		if id == unix.CLOCK_THREAD_CPUTIME_ID {
			who = unix.RUSAGE_THREAD
		}
		var out proc.UsageReply
		if err := t.l.proc.Usage(t, &proc.UsageRequest{Who: who}, &out); err != uabi.OK {
			return 0, t.status(err)
		}
		return out.UserNs + out.SystemNs, 0
	}
	if id < 0 {
		return t.cpuClock(id)
	}
	return 0, errno(unix.EINVAL)
}

func (t *Trap) putTimespec(va uint64, ns int64) int64 {
	var w abi.Writer
	w.Timespec(ns)
	return t.write(va, w.B)
}

func clockGettime(t *Trap) int64 {
	ns, e := t.clock(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.putTimespec(t.arg(1), int64(ns))
}

func clockGetres(t *Trap) int64 {
	if _, e := t.clock(t.arg32(0)); e != 0 {
		return e
	}
	if t.arg(1) == 0 {
		return 0
	}
	res := int64(1)
	if id := t.arg32(0); id == unix.CLOCK_REALTIME_COARSE || id == unix.CLOCK_MONOTONIC_COARSE {
		res = 4_000_000 // what Linux reports at 250 Hz
	}
	return t.putTimespec(t.arg(1), res)
}

func gettimeofday(t *Trap) int64 {
	if va := t.arg(0); va != 0 {
		var w abi.Writer
		w.Timeval(t.realtime())
		if e := t.write(va, w.B); e != 0 {
			return e
		}
	}
	if va := t.arg(1); va != 0 {
		return t.write(va, make([]byte, 8)) // struct timezone: UTC
	}
	return 0
}

func timeCall(t *Trap) int64 {
	sec := t.realtime() / abi.Second
	if va := t.arg(0); va != 0 {
		if e := t.write(va, le.AppendUint64(nil, sec)); e != 0 {
			return e
		}
	}
	return int64(sec)
}

func nanosleep(t *Trap) int64 {
	if t.arg(0) == 0 {
		return errno(unix.EFAULT)
	}
	ns, e := t.timespec(t.arg(0), 0)
	if e != 0 {
		return e
	}
	return t.sleepUntil(t.deadline(ns), t.arg(1))
}

func clockNanosleep(t *Trap) int64 {
	id, flags := t.arg32(0), t.arg(1)
	switch id {
	case unix.CLOCK_REALTIME, unix.CLOCK_MONOTONIC, unix.CLOCK_BOOTTIME, unix.CLOCK_TAI:
	case unix.CLOCK_PROCESS_CPUTIME_ID:
		t.gap(unix.SYS_CLOCK_NANOSLEEP, "CLOCK_PROCESS_CPUTIME_ID")
		return errno(unix.EOPNOTSUPP)
	default:
		return errno(unix.EINVAL)
	}
	if t.arg(2) == 0 {
		return errno(unix.EFAULT)
	}
	ns, e := t.timespec(t.arg(2), 0)
	if e != 0 {
		return e
	}
	if flags&unix.TIMER_ABSTIME == 0 {
		return t.sleepUntil(t.deadline(ns), t.arg(3))
	}
	now, e := t.clock(id)
	if e != 0 {
		return e
	}
	v := t.sleepUntil(t.deadline(max(0, ns-int64(now))), 0)
	if v == restartBlock {
		return restartNoHand
	}
	return v
}

// sleepUntil sleeps; when a signal ends it, what is left goes to rem.
func (t *Trap) sleepUntil(deadline, rem uint64) int64 {
	v := t.sleep(deadline)
	switch v {
	case errno(unix.ETIMEDOUT):
		return 0
	case restartSys:
		if rem != 0 {
			left := int64(0)
			if now := t.monotonic(); now < deadline {
				left = int64(deadline - now)
			}
			if e := t.putTimespec(rem, left); e != 0 {
				return e
			}
		}
		return restartBlock
	}
	return v
}

func alarm(t *Trap) int64 {
	var out proc.AlarmReply
	if err := t.l.proc.Alarm(t, &proc.AlarmRequest{Set: true, Value: (t.arg(0) & 0xffffffff) * abi.Second}, &out); err != uabi.OK {
		return t.status(err)
	}
	return int64((out.Value + abi.Second - 1) / abi.Second)
}

const itimerSize = 2 * abi.TimevalSize

func setitimer(t *Trap) int64 {
	in := proc.AlarmRequest{}
	if va := t.arg(1); va != 0 {
		b := t.bytes(itimerSize)
		if e := t.read(va, b[:]); e != 0 {
			return e
		}
		in.Set = true
		for i, p := range [...]*uint64{&in.Interval, &in.Value} {
			sec, usec := int64(le.Uint64(b[i*16:])), int64(le.Uint64(b[i*16+8:]))
			if sec < 0 || usec < 0 || usec >= 1e6 {
				return errno(unix.EINVAL)
			}
			*p = uint64(abi.Nanoseconds(sec, usec*1000))
		}
	}
	return t.itimer(&in, t.arg(2))
}

func getitimer(t *Trap) int64 {
	v := t.itimer(&proc.AlarmRequest{}, t.arg(1))
	if v == 0 && t.arg(1) == 0 {
		return errno(unix.EFAULT)
	}
	return v
}

func (t *Trap) itimer(in *proc.AlarmRequest, old uint64) int64 {
	switch t.arg32(0) {
	case int32(unix.ITIMER_REAL):
	case int32(unix.ITIMER_VIRTUAL), int32(unix.ITIMER_PROF):
		t.gap(t.regs.RAX, "CPU time timers")
		return errno(unix.EINVAL)
	default:
		return errno(unix.EINVAL)
	}
	var out proc.AlarmReply
	if err := t.l.proc.Alarm(t, in, &out); err != uabi.OK {
		return t.status(err)
	}
	if old == 0 {
		return 0
	}
	var w abi.Writer
	w.Timeval(out.Interval)
	w.Timeval(out.Value)
	return t.write(old, w.B)
}
