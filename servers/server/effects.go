package server

import (
	"aramid/ukernel/uabi"
)

// The kernel calls of a handler. Each has the name and signature of uk.Kernel's method and follows one pattern: answer from the
// log when replaying; else make sure that the input fits, make the intent if it is an effect, do it, log what it gave.

// done logs an effect without a result.
func (c *Ctx) done(kind input, err uabi.Error) uabi.Error {
	c.log0(kind, err)
	return err
}

// made logs a new handle, which is closed again if the handler fails.
func (c *Ctx) made(kind input, h uabi.Handle, err uabi.Error) (uabi.Handle, uabi.Error) {
	c.log1(kind, 0, err, uint64(h))
	if err == uabi.OK {
		c.got = append(c.got, h)
	}
	return h, err
}

// remade is made in replay.
func (c *Ctx) remade(head uint64, p int) (uabi.Handle, uabi.Error) {
	if err := headErr(head); err != uabi.OK {
		return 0, err
	}
	h := uabi.Handle(c.logged1(p))
	c.got = append(c.got, h)
	return h, uabi.OK
}

// gave logs an effect's or a look-up's one word.
func (c *Ctx) gave(kind input, v uint64, err uabi.Error) (uint64, uabi.Error) {
	c.log1(kind, 0, err, v)
	return v, err
}

// gave2 logs two words.
func (c *Ctx) gave2(kind input, a, b uint64, err uabi.Error) (uint64, uint64, uabi.Error) {
	c.log2(kind, err, a, b)
	return a, b, err
}

// regave and regave2 are those in replay.
func (c *Ctx) regave(head uint64, p int) (uint64, uabi.Error) {
	if head>>inSizeShift == 0 {
		return 0, headErr(head)
	}
	return c.logged1(p), headErr(head)
}

func (c *Ctx) regave2(head uint64, p int) (uint64, uint64, uabi.Error) {
	if head>>inSizeShift == 0 {
		return 0, 0, headErr(head)
	}
	a, b := c.logged2(p)
	return a, b, headErr(head)
}

// look makes sure that a look-up's result of that many bytes can be logged.
func (c *Ctx) look(bytes int) uabi.Error {
	if !c.room(bytes) {
		return uabi.ErrNoMem
	}
	return uabi.OK
}

// Dup is a look-up: a handle more that nobody else sees.
func (c *Ctx) Dup(h uabi.Handle, rights uint32) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inDup); ok {
		return c.remade(head, p)
	}
	if err := c.look(wordSize); err != uabi.OK {
		return 0, err
	}
	d, err := c.k.Dup(h, rights)
	return c.made(inDup, d, err)
}

// HandleInfo is a look-up.
func (c *Ctx) HandleInfo(h uabi.Handle) (uabi.Type, uint32, uint64, uabi.Error) {
	if head, p, ok := c.replaying(inInfo); ok {
		v, badge, err := c.regave2(head, p)
		return uabi.Type(v >> 32), uint32(v), badge, err
	}
	if err := c.look(2 * wordSize); err != uabi.OK {
		return 0, 0, 0, err
	}
	t, rights, badge, err := c.k.HandleInfo(h)
	c.log2(inInfo, err, uint64(t)<<32|uint64(rights), badge)
	return t, rights, badge, err
}

// Bind makes raises of an event arrive as Spec.Event calls with that key.
func (c *Ctx) Bind(event uabi.Handle, key uint64, mask uint32) uabi.Error {
	if head, _, ok := c.replaying(inBind); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inBind, c.k.Bind(uabi.BootEndpoint, event, key, mask))
}

// EndpointCreate is an effect.
func (c *Ctx) EndpointCreate(account uabi.Handle, rank uint32) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inEndpoint); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.EndpointCreate(account, rank)
	return c.made(inEndpoint, h, err)
}

// AccountCreate is an effect.
func (c *Ctx) AccountCreate(parent uabi.Handle, frames, objects uint64) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inAccountCreate); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.AccountCreate(parent, frames, objects)
	return c.made(inAccountCreate, h, err)
}

// AccountLimit is an effect.
func (c *Ctx) AccountLimit(h uabi.Handle, frames, objects uint64) uabi.Error {
	if head, _, ok := c.replaying(inAccountLimit); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inAccountLimit, c.k.AccountLimit(h, frames, objects))
}

// FramesFree is a look-up: how many of the machine's frames nobody has.
func (c *Ctx) FramesFree() (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inFramesFree); ok {
		return c.regave(head, p)
	}
	if err := c.look(wordSize); err != uabi.OK {
		return 0, err
	}
	var info uabi.SystemInfo
	err := c.k.SystemInfo(&info)
	return c.gave(inFramesFree, info.FramesFree, err)
}

// AccountInfo is a look-up.
func (c *Ctx) AccountInfo(h uabi.Handle) (uint64, uint64, uabi.Error) {
	if head, p, ok := c.replaying(inAccountInfo); ok {
		return c.regave2(head, p)
	}
	if err := c.look(2 * wordSize); err != uabi.OK {
		return 0, 0, err
	}
	frames, objects, err := c.k.AccountInfo(h)
	return c.gave2(inAccountInfo, frames, objects, err)
}
