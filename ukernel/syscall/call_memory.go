package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// memoryCreate is CallMemoryCreate.
func memoryCreate(t *ipc.Thread, r *uabi.Regs, a *object.Account) (uint64, uabi.Error) {
	if r.RSI == 0 || r.RSI > uabi.MaxMemory || r.RDX&^uabi.MemoryContiguous != 0 {
		return 0, uabi.ErrArg
	}
	m, err := vm.NewMemory(a, r.RSI, uint32(r.RDX))
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &m.Header, uabi.RightsAll)
}

// memoryResize is CallMemoryResize.
func memoryResize(r *uabi.Regs, m *vm.Memory) (uint64, uabi.Error) {
	if r.RSI > uabi.MaxMemory {
		return 0, uabi.ErrArg
	}
	return 0, m.Resize(r.RSI)
}

// memorySize is CallMemorySize.
func memorySize(r *uabi.Regs, m *vm.Memory) (size uint64, err uabi.Error) {
	size, r.RDX = m.Size()
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

// memoryMove is CallMemoryRead and CallMemoryWrite: (m, off, buf, len).
func memoryMove(t *ipc.Thread, r *uabi.Regs, m *vm.Memory, write bool) (uint64, uabi.Error) {
	n, err := objectRange(m, r.RSI, r.R10)
	if err != uabi.OK {
		return 0, err
	}
	if err = userRange(r.RDX, n); err != uabi.OK || n == 0 {
		return 0, err
	}
	return move(vm.Place{Space: t.Space, At: r.RDX}, vm.Place{Memory: m, At: r.RSI}, n, write)
}

// move copies n bytes from there to the caller's memory here, or back.
func move(here, there vm.Place, n uint64, back bool) (uint64, uabi.Error) {
	if back {
		here, there = there, here
	}
	return vm.Copy(here, there, n)
}

// memoryClone is CallMemoryClone.
func memoryClone(t *ipc.Thread, r *uabi.Regs, m *vm.Memory, a *object.Account) (uint64, uabi.Error) {
	c, err := m.Clone(a, r.RDX, r.R10)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &c.Header, uabi.RightsAll)
}

// memoryCopy is CallMemoryCopy.
func memoryCopy(r *uabi.Regs, dst, src *vm.Memory) (uint64, uabi.Error) {
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
func memoryZero(r *uabi.Regs, m *vm.Memory) (uint64, uabi.Error) {
	if _, err := objectRange(m, r.RSI, r.RDX); err != uabi.OK {
		return 0, err
	}
	return 0, m.Zero(r.RSI, r.RDX)
}
