package ipc

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// IRQ raises bits of an event when its interrupt line fires; the line is masked then until Ack.
type IRQ struct {
	node
	event *Event // with a reference
	bits  uint32
	line  uint32
}

const irqLines = 16

var (
	irqs  object.Pool[IRQ]
	lines [irqLines]*IRQ
)

// NewIRQ makes the interrupt object of a line, unmasked, with one reference. ErrArg: no such line; ErrExists: it has one; ErrNoMem.
func NewIRQ(a *object.Account, line uint32, e *Event, bits uint32) (*IRQ, uabi.Error) {
	if line >= irqLines {
		return nil, uabi.ErrArg
	}
	if lines[line] != nil {
		return nil, uabi.ErrExists
	}
	i := irqs.Get(a)
	if i == nil {
		return nil, uabi.ErrNoMem
	}
	i.Header.Start(uabi.TypeIRQ, a)
	e.Refs++
	i.event, i.bits, i.line = e, bits, line
	lines[line] = i
	arch.IRQMask(int(line), false)
	return i, uabi.OK
}

// Ack is CallIRQAck.
func (i *IRQ) Ack() { arch.IRQMask(int(i.line), false) }

// Interrupt handles vector VecIRQ + line.
func Interrupt(line int) {
	if line < 0 || line >= irqLines {
		return
	}
	arch.IRQMask(line, true)
	arch.IRQEnd(line)
	if i := lines[line]; i != nil {
		i.event.Update(i.bits, 0, 0)
	}
}

// destroy frees an interrupt object that nothing names.
func (i *IRQ) destroy() {
	arch.IRQMask(int(i.line), true)
	lines[i.line] = nil
	e := i.event
	i.event = nil
	irqs.Put(i, i.Stop())
	bury(&e.Header)
}
