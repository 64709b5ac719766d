package uk

import _ "unsafe" // for linkname

// The runtime's own marks around a system call. Between them this thread's P may be taken, so a garbage collection that
// needs it goes on; with neither GC nor other work the pair costs about a hundred instructions and no lock.
//
// Safety: both are exported to linkname by the runtime (proc.go names its users). entersyscall remembers its caller's frame, so
// the caller must not return, nor grow its stack, before exitsyscall: blocking is nosplit and calls only native in between.

//go:linkname entersyscall runtime.entersyscall
func entersyscall()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// blocking makes a call that may block.
//
//go:nosplit
func blocking(num, a0, a1, a2, a3 uintptr) (r0, r1 uintptr) {
	entersyscall()
	r0, r1 = native(num, a0, a1, a2, a3, 0, 0)
	exitsyscall()
	return r0, r1
}
