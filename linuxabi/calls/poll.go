package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// pollFD is one descriptor of a poll or select: what is asked and what came of it.
type pollFD struct {
	fd      int32
	asked   uint32
	got     uint32
	event   uabi.Handle
	waitFor uint32
}

// alwaysPolled is reported whether or not it is asked for.
const alwaysPolled = unix.POLLERR | unix.POLLHUP

func poll(t *Trap) int64 {
	deadline := uint64(uabi.NoDeadline)
	if ms := t.arg32(2); ms >= 0 {
		deadline = t.deadline(int64(ms) * 1e6)
	}
	v := t.poll(t.arg(0), uint64(uint32(t.arg(1))), t.arg32(2) == 0, deadline)
	if v == restartSys {
		return restartBlock // not again after a handler, SA_RESTART or not: signal(7)
	}
	return v
}

func ppoll(t *Trap) int64 {
	deadline, now, e := t.pollTime(t.arg(2))
	if e != 0 {
		return e
	}
	if e := t.pollMask(t.arg(3), t.arg(4)); e != 0 {
		return e
	}
	return t.timeLeft(t.poll(t.arg(0), uint64(uint32(t.arg(1))), now, deadline), 2, deadline, now, 1)
}

// pollTime reads the timeout of ppoll and pselect.
func (t *Trap) pollTime(va uint64) (deadline uint64, now bool, e int64) {
	if va == 0 {
		return uabi.NoDeadline, false, 0
	}
	ns, e := t.timespec(va, 0)
	if e != 0 {
		return 0, false, e
	}
	return t.deadline(ns), ns == 0, 0
}

// pollMask sets the temporary signal mask of ppoll and pselect.
func (t *Trap) pollMask(va, size uint64) int64 {
	if va == 0 {
		return 0
	}
	if size != sigsetSize {
		return errno(unix.EINVAL)
	}
	mask, e := t.sigset(va)
	if e != 0 {
		return e
	}
	t.masked = true
	return t.status(t.l.proc.Suspend(t, &proc.SuspendRequest{Mask: mask}, &proc.EmptyReply{}))
}

const (
	maxPoll     = 65536
	pollSetSlot = 0 // of the record: poll and select resolve no descriptor into it
)

func (t *Trap) poll(va, n uint64, now bool, deadline uint64) int64 {
	if n > maxPoll {
		return errno(unix.EINVAL)
	}
	b := t.bytes(int(n) * abi.PollfdSize)
	if e := t.read(va, b); n > 0 && e != 0 {
		return e
	}
	fds := make([]pollFD, n)
	for i := range fds {
		fds[i] = pollFD{fd: int32(le.Uint32(b[i*8:])), asked: uint32(le.Uint16(b[i*8+4:]))}
	}
	ready := t.scan(fds)
	if ready == 0 && !now {
		if v := t.pollWait(fds, deadline); v != errno(unix.ETIMEDOUT) {
			return v
		}
	}
	for i := range fds {
		le.PutUint16(b[i*8+6:], uint16(fds[i].got))
	}
	if e := t.write(va, b); n > 0 && e != 0 {
		return e
	}
	return int64(ready)
}

// scan looks at every descriptor once and returns how many are ready.
func (t *Trap) scan(fds []pollFD) (ready int) {
	for i := range fds {
		p := &fds[i]
		if p.fd < 0 {
			continue
		}
		p.look(t)
		if p.got != 0 {
			ready++
		}
	}
	return ready
}

// look asks for one descriptor's readiness. Files that cannot be polled are always readable and writable: poll(2).
func (p *pollFD) look(t *Trap) {
	e := t.l.fds.get(t.files0(), p.fd)
	if e.h == 0 {
		var err uabi.Error
		if e, err = t.lookUp(p.fd); err != uabi.OK {
			p.got = unix.POLLNVAL
			return
		}
	}
	var out vfs.PollReply
	switch err := (vfs.Client{H: e.h}).Poll(t, &vfs.EmptyRequest{}, &out); err {
	case uabi.OK:
		p.event = t.temp(uabi.Handle(out.Event))
		p.waitFor = p.asked | alwaysPolled
		p.got = out.Level & p.waitFor
	case uabi.ErrPerm:
		p.got = p.asked & (unix.POLLIN | unix.POLLOUT | abi.POLLRDNORM | abi.POLLWRNORM)
	default:
		p.got = unix.POLLNVAL
	}
}

// pollWait waits until a descriptor may be ready: on its event if it is the only one, else on a wait set. An event does not keep its
// set alive; the trap's record does (R4), as long as the alien is parked.
func (t *Trap) pollWait(fds []pollFD, deadline uint64) int64 {
	var only *pollFD
	events := 0
	for i := range fds {
		if fds[i].event != 0 {
			only = &fds[i]
			events++
		}
	}
	switch events {
	case 0:
		return t.sleep(deadline)
	case 1:
		ev, err := t.K.Dup(only.event, uabi.RightRead)
		if err != uabi.OK {
			return t.status(err)
		}
		// The level was looked at a moment ago and is a level: if it came up since, the wait ends at once.
		return t.block(uabi.WaitSpec{Event: ev, Mask: only.waitFor, Since: uabi.NoDeadline, Deadline: deadline})
	}
	set, err := t.K.WaitSetCreate(uabi.BootAccount)
	if err != uabi.OK {
		return t.status(err)
	}
	t.temp(set)
	t.RecordHandle[pollSetSlot] = set
	for i := range fds {
		if p := &fds[i]; p.event != 0 {
			if err := t.K.WaitSetAdd(set, p.event, uint64(i), p.waitFor, 0, 0); err != uabi.OK {
				return t.status(err)
			}
		}
	}
	ev, err := t.K.WaitSetEvent(set)
	if err != uabi.OK {
		return t.status(err)
	}
	return t.block(uabi.WaitSpec{Event: ev, Mask: 1, Since: uabi.NoDeadline, Deadline: deadline})
}

