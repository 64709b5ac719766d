package server

import (
	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

var _ ipc.Caller = (*Ctx)(nil)

// callWords is the room a nested reply takes in the log beside its bytes.
const callWords = 1 + uabi.MaxWords + 2*uabi.MaxHandles

// waitWords is the room of a WaitSpec.
const waitWords = 3

// Buffer implements ipc.Caller.
func (c *Ctx) Buffer() *uk.Buffer { return c.b }

// LastWait implements ipc.Caller.
func (c *Ctx) LastWait() uabi.WaitSpec { return c.lastWait }

// Exchange implements ipc.Caller: a nested call. A mutating one has the request's id with this server's step number in its
// path (R7) and comes after the intent (R8). What the reply says is an input.
func (c *Ctx) Exchange(h uabi.Handle, method uint32, mutates bool) uabi.Error {
	if mutates {
		c.calls++
	}
	if head, p, ok := c.replaying(inCall); ok {
		return c.replayCall(head, p, mutates)
	}
	size := (callWords + waitWords) * wordSize
	if mutates {
		if err := c.effect(size + uabi.MaxBytes); err != uabi.OK {
			return err
		}
	} else if !c.room(size + uabi.MaxBytes) {
		return uabi.ErrNoMem
	}
	m := c.b.Out
	m.Kind = uabi.KindCall
	m.Flags = c.s.b.In.Flags & uabi.FlagInterrupt
	m.Method = method
	m.Status = 0
	m.ID = uabi.ID{}
	if mutates {
		m.ID = c.id
		m.ID.Path |= uint64(c.calls) << uabi.PathShift(c.s.spec.Rank)
	}
	if c.s.fault.on {
		c.s.step(stepCall)
	}
	err := c.k.Call(h)
	if c.s.fault.on {
		c.s.step(stepCalled)
	}
	if m.Kind != uabi.KindReply {
		// No reply: the words are still the request's own.
		m.Len, m.NHandles = 0, 0
	}
	c.noteReply(err, mutates)
	if err == uabi.ErrWait && m.Wait.Event != 0 {
		c.closing = append(c.closing, m.Wait.Event) // it may be what this request waits for: closed once that is answered
	}
	c.logCall(err)
	return err
}

// noteReply takes note of what a nested reply brought.
func (c *Ctx) noteReply(err uabi.Error, mutates bool) {
	m := c.b.Out
	switch err {
	case uabi.OK:
		c.arriveReply()
	case uabi.ErrWait:
		c.lastWait = m.Wait
	}
	if mutates && err == uabi.OK {
		c.nested++
	}
}

func (c *Ctx) arriveReply() {
	m := c.b.Out
	for i := 0; i < int(m.NHandles) && i < uabi.MaxHandles; i++ {
		c.came(m.Handle[i], m.Record[i])
	}
}

// logCall appends the reply in Out: sizes; words or bytes; handles with their badges. Of ErrWait: the wait.
func (c *Ctx) logCall(err uabi.Error) {
	if c.mode == modeLookup {
		return
	}
	k, m := c.s.kept, c.b.Out
	start := c.tail + 1
	at := start
	switch {
	case err == uabi.OK:
		nh := int(min(m.NHandles, uabi.MaxHandles))
		n := int(min(m.Len, uabi.MaxBytes))
		k.w[at] = uint64(n) | uint64(nh)<<inSizeShift
		at++
		if n == 0 {
			at += copy(k.w[at:at+uabi.MaxWords], m.W[:])
		} else {
			at = k.putBytes(at, c.b.OutBytes[:n])
		}
		for i := 0; i < nh; i++ {
			k.w[at], k.w[at+1] = uint64(m.Handle[i]), m.Record[i]
			at += 2
		}
	case err == uabi.ErrWait:
		k.w[at] = uint64(m.Wait.Event) | uint64(m.Wait.Mask)<<inSizeShift
		k.w[at+1], k.w[at+2] = m.Wait.Since, m.Wait.Deadline
		at += waitWords
	}
	k.w[c.tail] = inHead(inCall, 0, err, (at-start)*wordSize)
	c.advance(at)
}

// replayCall puts a logged reply where the client looks for it.
func (c *Ctx) replayCall(head uint64, at int, mutates bool) uabi.Error {
	k, m := c.s.kept, c.b.Out
	err := headErr(head)
	m.Len, m.NHandles = 0, 0
	switch {
	case head>>inSizeShift == 0:
	case err == uabi.OK:
		n, nh := int(k.w[at]&lenMask), int(k.w[at]>>inSizeShift)
		at++
		m.Len, m.NHandles = uint32(n), uint32(nh)
		if n == 0 {
			at += copy(m.W[:], k.w[at:at+uabi.MaxWords])
		} else {
			copy(c.b.OutBytes, k.bytesAt(at, n))
			at += wordsOf(n)
		}
		for i := 0; i < nh; i++ {
			m.Handle[i], m.Record[i] = uabi.Handle(k.w[at]), k.w[at+1]
			at += 2
		}
	case err == uabi.ErrWait:
		m.Wait = uabi.WaitSpec{
			Event: uabi.Handle(k.w[at]), Mask: uint32(k.w[at] >> inSizeShift),
			Since: k.w[at+1], Deadline: k.w[at+2],
		}
	}
	c.noteReply(err, mutates)
	return err
}
