// Package server is what every server shares: the serve loop, the journal and its replay, snapshots, retained replies, intents,
// notices, quarantine, fault points and health counters. docs/servers.md is its contract with the handlers; R1…R13 are
// DESIGN §4's rules.
//
// # One request
//
// A mutating request is written into the log's free part as it arrives (invisible so far), its handler runs and appends each input
// (Ctx), and the reply follows; one store of the record's state word commits all of it. Before the first effect or nested
// mutating call the same word makes the record an open intent (R8). An error or a wait without an intent leaves nothing behind.
//
// # What a start does
//
// Load the newest snapshot, run every committed record through its handler with the logged inputs, finish the open intent if there
// is one (R9), close handles that nobody names, subscribe to thread notices, serve.
//
// A start with an open intent first receives: RESENDs come before everything else, so what arrives is the intent's own request if its
// caller still lives, and then its grants are valid while the handler goes on. Anything else that arrives is kept until the
// intent is finished, and the intent's grants then read as stale and are written to nobody.
//
// # Handles
//
// Handles that a request or a nested reply brought, and those that a handler created, are closed by the library when the handler
// returns an error or ErrWait, and at the end of every look-up. After OK they are the handler's: named by State.Handles, or
// closed with Ctx.Close, which takes effect after the commit. Minted handles are closed once the reply is sent. A handle of the
// server's own badge arrives weak; Ctx.BadgeOf says its number and the library closes it.
//
// # Locks and invariants
//
// One lane: one goroutine, locked to its thread, owns everything here. The log is a sequence of records and then a word that is
// no valid state word; at most the last record is open.
package server
