// Command ledger is the demonstration's server of rank 3, version 1; it calls the auditor.
package main

import (
	"aramid/itest/ledger/bank"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

func main() { server.Main(bank.New(uabi.BootProc).Spec()) }
