package server

import "aramid/ukernel/uabi"

// SpaceCreate is an effect.
func (c *Ctx) SpaceCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceCreate); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.SpaceCreate(account)
	return c.made(inSpaceCreate, h, err)
}

// SpaceClone is an effect.
func (c *Ctx) SpaceClone(h, account uabi.Handle) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceClone); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.SpaceClone(h, account)
	return c.made(inSpaceClone, h, err)
}

// SpaceMap is an effect. Choose the address first and fix it, so that doing it twice is doing it once.
func (c *Ctx) SpaceMap(h uabi.Handle, a uabi.MapArgs) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceMap); ok {
		return c.regave(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	v, err := c.k.SpaceMap(h, a)
	return c.gave(inSpaceMap, v, err)
}

// SpaceUnmap is an effect.
func (c *Ctx) SpaceUnmap(h uabi.Handle, va, n uint64) uabi.Error {
	if head, _, ok := c.replaying(inSpaceUnmap); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inSpaceUnmap, c.k.SpaceUnmap(h, va, n))
}

// SpaceProtect is an effect.
func (c *Ctx) SpaceProtect(h uabi.Handle, va, n uint64, prot uint32) uabi.Error {
	if head, _, ok := c.replaying(inSpaceProtect); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inSpaceProtect, c.k.SpaceProtect(h, va, n, prot))
}

// SpaceMove is an effect, done once.
func (c *Ctx) SpaceMove(h uabi.Handle, old, oldLen, to, toLen uint64) uabi.Error {
	if head, _, ok := c.replaying(inSpaceMove); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	r, _, err, done := c.receipt(inSpaceMove)
	if !done {
		err = c.k.SpaceMoveOnce(r, h, old, oldLen, to, toLen)
	}
	return c.done(inSpaceMove, err)
}

// SpaceTag is an effect.
func (c *Ctx) SpaceTag(h uabi.Handle, va, n, tag uint64) uabi.Error {
	if head, _, ok := c.replaying(inSpaceTag); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inSpaceTag, c.k.SpaceTag(h, va, n, tag))
}

// SpaceQuery is a look-up.
func (c *Ctx) SpaceQuery(h uabi.Handle, va uint64) (uabi.RegionInfo, bool, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceQuery); ok {
		if head>>inSizeShift == 0 {
			return uabi.RegionInfo{}, false, headErr(head)
		}
		w := c.s.kept.w[p : p+regionWords]
		return uabi.RegionInfo{Va: w[0], Len: w[1], Off: w[2], Tag: w[3], Memory: w[4], Flags: uint32(w[5]), Resident: w[6]}, true, uabi.OK
	}
	if err := c.look(regionWords * wordSize); err != uabi.OK {
		return uabi.RegionInfo{}, false, err
	}
	r, ok, err := c.k.SpaceQuery(h, va)
	if c.mode == modeLookup {
		return r, ok, err
	}
	if !ok {
		c.log0(inSpaceQuery, err)
		return r, false, err
	}
	w := c.s.kept.w[c.tail : c.tail+1+regionWords]
	w[0] = inHead(inSpaceQuery, 0, err, regionWords*wordSize)
	w[1], w[2], w[3], w[4], w[5], w[6], w[7] = r.Va, r.Len, r.Off, r.Tag, r.Memory, uint64(r.Flags), r.Resident
	c.advance(c.tail + 1 + regionWords)
	return r, true, err
}

// regionWords is the size of a logged uabi.RegionInfo.
const regionWords = 7

// SpaceGap is a look-up.
func (c *Ctx) SpaceGap(h uabi.Handle, n, low, high uint64, flags uint32) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceGap); ok {
		return c.regave(head, p)
	}
	if err := c.look(wordSize); err != uabi.OK {
		return 0, err
	}
	v, err := c.k.SpaceGap(h, n, low, high, flags)
	return c.gave(inSpaceGap, v, err)
}

// SpaceDiscard is an effect.
func (c *Ctx) SpaceDiscard(h uabi.Handle, va, n uint64) uabi.Error {
	if head, _, ok := c.replaying(inSpaceDiscard); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inSpaceDiscard, c.k.SpaceDiscard(h, va, n))
}

// SpacePunch is an effect.
func (c *Ctx) SpacePunch(h uabi.Handle, va, n uint64) uabi.Error {
	if head, _, ok := c.replaying(inSpacePunch); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inSpacePunch, c.k.SpacePunch(h, va, n))
}

// SpaceTouch is an effect.
func (c *Ctx) SpaceTouch(h uabi.Handle, va, n uint64, write bool) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceTouch); ok {
		return c.regave(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	done, err := c.k.SpaceTouch(h, va, n, write)
	return c.gave(inSpaceTouch, done, err)
}

// SpacePresent is a look-up.
func (c *Ctx) SpacePresent(h uabi.Handle, va uint64) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inSpacePresent); ok {
		return c.regave(head, p)
	}
	if err := c.look(wordSize); err != uabi.OK {
		return 0, err
	}
	bits, err := c.k.SpacePresent(h, va)
	return c.gave(inSpacePresent, bits, err)
}

// SpaceInfo is a look-up.
func (c *Ctx) SpaceInfo(h uabi.Handle) (uint64, uint64, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceInfo); ok {
		return c.regave2(head, p)
	}
	if err := c.look(2 * wordSize); err != uabi.OK {
		return 0, 0, err
	}
	a, b, err := c.k.SpaceInfo(h)
	return c.gave2(inSpaceInfo, a, b, err)
}

// SpaceRead is a look-up whose bytes become an input.
func (c *Ctx) SpaceRead(h uabi.Handle, va uint64, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceRead); ok {
		return c.loggedBytes(head, p, b), headErr(head)
	}
	if err := c.look(len(b)); err != uabi.OK {
		return 0, err
	}
	n, err := c.k.SpaceRead(h, va, b)
	c.logBytes(inSpaceRead, err, b[:n])
	return n, err
}

// SpaceWrite is an effect.
func (c *Ctx) SpaceWrite(h uabi.Handle, va uint64, b []byte) (int, uabi.Error) {
	if head, p, ok := c.replaying(inSpaceWrite); ok {
		n, err := c.regave(head, p)
		return int(n), err
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	n, err := c.k.SpaceWrite(h, va, b)
	c.log1(inSpaceWrite, 0, err, uint64(n))
	return n, err
}
