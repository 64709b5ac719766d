// Command confused is a ledger that crashes when it loads a snapshot: what a swap to a faulty binary meets.
package main

import (
	"aramid/itest/ledger/bank"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// state is a ledger's state with a faulty Load.
type state struct{ server.State }

// Load implements server.State.
func (state) Load([]byte) error { panic("confused: by any snapshot") }

func main() {
	spec := bank.New(uabi.BootProc).Spec()
	spec.State = state{spec.State}
	server.Main(spec)
}
