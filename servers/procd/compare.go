package main

import (
	"cmp"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/fdtable"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// What kcmp(2) compares (linux/kcmp.h).
const (
	kcmpFile = iota
	kcmpVM
	kcmpFiles
	kcmpFS
	kcmpSighand
)

// Compare implements proc.Handler. The order is that of the numbers of the objects.
func (h *Procd) Compare(c *server.Ctx, in *proc.CompareRequest, out *proc.PidReply) uabi.Error {
	own, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	var of [2]uint64
	for i, q := range [...]struct {
		tid int32
		fd  uint64
	}{{in.Pid1, in.Idx1}, {in.Pid2, in.Idx2}} {
		t := h.threads.Get(q.tid)
		if t == nil {
			if h.procs.Get(q.tid) == nil {
				return uabi.ErrSearch
			}
			return uabi.ErrPerm // a zombie has nothing to compare
		}
		if !h.mayInspect(own, t) {
			return uabi.ErrPerm
		}
		if of[i], err = h.comparable(t, in.Type, q.fd); err != uabi.OK {
			return err
		}
	}
	switch cmp.Compare(of[0], of[1]) {
	case -1:
		out.Pid = 1
	case 1:
		out.Pid = 2
	}
	return uabi.OK
}

// comparable is the number of a thread's object of a kind (KCMP_*).
func (h *Procd) comparable(t *state.Thread, kind uint32, fd uint64) (uint64, uabi.Error) {
	switch kind {
	case kcmpFile:
		s := fdtable.Get(h.tables.Get(t.Table), uint32(fd))
		if s == nil || fd>>32 != 0 {
			return 0, uabi.ErrBadFD
		}
		return s.File, uabi.OK
	case kcmpVM:
		return h.procs.Get(t.Pid).Mm, uabi.OK
	case kcmpFiles:
		return t.Table, uabi.OK
	case kcmpFS:
		return t.Fs, uabi.OK
	case kcmpSighand:
		return h.procs.Get(t.Pid).Handlers, uabi.OK
	}
	return 0, uabi.ErrArg
}

// mayInspect is ptrace(2)'s "ptrace access mode" with the real credentials.
func (h *Procd) mayInspect(own, t *state.Thread) bool {
	if own.Pid == t.Pid {
		return true
	}
	a, b := h.creds.Get(own.Creds), h.creds.Get(t.Creds)
	if creds.Has(a, creds.SysPtrace) {
		return true
	}
	return a.Ruid == b.Euid && a.Ruid == b.Suid && a.Ruid == b.Ruid && a.Rgid == b.Egid && a.Rgid == b.Sgid && a.Rgid == b.Rgid &&
		!h.procs.Get(t.Pid).NotDumpable && b.Permitted&^a.Permitted == 0
}
