// Command ledger2 is the ledger's version 2, which persists one field more.
package main

import (
	"aramid/itest/ledger/bank"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

func main() { server.Main(bank.New2(uabi.BootProc).Spec()) }
