package main

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tty"
	"aramid/ukernel/uabi"
)

// The first serial port (16550; PC16550D data sheet).
const (
	uartData  = 0x3f8 // receive buffer, transmit holding
	uartIER   = 0x3f9
	uartIIR   = 0x3fa // read
	uartFCR   = 0x3fa // write
	uartLCR   = 0x3fb
	uartMCR   = 0x3fc
	uartLSR   = 0x3fd
	uartLine  = 4 // IRQ
	ierRx     = 1
	ierTx     = 2
	fcrOn     = 0x07 // FIFOs on and cleared
	lcr8N1    = 0x03
	mcrOn     = 0x0b // DTR, RTS, OUT2 (lets interrupts through)
	lsrData   = 0x01
	lsrEmpty  = 0x20 // the transmit FIFO takes fifoSize bytes
	lsrIdle   = 0x40 // all that was given to it is on the line
	lsrAbsent = 0xff // no UART: the bus floats
	fifoSize  = 16
)

// irqKey is the key of the serial port's event.
const irqKey = 1

// containerSession is process 1's session: in a container it starts with the console as its controlling terminal (docker run -t);
// an init takes it itself.
const containerSession = 1

// startTty makes the console. A machine without a serial port has one that swallows its output.
func (h *VFSD) startTty(c *server.Ctx) {
	t := &state.Tty{}
	tty.Reset(t)
	if h.cfg.NoEcho {
		t.Lflag &^= unix.ECHO
	}
	if h.cfg.Container {
		t.Session, t.Pgrp = containerSession, containerSession
	}
	h.top.Tty = t
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return
	}
	t.Event = uint32(event)
	h.ttyLevel(c)
	irqEvent, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return
	}
	t.IrqEvent = uint32(irqEvent)
	if c.Bind(irqEvent, irqKey, 1) != uabi.OK {
		return
	}
	irq, err := c.IRQCreate(uabi.BootIRQ, uartLine, irqEvent, 1)
	if err != uabi.OK {
		h.cfg.Log("no interrupt for the console: " + err.Error())
		return
	}
	t.Irq = uint32(irq)
	for _, r := range []struct {
		port uint16
		v    uint32
	}{{uartLCR, lcr8N1}, {uartFCR, fcrOn}, {uartMCR, mcrOn}, {uartIER, ierRx | ierTx}} {
		c.PortOut(uabi.BootPorts, r.port, 1, r.v)
	}
	if c.Replaying() {
		return
	}
	h.cfg.Log("console ready") // what came before is lost: `aramid run` waits for this line
}

func (h *VFSD) discipline() tty.Tty { return tty.Tty{Tty: h.top.Tty} }

// ttyLevel brings the terminal's event up to date.
func (h *VFSD) ttyLevel(c *server.Ctx) {
	t := h.discipline()
	var now uint32
	if t.Readable() {
		now |= unix.POLLIN
	}
	if len(t.Out) < tty.MaxOut {
		now |= unix.POLLOUT
	}
	set, clear := now&^t.Level, t.Level&^now
	if set|clear != 0 {
		c.EventUpdate(uabi.Handle(t.Event), set, clear, 0)
		t.Level = now
	}
}

// send gives waiting output to the serial port as long as it takes it; an interrupt says when it takes more.
// Each byte goes out once, whenever this image ends: the kernel leaves a receipt with it (uabi.CallReceipt).
func (h *VFSD) send(c *server.Ctx) {
	t := h.top.Tty
	for len(t.Out) > 0 && !t.Stopped {
		lsr, err := c.PortIn(uabi.BootPorts, uartLSR, 1)
		if err != uabi.OK || lsr == lsrAbsent {
			t.Out = nil // no port
			return
		}
		if lsr&lsrData != 0 {
			h.receive(c)
			continue
		}
		if lsr&lsrEmpty == 0 {
			return
		}
		n := min(len(t.Out), fifoSize)
		c.PortOutBuf(uabi.BootPorts, uartData, t.Out[:n])
		t.Out = t.Out[n:]
	}
	if len(t.Out) == 0 {
		t.Out = nil
	}
}

