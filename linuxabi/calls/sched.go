package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// schedYield lets all others go first; who has a signal to take goes on with that.
func schedYield(t *Trap) int64 {
	if t.in.Flags&uabi.FlagInterrupt != 0 {
		return 0
	}
	t.reply(0)
	t.buf.Out.Flags = uabi.FlagYield
	return pending
}

// cpus is how many processors there are.
func (t *Trap) cpus() (uint64, uabi.Error) {
	var i uabi.SystemInfo
	err := t.K.SystemInfo(&i)
	return i.CPUs, err
}

// schedGetaffinity: all CPUs there are.
func schedGetaffinity(t *Trap) int64 {
	n := uint32(t.arg(1))
	if n&7 != 0 || n*8 == 0 {
		return errno(unix.EINVAL)
	}
	if e := t.exists(t.arg32(0)); e != 0 {
		return e
	}
	cpus, err := t.cpus()
	if err != uabi.OK {
		return t.status(err)
	}
	if e := t.write(t.arg(2), le.AppendUint64(nil, 1<<cpus-1)); e != 0 {
		return e
	}
	return 8
}

// schedSetaffinity: the scheduler places threads by itself, so only a set with all processors can be had.
func schedSetaffinity(t *Trap) int64 {
	b := t.bytes(8)
	if e := t.read(t.arg(2), b[:min(t.arg(1), uint64(len(b)))]); e != 0 {
		return e
	}
	if e := t.exists(t.arg32(0)); e != 0 {
		return e
	}
	cpus, err := t.cpus()
	if err != uabi.OK {
		return t.status(err)
	}
	all := uint64(1)<<cpus - 1
	switch le.Uint64(b[:]) & all {
	case all:
		return 0
	case 0:
		return errno(unix.EINVAL)
	}
	t.gap(unix.SYS_SCHED_SETAFFINITY, "fewer than all processors")
	return errno(unix.EINVAL)
}

// exists is 0 if pid (0: the caller) is a process, else -ESRCH.
func (t *Trap) exists(pid int32) int64 {
	if pid == 0 || uint64(pid) == t.tid() {
		return 0
	}
	_, e := t.identity(pid)
	return e
}

// Scheduling policies: those without a static priority. The scheduler treats all of them as SCHED_OTHER.

const (
	schedOther, schedFIFO, schedRR, schedBatch, schedIdle, schedDeadline = 0, 1, 2, 3, 5, 6

	resetOnFork    = 0x40000000 // SCHED_RESET_ON_FORK
	schedParamSize = 4
)

// policy is the policy of thread tid (0: the caller).
func (t *Trap) policy(tid int32) (*proc.SchedReply, int64) {
	out := &proc.SchedReply{}
	if tid < 0 {
		return nil, errno(unix.EINVAL)
	}
	err := t.l.proc.Sched(t, &proc.SchedRequest{Tid: tid}, out)
	return out, t.status(err)
}

func schedGetscheduler(t *Trap) int64 {
	p, e := t.policy(t.arg32(0))
	if e != 0 {
		return e
	}
	if p.ResetOnFork {
		return int64(p.Policy) | resetOnFork
	}
	return int64(p.Policy)
}

func schedGetparam(t *Trap) int64 {
	if t.arg(1) == 0 {
		return errno(unix.EINVAL)
	}
	if _, e := t.policy(t.arg32(0)); e != 0 {
		return e
	}
	return t.write(t.arg(1), make([]byte, schedParamSize))
}

func schedSetscheduler(t *Trap) int64 {
	return t.setPolicy(t.arg32(1), t.arg(2))
}

func schedSetparam(t *Trap) int64 {
	var b [schedParamSize]byte
	if t.arg(1) == 0 || t.arg32(0) < 0 {
		return errno(unix.EINVAL)
	}
	if e := t.read(t.arg(1), b[:]); e != 0 {
		return e
	}
	if _, e := t.policy(t.arg32(0)); e != 0 {
		return e
	}
	if le.Uint32(b[:]) != 0 {
		return errno(unix.EINVAL)
	}
	return 0
}

func (t *Trap) setPolicy(policy int32, param uint64) int64 {
	b := t.bytes(schedParamSize)
	if param == 0 || policy < 0 || t.arg32(0) < 0 {
		return errno(unix.EINVAL)
	}
	if e := t.read(param, b[:]); e != 0 {
		return e
	}
	if _, e := t.policy(t.arg32(0)); e != 0 {
		return e
	}
	in := proc.SchedRequest{Tid: t.arg32(0), Set: true, Policy: uint32(policy &^ resetOnFork), ResetOnFork: policy&resetOnFork != 0}
	return t.sched(&in, le.Uint32(b[:]))
}

// sched asks procd for a policy whose static priority is given.
func (t *Trap) sched(in *proc.SchedRequest, priority uint32) int64 {
	switch in.Policy {
	case schedOther, schedBatch, schedIdle:
		if priority != 0 {
			return errno(unix.EINVAL)
		}
		return t.status(t.l.proc.Sched(t, in, &proc.SchedReply{}))
	case schedFIFO, schedRR, schedDeadline:
		t.gap(t.regs.RAX, "real-time policies")
	}
	return errno(unix.EINVAL)
}

func schedPriorityLimit(t *Trap) int64 {
	const rtMin, rtMax = 1, 99
	switch t.arg32(0) {
	case schedOther, schedBatch, schedIdle, schedDeadline:
		return 0
	case schedFIFO, schedRR:
		if t.regs.RAX == unix.SYS_SCHED_GET_PRIORITY_MAX {
			return rtMax
		}
		return rtMin
	}
	return errno(unix.EINVAL)
}

func getcpu(t *Trap) int64 {
	where := [...]uint32{uint32(t.in.W[0]), 0} // of the one node
	for i, v := range where {
		if va := t.arg(i); va != 0 {
			if e := t.write(va, le.AppendUint32(nil, v)); e != 0 {
				return e
			}
		}
	}
	return 0
}

// niceBase: the system call returns 20 − nice, so that no result is negative.
const niceBase = 20

func getpriority(t *Trap) int64 {
	var out proc.PriorityReply
	err := t.l.proc.Priority(t, &proc.PriorityRequest{Which: uint32(t.arg32(0)), Who: t.arg32(1)}, &out)
	return t.result(niceBase-int64(out.Nice), err)
}

func setpriority(t *Trap) int64 {
	return t.setNice(&proc.PriorityRequest{Which: uint32(t.arg32(0)), Who: t.arg32(1), Set: true, Nice: t.arg32(2)})
}

func (t *Trap) setNice(in *proc.PriorityRequest) int64 {
	err := t.l.proc.Priority(t, in, &proc.PriorityReply{})
	if err == uabi.OK && in.Nice != 0 {
		t.gap(t.regs.RAX, "the scheduler does not know nice values")
	}
	return t.status(err)
}
