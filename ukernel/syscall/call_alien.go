package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// alienCopy is CallAlienRead and CallAlienWrite: (va, buf, len).
func alienCopy(t *ipc.Thread, r *uabi.Regs, write bool) (uint64, uabi.Error) {
	if _, err := t.CurrentAlien(); err != uabi.OK {
		return 0, err
	}
	n := min(r.RDX, maxCopy)
	if err := userRange(r.RDI, n); err != uabi.OK {
		return 0, err
	}
	if err := userRange(r.RSI, n); err != uabi.OK || n == 0 {
		return 0, err
	}
	return ipc.AlienCopy(t, r.RDI, r.RSI, n, write)
}

// alienString is CallAlienString.
func alienString(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	if _, err := t.CurrentAlien(); err != uabi.OK {
		return 0, err
	}
	n := min(r.RDX, maxCopy)
	if err := userRange(r.RDI, 1); err != uabi.OK {
		return 0, err
	}
	if err := userRange(r.RSI, n); err != uabi.OK {
		return 0, err
	}
	if n == 0 {
		return 0, uabi.ErrSize
	}
	return ipc.AlienString(t, r.RDI, r.RSI, n)
}

// grantIndex checks a grant number.
func grantIndex(v uint64) (int, uabi.Error) {
	if v >= uabi.MaxGrants {
		return 0, uabi.ErrArg
	}
	return int(v), uabi.OK
}

// grantCopy is CallGrantRead and CallGrantWrite: (index, off, buf, len).
func grantCopy(t *ipc.Thread, r *uabi.Regs, write bool) (uint64, uabi.Error) {
	i, err := grantIndex(r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	n := min(r.R10, maxCopy)
	if err := userRange(r.RDX, n); err != uabi.OK {
		return 0, err
	}
	return ipc.GrantCopy(t, i, r.RSI, vm.Place{Space: t.Space, At: r.RDX}, n, write)
}

// grantMemory is CallGrantToMemory and CallMemoryToGrant: (index, off, memory, moff, len).
func grantMemory(t *ipc.Thread, r *uabi.Regs, m *vm.Memory, write bool) (uint64, uabi.Error) {
	i, err := grantIndex(r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	n, err := objectRange(m, r.R10, r.R8)
	if err != uabi.OK {
		return 0, err
	}
	return ipc.GrantCopy(t, i, r.RSI, vm.Place{Memory: m, At: r.R10}, n, write)
}

// futexSpace is the space of CallFutexWake: a handle's, or that of the current trap's alien for 0.
func futexSpace(t *ipc.Thread, h uint64) (*vm.Space, uabi.Error) {
	if h != 0 {
		return t.Proc.GetSpace(handle(h), uabi.RightWrite)
	}
	a, err := t.CurrentAlien()
	if err != uabi.OK {
		return nil, err
	}
	return a.Space, uabi.OK
}

const futexAlign = 4

// futexWord checks the address of a futex.
//
//go:noinline
func futexWord(va uint64) uabi.Error {
	if va%futexAlign != 0 {
		return uabi.ErrArg
	}
	return userRange(va, futexAlign)
}

// futexWake is CallFutexWake.
func futexWake(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	s, err := futexSpace(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	count, bitset, err := words(r.RDX, r.R10)
	if err != uabi.OK || bitset == 0 || r.R8 > 1 {
		return 0, uabi.ErrArg
	}
	if err = futexWord(r.RSI); err != uabi.OK {
		return 0, err
	}
	n, err := ipc.FutexWake(s, r.RSI, count, bitset, r.R8 == 1)
	return uint64(n), err
}

// futexRequeue is CallFutexRequeue.
func futexRequeue(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := t.CurrentAlien()
	if err != uabi.OK {
		return 0, err
	}
	wake, requeue, err := words(r.RSI, r.R10)
	if err != uabi.OK {
		return 0, err
	}
	value, flags, err := words(r.R8, r.R9)
	if err != uabi.OK || flags&^(uabi.FutexCompare|uabi.FutexShared) != 0 {
		return 0, uabi.ErrArg
	}
	if err = futexWord(r.RDI); err != uabi.OK {
		return 0, err
	}
	if err = futexWord(r.RDX); err != uabi.OK {
		return 0, err
	}
	n, err := ipc.FutexRequeue(a.Space, r.RDI, wake, r.RDX, requeue, value, flags)
	return uint64(n), err
}

// futexOp is CallFutexOp.
func futexOp(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := t.CurrentAlien()
	if err != uabi.OK {
		return 0, err
	}
	wake, wake2, err := words(r.RSI, r.R10)
	if err != uabi.OK {
		return 0, err
	}
	op, err := word(r.R8)
	if err != uabi.OK || r.R9 > 1 {
		return 0, uabi.ErrArg
	}
	if err = futexWord(r.RDI); err != uabi.OK {
		return 0, err
	}
	if err = futexWord(r.RDX); err != uabi.OK {
		return 0, err
	}
	n, err := ipc.FutexOp(a.Space, r.RDI, wake, r.RDX, wake2, op, r.R9 == 1)
	return uint64(n), err
}

// alienState is CallAlienState: (va, write).
func alienState(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := t.CurrentAlien()
	if err != uabi.OK {
		return 0, err
	}
	if err := userRange(r.RDI, uint64(len(a.Ctx.FX))); err != uabi.OK {
		return 0, err
	}
	if r.RSI == 0 {
		return whole(a.Space.Write(r.RDI, a.Ctx.FX[:]))
	}
	if _, err := whole(a.Space.Read(r.RDI, fxScratch[:])); err != uabi.OK {
		return 0, err
	}
	cleanFX(&fxScratch, le32(a.Ctx.FX[fxMXCSRMask:]))
	a.Ctx.FX = fxScratch
	return 0, uabi.OK
}

// whole is the result of a copy of an FXSAVE area: all of it or an error.
func whole(n int, err uabi.Error) (uint64, uabi.Error) {
	if n < len(fxScratch) && err == uabi.OK {
		err = uabi.ErrFault
	}
	return 0, err
}
