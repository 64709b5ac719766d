package main

import (
	"bytes"
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tty"
	"aramid/ukernel/uabi"
)

// Terminal requests that x/sys does not name (asm-generic/ioctls.h), and their arguments.
const (
	tcgets2   = 0x802c542a
	tcsets2   = 0x402c542b
	tcsetsw2  = 0x402c542c
	tcsetsf2  = 0x402c542d
	tiocgsid  = 0x5429
	tiocglock = 0x5456 // TIOCGLCKTRMIOS
	tiocslock = 0x5457
	fionbio   = 0x5421
	winSize   = 8

	tcIflush, tcOflush, tcIOflush = 0, 1, 2
	tcOOff, tcOOn, tcIOff, tcIOn  = 0, 1, 2, 3
)

// changing are the requests that a process in the background may not make (SIGTTOU).
var changing = []uint32{
	unix.TCSETS, unix.TCSETSW, unix.TCSETSF, tcsets2, tcsetsw2, tcsetsf2, unix.TCFLSH, unix.TCXONC, unix.TCSBRK, unix.TCSBRKP,
	unix.TIOCSETD, unix.TIOCSBRK, unix.TIOCCBRK,
}

// draining are those that wait until all output has been sent.
var draining = []uint32{unix.TCSETSW, unix.TCSETSF, tcsetsw2, tcsetsf2, unix.TCSBRK, unix.TCSBRKP}

// ttyIoctl is ioctl_tty(2).
func (h *VFSD) ttyIoctl(c *server.Ctx, o *state.Open, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	if o.Hung {
		if in.Cmd == unix.TIOCSPGRP {
			return uabi.ErrNoTTY
		}
		return uabi.ErrIO
	}
	t := h.terminal(o)
	if slices.Contains(changing, in.Cmd) && !o.Master {
		if err := h.background(c, t, uint32(unix.SIGTTOU)); err != uabi.OK {
			return err
		}
	}
	if slices.Contains(draining, in.Cmd) && readyBits(t, o)&bitDrained == 0 && !o.Master {
		return c.Wait(uabi.Handle(o.Event), bitDrained, onlyLevel, uabi.NoDeadline)
	}
	for _, f := range []func(*server.Ctx, tty.Tty, *state.Open, *vfs.IoctlRequest, *vfs.IoctlReply) uabi.Error{
		h.settingIoctl, h.queueIoctl, h.jobIoctl, h.ptyIoctl,
	} {
		if err := f(c, t, o, in, out); err != uabi.ErrNoTTY {
			h.ttyLevel(c, t, 0)
			return err
		}
	}
	return uabi.ErrNoTTY
}

// number reads an int argument.
func number32(in *vfs.IoctlRequest) (int32, bool) {
	if len(in.In) < 4 {
		return 0, false
	}
	return int32(binary.LittleEndian.Uint32(in.In)), true
}

func give32(out *vfs.IoctlReply, v uint32) uabi.Error {
	out.Out = binary.LittleEndian.AppendUint32(nil, v)
	return uabi.OK
}

// settingIoctl is the part about settings.
func (h *VFSD) settingIoctl(c *server.Ctx, t tty.Tty, o *state.Open, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	switch in.Cmd {
	case unix.TCGETS:
		out.Out = t.Termios(false)
	case tcgets2:
		out.Out = t.Termios(true)
	case unix.TCSETS, unix.TCSETSW, unix.TCSETSF, tcsets2, tcsetsw2, tcsetsf2:
		if !t.SetTermios(in.In) {
			return uabi.ErrArg
		}
		if in.Cmd == unix.TCSETSF || in.Cmd == tcsetsf2 {
			t.Flush()
		}
		h.putOut(c, t)
	case tiocglock:
		out.Out = slices.Clone(t.TermiosLock)
		if len(out.Out) == 0 {
			out.Out = make([]byte, tty.TermiosSize)
		}
	case tiocslock:
		if (h.begin(c, false)).env.UID != 0 {
			return uabi.ErrPerm
		}
		t.TermiosLock = bytes.Clone(in.In)
	case unix.TIOCGWINSZ:
		le := binary.LittleEndian
		out.Out = le.AppendUint16(le.AppendUint16(nil, uint16(t.Rows)), uint16(t.Cols))
		out.Out = le.AppendUint16(le.AppendUint16(out.Out, uint16(t.Xpixel)), uint16(t.Ypixel))
	case unix.TIOCSWINSZ:
		return h.resizeTty(c, t, in.In)
	case unix.TIOCGETD:
		return give32(out, 0) // N_TTY
	case unix.TIOCSETD:
		if d, ok := number32(in); !ok || d != 0 {
			return uabi.ErrArg
		}
	case unix.TIOCEXCL, unix.TIOCNXCL:
		t.Exclusive = in.Cmd == unix.TIOCEXCL
	case unix.TIOCGEXCL:
		v := uint32(0)
		if t.Exclusive {
			v = 1
		}
		return give32(out, v)
	case unix.TIOCGDEV:
		return give32(out, uint32(device(t.Tty, o.Master)))
	default:
		return uabi.ErrNoTTY
	}
	return uabi.OK
}

