package main

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tty"
	"aramid/ukernel/uabi"
)

// Controlling terminals and job control (credentials(7), setsid(2), ioctl_tty(2)). Which session a terminal controls is kept with the
// terminal; procd knows processes, groups and sessions.

// siKernel is SI_KERNEL.
const siKernel = 0x80

// signalGroup signals a process group as the terminal.
func (h *VFSD) signalGroup(c *server.Ctx, pgrp int32, sig uint32) {
	req := proc.KillRequest{Pid: pgrp, Group: true, Kernel: true, Signal: sig, Code: siKernel}
	proc.Client{H: uabi.BootProc}.Kill(c, &req, &proc.EmptyReply{})
}

// signalLeader signals one process.
func (h *VFSD) signalLeader(c *server.Ctx, pid int32, sig uint32) {
	req := proc.KillRequest{Pid: pid, Kernel: true, Signal: sig, Code: siKernel}
	proc.Client{H: uabi.BootProc}.Kill(c, &req, &proc.EmptyReply{})
}

// session is the caller's session id, group its process group.
func (k *call) session() int32 { return int32(k.c.Context(ctx.Pgrp) >> 32) }

func (k *call) group() int32 { return int32(uint32(k.c.Context(ctx.Pgrp))) }

// controls reports whether t is the caller's controlling terminal.
func (k *call) controls(t *state.Tty) bool {
	return t.Session != 0 && k.session() == t.Session && !slices.Contains(t.Left, k.tgid())
}

// controlling is the caller's controlling terminal, or nil.
func (k *call) controlling() *state.Tty {
	for _, t := range k.ttys.Values() {
		if k.controls(t) {
			return t
		}
	}
	return nil
}

// becomeControlling gives a session leader without a terminal this one, if it is nobody's.
func (k *call) becomeControlling(t *state.Tty) {
	if t.Session == 0 && k.session() != 0 && k.session() == k.tgid() && k.controlling() == nil {
		k.takeTerminal(t)
	}
}

// takeTerminal makes t the controlling terminal of the caller's session.
func (k *call) takeTerminal(t *state.Tty) {
	t.Session, t.Pgrp, t.Left = k.session(), k.group(), nil
	k.forgetGroup(t.Session)
}

// leaveSession makes t nobody's controlling terminal.
func (h *VFSD) leaveSession(t tty.Tty) { t.Session, t.Pgrp, t.Left = 0, 0, nil }

// forgetGroup forgets what was in the foreground of a session's terminal.
func (h *VFSD) forgetGroup(session int32) {
	h.top.OldGroups = slices.DeleteFunc(h.top.OldGroups, func(g *state.OldGroup) bool { return g.Session == session })
}

// background holds back a caller that is not in the terminal's foreground: its group is stopped by sig (SIGTTIN, SIGTTOU), unless
// it ignores that or nobody could continue it.
func (h *VFSD) background(c *server.Ctx, t tty.Tty, sig uint32) uabi.Error {
	k := &call{VFSD: h, c: c}
	if t.Session == 0 || t.Pgrp == 0 || !k.controls(t.Tty) || k.group() == t.Pgrp {
		return uabi.OK
	}
	var rep proc.BackgroundReply
	if err := k.proc().Background(c, &proc.BackgroundRequest{Signal: sig}, &rep); err != uabi.OK {
		return uabi.ErrIO
	}
	switch {
	case rep.Verdict == proc.Verdict_SIGNALLED:
		return uabi.ErrInterrupted
	case rep.Verdict == proc.Verdict_IGNORED && sig == uint32(unix.SIGTTOU):
		return uabi.OK
	}
	return uabi.ErrIO
}

// hangUp is a modem's: who has the terminal open finds it at its end, and the session that it controls loses it. leaves: because its leader
// ends.
func (h *VFSD) hangUp(c *server.Ctx, t tty.Tty, leaves bool) {
	for _, o := range h.slaves(t.Tty) {
		if !o.Console {
			o.Hung = true
		}
	}
	session, pgrp := t.Session, t.Pgrp
	t.Flush()
	t.FlushOut()
	if t.Devpts != 0 {
		tty.Reset(t.Tty, tty.PtyFlags)
	}
	t.Stopped, t.PacketStatus = false, 0
	h.leaveSession(t)
	if session != 0 {
		h.signalLeader(c, session, uint32(unix.SIGHUP))
		h.signalLeader(c, session, uint32(unix.SIGCONT))
		switch {
		case leaves:
			h.signalGroup(c, pgrp, uint32(unix.SIGHUP))
		case pgrp != 0:
			h.forgetGroup(session)
			h.top.OldGroups = append(h.top.OldGroups, &state.OldGroup{Session: session, Pgrp: pgrp})
		}
	}
	h.ttyLevel(c, t, 0)
}

// ThreadGone is server.Spec's (R13).
func (h *VFSD) ThreadGone(c *server.Ctx, origin uint64) {
	h.drain(c)
	h.leaderGone(c, origin)
	h.threadLocks(c, origin)
}

// leaderGone takes the terminal from a session whose leader ends: procd, which hears of the thread after vfsd, still knows it.
func (h *VFSD) leaderGone(c *server.Ctx, origin uint64) {
	held := len(h.top.OldGroups) > 0
	for _, t := range h.ttys.All() {
		held = held || t.Session != 0
	}
	var rep proc.PidReply
	if !held || (proc.Client{H: uabi.BootProc}).Leaving(c, &proc.OriginRequest{Origin: origin}, &rep) != uabi.OK || rep.Pid == 0 {
		return
	}
	session := int32(rep.Pid)
	for _, g := range h.top.OldGroups {
		if g.Session == session {
			h.signalGroup(c, g.Pgrp, uint32(unix.SIGHUP))
			h.signalGroup(c, g.Pgrp, uint32(unix.SIGCONT))
		}
	}
	h.forgetGroup(session)
	for _, v := range h.ttys.Values() {
		t := tty.Tty{Tty: v}
		switch {
		case t.Session != session:
		case t.Devpts == 0 && !h.cfg.Container:
			h.hangUp(c, t, true)
		default:
			pgrp := t.Pgrp
			h.leaveSession(t)
			h.signalGroup(c, pgrp, uint32(unix.SIGHUP))
		}
	}
}

// Vhangup implements vfs.Handler.
func (h *VFSD) Vhangup(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, false)
	if k.env.UID != 0 {
		return uabi.ErrPerm
	}
	if t := k.controlling(); t != nil {
		h.hangUp(c, tty.Tty{Tty: t}, false)
	}
	return uabi.OK
}
