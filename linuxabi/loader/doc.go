// Package loader understands executables: ELF program headers, script interpreter lines, and the initial stack of a process
// (System V ABI, AMD64 supplement §3.4.1). It is pure: bytes in, plans out; whoever execs carries the plans out.
package loader