// resizeTty sets the window's size and tells the foreground of a change.
func (h *VFSD) resizeTty(c *server.Ctx, t tty.Tty, b []byte) uabi.Error {
	if len(b) < winSize {
		return uabi.ErrArg
	}
	var v [4]uint32
	for i := range v {
		v[i] = uint32(binary.LittleEndian.Uint16(b[2*i:]))
	}
	if v == [4]uint32{t.Rows, t.Cols, t.Xpixel, t.Ypixel} {
		return uabi.OK
	}
	t.Rows, t.Cols, t.Xpixel, t.Ypixel = v[0], v[1], v[2], v[3]
	if t.Pgrp != 0 {
		h.signalGroup(c, t.Pgrp, uint32(unix.SIGWINCH))
	}
	return uabi.OK
}

// queueIoctl is the part about bytes under way.
func (h *VFSD) queueIoctl(c *server.Ctx, t tty.Tty, o *state.Open, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	switch in.Cmd {
	case unix.TIOCINQ:
		if o.Master {
			return give32(out, uint32(len(t.Out)))
		}
		return give32(out, uint32(t.Waiting()))
	case unix.TIOCOUTQ:
		if o.Master || t.Devpts != 0 {
			return give32(out, 0) // what one side has written is the other's input
		}
		return give32(out, uint32(len(t.Out)))
	case unix.TCFLSH:
		return h.flushTty(c, t, o, in.Arg)
	case unix.TCXONC:
		switch in.Arg {
		case tcOOff, tcOOn:
			t.Flow(in.Arg == tcOOff)
		case tcIOff, tcIOn:
			if b := t.Cc[map[uint64]int{tcIOff: unix.VSTOP, tcIOn: unix.VSTART}[in.Arg]]; b != 0 {
				t.Out = append(t.Out, b)
			}
		default:
			return uabi.ErrArg
		}
		h.putOut(c, t)
	case unix.TCSBRK, unix.TCSBRKP, unix.TIOCSBRK, unix.TIOCCBRK:
		// There is no line that a break could be seen on.
	case unix.TIOCSTI:
		k := h.begin(c, false)
		if len(in.In) < 1 {
			return uabi.ErrArg
		}
		if k.env.UID != 0 && !k.controls(t.Tty) {
			return uabi.ErrPerm
		}
		h.input(c, t, in.In[:1])
		h.putOut(c, t)
	default:
		return uabi.ErrNoTTY
	}
	return uabi.OK
}

// flushTty is tcflush(3), whose directions a master sees from the other side.
func (h *VFSD) flushTty(c *server.Ctx, t tty.Tty, o *state.Open, what uint64) uabi.Error {
	if what > tcIOflush {
		return uabi.ErrArg
	}
	read, written := what != tcOflush, what != tcIflush
	if o.Master {
		if read {
			t.Out = nil
		}
		return uabi.OK
	}
	if read {
		t.Flush()
	}
	if written {
		t.FlushOut()
	}
	return uabi.OK
}

