package uk

import "aramid/ukernel/uabi"

// ProcessGive implements Kernel.
func (r *Real) ProcessGive(h uabi.Handle, slot uint32, give uabi.Handle, rights uint32) uabi.Error {
	return do(uabi.CallProcessGive, uintptr(h), uintptr(slot), uintptr(give), uintptr(rights), 0, 0)
}

// ProcessStart implements Kernel.
func (r *Real) ProcessStart(h, memory uabi.Handle, off, n uint64, args uabi.Handle) uabi.Error {
	return do(uabi.CallProcessStart, uintptr(h), uintptr(memory), uintptr(off), uintptr(n), uintptr(args), 0)
}

// ProcessKill implements Kernel.
func (r *Real) ProcessKill(h uabi.Handle, status uint64) uabi.Error {
	return do(uabi.CallProcessKill, uintptr(h), uintptr(status), 0, 0, 0, 0)
}

// ProcessEvent implements Kernel.
func (r *Real) ProcessEvent(h uabi.Handle) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallProcessEvent, uintptr(h), 0, 0, 0, 0, 0)
	return handle(r0)
}

// ProcessInfo implements Kernel.
func (r *Real) ProcessInfo(h uabi.Handle, info *uabi.ProcessInfo) uabi.Error {
	if !r.have {
		return uabi.ErrArg
	}
	err := do(uabi.CallProcessInfo, uintptr(h), 0, 0, 0, 0, 0)
	if err == uabi.OK {
		*info = *argProcess(r.buf.Arg)
	}
	return err
}

// ProcessExit implements Kernel.
func (r *Real) ProcessExit(status uint64) {
	do(uabi.CallProcessExit, uintptr(status), 0, 0, 0, 0, 0)
}

// AccountCreate implements Kernel.
func (r *Real) AccountCreate(parent uabi.Handle, frames, objects uint64) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallAccountCreate, uintptr(parent), uintptr(frames), uintptr(objects), 0, 0, 0)
	return handle(r0)
}

// AccountLimit implements Kernel.
func (r *Real) AccountLimit(h uabi.Handle, frames, objects uint64) uabi.Error {
	return do(uabi.CallAccountLimit, uintptr(h), uintptr(frames), uintptr(objects), 0, 0, 0)
}

// AccountInfo implements Kernel.
func (r *Real) AccountInfo(h uabi.Handle) (uint64, uint64, uabi.Error) {
	return both(native(uabi.CallAccountInfo, uintptr(h), 0, 0, 0, 0, 0))
}

// IRQCreate implements Kernel.
func (r *Real) IRQCreate(right uabi.Handle, line uint32, event uabi.Handle, bits uint32) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallIRQCreate, uintptr(right), uintptr(line), uintptr(event), uintptr(bits), 0, 0)
	return handle(r0)
}

// IRQAck implements Kernel.
func (r *Real) IRQAck(h uabi.Handle) uabi.Error {
	return do(uabi.CallIRQAck, uintptr(h), 0, 0, 0, 0, 0)
}

// PortIn implements Kernel.
func (r *Real) PortIn(ports uabi.Handle, port uint16, width int) (uint32, uabi.Error) {
	r0, _ := native(uabi.CallPortIn, uintptr(ports), uintptr(port), uintptr(width), 0, 0, 0)
	v, err := value(r0)
	return uint32(v), err
}

// PortOut implements Kernel.
func (r *Real) PortOut(ports uabi.Handle, port uint16, width int, v uint32) uabi.Error {
	return do(uabi.CallPortOut, uintptr(ports), uintptr(port), uintptr(width), uintptr(v), 0, 0)
}

// Clock implements Kernel.
func (r *Real) Clock(clock uint32) (uint64, uabi.Error) {
	r0, _ := native(uabi.CallClock, uintptr(clock), 0, 0, 0, 0, 0)
	return value(r0)
}

// ClockSet implements Kernel.
func (r *Real) ClockSet(power uabi.Handle, ns uint64) uabi.Error {
	return do(uabi.CallClockSet, uintptr(power), uintptr(ns), 0, 0, 0, 0)
}

// SystemInfo implements Kernel.
func (r *Real) SystemInfo(info *uabi.SystemInfo) uabi.Error {
	if !r.have {
		return uabi.ErrArg
	}
	err := do(uabi.CallSystem, 0, 0, 0, 0, 0, 0)
	if err == uabi.OK {
		*info = *argSystem(r.buf.Arg)
	}
	return err
}

// PowerOff implements Kernel.
func (r *Real) PowerOff(power uabi.Handle, status uint64) uabi.Error {
	return do(uabi.CallPowerOff, uintptr(power), uintptr(status), 0, 0, 0, 0)
}

// Panic implements Kernel.
func (r *Real) Panic(power uabi.Handle, what uint32) uabi.Error {
	return do(uabi.CallPanic, uintptr(power), uintptr(what), 0, 0, 0, 0)
}
