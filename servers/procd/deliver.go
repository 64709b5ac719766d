package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// autoDisarm is SS_AUTODISARM: the alternate stack is switched off while a handler runs on it.
const autoDisarm = 1 << 31

// NextSignal implements proc.Handler.
func (h *Procd) NextSignal(c *server.Ctx, in *proc.EmptyRequest, out *proc.SignalReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	h.nextSignal(c, t, p, out)
	return uabi.OK
}

// nextSignal fills the reply with the next signal of thread t that has a handler, or a stop; what needs no handler is done.
func (h *Procd) nextSignal(c *server.Ctx, t *state.Thread, p *state.Process, out *proc.SignalReply) {
	for !t.Dying {
		sig, queue := nextOf(t, p)
		if h.held(p) && sig != signal.KILL {
			break
		}
		if sig == 0 {
			if !t.HasSaved {
				break
			}
			// What the temporary mask let through has been dealt with; the old mask may let through more.
			t.HasSaved = false
			h.setMask(c, t, p, t.SavedMask)
			continue
		}
		i := signal.Take(queue, sig)
		h.taken(c, p, i)
		h.showSignals(c, p, 0)
		if h.act(c, t, p, i, out) {
			h.level(c, t, p)
			out.More = deliverable(t, p) || h.held(p)
			return
		}
	}
	if t.Dying {
		return
	}
	if h.held(p) {
		if h.freezes(p.Cgroup) {
			h.park(t, true)
			h.settle(c, p.Cgroup)
		}
		if t.Interrupt {
			t.Interrupt = false
			c.ThreadInterrupt(uabi.Handle(t.Handle), false)
		}
		out.Signal = signal.STOP
		return
	}
	h.level(c, t, p)
}

// deliverable reports whether a thread has a signal to take.
func deliverable(t *state.Thread, p *state.Process) bool {
	return signal.Next(t.Pending, t.Mask) != 0 || signal.Next(p.Pending, t.Mask) != 0
}

// Raise implements proc.Handler. The caller is about to be told, so its interrupt level is brought up to date only once.
func (h *Procd) Raise(c *server.Ctx, in *proc.RaiseRequest, out *proc.SignalReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if a := h.takesAtOnce(t, p, in); a != nil {
		i := state.Info{Signal: in.Signal, Code: in.Code, Value: in.Value, Pid: p.Pid, Uid: h.creds.Get(t.Creds).Ruid}
		h.deliver(c, t, p, &i, a, out)
		return uabi.OK
	}
	h.told = t
	k := proc.KillRequest{Pid: in.Pid, Tid: in.Tid, Signal: in.Signal, Code: in.Code, Value: in.Value}
	if err = h.Kill(c, &k, &proc.EmptyReply{}); err == uabi.OK {
		h.nextSignal(c, t, p, out)
		h.told = nil
		h.level(c, t, p)
	}
	h.told = nil
	return err
}

// takesAtOnce is the action for a signal that thread t sends itself and handles next, so that it need not become pending. nil: that is not so,
// or the signal means more than its handler.
func (h *Procd) takesAtOnce(t *state.Thread, p *state.Process, in *proc.RaiseRequest) *state.Action {
	toThread := in.Tid == t.Tid && (in.Pid == 0 || in.Pid == p.Pid)
	if !toThread && (in.Tid != 0 || in.Pid != p.Pid || t.Tid != p.Pid) || !signal.Valid(in.Signal) {
		return nil
	}
	b := signal.Bit(in.Signal)
	if t.Mask&b != 0 || (signal.Stops|signal.Bit(signal.CONT))&b != 0 || t.Dying || t.Interrupt || p.Exiting || len(p.Watches) != 0 {
		return nil
	}
	if h.held(p) || deliverable(t, p) {
		return nil
	}
	if a := signal.Action(h.handlers.Get(p.Handlers), in.Signal); a.Handler > signal.Ignore {
		return a
	}
	return nil
}

// SigReturn implements proc.Handler. A stack that sigaltstack(2) would refuse stays as it is (restore_altstack of Linux).
func (h *Procd) SigReturn(c *server.Ctx, in *proc.SigReturnRequest, out *proc.EmptyReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	setStack(t, in.CurrentSp, in.Sp, in.Size, in.Flags)
	h.setMask(c, t, p, in.Mask)
	return uabi.OK
}

// nextOf is the signal that a thread takes next and where it is pending.
func nextOf(t *state.Thread, p *state.Process) (uint32, *state.Pending) {
	if sig := signal.Next(t.Pending, t.Mask); sig != 0 {
		return sig, t.Pending
	}
	return signal.Next(p.Pending, t.Mask), p.Pending
}

