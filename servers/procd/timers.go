package main

import (
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Timers of timer_create(2). One kernel timer serves all of a process; it goes off once, at the earliest. A timer whose signal is pending
// rests: who takes the signal counts from the clock what was overrun, and sets it going again.

// tick is the least period, in ns, of a timer whose signal is ignored: Linux's at 250 Hz.
const tick = 4_000_000

// TimerMake implements proc.Handler.
func (h *Procd) TimerMake(c *server.Ctx, in *proc.TimerMakeRequest, out *proc.TimerMakeReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	switch t := h.threads.Get(in.Tid); {
	case in.Signal != 0 && !signal.Valid(in.Signal), in.Tid != 0 && (t == nil || t.Pid != p.Pid):
		return uabi.ErrArg
	case uint64(len(p.Timers)) >= min(p.Limits[unix.RLIMIT_SIGPENDING].Soft, signal.MaxQueued):
		return uabi.ErrAgain
	}
	t := &state.Timer{Id: p.NextTimer, Serial: h.nextID(), Realtime: in.Realtime, Signal: in.Signal, Tid: in.Tid, Value: in.Value}
	for timerOf(p, t.Id) != nil {
		t.Id = (t.Id + 1) & math.MaxInt32
	}
	if in.OwnValue {
		t.Value = uint64(t.Id)
	}
	p.NextTimer = (t.Id + 1) & math.MaxInt32
	p.Timers = append(p.Timers, t)
	out.Id = t.Id
	return uabi.OK
}

func timerOf(p *state.Process, id int32) *state.Timer {
	if i := slices.IndexFunc(p.Timers, func(t *state.Timer) bool { return t.Id == id }); i >= 0 {
		return p.Timers[i]
	}
	return nil
}

// TimerArm implements proc.Handler.
func (h *Procd) TimerArm(c *server.Ctx, in *proc.TimerArmRequest, out *proc.TimerArmReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	t := timerOf(p, in.Id)
	if t == nil {
		return uabi.ErrArg
	}
	if in.Set && in.Value != 0 {
		if err := h.timersClock(c, p); err != uabi.OK {
			return err
		}
	}
	out.Value, out.Interval, out.Overrun = left(t, timerNow(c, t)), t.Interval, t.Overrun
	if !in.Set {
		return uabi.OK
	}
	t.Fired, t.Overrun, t.At, t.Interval = false, 0, 0, 0
	// What is relative to now does not follow CLOCK_REALTIME (timer_settime(2)).
	t.OnRealtime = in.Absolute && t.Realtime
	if in.Value != 0 {
		t.At, t.Interval = min(in.Value, server.MaxTime), in.Interval
		if !in.Absolute {
			t.At = server.Later(c.Now(), in.Value)
		}
	}
	h.armTimers(c, p)
	return uabi.OK
}

// TimerDelete implements proc.Handler.
func (h *Procd) TimerDelete(c *server.Ctx, in *proc.TimerDeleteRequest, out *proc.EmptyReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if timerOf(p, in.Id) == nil {
		return uabi.ErrArg
	}
	p.Timers = slices.DeleteFunc(p.Timers, func(t *state.Timer) bool { return t.Id == in.Id })
	h.armTimers(c, p)
	return uabi.OK
}

// timersClock makes the kernel's timer of a process, when first needed.
func (h *Procd) timersClock(c *server.Ctx, p *state.Process) uabi.Error {
	if p.TimersClock != 0 {
		return uabi.OK
	}
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	timer, err := c.TimerCreate(uabi.BootAccount, event, alarmBit)
	if err != uabi.OK {
		return err
	}
	key := h.top.LastId + 1
	if err := c.Bind(event, key, alarmBit); err != uabi.OK {
		return err
	}
	p.TimersClock, p.TimersEvent, p.TimersKey = uint32(timer), uint32(event), h.nextID()
	return uabi.OK
}

// timerNow is the time on the clock that a timer's expirations are on.
func timerNow(c *server.Ctx, t *state.Timer) uint64 {
	if t.OnRealtime {
		return c.Realtime()
	}
	return c.Now()
}

// left is the time until a timer goes off next; 0: never.
func left(t *state.Timer, now uint64) uint64 {
	switch {
	case t.At == 0:
		return 0
	case t.At > now:
		return t.At - now
	case t.Interval != 0:
		return server.Later(t.At, (due(t, now)+1)*t.Interval) - now
	case t.Signal == 0:
		return 0
	}
	return 1 // due, not yet seen
}

// due is how many expirations behind the first have passed, of a timer with an interval that has gone off.
func due(t *state.Timer, now uint64) uint64 { return (now - t.At) / t.Interval }

// armTimers sets the kernel's timer to the first of a process's timers that are to send a signal.
func (h *Procd) armTimers(c *server.Ctx, p *state.Process) {
	if p.TimersClock == 0 {
		return
	}
	deadline := uint64(uabi.NoDeadline)
	for _, t := range p.Timers {
		if t.At == 0 || t.Fired || t.Signal == 0 {
			continue
		}
		at := t.At
		if t.OnRealtime {
			at = c.OnMonotonic(t.At)
		}
		deadline = min(deadline, at)
	}
	c.TimerSet(uabi.Handle(p.TimersClock), deadline, 0)
}

// expireTimers sends the signals of the timers whose time has come.
func (h *Procd) expireTimers(c *server.Ctx, p *state.Process) {
	for _, t := range p.Timers {
		if t.At == 0 || t.Fired || t.Signal == 0 {
			continue
		}
		if now := timerNow(c, t); t.At <= now {
			h.expireTimer(c, p, t, now)
		}
	}
	h.armTimers(c, p)
}

func (h *Procd) expireTimer(c *server.Ctx, p *state.Process, t *state.Timer, now uint64) {
	to := h.threads.Get(t.Tid)
	gone := t.Tid != 0 && (to == nil || to.Pid != p.Pid)
	switch i := h.timerSignal(p, t); {
	case i != nil: // from before it was set anew
		i.Uid++
	case !gone:
		h.send(c, p, to, &state.Info{Signal: t.Signal, Code: signal.CodeTimer, Pid: t.Id, Value: t.Value, Timer: t.Serial})
	}
	t.Fired = h.timerSignal(p, t) != nil
	switch {
	case t.Interval == 0:
		t.At = 0
	case !t.Fired: // nobody takes it: it goes on by itself
		if t.Interval < tick {
			now += tick
		}
		t.At = server.Later(t.At, (due(t, now)+1)*t.Interval)
	}
}

// timerSignal is a timer's signal while it is pending.
func (h *Procd) timerSignal(p *state.Process, t *state.Timer) *state.Info {
	q := p.Pending
	if t.Tid != 0 {
		q = h.threads.Get(t.Tid).GetPending()
	}
	if i := slices.IndexFunc(q.GetQueue(), func(i *state.Info) bool { return i.Timer == t.Serial }); i >= 0 {
		return q.Queue[i]
	}
	return nil
}

// taken completes a signal that has been taken, if a timer sent it, and sets the timer going again.
func (h *Procd) taken(c *server.Ctx, p *state.Process, i *state.Info) {
	if i.Timer == 0 {
		return
	}
	n := slices.IndexFunc(p.Timers, func(t *state.Timer) bool { return t.Serial == i.Timer })
	if n < 0 || !p.Timers[n].Fired {
		return
	}
	t := p.Timers[n]
	t.Fired, t.Overrun = false, 0
	if t.Interval == 0 {
		return
	}
	if now := timerNow(c, t); now >= t.At { // else CLOCK_REALTIME was set back
		over := due(t, now)
		t.At, t.Overrun = server.Later(t.At, (over+1)*t.Interval), int32(min(over, math.MaxInt32))
		i.Uid = uint32(min(over+uint64(i.Uid), math.MaxInt32))
	}
	h.armTimers(c, p)
}

// dropTimers is what exec does to a process's timers, and its end.
func (h *Procd) dropTimers(c *server.Ctx, p *state.Process) {
	signal.RemoveTimers(p.Pending)
	for _, tid := range h.members[p.Pid] {
		signal.RemoveTimers(h.threads.Get(tid).Pending)
	}
	p.Timers = nil
	if p.TimersClock != 0 {
		c.TimerSet(uabi.Handle(p.TimersClock), uabi.NoDeadline, 0)
		c.Close(uabi.Handle(p.TimersClock))
		c.Close(uabi.Handle(p.TimersEvent))
		p.TimersClock, p.TimersEvent, p.TimersKey = 0, 0, 0
	}
}

// clockChanged sets the timers that follow CLOCK_REALTIME.
func (h *Procd) clockChanged(c *server.Ctx) {
	for _, p := range h.procs.Values() {
		if slices.ContainsFunc(p.Timers, func(t *state.Timer) bool { return t.OnRealtime && t.At != 0 }) {
			h.armTimers(c, p)
		}
	}
}
