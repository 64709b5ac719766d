package main

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/fdtable"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Exec implements proc.Handler.
func (h *Procd) Exec(c *server.Ctx, in *proc.ExecRequest, out *proc.EmptyReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.Mm == 0 || in.Space == 0 {
		return uabi.ErrArg
	}
	if len(h.members[p.Pid]) > 1 {
		// Idempotent effects only: a wait commits nothing (R11).
		for _, tid := range h.members[p.Pid] {
			if tid != t.Tid {
				c.ThreadKill(uabi.Handle(h.threads.Get(tid).Handle))
			}
		}
		return h.wait(c, p, bitThread, uabi.NoDeadline)
	}
	h.releaseRobust(c, t, p)
	h.clearTid(c, t, p)
	if err := c.ThreadSpace(uabi.Handle(t.Handle), uabi.Handle(in.Space)); err != uabi.OK {
		return err
	}
	if l := memoryLimits(p); l.Space != rlimInfinity || l.Data != rlimInfinity || l.Lock != defaultLock {
		if err := (mm.Client{H: uabi.Handle(in.Mm)}).SetLimits(c, l, &mm.EmptyReply{}); err != uabi.OK {
			return err
		}
	}
	m := &state.Mm{Id: h.nextID(), Refs: 1, Mm: in.Mm, Space: in.Space, Exe: h.exe(in.ExeFile)}
	h.mms.Put(m.Id, m)
	h.dropMm(c, p.Mm)
	p.Mm = m.Id
	h.becomeLeader(t, p)
	p.Exe, p.Cmdline, p.ExecDone = strings.Clone(in.Exe), slices.Clone(in.Cmdline), true
	p.Layout = layoutOf(in.Layout)
	t.Name = comm(in.Name)
	t.AltSp, t.AltSize, t.AltFlags, t.ClearTid, t.Robust = 0, 0, 0, 0, 0
	if h.handlers.Get(p.Handlers).Refs > 1 {
		id := h.copyHandlers(p.Handlers)
		h.dropHandlers(p.Handlers)
		p.Handlers = id
	}
	signal.Reset(h.handlers.Get(p.Handlers))
	h.dropTimers(c, p)
	h.closeOnExec(c, t)
	h.execCreds(t, p, in)
	h.releaseVfork(c, p)
	h.setContext(c, t)
	return uabi.OK
}

// execCreds gives a thread the credentials of its new program. One that has other rights than its user cannot be inspected by who
// started it, nor be told of its parent's end.
func (h *Procd) execCreds(t *state.Thread, p *state.Process, in *proc.ExecRequest) {
	n, secure := creds.Exec(h.creds.Get(t.Creds), t.SecureBits, counting(t, in.SetUid, in.SetGid, in.Uid, in.Gid), 0)
	p.NotDumpable = n.Euid != n.Ruid || n.Egid != n.Rgid
	if secure {
		t.DeathSignal = 0
		t.Persona &^= noRandomize
	}
	h.replaceCreds(t, n)
	t.SecureBits &^= creds.KeepCaps
}

// counting is what of an executable counts for t's credentials: nothing with no_new_privs (prctl(2)).
func counting(t *state.Thread, setUID, setGID bool, uid, gid uint32) creds.Program {
	if t.NoNewPrivs {
		return creds.Program{}
	}
	return creds.Program{SetUID: setUID, SetGID: setGID, UID: uid, GID: gid}
}

// ExecPlan implements proc.Handler. Who is no thread yet becomes process 1.
func (h *Procd) ExecPlan(c *server.Ctx, in *proc.ExecPlanRequest, out *proc.ExecPlanReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		out.StackLimit = defaultLimits()[unix.RLIMIT_STACK].Soft
		return uabi.OK
	}
	n, secure := creds.Exec(h.creds.Get(t.Creds), t.SecureBits, counting(t, in.SetUid, in.SetGid, in.Uid, in.Gid), 0)
	out.Ruid, out.Euid, out.Rgid, out.Egid, out.Secure = n.Ruid, n.Euid, n.Rgid, n.Egid, secure
	out.StackLimit, out.FixedLayout = p.Limits[unix.RLIMIT_STACK].Soft, fixedLayout(t, secure)
	return uabi.OK
}

// layoutOf keeps what a request says of where things lie.
func layoutOf(l *proc.Layout) *state.Layout {
	if l == nil {
		return nil
	}
	return &state.Layout{ArgStart: l.ArgStart, ArgEnd: l.ArgEnd, EnvStart: l.EnvStart, EnvEnd: l.EnvEnd, StartCode: l.StartCode,
		EndCode: l.EndCode, StartData: l.StartData, EndData: l.EndData, StartBrk: l.StartBrk, StartStack: l.StartStack}
}

// becomeLeader gives the only thread that is left its process's id.
func (h *Procd) becomeLeader(t *state.Thread, p *state.Process) {
	if t.Tid == p.Pid {
		return
	}
	for _, w := range p.Watches {
		if w.Tid == t.Tid {
			w.Tid = p.Pid
		}
	}
	h.removeThread(t)
	t.Tid = p.Pid
	h.addThread(t)
}

// closeOnExec closes what is marked so, in a table of the thread's own.
func (h *Procd) closeOnExec(c *server.Ctx, t *state.Thread) {
	table := h.tables.Get(t.Table)
	if table.Refs > 1 {
		table = h.copyTable(table)
		h.dropTable(c, t.Table)
		t.Table = table.Id
	}
	for _, f := range fdtable.RemoveIf(table, func(s *state.Slot) bool { return s.Cloexec }) {
		h.dropFile(c, f)
	}
}

// releaseVfork lets a parent that waits in vfork go on.
func (h *Procd) releaseVfork(c *server.Ctx, p *state.Process) {
	if p.Vforked {
		p.Vforked = false
		c.EventUpdate(uabi.Handle(p.Event), 0, 0, bitVfork)
	}
}

// replaceCreds gives a thread other credentials, under a new number if they differ.
func (h *Procd) replaceCreds(t *state.Thread, n *state.Creds) {
	if creds.Same(h.creds.Get(t.Creds), n) {
		return
	}
	n.Id, n.Refs = h.nextID(), 1
	h.creds.Put(n.Id, n)
	h.dropCreds(t.Creds)
	t.Creds = n.Id
}
