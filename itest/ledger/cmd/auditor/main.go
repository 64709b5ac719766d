// Command auditor is the demonstration's server of rank 2; it calls the vault.
package main

import (
	"aramid/itest/ledger/audit"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

func main() { server.Main(audit.NewAuditor(uabi.BootMM).Spec()) }
