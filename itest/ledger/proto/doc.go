// Package proto is the contract of the demonstration servers: ledger, auditor and vault (ledger.proto).
package proto
