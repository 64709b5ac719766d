package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// maxReady is the most members that CallWaitSetTake hands out at once.
const maxReady = uabi.MaxReady

// eventCreate is CallEventCreate.
func eventCreate(t *ipc.Thread, a *object.Account) (uint64, uabi.Error) {
	e, err := ipc.NewEvent(a)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &e.Header, uabi.RightsAll)
}

// eventUpdate is CallEventUpdate.
func eventUpdate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	x, err := t.Proc.Get(handle(r.RDI), uabi.TypeEvent, uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	if (r.RSI|r.RDX|r.R10)>>32 != 0 {
		return 0, uabi.ErrArg
	}
	return eventOf(x.Obj).Update(uint32(r.RSI), uint32(r.RDX), uint32(r.R10)), uabi.OK
}

// eventRead is CallEventRead.
func eventRead(r *uabi.Regs, e *ipc.Event) (uint64, uabi.Error) {
	level, seq := e.Read()
	r.RDX = seq
	return uint64(level), uabi.OK
}

// eventWait is CallEventWait.
func eventWait(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	x, err := t.Proc.Get(handle(r.RDI), uabi.TypeEvent, uabi.RightRead)
	if err != uabi.OK {
		return done(t, 0, err)
	}
	mask, err := word(r.RSI)
	if err != uabi.OK || mask == 0 {
		return done(t, 0, uabi.ErrArg)
	}
	ipc.EventWait(t, eventOf(x.Obj), mask, r.RDX, r.R10)
	return leave()
}

// waitSetCreate is CallWaitSetCreate.
func waitSetCreate(t *ipc.Thread, a *object.Account) (uint64, uabi.Error) {
	s, err := ipc.NewWaitSet(a)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &s.Header, uabi.RightsAll)
}

const waitFlags = uabi.WaitEdge | uabi.WaitOneshot | uabi.WaitExclusive

// waitSetAdd is CallWaitSetAdd.
func waitSetAdd(r *uabi.Regs, s *ipc.WaitSet, member *object.Header) (uint64, uabi.Error) {
	mask, flags, err := words(r.R10, r.R9)
	if err != uabi.OK || flags&^waitFlags != 0 {
		return 0, uabi.ErrArg
	}
	switch member.Type {
	case uabi.TypeEvent:
		return 0, s.Add(eventOf(member), r.RDX, mask, r.R8, flags)
	case uabi.TypeWaitSet:
		return 0, s.AddSet(waitSetOf(member), r.RDX, mask, r.R8, flags)
	}
	return 0, uabi.ErrType
}

// waitSetModify is CallWaitSetModify.
func waitSetModify(r *uabi.Regs, s *ipc.WaitSet) (uint64, uabi.Error) {
	mask, flags, err := words(r.R10, r.R9)
	if err != uabi.OK || flags&^waitFlags != 0 {
		return 0, uabi.ErrArg
	}
	return 0, s.Modify(r.RDX, mask, r.R8, flags)
}

// waitSetTake is CallWaitSetTake.
func waitSetTake(t *ipc.Thread, r *uabi.Regs, s *ipc.WaitSet) (uint64, uabi.Error) {
	if r.RSI > maxReady {
		return 0, uabi.ErrArg
	}
	return uint64(s.Take(argReady(t.Buf, int(r.RSI)))), uabi.OK
}

// waitSetEvent is CallWaitSetEvent.
func waitSetEvent(t *ipc.Thread, s *ipc.WaitSet) (uint64, uabi.Error) {
	h, err := t.Proc.Install(&s.Event().Header, nil, uabi.RightRead|uabi.RightTransfer)
	return uint64(h), err
}

// timerCreate is CallTimerCreate.
func timerCreate(t *ipc.Thread, r *uabi.Regs, a *object.Account, e *ipc.Event) (uint64, uabi.Error) {
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