// jobIoctl is the part about sessions and process groups.
func (h *VFSD) jobIoctl(c *server.Ctx, t tty.Tty, o *state.Open, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	k := h.begin(c, false)
	switch in.Cmd {
	case unix.TIOCSCTTY:
		leader := k.session() != 0 && k.session() == k.tgid()
		switch {
		case leader && t.Session == k.session():
			return uabi.OK
		case !leader || k.controlling() != nil:
			return uabi.ErrPerm
		case t.Session != 0 && (in.Arg != 1 || k.env.UID != 0):
			return uabi.ErrPerm
		case !readable(o) && k.env.UID != 0:
			return uabi.ErrPerm
		}
		k.takeTerminal(t.Tty)
	case unix.TIOCNOTTY:
		if !k.controls(t.Tty) {
			return uabi.ErrNoTTY
		}
		h.giveUp(c, t, k)
	case unix.TIOCVHANGUP:
		if k.env.UID != 0 {
			return uabi.ErrPerm
		}
		h.hangUp(c, t, false)
	case unix.TIOCGPGRP:
		if !o.Master && !k.controls(t.Tty) {
			return uabi.ErrNoTTY
		}
		return give32(out, uint32(t.Pgrp))
	case tiocgsid:
		if !o.Master && !k.controls(t.Tty) || t.Session == 0 {
			return uabi.ErrNoTTY
		}
		return give32(out, uint32(t.Session))
	case unix.TIOCSPGRP:
		return h.setForeground(c, t, k, in)
	default:
		return uabi.ErrNoTTY
	}
	return uabi.OK
}

// giveUp is TIOCNOTTY: a leader gives the terminal up for its whole session.
func (h *VFSD) giveUp(c *server.Ctx, t tty.Tty, k *call) {
	if k.tgid() != t.Session {
		t.Left = append(t.Left, k.tgid())
		return
	}
	pgrp := t.Pgrp
	h.leaveSession(t)
	if pgrp != 0 {
		h.signalGroup(c, pgrp, uint32(unix.SIGHUP))
		h.signalGroup(c, pgrp, uint32(unix.SIGCONT))
	}
}

// setForeground is TIOCSPGRP.
func (h *VFSD) setForeground(c *server.Ctx, t tty.Tty, k *call, in *vfs.IoctlRequest) uabi.Error {
	switch err := h.background(c, t, uint32(unix.SIGTTOU)); {
	case err == uabi.ErrIO:
		return uabi.ErrNoTTY
	case err != uabi.OK:
		return err
	case !k.controls(t.Tty):
		return uabi.ErrNoTTY
	}
	pgrp, ok := number32(in)
	if !ok || pgrp < 0 {
		return uabi.ErrArg
	}
	var rep proc.IdentityReply
	if err := k.proc().Group(c, &proc.PidRequest{Pid: pgrp}, &rep); err != uabi.OK {
		return uabi.ErrSearch
	}
	if rep.Sid != k.session() {
		return uabi.ErrPerm
	}
	t.Pgrp = pgrp
	return uabi.OK
}

// Ioctl implements vfs.Handler.
func (h *VFSD) Ioctl(c *server.Ctx, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Flags&unix.O_PATH != 0 {
		return uabi.ErrBadFD
	}
	if in.Cmd == fionbio {
		if len(in.In) < 4 {
			return uabi.ErrArg
		}
		o.Flags &^= unix.O_NONBLOCK
		if binary.LittleEndian.Uint32(in.In) != 0 {
			o.Flags |= unix.O_NONBLOCK
		}
		return uabi.OK
	}
	if o.Tty != 0 {
		return h.ttyIoctl(c, o, in, out)
	}
	if o.Kind == uint32(vfs.Kind_DEVICE) {
		return h.deviceIoctl(c, o, in, out)
	}
	if in.Cmd != unix.TIOCINQ {
		return uabi.ErrNoTTY
	}
	var n uint64
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_PIPE:
		p := h.pipes.Get(o.Pipe)
		n = p.Tail - p.Head
	case vfs.Kind_INOTIFY:
		n = queued(o.Inotify)
	case vfs.Kind_FILE:
		if i := h.tree.Inode(o.At.Ino); i != nil && i.Size > o.Pos {
			n = uint64(i.Size - o.Pos)
		}
	default:
		return uabi.ErrNoTTY
	}
	return give32(out, uint32(n))
}
