package server

import "aramid/ukernel/uabi"

// IRQCreate is an effect, done once: a line has one owner, so that a second try would fail.
func (c *Ctx) IRQCreate(right uabi.Handle, line uint32, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inIRQCreate); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	r, v, err, done := c.receipt(inIRQCreate)
	h := uabi.Handle(v)
	if !done {
		h, err = c.k.IRQCreateOnce(r, right, line, event, bits)
	}
	return c.made(inIRQCreate, h, err)
}

// IRQAck is an effect.
func (c *Ctx) IRQAck(h uabi.Handle) uabi.Error {
	if head, _, ok := c.replaying(inIRQAck); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inIRQAck, c.k.IRQAck(h))
}

// PortIn is an effect: reading a device's register can change it. It is done once.
func (c *Ctx) PortIn(ports uabi.Handle, port uint16, width int) (uint32, uabi.Error) {
	if head, p, ok := c.replaying(inPortIn); ok {
		v, err := c.regave(head, p)
		return uint32(v), err
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	r, v, err, done := c.receipt(inPortIn)
	if !done {
		var got uint32
		got, err = c.k.PortInOnce(r, ports, port, width)
		v = uint64(got)
	}
	c.log1(inPortIn, 0, err, v)
	return uint32(v), err
}

// PortOut is an effect.
func (c *Ctx) PortOut(ports uabi.Handle, port uint16, width int, v uint32) uabi.Error {
	if head, _, ok := c.replaying(inPortOut); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inPortOut, c.k.PortOut(ports, port, width, v))
}

// PortInBuf is an effect whose bytes become an input. A crash behind it loses them: use PortIn for what matters.
func (c *Ctx) PortInBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inPortInBuf); ok {
		return c.loggedBytes(head, p, b), headErr(head)
	}
	if err := c.effect(len(b)); err != uabi.OK {
		return 0, err
	}
	n, err := c.k.PortInBuf(ports, port, b)
	c.logBytes(inPortInBuf, err, b[:n])
	return n, err
}

// PortOutBuf is an effect, done once.
func (c *Ctx) PortOutBuf(ports uabi.Handle, port uint16, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inPortOutBuf); ok {
		n, err := c.regave(head, p)
		return int(n), err
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	r, v, err, done := c.receipt(inPortOutBuf)
	if !done {
		var n int
		n, err = c.k.PortOutBufOnce(r, ports, port, b)
		v = uint64(n)
	}
	c.log1(inPortOutBuf, 0, err, v)
	return int(v), err
}

// ClockSet is an effect.
func (c *Ctx) ClockSet(power uabi.Handle, ns uint64) uabi.Error {
	if head, _, ok := c.replaying(inClockSet); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inClockSet, c.k.ClockSet(power, ns))
}

// PowerOff ends the machine. It is an effect that returns only when it fails.
func (c *Ctx) PowerOff(power uabi.Handle, status uint64) uabi.Error {
	if head, _, ok := c.replaying(inPowerOff); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inPowerOff, c.k.PowerOff(power, status))
}
