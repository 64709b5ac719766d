// Package amd64 is the real machine: all assembly, traps, page-table roots, MSRs, the local APIC, per-CPU areas, the log port, and the
// panic report. It knows no kernel object but hw.Context, the saved state of a thread.
//
// # Seam with the rest of the kernel
//
// Package main (or a test's own main) defines, by linkname, two function variables that assembly calls:
//
//	amd64.bootFn  func()                             once, on the boot CPU, kernel lock held, everything here initialised
//	amd64.enterFn func(*hw.Context) *hw.Context      each entry of each CPU, kernel lock held; nil = nothing to run
//
// # Locks and invariants
//
//   - Interrupts are off in ring 0 but for the one HLT of an idle CPU. Each entry starts on an empty stack.
//   - The kernel lock is taken in the entry code before Go runs, and released in the exit code. A CPU that spins for it serves
//     TLB shootdowns. cpus[i] is written by CPU i; want is written under the lock by others.
//   - GS base is the CPU's area while in ring 0. The linked kernel's FS:-8 (Go's g) is patched to GS:-8, see boot/image.
//   - NMI, #DF, #MC and #DB have their own stacks, so that no window around SWAPGS or SYSRET can be hit on a user stack.
//   - A fault in ring 0 is a panic: the kernel never touches user addresses.
//   - What boot/image wrote (hw.ImageHeader, page tables) is trusted; what the loader passed is checked.
package amd64
