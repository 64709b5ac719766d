package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Scheduling policies (sched(7)) that can be had.
const (
	schedOther = 0
	schedBatch = 3
	schedIdle  = 5
)

// Sched implements proc.Handler.
func (h *Procd) Sched(c *server.Ctx, in *proc.SchedRequest, out *proc.SchedReply) uabi.Error {
	own, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	t := own
	if in.Tid != 0 {
		if t = h.threads.Get(in.Tid); t == nil {
			return uabi.ErrSearch
		}
	}
	out.Policy, out.ResetOnFork = t.Policy, t.ResetOnFork
	if !in.Set {
		return uabi.OK
	}
	if in.Policy != schedOther && in.Policy != schedBatch && in.Policy != schedIdle {
		return uabi.ErrArg
	}
	a, b := h.creds.Get(own.Creds), h.creds.Get(t.Creds)
	if !creds.Has(a, creds.SysNice) {
		// Leaving SCHED_IDLE makes a thread faster, as a lower nice value would (sched(7), RLIMIT_NICE).
		faster := t.Policy == schedIdle && in.Policy != schedIdle && h.mayNice(own, t, t.Nice-1) != uabi.OK
		if a.Euid != b.Euid && a.Euid != b.Ruid || t.ResetOnFork && !in.ResetOnFork || faster {
			return uabi.ErrPerm
		}
	}
	t.Policy, t.ResetOnFork = in.Policy, in.ResetOnFork
	return uabi.OK
}

// inheritSched gives a new thread its creator's place in scheduling (sched(7), "Resetting scheduling policy for child processes").
func inheritSched(t, from *state.Thread) {
	t.Nice, t.Policy, t.IoPriority = from.Nice, from.Policy, from.IoPriority
	if from.ResetOnFork {
		t.Nice = max(t.Nice, 0)
	}
}

// Classes of I/O priorities (ioprio_set(2)): they are kept, inherited and given back. There is no I/O scheduler that they could bind.
const (
	ioClassShift = 13
	ioClassNone  = 0
	ioClassRT    = 1
	ioClassBE    = 2
	ioClassIdle  = 3
	ioLevels     = 8
	ioNormal     = 4
)

// IoPriority implements proc.Handler.
func (h *Procd) IoPriority(c *server.Ctx, in *proc.PriorityRequest, out *proc.PriorityReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.Set {
		if err := h.checkIoPriority(t, uint32(in.Nice)); err != uabi.OK {
			return err
		}
	}
	// IOPRIO_WHO_PROCESS, PGRP and USER count from 1, PRIO_PROCESS and its like from 0.
	list, err := h.priorityTargets(t, p, &proc.PriorityRequest{Which: in.Which - 1, Who: in.Who})
	if err != uabi.OK {
		return err
	}
	best := uint32(0)
	for i, o := range list {
		if v := o.IoPriority; i == 0 || ioUrgency(v) < ioUrgency(best) {
			best = v
		}
		own, other := h.creds.Get(t.Creds), h.creds.Get(o.Creds)
		if in.Set && own.Euid != other.Ruid && own.Ruid != other.Ruid && !creds.Has(own, creds.SysNice) {
			return uabi.ErrPerm
		}
	}
	out.Nice = int32(best)
	if in.Set {
		for _, o := range list {
			o.IoPriority = uint32(in.Nice)
		}
	}
	return uabi.OK
}

// checkIoPriority is ioprio_set(2)'s EINVAL and EPERM.
func (h *Procd) checkIoPriority(t *state.Thread, v uint32) uabi.Error {
	level := v & (1<<ioClassShift - 1)
	switch v >> ioClassShift {
	case ioClassRT:
		if own := h.creds.Get(t.Creds); !creds.Has(own, creds.SysAdmin) && !creds.Has(own, creds.SysNice) {
			return uabi.ErrPerm
		}
		fallthrough
	case ioClassBE:
		if level >= ioLevels {
			return uabi.ErrArg
		}
	case ioClassIdle:
	case ioClassNone:
		if level != 0 {
			return uabi.ErrArg
		}
	default:
		return uabi.ErrArg
	}
	return uabi.OK
}

// ioUrgency orders I/O priorities: none counts as best effort in the middle.
func ioUrgency(v uint32) uint32 {
	if v>>ioClassShift == ioClassNone {
		return ioClassBE<<ioClassShift | ioNormal
	}
	return v
}
