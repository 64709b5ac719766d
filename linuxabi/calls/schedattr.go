package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
)

// struct sched_attr (sched_setattr(2)): its offsets, and its sizes as of Linux 3.14 and 5.3.
const (
	attrPolicy   = 4
	attrFlags    = 8
	attrNice     = 16
	attrPriority = 20
	attrSizeV0   = 48
	attrSizeV1   = 56
)

// Flags of struct sched_attr.
const (
	attrResetOnFork = 0x01
	attrKeepPolicy  = 0x08
	attrKeepParams  = 0x10
	attrUtilClamp   = 0x60
	attrAllFlags    = 0x7f
)

func schedGetattr(t *Trap) int64 {
	size := uint32(t.arg(2))
	if t.arg(1) == 0 || size < attrSizeV0 || size > pageMask+1 || t.arg(3) != 0 {
		return errno(unix.EINVAL)
	}
	p, e := t.policy(t.arg32(0))
	if e != 0 {
		return e
	}
	nice, e := t.nice(t.arg32(0))
	if e != 0 {
		return e
	}
	size = min(size, attrSizeV1)
	b := make([]byte, size)
	le.PutUint32(b, size)
	le.PutUint32(b[attrPolicy:], p.Policy)
	if p.ResetOnFork {
		b[attrFlags] = attrResetOnFork
	}
	le.PutUint32(b[attrNice:], uint32(nice))
	return t.write(t.arg(1), b)
}

// nice is the nice value of thread tid (0: the caller).
func (t *Trap) nice(tid int32) (int32, int64) {
	var out proc.PriorityReply
	err := t.l.proc.Priority(t, &proc.PriorityRequest{Which: uint32(unix.PRIO_PROCESS), Who: tid}, &out)
	return out.Nice, t.status(err)
}

func schedSetattr(t *Trap) int64 {
	tid := t.arg32(0)
	if t.arg(1) == 0 || tid < 0 || t.arg(2) != 0 {
		return errno(unix.EINVAL)
	}
	b, e := t.schedAttr(t.arg(1))
	if e != 0 {
		return e
	}
	flags := le.Uint64(b[attrFlags:])
	policy, nice := le.Uint32(b[attrPolicy:]), int32(le.Uint32(b[attrNice:]))
	if int32(policy) < 0 {
		return errno(unix.EINVAL)
	}
	old, e := t.policy(tid)
	if e != 0 {
		return e
	}
	if flags&attrKeepPolicy != 0 {
		policy = old.Policy
	}
	if flags&^attrAllFlags != 0 || flags&attrUtilClamp != 0 {
		return errno(unix.EINVAL) // utilization clamping is not built: as without CONFIG_UCLAMP_TASK
	}
	if flags&attrKeepParams != 0 {
		if nice, e = t.nice(tid); e != 0 {
			return e
		}
	} else if nice < minNice || nice > maxNice {
		return errno(unix.EINVAL)
	}
	in := proc.SchedRequest{Tid: tid, Set: true, Policy: policy, ResetOnFork: flags&attrResetOnFork != 0}
	if flags&attrKeepPolicy != 0 {
		in.ResetOnFork = old.ResetOnFork
	}
	if e := t.sched(&in, le.Uint32(b[attrPriority:])); e != 0 {
		return e
	}
	if policy == schedIdle {
		return 0 // has no nice value of its own
	}
	return t.setNice(&proc.PriorityRequest{Which: uint32(unix.PRIO_PROCESS), Who: tid, Set: true, Nice: nice})
}

// Nice values that can be asked for.
const minNice, maxNice = -20, 19

// schedAttr reads a struct sched_attr: E2BIG, with the size that is known written back, for one with more in it.
func (t *Trap) schedAttr(va uint64) ([]byte, int64) {
	var head [4]byte
	if e := t.read(va, head[:]); e != 0 {
		return nil, e
	}
	size := le.Uint32(head[:])
	if size == 0 {
		size = attrSizeV0
	}
	tooBig := func() ([]byte, int64) {
		if e := t.write(va, le.AppendUint32(nil, attrSizeV1)); e != 0 {
			return nil, e
		}
		return nil, errno(unix.E2BIG)
	}
	if size < attrSizeV0 || size > pageMask+1 {
		return tooBig()
	}
	b := make([]byte, max(size, attrSizeV1))
	if e := t.read(va, b[:size]); e != 0 {
		return nil, e
	}
	for _, c := range b[attrSizeV1:] {
		if c != 0 {
			return tooBig()
		}
	}
	return b, 0
}

// slice is how long a thread runs before others of its priority get a turn, ns: the kernel's.
const slice = 10_000_000

// schedRRGetInterval: of SCHED_OTHER it is the time slice; SCHED_IDLE and SCHED_BATCH have the same.
func schedRRGetInterval(t *Trap) int64 {
	if _, e := t.policy(t.arg32(0)); e != 0 {
		return e
	}
	return t.putTimespec(t.arg(1), slice)
}

func ioprioGet(t *Trap) int64 {
	e := ioprioWho(t)
	if e != 0 {
		return e
	}
	var out proc.PriorityReply
	err := t.l.proc.IoPriority(t, &proc.PriorityRequest{Which: uint32(t.arg(0)), Who: t.arg32(1)}, &out)
	return t.result(int64(out.Nice), err)
}

func ioprioSet(t *Trap) int64 {
	e := ioprioWho(t)
	if e != 0 {
		return e
	}
	in := proc.PriorityRequest{Which: uint32(t.arg(0)), Who: t.arg32(1), Set: true, Nice: t.arg32(2)}
	return t.status(t.l.proc.IoPriority(t, &in, &proc.PriorityReply{}))
}

// ioprioWho checks the first argument: IOPRIO_WHO_PROCESS, PGRP or USER.
func ioprioWho(t *Trap) int64 {
	const first, last = 1, 3
	if w := t.arg32(0); w < first || w > last {
		return errno(unix.EINVAL)
	}
	return 0
}
