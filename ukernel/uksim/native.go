package uksim

import (
	"sync"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Native is one native thread of a process, and the uk.Kernel that its code sees.
type Native struct {
	task
	p       *Process
	buf     *uk.Buffer
	cur     *request // the current request or trap
	notice  *notice  // the current notice: delivered again if the image ends before the next receive
	calling *request // the call it is blocked in
	waiting *Endpoint
	evWait  *waiter
}

var _ uk.Kernel = (*Native)(nil)

// enter is the beginning of every native call: a step.
func (k *Native) enter(what string) { k.sim.step(&k.task, k.p, what) }

// FaultPoint is a step outside the kernel: servers/server calls it between the pieces of what it does.
func (k *Native) FaultPoint(what string) { k.sim.step(&k.task, k.p, what) }

// Process is the process the thread belongs to.
func (k *Native) Process() *Process { return k.p }

// Sim is the machine.
func (k *Native) Sim() *Sim { return k.sim }

// Thread starts another native thread of the process; its Kernel is given to f. The image does not wait for it.
func (k *Native) Thread(f func(k *Native)) {
	k.enter("thread")
	k.p.thread(f)
}

// lookup finds the capability behind h.
func (k *Native) lookup(h uabi.Handle, rights uint32) (capability, uabi.Error) {
	s := k.p.table.at(h)
	switch {
	case s == nil:
		return capability{}, uabi.ErrHandle
	case s.c.stale() && s.c.weak():
		return capability{}, uabi.ErrStale
	case s.c.rights&rights != rights:
		return capability{}, uabi.ErrRights
	}
	return s.c, uabi.OK
}

// get finds the object of type T behind h; a badged handle is no plain endpoint.
func get[T Object](k *Native, h uabi.Handle, rights uint32) (T, uabi.Error) {
	var zero T
	c, e := k.lookup(h, 0)
	if e != uabi.OK {
		return zero, e
	}
	o, ok := c.obj.(T)
	if !ok || c.badge != nil {
		return zero, uabi.ErrType
	}
	if c.rights&rights != rights {
		return zero, uabi.ErrRights
	}
	return o, uabi.OK
}

// give puts a new object into the table. On failure the object is freed.
func (k *Native) give(o Object, rights uint32) (uabi.Handle, uabi.Error) {
	ref(o)
	h, e := k.p.table.insert(capability{obj: o, rights: rights})
	unref(o)
	return h, e
}

// made charges a new object to the account behind h and gives it to the caller.
func (k *Native) made(account uabi.Handle, o Object) (uabi.Handle, uabi.Error) {
	a, e := get[*Account](k, account, 0)
	if e != uabi.OK {
		return 0, e
	}
	if e := k.sim.charge(o, a); e != uabi.OK {
		return 0, e
	}
	return k.give(o, uabi.RightsAll)
}

// Close is uk.Kernel's.
func (k *Native) Close(h uabi.Handle) uabi.Error {
	k.enter("close")
	return k.p.table.remove(h)
}

// Dup is uk.Kernel's.
func (k *Native) Dup(h uabi.Handle, rights uint32) (uabi.Handle, uabi.Error) {
	k.enter("dup")
	c, e := k.lookup(h, 0)
	if e != uabi.OK {
		return 0, e
	}
	extra := rights &^ c.rights
	if extra&^uabi.RightWeak != 0 {
		return 0, uabi.ErrRights
	}
	if extra != 0 && c.badge == nil {
		return 0, uabi.ErrType
	}
	if c.weak() {
		rights |= uabi.RightWeak
	}
	return k.p.table.insert(capability{c.obj, c.badge, rights})
}

// HandleInfo is uk.Kernel's.
func (k *Native) HandleInfo(h uabi.Handle) (t uabi.Type, rights uint32, badge uint64, err uabi.Error) {
	k.enter("handle.info")
	s := k.p.table.at(h)
	if s == nil {
		return 0, 0, 0, uabi.ErrHandle
	}
	if b := s.c.badge; b != nil && k.p.receives(b.ep) {
		badge = b.num
	}
	return s.c.kind(), s.c.rights, badge, uabi.OK
}

// HandleNext is uk.Kernel's.
func (k *Native) HandleNext(h uabi.Handle) (uabi.Handle, uabi.Error) {
	k.enter("handle.next")
	for i := int(h&slotMask) + 1; i < len(k.p.table.slots); i++ {
		if k.p.table.slots[i].c.valid() {
			return k.p.table.number(i), uabi.OK
		}
	}
	return 0, uabi.OK
}

// Null is uk.Kernel's.
func (k *Native) Null() uabi.Error {
	k.enter("null")
	return uabi.OK
}

// Buf is uk.Kernel's.
func (k *Native) Buf() *uk.Buffer { return k.buf }

// Attach is uk.Kernel's. The address is not looked at: simulated native code has no address space of its own.
func (k *Native) Attach(va uint64) uabi.Error {
	k.enter("attach")
	if k.buf != nil {
		return uabi.ErrExists
	}
	k.buf = newBuffer()
	return uabi.OK
}

// Detach is uk.Kernel's.
func (k *Native) Detach() uabi.Error {
	k.enter("detach")
	if k.cur != nil {
		return uabi.ErrBusy
	}
	k.buf = nil
	return uabi.OK
}

// buffers keeps the large message buffers of ended threads for the next ones.
var buffers = sync.Pool{New: func() any {
	return &uk.Buffer{In: &uabi.Msg{}, Out: &uabi.Msg{}, Arg: make([]byte, uabi.ArgSize), InBytes: make([]byte, uabi.MaxBytes), OutBytes: make([]byte, uabi.MaxBytes)}
}}

// newBuffer returns a zeroed message buffer.
func newBuffer() *uk.Buffer {
	b := buffers.Get().(*uk.Buffer)
	*b.In, *b.Out = uabi.Msg{}, uabi.Msg{}
	clear(b.Arg)
	clear(b.InBytes)
	clear(b.OutBytes)
	return b
}
