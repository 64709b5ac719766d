package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Status implements proc.Handler.
func (h *Procd) Status(c *server.Ctx, in *proc.PidRequest, out *proc.StatusReply) uabi.Error {
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	h.processStatus(p, out)
	out.UserNs, out.SystemNs = h.times(c, p)
	out.State = "S"
	if t := h.anyThread(p); t != nil {
		h.threadStatus(c, t, out)
	}
	if own, _, err := h.caller(c); err == uabi.OK && own.Pid == p.Pid {
		out.State = "R"
	}
	endState(p, out)
	return uabi.OK
}

// ThreadStatus implements proc.Handler.
func (h *Procd) ThreadStatus(c *server.Ctx, in *proc.PidRequest, out *proc.StatusReply) uabi.Error {
	t := h.threads.Get(in.Pid)
	if t == nil {
		return uabi.ErrSearch
	}
	p := h.procs.Get(t.Pid)
	h.processStatus(p, out)
	out.State = "S"
	h.threadStatus(c, t, out)
	if info, err := c.ThreadInfo(uabi.Handle(t.Handle)); err == uabi.OK {
		out.UserNs, out.SystemNs = info.UserNS, info.SystemNS
	}
	if own, _, err := h.caller(c); err == uabi.OK && own == t {
		out.State = "R"
	}
	endState(p, out)
	return uabi.OK
}

// processStatus fills what threads of a process share.
func (h *Procd) processStatus(p *state.Process, out *proc.StatusReply) {
	out.Pid, out.Ppid, out.Pgid, out.Sid = p.Pid, p.Ppid, p.Pgid, p.Sid
	out.Exe, out.Cmdline, out.StartNs = p.Exe, p.Cmdline, p.StartNs
	out.Threads, out.Cgroup = uint32(len(h.members[p.Pid])), p.Cgroup
	out.Pending, out.Uid = p.Pending.Set, p.Uid
	out.ChildrenUserNs, out.ChildrenSystemNs = p.Children.GetUserNs(), p.Children.GetSystemNs()
	out.ExitSignal, out.OomScoreAdj = int32(p.ExitSignal), p.OomScoreAdj
	if a := h.handlers.Get(p.Handlers); a != nil {
		out.Ignored, out.Caught = signal.Sets(a)
	}
	if l := p.Layout; l != nil {
		out.Layout = &proc.Layout{ArgStart: l.ArgStart, ArgEnd: l.ArgEnd, EnvStart: l.EnvStart, EnvEnd: l.EnvEnd, StartCode: l.StartCode,
			EndCode: l.EndCode, StartData: l.StartData, EndData: l.EndData, StartBrk: l.StartBrk, StartStack: l.StartStack}
	}
}

// threadStatus fills what is one thread's.
func (h *Procd) threadStatus(c *server.Ctx, t *state.Thread, out *proc.StatusReply) {
	r := h.creds.Get(t.Creds)
	out.Name, out.Blocked, out.Uid, out.Gid = t.Name, t.Mask, r.Euid, r.Egid
	out.ThreadPending, out.Nice, out.NoNewPrivs, out.Uts = t.Pending.Set, t.Nice, t.NoNewPrivs, t.Uts
	out.Persona = t.Persona
	out.FsId = t.Fs
	if info, err := c.ThreadInfo(uabi.Handle(t.Handle)); err == uabi.OK && info.State == uabi.ThreadRunning {
		out.State = "R"
	}
}

// endState says what no thread's state does.
func endState(p *state.Process, out *proc.StatusReply) {
	switch {
	case p.Phase == state.Phase_ZOMBIE:
		out.State = "Z"
	case p.Exiting:
		out.State = "X"
	case p.Stopped:
		out.State = "T"
	}
}

// ThreadList implements proc.Handler.
func (h *Procd) ThreadList(c *server.Ctx, in *proc.PidRequest, out *proc.ListReply) uabi.Error {
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	tids := h.members[p.Pid]
	out.Pids = append(out.Pids, tids[:min(len(tids), threadListMax)]...)
	return uabi.OK
}

// threadListMax keeps a reply of ThreadList below a message's limit.
const threadListMax = 12 << 10

// Totals implements proc.Handler.
func (h *Procd) Totals(c *server.Ctx, in *proc.EmptyRequest, out *proc.TotalsReply) uabi.Error {
	out.Processes, out.Threads = uint32(h.procs.Len()), uint32(h.threads.Len())
	out.LastPid, out.Forks = h.top.LastPid, h.top.Forks
	out.UserNs, out.SystemNs = h.top.Gone.GetUserNs(), h.top.Gone.GetSystemNs()
	for _, t := range h.threads.Values() {
		info, err := c.ThreadInfo(uabi.Handle(t.Handle))
		if err != uabi.OK {
			continue
		}
		out.UserNs, out.SystemNs = out.UserNs+info.UserNS, out.SystemNs+info.SystemNS
		if info.State == uabi.ThreadRunning {
			out.Running++
		}
	}
	return uabi.OK
}

// times sums a process's threads up, gone ones too.
func (h *Procd) times(c *server.Ctx, p *state.Process) (user, system uint64) {
	user, system = p.Used.GetUserNs(), p.Used.GetSystemNs()
	for _, tid := range h.members[p.Pid] {
		if info, err := c.ThreadInfo(uabi.Handle(h.threads.Get(tid).Handle)); err == uabi.OK {
			user, system = user+info.UserNS, system+info.SystemNS
		}
	}
	return user, system
}
