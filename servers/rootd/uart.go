package main

import (
	"fmt"
	"runtime"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// The control channel is COM2: a 16550 UART (National Semiconductor PC16550D).
const (
	uartBase = 0x2f8
	uartLine = 3 // interrupt

	regData    = 0
	regIER     = 1
	regFCR     = 2
	regIIR     = 2
	regLCR     = 3
	regMCR     = 4
	regLSR     = 5
	ierReceive = 1
	// FIFOs on, interrupt at trigger bytes or a while after the last. They are not cleared: a request may be there that came
	// while rootd was being started again.
	fcrEnable  = 0x01 | 0xc0
	trigger    = 14
	iirCause   = 0x0f
	iirTrigger = 0x04 // the FIFO holds trigger bytes
	lcr8N1     = 3
	lcrDivisor = 0x80  // registers 0 and 1 are the divisor of 115,200 baud
	mcrOut2    = 8 | 3 // interrupt line on, DTR, RTS
	lsrData    = 0x01
	lsrEmpty   = 0x20
	fifo       = 16
)

// uart is the control channel as an io.ReadWriter for one reader and one writer.
type uart struct {
	k     uk.Kernel
	event uabi.Handle
	irq   uabi.Handle
}

// openUART takes the port. ErrNoDevice: the machine has none.
func openUART(k uk.Kernel) (*uart, error) {
	u := &uart{k: k}
	if v, err := k.PortIn(uabi.BootPorts, uartBase+regLSR, 1); err != uabi.OK || v == 0xff {
		return nil, fmt.Errorf("no control channel")
	}
	var err uabi.Error
	if u.event, err = k.EventCreate(uabi.BootAccount); err != uabi.OK {
		return nil, err
	}
	if u.irq, err = k.IRQCreate(uabi.BootIRQ, uartLine, u.event, 1); err != uabi.OK {
		return nil, err
	}
	for _, w := range [...][2]uint32{{regIER, 0}, {regLCR, lcrDivisor}, {regData, 1}, {regIER, 0}, {regLCR, lcr8N1}, {regFCR, fcrEnable}, {regMCR, mcrOut2}, {regIER, ierReceive}} {
		u.out(uint16(w[0]), w[1])
	}
	return u, nil
}

func (u *uart) out(reg uint16, v uint32) { u.k.PortOut(uabi.BootPorts, uartBase+reg, 1, v) }

func (u *uart) status() uint32 {
	v, err := u.k.PortIn(uabi.BootPorts, uartBase+regLSR, 1)
	if err != uabi.OK {
		return 0
	}
	return v
}

// Read waits for at least one byte.
func (u *uart) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		n, err := u.drain(b)
		if n > 0 || err != uabi.OK {
			return n, asError(err)
		}
		_, seq, err := u.k.EventRead(u.event)
		if err != uabi.OK {
			return 0, err
		}
		u.k.IRQAck(u.irq)
		if u.status()&lsrData != 0 {
			continue // it came before the acknowledgement
		}
		if _, err := u.k.EventWait(u.event, 1, seq, uabi.NoDeadline); err != uabi.OK {
			return 0, err
		}
		u.k.EventUpdate(u.event, 0, 1, 0)
	}
}

// drain reads what is there, in pieces as large as the FIFO's state tells without a look at each byte.
func (u *uart) drain(b []byte) (n int, err uabi.Error) {
	for n < len(b) {
		some := 1
		cause, err := u.k.PortIn(uabi.BootPorts, uartBase+regIIR, 1)
		switch {
		case err != uabi.OK:
			return n, err
		case cause&iirCause == iirTrigger:
			some = min(trigger, len(b)-n)
		case u.status()&lsrData == 0:
			return n, uabi.OK
		}
		if _, err := u.k.PortInBuf(uabi.BootPorts, uartBase+regData, b[n:n+some]); err != uabi.OK {
			return n, err
		}
		n += some
	}
	return n, uabi.OK
}

// asError is err as an interface that is nil for OK.
func asError(err uabi.Error) error {
	if err == uabi.OK {
		return nil
	}
	return err
}

// Write sends all of b.
func (u *uart) Write(b []byte) (int, error) {
	for n := 0; n < len(b); {
		for u.status()&lsrEmpty == 0 {
			runtime.Gosched()
		}
		k := min(len(b)-n, fifo)
		if _, err := u.k.PortOutBuf(uabi.BootPorts, uartBase+regData, b[n:n+k]); err != uabi.OK {
			return n, err
		}
		n += k
	}
	return len(b), nil
}
