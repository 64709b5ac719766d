package uk

import (
	"runtime"

	"aramid/ukernel/uabi"
)

// Real is Kernel on the real kernel. Make one per thread with NewThread; the zero Real makes the calls that need no message buffer.
//
// A wait that may be long is marked for the Go scheduler with entersyscall and exitsyscall: without them it keeps its P, and a collection
// that needs it polls. The pair costs 200 instructions, more than the kernel's part of a short call. So Call, which a server answers at once,
// is not marked; and a wait for a message is marked only when the scheduler has asked for the P: its signal to the thread (every 10 ms from
// sysmon, sooner for a collection) ends the wait with ErrSignal, and the next one, until a message comes, is marked. All other calls but EventWait run
// to completion in the kernel.
type Real struct {
	buf  Buffer
	have bool
}

var _ Kernel = (*Real)(nil)

// NewThread locks the goroutine to its thread, attaches a message buffer where the space is free and returns the thread's Kernel.
func NewThread() (*Real, uabi.Error) {
	r := new(Real)
	for try := 0; ; try++ {
		va, err := r.SpaceGap(uabi.BootSpace, uabi.BufSize, uabi.MinUser, uabi.MaxUser, 0)
		if err != uabi.OK {
			return nil, err
		}
		err = r.Attach(va)
		// Another thread of this process can take the range in between.
		if err == uabi.ErrExists && try < attachTries {
			continue
		}
		if err != uabi.OK {
			return nil, err
		}
		return r, uabi.OK
	}
}

const attachTries = 16

// native makes a native call: number, six arguments, two results (see call_amd64.s).
//
//go:noescape
func native(num, a0, a1, a2, a3, a4, a5 uintptr) (r0, r1 uintptr)

// fail splits RAX.
func fail(r0 uintptr) uabi.Error {
	if int(r0) < 0 {
		return uabi.Error(-int(r0))
	}
	return uabi.OK
}

// value is RAX and its error; 0 beside an error.
func value(r0 uintptr) (uint64, uabi.Error) {
	if int(r0) < 0 {
		return 0, uabi.Error(-int(r0))
	}
	return uint64(r0), uabi.OK
}

func handle(r0 uintptr) (uabi.Handle, uabi.Error) {
	v, err := value(r0)
	return uabi.Handle(v), err
}

func count(r0 uintptr) (int, uabi.Error) {
	v, err := value(r0)
	return int(v), err
}

// both is RAX and RDX with RAX's error.
func both(r0, r1 uintptr) (uint64, uint64, uabi.Error) {
	if int(r0) < 0 {
		return 0, 0, uabi.Error(-int(r0))
	}
	return uint64(r0), uint64(r1), uabi.OK
}

func flag(b bool) uintptr {
	if b {
		return 1
	}
	return 0
}

func do(num int, a0, a1, a2, a3, a4, a5 uintptr) uabi.Error {
	r0, _ := native(uintptr(num), a0, a1, a2, a3, a4, a5)
	return fail(r0)
}

// Buf implements Kernel.
func (r *Real) Buf() *Buffer {
	if !r.have {
		return nil
	}
	return &r.buf
}

// Null implements Kernel.
func (r *Real) Null() uabi.Error { return do(uabi.CallNull, 0, 0, 0, 0, 0, 0) }

// Attach implements Kernel.
func (r *Real) Attach(va uint64) uabi.Error {
	runtime.LockOSThread()
	if err := do(uabi.CallAttach, uintptr(va), 0, 0, 0, 0, 0); err != uabi.OK {
		runtime.UnlockOSThread()
		return err
	}
	r.buf = bufferAt(va)
	r.have = true
	return uabi.OK
}

// Detach implements Kernel.
func (r *Real) Detach() uabi.Error {
	err := do(uabi.CallDetach, 0, 0, 0, 0, 0, 0)
	if err == uabi.OK {
		r.have = false
		r.buf = Buffer{}
		runtime.UnlockOSThread()
	}
	return err
}

// Call implements Kernel.
func (r *Real) Call(h uabi.Handle) uabi.Error {
	return do(uabi.CallCall, uintptr(h), 0, 0, 0, 0, 0)
}

// Receive implements Kernel.
func (r *Real) Receive(e uabi.Handle, deadline uint64) uabi.Error {
	r0, _ := native(uabi.CallReceive, uintptr(e), uintptr(deadline), 0, 0, 0, 0)
	if r0 == 0 {
		return uabi.OK
	}
	return waitOn(r0, e, deadline)
}

// Reply implements Kernel.
func (r *Real) Reply() uabi.Error { return do(uabi.CallReply, 0, 0, 0, 0, 0, 0) }

// ReplyReceive implements Kernel.
func (r *Real) ReplyReceive(e uabi.Handle, deadline uint64) uabi.Error {
	r0, _ := native(uabi.CallReplyReceive, uintptr(e), uintptr(deadline), 0, 0, 0, 0)
	if r0 == 0 {
		return uabi.OK
	}
	return waitOn(r0, e, deadline)
}

