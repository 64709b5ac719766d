// Command mmd is the memory server: it owns the address spaces of Linux processes and decides where things lie in them.
//
// The kernel's region tree is the one truth about what is mapped. mmd keeps per mm only what the kernel lacks: the Space's handle,
// the heap's bounds, where mappings end. Addresses are chosen through look-ups that the request's journal record keeps, so a
// successor maps at the same place. Linux flags that the kernel does not know travel in the region's tag (package layout).
//
// An mm is a badge of mmd's endpoint; when its last handle goes, so does its Space.
package main
