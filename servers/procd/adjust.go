package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Limits of what can be set (proc(5)).
const (
	oomLeast, oomMost = -1000, 1000
	leastPidMax       = reservedPids + 1
	mostPidMax        = 1 << 22
)

// pidMax is the first process id that is not given (kernel.pid_max).
func (h *Procd) pidMax() int32 {
	if h.top.PidMax != 0 {
		return h.top.PidMax
	}
	return maxPid
}

// Adjust implements proc.Handler.
func (h *Procd) Adjust(c *server.Ctx, in *proc.AdjustRequest, out *proc.AdjustReply) uabi.Error {
	out.PidMax = h.pidMax()
	if in.OomScoreAdj == nil && in.Name == nil && in.PidMax == nil {
		return uabi.OK
	}
	t, own, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.PidMax != nil {
		if !creds.Has(h.creds.Get(t.Creds), creds.SysAdmin) {
			return uabi.ErrPerm
		}
		if *in.PidMax < leastPidMax || *in.PidMax > mostPidMax {
			return uabi.ErrArg
		}
		h.top.PidMax, out.PidMax = *in.PidMax, *in.PidMax
		return uabi.OK
	}
	p, err := h.process(c, in.Pid)
	switch {
	case err != uabi.OK:
		return err
	case in.Name != nil:
		return h.rename(p, own, in)
	}
	return h.adjustOom(t, p, *in.OomScoreAdj)
}

// rename sets a thread's name, from within its process.
func (h *Procd) rename(p, own *state.Process, in *proc.AdjustRequest) uabi.Error {
	o := h.threads.Get(in.Pid)
	if o == nil {
		o = h.anyThread(p)
	}
	if p != own || o == nil {
		return uabi.ErrArg
	}
	o.Name = comm(*in.Name)
	return uabi.OK
}

// adjustOom sets how likely a process is chosen when memory ends: going below what a privileged process set last needs the privilege.
func (h *Procd) adjustOom(t *state.Thread, p *state.Process, v int32) uabi.Error {
	if v < oomLeast || v > oomMost {
		return uabi.ErrArg
	}
	privileged := creds.Has(h.creds.Get(t.Creds), creds.SysResrc)
	if v < p.OomScoreLeast && !privileged {
		return uabi.ErrAccess
	}
	p.OomScoreAdj = v
	if privileged {
		p.OomScoreLeast = v
	}
	return uabi.OK
}
