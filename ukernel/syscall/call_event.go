package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
)

// maxReady is the most members that CallWaitSetTake hands out at once.
const maxReady = 64

// eventCreate is CallEventCreate.
func eventCreate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := account(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	e, err := ipc.NewEvent(a)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &e.Header, uabi.RightsAll)
}

// eventUpdate is CallEventUpdate.
func eventUpdate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	e, err := t.Proc.GetEvent(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	if (r.RSI|r.RDX|r.R10)>>32 != 0 {
		return 0, uabi.ErrArg
	}
	return e.Update(uint32(r.RSI), uint32(r.RDX), uint32(r.R10)), uabi.OK
}

// eventRead is CallEventRead.
func eventRead(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	e, err := t.Proc.GetEvent(handle(r.RDI), uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	level, seq := e.Read()
	r.RDX = seq
	return uint64(level), uabi.OK
}

// eventWait is CallEventWait.
func eventWait(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	e, err := t.Proc.GetEvent(handle(r.RDI), uabi.RightRead)
	if err != uabi.OK {
		return done(t, 0, err)
	}
	mask, err := word(r.RSI)
	if err != uabi.OK || mask == 0 {
		return done(t, 0, uabi.ErrArg)
	}
	ipc.EventWait(t, e, mask, r.RDX, r.R10)
	return leave()
}

// waitSetCreate is CallWaitSetCreate.
func waitSetCreate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := account(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	s, err := ipc.NewWaitSet(a)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &s.Header, uabi.RightsAll)
}

const waitFlags = uabi.WaitEdge | uabi.WaitOneshot | uabi.WaitExclusive

// waitSetAdd is CallWaitSetAdd.
func waitSetAdd(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	s, err := t.Proc.GetWaitSet(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	member, err := t.Proc.Get(handle(r.RSI), uabi.TypeNone, uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	mask, flags, err := words(r.R10, r.R9)
	if err != uabi.OK || flags&^waitFlags != 0 {
		return 0, uabi.ErrArg
	}
	switch member.Obj.Type {
	case uabi.TypeEvent:
		e, err := t.Proc.GetEvent(handle(r.RSI), uabi.RightRead)
		if err != uabi.OK {
			return 0, err
		}
		return 0, s.Add(e, r.RDX, mask, r.R8, flags)
	case uabi.TypeWaitSet:
		m, err := t.Proc.GetWaitSet(handle(r.RSI), uabi.RightRead)
		if err != uabi.OK {
			return 0, err
		}
		return 0, s.AddSet(m, r.RDX, mask, r.R8, flags)
	}
	return 0, uabi.ErrType
}

// waitSetModify is CallWaitSetModify.
func waitSetModify(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	s, err := t.Proc.GetWaitSet(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	mask, flags, err := words(r.R10, r.R9)
	if err != uabi.OK || flags&^waitFlags != 0 {
		return 0, uabi.ErrArg
	}
	return 0, s.Modify(r.RDX, mask, r.R8, flags)
}

// waitSetRemove is CallWaitSetRemove.
func waitSetRemove(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	s, err := t.Proc.GetWaitSet(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	return 0, s.Remove(r.RSI)
}

// waitSetTake is CallWaitSetTake.
func waitSetTake(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	s, err := t.Proc.GetWaitSet(handle(r.RDI), uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	b, err := buffer(t)
	if err != uabi.OK || r.RSI > maxReady {
		return 0, uabi.ErrArg
	}
	return uint64(s.Take(argReady(b, int(r.RSI)))), uabi.OK
}

// waitSetEvent is CallWaitSetEvent.
func waitSetEvent(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	s, err := t.Proc.GetWaitSet(handle(r.RDI), uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	h, err := t.Proc.Install(&s.Event().Header, nil, uabi.RightRead|uabi.RightTransfer)
	return uint64(h), err
}

// timerCreate is CallTimerCreate.
func timerCreate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := account(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	e, err := t.Proc.GetEvent(handle(r.RSI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	bits, err := word(r.RDX)
	if err != uabi.OK || bits == 0 {
		return 0, uabi.ErrArg
	}
	timer, err := ipc.NewTimer(a, e, bits)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &timer.Header, uabi.RightsAll)
}

// timerSet is CallTimerSet.
func timerSet(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	timer, err := t.Proc.GetTimer(handle(r.RDI), 0)
	if err != uabi.OK {
		return 0, err
	}
	timer.Set(r.RSI, r.RDX)
	return 0, uabi.OK
}
