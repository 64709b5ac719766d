package server

import "aramid/ukernel/uabi"

// MemoryCreate is an effect.
func (c *Ctx) MemoryCreate(account uabi.Handle, size uint64, flags uint32) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inMemoryCreate); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.MemoryCreate(account, size, flags)
	return c.made(inMemoryCreate, h, err)
}

// MemoryResize is an effect.
func (c *Ctx) MemoryResize(h uabi.Handle, size uint64) uabi.Error {
	if head, _, ok := c.replaying(inMemoryResize); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inMemoryResize, c.k.MemoryResize(h, size))
}

// MemorySize is a look-up.
func (c *Ctx) MemorySize(h uabi.Handle) (uint64, uint64, uabi.Error) {
	if head, p, ok := c.replaying(inMemorySize); ok {
		return c.regave2(head, p)
	}
	if err := c.look(2 * wordSize); err != uabi.OK {
		return 0, 0, err
	}
	a, b, err := c.k.MemorySize(h)
	return c.gave2(inMemorySize, a, b, err)
}

// MemoryRead is a look-up whose bytes become an input.
func (c *Ctx) MemoryRead(h uabi.Handle, off uint64, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inMemoryRead); ok {
		return c.loggedBytes(head, p, b), headErr(head)
	}
	if err := c.look(len(b)); err != uabi.OK {
		return 0, err
	}
	n, err := c.k.MemoryRead(h, off, b)
	c.logBytes(inMemoryRead, err, b[:n])
	return n, err
}

// MemoryWrite is an effect.
func (c *Ctx) MemoryWrite(h uabi.Handle, off uint64, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inMemoryWrite); ok {
		n, err := c.regave(head, p)
		return int(n), err
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	n, err := c.k.MemoryWrite(h, off, b)
	c.log1(inMemoryWrite, 0, err, uint64(n))
	return n, err
}

// MemoryClone is an effect.
func (c *Ctx) MemoryClone(h, account uabi.Handle, off, n uint64) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inMemoryClone); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.MemoryClone(h, account, off, n)
	return c.made(inMemoryClone, h, err)
}

// MemoryCopy is an effect.
func (c *Ctx) MemoryCopy(dst uabi.Handle, doff uint64, src uabi.Handle, soff, n uint64) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inMemoryCopy); ok {
		return c.regave(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	v, err := c.k.MemoryCopy(dst, doff, src, soff, n)
	return c.gave(inMemoryCopy, v, err)
}

// MemoryZero is an effect.
func (c *Ctx) MemoryZero(h uabi.Handle, off, n uint64) uabi.Error {
	if head, _, ok := c.replaying(inMemoryZero); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inMemoryZero, c.k.MemoryZero(h, off, n))
}

// MemoryPager is an effect.
func (c *Ctx) MemoryPager(h, endpoint uabi.Handle, key uint64) uabi.Error {
	if head, _, ok := c.replaying(inMemoryPager); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inMemoryPager, c.k.MemoryPager(h, endpoint, key))
}
