package uksim

import (
	"aramid/ukernel/uabi"
)

// parking is what a waiting alien waits for.
type parking struct {
	ev    *Event
	w     *waiter
	alarm *alarm
	firm  bool // no interrupt ends it
}

// trap enters the kernel from user mode and returns when the alien is back there (R1).
func (a *Alien) trap(cause uint32) {
	s := a.task.sim
	a.traps++
	a.cause = cause
	a.timeout = false
	a.deliverTrap(0, 0)
	a.task.block()
	if s.Tracing() {
		s.note(a.task.name, "goes on", a.regs.RIP, a.regs.RAX)
	}
}

// deliverTrap queues the trap at the handler.
func (a *Alien) deliverTrap(flags uint32, status int32) {
	a.state = alienTrapped
	r := &request{sim: a.task.sim, trap: true, alien: a, behalf: a, target: a.handle}
	r.msg.ID = uabi.ID{Origin: a.origin, Trap: a.traps}
	r.msg.Flags = flags
	r.msg.Status = status
	r.commit(nil)
	a.req = r
	r.ep().push(r)
}

// back delivers the same trap again: after a wait, or because a forwarded request failed.
func (a *Alien) back(flags uint32, status int32) {
	a.deliverTrap(flags|uabi.FlagRedeliver, status)
}

// fillTrap writes the trap into a receiver's In.
func (a *Alien) fillTrap(k *Native, r *request, in *uabi.Msg) {
	in.Kind = uabi.KindTrap
	in.W[0] = 0 // the only CPU
	in.Flags |= r.msg.Flags
	in.Status = r.msg.Status
	in.Trap = a.cause
	in.Regs = a.regs
	in.Record = a.rec
	if r.resend {
		in.Flags |= uabi.FlagRedeliver
	}
	if a.intr {
		in.Flags |= uabi.FlagInterrupt
	}
	if a.timeout {
		in.Flags |= uabi.FlagTimeout
	}
	for i, c := range a.recH {
		if !c.valid() {
			continue
		}
		if c.badge != nil {
			c.rights |= uabi.RightWeak
		}
		in.RecordHandle[i], _ = k.p.table.insert(c)
		r.recs[i] = in.RecordHandle[i]
	}
}

// closeRecs closes the record handles that a delivery of r installed.
func (k *Native) closeRecs(r *request) {
	for i, h := range r.recs {
		if h != 0 {
			k.p.table.remove(h)
			r.recs[i] = 0
		}
	}
}

// saveRecord stores Record and RecordHandle if Out asks for it (R2, R4).
func (k *Native) saveRecord() uabi.Error {
	out := k.buf.Out
	if out.Flags&uabi.FlagSaveRecord == 0 {
		return uabi.OK
	}
	if k.cur == nil || !k.cur.trap {
		return uabi.ErrArg
	}
	var caps [uabi.MaxHandles]capability
	for i, h := range out.RecordHandle {
		if h == 0 {
			continue
		}
		c, e := k.lookup(h, 0)
		if e != uabi.OK {
			return e
		}
		c.rights &^= uabi.RightWeak
		caps[i] = c
	}
	a := k.cur.alien
	old := a.recH
	a.rec = out.Record
	for _, c := range caps {
		c.hold()
	}
	a.recH = caps
	dropAll(old[:])
	return uabi.OK
}

