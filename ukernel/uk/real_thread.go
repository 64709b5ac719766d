package uk

import "aramid/ukernel/uabi"

// ThreadCreate implements Kernel.
func (r *Real) ThreadCreate(account, space, handler uabi.Handle) (uabi.Handle, uint64, uabi.Error) {
	r0, r1 := native(uabi.CallThreadCreate, uintptr(account), uintptr(space), uintptr(handler), 0, 0, 0)
	h, origin, err := both(r0, r1)
	return uabi.Handle(h), origin, err
}

// ThreadSetRegs implements Kernel.
func (r *Real) ThreadSetRegs(h uabi.Handle, regs *uabi.Regs) uabi.Error {
	if !r.have {
		return uabi.ErrArg
	}
	*argRegs(r.buf.Arg) = *regs
	return do(uabi.CallThreadSetRegs, uintptr(h), 0, 0, 0, 0, 0)
}

// ThreadGetRegs implements Kernel.
func (r *Real) ThreadGetRegs(h uabi.Handle, regs *uabi.Regs) uabi.Error {
	if !r.have {
		return uabi.ErrArg
	}
	err := do(uabi.CallThreadGetRegs, uintptr(h), 0, 0, 0, 0, 0)
	if err == uabi.OK {
		*regs = *argRegs(r.buf.Arg)
	}
	return err
}

// ThreadCopyState implements Kernel.
func (r *Real) ThreadCopyState(h, from uabi.Handle) uabi.Error {
	return do(uabi.CallThreadCopyState, uintptr(h), uintptr(from), 0, 0, 0, 0)
}

// ThreadContext implements Kernel.
func (r *Real) ThreadContext(h uabi.Handle, words *[uabi.ContextWords]uint64) uabi.Error {
	if !r.have {
		return uabi.ErrArg
	}
	*argContext(r.buf.Arg) = *words
	return do(uabi.CallThreadContext, uintptr(h), 0, 0, 0, 0, 0)
}

// ThreadStart implements Kernel.
func (r *Real) ThreadStart(h uabi.Handle) uabi.Error {
	return do(uabi.CallThreadStart, uintptr(h), 0, 0, 0, 0, 0)
}

// ThreadSpace implements Kernel.
func (r *Real) ThreadSpace(h, space uabi.Handle) uabi.Error {
	return do(uabi.CallThreadSpace, uintptr(h), uintptr(space), 0, 0, 0, 0)
}

// ThreadInterrupt implements Kernel.
func (r *Real) ThreadInterrupt(h uabi.Handle, on bool) uabi.Error {
	return do(uabi.CallThreadInterrupt, uintptr(h), flag(on), 0, 0, 0, 0)
}

// ThreadKill implements Kernel.
func (r *Real) ThreadKill(h uabi.Handle) uabi.Error {
	return do(uabi.CallThreadKill, uintptr(h), 0, 0, 0, 0, 0)
}

// ThreadEvent implements Kernel.
func (r *Real) ThreadEvent(h, event uabi.Handle, bits uint32) uabi.Error {
	return do(uabi.CallThreadEvent, uintptr(h), uintptr(event), uintptr(bits), 0, 0, 0)
}

// ThreadInfo implements Kernel.
func (r *Real) ThreadInfo(h uabi.Handle) (ThreadInfo, uabi.Error) {
	if !r.have {
		return ThreadInfo{}, uabi.ErrArg
	}
	state, user, err := both(native(uabi.CallThreadInfo, uintptr(h), 0, 0, 0, 0, 0))
	if err != uabi.OK {
		return ThreadInfo{}, err
	}
	words := argThread(r.buf.Arg)
	return ThreadInfo{State: uint32(state), UserNS: user, SystemNS: words[0], Traps: words[1], Origin: words[2]}, uabi.OK
}

// AlienState implements Kernel.
func (r *Real) AlienState(va uint64, write bool) uabi.Error {
	return do(uabi.CallAlienState, uintptr(va), flag(write), 0, 0, 0, 0)
}
