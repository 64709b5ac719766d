package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// send makes a signal pending: for one thread, or for the process (t nil).
func (h *Procd) send(c *server.Ctx, p *state.Process, t *state.Thread, i *state.Info) uabi.Error {
	if p.Phase == state.Phase_ZOMBIE || p.Exiting {
		return uabi.OK
	}
	acts := h.handlers.Get(p.Handlers)
	// Process 1 gets only what it has a handler for (kill(2), NOTES), not even SIGKILL.
	spared := p.Pid == initPid && !i.Forced && signal.Action(acts, i.Signal).Handler == signal.Default
	if spared && signal.Unblockable&signal.Bit(i.Signal) != 0 {
		return uabi.OK
	}
	h.jobControl(c, p, i)
	if i.Signal == signal.KILL {
		h.exitGroup(c, p, signal.Killed(signal.KILL))
		return uabi.OK
	}
	to, queue := t, p.Pending
	if t != nil {
		queue = t.Pending
	} else {
		to = h.target(p, i.Signal)
	}
	blocked := to == nil || to.Mask&signal.Bit(i.Signal) != 0
	if !blocked && !i.Forced && (spared || signal.Ignores(acts, i.Signal)) {
		return uabi.OK
	}
	if !blocked && h.endsFrozen(p, i.Signal) {
		h.exitGroup(c, p, signal.Killed(i.Signal))
		return uabi.OK
	}
	if !signal.Add(queue, i) {
		return uabi.ErrAgain
	}
	h.showSignals(c, p, signal.Bit(i.Signal))
	switch {
	case !blocked || i.Forced:
		h.raise(c, to)
	default:
		c.EventUpdate(uabi.Handle(p.Event), 0, 0, bitSignal)
	}
	return uabi.OK
}

// jobControl: stop signals and SIGCONT cancel each other, and SIGCONT continues even if it is blocked or ignored.
func (h *Procd) jobControl(c *server.Ctx, p *state.Process, i *state.Info) {
	switch {
	case i.Signal == signal.CONT:
		h.cancel(c, p, signal.Stops)
		if p.Stopped {
			p.Stopped, p.ContReport, p.StopReport = false, true, 0
			h.reportStop(c, p, signal.CldCont, signal.CONT)
			for _, tid := range h.members[p.Pid] {
				h.raise(c, h.threads.Get(tid))
			}
		}
	case signal.StopsByDefault(i.Signal):
		h.cancel(c, p, signal.Bit(signal.CONT))
	}
}

func (h *Procd) cancel(c *server.Ctx, p *state.Process, s signal.Set) {
	signal.Remove(p.Pending, s)
	for _, tid := range h.members[p.Pid] {
		signal.Remove(h.threads.Get(tid).Pending, s)
	}
	h.showSignals(c, p, 0)
}

// target chooses the thread that is to take a process's signal: its leader if that does not block it, else the first that does not.
func (h *Procd) target(p *state.Process, sig uint32) *state.Thread {
	takes := func(t *state.Thread) bool {
		return t != nil && !t.Dying && t.Mask&signal.Bit(sig)&^signal.Unblockable == 0
	}
	if t := h.threads.Get(p.Pid); takes(t) {
		return t
	}
	for _, tid := range h.members[p.Pid] {
		if t := h.threads.Get(tid); takes(t) {
			return t
		}
	}
	return nil
}

// raise puts a thread's interrupt level up.
func (h *Procd) raise(c *server.Ctx, t *state.Thread) {
	if t == nil || t.Dying || t.Interrupt || t == h.told {
		return
	}
	t.Interrupt = true
	c.ThreadInterrupt(uabi.Handle(t.Handle), true)
}

// level sets the interrupt level to whether a signal is deliverable. It stays up while the thread has yet to park.
func (h *Procd) level(c *server.Ctx, t *state.Thread, p *state.Process) {
	if h.held(p) || t == h.told {
		return
	}
	if deliverable(t, p) {
		h.raise(c, t)
		return
	}
	if t.Interrupt {
		t.Interrupt = false
		c.ThreadInterrupt(uabi.Handle(t.Handle), false)
	}
}

// retarget wakes other threads for the process's signals that t no longer takes.
func (h *Procd) retarget(c *server.Ctx, p *state.Process, t *state.Thread) {
	for s := p.Pending.Set; s != 0; s &= s - 1 {
		sig := signal.Next(&state.Pending{Set: s & -s}, 0)
		if o := h.target(p, sig); o != nil && o != t {
			h.raise(c, o)
		}
	}
}

