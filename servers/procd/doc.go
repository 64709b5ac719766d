// Command procd is the process server: the process tree, threads, credentials, signals, limits, and descriptor tables.
//
// # Objects
//
// A Thread is an alien thread of the kernel. A Process has one or more threads, one address space (an mm of mmd's), one handler
// table. Threads of a process may have different descriptor tables, fs contexts and credentials (clone(2), setresuid(2)), so
// these hang on the thread. Tables, fs contexts, mms, handler tables and credentials are counted; credentials records are
// never changed once made, so their number in a context word names them for ever.
//
// # Life of a process
//
// A thread that ends is dying from the moment that procd tells the kernel to kill it, and goes when the kernel says that it is
// gone (R13). When the last thread of a process is gone, its descriptors, mm and timers are released, its children find a new
// parent, and it is a zombie until waited for.
//
// # Cgroups
//
// There is one hierarchy; names and control files are vfsd's. A process is in one group from its fork until it is reaped, but a zombie
// does not make its group populated. Each group has sums over itself and all below (tally), so that a fork, an exit and pids.max cost
// a walk to the root. settle compares what the sums say with what was told last. A frozen group's threads park as those of a stopped
// process do, and wait(2) says nothing.
//
// # Interrupt level
//
// Invariant: a thread's interrupt level (R12) is up if a signal that it does not block is pending for it, or its process is
// held (stopped, or in a group that freezes) and it has not parked. Of a process's signals one thread that does not block them is woken.
//
// # Events
//
// Each process has an event; its bits (bit…) have no level, only raises: whoever waits reads the raise number first.
package main
