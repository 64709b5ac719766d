package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Exit implements proc.Handler.
func (h *Procd) Exit(c *server.Ctx, in *proc.ExitRequest, out *proc.EmptyReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if !p.Exiting {
		// The last thread's status is the process's, unless exit_group decided it.
		p.Status = in.Status
	}
	h.kill(c, t)
	return uabi.OK
}

// ExitGroup implements proc.Handler.
func (h *Procd) ExitGroup(c *server.Ctx, in *proc.ExitRequest, out *proc.EmptyReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	h.exitGroup(c, p, in.Status)
	return uabi.OK
}

// exitGroup ends a process; the first status counts.
func (h *Procd) exitGroup(c *server.Ctx, p *state.Process, status int32) {
	if p.Exiting || p.Phase == state.Phase_ZOMBIE {
		return
	}
	p.Exiting, p.Status, p.Stopped = true, status, false
	for _, tid := range h.members[p.Pid] {
		h.kill(c, h.threads.Get(tid))
	}
}

// kill ends a thread; the rest happens when the kernel says that it is gone.
func (h *Procd) kill(c *server.Ctx, t *state.Thread) {
	if !t.Dying {
		t.Dying = true
		c.ThreadKill(uabi.Handle(t.Handle))
	}
}

// ThreadGone is server.Spec's (R13).
func (h *Procd) ThreadGone(c *server.Ctx, origin uint64) {
	tid := h.origins.Get(origin)
	if tid == 0 {
		return
	}
	t := h.threads.Get(tid)
	p := h.procs.Get(t.Pid)
	if info, err := c.ThreadInfo(uabi.Handle(t.Handle)); err == uabi.OK {
		addTimes(&p.Used, info.UserNS, info.SystemNS)
		addTimes(&h.top.Gone, info.UserNS, info.SystemNS)
	}
	h.releaseRobust(c, t, p)
	h.clearTid(c, t, p)
	h.dropTable(c, t.Table)
	h.dropFs(c, t.Fs)
	h.dropUts(t.Uts)
	creds := h.creds.Get(t.Creds)
	c.Close(uabi.Handle(t.Handle))
	h.removeThread(t)
	h.showSignals(c, p, 0)
	if len(h.members[p.Pid]) > 0 {
		h.settle(c, p.Cgroup)
		h.dropCreds(creds.Id)
		c.EventUpdate(uabi.Handle(p.Event), 0, 0, bitThread)
		h.retarget(c, p, t)
		return
	}
	if !p.Exiting && !t.Dying {
		// The kernel ended it by itself.
		p.Status = signal.Killed(signal.KILL)
	}
	h.exited(c, p, creds.Ruid)
	h.dropCreds(creds.Id)
}

func addTimes(t **state.Times, user, system uint64) {
	if *t == nil {
		*t = &state.Times{}
	}
	(*t).UserNs += user
	(*t).SystemNs += system
}

// clearTid is what set_tid_address(2) asks for at a thread's end, where somebody else still has the memory.
func (h *Procd) clearTid(c *server.Ctx, t *state.Thread, p *state.Process) {
	m := h.mms.Get(p.Mm)
	if t.ClearTid == 0 || m == nil || m.Refs == 1 && len(h.members[p.Pid]) == 1 {
		return
	}
	space := uabi.Handle(m.Space)
	if _, err := c.SpaceWrite(space, t.ClearTid, make([]byte, 4)); err != uabi.OK {
		return
	}
	h.wake(c, space, t.ClearTid)
}

