// Package sched decides which thread runs on which CPU, and when time is up.
//
// It knows threads only as something with a saved state, a space, a priority and one queue link; why a thread is blocked
// is package ipc's business. ipc.Thread embeds Thread as its first field, so a *Thread that comes out of here is turned
// into its owner by a cast there.
//
// # Ready queues
//
// There is one ready queue per priority for all CPUs, and a bitmap of those that are not empty. A CPU takes the first
// thread of the highest priority. A thread that was preempted goes to the front of its queue if its slice is not used up,
// else to the back with a new one. Idle CPUs are kicked when a thread becomes ready; if none is idle, the CPU that runs the
// lowest priority below the new thread's is, or one of the same priority whose thread has run for Granule.
//
// # Direct switch and donation
//
// SwitchTo gives the CPU and the rest of the slice to a thread without going through the ready queue. Donate raises a
// receiver to its caller's priority until Undonate. A server that is busy when a call is queued is not raised.
//
// # Timers
//
// Timer is an intrusive node of one pairing heap for all CPUs (Fredman, Sedgewick, Sleator, Tarjan 1986; both passes of a
// deletion are loops). Whoever inserts a node that is earlier than what its own CPU has armed arms it, so each deadline has
// a CPU that will look.
//
// # Locks and invariants
//
// Everything needs the kernel lock. A thread is in at most one Queue, and Thread.in says which. State Running means: it is
// some CPU's current. A thread whose state is set to Gone while another CPU runs it stays that CPU's current until it
// enters the kernel (Kick); only then may its memory be reused: see Busy.
package sched
