package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

const (
	rlimInfinity = ^uint64(0)
	rlimCount    = 16
	defaultSlack = 50000   // ns, as Linux's
	defaultLock  = 8 << 20 // bytes; mmd's for a fresh mm
)

// defaultLimits are those of Linux's process 1, with the descriptors of systemd's.
func defaultLimits() []*state.Limit {
	l := make([]*state.Limit, rlimCount)
	for i := range l {
		l[i] = &state.Limit{Soft: rlimInfinity, Hard: rlimInfinity}
	}
	l[unix.RLIMIT_STACK].Soft = 8 << 20
	l[unix.RLIMIT_CORE].Soft = 0
	l[unix.RLIMIT_NOFILE] = &state.Limit{Soft: 1024, Hard: 524288}
	l[unix.RLIMIT_MEMLOCK] = &state.Limit{Soft: defaultLock, Hard: defaultLock}
	l[unix.RLIMIT_SIGPENDING] = &state.Limit{Soft: 4096, Hard: 4096}
	l[unix.RLIMIT_MSGQUEUE] = &state.Limit{Soft: 819200, Hard: 819200}
	l[unix.RLIMIT_NICE] = &state.Limit{}
	l[unix.RLIMIT_RTPRIO] = &state.Limit{}
	return l
}

// Limit implements proc.Handler.
func (h *Procd) Limit(c *server.Ctx, in *proc.LimitRequest, out *proc.LimitReply) uabi.Error {
	t, own, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	if in.Resource >= rlimCount || in.Set && in.Soft > in.Hard {
		return uabi.ErrArg
	}
	cr := h.creds.Get(t.Creds)
	if p != own && !creds.Has(cr, creds.SysResrc) {
		ot := h.anyThread(p)
		if ot == nil {
			return uabi.ErrSearch
		}
		if o := h.creds.Get(ot.Creds); cr.Ruid != o.Ruid || cr.Ruid != o.Euid || cr.Ruid != o.Suid || cr.Rgid != o.Rgid {
			return uabi.ErrPerm
		}
	}
	l := p.Limits[in.Resource]
	if in.Set && in.Hard > l.Hard && !creds.Has(cr, creds.SysResrc) {
		return uabi.ErrPerm
	}
	if in.Set && in.Resource == unix.RLIMIT_NOFILE && in.Hard > maxFiles {
		return uabi.ErrPerm
	}
	out.Soft, out.Hard = l.Soft, l.Hard
	if in.Set {
		if err := h.limitMemory(c, p, in); err != uabi.OK {
			return err
		}
		p.Limits[in.Resource] = &state.Limit{Soft: in.Soft, Hard: in.Hard}
		if in.Resource == unix.RLIMIT_FSIZE {
			h.setContexts(c, p)
		}
	}
	return uabi.OK
}

// limitMemory tells mmd of a limit that it keeps. Who shares the memory of another process, as a child of vfork does, has none of its own
// to be bound: Exec tells of the limits that are set till then.
func (h *Procd) limitMemory(c *server.Ctx, p *state.Process, in *proc.LimitRequest) uabi.Error {
	m := h.mms.Get(p.Mm)
	if m == nil || m.Refs > 1 {
		return uabi.OK
	}
	req := memoryLimits(p)
	switch in.Resource {
	case unix.RLIMIT_AS:
		req.Space = in.Soft
	case unix.RLIMIT_DATA:
		req.Data = in.Soft
	case unix.RLIMIT_MEMLOCK:
		req.Lock = in.Soft
	case unix.RLIMIT_STACK:
		req.Stack = in.Soft
	default:
		return uabi.OK
	}
	return (mm.Client{H: uabi.Handle(m.Mm)}).SetLimits(c, req, &mm.EmptyReply{})
}

// memoryLimits are those of a process that mmd keeps.
func memoryLimits(p *state.Process) *mm.LimitsRequest {
	return &mm.LimitsRequest{Space: p.Limits[unix.RLIMIT_AS].Soft, Data: p.Limits[unix.RLIMIT_DATA].Soft, Lock: p.Limits[unix.RLIMIT_MEMLOCK].Soft,
		Stack: p.Limits[unix.RLIMIT_STACK].Soft}
}

// Usage implements proc.Handler.
func (h *Procd) Usage(c *server.Ctx, in *proc.UsageRequest, out *proc.UsageReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	switch in.Who {
	case unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN:
		out.UserNs, out.SystemNs = h.times(c, p)
	case unix.RUSAGE_THREAD:
		info, err := c.ThreadInfo(uabi.Handle(t.Handle))
		if err != uabi.OK {
			return err
		}
		out.UserNs, out.SystemNs = info.UserNS, info.SystemNS
	default:
		return uabi.ErrArg
	}
	out.ChildrenUserNs, out.ChildrenSystemNs = p.Children.GetUserNs(), p.Children.GetSystemNs()
	out.StartNs = p.StartNs
	return uabi.OK
}

// Thread implements proc.Handler.
func (h *Procd) Thread(c *server.Ctx, in *proc.ThreadRequest, out *proc.PidReply) uabi.Error {
	t, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.ClearChildTid != nil {
		t.ClearTid = *in.ClearChildTid
	}
	if in.RobustList != nil {
		t.Robust = *in.RobustList
	}
	out.Pid = int64(t.Tid)
	return uabi.OK
}
