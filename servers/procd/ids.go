package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Identity implements proc.Handler.
func (h *Procd) Identity(c *server.Ctx, in *proc.PidRequest, out *proc.IdentityReply) uabi.Error {
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	out.Pid, out.Ppid, out.Pgid, out.Sid, out.Serial = p.Pid, p.Ppid, p.Pgid, p.Sid, p.Serial
	return uabi.OK
}

// SetGroup implements proc.Handler.
func (h *Procd) SetGroup(c *server.Ctx, in *proc.SetGroupRequest, out *proc.EmptyReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.Pgid < 0 || in.Pgid == 0 && in.Pid < 0 {
		return uabi.ErrArg
	}
	o := p
	if in.Pid != 0 && in.Pid != p.Pid {
		o = h.procs.Get(in.Pid)
		switch {
		case o == nil && h.threads.Get(in.Pid) != nil:
			return uabi.ErrArg // a thread that is not its process's leader
		case o == nil || o.Ppid != p.Pid:
			return uabi.ErrSearch
		case o.Sid != p.Sid:
			return uabi.ErrPerm
		case o.ExecDone:
			return uabi.ErrAccess
		}
	}
	pgid := in.Pgid
	if pgid == 0 {
		pgid = o.Pid
	}
	if o.Leader || pgid != o.Pid && !h.groupIn(pgid, p.Sid) {
		return uabi.ErrPerm
	}
	o.Pgid = pgid
	h.setContexts(c, o)
	return uabi.OK
}

// groupIn reports whether a process group exists in a session.
func (h *Procd) groupIn(pgid, sid int32) bool {
	for _, p := range h.procs.All() {
		if p.Pgid == pgid && p.Sid == sid {
			return true
		}
	}
	return false
}

// SetSession implements proc.Handler.
func (h *Procd) SetSession(c *server.Ctx, in *proc.EmptyRequest, out *proc.PidReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	for _, o := range h.procs.All() {
		if o.Pgid == p.Pid {
			return uabi.ErrPerm
		}
	}
	p.Sid, p.Pgid, p.Leader = p.Pid, p.Pid, true
	h.setContexts(c, p)
	out.Pid = int64(p.Sid)
	return uabi.OK
}

// Creds implements proc.Handler.
func (h *Procd) Creds(c *server.Ctx, in *proc.PidRequest, out *proc.CredsReply) uabi.Error {
	t, err := h.threadOf(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	r := h.creds.Get(t.Creds)
	out.Ruid, out.Euid, out.Suid, out.Fsuid = r.Ruid, r.Euid, r.Suid, r.Fsuid
	out.Rgid, out.Egid, out.Sgid, out.Fsgid = r.Rgid, r.Egid, r.Sgid, r.Fsgid
	out.Groups = append(out.Groups, r.Groups...)
	out.Effective, out.Permitted, out.Inheritable = r.Effective, r.Permitted, r.Inheritable
	out.Bounding, out.Ambient = r.Bounding, r.Ambient
	return uabi.OK
}

// threadOf is the caller for pid 0, else that thread or that process's leader.
func (h *Procd) threadOf(c *server.Ctx, pid int32) (*state.Thread, uabi.Error) {
	if pid == 0 {
		t, _, err := h.caller(c)
		return t, err
	}
	if t := h.threads.Get(pid); t != nil {
		return t, uabi.OK
	}
	if p := h.procs.Get(pid); p != nil {
		if t := h.anyThread(p); t != nil {
			return t, uabi.OK
		}
	}
	return nil, uabi.ErrSearch
}

// SetCreds implements proc.Handler.
func (h *Procd) SetCreds(c *server.Ctx, in *proc.SetCredsRequest, out *proc.EmptyReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	old := h.creds.Get(t.Creds)
	n, err := creds.Apply(old, in, t.SecureBits, 0)
	if err != uabi.OK {
		return err
	}
	if n.Euid != old.Euid || n.Egid != old.Egid || n.Fsuid != old.Fsuid || n.Fsgid != old.Fsgid || n.Permitted&^old.Permitted != 0 {
		p.NotDumpable = true
		t.DeathSignal = 0
	}
	h.replaceCreds(t, n)
	h.setContext(c, t)
	return uabi.OK
}

// Memory implements proc.Handler.
func (h *Procd) Memory(c *server.Ctx, in *proc.EmptyRequest, out *proc.MemoryReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	return h.memoryOf(p, out)
}

// MemoryOf implements proc.Handler.
func (h *Procd) MemoryOf(c *server.Ctx, in *proc.PidRequest, out *proc.MemoryReply) uabi.Error {
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	return h.memoryOf(p, out)
}

func (h *Procd) memoryOf(p *state.Process, out *proc.MemoryReply) uabi.Error {
	m := h.mms.Get(p.Mm)
	if m == nil {
		return uabi.ErrSearch
	}
	out.Mm, out.Space = m.Mm, m.Space
	return uabi.OK
}

// Fs implements proc.Handler.
func (h *Procd) Fs(c *server.Ctx, in *proc.EmptyRequest, out *proc.FsReply) uabi.Error {
	t, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	out.Fs = h.fs.Get(t.Fs).Handle
	return uabi.OK
}

// listMax keeps one reply of List far below a message's limit.
const listMax = 4096

// List implements proc.Handler.
func (h *Procd) List(c *server.Ctx, in *proc.ListRequest, out *proc.ListReply) uabi.Error {
	for _, pid := range h.procs.Keys() {
		if pid > in.After && len(out.Pids) < listMax {
			out.Pids = append(out.Pids, pid)
		}
	}
	return uabi.OK
}
