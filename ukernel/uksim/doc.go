// Package uksim is a simulated kernel inside one host process: it implements uk.Kernel for any number of simulated processes, native
// threads and aliens, deterministically from a seed.
//
// Every simulated thread is a coroutine and only one runs at a time. At every native call and at every fault point the seed decides who
// runs next, which of several pending messages and notices is received next, and whether a process crashes there. Time is virtual: it
// advances by StepNS a step and jumps to the next deadline when nobody can run.
//
// It is a model of the contract in uabi, not of the kernel's code: the test of a server, of servers/server and of linuxabi. What the
// contract leaves open (order among callers, spurious wake-ups of event notices) the seed decides.
//
// # Processes, binaries and crashes
//
// A binary is a Go function registered by name (Sim.Register). A memory object whose bytes begin with BinaryMagic and a registered name
// is an executable to ProcessStart, so a simulated rootd starts servers as the real one does; Sim.Spawn does what rootd would.
// When an image ends, its goroutines unwind by a panic at their next kernel call. So:
//
//   - a server must keep all state below its main function: package-level mutable state would leak into its successor;
//   - a recover() that swallows every panic would keep a dead image alive; kernel calls of a dead image panic for ever;
//   - memory reached through MapSelf may be written until the next kernel call or fault point only.
//
// # Invariants
//
//   - exactly one coroutine runs; all state of the Sim belongs to it, so there are no locks;
//   - nothing iterates over a Go map, reads the host's clock or its randomness: the same seed gives the same run;
//   - an object lives while a capability (a table slot, a message, a record, a pin, a wait) holds it; Sim.Live counts the live ones.
package uksim
