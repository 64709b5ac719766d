package object

import "aramid/ukernel/uabi"

// Header starts every kernel object.
type Header struct {
	Type uabi.Type
	Refs uint32   // owners: handles, and pointers from other objects
	ID   uint64   // never used again; 0 is none
	Acct *Account // what it is charged to, with a reference; nil: the kernel itself
}

var (
	lastID uint64
	live   [uabi.TypeCount]uint64
)

// Live is the number of objects of type t.
func Live(t uabi.Type) uint64 { return live[t] }

// NextID is a number that was never returned before.
func NextID() uint64 {
	lastID++
	return lastID
}

// Start makes h the header of a new object with one reference, and counts it. The object itself was charged by
// Pool.Get with the same account, on which Start takes a reference.
//
//go:noinline
func (h *Header) Start(t uabi.Type, a *Account) {
	h.Type, h.Refs, h.ID, h.Acct = t, 1, NextID(), a
	if a != nil {
		a.Refs++
	}
	live[t]++
}

// Stop ends the count of an object whose last reference is gone, and drops the account reference; it returns the
// account that Pool.Put must uncharge. The account stays valid until that call, because the object is still charged to it.
//
//go:noinline
func (h *Header) Stop() *Account {
	live[h.Type]--
	h.Type, h.ID = uabi.TypeNone, 0
	a := h.Acct
	h.Acct = nil
	if a != nil {
		a.Refs-- // not Unref: the charge keeps it alive until Pool.Put
	}
	return a
}

// Ref adds a reference.
func (h *Header) Ref() { h.Refs++ }

// Unref drops a reference and reports whether it was the last: then the caller destroys the object.
func (h *Header) Unref() bool {
	h.Refs--
	return h.Refs == 0
}
