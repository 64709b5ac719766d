// Package bank is the ledger: accounts as badged handles, with balances that add up.
//
// Invariant, checked by itest/storm: deposited = balances + house + withdrawn, and each committed change of a balance has exactly one
// entry with the auditor.
package bank
