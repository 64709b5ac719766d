// Package vm is address spaces, memory objects and page faults. It is the only package that turns a user address into
// access, always by walking page tables through the direct map: the kernel never dereferences a user address.
//
// # Spaces
//
// A space has a page table and a set of regions that do not overlap (a treap, and a list in address order). The regions are the
// truth; a page-table entry is only a cache of what a fault would find, except for private pages, which exist nowhere
// else. A region is anonymous (private zero memory), or a window of a memory object, shared or private (copy-on-write).
//
// An entry of a page table, besides the processor's bits:
//
//	pteCounted  the entry holds a reference to its frame (all but frames of physical windows)
//	pteOwn      the page belongs to the private region: anonymous, or copied from the object. Without it, the frame is the
//	            memory object's, and dropping the entry loses nothing
//	not present but ≠ 0: the region allows no access; the frame waits until Protect gives access back
//
// A private page may be written in place only while its frame has one reference. Clone shares own pages, write-protected in
// both spaces, and copies no others: those come back by faults.
//
// # Memory objects
//
// A memory object finds its frames through a radix tree, which holds one reference to each; it may lie over a window of
// physical memory that shows through where it has no frame of its own. Memory.Clone shares frames between two objects: both
// mark them idxCow, and whoever writes to a marked page gets a copy of its own first, and takes the old frame out of its
// mappings, which it finds through its list of regions.
//
// # The radix tree
//
// Page tables and object indexes are the same structure (type radix): nodes of 512 words, each a kernel frame charged to the
// owner's account, whose reference count is 1 + the number of words in use; a node that is empty goes at once.
//
// # TLB
//
// Whatever takes away or replaces a translation calls stale, and each operation ends with flush: the local TLB, one Shoot for
// the other CPUs that have the space loaded, and the generation for the frames that were dropped (package frame's
// quarantine). No one waits. A frame whose last reference goes in a later operation waits for the newest Shoot as well.
//
// # Long work, and running out
//
// Operations decide first (decode), take all memory they need, and then cannot fail (invoke): an error changes nothing that a
// program can see. Unmap, Discard and the destruction of spaces and objects (Reap) go in bounded pieces.
//
// # What does not hold
//
// Clone, Move, Protect, Map over something (MapFixed), Memory.Clone, Zero and Resize are one piece each, however large. Between
// the pieces of an Unmap, other threads may read zeroes in what is not unmapped yet. Gap is linear in the regions it passes. There
// are no pagers and no large pages. Frames that are still in quarantine count as used: an allocation may fail for want of an
// acknowledgement that comes soon.
//
// Locks: the kernel lock (arch.Lock) for everything. References: a region owns one to its object; a CPU that has a space loaded
// owns none, but the root of a dead space stays until no CPU has it loaded.
package vm
