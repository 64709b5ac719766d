// Package object has what all kernel objects share: a header, slabs to live in, accounts that pay for them, and the handle
// tables through which processes name them.
//
// Objects are structs that embed Header first and live in a Pool of their type: slabs of frames in the direct map, which Go's
// garbage collector never sees (in ring 0 there is none). An object's id is never used again. Package object counts live
// objects per type, but it knows no type: whoever drops the last reference (package vm or ipc) runs the destructor by a switch
// over Header.Type and gives the memory back with Pool.Put.
//
// # Accounts
//
// A frame or object is charged to one account and all its ancestors, or not at all. The account of a frame is in the
// frame's owner word, so that the last one who drops the frame need not know who paid. An account lives until its references,
// frames and objects are all gone. The frames of slabs are charged to nobody: what bounds them is the limit on objects.
//
// # Handle tables
//
// A handle is a slot number and a generation (uabi.Handle). Freed slots are used again in the order in which they were freed,
// with the next generation; a stale handle is recognised until its slot has been used 4,096 more times.
//
// Locks: the kernel lock (arch.Lock) for everything.
package object
