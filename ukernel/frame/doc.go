// Package frame owns physical memory: which 4 KiB frames are free, and how often each other one is referenced.
//
// Free frames are in a buddy system (blocks of 2^0 … 2^MaxOrder frames); freed single frames are kept in a hot list
// before they go back there, so that the common alloc/free pair neither splits nor merges. What the caller gets from
// AllocRun are single frames that happen to be neighbours: each has its own count and is freed on its own.
//
// A frame that was mapped must not be used again while some CPU may still have the translation in its TLB. Retire puts it
// into the open batch of the quarantine; Seal closes the batch with the generation that arch.Shoot returned, and the frames
// become free when arch.Acked says so. Nobody waits: allocation drains what is due.
//
// The metadata (16 bytes per frame of RAM) lie in the first free range that holds them.
//
// What it is not: it knows no accounts. It stores an owner word per frame for package object, which charges and uncharges.
//
// Locks: everything here needs the kernel lock (arch.Lock). Invariants: a free frame has count 0; a frame handed out has
// count ≥ 1; Total = FreeCount + Quarantined + frames handed out; frame 0 is never handed out, so that physical address 0
// can mean none.
package frame
