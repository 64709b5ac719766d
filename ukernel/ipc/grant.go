package ipc

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// maxCopy bounds one copy through a grant, bytes: longer ones are short.
const maxCopy = 256 << 10

// GrantCopy copies up to n bytes between offset off of grant i of t's current request and other (a place in t's space or in a
// memory object); write: into the grant. It returns how many: short at a fault or at maxCopy. ErrStale: the request was dropped,
// or there is none, or its sender is gone and nobody will send it again; ErrArg: beyond the grant; ErrRights; ErrFault, ErrNoMem, ErrAgain.
func GrantCopy(t *Thread, i int, off uint64, other vm.Place, n uint64, write bool) (uint64, uabi.Error) {
	a := t.cur
	if a == nil || a.call.dead && !a.call.againSent() {
		return 0, uabi.ErrStale
	}
	c := &a.call
	if i < 0 || i >= int(c.ng) {
		return 0, uabi.ErrArg
	}
	g := &c.grant[i]
	if off > g.Len || n > g.Len-off {
		return 0, uabi.ErrArg
	}
	need := uint32(uabi.RightRead)
	if write {
		need = uabi.RightWrite
	}
	if g.Rights&need == 0 {
		return 0, uabi.ErrRights
	}
	from := a
	switch {
	case g.Flags&uabi.GrantAlien != 0 && a.Kind == Native:
		from = c.alien
	case c.dead:
		from = nil
	}
	if from == nil || from.block == BlockGone {
		return 0, uabi.ErrStale
	}
	return copyPlaces(vm.Place{Space: from.Space, At: g.Addr + off}, other, n, write)
}

// againSent reports whether a successor of the call's sender, which is gone, will send it again: its alien still waits in the trap that it is for.
// What is answered now is what the successor will be told, so that the alien's memory must be there.
func (c *call) againSent() bool {
	a := c.alien
	return a != nil && a.al.open && c.id.Origin == a.ID && c.id.Trap == a.al.traps
}

// copyPlaces copies up to n bytes from other to user, or the other way round.
func copyPlaces(user, other vm.Place, n uint64, write bool) (uint64, uabi.Error) {
	n = min(n, maxCopy)
	if write {
		return vm.Copy(user, other, n)
	}
	return vm.Copy(other, user, n)
}

// AlienCopy copies up to n bytes between va of the current trap's alien and va2 of t's space; write: into the alien. ErrStale: t
// handles no trap; ErrFault, ErrNoMem, ErrAgain.
func AlienCopy(t *Thread, va, va2, n uint64, write bool) (uint64, uabi.Error) {
	a, err := t.CurrentAlien()
	if err != uabi.OK {
		return 0, err
	}
	return copyPlaces(vm.Place{Space: a.Space, At: va}, vm.Place{Space: t.Space, At: va2}, n, write)
}

// AlienString copies the NUL-terminated string at va of the current trap's alien to va2 of t's space, at most max bytes with
// its NUL, and returns its length without. ErrStale: t handles no trap; ErrFault, ErrNoMem, ErrAgain; ErrSize: no NUL within max
// (or maxCopy).
func AlienString(t *Thread, va, va2, max uint64) (uint64, uabi.Error) {
	a, err := t.CurrentAlien()
	if err != uabi.OK {
		return 0, err
	}
	max = min(max, maxCopy)
	n, end, err := vm.CopyString(vm.Place{Space: t.Space, At: va2}, vm.Place{Space: a.Space, At: va}, max)
	if end {
		return n - 1, uabi.OK
	}
	if err == uabi.OK {
		err = uabi.ErrSize
	}
	return 0, err
}