// select: three bit sets.

// Readiness that each set asks for (POLLIN_SET and its like in fs/select.c).
const (
	readSet   = unix.POLLIN | abi.POLLRDNORM | unix.POLLHUP | unix.POLLERR
	writeSet  = unix.POLLOUT | abi.POLLWRNORM | unix.POLLERR
	exceptSet = unix.POLLPRI
	leastFDs  = 64 // each descriptor table has room for so many
)

var selectSets = [...]uint32{readSet, writeSet, exceptSet}

func selectCall(t *Trap) int64 {
	deadline, now := uint64(uabi.NoDeadline), false
	if va := t.arg(4); va != 0 {
		b := t.bytes(abi.TimevalSize)
		if e := t.read(va, b[:]); e != 0 {
			return e
		}
		sec, usec := int64(le.Uint64(b[:])), int64(le.Uint64(b[8:]))
		if sec < 0 || usec < 0 {
			return errno(unix.EINVAL)
		}
		ns := min(sec, 1<<32)*abi.Second + usec*1000
		deadline, now = t.deadline(ns), ns == 0
	}
	return t.timeLeft(t.selectFDs(now, deadline), 4, deadline, now, nsPerUsec)
}

func pselect6(t *Trap) int64 {
	deadline, now, e := t.pollTime(t.arg(4))
	if e != 0 {
		return e
	}
	if va := t.arg(5); va != 0 {
		b := t.bytes(16)
		if e := t.read(va, b[:]); e != 0 {
			return e
		}
		if e := t.pollMask(le.Uint64(b[:]), le.Uint64(b[8:])); e != 0 {
			return e
		}
	}
	return t.timeLeft(t.selectFDs(now, deadline), 4, deadline, now, 1)
}

const nsPerUsec = 1000

// timeLeft ends a select, pselect6 or ppoll that returns v: what is left until the deadline is stored where argument arg points, in seconds
// and units of so many ns. Whether it can be stored does not matter (poll_select_finish of fs/select.c).
func (t *Trap) timeLeft(v int64, arg int, deadline uint64, now bool, unit uint64) int64 {
	if v == restartSys {
		v = restartNoHand
	}
	va := t.arg(arg)
	if v == pending || now || va == 0 {
		return v
	}
	left := deadline - min(t.monotonic(), deadline)
	b := le.AppendUint64(nil, left/abi.Second)
	t.write(va, le.AppendUint64(b, left%abi.Second/unit))
	return v
}

func (t *Trap) selectFDs(now bool, deadline uint64) int64 {
	n := int(t.arg32(0))
	if n < 0 {
		return errno(unix.EINVAL)
	}
	if n > leastFDs {
		var out proc.FdListReply
		if err := t.l.proc.FdList(t, &proc.PidRequest{}, &out); err != uabi.OK {
			return t.status(err)
		}
		n = min(n, int(out.Capacity)) // core_sys_select of fs/select.c
	}
	size := (n + 63) / 64 * 8
	var sets [len(selectSets)][]byte
	for i := range sets {
		sets[i] = make([]byte, size)
		if va := t.arg(1 + i); va != 0 {
			if e := t.read(va, sets[i]); e != 0 {
				return e
			}
		}
	}
	var fds []pollFD
	for fd := range n {
		asked := uint32(0)
		for i, s := range sets {
			if s[fd/8]>>(fd%8)&1 != 0 {
				asked |= selectSets[i]
			}
		}
		if asked != 0 {
			fds = append(fds, pollFD{fd: int32(fd), asked: asked})
		}
	}
	if t.scan(fds) == 0 && !now {
		if v := t.pollWait(fds, deadline); v != errno(unix.ETIMEDOUT) {
			return v
		}
	}
	return t.selectResult(fds, &sets)
}

// selectResult turns the sets into those that are ready and counts their bits.
func (t *Trap) selectResult(fds []pollFD, sets *[len(selectSets)][]byte) int64 {
	count := int64(0)
	var out [len(selectSets)][]byte
	for i := range sets {
		out[i] = make([]byte, len(sets[i]))
	}
	for _, p := range fds {
		if p.got&unix.POLLNVAL != 0 {
			return errno(unix.EBADF)
		}
		for i, s := range sets {
			if bit := byte(1) << (p.fd % 8); s[p.fd/8]&bit != 0 && p.got&selectSets[i] != 0 {
				out[i][p.fd/8] |= bit
				count++
			}
		}
	}
	for i := range out {
		if va := t.arg(1 + i); va != 0 && len(out[i]) > 0 {
			if e := t.write(va, out[i]); e != 0 {
				return e
			}
		}
	}
	return count
}
