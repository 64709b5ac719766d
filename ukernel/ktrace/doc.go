// Package ktrace is what the kernel says about itself: the log (lines of text on the log port) and the trace rings (bounded
// records of what happened, read by CallTrace and by the panic report).
//
// It is not a debugger and keeps nothing for ever: a ring that is full overwrites its oldest record.
//
// Locking: everything here runs with the kernel lock held, on the CPU whose ring it writes; so the sequence counter is a plain
// word, and one number orders the records of all CPUs. The panic path may call the log functions without the lock: by then
// the other CPUs have stopped.
//
// Invariants: within one ring Seq grows from record to record; every Seq from 1 to the newest was given to exactly one record.
//
// It imports only arch and uabi, so every kernel package may use it. The test at a hot place is one load and one branch:
//
//	if ktrace.Mask&ktrace.BitCall != 0 { ktrace.Put(ktrace.EvCall, thread, number, a, b) }
package ktrace
