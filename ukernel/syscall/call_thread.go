package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// threadCreate is CallThreadCreate.
func threadCreate(t *ipc.Thread, r *uabi.Regs, a *object.Account, s *vm.Space) (uint64, uabi.Error) {
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
func threadSetRegs(t *ipc.Thread, a *ipc.Thread) (uint64, uabi.Error) {
	regs := *t.Buf.ArgRegs() // once: the user can change it meanwhile
	return 0, a.SetRegs(&regs)
}

// threadContext is CallThreadContext.
func threadContext(t *ipc.Thread, a *ipc.Thread) (uint64, uabi.Error) {
	w := *argWords(t.Buf)
	return 0, a.SetContext(&w)
}

// threadInterrupt is CallThreadInterrupt.
func threadInterrupt(r *uabi.Regs, a *ipc.Thread) (uint64, uabi.Error) {
	if r.RSI > 1 {
		return 0, uabi.ErrArg
	}
	return 0, a.Interrupt(r.RSI == 1)
}

// threadEvent is CallThreadEvent.
func threadEvent(r *uabi.Regs, a *ipc.Thread, e *ipc.Event) (uint64, uabi.Error) {
	bits, err := word(r.RDX)
	if err != uabi.OK || bits == 0 {
		return 0, uabi.ErrArg
	}
	return 0, a.SetGone(e, bits)
}

// threadInfo is CallThreadInfo.
func threadInfo(t *ipc.Thread, r *uabi.Regs, a *ipc.Thread) (uint64, uabi.Error) {
	state, user, system, traps := a.Info()
	w := argWords(t.Buf)
	w[0], w[1], w[2] = system, traps, a.ID
	r.RDX = user
	return uint64(state), uabi.OK
}
