package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// unshareKnown are the flags of unshare(2) that this server carries out, or vfsd before it (CLONE_NEWNS), or that have nothing to do:
// System V semaphores are not built.
const unshareKnown = unix.CLONE_FILES | unix.CLONE_FS | unix.CLONE_NEWUTS | unix.CLONE_NEWNS | unix.CLONE_SYSVSEM |
	unix.CLONE_VM | unix.CLONE_SIGHAND | unix.CLONE_THREAD

// Unshare implements proc.Handler.
func (h *Procd) Unshare(c *server.Ctx, in *proc.UnshareRequest, out *proc.EmptyReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if err := h.checkUnshare(in, t, p); err != uabi.OK {
		return err
	}
	if in.Fs != 0 {
		h.dropFs(c, t.Fs)
		h.fs.Put(in.FsId, &state.Fs{Id: in.FsId, Refs: 1, Handle: in.Fs})
		t.Fs = in.FsId
	}
	if in.Flags&unix.CLONE_FILES != 0 && h.tables.Get(t.Table).Refs > 1 {
		old := t.Table
		t.Table = h.copyTable(h.tables.Get(old)).Id
		h.dropTable(c, old)
	}
	if in.Flags&unix.CLONE_NEWUTS != 0 {
		old := t.Uts
		t.Uts = h.copyUts(old)
		h.dropUts(old)
	}
	return h.setContext(c, t)
}

// checkUnshare is unshare(2)'s EINVAL and EPERM. What only a process with one thread has for itself cannot be had by others.
func (h *Procd) checkUnshare(in *proc.UnshareRequest, t *state.Thread, p *state.Process) uabi.Error {
	if in.Flags&^uint64(unshareKnown) != 0 || (in.Fs != 0) != (in.Flags&(unix.CLONE_FS|unix.CLONE_NEWNS) != 0) {
		return uabi.ErrArg
	}
	alone := len(h.members[p.Pid]) == 1
	if in.Flags&(unix.CLONE_THREAD|unix.CLONE_VM|unix.CLONE_SIGHAND) != 0 && !alone ||
		in.Flags&(unix.CLONE_VM|unix.CLONE_SIGHAND) != 0 && h.handlers.Get(p.Handlers).Refs > 1 ||
		in.Flags&unix.CLONE_VM != 0 && h.mms.Get(p.Mm).Refs > 1 {
		return uabi.ErrArg
	}
	if in.Flags&(unix.CLONE_NEWUTS|unix.CLONE_NEWNS) != 0 && !creds.Has(h.creds.Get(t.Creds), creds.SysAdmin) {
		return uabi.ErrPerm
	}
	return uabi.OK
}
