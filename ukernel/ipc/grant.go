package ipc

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// GrantCopy copies n bytes between offset off of grant i of t's current request and other (t's space or a memory object);
// write: into the grant. ErrStale: the request was dropped; ErrArg, ErrRights.
func GrantCopy(t *Thread, i int, off uint64, other vm.Place, n uint64, write bool) (uint64, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// AlienCopy copies n bytes between va of the current trap's alien and va2 of t's space; write: into the alien.
func AlienCopy(t *Thread, va, va2, n uint64, write bool) (uint64, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// AlienString copies the NUL-terminated string at va of the current trap's alien to va2 of t's space, at most max bytes with
// its NUL, and returns its length without. ErrFault, ErrSize.
func AlienString(t *Thread, va, va2, max uint64) (uint64, uabi.Error) { return 0, uabi.ErrUnsupported }
