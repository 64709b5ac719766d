// Package ipc is messages between processes and everything that waits: processes, native and alien threads, endpoints,
// badges, events, wait sets, timers, interrupts, futexes, and the kernel's half of the restart protocol (DESIGN §4, R1–R13).
// It is functions over kernel objects; package syscall decodes handles and registers. docs/ipc.md has the states of a thread
// and of a call.
//
// # How results come back
//
// Functions that may block (Call, Receive, ReplyReceive, EventWait, FutexWait, Sleep, Trap) put their result into the thread's
// Regs.RAX themselves, at once or when it wakes; after them, as after everything, the entry ends with Leave. All others
// return a value and a uabi.Error and leave the registers alone.
//
// # Where a call lives
//
// A thread has at most one unanswered call, so the call is a field of the thread that sent it (Thread.call): queueing,
// delivering and answering allocate nothing. A native caller's words and bytes stay in its message buffer until they are
// delivered (again, after a restart); a forwarded request is copied into the alien's thread. What is transferred (handles) and
// what a later kernel call uses (id, grants) is taken into the call when it is sent, so that nobody can change it.
// A server thread executes at most one request (Thread.cur). So the delivered, unanswered calls of a process are exactly
// what its threads' cur fields name, and there is no list of them to keep right.
//
// # Handles in messages
//
// Sending a handle needs RightTransfer and copies it: the sender keeps its own. A badged handle that arrives at a process
// which receives on its endpoint is installed weak, and its badge number is also in In.Record[i] (Out.Record[i] of a reply);
// the call keeps the badge counted until it is answered. Record handles of a trap (In.RecordHandle) are weak handles that
// the kernel closes itself when the handler answers the trap in any way.
//
// # Badge numbers
//
// A badge is reported gone only if a handle of it was once in another process's table or pinned for an alien; else the number is free
// again, for then nobody but its owner knows it: see Badge.lastGone.
//
// A badge number that was acknowledged as gone (R6) is dead for ever. The dead numbers of an endpoint are a radix tree of
// bitmaps in which full nodes are replaced by one bit of their parent: its size is bounded by the numbers that are alive or
// were skipped, not by those that died.
//
// # Interrupt and timeout levels (R12)
//
// The interrupt level of an alien is up until CallThreadInterrupt lowers it. While it is up, deliveries show it, waits
// return at once, and an alien that is about to run in user mode traps instead. The timeout level belongs to one trap.
//
// # Poison
//
// A call's crash count grows when the image that has it delivered ends by itself (exit, exception), or is killed after the
// watchdog found it hung on that call; not when it is killed or replaced from outside. At QuarantineTry−1 crashes the next
// delivery carries FlagQuarantine.
//
// # Locks and invariants
//
// Everything needs the kernel lock. A blocked thread is in the one queue that Thread.block says. No function here
// recurses; destructors put what they drop last into a graveyard that Leave empties.
package ipc
