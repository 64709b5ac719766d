package main

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// signals is the part of the stub of procd about signals. It is not crashed, so it needs no state message.
type signals struct {
	pending []proc.SignalReply
	serial  uint64 // of process 1
	// effective are its capabilities.
	effective uint64
}

// stubEvent is where the stub of procd has the event of its only watch: a boot handle that it does not use.
const stubEvent = uabi.BootPower

// SignalWatch gives the event.
func (s *stubProc) SignalWatch(c *server.Ctx, in *proc.SignalWatchRequest, out *proc.WatchReply) uabi.Error {
	if in.Id == 0 {
		out.Event = uint32(stubEvent)
	}
	out.Id = 1
	return uabi.OK
}

func (s *stubProc) SignalUnwatch(c *server.Ctx, in *proc.WatchRequest, out *proc.EmptyReply) uabi.Error {
	return uabi.OK
}

// TimedWait takes what is pending; a second signal comes when somebody waits.
func (s *stubProc) TimedWait(c *server.Ctx, in *proc.TimedWaitRequest, out *proc.SignalReply) uabi.Error {
	for i := range s.pending {
		p := &s.pending[i]
		if in.Mask>>(p.Signal-1)&1 == 0 {
			continue
		}
		out.Signal, out.Code, out.Pid, out.Status = p.Signal, p.Code, p.Pid, p.Status
		s.pending = append(s.pending[:i], s.pending[i+1:]...)
		return uabi.OK
	}
	if in.Deadline == 0 {
		return uabi.ErrTimeout
	}
	return c.Wait(stubEvent, 2, 0, in.Deadline)
}

// le is the byte order of what files give.
var le = binary.LittleEndian

func (c *client) setTimer(f vfs.Client, in *vfs.TimerfdSetRequest, want uabi.Error) *vfs.TimerfdReply {
	in.Set = true
	out := &vfs.TimerfdReply{}
	c.want("set", f.TimerfdSet(c.t, in, out), want)
	return out
}

// level fails the run if a file's readiness is not as wanted.
func (c *client) level(what string, f vfs.Client, want uint32) {
	var out vfs.PollReply
	c.want("poll", f.Poll(c.t, &vfs.EmptyRequest{}, &out), uabi.OK)
	c.k.Close(uabi.Handle(out.Event))
	if out.Level != want {
		c.w.Fail("%s: level %#x, want %#x", what, out.Level, want)
	}
}

func TestTimersExpireByTheClockAtEveryCrash(t *testing.T) {
	const ms = 1_000_000
	sweep(t, nil, 1, func(w *world) {
		w.client(func(c *client) {
			var out vfs.OpenReply
			c.want("of a CPU clock", c.vfs.Timerfd(c.t, &vfs.TimerfdRequest{Clock: unix.CLOCK_PROCESS_CPUTIME_ID}, &out), uabi.ErrArg)
			c.want("timerfd", c.vfs.Timerfd(c.t, &vfs.TimerfdRequest{Clock: unix.CLOCK_REALTIME}, &out), uabi.OK)
			f := vfs.Client{H: uabi.Handle(out.File)}
			c.level("disarmed", f, 0)
			c.setTimer(f, &vfs.TimerfdSetRequest{Flags: 4}, uabi.ErrArg)
			c.setTimer(f, &vfs.TimerfdSetRequest{Value: 3 * ms, Interval: 2 * ms}, uabi.OK)
			if n := le.Uint64([]byte(c.read(f, 8, -1, uabi.OK))); n == 0 {
				w.Fail("a timer that went off expired %d times", n)
			}
			if r := c.setTimer(f, &vfs.TimerfdSetRequest{Value: 1 << 63, Flags: unix.TFD_TIMER_ABSTIME | unix.TFD_TIMER_CANCEL_ON_SET}, uabi.OK); r.Interval != 2*ms || r.Value == 0 || r.Value > 2*ms {
				w.Fail("the old setting is %v", r)
			}
			c.level("far away", f, 0)
			c.want("clock set", c.vfs.ClockChanged(c.t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}), uabi.OK)
			c.level("canceled", f, unix.POLLIN)
			c.read(f, 8, -1, uabi.ErrCanceled)
			c.want("noted", f.TimerfdSet(c.t, &vfs.TimerfdSetRequest{Noted: true}, &vfs.TimerfdReply{}), uabi.OK)
			c.level("noted", f, 0)
			c.want("clock set", c.vfs.ClockChanged(c.t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}), uabi.OK)
			if r := c.setTimer(f, &vfs.TimerfdSetRequest{Value: 1, Flags: unix.TFD_TIMER_ABSTIME | unix.TFD_TIMER_CANCEL_ON_SET}, uabi.OK); !r.Canceled {
				w.Fail("setting it again does not tell that it was canceled")
			}
			c.level("in the past", f, unix.POLLIN)
			if n := le.Uint64([]byte(c.read(f, 8, -1, uabi.OK))); n != 1 {
				w.Fail("expired %d times", n)
			}
			c.level("read", f, 0)
			c.read(f, 7, -1, uabi.ErrArg)
			c.read(f, 8, 0, uabi.ErrSeek)
			c.close(f)
		})
	})
}

