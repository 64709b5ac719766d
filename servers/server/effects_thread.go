package server

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// ThreadCreate is an effect.
func (c *Ctx) ThreadCreate(account, space, handler uabi.Handle) (uabi.Handle, uint64, uabi.Error) {
	if head, p, ok := c.replaying(inThreadCreate); ok {
		h, origin, err := c.regave2(head, p)
		if err == uabi.OK {
			c.got = append(c.got, uabi.Handle(h))
		}
		return uabi.Handle(h), origin, err
	}
	if err := c.effect(2 * wordSize); err != uabi.OK {
		return 0, 0, err
	}
	h, origin, err := c.k.ThreadCreate(account, space, handler)
	c.log2(inThreadCreate, err, uint64(h), origin)
	if err == uabi.OK {
		c.got = append(c.got, h)
	}
	return h, origin, err
}

// ThreadSetRegs is an effect.
func (c *Ctx) ThreadSetRegs(h uabi.Handle, r *uabi.Regs) uabi.Error {
	if head, _, ok := c.replaying(inThreadSetRegs); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadSetRegs, c.k.ThreadSetRegs(h, r))
}

// ThreadGetRegs is a look-up.
func (c *Ctx) ThreadGetRegs(h uabi.Handle, r *uabi.Regs) uabi.Error {
	if head, p, ok := c.replaying(inThreadGetRegs); ok {
		if head>>inSizeShift != 0 {
			regsFrom(r, c.s.kept.w[p:p+regsWords])
		}
		return headErr(head)
	}
	if err := c.look(regsWords * wordSize); err != uabi.OK {
		return err
	}
	err := c.k.ThreadGetRegs(h, r)
	switch {
	case c.mode == modeLookup:
	case err != uabi.OK:
		c.log0(inThreadGetRegs, err)
	default:
		c.s.kept.w[c.tail] = inHead(inThreadGetRegs, 0, err, regsWords*wordSize)
		regsTo(c.s.kept.w[c.tail+1:c.tail+1+regsWords], r)
		c.advance(c.tail + 1 + regsWords)
	}
	return err
}

// regsWords is the size of a logged uabi.Regs.
const regsWords = 24

func regsTo(w []uint64, r *uabi.Regs) {
	w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7] = r.RAX, r.RBX, r.RCX, r.RDX, r.RSI, r.RDI, r.RBP, r.RSP
	w[8], w[9], w[10], w[11], w[12], w[13], w[14], w[15] = r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15
	w[16], w[17], w[18], w[19] = r.RIP, r.Flags, r.FSBase, r.GSBase
	w[20], w[21], w[22], w[23] = r.Vector, r.Code, r.Addr, r.OrigRAX
}

func regsFrom(r *uabi.Regs, w []uint64) {
	r.RAX, r.RBX, r.RCX, r.RDX, r.RSI, r.RDI, r.RBP, r.RSP = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7]
	r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15 = w[8], w[9], w[10], w[11], w[12], w[13], w[14], w[15]
	r.RIP, r.Flags, r.FSBase, r.GSBase = w[16], w[17], w[18], w[19]
	r.Vector, r.Code, r.Addr, r.OrigRAX = w[20], w[21], w[22], w[23]
}

// ThreadCopyState is an effect.
func (c *Ctx) ThreadCopyState(h, from uabi.Handle) uabi.Error {
	if head, _, ok := c.replaying(inThreadCopyState); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadCopyState, c.k.ThreadCopyState(h, from))
}

// ThreadContext is an effect.
func (c *Ctx) ThreadContext(h uabi.Handle, words *[uabi.ContextWords]uint64) uabi.Error {
	if head, _, ok := c.replaying(inThreadContext); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadContext, c.k.ThreadContext(h, words))
}

// ThreadStart is an effect.
func (c *Ctx) ThreadStart(h uabi.Handle) uabi.Error {
	if head, _, ok := c.replaying(inThreadStart); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadStart, c.k.ThreadStart(h))
}

// ThreadSpace is an effect.
func (c *Ctx) ThreadSpace(h, space uabi.Handle) uabi.Error {
	if head, _, ok := c.replaying(inThreadSpace); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadSpace, c.k.ThreadSpace(h, space))
}

// ThreadInterrupt is an effect.
func (c *Ctx) ThreadInterrupt(h uabi.Handle, on bool) uabi.Error {
	if head, _, ok := c.replaying(inThreadInterrupt); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadInterrupt, c.k.ThreadInterrupt(h, on))
}

// ThreadKill is an effect.
func (c *Ctx) ThreadKill(h uabi.Handle) uabi.Error {
	if head, _, ok := c.replaying(inThreadKill); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadKill, c.k.ThreadKill(h))
}

// ThreadEvent is an effect.
func (c *Ctx) ThreadEvent(h, event uabi.Handle, bits uint32) uabi.Error {
	if head, _, ok := c.replaying(inThreadEvent); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inThreadEvent, c.k.ThreadEvent(h, event, bits))
}

// ThreadInfo is a look-up.
func (c *Ctx) ThreadInfo(h uabi.Handle) (uk.ThreadInfo, uabi.Error) {
	if head, p, ok := c.replaying(inThreadInfo); ok {
		if head>>inSizeShift == 0 {
			return uk.ThreadInfo{}, headErr(head)
		}
		w := c.s.kept.w[p : p+infoWords]
		return uk.ThreadInfo{State: uint32(w[0]), UserNS: w[1], SystemNS: w[2], Traps: w[3], Origin: w[4]}, headErr(head)
	}
	if err := c.look(infoWords * wordSize); err != uabi.OK {
		return uk.ThreadInfo{}, err
	}
	v, err := c.k.ThreadInfo(h)
	if c.mode == modeLookup {
		return v, err
	}
	w := c.s.kept.w[c.tail : c.tail+1+infoWords]
	w[0] = inHead(inThreadInfo, 0, err, infoWords*wordSize)
	w[1], w[2], w[3], w[4], w[5] = uint64(v.State), v.UserNS, v.SystemNS, v.Traps, v.Origin
	c.advance(c.tail + 1 + infoWords)
	return v, err
}

// infoWords is the size of a logged uk.ThreadInfo.
const infoWords = 5

// FutexWake is an effect.
func (c *Ctx) FutexWake(space uabi.Handle, addr uint64, n, bitset uint32, shared bool) (uint32, uabi.Error) {
	if head, p, ok := c.replaying(inFutexWake); ok {
		v, err := c.regave(head, p)
		return uint32(v), err
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	v, err := c.k.FutexWake(space, addr, n, bitset, shared)
	c.log1(inFutexWake, 0, err, uint64(v))
	return v, err
}

// FutexRequeue is an effect.
func (c *Ctx) FutexRequeue(addr uint64, wake uint32, addr2 uint64, requeue, value, flags uint32) (uint32, uabi.Error) {
	if head, p, ok := c.replaying(inFutexRequeue); ok {
		v, err := c.regave(head, p)
		return uint32(v), err
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	v, err := c.k.FutexRequeue(addr, wake, addr2, requeue, value, flags)
	c.log1(inFutexRequeue, 0, err, uint64(v))
	return v, err
}

// FutexOp is an effect.
func (c *Ctx) FutexOp(addr uint64, wake uint32, addr2 uint64, wake2, op uint32, shared bool) (uint32, uabi.Error) {
	if head, p, ok := c.replaying(inFutexOp); ok {
		v, err := c.regave(head, p)
		return uint32(v), err
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	v, err := c.k.FutexOp(addr, wake, addr2, wake2, op, shared)
	c.log1(inFutexOp, 0, err, uint64(v))
	return v, err
}
