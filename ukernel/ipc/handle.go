package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// Install puts a new handle on obj (through badge b, or nil) into p's table, with references of its own.
func (p *Process) Install(obj *object.Header, b *Badge, rights uint32) (uabi.Handle, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// InstallAt is Install at a boot slot. ErrExists.
func (p *Process) InstallAt(slot uabi.Handle, obj *object.Header, b *Badge, rights uint32) uabi.Error {
	return uabi.ErrUnsupported
}

// Close is CallClose.
func (p *Process) Close(h uabi.Handle) uabi.Error { return uabi.ErrUnsupported }

// Dup is CallDup.
func (p *Process) Dup(h uabi.Handle, rights uint32) (uabi.Handle, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// HandleInfo is CallHandleInfo.
func (p *Process) HandleInfo(h uabi.Handle) (typ uabi.Type, rights uint32, badge uint64, err uabi.Error) {
	return 0, 0, 0, uabi.ErrUnsupported
}

// Get looks up a handle on an object of type typ (TypeNone: any) with all of rights. ErrHandle, ErrType, ErrRights, ErrStale.
func (p *Process) Get(h uabi.Handle, typ uabi.Type, rights uint32) (*object.Entry, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// The typed forms of Get.

// Endpoint looks up an endpoint handle; b is its badge or nil.
func (p *Process) Endpoint(h uabi.Handle, rights uint32) (e *Endpoint, b *Badge, err uabi.Error) {
	return nil, nil, uabi.ErrUnsupported
}

// GetEvent looks up an event.
func (p *Process) GetEvent(h uabi.Handle, rights uint32) (*Event, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetWaitSet looks up a wait set.
func (p *Process) GetWaitSet(h uabi.Handle, rights uint32) (*WaitSet, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetTimer looks up a timer.
func (p *Process) GetTimer(h uabi.Handle, rights uint32) (*Timer, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetIRQ looks up an interrupt.
func (p *Process) GetIRQ(h uabi.Handle, rights uint32) (*IRQ, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetThread looks up a thread.
func (p *Process) GetThread(h uabi.Handle, rights uint32) (*Thread, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetProcess looks up a process.
func (p *Process) GetProcess(h uabi.Handle, rights uint32) (*Process, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetSpace looks up a space.
func (p *Process) GetSpace(h uabi.Handle, rights uint32) (*vm.Space, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetMemory looks up a memory object.
func (p *Process) GetMemory(h uabi.Handle, rights uint32) (*vm.Memory, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// GetAccount looks up an account.
func (p *Process) GetAccount(h uabi.Handle, rights uint32) (*object.Account, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Drop drops a reference to any object; the last one destroys it (at Leave).
func Drop(h *object.Header) {}
