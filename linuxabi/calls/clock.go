package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func clockSettime(t *Trap) int64 {
	if t.arg32(0) != unix.CLOCK_REALTIME {
		return errno(unix.EINVAL)
	}
	var b [abi.TimespecSize]byte
	if e := t.read(t.arg(1), b[:]); e != 0 {
		return e
	}
	ns, ok := abi.ParseTimespec(b[:])
	if !ok {
		return errno(unix.EINVAL)
	}
	return t.setClock(uint64(ns))
}

// maxZone is the largest tz_minuteswest, minutes.
const maxZone = 15 * 60

func settimeofday(t *Trap) int64 {
	var b [abi.TimevalSize]byte
	if va := t.arg(1); va != 0 {
		if e := t.read(va, b[:8]); e != 0 {
			return e
		}
		west := int32(le.Uint32(b[:]))
		if west > maxZone || west < -maxZone {
			return errno(unix.EINVAL)
		}
		if west != 0 {
			t.gap(unix.SYS_SETTIMEOFDAY, "time zone")
			return errno(unix.EINVAL)
		}
	}
	va := t.arg(0)
	if va == 0 {
		return 0
	}
	if e := t.read(va, b[:]); e != 0 {
		return e
	}
	sec, usec := le.Uint64(b[:]), le.Uint64(b[8:])
	if usec >= 1e6 || sec >= 1<<63/abi.Second {
		return errno(unix.EINVAL)
	}
	return t.setClock(sec*abi.Second + usec*1000)
}

// setClock sets CLOCK_REALTIME, and tells vfsd, whose timers may be on it.
func (t *Trap) setClock(ns uint64) int64 {
	if err := t.l.proc.ClockSet(t, &proc.ClockRequest{Realtime: ns}, &proc.EmptyReply{}); err != uabi.OK {
		return t.status(err)
	}
	return t.status(t.l.vfs.ClockChanged(t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}))
}

func adjtimex(t *Trap) int64 { return t.adjtimex(t.arg(0)) }

func clockAdjtime(t *Trap) int64 {
	if t.arg32(0) != unix.CLOCK_REALTIME {
		return errno(unix.EINVAL)
	}
	return t.adjtimex(t.arg(1))
}

// adjtimex tells of a clock that nobody disciplines, as after Linux's boot (kernel/time/ntp.c).
func (t *Trap) adjtimex(va uint64) int64 {
	const (
		size      = 208
		sourceBad = 5        // TIME_ERROR
		maxError  = 16000000 // NTP_PHASE_LIMIT, µs
		unsync    = 0x40     // STA_UNSYNC
		tolerance = 32768000 // 500 ppm
		tick      = 10000    // µs
	)
	var modes [4]byte
	if e := t.read(va, modes[:]); e != 0 {
		return e
	}
	if le.Uint32(modes[:]) != 0 {
		t.gap(t.regs.RAX, "modes")
		return errno(unix.EPERM)
	}
	var w abi.Writer
	for _, v := range [...]uint64{0, 0, 0, maxError, maxError, unsync, 2, 1, tolerance} {
		w.U64(v) // modes, offset, freq, maxerror, esterror, status, constant, precision, tolerance
	}
	w.Timeval(t.realtime())
	w.U64(tick)
	w.Pad(size - len(w.B))
	if e := t.write(va, w.B); e != 0 {
		return e
	}
	return sourceBad
}