// exited makes a process whose last thread is gone a zombie.
func (h *Procd) exited(c *server.Ctx, p *state.Process, uid uint32) {
	p.Exiting, p.Stopped = true, false
	h.dropMm(c, p.Mm)
	h.dropHandlers(p.Handlers)
	p.Mm, p.Handlers = 0, 0
	if p.Timer != 0 {
		c.TimerSet(uabi.Handle(p.Timer), uabi.NoDeadline, 0)
		c.Close(uabi.Handle(p.Timer))
		c.Close(uabi.Handle(p.Alarm))
		p.Timer, p.Alarm, p.AlarmAt = 0, 0, 0
	}
	h.dropTimers(c, p)
	p.Pending = &state.Pending{}
	h.dropWatches(c, p)
	groups := h.anchored(p)
	h.leaveTimes(c, p)
	h.tallyProcess(p, -1)
	p.Phase, p.Uid = state.Phase_ZOMBIE, uid
	if p.Victim {
		c.EventUpdate(uabi.Handle(p.Event), 0, 0, bitThread)
	}
	h.showEnd(c, p)
	h.tallyProcess(p, 1)
	h.settle(c, p.Cgroup)
	h.releaseVfork(c, p)
	h.orphan(c, p)
	h.hangup(c, groups)
	if p.Pid == initPid {
		h.halt(c, p)
		return
	}
	h.reportExit(c, p)
}

// anchored lists the process groups that p may keep from being orphaned: its own and its children's.
func (h *Procd) anchored(p *state.Process) (groups []int32) {
	for _, pid := range append([]int32{p.Pid}, h.children[p.Pid]...) {
		if g := h.procs.Get(pid).Pgid; !h.orphanedGroup(g) {
			groups = insert(groups, g)
		}
	}
	return groups
}

// hangup signals groups that are orphaned now and have a stopped member, since nobody could continue it (POSIX, _exit).
func (h *Procd) hangup(c *server.Ctx, groups []int32) {
	for _, g := range groups {
		var members []*state.Process
		stopped := false
		for _, p := range h.procs.Values() {
			if p.Pgid == g && p.Phase == state.Phase_ALIVE {
				members = append(members, p)
				stopped = stopped || p.Stopped
			}
		}
		if !stopped || !h.orphanedGroup(g) {
			continue
		}
		for _, p := range members {
			h.send(c, p, nil, &state.Info{Signal: signal.HUP, Code: signal.CodeKernel})
			h.send(c, p, nil, &state.Info{Signal: signal.CONT, Code: signal.CodeKernel})
		}
	}
}

// orphan finds a new parent for each child: the nearest subreaper above, else process 1.
func (h *Procd) orphan(c *server.Ctx, p *state.Process) {
	to := int32(initPid)
	for a := h.procs.Get(p.Ppid); a != nil && a.Pid != initPid; a = h.procs.Get(a.Ppid) {
		if a.Subreaper && !a.Exiting {
			to = a.Pid
			break
		}
	}
	for _, pid := range append([]int32(nil), h.children[p.Pid]...) {
		n := h.procs.Get(pid)
		h.setParent(n, to)
		h.setContexts(c, n)
		for _, tid := range h.members[pid] {
			if t := h.threads.Get(tid); t.DeathSignal != 0 {
				h.send(c, n, nil, &state.Info{Signal: t.DeathSignal, Pid: p.Pid})
				break
			}
		}
		if n.Phase == state.Phase_ZOMBIE {
			n.ExitSignal = signal.CHLD
			h.reportExit(c, n)
		}
	}
}

// reportExit tells a zombie's parent, or reaps it if the parent does not want to know.
func (h *Procd) reportExit(c *server.Ctx, p *state.Process) {
	parent := h.procs.Get(p.Ppid)
	if parent == nil || parent.Phase == state.Phase_ZOMBIE {
		h.reap(c, p)
		return
	}
	auto, silent := false, p.ExitSignal == 0
	if p.ExitSignal == signal.CHLD {
		a := signal.Action(h.handlers.Get(parent.Handlers), signal.CHLD)
		silent = a.Handler == signal.Ignore
		auto = silent || a.Flags&signal.NoCldWait != 0
	}
	if !silent {
		code, value := signal.ChildCode(p.Status)
		h.send(c, parent, nil, &state.Info{Signal: p.ExitSignal, Code: int32(code), Pid: p.Pid, Uid: p.Uid, Status: value})
	}
	c.EventUpdate(uabi.Handle(parent.Event), 0, 0, bitChild)
	if auto {
		h.reap(c, p)
	}
}

