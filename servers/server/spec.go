package server

import (
	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
)

// State is a server's whole truth as one protobuf message.
type State interface {
	// Save returns the state. The same state gives the same bytes.
	Save() []byte
	// Load replaces the state. An error resumes the old binary after a swap.
	Load([]byte) error
	// Handles names every handle that the state holds.
	Handles(func(uabi.Handle))
}

// Spec is what a server gives to the library. Functions that are nil are skipped.
type Spec struct {
	Name    string
	Rank    uint32
	Service ipc.Service[*Ctx]
	State   State
	// Gone is told that the last handle of a badge is gone and its number dead (R6). It may be told again after a crash.
	Gone func(c *Ctx, badge uint64)
	// ThreadGone is told that an alien is gone (R13), after the library dropped its replies. It may be told again after a crash.
	ThreadGone func(c *Ctx, origin uint64)
	// Event is told that bits of the event bound under key were raised. It may be told again after a crash.
	Event func(c *Ctx, key uint64, bits uint32)
	// Start runs once, on a cold start.
	Start func(c *Ctx)
	// Check is for tests: it panics when a handler that fails, waits or looks up has changed the state, and makes what a handler kept of
	// its request without cloning it unreadable. It costs a Save around every handler.
	Check bool
}
