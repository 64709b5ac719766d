package uksim

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// ThreadCreate is uk.Kernel's.
func (k *Native) ThreadCreate(account, space, handler uabi.Handle) (uabi.Handle, uint64, uabi.Error) {
	k.enter("thread.create")
	acc, e := get[*Account](k, account, 0)
	if e != uabi.OK {
		return 0, 0, e
	}
	sp, e := get[*Space](k, space, uabi.RightManage)
	if e != uabi.OK {
		return 0, 0, e
	}
	c, e := k.lookup(handler, uabi.RightCall)
	if e != uabi.OK {
		return 0, 0, e
	}
	if _, ok := c.obj.(*Endpoint); !ok {
		return 0, 0, uabi.ErrType
	}
	if e := acc.take(0, 1); e != uabi.OK {
		return 0, 0, e
	}
	acc.give(0, 1)
	a := k.sim.newAlien(sp, c)
	k.sim.charge(a, acc)
	h, e := k.give(a, uabi.RightsAll)
	return h, a.origin, e
}

// still finds an alien whose registers may be changed: parked, or in a trap.
func (k *Native) still(h uabi.Handle, orTrapped bool) (*Alien, uabi.Error) {
	a, e := get[*Alien](k, h, uabi.RightManage)
	switch {
	case e != uabi.OK:
		return nil, e
	case a.state == alienGone:
		return nil, uabi.ErrDead
	case a.state == alienParked || orTrapped && a.state != alienRunning:
		return a, uabi.OK
	}
	return nil, uabi.ErrBusy
}

// ThreadSetRegs is uk.Kernel's.
func (k *Native) ThreadSetRegs(h uabi.Handle, r *uabi.Regs) uabi.Error {
	k.enter("thread.setregs")
	a, e := k.still(h, false)
	if e == uabi.OK {
		a.regs = *r
	}
	return e
}

// ThreadGetRegs is uk.Kernel's.
func (k *Native) ThreadGetRegs(h uabi.Handle, r *uabi.Regs) uabi.Error {
	k.enter("thread.getregs")
	a, e := get[*Alien](k, h, uabi.RightManage)
	if e == uabi.OK {
		*r = a.regs
	}
	return e
}

// ThreadCopyState is uk.Kernel's.
func (k *Native) ThreadCopyState(h, from uabi.Handle) uabi.Error {
	k.enter("thread.copystate")
	a, e := k.still(h, true)
	if e != uabi.OK {
		return e
	}
	b, e := k.still(from, true)
	if e == uabi.OK {
		a.regs, a.fx = b.regs, b.fx
	}
	return e
}

// ThreadContext is uk.Kernel's.
func (k *Native) ThreadContext(h uabi.Handle, words *[uabi.ContextWords]uint64) uabi.Error {
	k.enter("thread.context")
	a, e := get[*Alien](k, h, uabi.RightManage)
	if e == uabi.OK {
		a.ctx = *words
	}
	return e
}

// ThreadStart is uk.Kernel's.
func (k *Native) ThreadStart(h uabi.Handle) uabi.Error {
	k.enter("thread.start")
	a, e := get[*Alien](k, h, uabi.RightManage)
	switch {
	case e != uabi.OK:
		return e
	case a.state == alienGone:
		return uabi.ErrDead
	case a.killed:
		a.die()
	case a.state == alienParked && a.run: // AnswerStop: the trap is over
		a.answered()
	default:
		a.start()
	}
	return uabi.OK
}

// ThreadSpace is uk.Kernel's.
func (k *Native) ThreadSpace(h, space uabi.Handle) uabi.Error {
	k.enter("thread.space")
	sp, e := get[*Space](k, space, uabi.RightManage)
	if e != uabi.OK {
		return e
	}
	a, e := k.still(h, true)
	if e != uabi.OK {
		return e
	}
	ref(sp)
	unref(a.space)
	a.space = sp
	return uabi.OK
}

// ThreadInterrupt is uk.Kernel's.
func (k *Native) ThreadInterrupt(h uabi.Handle, on bool) uabi.Error {
	k.enter("thread.interrupt")
	a, e := get[*Alien](k, h, uabi.RightManage)
	if e == uabi.OK {
		a.Interrupt(on)
	}
	return e
}

// Interrupt sets the alien's interrupt level.
func (a *Alien) Interrupt(on bool) {
	if a.state == alienGone {
		return
	}
	a.intr = on
	if on && a.state == alienWaiting && !a.park.firm {
		a.unparkFor(0)
	} else if on && a.state == alienParked && a.run {
		a.back(0, 0)
	}
}

// ThreadKill is uk.Kernel's.
func (k *Native) ThreadKill(h uabi.Handle) uabi.Error {
	k.enter("thread.kill")
	a, e := get[*Alien](k, h, uabi.RightManage)
	if e == uabi.OK {
		a.Kill()
	}
	return e
}

// Kill ends the alien when its trap ends, at a wait, or in user mode.
func (a *Alien) Kill() {
	if a.state == alienGone {
		return
	}
	a.killed = true
	if a.state == alienWaiting || a.state == alienParked || a.state == alienRunning {
		a.die()
	}
}

// ThreadEvent is uk.Kernel's.
func (k *Native) ThreadEvent(h, event uabi.Handle, bits uint32) uabi.Error {
	k.enter("thread.event")
	a, e := get[*Alien](k, h, uabi.RightManage)
	if e != uabi.OK {
		return e
	}
	ev, e := get[*Event](k, event, uabi.RightWrite)
	if e != uabi.OK {
		return e
	}
	if a.state == alienGone {
		ev.update(bits, 0, 0)
		return uabi.OK
	}
	ref(ev)
	if a.goneEv != nil {
		unref(a.goneEv)
	}
	a.goneEv, a.goneBit = ev, bits
	return uabi.OK
}

// ThreadInfo is uk.Kernel's.
func (k *Native) ThreadInfo(h uabi.Handle) (uk.ThreadInfo, uabi.Error) {
	k.enter("thread.info")
	a, e := get[*Alien](k, h, uabi.RightManage)
	if e != uabi.OK {
		return uk.ThreadInfo{}, e
	}
	states := [...]uint32{uabi.ThreadParked, uabi.ThreadRunning, uabi.ThreadTrapped, uabi.ThreadWaiting, uabi.ThreadGone}
	return uk.ThreadInfo{State: states[a.state], Traps: a.traps, Origin: a.origin}, uabi.OK
}
