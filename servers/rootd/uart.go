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
	regLCR     = 3
	regMCR     = 4
	regLSR     = 5
	ierReceive = 1
	fcrEnable  = 0x01 | 0x02 | 0x04 // FIFOs on and cleared, interrupt at 1 byte
	lcr8N1     = 3
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
	for _, w := range [...][2]uint32{{regIER, 0}, {regLCR, lcr8N1}, {regFCR, fcrEnable}, {regMCR, mcrOut2}, {regIER, ierReceive}} {
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
		n := 0
		for n < len(b) && u.status()&lsrData != 0 {
			if _, err := u.k.PortInBuf(uabi.BootPorts, uartBase+regData, b[n:n+1]); err != uabi.OK {
				return n, err
			}
			n++
		}
		if n > 0 {
			return n, nil
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
