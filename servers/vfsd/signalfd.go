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

// Signalfd implements vfs.Handler.
func (h *VFSD) Signalfd(c *server.Ctx, in *vfs.SignalfdRequest, out *vfs.OpenReply) uabi.Error {
	if in.File != 0 {
		return h.remask(c, h.opens.Get(c.BadgeOf(uabi.Handle(in.File))), in.Mask)
	}
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	var w proc.WatchReply
	if err := (proc.Client{H: uabi.BootProc}).SignalWatch(c, &proc.SignalWatchRequest{Mask: in.Mask}, &w); err != uabi.OK {
		return err
	}
	o := &state.Open{Flags: unix.O_RDWR, Event: w.Event, Mask: in.Mask, Watch: w.Id}
	if in.Nonblock {
		o.Flags |= unix.O_NONBLOCK
	}
	h.addSpecial(o, vfs.Kind_SIGNAL, "anon_inode:[signalfd]", handle, out)
	return uabi.OK
}

// remask changes a signalfd's mask. The process that its watch looks at may be gone: then no signal will be pending for it.
func (h *VFSD) remask(c *server.Ctx, o *state.Open, mask uint64) uabi.Error {
	if o == nil || o.Kind != uint32(vfs.Kind_SIGNAL) {
		return uabi.ErrArg
	}
	err := (proc.Client{H: uabi.BootProc}).SignalWatch(c, &proc.SignalWatchRequest{Mask: mask, Id: o.Watch}, &proc.WatchReply{})
	if err != uabi.OK && err != uabi.ErrNotFound {
		return err
	}
	o.Mask = mask
	return uabi.OK
}

// signalSize is sizeof(struct signalfd_siginfo).
const signalSize = 128

// readSignals takes as many pending signals as fit; only the first is waited for.
func (h *VFSD) readSignals(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	room := c.GrantLen(0) / signalSize
	if room == 0 {
		return uabi.ErrArg
	}
	req := proc.TimedWaitRequest{Mask: o.Mask, Deadline: uabi.NoDeadline}
	if o.Flags&unix.O_NONBLOCK != 0 {
		req.Deadline = 0
	}
	done := 0
	for ; done < int(min(room, maxSignals)); done++ {
		var s proc.SignalReply
		err := (proc.Client{H: uabi.BootProc}).TimedWait(c, &req, &s)
		switch {
		case err == uabi.OK:
		case done > 0:
			out.Count = int64(done) * signalSize
			return uabi.OK
		case err == uabi.ErrWait:
			w := c.LastWait()
			return c.Wait(w.Event, w.Mask, w.Since, w.Deadline)
		case err == uabi.ErrTimeout:
			return uabi.ErrAgain
		default:
			return err
		}
		if n, err := c.GrantWrite(0, uint64(done)*signalSize, signalInfo(&s)); n < signalSize {
			return faultOr(err) // the signal is gone, as on Linux
		}
		req.Deadline = 0
	}
	out.Count = int64(done) * signalSize
	return uabi.OK
}

// maxSignals bounds how many one read takes: each is a nested call.
const maxSignals = 64

// signalInfo is a struct signalfd_siginfo (linux/signalfd.h).
func signalInfo(s *proc.SignalReply) []byte {
	const (
		signo = 0
		code  = 8
		pid   = 12
		uid   = 16
		timer = 24 // ssi_tid
		over  = 32 // ssi_overrun
		trap  = 36
		stat  = 40
		num   = 44
		ptr   = 48
		addr  = 72
	)
	b := make([]byte, signalSize)
	le := binary.LittleEndian
	le.PutUint32(b[signo:], s.Signal)
	le.PutUint32(b[code:], uint32(s.Code))
	switch {
	case s.Code > 0 && s.Code < siKernel && isFault(s.Signal):
		le.PutUint64(b[addr:], s.Addr)
		le.PutUint32(b[trap:], uint32(s.Trap))
		return b
	case s.Code == siKernel:
		return b
	case s.Signal == uint32(unix.SIGCHLD) && s.Code > 0:
		le.PutUint32(b[stat:], uint32(s.Status))
	case s.Code == siTimer:
		le.PutUint32(b[timer:], uint32(s.Pid))
		le.PutUint32(b[over:], s.Uid)
		le.PutUint32(b[num:], uint32(s.Value))
		le.PutUint64(b[ptr:], s.Value)
		return b
	case s.Code < 0 && s.Code != siTkill:
		le.PutUint32(b[num:], uint32(s.Value))
		le.PutUint64(b[ptr:], s.Value)
	}
	le.PutUint32(b[pid:], uint32(s.Pid))
	le.PutUint32(b[uid:], s.Uid)
	return b
}

// SI_TKILL and SI_TIMER.
const (
	siTkill = -6
	siTimer = -2
)

// isFault reports whether a signal comes from the processor.
func isFault(sig uint32) bool {
	switch unix.Signal(sig) {
	case unix.SIGILL, unix.SIGTRAP, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV:
		return true
	}
	return false
}
