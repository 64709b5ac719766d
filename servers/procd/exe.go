package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// The open file that an address space executes (exe_file of Linux's mm): as long as it is open, vfsd lets nobody write the file. It is a
// File without a descriptor, which mms that were forked from each other share.

// exe makes the open file of a program; 0 where there is none.
func (h *Procd) exe(file uint32) uint64 {
	if file == 0 {
		return 0
	}
	f := &state.File{Id: h.nextID(), Refs: 1, Handle: file}
	h.files.Put(f.Id, f)
	return f.Id
}

// shareExe is the open file of a program for one more mm.
func (h *Procd) shareExe(mm uint64) uint64 {
	id := h.mms.Get(mm).Exe
	if id != 0 {
		h.files.Get(id).Refs++
	}
	return id
}

// SpawnExe implements proc.Handler.
func (h *Procd) SpawnExe(c *server.Ctx, in *proc.SpawnExeRequest, out *proc.EmptyReply) uabi.Error {
	if h.procs.Len() > 0 || h.top.Halted {
		return uabi.ErrExists
	}
	h.dropFile(c, h.top.SpawnExe)
	h.top.SpawnExe = h.exe(in.File)
	return uabi.OK
}
