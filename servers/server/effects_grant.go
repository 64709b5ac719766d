package server

import "aramid/ukernel/uabi"

// GrantLen is the length of grant i, bytes; 0 without one.
func (c *Ctx) GrantLen(i int) uint64 {
	if head, p, ok := c.replaying(inGrantLen); ok {
		v, _ := c.regave(head, p)
		return v
	}
	var v uint64
	if in := c.s.b.In; !c.orphan && i >= 0 && i < int(in.NGrants) && i < uabi.MaxGrants {
		v = in.Grant[i].Len
	}
	if !c.note(inGrantLen, uint8(i), v) {
		return 0
	}
	return v
}

// GrantRead is a look-up: the bytes become an input.
func (c *Ctx) GrantRead(i int, off uint64, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inGrantRead); ok {
		return c.loggedBytes(head, p, b), headErr(head)
	}
	if err := c.look(len(b)); err != uabi.OK {
		return 0, err
	}
	if c.orphan {
		return 0, c.done(inGrantRead, uabi.ErrStale)
	}
	n, err := c.k.GrantRead(i, off, b)
	c.logBytes(inGrantRead, err, b[:n])
	return n, err
}

// GrantWrite writes to the caller. It needs no intent: until the reply the caller's buffer is undefined. When the caller of an
// intent is gone it says that all was written, so that the request ends as it would have.
func (c *Ctx) GrantWrite(i int, off uint64, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inGrantWrite); ok {
		n, err := c.regave(head, p)
		return int(n), err
	}
	if err := c.look(wordSize); err != uabi.OK {
		return 0, err
	}
	n, err := len(b), uabi.OK
	if !c.orphan {
		n, err = c.k.GrantWrite(i, off, b)
	}
	c.log1(inGrantWrite, uint8(i), err, uint64(n))
	return n, err
}

// GrantToMemory is an effect: the bytes go from the caller into a memory object without passing through the journal.
func (c *Ctx) GrantToMemory(i int, off uint64, memory uabi.Handle, moff, n uint64) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inGrantToMemory); ok {
		return c.regave(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	if c.orphan {
		return c.gave(inGrantToMemory, 0, uabi.ErrStale)
	}
	v, err := c.k.GrantToMemory(i, off, memory, moff, n)
	return c.gave(inGrantToMemory, v, err)
}

// MemoryToGrant writes to the caller, as GrantWrite.
func (c *Ctx) MemoryToGrant(i int, off uint64, memory uabi.Handle, moff, n uint64) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inMemoryToGrant); ok {
		return c.regave(head, p)
	}
	if err := c.look(wordSize); err != uabi.OK {
		return 0, err
	}
	if c.orphan {
		return c.gave(inMemoryToGrant, n, uabi.OK)
	}
	v, err := c.k.MemoryToGrant(i, off, memory, moff, n)
	return c.gave(inMemoryToGrant, v, err)
}
