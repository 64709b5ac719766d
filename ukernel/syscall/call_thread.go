package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
)

// alien looks up a thread to be controlled.
func alien(t *ipc.Thread, h uint64) (*ipc.Thread, uabi.Error) {
	return t.Proc.GetThread(handle(h), uabi.RightManage)
}

// threadCreate is CallThreadCreate.
func threadCreate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := account(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	s, err := t.Proc.GetSpace(handle(r.RSI), uabi.RightManage)
	if err != uabi.OK {
		return 0, err
	}
	e, b, err := t.Proc.Endpoint(handle(r.RDX), uabi.RightCall)
	if err != uabi.OK {
		return 0, err
	}
	n, err := ipc.NewAlien(a, s, e, b)
	if err != uabi.OK {
		return 0, err
	}
	r.RDX = n.ID
	return give(t, &n.Header, uabi.RightsAll)
}

// threadSetRegs is CallThreadSetRegs.
func threadSetRegs(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	b, err := buffer(t)
	if err != uabi.OK {
		return 0, err
	}
	regs := *b.ArgRegs() // once: the user can change it meanwhile
	return 0, a.SetRegs(&regs)
}

// threadGetRegs is CallThreadGetRegs.
func threadGetRegs(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	b, err := buffer(t)
	if err != uabi.OK {
		return 0, err
	}
	return 0, a.GetRegs(b.ArgRegs())
}

// threadCopyState is CallThreadCopyState.
func threadCopyState(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	from, err := alien(t, r.RSI)
	if err != uabi.OK {
		return 0, err
	}
	return 0, a.CopyState(from)
}

// threadContext is CallThreadContext.
func threadContext(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	b, err := buffer(t)
	if err != uabi.OK {
		return 0, err
	}
	w := *argWords(b)
	return 0, a.SetContext(&w)
}

// threadStart is CallThreadStart.
func threadStart(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	return 0, a.Start()
}

// threadSpace is CallThreadSpace.
func threadSpace(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	s, err := t.Proc.GetSpace(handle(r.RSI), uabi.RightManage)
	if err != uabi.OK {
		return 0, err
	}
	return 0, a.SetSpace(s)
}

// threadInterrupt is CallThreadInterrupt.
func threadInterrupt(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	if r.RSI > 1 {
		return 0, uabi.ErrArg
	}
	return 0, a.Interrupt(r.RSI == 1)
}

// threadKill is CallThreadKill.
func threadKill(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	return 0, a.Kill()
}

// threadEvent is CallThreadEvent.
func threadEvent(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
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
	return 0, a.SetGone(e, bits)
}

// threadInfo is CallThreadInfo.
func threadInfo(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := alien(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	b, err := buffer(t)
	if err != uabi.OK {
		return 0, err
	}
	state, user, system, traps := a.Info()
	w := argWords(b)
	w[0], w[1], w[2] = system, traps, a.ID
	r.RDX = user
	return uint64(state), uabi.OK
}
