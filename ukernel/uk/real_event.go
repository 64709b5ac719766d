package uk

import "aramid/ukernel/uabi"

// EventCreate implements Kernel.
func (r *Real) EventCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallEventCreate, uintptr(account), 0, 0, 0, 0, 0)
	return handle(r0)
}

// EventUpdate implements Kernel.
func (r *Real) EventUpdate(h uabi.Handle, set, clear, raise uint32) (uint64, uabi.Error) {
	r0, _ := native(uabi.CallEventUpdate, uintptr(h), uintptr(set), uintptr(clear), uintptr(raise), 0, 0)
	return value(r0)
}

// EventRead implements Kernel.
func (r *Real) EventRead(h uabi.Handle) (uint32, uint64, uabi.Error) {
	r0, r1 := native(uabi.CallEventRead, uintptr(h), 0, 0, 0, 0, 0)
	level, seq, err := both(r0, r1)
	return uint32(level), seq, err
}

// EventWait implements Kernel.
func (r *Real) EventWait(h uabi.Handle, mask uint32, since, deadline uint64) (uint32, uabi.Error) {
	r0, _ := blocking(uabi.CallEventWait, uintptr(h), uintptr(mask), uintptr(since), uintptr(deadline))
	v, err := value(r0)
	return uint32(v), err
}

// WaitSetCreate implements Kernel.
func (r *Real) WaitSetCreate(account uabi.Handle) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallWaitSetCreate, uintptr(account), 0, 0, 0, 0, 0)
	return handle(r0)
}

// WaitSetAdd implements Kernel.
func (r *Real) WaitSetAdd(set, member uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	return do(uabi.CallWaitSetAdd, uintptr(set), uintptr(member), uintptr(key), uintptr(mask), uintptr(data), uintptr(flags))
}

// WaitSetModify implements Kernel.
func (r *Real) WaitSetModify(set uabi.Handle, key uint64, mask uint32, data uint64, flags uint32) uabi.Error {
	return do(uabi.CallWaitSetModify, uintptr(set), 0, uintptr(key), uintptr(mask), uintptr(data), uintptr(flags))
}

// WaitSetRemove implements Kernel.
func (r *Real) WaitSetRemove(set uabi.Handle, key uint64) uabi.Error {
	return do(uabi.CallWaitSetRemove, uintptr(set), uintptr(key), 0, 0, 0, 0)
}

// WaitSetTake implements Kernel.
func (r *Real) WaitSetTake(set uabi.Handle, out []uabi.WaitReady) (int, uabi.Error) {
	if !r.have {
		return 0, uabi.ErrArg
	}
	r0, _ := native(uabi.CallWaitSetTake, uintptr(set), uintptr(min(len(out), maxTake)), 0, 0, 0, 0)
	n, err := count(r0)
	copy(out[:n], argReady(r.buf.Arg, n))
	return n, err
}

// maxTake is the most members that CallWaitSetTake hands out at once.
const maxTake = 64

// WaitSetEvent implements Kernel.
func (r *Real) WaitSetEvent(set uabi.Handle) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallWaitSetEvent, uintptr(set), 0, 0, 0, 0, 0)
	return handle(r0)
}

// TimerCreate implements Kernel.
func (r *Real) TimerCreate(account, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallTimerCreate, uintptr(account), uintptr(event), uintptr(bits), 0, 0, 0)
	return handle(r0)
}

// TimerSet implements Kernel.
func (r *Real) TimerSet(h uabi.Handle, deadline, interval uint64) uabi.Error {
	return do(uabi.CallTimerSet, uintptr(h), uintptr(deadline), uintptr(interval), 0, 0, 0)
}
