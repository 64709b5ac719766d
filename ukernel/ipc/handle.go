package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// Install puts a new handle on obj (through badge b, or nil) into p's table, with references of its own. ErrLimit, ErrNoMem.
//
// A handle of p on itself has none: a process must not keep itself alive. A running image has a reference.
func (p *Process) Install(obj *object.Header, b *Badge, rights uint32) (uabi.Handle, uabi.Error) {
	h, err := p.Table.Insert(obj, b.header(), rights)
	if err == uabi.OK && obj != &p.Header {
		hold(obj, b, rights)
	}
	return h, err
}

// InstallNew is Install of an object just made, whose only reference goes to the handle; on an error the object is dropped.
func (p *Process) InstallNew(obj *object.Header, rights uint32) (uabi.Handle, uabi.Error) {
	h, err := p.Install(obj, nil, rights)
	Drop(obj)
	return h, err
}

// InstallAt is Install at a boot slot. ErrArg, ErrExists, ErrNoMem.
func (p *Process) InstallAt(slot uabi.Handle, obj *object.Header, b *Badge, rights uint32) uabi.Error {
	err := p.Table.InsertAt(slot, obj, b.header(), rights)
	if err == uabi.OK {
		if b != nil {
			b.out = true
		}
		if obj != &p.Header {
			hold(obj, b, rights)
		}
	}
	return err
}

// Close is CallClose. ErrHandle.
func (p *Process) Close(h uabi.Handle) uabi.Error {
	x, err := p.Table.Lookup(h)
	if err != uabi.OK {
		return err
	}
	obj, badge, rights := x.Obj, x.Badge, x.Rights
	p.remove(h, x)
	if obj == &p.Header {
		return uabi.OK // see Install
	}
	var b *Badge
	if badge != nil {
		b = badgeOf(badge)
	}
	unhold(obj, b, rights)
	return uabi.OK
}

// remove takes h, whose entry is x, out of the table. Its references are the caller's.
func (p *Process) remove(h uabi.Handle, x *object.Entry) {
	p.Table.Remove(h, x)
	if k := &p.known[h%knownEndpoints]; k.h == h {
		*k = known{}
	}
	if k := &p.seen[h%seenHandles]; k.h == h {
		*k = seen{}
	}
}

// Dup is CallDup. ErrHandle, ErrStale, ErrRights: rights that h lacks; RightWeak may be added to a badge handle and is never lost.
func (p *Process) Dup(h uabi.Handle, rights uint32) (uabi.Handle, uabi.Error) {
	x, err := p.Get(h, uabi.TypeNone, 0)
	if err != uabi.OK {
		return 0, err
	}
	weak := uint32(0)
	var b *Badge
	if x.Badge != nil {
		b = badgeOf(x.Badge)
		weak = (rights | x.Rights) & uabi.RightWeak
	}
	rights &^= uabi.RightWeak
	if rights&^x.Rights != 0 {
		return 0, uabi.ErrRights
	}
	return p.Install(x.Obj, b, rights|weak)
}

// HandleInfo is CallHandleInfo. ErrHandle. A weak handle whose badge died still tells its number.
func (p *Process) HandleInfo(h uabi.Handle) (typ uabi.Type, rights uint32, badge uint64, err uabi.Error) {
	x, err := p.Table.Lookup(h)
	if err != uabi.OK {
		return 0, 0, 0, err
	}
	typ = x.Obj.Type
	if x.Badge != nil {
		typ = uabi.TypeBadge
		if b := badgeOf(x.Badge); b.ep.owner == p {
			badge = b.Number
		}
	}
	return typ, x.Rights, badge, uabi.OK
}

// Get looks up a handle on an object of type typ (TypeNone: any) with all of rights. ErrHandle, ErrType, ErrRights; ErrStale: its
// badge died. TypeEndpoint accepts badged handles.
func (p *Process) Get(h uabi.Handle, typ uabi.Type, rights uint32) (*object.Entry, uabi.Error) {
	k := &p.seen[h%seenHandles]
	x := k.x
	if k.h != h || x == nil {
		var err uabi.Error
		if x, err = p.Table.Lookup(h); err != uabi.OK {
			return nil, err
		}
		*k = seen{h, x}
	}
	if typ != uabi.TypeNone && x.Obj.Type != typ {
		return nil, uabi.ErrType
	}
	if rights&^x.Rights != 0 {
		return nil, uabi.ErrRights
	}
	if x.Badge != nil && x.Rights&uabi.RightWeak != 0 && badgeOf(x.Badge).handles == 0 {
		return nil, uabi.ErrStale
	}
	return x, uabi.OK
}