// act carries a signal out. true: it has a handler, and the reply is filled.
func (h *Procd) act(c *server.Ctx, t *state.Thread, p *state.Process, i *state.Info, out *proc.SignalReply) bool {
	acts := h.handlers.Get(p.Handlers)
	a := signal.Action(acts, i.Signal)
	if i.Forced && (a.Handler == signal.Ignore || t.Mask&signal.Bit(i.Signal) != 0) {
		h.exitGroup(c, p, signal.Killed(i.Signal))
		return false
	}
	switch {
	case a.Handler == signal.Ignore:
	case a.Handler != signal.Default:
		h.deliver(c, t, p, i, a, out)
		return true
	case signal.IgnoredByDefault(i.Signal), p.Pid == initPid && !i.Forced:
	case signal.StopsByDefault(i.Signal):
		if i.Signal == signal.STOP || !h.orphanedGroup(p.Pgid) {
			h.stop(c, p, i.Signal)
		}
	default:
		h.exitGroup(c, p, signal.Killed(i.Signal))
	}
	return false
}

// deliver fills the reply for a handler and applies the action's mask and flags.
func (h *Procd) deliver(c *server.Ctx, t *state.Thread, p *state.Process, i *state.Info, a *state.Action, out *proc.SignalReply) {
	fill(out, i)
	out.Handler, out.Flags, out.Restorer = a.Handler, a.Flags, a.Restorer
	out.OldMask = t.Mask
	if t.HasSaved {
		out.OldMask, t.HasSaved = t.SavedMask, false
	}
	// The frame says where the alternate stack is even if the handler does not run on it: rt_sigreturn(2) sets it from there.
	out.AltSp, out.AltSize = t.AltSp, t.AltSize
	if a.Flags&signal.OnStack != 0 && t.AltFlags&autoDisarm != 0 {
		t.AltSp, t.AltSize, t.AltFlags = 0, 0, 0
	}
	mask := t.Mask | a.Mask
	if a.Flags&signal.NoDefer == 0 {
		mask |= signal.Bit(i.Signal)
	}
	if a.Flags&signal.ResetHand != 0 {
		signal.SetAction(h.handlers.Get(p.Handlers), &state.Action{Signal: i.Signal, Flags: a.Flags, Mask: a.Mask, Restorer: a.Restorer})
	}
	h.setMask(c, t, p, mask)
}

// fill copies a signal's information.
func fill(out *proc.SignalReply, i *state.Info) {
	out.Signal, out.Code, out.Pid, out.Uid, out.Status = i.Signal, i.Code, i.Pid, i.Uid, i.Status
	out.Addr, out.Value, out.Trap, out.Error = i.Addr, i.Value, i.Trap, i.Error
}

// stop stops a process: every thread is interrupted, asks, and parks.
func (h *Procd) stop(c *server.Ctx, p *state.Process, sig uint32) {
	p.Stopped, p.StopReport, p.ContReport = true, int32(sig), false
	for _, tid := range h.members[p.Pid] {
		h.raise(c, h.threads.Get(tid))
	}
	h.reportStop(c, p, signal.CldStopped, int32(sig))
}

// reportStop tells the parent that a child stopped or went on.
func (h *Procd) reportStop(c *server.Ctx, p *state.Process, code, value int32) {
	parent := h.procs.Get(p.Ppid)
	if parent == nil || parent.Phase == state.Phase_ZOMBIE {
		return
	}
	if signal.Action(h.handlers.Get(parent.Handlers), signal.CHLD).Flags&signal.NoCldStop == 0 {
		uid := uint32(0)
		if t := h.anyThread(p); t != nil {
			uid = h.creds.Get(t.Creds).Ruid
		}
		h.send(c, parent, nil, &state.Info{Signal: signal.CHLD, Code: code, Pid: p.Pid, Uid: uid, Status: value})
	}
	c.EventUpdate(uabi.Handle(parent.Event), 0, 0, bitChild)
}

// orphanedGroup reports whether no member's parent is in another group of the same session (POSIX): such a group does not stop
// at the terminal, since nobody could continue it.
func (h *Procd) orphanedGroup(pgid int32) bool {
	for _, p := range h.procs.All() {
		if p.Pgid != pgid || p.Phase == state.Phase_ZOMBIE {
			continue
		}
		parent := h.procs.Get(p.Ppid)
		if parent != nil && parent.Pgid != pgid && parent.Sid == p.Sid {
			return false
		}
	}
	return true
}