// receive takes what was typed.
func (h *VFSD) receive(c *server.Ctx) {
	t := h.discipline()
	for {
		lsr, err := c.PortIn(uabi.BootPorts, uartLSR, 1)
		if err != uabi.OK || lsr&lsrData == 0 || lsr == lsrAbsent {
			return
		}
		b, err := c.PortIn(uabi.BootPorts, uartData, 1)
		if err != uabi.OK {
			return
		}
		if sig := t.Input(byte(b)); sig != 0 && t.Pgrp != 0 {
			h.signal(c, t.Pgrp, sig)
		}
	}
}

// How long an end waits for the line, and how often it looks.
const (
	drainPause = time.Millisecond
	drainTries = 3000
)

// ThreadGone is server.Spec's (R13). What a program wrote is on the line before procd hears of its end: with process 1's the machine
// goes off, and what is still here then is lost.
func (h *VFSD) ThreadGone(c *server.Ctx, origin uint64) {
	t := h.top.Tty
	for range drainTries {
		lsr, err := c.PortIn(uabi.BootPorts, uartLSR, 1)
		if err != uabi.OK || lsr == lsrAbsent || t.Stopped || len(t.Out) == 0 && lsr&lsrIdle != 0 {
			break
		}
		h.send(c)
		if !c.Replaying() {
			time.Sleep(drainPause)
		}
	}
	h.ttyLevel(c)
	h.threadLocks(c, origin)
}

// Event is server.Spec's: the serial port wants something.
func (h *VFSD) Event(c *server.Ctx, key uint64, bits uint32) {
	if key == cgroupKey {
		h.groupsChanged(c)
		return
	}
	if key != irqKey {
		return
	}
	for range irqRounds {
		h.receive(c)
		h.send(c)
		// The line falls when its causes are gone, and only a rising line is an interrupt: what comes up before the acknowledgement
		// must be looked for behind it.
		c.PortIn(uabi.BootPorts, uartIIR, 1)
		c.IRQAck(uabi.Handle(h.top.Tty.Irq))
		lsr, err := c.PortIn(uabi.BootPorts, uartLSR, 1)
		if err != uabi.OK || lsr&lsrData == 0 && (len(h.top.Tty.Out) == 0 || lsr&lsrEmpty == 0) || lsr == lsrAbsent || h.top.Tty.Stopped {
			break
		}
	}
	h.ttyLevel(c)
}

// irqRounds bounds how long one interrupt keeps the server.
const irqRounds = 100

// siKernel is SI_KERNEL.
const siKernel = 0x80

// signal signals a process group.
func (h *VFSD) signal(c *server.Ctx, pgrp int32, sig uint32) {
	cl := proc.Client{H: uabi.BootProc}
	cl.Kill(c, &proc.KillRequest{Pid: -pgrp, Signal: sig, Code: siKernel}, &proc.EmptyReply{})
}

// session is the caller's session id, group its process group.
func (k *call) session() int32 { return int32(k.c.Context(ctx.Pgrp) >> 32) }

func (k *call) group() int32 { return int32(uint32(k.c.Context(ctx.Pgrp))) }

// sigTtin is what a background reader gets.
const sigTtin = 21

func (h *VFSD) readTty(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	t := h.discipline()
	k := &call{VFSD: h, c: c}
	if t.Session != 0 && k.session() == t.Session && k.group() != t.Pgrp {
		h.signal(c, k.group(), sigTtin)
		return uabi.ErrInterrupted
	}
	want := int(min(c.GrantLen(0), maxCopy))
	if want == 0 {
		return uabi.OK
	}
	if !t.Readable() {
		switch {
		case t.Immediate():
		case o.Flags&unix.O_NONBLOCK != 0:
			return uabi.ErrAgain
		default:
			return c.Wait(uabi.Handle(t.Event), unix.POLLIN|unix.POLLHUP, onlyLevel, uabi.NoDeadline)
		}
	}
	n, err := c.GrantWrite(0, 0, t.Peek(want))
	if err != uabi.OK && n == 0 {
		return err
	}
	t.Take(n)
	h.ttyLevel(c)
	out.Count = int64(n)
	return uabi.OK
}

func (h *VFSD) writeTty(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	t := h.discipline()
	want := int(min(c.GrantLen(0), maxCopy))
	if want == 0 {
		return uabi.OK
	}
	if len(t.Out) >= tty.MaxOut {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(t.Event), unix.POLLOUT|unix.POLLHUP, onlyLevel, uabi.NoDeadline)
	}
	b := h.scratch[:want]
	n, err := c.GrantRead(0, 0, b)
	if err != uabi.OK && n == 0 {
		return err
	}
	t.Emit(b[:n])
	h.send(c)
	h.ttyLevel(c)
	out.Count = int64(n)
	return uabi.OK
}