// seen remembers the entry of a handle that was looked up; Close forgets it.
type seen struct {
	h uabi.Handle
	x *object.Entry
}

// seenHandles is the number of them per process, by the low bits of the handle.
const seenHandles = 16

// known remembers a counted endpoint handle that was looked up; Close forgets it.
type known struct {
	h      uabi.Handle
	rights uint32
	e      *Endpoint
	b      *Badge
}

// knownEndpoints is the number of them per process, by the low bits of the handle; a process's own endpoint and those below it must
// not collide (uabi.Boot…).
const knownEndpoints = 16

// Endpoint looks up an endpoint handle; rights ≠ 0. b is its badge or nil.
func (p *Process) Endpoint(h uabi.Handle, rights uint32) (e *Endpoint, b *Badge, err uabi.Error) {
	if k := &p.known[h%knownEndpoints]; k.h == h && rights&^k.rights == 0 {
		return k.e, k.b, uabi.OK
	}
	return p.findEndpoint(h, rights)
}

// findEndpoint is Endpoint for handles that are not known.
func (p *Process) findEndpoint(h uabi.Handle, rights uint32) (e *Endpoint, b *Badge, err uabi.Error) {
	x, err := p.Get(h, uabi.TypeEndpoint, rights)
	if err != uabi.OK {
		return nil, nil, err
	}
	if x.Badge != nil {
		b = badgeOf(x.Badge)
	}
	e = endpointOf(x.Obj)
	if x.Rights&uabi.RightWeak == 0 {
		p.known[h%knownEndpoints] = known{h, x.Rights, e, b}
	}
	return e, b, uabi.OK
}

// target is Endpoint for a request that is forwarded to h, a weak handle too, with the rights of h.
func (p *Process) target(h uabi.Handle) (e *Endpoint, b *Badge, rights uint32, err uabi.Error) {
	if k := &p.known[h%knownEndpoints]; k.h == h && k.rights&uabi.RightCall != 0 {
		return k.e, k.b, k.rights, uabi.OK
	}
	x, err := p.Get(h, uabi.TypeEndpoint, uabi.RightCall)
	if err != uabi.OK {
		return nil, nil, 0, err
	}
	if x.Badge != nil {
		b = badgeOf(x.Badge)
	}
	return endpointOf(x.Obj), b, x.Rights, uabi.OK
}

// GetEvent looks up an event.
func (p *Process) GetEvent(h uabi.Handle, rights uint32) (*Event, uabi.Error) {
	x, err := p.Get(h, uabi.TypeEvent, rights)
	if err != uabi.OK {
		return nil, err
	}
	return eventOf(x.Obj), uabi.OK
}

// GetThread looks up a thread.
func (p *Process) GetThread(h uabi.Handle, rights uint32) (*Thread, uabi.Error) {
	x, err := p.Get(h, uabi.TypeThread, rights)
	if err != uabi.OK {
		return nil, err
	}
	return threadOf(x.Obj), uabi.OK
}

// GetProcess looks up a process.
func (p *Process) GetProcess(h uabi.Handle, rights uint32) (*Process, uabi.Error) {
	x, err := p.Get(h, uabi.TypeProcess, rights)
	if err != uabi.OK {
		return nil, err
	}
	return processOf(x.Obj), uabi.OK
}

// GetSpace looks up a space.
func (p *Process) GetSpace(h uabi.Handle, rights uint32) (*vm.Space, uabi.Error) {
	x, err := p.Get(h, uabi.TypeSpace, rights)
	if err != uabi.OK {
		return nil, err
	}
	return spaceOf(x.Obj), uabi.OK
}

// GetMemory looks up a memory object.
func (p *Process) GetMemory(h uabi.Handle, rights uint32) (*vm.Memory, uabi.Error) {
	x, err := p.Get(h, uabi.TypeMemory, rights)
	if err != uabi.OK {
		return nil, err
	}
	return memoryOf(x.Obj), uabi.OK
}

// GetAccount looks up an account.
func (p *Process) GetAccount(h uabi.Handle, rights uint32) (*object.Account, uabi.Error) {
	x, err := p.Get(h, uabi.TypeAccount, rights)
	if err != uabi.OK {
		return nil, err
	}
	return accountOf(x.Obj), uabi.OK
}