// Kill implements proc.Handler.
func (h *Procd) Kill(c *server.Ctx, in *proc.KillRequest, out *proc.EmptyReply) uabi.Error {
	if in.Signal != 0 && !signal.Valid(in.Signal) {
		return uabi.ErrArg
	}
	t, p, _ := h.caller(c)
	if in.Kernel {
		t, p = nil, nil
	}
	i := state.Info{Signal: in.Signal, Code: in.Code, Value: in.Value}
	if o := h.procs.Get(in.Pid); in.Serial != 0 && (o == nil || o.Serial != in.Serial) {
		return uabi.ErrSearch
	}
	if p != nil {
		i.Pid, i.Uid = p.Pid, h.creds.Get(t.Creds).Ruid
	}
	if in.Tid != 0 {
		return h.killThread(c, t, p, in, &i)
	}
	targets := h.targets(in, p)
	if len(targets) == 0 {
		return uabi.ErrSearch
	}
	allowed := targets[:0]
	for _, o := range targets {
		if h.maySignal(t, p, o, in.Signal) {
			allowed = append(allowed, o)
		}
	}
	if len(allowed) == 0 {
		return uabi.ErrPerm
	}
	if in.Signal == 0 {
		return uabi.OK
	}
	for _, o := range allowed {
		if err := h.send(c, o, nil, copyInfo(&i)); err != uabi.OK && len(allowed) == 1 {
			return err
		}
	}
	return uabi.OK
}

func copyInfo(i *state.Info) *state.Info {
	return &state.Info{
		Signal: i.Signal, Code: i.Code, Pid: i.Pid, Uid: i.Uid, Status: i.Status, Addr: i.Addr, Value: i.Value,
		Trap: i.Trap, Error: i.Error, Forced: i.Forced, Timer: i.Timer,
	}
}

// targets are the processes that kill(2) means, in order.
func (h *Procd) targets(in *proc.KillRequest, p *state.Process) (list []*state.Process) {
	if in.Pid > 0 && !in.Group {
		if o := h.procs.Get(in.Pid); o != nil {
			list = append(list, o)
		}
		return list
	}
	for _, o := range h.procs.Values() {
		if in.Group && o.Pgid == in.Pid || !in.Group && named(in.Pid, p, o) {
			list = append(list, o)
		}
	}
	return list
}

// named reports whether kill(2)'s pid, which is no process's own, means the process o. p is the caller's, or nil.
func named(pid int32, p, o *state.Process) bool {
	switch {
	case pid == 0:
		return p != nil && o.Pgid == p.Pgid
	case pid == -1:
		return o.Pid != initPid && o != p
	}
	return o.Pgid == -pid
}

func (h *Procd) maySignal(t *state.Thread, p, o *state.Process, sig uint32) bool {
	if p == nil || p == o {
		return true
	}
	ot := h.anyThread(o)
	if ot == nil {
		return true // a zombie: nothing happens
	}
	return creds.MaySignal(h.creds.Get(t.Creds), h.creds.Get(ot.Creds)) || sig == signal.CONT && p.Sid == o.Sid
}

func (h *Procd) killThread(c *server.Ctx, t *state.Thread, p *state.Process, in *proc.KillRequest, i *state.Info) uabi.Error {
	if in.Tid < 0 || in.Pid < 0 {
		return uabi.ErrArg
	}
	ot := h.threads.Get(in.Tid)
	if ot == nil || in.Pid != 0 && ot.Pid != in.Pid {
		if o := h.procs.Get(in.Tid); o != nil && o.Phase == state.Phase_ZOMBIE && (in.Pid == 0 || in.Pid == o.Pid) {
			return uabi.OK
		}
		return uabi.ErrSearch
	}
	o := h.procs.Get(ot.Pid)
	if !h.maySignal(t, p, o, in.Signal) {
		return uabi.ErrPerm
	}
	if in.Signal == 0 || ot.Dying {
		return uabi.OK
	}
	return h.send(c, o, ot, i)
}

// Fault implements proc.Handler.
func (h *Procd) Fault(c *server.Ctx, in *proc.FaultRequest, out *proc.EmptyReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if !signal.Valid(in.Signal) {
		return uabi.ErrArg
	}
	if in.Fatal {
		signal.SetAction(h.handlers.Get(p.Handlers), &state.Action{Signal: in.Signal})
	}
	return h.send(c, p, t, &state.Info{
		Signal: in.Signal, Code: in.Code, Addr: in.Addr, Trap: in.Trap, Error: in.Error, Forced: true,
	})
}

// Action implements proc.Handler.
func (h *Procd) Action(c *server.Ctx, in *proc.ActionRequest, out *proc.ActionReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if !signal.Valid(in.Signal) || in.Set && signal.Unblockable&signal.Bit(in.Signal) != 0 {
		return uabi.ErrArg
	}
	acts := h.handlers.Get(p.Handlers)
	a := signal.Action(acts, in.Signal)
	out.Handler, out.Flags, out.Restorer, out.Mask = a.Handler, a.Flags, a.Restorer, a.Mask
	if !in.Set {
		return uabi.OK
	}
	signal.SetAction(acts, &state.Action{
		Signal: in.Signal, Handler: in.Handler, Flags: in.Flags, Restorer: in.Restorer, Mask: in.Mask &^ signal.Unblockable,
	})
	if signal.Ignores(acts, in.Signal) {
		// POSIX: what is pending and now ignored is discarded, blocked or not.
		h.cancel(c, p, signal.Bit(in.Signal))
		for _, tid := range h.members[p.Pid] {
			if t := h.threads.Get(tid); t.Interrupt && !p.Stopped {
				h.level(c, t, p)
			}
		}
	}
	return uabi.OK
}

