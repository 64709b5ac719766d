// Package audit is the auditor, which numbers entries, and the vault below it, which hashes them in their order.
package audit
