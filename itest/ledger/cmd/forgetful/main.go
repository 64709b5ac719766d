// Command forgetful is a ledger that cannot load any snapshot: what a swap to a wrong binary meets.
package main

import (
	"errors"

	"aramid/itest/ledger/bank"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// state is a ledger's state without its memory.
type state struct{ server.State }

// Load implements server.State.
func (state) Load([]byte) error { return errors.New("forgetful: this version reads no snapshot") }

func main() {
	spec := bank.New(uabi.BootProc).Spec()
	spec.State = state{spec.State}
	server.Main(spec)
}
