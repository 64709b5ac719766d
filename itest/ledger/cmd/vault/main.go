// Command vault is the demonstration's server of rank 1.
package main

import (
	"aramid/itest/ledger/audit"
	"aramid/servers/server"
)

func main() { server.Main(audit.NewVault().Spec()) }
