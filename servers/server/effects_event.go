package server

import "aramid/ukernel/uabi"

// EventCreate is an effect.
func (c *Ctx) EventCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inEventCreate); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.EventCreate(account)
	return c.made(inEventCreate, h, err)
}

// EventUpdate is an effect.
func (c *Ctx) EventUpdate(h uabi.Handle, set, clear, raise uint32) (uint64, uabi.Error) {
	if head, p, ok := c.replaying(inEventUpdate); ok {
		return c.regave(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	v, err := c.k.EventUpdate(h, set, clear, raise)
	return c.gave(inEventUpdate, v, err)
}

// EventLater is EventUpdate in the kernel step that sends the answer, without an entry and a record of its own. Nothing is done if the handler
// fails or waits. The handler must not look at the event, or change it with EventUpdate, afterwards.
//
// It is the handler that says again, in replay, what is to be done: only the last record's answer can be unsent, so a start does that one's.
func (c *Ctx) EventLater(h uabi.Handle, set, clear, raise uint32) {
	l := &c.later
	switch {
	case c.mode == modeLookup || h == 0:
	case c.own || l.Event != 0 && l.Event != h:
		c.EventUpdate(h, set, clear, raise)
	default:
		l.Event = h
		l.Raise |= raise | l.Set&clear
		l.Set, l.Clear = l.Set&^clear|set, l.Clear&^set|clear
	}
}

// EventRead is a look-up.
func (c *Ctx) EventRead(h uabi.Handle) (uint32, uint64, uabi.Error) {
	if head, p, ok := c.replaying(inEventRead); ok {
		level, seq, err := c.regave2(head, p)
		return uint32(level), seq, err
	}
	if err := c.look(2 * wordSize); err != uabi.OK {
		return 0, 0, err
	}
	level, seq, err := c.k.EventRead(h)
	c.log2(inEventRead, err, uint64(level), seq)
	return level, seq, err
}

// WaitSetCreate is an effect.
func (c *Ctx) WaitSetCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inWaitSetCreate); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.WaitSetCreate(account)
	return c.made(inWaitSetCreate, h, err)
}

// WaitSetAdd is an effect.
func (c *Ctx) WaitSetAdd(set, member uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	if head, _, ok := c.replaying(inWaitSetAdd); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inWaitSetAdd, c.k.WaitSetAdd(set, member, key, mask, data, flags))
}

// WaitSetModify is an effect.
func (c *Ctx) WaitSetModify(set uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	if head, _, ok := c.replaying(inWaitSetModify); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inWaitSetModify, c.k.WaitSetModify(set, key, mask, data, flags))
}

// WaitSetRemove is an effect.
func (c *Ctx) WaitSetRemove(set uabi.Handle, key uint64) uabi.Error {
	if head, _, ok := c.replaying(inWaitSetRemove); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inWaitSetRemove, c.k.WaitSetRemove(set, key))
}

// WaitSetTake is an effect, done once: it consumes edges and one-shots. What it gave is an input.
func (c *Ctx) WaitSetTake(set uabi.Handle, out []uabi.WaitReady) (int, uabi.Error) {
	if head, p, ok := c.replaying(inWaitSetTake); ok {
		n := int(head>>inSizeShift) / (readyWords * wordSize)
		for i := range out[:n] {
			w := c.s.kept.w[p+readyWords*i:]
			out[i] = uabi.WaitReady{Key: w[0], Data: w[1], Bits: uint32(w[2])}
		}
		return n, headErr(head)
	}
	out = out[:min(len(out), uabi.MaxReady)]
	if err := c.effect(len(out) * readyWords * wordSize); err != uabi.OK {
		return 0, err
	}
	r, v, err, done := c.receipt(inWaitSetTake)
	n := int(v)
	if done {
		r.Ready(out[:n])
	} else {
		n, err = c.k.WaitSetTakeOnce(r, set, out)
	}
	w := c.s.kept.w[c.tail : c.tail+1+readyWords*n]
	w[0] = inHead(inWaitSetTake, 0, err, readyWords*n*wordSize)
	for i, r := range out[:n] {
		w[1+readyWords*i], w[2+readyWords*i], w[3+readyWords*i] = r.Key, r.Data, uint64(r.Bits)
	}
	c.advance(c.tail + 1 + readyWords*n)
	return n, err
}

// readyWords is the size of a logged uabi.WaitReady.
const readyWords = 3

// WaitSetEvent is an effect.
func (c *Ctx) WaitSetEvent(set uabi.Handle) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inWaitSetEvent); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.WaitSetEvent(set)
	return c.made(inWaitSetEvent, h, err)
}

// TimerCreate is an effect.
func (c *Ctx) TimerCreate(account, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inTimerCreate); ok {
		return c.remade(head, p)
	}
	if err := c.effect(wordSize); err != uabi.OK {
		return 0, err
	}
	h, err := c.k.TimerCreate(account, event, bits)
	return c.made(inTimerCreate, h, err)
}

// TimerSet is an effect.
func (c *Ctx) TimerSet(h uabi.Handle, deadline, interval uint64) uabi.Error {
	if head, _, ok := c.replaying(inTimerSet); ok {
		return headErr(head)
	}
	if err := c.effect(0); err != uabi.OK {
		return err
	}
	return c.done(inTimerSet, c.k.TimerSet(h, deadline, interval))
}
