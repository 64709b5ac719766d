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

// GrantRead is a look-up: the bytes become an input. ErrStale: they are gone with the caller (finish).
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

// GrantWrite writes to the caller. It needs no intent: until the reply the caller's buffer is undefined. ErrStale: it is gone with the caller (finish).
func (c *Ctx) GrantWrite(i int, off uint64, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inGrantWrite); ok {
		n, err := c.regave(head, p)
		return int(n), err
	}
	if err := c.look(wordSize); err != uabi.OK {
		return 0, err
	}
	if c.orphan {
		v, err := c.unwritten(uint64(len(b)))
		c.log1(inGrantWrite, uint8(i), err, v)
		return int(v), err
	}
	n, err := c.k.GrantWrite(i, off, b)
	c.log1(inGrantWrite, uint8(i), err, uint64(n))
	return n, err
}

// unwritten is what an orphan's write of n bytes to its caller gives: ErrStale as long as the intent can be undone, else all, so that the request ends
// as it would have.
func (c *Ctx) unwritten(n uint64) (uint64, uabi.Error) {
	if c.calls == 0 {
		return 0, uabi.ErrStale
	}
	return n, uabi.OK
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
		v, err := c.unwritten(n)
		return c.gave(inMemoryToGrant, v, err)
	}
	v, err := c.k.MemoryToGrant(i, off, memory, moff, n)
	return c.gave(inMemoryToGrant, v, err)
}
