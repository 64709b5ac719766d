// Command rootd starts the servers that the boot archive's manifest names, watches them, starts them again by policy, swaps
// their binaries, and serves the host command `aramid` on the control channel (docs/servers.md, docs/aramid.md).
//
// It never calls a server. What it must know after its own death (which process, memory and event handles belong to which server,
// and which binary each runs) it keeps in its kept memory; the kernel starts it again from the archive with all its handles, and it
// goes on without touching what runs.
//
// Each server has a goroutine of its own that waits for its process's event; the control channel has one. A server's fields are
// guarded by its mutex; the saved state by the book's.
package main
