package main

import (
	"strings"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// firstUts is the uts namespace of process 1, which is always there.
const firstUts = 1

// Uts implements proc.Handler. Who has no thread here sees the first namespace.
func (h *Procd) Uts(c *server.Ctx, in *proc.UtsRequest, out *proc.UtsReply) uabi.Error {
	const maxName = 64
	t, _, err := h.caller(c)
	n := h.uts[firstUts]
	if err == uabi.OK {
		n = h.uts[t.Uts]
	}
	if in.Hostname != nil || in.Domainname != nil {
		if err != uabi.OK {
			return err
		}
		if !creds.Has(h.creds.Get(t.Creds), creds.SysAdmin) {
			return uabi.ErrPerm
		}
		if len(in.GetHostname()) > maxName || len(in.GetDomainname()) > maxName {
			return uabi.ErrArg
		}
	}
	if in.Hostname != nil {
		n.Hostname = strings.Clone(*in.Hostname)
	}
	if in.Domainname != nil {
		n.Domainname = strings.Clone(*in.Domainname)
	}
	out.Hostname, out.Domainname = n.Hostname, n.Domainname
	return uabi.OK
}

// UtsJoin implements proc.Handler.
func (h *Procd) UtsJoin(c *server.Ctx, in *proc.PidRequest, out *proc.EmptyReply) uabi.Error {
	t, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	o := h.threads.Get(in.Pid)
	if o == nil {
		return uabi.ErrSearch
	}
	if !h.mayInspect(t, o) || !creds.Has(h.creds.Get(t.Creds), creds.SysAdmin) {
		return uabi.ErrPerm
	}
	h.uts[o.Uts].Refs++
	h.dropUts(t.Uts)
	t.Uts = o.Uts
	return uabi.OK
}

// copyUts makes a namespace with the names of another.
func (h *Procd) copyUts(id uint64) uint64 {
	old := h.uts[id]
	n := &state.Uts{Id: h.nextID(), Refs: 1, Hostname: old.Hostname, Domainname: old.Domainname}
	h.uts[n.Id] = n
	return n.Id
}

// dropUts forgets a thread's use of its namespace.
func (h *Procd) dropUts(id uint64) {
	n := h.uts[id]
	if n.Refs--; n.Refs == 0 && id != firstUts {
		delete(h.uts, id)
	}
}
