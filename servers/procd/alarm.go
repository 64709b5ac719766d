package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// alarmBit is what a process's timer raises.
const alarmBit = 1

// Alarm implements proc.Handler.
func (h *Procd) Alarm(c *server.Ctx, in *proc.AlarmRequest, out *proc.AlarmReply) uabi.Error {
	_, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	now := c.Now()
	if p.AlarmAt > now {
		out.Value = p.AlarmAt - now
	} else if p.AlarmAt != 0 {
		out.Value = 1 // due, not yet seen
	}
	if p.AlarmAt != 0 {
		out.Interval = p.AlarmInterval
	}
	if !in.Set {
		return uabi.OK
	}
	if p.Timer == 0 && in.Value == 0 {
		return uabi.OK
	}
	event, timer, err := h.timer(c, p)
	if err != uabi.OK {
		return err
	}
	at, deadline := uint64(0), uabi.NoDeadline
	if in.Value != 0 {
		at = now + in.Value
		if at < now {
			at = uabi.NoDeadline - 1
		}
		deadline = at
	}
	if err := c.TimerSet(timer, deadline, in.Interval); err != uabi.OK {
		return err
	}
	p.Alarm, p.Timer = uint32(event), uint32(timer)
	p.AlarmAt, p.AlarmInterval = at, in.Interval
	return uabi.OK
}

// timer gives a process's timer, made when first needed.
func (h *Procd) timer(c *server.Ctx, p *state.Process) (event, timer uabi.Handle, err uabi.Error) {
	if p.Timer != 0 {
		return uabi.Handle(p.Alarm), uabi.Handle(p.Timer), uabi.OK
	}
	if event, err = c.EventCreate(uabi.BootAccount); err != uabi.OK {
		return 0, 0, err
	}
	if timer, err = c.TimerCreate(uabi.BootAccount, event, alarmBit); err != uabi.OK {
		return 0, 0, err
	}
	return event, timer, c.Bind(event, p.Serial, alarmBit)
}

// Event is server.Spec's: a timer went off.
func (h *Procd) Event(c *server.Ctx, key uint64, bits uint32) {
	for _, p := range h.procs.Values() {
		switch {
		case p.Phase != state.Phase_ALIVE:
		case p.Serial == key:
			h.alarm(c, p)
			return
		case p.TimersKey == key:
			h.expireTimers(c, p)
			return
		}
	}
}

func (h *Procd) alarm(c *server.Ctx, p *state.Process) {
	now := c.Now()
	if p.AlarmAt == 0 || p.AlarmAt > now {
		return // set anew meanwhile
	}
	if p.AlarmInterval == 0 {
		p.AlarmAt = 0
	} else {
		p.AlarmAt += ((now-p.AlarmAt)/p.AlarmInterval + 1) * p.AlarmInterval
	}
	h.send(c, p, nil, &state.Info{Signal: signal.ALRM, Code: signal.CodeKernel})
}
