package ipc

import (
	"aramid/ukernel/uabi"
)

// prepare is the decode half of a call with more than words: it checks bytes, handles, grants, id and record, and only when all
// is well takes them into t's call and t's alien. On an error nothing has changed that anyone can see.
//
// Other threads of the process can write Out at any time: what is checked is read once, or read again with a check.
func (t *Thread) prepare(out *uabi.Msg) uabi.Error {
	if out.Len > uabi.MaxBytes {
		return uabi.ErrSize
	}
	c := &t.call
	alien := t.alienNow()
	id, err := t.checkID(out.ID)
	if err != uabi.OK {
		return err
	}
	if alien == nil && id.Origin != 0 && id.Origin&uabi.OriginProcess == 0 {
		alien = findAlien(id.Origin)
	}
	grants := out.NGrants
	if grants != 0 {
		if err := c.takeGrants(out, grants, alien); err != uabi.OK {
			return err
		}
	}
	n := 0
	if out.NHandles != 0 {
		if n, err = t.collect(out, &c.handle); err != uabi.OK {
			return err
		}
	}
	if out.Flags&uabi.FlagSaveRecord != 0 {
		a, err := t.CurrentAlien()
		if err != uabi.OK {
			err = uabi.ErrArg
		} else {
			err = t.saveRecord(a, out)
		}
		if err != uabi.OK {
			drop(&c.handle, n)
			return err
		}
	}
	c.nh = uint8(n)
	c.id = id
	c.ng = uint8(grants)
	if alien != nil {
		alien.Refs++
		c.alien = alien
	}
	c.extra = n != 0 || c.ng != 0 || alien != nil || id.Trap|id.Origin|id.Path != 0
	return uabi.OK
}

// alienNow is the alien for whom t works now: the one whose trap it handles, or that its current request is for; or nil.
func (t *Thread) alienNow() *Thread {
	a := t.cur
	if a == nil {
		return nil
	}
	if a.Kind == Alien {
		return a
	}
	return a.call.alien
}

// pidMask is where a process id is in an Origin: a process may number its threads in the bits above.
const pidMask = 1<<32 - 1

// checkID says which id a call gets (R7). A process that is no server originates its own; a server may give any origin that is
// not beyond use, but the handler of an alien's traps only that of the trap it handles (R13). ErrStale, ErrDead.
func (t *Thread) checkID(id uabi.ID) (uabi.ID, uabi.Error) {
	p := t.Proc
	if id.Origin|id.Trap == 0 {
		return uabi.ID{}, uabi.OK
	}
	if p.Flags&uabi.ProcessServer == 0 {
		id.Origin = uabi.OriginProcess | id.Origin&^pidMask | p.ID&pidMask
		return id, uabi.OK
	}
	if id.Origin&uabi.OriginProcess != 0 {
		return id, uabi.OK
	}
	if a := t.cur; a != nil && a.call.kind == callTrap {
		if id.Origin != a.ID || id.Trap != a.al.traps {
			return id, uabi.ErrStale
		}
		return id, uabi.OK
	}
	a := findAlien(id.Origin)
	if a == nil || a.al.handler.owner == p {
		return id, uabi.ErrStale
	}
	if a.block == BlockGone && a.acked(p) {
		return id, uabi.ErrDead
	}
	return id, uabi.OK
}

// acked reports whether process p has acknowledged that the alien t is gone: the notice is due at a lower rank.
func (t *Thread) acked(p *Process) bool { return t.al.goneAt == nil || p.Rank > t.al.goneAt.Rank }

// takeGrants takes n grants of out into c and checks them there. ErrSize; ErrArg; ErrFault: no user addresses; ErrStale: no alien.
//
//go:noinline
func (c *call) takeGrants(out *uabi.Msg, n uint32, alien *Thread) uabi.Error {
	if n > uabi.MaxGrants {
		return uabi.ErrSize
	}
	c.grant = out.Grant
	for i := range n {
		g := &c.grant[i]
		if g.Rights&^(uabi.RightRead|uabi.RightWrite) != 0 || g.Flags&^uabi.GrantAlien != 0 {
			return uabi.ErrArg
		}
		if g.Addr > uabi.MaxUser || g.Len > uabi.MaxUser-g.Addr {
			return uabi.ErrFault
		}
		if g.Flags&uabi.GrantAlien != 0 && alien == nil {
			return uabi.ErrStale
		}
	}
	return uabi.OK
}

// saveRecord stores out's record in the alien a (R2, R4). ErrHandle, ErrStale: a record handle is bad, and nothing has changed.
func (t *Thread) saveRecord(a *Thread, out *uabi.Msg) uabi.Error {
	var x [uabi.MaxHandles]ref
	for i, h := range out.RecordHandle {
		if h == 0 {
			continue
		}
		e, err := t.Proc.Get(h, uabi.TypeNone, 0)
		if err != uabi.OK {
			drop(&x, i)
			return err
		}
		x[i].take(e)
	}
	a.al.record = out.Record
	for i := range x {
		a.al.recRef[i].drop()
		a.al.recRef[i] = x[i]
	}
	a.al.kept |= keepsWords | keepsRefs
	return uabi.OK
}
