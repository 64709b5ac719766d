package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// maxMemory bounds a memory object's size, bytes.
const maxMemory = 1 << 46

// memoryCreate is CallMemoryCreate.
func memoryCreate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := account(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	if r.RSI == 0 || r.RSI > maxMemory || r.RDX&^uabi.MemoryContiguous != 0 {
		return 0, uabi.ErrArg
	}
	m, err := vm.NewMemory(a, r.RSI, uint32(r.RDX))
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &m.Header, uabi.RightsAll)
}

// memoryResize is CallMemoryResize.
func memoryResize(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	m, err := t.Proc.GetMemory(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	if r.RSI > maxMemory {
		return 0, uabi.ErrArg
	}
	return 0, m.Resize(r.RSI)
}

// memorySize is CallMemorySize.
func memorySize(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	m, err := t.Proc.GetMemory(handle(r.RDI), 0)
	if err != uabi.OK {
		return 0, err
	}
	size, resident := m.Size()
	r.RDX = resident
	return size, uabi.OK
}

// objectRange checks [off, off+n) against an object's size and bounds n. ErrArg.
//
//go:noinline
func objectRange(m *vm.Memory, off, n uint64) (uint64, uabi.Error) {
	size, _ := m.Size()
	if off > size || n > size-off {
		return 0, uabi.ErrArg
	}
	return min(n, maxCopy), uabi.OK
}

// memoryRead is CallMemoryRead.
func memoryRead(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	m, err := t.Proc.GetMemory(handle(r.RDI), uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	n, err := objectRange(m, r.RSI, r.R10)
	if err != uabi.OK {
		return 0, err
	}
	if err = userRange(r.RDX, n); err != uabi.OK || n == 0 {
		return 0, err
	}
	return vm.Copy(vm.Place{Space: t.Space, At: r.RDX}, vm.Place{Memory: m, At: r.RSI}, n)
}

// memoryWrite is CallMemoryWrite.
func memoryWrite(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	m, err := t.Proc.GetMemory(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	n, err := objectRange(m, r.RSI, r.R10)
	if err != uabi.OK {
		return 0, err
	}
	if err = userRange(r.RDX, n); err != uabi.OK || n == 0 {
		return 0, err
	}
	return vm.Copy(vm.Place{Memory: m, At: r.RSI}, vm.Place{Space: t.Space, At: r.RDX}, n)
}

// memoryClone is CallMemoryClone.
func memoryClone(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	m, err := t.Proc.GetMemory(handle(r.RDI), uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	a, err := account(t, r.RSI)
	if err != uabi.OK {
		return 0, err
	}
	c, err := m.Clone(a, r.RDX, r.R10)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &c.Header, uabi.RightsAll)
}

// memoryCopy is CallMemoryCopy.
func memoryCopy(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	dst, err := t.Proc.GetMemory(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	src, err := t.Proc.GetMemory(handle(r.RDX), uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	n, err := objectRange(dst, r.RSI, r.R8)
	if err != uabi.OK {
		return 0, err
	}
	if n, err = objectRange(src, r.R10, n); err != uabi.OK || n == 0 {
		return 0, err
	}
	return vm.Copy(vm.Place{Memory: dst, At: r.RSI}, vm.Place{Memory: src, At: r.R10}, n)
}

// memoryZero is CallMemoryZero.
func memoryZero(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	m, err := t.Proc.GetMemory(handle(r.RDI), uabi.RightWrite)
	if err != uabi.OK {
		return 0, err
	}
	if _, err = objectRange(m, r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	return 0, m.Zero(r.RSI, r.RDX)
}