// waitOn goes on with a wait for a message that ended with r0.
func waitOn(r0 uintptr, e uabi.Handle, deadline uint64) uabi.Error {
	for fail(r0) == uabi.ErrSignal {
		r0, _ = blocking(uabi.CallReceive, uintptr(e), uintptr(deadline), 0, 0)
	}
	return fail(r0)
}

// EndpointCreate implements Kernel.
func (r *Real) EndpointCreate(account uabi.Handle, rank uint32) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallEndpointCreate, uintptr(account), uintptr(rank), 0, 0, 0, 0)
	return handle(r0)
}

// Bind implements Kernel.
func (r *Real) Bind(e, event uabi.Handle, key uint64, mask uint32) uabi.Error {
	return do(uabi.CallBind, uintptr(e), uintptr(event), uintptr(key), uintptr(mask), 0, 0)
}

// Mint implements Kernel.
func (r *Real) Mint(e uabi.Handle, badge uint64, rights uint32) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallMint, uintptr(e), uintptr(badge), uintptr(rights), 0, 0, 0)
	return handle(r0)
}

// BadgeAck implements Kernel.
func (r *Real) BadgeAck(e uabi.Handle, badge uint64) uabi.Error {
	return do(uabi.CallBadgeAck, uintptr(e), uintptr(badge), 0, 0, 0, 0)
}

// Subscribe implements Kernel.
func (r *Real) Subscribe(e uabi.Handle) uabi.Error {
	return do(uabi.CallSubscribe, uintptr(e), 0, 0, 0, 0, 0)
}

// ThreadAck implements Kernel.
func (r *Real) ThreadAck(e uabi.Handle, origin uint64) uabi.Error {
	return do(uabi.CallThreadAck, uintptr(e), uintptr(origin), 0, 0, 0, 0)
}

// GrantToMemory implements Kernel.
func (r *Real) GrantToMemory(i int, off uint64, m uabi.Handle, moff, n uint64) (uint64, uabi.Error) {
	r0, _ := native(uabi.CallGrantToMemory, uintptr(i), uintptr(off), uintptr(m), uintptr(moff), uintptr(n), 0)
	return value(r0)
}

// MemoryToGrant implements Kernel.
func (r *Real) MemoryToGrant(i int, off uint64, m uabi.Handle, moff, n uint64) (uint64, uabi.Error) {
	r0, _ := native(uabi.CallMemoryToGrant, uintptr(i), uintptr(off), uintptr(m), uintptr(moff), uintptr(n), 0)
	return value(r0)
}

// FutexWake implements Kernel.
func (r *Real) FutexWake(space uabi.Handle, addr uint64, n, bitset uint32, shared bool) (uint32, uabi.Error) {
	r0, _ := native(uabi.CallFutexWake, uintptr(space), uintptr(addr), uintptr(n), uintptr(bitset), flag(shared), 0)
	v, err := value(r0)
	return uint32(v), err
}

// FutexRequeue implements Kernel.
func (r *Real) FutexRequeue(addr uint64, wake uint32, addr2 uint64, requeue, val, flags uint32) (uint32, uabi.Error) {
	r0, _ := native(uabi.CallFutexRequeue, uintptr(addr), uintptr(wake), uintptr(addr2), uintptr(requeue), uintptr(val), uintptr(flags))
	v, err := value(r0)
	return uint32(v), err
}

// FutexOp implements Kernel.
func (r *Real) FutexOp(addr uint64, wake uint32, addr2 uint64, wake2, op uint32, shared bool) (uint32, uabi.Error) {
	r0, _ := native(uabi.CallFutexOp, uintptr(addr), uintptr(wake), uintptr(addr2), uintptr(wake2), uintptr(op), flag(shared))
	v, err := value(r0)
	return uint32(v), err
}

// Close implements Kernel.
func (r *Real) Close(h uabi.Handle) uabi.Error { return do(uabi.CallClose, uintptr(h), 0, 0, 0, 0, 0) }

// Dup implements Kernel.
func (r *Real) Dup(h uabi.Handle, rights uint32) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallDup, uintptr(h), uintptr(rights), 0, 0, 0, 0)
	return handle(r0)
}

// HandleInfo implements Kernel.
func (r *Real) HandleInfo(h uabi.Handle) (uabi.Type, uint32, uint64, uabi.Error) {
	r0, r1 := native(uabi.CallHandleInfo, uintptr(h), 0, 0, 0, 0, 0)
	v, err := value(r0)
	if err != uabi.OK {
		return 0, 0, 0, err
	}
	return uabi.Type(v >> 32), uint32(v), uint64(r1), uabi.OK
}

// HandleNext implements Kernel.
func (r *Real) HandleNext(h uabi.Handle) (uabi.Handle, uabi.Error) {
	r0, _ := native(uabi.CallHandleNext, uintptr(h), 0, 0, 0, 0, 0)
	return handle(r0)
}
