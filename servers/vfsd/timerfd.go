package main

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// A timerfd's event gets POLLIN from a kernel timer that goes off once; how often it expired is computed from the clock by who reads,
// who also sets the timer anew.

// capWakeAlarm is CAP_WAKE_ALARM, without which there are no timers that wake a sleeping machine.
const capWakeAlarm = 35

// Timerfd implements vfs.Handler.
func (h *VFSD) Timerfd(c *server.Ctx, in *vfs.TimerfdRequest, out *vfs.OpenReply) uabi.Error {
	switch in.Clock {
	case unix.CLOCK_REALTIME, unix.CLOCK_MONOTONIC, unix.CLOCK_BOOTTIME:
	case unix.CLOCK_REALTIME_ALARM, unix.CLOCK_BOOTTIME_ALARM:
		var cr proc.CredsReply
		if err := (proc.Client{H: uabi.BootProc}).Creds(c, &proc.PidRequest{}, &cr); err != uabi.OK {
			return err
		}
		if cr.Effective>>capWakeAlarm&1 == 0 {
			return uabi.ErrPerm
		}
	default:
		return uabi.ErrArg
	}
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	timer, err := c.TimerCreate(uabi.BootAccount, event, unix.POLLIN)
	if err != uabi.OK {
		return err
	}
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	o := &state.Open{Flags: unix.O_RDWR, Event: uint32(event), Timer: &state.Timer{Timer: uint32(timer), Clock: in.Clock}}
	if in.Nonblock {
		o.Flags |= unix.O_NONBLOCK
	}
	h.addSpecial(o, vfs.Kind_TIMER, "anon_inode:[timerfd]", handle, out)
	return uabi.OK
}

// followsRealtime reports whether an absolute time on that clock moves when CLOCK_REALTIME is set.
func followsRealtime(clock uint32) bool {
	return clock == unix.CLOCK_REALTIME || clock == unix.CLOCK_REALTIME_ALARM
}

// timerNow is the time on the clock that a timer's expirations are on.
func timerNow(c *server.Ctx, t *state.Timer) uint64 {
	if t.Realtime {
		return c.Realtime()
	}
	return c.Now()
}

// expired is how often a timer has gone off since it was last read.
func expired(t *state.Timer, now uint64) uint64 {
	switch {
	case t.At == 0 || now < t.At:
		return 0
	case t.Interval == 0:
		return 1
	}
	return (now-t.At)/t.Interval + 1
}

// arm makes the kernel's timer go off at the next expiration. The event's level is what it was, or up if that time has come.
func arm(c *server.Ctx, t *state.Timer) {
	deadline := uint64(uabi.NoDeadline)
	if t.At != 0 {
		deadline = t.At
		if t.Realtime {
			deadline = c.OnMonotonic(t.At)
		}
	}
	c.TimerSet(uabi.Handle(t.Timer), deadline, 0)
}

// TimerfdSet implements vfs.Handler.
func (h *VFSD) TimerfdSet(c *server.Ctx, in *vfs.TimerfdSetRequest, out *vfs.TimerfdReply) uabi.Error {
	o, err := h.open(c)
	switch {
	case err != uabi.OK:
		return err
	case o.Timer == nil || in.Flags&^uint32(unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET) != 0:
		return uabi.ErrArg
	}
	t := o.Timer
	if in.Noted {
		if t.Canceled {
			t.Canceled = false
			c.EventUpdate(uabi.Handle(o.Event), 0, unix.POLLIN, 0)
			arm(c, t)
		}
		return uabi.OK
	}
	now := timerNow(c, t)
	out.Interval = t.Interval
	if next := server.Later(t.At, expired(t, now)*t.Interval); t.At != 0 && next > now {
		out.Value = next - now
	}
	if !in.Set {
		return uabi.OK
	}
	absolute := in.Flags&unix.TFD_TIMER_ABSTIME != 0
	// What is relative to now does not follow CLOCK_REALTIME (timer_settime(2)).
	t.Realtime = absolute && followsRealtime(t.Clock)
	t.Cancel = t.Realtime && in.Flags&unix.TFD_TIMER_CANCEL_ON_SET != 0
	out.Canceled = t.Cancel && t.Canceled && in.Value != 0
	t.Canceled = t.Canceled && t.Cancel && !out.Canceled
	t.At, t.Interval = min(in.Value, server.MaxTime), in.Interval
	if !absolute && in.Value != 0 {
		t.At = server.Later(c.Now(), in.Value)
	}
	c.EventUpdate(uabi.Handle(o.Event), 0, unix.POLLIN, 0)
	arm(c, t)
	return uabi.OK
}

// timerSize is what a read gives, bytes.
const timerSize = 8

func (h *VFSD) readTimer(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	t := o.Timer
	if c.GrantLen(0) < timerSize {
		return uabi.ErrArg
	}
	if t.Canceled {
		return uabi.ErrCanceled
	}
	n := expired(t, timerNow(c, t))
	if n == 0 {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLIN, onlyLevel, uabi.NoDeadline)
	}
	if got, err := c.GrantWrite(0, 0, binary.LittleEndian.AppendUint64(nil, n)); got < timerSize {
		return faultOr(err)
	}
	if t.Interval == 0 {
		t.At = 0
	} else {
		t.At = server.Later(t.At, n*t.Interval)
	}
	c.EventUpdate(uabi.Handle(o.Event), 0, unix.POLLIN, 0)
	arm(c, t)
	out.Count = timerSize
	return uabi.OK
}

// ClockChanged implements vfs.Handler.
func (h *VFSD) ClockChanged(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.EmptyReply) uabi.Error {
	for _, o := range h.opens.Values() {
		t := o.Timer
		if t == nil || !t.Realtime {
			continue
		}
		c.EventUpdate(uabi.Handle(o.Event), 0, unix.POLLIN, 0)
		arm(c, t)
		if t.Cancel {
			t.Canceled = true
			c.EventUpdate(uabi.Handle(o.Event), unix.POLLIN, 0, 0)
		}
	}
	return uabi.OK
}