// answerTrap does what the handler answers to a trap.
func (k *Native) answerTrap(r *request) uabi.Error {
	a, out := r.alien, k.buf.Out
	switch out.Kind {
	case uabi.AnswerResult, uabi.AnswerRegs, uabi.AnswerStop:
	case uabi.AnswerWait:
		if out.Wait.Event != 0 {
			if _, e := get[*Event](k, out.Wait.Event, 0); e != uabi.OK {
				return e
			}
		}
	case uabi.AnswerFutex:
		if out.Futex.Bitset == 0 || out.Futex.Addr%4 != 0 {
			return uabi.ErrArg
		}
	case uabi.AnswerForward:
		return k.forward(r)
	default:
		return uabi.ErrArg
	}
	if e := k.saveRecord(); e != uabi.OK {
		return e
	}
	if k.sim.Tracing() {
		k.sim.note(k.name, "answers "+r.text(), uint64(out.Kind), out.W[0])
	}
	k.cur = nil
	a.req = nil
	k.closeRecs(r)
	switch out.Kind {
	case uabi.AnswerResult:
		a.regs.RAX = out.W[0]
		a.answered()
	case uabi.AnswerRegs:
		a.regs = *argRegs(k.buf.Arg)
		a.answered()
	case uabi.AnswerStop:
		a.state = alienParked
		if a.killed {
			a.die()
		} else if a.intr {
			a.back(0, 0)
		}
	case uabi.AnswerWait:
		var ev *Event
		if out.Wait.Event != 0 {
			ev, _ = get[*Event](k, out.Wait.Event, 0)
		}
		a.waitFor(ev, out.Wait, out.Flags&uabi.FlagFirm != 0)
		if out.Flags&uabi.FlagCloseEvent != 0 {
			k.p.table.remove(out.Wait.Event)
		}
	case uabi.AnswerFutex:
		a.waitFutex(out.Futex, out.Wait.Deadline)
	}
	r.release()
	return uabi.OK
}

// answered ends the trap: record and pins fall (R2, R5), the alien goes on in user mode.
func (a *Alien) answered() {
	a.rec = [uabi.RecordWords]uint64{}
	dropAll(a.recH[:])
	dropAll(a.pins)
	a.pins = a.pins[:0]
	a.timeout = false
	if a.killed {
		a.die()
		return
	}
	a.state = alienRunning
	a.task.wake()
}

// waitFor parks the alien until an event, a deadline or, unless it waits firmly, an interrupt; at once if one is there already (R11, R12).
func (a *Alien) waitFor(ev *Event, w uabi.WaitSpec, firm bool) {
	switch {
	case a.killed:
		a.die()
		return
	case (a.intr || a.timeout) && !firm:
		a.back(0, 0)
		return
	case ev != nil && ev.ready(w.Mask, w.Since) != 0:
		a.back(uabi.FlagEvent, 0)
		return
	}
	s := a.task.sim
	if w.Deadline != uabi.NoDeadline && w.Deadline <= s.now {
		a.timeout = true
		a.back(0, 0)
		return
	}
	a.state = alienWaiting
	p := &parking{ev: ev, firm: firm}
	a.park = p
	if ev != nil {
		ref(ev)
		p.w = ev.await(w.Mask, w.Since, func(uint32) { a.unparkFor(uabi.FlagEvent) })
	}
	a.parkAlarm(w.Deadline)
}

func (a *Alien) parkAlarm(deadline uint64) {
	if deadline == uabi.NoDeadline {
		return
	}
	a.park.alarm = a.task.sim.at(deadline, func() {
		a.timeout = true
		a.unparkFor(0)
	})
}

// unpark ends the wait.
func (a *Alien) unpark() {
	p := a.park
	if p == nil {
		return
	}
	a.park = nil
	if p.alarm != nil {
		p.alarm.off = true
	}
	if p.w != nil {
		p.w.off()
	}
	if a.futexOn != nil {
		a.task.sim.futexLeave(a)
	}
	if p.ev != nil {
		unref(p.ev)
	}
}

// unparkFor ends the wait and delivers the trap again.
func (a *Alien) unparkFor(flags uint32) {
	a.unpark()
	if a.killed {
		a.die()
		return
	}
	a.back(flags, 0)
}