// Mask implements proc.Handler.
func (h *Procd) Mask(c *server.Ctx, in *proc.MaskRequest, out *proc.MaskReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	mask := t.Mask
	if in.Set {
		switch in.How {
		case unix.SIG_BLOCK:
			mask |= in.Mask
		case unix.SIG_UNBLOCK:
			mask &^= in.Mask
		case unix.SIG_SETMASK:
			mask = in.Mask
		default:
			return uabi.ErrArg
		}
	}
	out.Mask = t.Mask
	h.setMask(c, t, p, mask)
	return uabi.OK
}

// setMask changes a thread's mask and who is woken for what.
func (h *Procd) setMask(c *server.Ctx, t *state.Thread, p *state.Process, mask signal.Set) {
	mask &^= signal.Unblockable
	if mask == t.Mask {
		return
	}
	more := mask &^ t.Mask
	t.Mask = mask
	if !p.Stopped {
		h.level(c, t, p)
	}
	if more&p.Pending.Set != 0 {
		h.retarget(c, p, t)
	}
}

// Suspend implements proc.Handler.
func (h *Procd) Suspend(c *server.Ctx, in *proc.SuspendRequest, out *proc.EmptyReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.Wait {
		return h.wait(c, p, bitNever, uabi.NoDeadline)
	}
	if !t.HasSaved {
		t.HasSaved, t.SavedMask = true, t.Mask
	}
	h.setMask(c, t, p, in.Mask)
	return uabi.OK
}

// Pending implements proc.Handler.
func (h *Procd) Pending(c *server.Ctx, in *proc.EmptyRequest, out *proc.MaskReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	out.Mask = (t.Pending.Set | p.Pending.Set) & t.Mask
	return uabi.OK
}

// TimedWait implements proc.Handler.
func (h *Procd) TimedWait(c *server.Ctx, in *proc.TimedWaitRequest, out *proc.SignalReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	want := in.Mask &^ signal.Unblockable
	for _, q := range []*state.Pending{t.Pending, p.Pending} {
		if sig := signal.Next(&state.Pending{Set: q.Set & want}, 0); sig != 0 {
			i := signal.Take(q, sig)
			h.taken(c, p, i)
			fill(out, i)
			h.showSignals(c, p, 0)
			if !p.Stopped {
				h.level(c, t, p)
			}
			return uabi.OK
		}
	}
	if in.Deadline != uabi.NoDeadline && c.Now() >= in.Deadline {
		return uabi.ErrTimeout
	}
	return h.wait(c, p, bitSignal, in.Deadline)
}

// Flags of a stack_t and the least size of an alternate stack (sigaltstack(2)).
const (
	altOn      = 1
	altDisable = 2
	minAlt     = 2048
)

// onStack reports whether a thread with that stack pointer runs on its alternate stack.
func onStack(t *state.Thread, sp uint64) bool {
	return t.AltSize != 0 && sp > t.AltSp && sp-t.AltSp <= t.AltSize
}

// AltStack implements proc.Handler.
func (h *Procd) AltStack(c *server.Ctx, in *proc.AltStackRequest, out *proc.AltStackReply) uabi.Error {
	t, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	out.Sp, out.Size, out.Flags = t.AltSp, t.AltSize, t.AltFlags
	switch {
	case t.AltSize == 0:
		out.Flags |= altDisable
	case onStack(t, in.CurrentSp):
		out.Flags |= altOn
	}
	if !in.Set {
		return uabi.OK
	}
	return setStack(t, in.CurrentSp, in.Sp, in.Size, in.Flags)
}

// setStack gives a thread, which runs with stack pointer now, another alternate stack.
func setStack(t *state.Thread, now, sp, size uint64, flags uint32) uabi.Error {
	mode := flags &^ uint32(autoDisarm)
	switch {
	case onStack(t, now):
		return uabi.ErrPerm
	case sp == t.AltSp && size == t.AltSize && flags == t.AltFlags:
	case mode != altDisable && mode != altOn && mode != 0:
		return uabi.ErrArg
	case mode == altDisable:
		t.AltSp, t.AltSize, t.AltFlags = 0, 0, flags&autoDisarm
	case size < minAlt:
		return uabi.ErrNoMem
	default:
		t.AltSp, t.AltSize, t.AltFlags = sp, size, flags&autoDisarm
	}
	return uabi.OK
}
