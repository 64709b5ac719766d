package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// A negative clock id is the complement of a process or thread id, shifted behind what is counted (linux/posix-timers.h):
// pthread_getcpuclockid(3), clock_getcpuclockid(3).
const (
	cpuWhich  = 3 // mask: 0 user and system time, 1 user time, 2 as the scheduler counts, 3 is no processor's time
	cpuVirt   = 1
	cpuThread = 4 // of a thread of the caller's process
	cpuShift  = 3
)

// cpuClock is the processor time of a process or thread, ns.
func (t *Trap) cpuClock(id int32) (uint64, int64) {
	which, of := id&cpuWhich, ^(id >> cpuShift)
	if which == cpuWhich {
		return 0, errno(unix.EINVAL)
	}
	status, self := t.l.proc.Status, t.tgid()
	if id&cpuThread != 0 {
		status, self = t.l.proc.ThreadStatus, t.tid()
	}
	if of == 0 {
		of = int32(self)
	}
	var out proc.StatusReply
	err := status(t, &proc.PidRequest{Pid: of}, &out)
	switch {
	case err != uabi.OK, id&cpuThread != 0 && uint64(out.Pid) != t.tgid():
		return 0, errno(unix.EINVAL)
	case which == cpuVirt:
		return out.UserNs, 0
	}
	return out.UserNs + out.SystemNs, 0
}
