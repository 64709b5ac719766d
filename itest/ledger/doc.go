// Package ledger holds the demonstration servers: bank (the ledger, rank 3), audit (the auditor, rank 2, and the vault, rank 1), their
// protocol in proto, and below cmd their programs. itest/storm is the client side with the checker.
//
// They exist to be killed: between them they use every kind of thing a server can do (nested calls to a depth of three, handles that
// are opened, found again, sent and dropped, events, waits with deadlines, grants, errors after an intent), and what they say can be
// checked exactly.
package ledger
