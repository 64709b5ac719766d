package main

import (
	"time"

	"golang.org/x/sys/unix"

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

// startConsole makes the console. A machine without a serial port has one that swallows its output.
func (h *VFSD) startConsole(c *server.Ctx) {
	t := &state.Tty{Id: h.nextID()}
	tty.Reset(t, tty.ConsoleFlags)
	if h.cfg.NoEcho {
		t.Lflag &^= unix.ECHO
	}
	if h.cfg.Container {
		t.Session, t.Pgrp = containerSession, containerSession
	}
	h.ttys.Put(t.Id, t)
	h.top.Console = t.Id
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

// console is the terminal on the serial port.
func (h *VFSD) console() tty.Tty { return tty.Tty{Tty: h.ttys.Get(h.top.Console)} }

// send gives waiting output to the serial port as long as it takes it; an interrupt says when it takes more.
// Each byte goes out once, whenever this image ends: the kernel leaves a receipt with it (uabi.CallReceipt).
func (h *VFSD) send(c *server.Ctx) {
	t := h.console()
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
	t := h.console()
	for {
		lsr, err := c.PortIn(uabi.BootPorts, uartLSR, 1)
		if err != uabi.OK || lsr&lsrData == 0 || lsr == lsrAbsent {
			return
		}
		b, err := c.PortIn(uabi.BootPorts, uartData, 1)
		if err != uabi.OK {
			return
		}
		h.input(c, t, []byte{byte(b)})
	}
}

// How long an end waits for the line, and how often it looks.
const (
	drainPause = time.Millisecond
	drainTries = 3000
)

// drain waits until what was written is on the line: with process 1's end the machine goes off, and what is still here then is lost.
func (h *VFSD) drain(c *server.Ctx) {
	t := h.console()
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
	h.ttyLevel(c, t, 0)
}

// irqRounds bounds how long one interrupt keeps the server.
const irqRounds = 100

// Event is server.Spec's: the serial port wants something.
func (h *VFSD) Event(c *server.Ctx, key uint64, bits uint32) {
	if key == cgroupKey {
		h.groupsChanged(c)
		return
	}
	if key != irqKey {
		return
	}
	t := h.console()
	for range irqRounds {
		h.receive(c)
		h.send(c)
		// The line falls when its causes are gone, and only a rising line is an interrupt: what comes up before the acknowledgement
		// must be looked for behind it.
		c.PortIn(uabi.BootPorts, uartIIR, 1)
		c.IRQAck(uabi.Handle(t.Irq))
		lsr, err := c.PortIn(uabi.BootPorts, uartLSR, 1)
		if err != uabi.OK || lsr&lsrData == 0 && (len(t.Out) == 0 || lsr&lsrEmpty == 0) || lsr == lsrAbsent || t.Stopped {
			break
		}
	}
	h.ttyLevel(c, t, 0)
}