func TestASignalfdTakesWhatProcdHasAtEveryCrash(t *testing.T) {
	sweep(t, nil, 1, func(w *world) {
		w.stub.signals = signals{pending: []proc.SignalReply{{Signal: 10, Pid: 7}, {Signal: 12}, {Signal: 17, Code: 1, Pid: 9, Status: 42}}}
		event := w.NewEvent()
		w.Process("procd").Install(stubEvent, event, uabi.RightsAll)
		w.client(func(c *client) {
			var out vfs.OpenReply
			c.want("signalfd", c.vfs.Signalfd(c.t, &vfs.SignalfdRequest{Mask: 1<<9 | 1<<16}, &out), uabi.OK)
			f := vfs.Client{H: uabi.Handle(out.File)}
			c.read(f, signalSize-1, -1, uabi.ErrArg)
			b := []byte(c.read(f, 3*signalSize, -1, uabi.OK))
			if len(b) != 2*signalSize || b[0] != 10 || b[12] != 7 || b[signalSize] != 17 || b[signalSize+40] != 42 {
				w.Fail("read %d bytes: %v", len(b), b)
			}
			w.After(1_000_000, func() {
				w.stub.pending = append(w.stub.pending, proc.SignalReply{Signal: 17})
				event.Update(0, 0, 2)
			})
			if got := c.read(f, signalSize, -1, uabi.OK); got[0] != 17 {
				w.Fail("waited for %d", got[0])
			}
			req := vfs.SignalfdRequest{Mask: 1 << 11, File: uint32(f.H)}
			c.want("another mask", c.vfs.Signalfd(c.t, &req, &vfs.OpenReply{}), uabi.OK)
			if got := c.read(f, signalSize, -1, uabi.OK); got[0] != 12 {
				w.Fail("took %d", got[0])
			}
			var flags vfs.CountReply
			c.want("flags", f.Flags(c.t, &vfs.FlagsRequest{Set: true, Flags: unix.O_NONBLOCK}, &flags), uabi.OK)
			c.read(f, signalSize, -1, uabi.ErrAgain)
			c.close(f)
		})
	})
}

// PidWatch knows process 1 only, and a thread of it.
func (s *stubProc) PidWatch(c *server.Ctx, in *proc.PidRequest, out *proc.WatchReply) uabi.Error {
	switch {
	case in.Pid == 3:
		return uabi.ErrArg
	case in.Pid != 1:
		return uabi.ErrSearch
	}
	out.Id, out.Event = 70, uint32(stubEvent)
	return uabi.OK
}

func TestAPidfdStandsForItsProcessAtEveryCrash(t *testing.T) {
	sweep(t, nil, 1, func(w *world) {
		event := w.NewEvent()
		w.Process("procd").Install(stubEvent, event, uabi.RightsAll)
		w.stub.serial = 70
		w.client(func(c *client) {
			var out vfs.OpenReply
			c.want("of nobody", c.vfs.Pidfd(c.t, &vfs.PidfdRequest{Pid: 2}, &out), uabi.ErrSearch)
			c.want("pidfd", c.vfs.Pidfd(c.t, &vfs.PidfdRequest{Pid: 1, Nonblock: true}, &out), uabi.OK)
			f := vfs.Client{H: uabi.Handle(out.File)}
			var p vfs.PidfdReply
			c.want("its process", f.PidfdPid(c.t, &vfs.EmptyRequest{}, &p), uabi.OK)
			if p.Pid != 1 || p.Serial != 70 || !p.Nonblock {
				w.Fail("the pidfd is %v", &p)
			}
			c.level("it runs", f, 0)
			event.Update(unix.POLLIN, 0, 0)
			c.level("it ended", f, unix.POLLIN)
			c.read(f, 8, -1, uabi.ErrArg)
			w.stub.serial = 71 // its number has another process
			c.want("its process", f.PidfdPid(c.t, &vfs.EmptyRequest{}, &p), uabi.OK)
			if p.Pid != 0 {
				w.Fail("the process that was reaped is %d", p.Pid)
			}
			c.want("of a directory", c.open("/", unix.O_RDONLY, 0, uabi.OK).PidfdPid(c.t, &vfs.EmptyRequest{}, &p), uabi.ErrBadFD)
			c.close(f)
		})
	})
}
