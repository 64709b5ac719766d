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
	var b [itimerspecSize]byte
	if e := t.read(t.arg(2), b[:]); e != 0 {
		return e
	}
	interval, ok := abi.ParseTimespec(b[:])
	value, ok2 := abi.ParseTimespec(b[abi.TimespecSize:])
	flags := t.arg32(1)
	if !ok || !ok2 || flags&^(unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET) != 0 {
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
	in := vfs.TimerfdSetRequest{Set: true, Flags: uint32(flags), Value: uint64(value), Interval: uint64(interval)}
	switch err := f.TimerfdSet(t, &in, &out); {
	case err != uabi.OK:
		return t.status(err)
	case out.Canceled:
		return errno(unix.ECANCELED)
	case old != 0:
		return t.putTimer(old, &out)
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
	return t.putTimer(t.arg(1), &out)
}

// timer resolves a timerfd. EINVAL: it is another file.
func (t *Trap) timer(fd int32) (vfs.Client, int64) {
	h, kind, e := t.opened(fd)
	if e == 0 && kind != vfs.Kind_TIMER {
		e = errno(unix.EINVAL)
	}
	return vfs.Client{H: h}, e
}

func (t *Trap) putTimer(va uint64, r *vfs.TimerfdReply) int64 {
	return t.putItimerspec(va, r.Interval, r.Value)
}

// putItimerspec writes a struct itimerspec; times in ns.
func (t *Trap) putItimerspec(va, interval, value uint64) int64 {
	var w abi.Writer
	w.Timespec(int64(interval))
	w.Timespec(int64(value))
	return t.write(va, w.B)
}
