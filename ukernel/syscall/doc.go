// Package syscall is the kernel's front door: it starts the machine's first process (Boot), and takes every trap of every
// thread (Enter): native calls, the few Linux calls of a stock Go runtime, exceptions, page faults and interrupts.
//
// It holds no objects of its own. It decodes: a native call is looked up, every argument, handle, type, right and address is
// validated, and nothing has changed by then; then it invokes one operation of vm, sched or ipc that cannot fail half way.
// What needs knowledge of a Go program lies here as well: the ELF loader (elf.go), the stack that a new image finds
// (stack.go), signal frames (signal.go), and the boot archive (cpio.go).
//
// # Files
//
//	enter.go        why did the thread enter, and who runs next; the hot path
//	native.go       the jump table of native calls; helpers of decode
//	decode.go       what handles each native call needs
//	call_*.go       one file per family of native calls
//	linux*.go       the Go runtime's subset of Linux calls
//	image.go        loading an image and putting it in place; loader.go, elf.go, stack.go are its parts
//	boot.go         rootd's birth, death and rebirth
//
// # Locks
//
// The kernel lock is held during every entry and an entry runs to completion, so every package-level variable here is
// guarded by it. Scratch that is too big for the 8 KiB stack (image plans, copies) lives in such variables.
//
// # Invariants
//
//   - A native call that returns an error has changed no object, frame or handle count (a few calls document partial counts).
//   - No user address is ever dereferenced: all user memory is reached by vm's page-table walks.
//   - Nothing here allocates but through object pools and vm.
package syscall