// forward sends Out to Target with the alien's reply right (R3).
func (k *Native) forward(r *request) uabi.Error {
	a, out := r.alien, k.buf.Out
	if out.Len > uabi.MaxForward {
		return uabi.ErrSize
	}
	if k.buf.In.Flags&(uabi.FlagInterrupt|uabi.FlagTimeout) != 0 && (a.intr || a.timeout) {
		return uabi.ErrInterrupted // R12: a trap that was shown with a level up is not forwarded
	}
	f, e := k.outgoing(out.Target)
	if e != uabi.OK {
		return e
	}
	if f.msg.ID.Origin != 0 && (f.msg.ID.Origin != a.origin || f.msg.ID.Trap != a.traps) {
		return uabi.ErrStale
	}
	if e := k.saveRecord(); e != uabi.OK {
		return e
	}
	if a.load = nil; out.Flags&uabi.FlagRegs != 0 {
		regs := *argRegs(k.buf.Arg)
		a.load = &regs
	}
	f.forward, f.alien, f.behalf = true, a, a
	f.commit(k.buf.OutBytes)
	k.cur = nil
	k.closeRecs(r)
	r.release()
	a.req = f
	if k.sim.Tracing() {
		k.sim.note(k.name, "forwards to "+f.ep().name(), uint64(f.msg.Method), f.msg.ID.Trap)
	}
	f.ep().push(f)
	return uabi.OK
}

// forwarded is the answer to a forwarded request: success goes straight to the alien, the rest to the handler.
func (a *Alien) forwarded(r *request, out *uabi.Msg, ev *Event) {
	if a.req != r || a.state == alienGone {
		return
	}
	a.req = nil
	switch {
	case out.Kind == uabi.AnswerWait:
		a.waitFor(ev, out.Wait, false)
	case out.Status != 0:
		a.back(uabi.FlagFailed, out.Status)
	default:
		a.regs.RAX = out.W[0]
		if a.load != nil {
			a.regs = *a.load
		}
		a.answered()
	}
}

// alienOf is the alien whose memory the thread may reach now.
func (k *Native) alienOf() *Alien {
	if k.cur == nil {
		return nil
	}
	return k.cur.alien
}

// AlienRead is uk.Kernel's.
func (k *Native) AlienRead(va uint64, b []byte) (int, uabi.Error) {
	k.enter("alien.read")
	return k.alienCopy(va, b, false)
}

// AlienWrite is uk.Kernel's.
func (k *Native) AlienWrite(va uint64, b []byte) (int, uabi.Error) {
	k.enter("alien.write")
	return k.alienCopy(va, b, true)
}

func (k *Native) alienCopy(va uint64, b []byte, write bool) (int, uabi.Error) {
	a := k.alienOf()
	if a == nil || !k.cur.trap {
		return 0, uabi.ErrStale
	}
	return a.space.copy(va, b, write)
}

// stateSize is the size of an FXSAVE area in bytes (Intel SDM 1, 10.5.1).
const stateSize = 512

// AlienState is uk.Kernel's. Simulated aliens have the area, but nothing of their programs is in it.
func (k *Native) AlienState(va uint64, write bool) uabi.Error {
	k.enter("alien.state")
	a := k.alienOf()
	if a == nil || !k.cur.trap {
		return uabi.ErrStale
	}
	b := a.fx
	n, err := a.space.copy(va, b[:], !write)
	switch {
	case err != uabi.OK:
		return err
	case n < stateSize:
		return uabi.ErrFault
	case write:
		a.fx = b
	}
	return uabi.OK
}

// AlienString is uk.Kernel's.
func (k *Native) AlienString(va uint64, b []byte) (int, uabi.Error) {
	k.enter("alien.string")
	a := k.alienOf()
	if a == nil || !k.cur.trap {
		return 0, uabi.ErrStale
	}
	n := a.space.read(va, b)
	for i := range n {
		if b[i] == 0 {
			return i, uabi.OK
		}
	}
	if n < len(b) {
		return 0, uabi.ErrFault
	}
	return 0, uabi.ErrSize
}