// reap forgets a zombie.
func (h *Procd) reap(c *server.Ctx, p *state.Process) {
	if parent := h.procs.Get(p.Ppid); parent != nil {
		addTimes(&parent.Children, p.Used.GetUserNs()+p.Children.GetUserNs(), p.Used.GetSystemNs()+p.Children.GetSystemNs())
	}
	c.Close(uabi.Handle(p.Event))
	if p.EndEvent != 0 {
		c.Close(uabi.Handle(p.EndEvent))
	}
	h.removeProcess(p)
	h.forgetGroups(p.Cgroup)
}

// halt is the end of process 1: the machine goes off with its exit status as a shell would give it.
func (h *Procd) halt(c *server.Ctx, p *state.Process) {
	h.top.Halted = true
	c.PowerOff(uabi.BootPower, signal.ExitCode(p.Status))
}

// Wait implements proc.Handler.
func (h *Procd) Wait(c *server.Ctx, in *proc.WaitRequest, out *proc.WaitReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	const known = unix.WNOHANG | unix.WEXITED | unix.WSTOPPED | unix.WCONTINUED | unix.WNOWAIT | unix.WNOTHREAD | unix.WALL | unix.WCLONE
	if in.Options&^uint32(known) != 0 || in.Options&(unix.WEXITED|unix.WSTOPPED|unix.WCONTINUED) == 0 || in.Idtype > unix.P_PGID {
		return uabi.ErrArg
	}
	if in.Idtype == unix.P_PID && in.Id <= 0 || in.Idtype == unix.P_PGID && in.Id < 0 {
		return uabi.ErrArg
	}
	found := false
	for _, pid := range h.children[p.Pid] {
		n := h.procs.Get(pid)
		if !waitsFor(in, p, n) {
			continue
		}
		found = true
		if status, ok := reportable(n, in.Options); ok {
			h.report(c, n, status, in.Options, out)
			return uabi.OK
		}
	}
	switch {
	case !found:
		return uabi.ErrChild
	case in.Options&unix.WNOHANG != 0:
		return uabi.OK
	}
	return h.wait(c, p, bitChild, uabi.NoDeadline)
}

// waitsFor reports whether a child is one that the request names.
func waitsFor(in *proc.WaitRequest, p, n *state.Process) bool {
	switch in.Idtype {
	case unix.P_PID:
		if n.Pid != in.Id {
			return false
		}
	case unix.P_PGID:
		if n.Pgid != in.Id && (in.Id != 0 || n.Pgid != p.Pgid) {
			return false
		}
	}
	clone := n.ExitSignal != signal.CHLD
	return in.Options&unix.WALL != 0 || clone == (in.Options&unix.WCLONE != 0)
}

// reportable gives the status that a child has for a waiter.
func reportable(n *state.Process, options uint32) (status int32, ok bool) {
	switch {
	case n.Phase == state.Phase_ZOMBIE:
		return n.Status, options&unix.WEXITED != 0
	case n.StopReport != 0 && options&unix.WSTOPPED != 0:
		return signal.StopStatus(n.StopReport), true
	case n.ContReport && options&unix.WCONTINUED != 0:
		return signal.ContStatus, true
	}
	return 0, false
}

// report answers a wait and, without WNOWAIT, takes the child's state change away.
func (h *Procd) report(c *server.Ctx, n *state.Process, status int32, options uint32, out *proc.WaitReply) {
	code, _ := signal.ChildCode(status)
	out.Pid, out.Status, out.Code = int64(n.Pid), status, code
	out.Uid = n.Uid
	if t := h.anyThread(n); t != nil {
		out.Uid = h.creds.Get(t.Creds).Ruid
	}
	out.UserNs = n.Used.GetUserNs() + n.Children.GetUserNs()
	out.SystemNs = n.Used.GetSystemNs() + n.Children.GetSystemNs()
	if options&unix.WNOWAIT != 0 {
		return
	}
	switch {
	case n.Phase == state.Phase_ZOMBIE:
		h.reap(c, n)
	case n.StopReport != 0 && status != signal.ContStatus:
		n.StopReport = 0
	default:
		n.ContReport = false
	}
}
