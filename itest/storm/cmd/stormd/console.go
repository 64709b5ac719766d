package main

import (
	"runtime"
	"time"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// COM1, a 16550 UART (National Semiconductor PC16550D).
const (
	comBase  = 0x3f8
	comLSR   = comBase + 5
	lsrData  = 0x01
	lsrEmpty = 0x20
	fifo     = 16
	pollTime = 2 * time.Millisecond
)

// console is the line to the test on the host: commands in, answers out.
type console struct{ k uk.Kernel }

// line waits for one line.
func (c console) line() (string, uabi.Error) {
	var out []byte
	for {
		v, err := c.k.PortIn(uabi.BootPorts, comLSR, 1)
		switch {
		case err != uabi.OK:
			return "", err
		case v&lsrData == 0:
			time.Sleep(pollTime)
			continue
		}
		b, err := c.k.PortIn(uabi.BootPorts, comBase, 1)
		if err != uabi.OK {
			return "", err
		}
		if b == '\n' {
			return string(out), uabi.OK
		}
		out = append(out, byte(b))
	}
}

// print sends one line.
func (c console) print(s string) {
	for b := append([]byte(s), '\n'); len(b) > 0; {
		for {
			v, err := c.k.PortIn(uabi.BootPorts, comLSR, 1)
			if err != uabi.OK || v&lsrEmpty != 0 {
				break
			}
			runtime.Gosched()
		}
		n := min(len(b), fifo)
		c.k.PortOutBuf(uabi.BootPorts, comBase, b[:n])
		b = b[n:]
	}
}
