// Package kcheck is the ring-0 verifier: it disassembles the linked kernel and refuses it when code that an entry point can
// reach breaks a rule of freestanding Go (DESIGN §3). It is a host tool; the kernel does not import it.
//
// It reads the ELF file that the Go linker wrote, before boot/image patches it, and works on the machine code only:
//
//   - image.go    sections, symbols, functions, static data, source lines
//   - decode.go   x86asm behind a shim for the instructions that x86asm gets wrong
//   - value.go, exec.go, execstack.go, flow.go    an abstract interpreter for one function: known constants, flags, stack depth
//   - check.go, data.go     the whole program: what is reachable, from which entries, under which assumptions
//   - stack.go    deepest stack, recursion, room for the stack check of compiled Go
//   - policy.go   which functions of the Go runtime may run, trap, or must never be reached
//   - report.go   what is printed, and what boot/image overwrites
//
// # How it reasons
//
// A run starts at the ELF entry and the named entries, and adds every function whose address reachable code or data
// reachable from it holds (that is how the IDT, LSTAR and the AP trampoline get theirs). Each function is interpreted with a
// small constant domain. Loads from read-only data are exact. A load from a writable variable is exact while no reachable
// instruction stores to that variable and nothing reachable holds its address; that is assumed first and checked after, and a
// broken assumption starts the run again without it. Branches are decided by such variables only where they belong to
// the Go runtime (its write barrier flag and CPU features), since the loader may patch the kernel's own.
//
// An indirect jump or call whose target this does not resolve is a violation, and so is any instruction that cannot be decoded.
//
// # Invariants
//
//   - The set of instructions that a run visits contains every instruction that can execute, given docs/caveats.md.
//   - Everything else in the text segment is in Patches, except inside trap leaves, whose first bytes boot/image replaces.
//
// Nothing here keeps state between calls of Check; there are no locks.
package kcheck
