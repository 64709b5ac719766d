// Package image makes the boot image: one ELF file with a PVH note that holds the patched kernel, its page tables, a symbol table for
// panics and the boot archive. It is the kernel's post-link step, in Go only.
//
// The same input gives the same bytes: nothing depends on time, paths, map order or the host.
//
// # Files
//
//	image.go     Build: the whole way from packages or files to an image
//	link.go      the go build calls and their flags
//	trim.go      stack checks out of the linked kernel
//	kernel.go    reading the linked kernel; FS to GS; traps over what must not run
//	symbols.go   the symbol table for panics
//	pages.go     the boot segment: header, stub, trampoline, page tables
//	archive.go   the cpio archive
//	write.go     the ELF file
package image
