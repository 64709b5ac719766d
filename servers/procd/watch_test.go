package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/ukernel/uabi"
)

// watching is the part of the test's handler about events that procd gives away.
func (h *handler) watching(nr, a, b, d uint64) (uint64, uabi.Error) {
	l := &h.lane
	switch nr {
	case sysWatch:
		var out proc.WatchReply
		err := h.proc.SignalWatch(l, &proc.SignalWatchRequest{Mask: a, Id: b}, &out)
		if err == uabi.OK && b == 0 {
			h.watch[out.Id] = uabi.Handle(out.Event)
		}
		return out.Id, err
	case sysWatchLevel:
		level, _, err := h.k.EventRead(h.watch[a])
		return uint64(level), err
	case sysUnwatch:
		err := h.proc.SignalUnwatch(l, &proc.WatchRequest{Id: a}, &proc.EmptyReply{})
		h.k.Close(h.watch[a])
		delete(h.watch, a)
		return 0, err
	case sysPidWatch:
		var out proc.WatchReply
		err := h.proc.PidWatch(l, &proc.PidRequest{Pid: int32(a)}, &out)
		if err == uabi.OK {
			h.watch[out.Id] = uabi.Handle(out.Event)
		}
		return out.Id, err
	case sysKillSerial:
		return 0, h.proc.Kill(l, &proc.KillRequest{Pid: int32(a), Signal: uint32(b), Serial: d}, &proc.EmptyReply{})
	case sysClock:
		err := h.proc.ClockSet(l, &proc.ClockRequest{Realtime: a}, &proc.EmptyReply{})
		return 0, err
	}
	return 0, uabi.ErrCall
}

// level fails the run if a watch's event is not as wanted.
func (p *program) level(what string, id, want uint64) {
	if got := p.sys("level", sysWatchLevel, id); got != want {
		p.w.Fail("%s: the watch's level is %d, want %d", what, got, want)
	}
}

func TestAWatchShowsWhatIsPendingAtEveryCrash(t *testing.T) {
	usr := signal.Bit(10) | signal.Bit(12) | signal.Bit(40) | signal.Bit(signal.CHLD)
	sweep(t, 1, 0, func(p *program) {
		p.sys("block", sysMask, unix.SIG_BLOCK, usr)
		w := p.sys("watch", sysWatch, signal.Bit(10)|signal.Bit(40)|signal.Bit(signal.CHLD), 0)
		p.level("nothing came", w, 0)
		p.sys("kill", sysKill, 1, 0, 12)
		p.level("another came", w, 0)
		p.sys("kill", sysKill, 1, 0, 10)
		p.sys("kill", sysKill, 0, 1, 40)
		p.level("two came", w, watchBit)
		p.sys("take", sysTimed, signal.Bit(10), 0)
		p.level("one is left", w, watchBit)
		p.sys("remask", sysWatch, signal.Bit(10), w)
		p.level("not of this mask", w, 0)
		p.sys("remask", sysWatch, signal.Bit(12)|signal.Bit(signal.CHLD), w)
		p.level("that of this mask", w, watchBit)
		p.sys("take", sysTimed, signal.Bit(12), 0)
		p.level("taken", w, 0)
		pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("remask of the parent's", sysWatch, signal.Bit(signal.CHLD), w)
			return 0
		})
		p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED)
		p.level("a child ended", w, watchBit)
		p.sys("ignore", sysAction, signal.CHLD, signal.Ignore)
		p.level("what is ignored goes", w, 0)
		p.sys("unwatch", sysUnwatch, w)
		p.sys("unwatch again", sysUnwatch, w)
		p.fails("remask of what is gone", uabi.ErrNotFound, sysWatch, 1, w)
		p.exit(0)
	}, func([]string) bool { return true })
}

func TestTheClockIsSetByWhoMay(t *testing.T) {
	sweep(t, 1, 0, func(p *program) {
		p.fails("before boot", uabi.ErrArg, sysClock, 0)
		p.fails("too late", uabi.ErrArg, sysClock, 1<<63)
		p.sys("set", sysClock, 1_700_000_000_000_000_000)
		p.exit(0)
	}, said())
}

func TestTheEndOfAProcessIsSeenByWhoWatchesItAtEveryCrash(t *testing.T) {
	sweep(t, 1, 0, func(p *program) {
		p.fails("watch of nobody", uabi.ErrSearch, sysPidWatch, 99)
		pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("pause", sysSuspend, 0)
			return 0
		})
		w := p.sys("watch", sysPidWatch, pid)
		p.level("it runs", w, 0)
		p.fails("another's number", uabi.ErrSearch, sysKillSerial, pid, signal.KILL, w+1)
		p.level("it still runs", w, 0)
		p.sys("kill", sysKillSerial, pid, signal.KILL, w)
		p.sys("look", sysWait, unix.P_PID, pid, unix.WEXITED|unix.WNOWAIT)
		p.level("it ended", w, watchBit)
		if late := p.sys("watch of a zombie", sysPidWatch, pid); late != w {
			p.w.Fail("its number was %d and is %d", w, late)
		}
		p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED)
		p.level("it was reaped", w, watchBit)
		p.fails("signal", uabi.ErrSearch, sysKillSerial, pid, 0, w)
		p.fails("watch of who was reaped", uabi.ErrSearch, sysPidWatch, pid)
		p.exit(0)
	}, said())
}
