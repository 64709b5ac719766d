package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Nice values and the resource limit that lets a process lower its own.
const (
	niceMin, niceMax = -20, 19
	rlimitNice       = 13
)

// Priority implements proc.Handler. Linux keeps a nice value for each thread: PRIO_PROCESS is one thread.
func (h *Procd) Priority(c *server.Ctx, in *proc.PriorityRequest, out *proc.PriorityReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	list, err := h.priorityTargets(t, p, in)
	if err != uabi.OK {
		return err
	}
	nice := max(niceMin, min(in.Nice, niceMax))
	out.Nice = niceMax
	for _, o := range list {
		out.Nice = min(out.Nice, o.Nice)
		if in.Set {
			if err := h.mayNice(t, o, nice); err != uabi.OK {
				return err
			}
		}
	}
	if in.Set {
		for _, o := range list {
			o.Nice = nice
		}
	}
	return uabi.OK
}

// priorityTargets are the threads that a request is about: at least one.
func (h *Procd) priorityTargets(t *state.Thread, p *state.Process, in *proc.PriorityRequest) (list []*state.Thread, err uabi.Error) {
	var is func(*state.Thread) bool
	switch in.Which {
	case unix.PRIO_PROCESS:
		who := in.Who
		if who == 0 {
			who = t.Tid
		}
		is = func(o *state.Thread) bool { return o.Tid == who }
	case unix.PRIO_PGRP:
		group := in.Who
		if group == 0 {
			group = p.Pgid
		}
		is = func(o *state.Thread) bool { return h.procs.Get(o.Pid).Pgid == group }
	case unix.PRIO_USER:
		uid := uint32(in.Who)
		if uid == 0 {
			uid = h.creds.Get(t.Creds).Ruid
		}
		is = func(o *state.Thread) bool { return h.creds.Get(o.Creds).Ruid == uid }
	default:
		return nil, uabi.ErrArg
	}
	for _, o := range h.threads.Values() {
		if is(o) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil, uabi.ErrSearch
	}
	return list, uabi.OK
}

// mayNice checks whether t may give o a nice value (setpriority(2), Errors).
func (h *Procd) mayNice(t, o *state.Thread, nice int32) uabi.Error {
	own, other := h.creds.Get(t.Creds), h.creds.Get(o.Creds)
	if creds.Has(own, creds.SysNice) {
		return uabi.OK
	}
	if own.Euid != other.Ruid && own.Euid != other.Euid {
		return uabi.ErrPerm
	}
	// The limit counts from the nicest: 1 stands for 19.
	const limitBase = 20
	if nice < o.Nice && limitBase-int64(nice) > int64(min(h.procs.Get(o.Pid).Limits[rlimitNice].Soft, limitBase-niceMin)) {
		return uabi.ErrAccess
	}
	return uabi.OK
}
