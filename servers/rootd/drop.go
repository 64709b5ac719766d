package main

import (
	"fmt"

	"aramid/proto/control"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// The drop disk (package proto/control) is the master of the first legacy ATA channel, driven by programmed I/O (ATA/ATAPI-6, T13/1410D:
// registers §7, commands §8, the protocol of data in §9.5).
const (
	ataBase    = 0x1f0
	ataControl = 0x3f6

	ataData    = ataBase
	ataCount   = ataBase + 2
	ataLBA     = ataBase + 3 // and the two registers behind it
	ataDevice  = ataBase + 6
	ataCommand = ataBase + 7 // read: status

	ataNoIRQ    = 2
	ataMaster   = 0xe0 // LBA addressing, device 0
	ataIdentify = 0xec
	ataMultiple = 0xc6
	ataRead     = 0xc4 // READ MULTIPLE
	ataBusy     = 0x80
	ataFault    = 0x21 // DF, ERR
	ataRequest  = 0x08
	ataAbsent   = 0xff

	ataBlock      = 16  // sectors a transfer
	ataMost       = 128 // sectors a command
	ataWidth      = 4   // bytes an access
	serialOffset  = 20  // of the serial number in the identification, bytes in swapped pairs
	serialSize    = 20
	statusPatient = 10_000_000 // looks at the status register
)

// wide is what the drop needs of a kernel beyond uk.Kernel.
type wide interface {
	PortInWide(ports uabi.Handle, port uint16, b []byte, width uint32) (int, uabi.Error)
}

// drop is the disk.
type drop struct {
	k uk.Kernel
	w wide
}

// openDrop finds the disk. ErrNoDevice: the machine has none.
func openDrop(k uk.Kernel) (*drop, error) {
	w, ok := k.(wide)
	if !ok {
		return nil, uabi.ErrNoDevice
	}
	d := &drop{k, w}
	if d.status() == ataAbsent {
		return nil, uabi.ErrNoDevice
	}
	d.out(ataControl, ataNoIRQ)
	d.out(ataDevice, ataMaster)
	id := make([]byte, control.DropSector)
	d.out(ataCommand, ataIdentify)
	if err := d.transfer(id); err != nil {
		return nil, uabi.ErrNoDevice
	}
	serial := id[serialOffset : serialOffset+serialSize]
	for i := 0; i < len(serial); i += 2 {
		serial[i], serial[i+1] = serial[i+1], serial[i]
	}
	if string(serial[:len(control.DropSerial)]) != control.DropSerial {
		return nil, uabi.ErrNoDevice
	}
	d.out(ataCount, ataBlock)
	d.out(ataCommand, ataMultiple)
	return d, d.ready(0)
}

func (d *drop) out(port uint16, v uint32) { d.k.PortOut(uabi.BootPorts, port, 1, v) }

func (d *drop) status() uint32 {
	v, err := d.k.PortIn(uabi.BootPorts, ataCommand, 1)
	if err != uabi.OK {
		return ataAbsent
	}
	return v
}

// ready waits until the disk is not busy and has the status bits.
func (d *drop) ready(bits uint32) error {
	for range statusPatient {
		switch s := d.status(); {
		case s&ataBusy != 0:
		case s&ataFault != 0:
			return fmt.Errorf("drop disk: status %#x: %w", s, uabi.ErrIO)
		case s&bits == bits:
			return nil
		}
	}
	return fmt.Errorf("drop disk: not ready: %w", uabi.ErrIO)
}

// transfer reads one block that the disk was asked for.
func (d *drop) transfer(b []byte) error {
	if err := d.ready(ataRequest); err != nil {
		return err
	}
	for len(b) > 0 {
		n, err := d.w.PortInWide(uabi.BootPorts, ataData, b, ataWidth)
		if err != uabi.OK {
			return fmt.Errorf("drop disk: %w", err)
		}
		b = b[n:]
	}
	return nil
}

// read fills b, a whole number of sectors, from a sector on.
func (d *drop) read(sector int, b []byte) error {
	for len(b) > 0 {
		n := min(len(b)/control.DropSector, ataMost)
		d.out(ataCount, uint32(n))
		for i := range uint16(3) {
			d.out(ataLBA+i, uint32(sector>>(8*i))&0xff)
		}
		d.out(ataDevice, ataMaster)
		d.out(ataCommand, ataRead)
		for left := n; left > 0; {
			some := min(left, ataBlock)
			if err := d.transfer(b[:some*control.DropSector]); err != nil {
				return err
			}
			b, left = b[some*control.DropSector:], left-some
		}
		sector += n
	}
	return nil
}