// Terminal requests that x/sys does not name.
const (
	tcgets2   = 0x802c542a
	tcsets2   = 0x402c542b
	tcsetsw2  = 0x402c542c
	tcsetsf2  = 0x402c542d
	tiocgsid  = 0x5429
	fionbio   = 0x5421
	winSize   = 8
	tcIflush  = 0
	tcOflush  = 1
	tcIOflush = 2
)

// ttyIoctl is ioctl_tty(2).
func (h *VFSD) ttyIoctl(c *server.Ctx, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	t := h.discipline()
	le := binary.LittleEndian
	switch in.Cmd {
	case unix.TCGETS:
		out.Out = t.Termios(false)
	case tcgets2:
		out.Out = t.Termios(true)
	case unix.TCSETS, unix.TCSETSW, tcsets2, tcsetsw2, unix.TCSETSF, tcsetsf2:
		if !t.SetTermios(in.In) {
			return uabi.ErrArg
		}
		if in.Cmd == unix.TCSETSF || in.Cmd == tcsetsf2 {
			t.Flush()
		}
	case unix.TIOCGWINSZ:
		out.Out = make([]byte, winSize)
		le.PutUint16(out.Out, uint16(t.Rows))
		le.PutUint16(out.Out[2:], uint16(t.Cols))
	case unix.TIOCSWINSZ:
		if len(in.In) < winSize {
			return uabi.ErrArg
		}
		t.Rows, t.Cols = uint32(le.Uint16(in.In)), uint32(le.Uint16(in.In[2:]))
	case unix.TIOCINQ:
		out.Out = le.AppendUint32(nil, uint32(t.Waiting()))
	case unix.TIOCOUTQ:
		out.Out = le.AppendUint32(nil, uint32(len(t.Out)))
	case unix.TCFLSH:
		switch in.Arg {
		case tcIflush, tcIOflush:
			t.Flush()
		case tcOflush:
		default:
			return uabi.ErrArg
		}
	case unix.TCSBRK, unix.TCSBRKP, unix.TCXONC:
		// Output is with the device when a write returns; there is no line to break or to hold.
	default:
		return h.jobIoctl(c, in, out)
	}
	h.ttyLevel(c)
	return uabi.OK
}

// jobIoctl is the part about sessions and process groups.
func (h *VFSD) jobIoctl(c *server.Ctx, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	t := h.top.Tty
	k := &call{VFSD: h, c: c}
	le := binary.LittleEndian
	mine := t.Session != 0 && k.session() == t.Session
	switch in.Cmd {
	case unix.TIOCSCTTY:
		pid := int32(c.Context(ctx.Tgid))
		if mine {
			return uabi.OK
		}
		if k.session() != pid || t.Session != 0 && in.Arg != 1 {
			return uabi.ErrPerm
		}
		t.Session, t.Pgrp = k.session(), k.group()
	case unix.TIOCNOTTY:
		if !mine {
			return uabi.ErrNoTTY
		}
		if int32(c.Context(ctx.Tgid)) == t.Session {
			t.Session, t.Pgrp = 0, 0
		}
	case unix.TIOCGPGRP, tiocgsid:
		if !mine {
			return uabi.ErrNoTTY
		}
		v := t.Pgrp
		if in.Cmd == tiocgsid {
			v = t.Session
		}
		out.Out = le.AppendUint32(nil, uint32(v))
	case unix.TIOCSPGRP:
		if !mine {
			return uabi.ErrNoTTY
		}
		if len(in.In) < 4 || int32(le.Uint32(in.In)) <= 0 {
			return uabi.ErrArg
		}
		t.Pgrp = int32(le.Uint32(in.In))
	default:
		return uabi.ErrNoTTY
	}
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
	if o.Kind == uint32(vfs.Kind_TTY) {
		return h.ttyIoctl(c, in, out)
	}
	if in.Cmd != unix.TIOCINQ {
		return uabi.ErrNoTTY
	}
	var n uint64
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_PIPE:
		p := h.pipes[o.Pipe]
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
	out.Out = binary.LittleEndian.AppendUint32(nil, uint32(n))
	return uabi.OK
}
