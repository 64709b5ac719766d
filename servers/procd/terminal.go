package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// What terminals ask: vfsd keeps which session a terminal controls, procd which processes that is.

// Background implements proc.Handler.
func (h *Procd) Background(c *server.Ctx, in *proc.BackgroundRequest, out *proc.BackgroundReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if !signal.Valid(in.Signal) {
		return uabi.ErrSearch
	}
	acts := h.handlers.Get(p.Handlers)
	switch {
	case t.Mask&signal.Bit(in.Signal) != 0 || signal.Action(acts, in.Signal).Handler == signal.Ignore:
		out.Verdict = proc.Verdict_IGNORED
		return uabi.OK
	case h.orphanedGroup(p.Pgid):
		out.Verdict = proc.Verdict_ORPHANED
		return uabi.OK
	}
	out.Verdict = proc.Verdict_SIGNALLED
	return h.Kill(c, &proc.KillRequest{Pid: p.Pgid, Group: true, Kernel: true, Signal: in.Signal, Code: signal.CodeKernel}, &proc.EmptyReply{})
}

// Group implements proc.Handler.
func (h *Procd) Group(c *server.Ctx, in *proc.PidRequest, out *proc.IdentityReply) uabi.Error {
	for _, p := range h.procs.Values() {
		if p.Pgid == in.Pid {
			out.Pgid, out.Sid = p.Pgid, p.Sid
			return uabi.OK
		}
	}
	p := h.procs.Get(in.Pid)
	if p == nil {
		return uabi.ErrSearch
	}
	out.Pid, out.Pgid, out.Sid = p.Pid, p.Pgid, p.Sid
	return uabi.OK
}

// Leaving implements proc.Handler. Of a leader's threads that end together, each is told of.
func (h *Procd) Leaving(c *server.Ctx, in *proc.OriginRequest, out *proc.PidReply) uabi.Error {
	tid := h.origins.Get(in.Origin)
	if tid == 0 {
		return uabi.OK
	}
	p := h.procs.Get(h.threads.Get(tid).Pid)
	if p.Pid != p.Sid {
		return uabi.OK
	}
	for _, o := range h.members[p.Pid] {
		if o != tid && !h.threads.Get(o).Dying {
			return uabi.OK
		}
	}
	out.Pid = int64(p.Sid)
	return uabi.OK
}
