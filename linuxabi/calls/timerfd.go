package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func timerfdCreate(t *Trap) int64 {
	clock, flags := t.arg32(0), t.arg32(1)
	if flags&^(unix.TFD_CLOEXEC|unix.TFD_NONBLOCK) != 0 || clock < 0 {
		return errno(unix.EINVAL)
	}
	var out vfs.OpenReply
	if err := t.l.vfs.Timerfd(t, &vfs.TimerfdRequest{Clock: uint32(clock), Nonblock: flags&unix.TFD_NONBLOCK != 0}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), flags&unix.TFD_CLOEXEC != 0)
}

// itimerspecSize is sizeof(struct itimerspec): interval, value.
const itimerspecSize = 2 * abi.TimespecSize

func timerfdSettime(t *Trap) int64 {
	value, interval, e := t.itimerspec(t.arg(2))
	if e != 0 {
		return e
	}
	flags := t.arg32(1)
	if flags&^(unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET) != 0 {
		return errno(unix.EINVAL)
	}
	f, e := t.timer(t.arg32(0))
	if e != 0 {
		return e
	}
	old := t.arg(3)
	if old != 0 {
		if e := t.writable(old, itimerspecSize); e != 0 {
			return e
		}
	}
	var out vfs.TimerfdReply
	in := vfs.TimerfdSetRequest{Set: true, Flags: uint32(flags), Value: value, Interval: interval}
	switch err := f.TimerfdSet(t, &in, &out); {
	case err != uabi.OK:
		return t.status(err)
	case out.Canceled:
		return errno(unix.ECANCELED)
	case old != 0:
		return t.putItimerspec(old, out.Interval, out.Value)
	}
	return 0
}

func timerfdGettime(t *Trap) int64 {
	f, e := t.timer(t.arg32(0))
	if e != 0 {
		return e
	}
	if e := t.writable(t.arg(1), itimerspecSize); e != 0 {
		return e
	}
	var out vfs.TimerfdReply
	if err := f.TimerfdSet(t, &vfs.TimerfdSetRequest{}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.putItimerspec(t.arg(1), out.Interval, out.Value)
}

// timer resolves a timerfd. EINVAL: it is another file.
func (t *Trap) timer(fd int32) (vfs.Client, int64) {
	h, kind, e := t.opened(fd)
	if e == 0 && kind != vfs.Kind_TIMER {
		e = errno(unix.EINVAL)
	}
	return vfs.Client{H: h}, e
}

// itimerspec reads a struct itimerspec; times in ns. EINVAL: one is no time.
func (t *Trap) itimerspec(va uint64) (value, interval uint64, e int64) {
	b := t.bytes(itimerspecSize)
	if e := t.read(va, b); e != 0 {
		return 0, 0, e
	}
	i, ok := abi.ParseTimespec(b)
	v, ok2 := abi.ParseTimespec(b[abi.TimespecSize:])
	if !ok || !ok2 {
		return 0, 0, errno(unix.EINVAL)
	}
	return uint64(v), uint64(i), 0
}

// putItimerspec writes a struct itimerspec; times in ns.
func (t *Trap) putItimerspec(va, interval, value uint64) int64 {
	var w abi.Writer
	w.Timespec(int64(interval))
	w.Timespec(int64(value))
	return t.write(va, w.B)
}
