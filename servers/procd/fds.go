package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/servers/procd/fdtable"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// table is the caller's descriptor table and how many descriptors it may have.
func (h *Procd) table(c *server.Ctx) (*state.Table, uint32, uabi.Error) {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return nil, 0, err
	}
	limit := min(p.Limits[unix.RLIMIT_NOFILE].Soft, maxFiles)
	return h.tables.Get(t.Table), uint32(limit), uabi.OK
}

// maxFiles is Linux's fs.nr_open.
const maxFiles = 1 << 20

// FdInstall implements proc.Handler.
func (h *Procd) FdInstall(c *server.Ctx, in *proc.FdInstallRequest, out *proc.FdInstallReply) uabi.Error {
	t, limit, err := h.table(c)
	if err != uabi.OK {
		return err
	}
	if in.File == 0 {
		return uabi.ErrArg
	}
	fd, at := fdtable.Lowest(t, in.Min)
	fd2, at2 := fd, at
	if in.File2 != 0 {
		fd2, at2 = fdtable.Lowest(t, fd+1)
	}
	if max(fd, fd2) >= limit {
		return uabi.ErrMFile
	}
	h.install(t, at, fd, in.Cloexec, in.File, in.Kind, in.Id)
	out.Fd = int64(fd)
	if in.File2 != 0 {
		h.install(t, at2+1, fd2, in.Cloexec, in.File2, in.Kind2, in.Id2)
		out.Fd2 = int64(fd2)
	}
	return uabi.OK
}

// install makes a new open file's first descriptor, which is free, at its place.
func (h *Procd) install(t *state.Table, at int, fd uint32, cloexec bool, handle, kind uint32, number uint64) {
	f, s := h.spareFiles.Take(), h.spareSlots.Take()
	f.Id, f.Refs, f.Handle, f.Kind, f.Number = h.nextID(), 1, handle, kind, number
	h.files.Put(f.Id, f)
	s.Fd, s.File, s.Cloexec = fd, f.Id, cloexec
	fdtable.Insert(t, at, s)
}

// slot resolves a descriptor of the caller.
func (h *Procd) slot(c *server.Ctx, fd int32) (*state.Table, *state.Slot, uint32, uabi.Error) {
	t, limit, err := h.table(c)
	if err != uabi.OK {
		return nil, nil, 0, err
	}
	if fd < 0 {
		return nil, nil, 0, uabi.ErrBadFD
	}
	s := fdtable.Get(t, uint32(fd))
	if s == nil {
		return nil, nil, 0, uabi.ErrBadFD
	}
	return t, s, limit, uabi.OK
}

// FdGet implements proc.Handler.
func (h *Procd) FdGet(c *server.Ctx, in *proc.FdGetRequest, out *proc.FdGetReply) uabi.Error {
	var s *state.Slot
	if in.Pid == 0 {
		var err uabi.Error
		if _, s, _, err = h.slot(c, in.Fd); err != uabi.OK {
			return err
		}
	} else if p := h.procs.Get(in.Pid); p != nil && in.Fd >= 0 {
		if t := h.anyThread(p); t != nil {
			s = fdtable.Get(h.tables.Get(t.Table), uint32(in.Fd))
		}
	}
	if s == nil {
		return uabi.ErrBadFD
	}
	f := h.files.Get(s.File)
	out.Kind, out.Cloexec, out.File, out.Id = f.Kind, s.Cloexec, f.Handle, f.Number
	return uabi.OK
}

// FdDup implements proc.Handler.
func (h *Procd) FdDup(c *server.Ctx, in *proc.FdDupRequest, out *proc.FdReply) uabi.Error {
	t, s, limit, err := h.slot(c, in.Fd)
	if err != uabi.OK {
		return err
	}
	if in.Min >= limit {
		return uabi.ErrArg
	}
	fd, at := fdtable.Lowest(t, in.Min)
	if fd >= limit {
		return uabi.ErrMFile
	}
	h.files.Get(s.File).Refs++
	fdtable.Insert(t, at, &state.Slot{Fd: fd, File: s.File, Cloexec: in.Cloexec})
	out.Fd = int64(fd)
	return uabi.OK
}

// FdDup2 implements proc.Handler.
func (h *Procd) FdDup2(c *server.Ctx, in *proc.FdDup2Request, out *proc.FdReply) uabi.Error {
	t, s, limit, err := h.slot(c, in.Fd)
	if err != uabi.OK {
		return err
	}
	if in.New < 0 || uint32(in.New) >= limit {
		return uabi.ErrBadFD
	}
	if in.New == in.Fd {
		return uabi.ErrArg
	}
	h.files.Get(s.File).Refs++
	old := fdtable.Put(t, &state.Slot{Fd: uint32(in.New), File: s.File, Cloexec: in.Cloexec})
	h.dropFile(c, old)
	out.Fd = int64(in.New)
	return uabi.OK
}

// FdClose implements proc.Handler.
func (h *Procd) FdClose(c *server.Ctx, in *proc.FdCloseRequest, out *proc.FdCloseReply) uabi.Error {
	t := h.tables.Get(c.Context(ctx.Files))
	if t == nil {
		return uabi.ErrSearch
	}
	i, ok := fdtable.Find(t, uint32(in.Fd))
	if !ok || in.Fd < 0 {
		return uabi.ErrBadFD
	}
	s := t.Slots[i]
	f := h.files.Get(s.File)
	if in.Except != 0 && f.Kind == in.Except {
		return uabi.ErrBusy
	}
	out.Kind, out.Last = f.Kind, f.Refs == 1
	fdtable.RemoveAt(t, i)
	h.closeSlot(c, s, f)
	return uabi.OK
}

// closeSlot ends a descriptor that was taken out of its table, of that file.
func (h *Procd) closeSlot(c *server.Ctx, s *state.Slot, f *state.File) {
	h.spareSlots.Give(s)
	h.unrefFile(c, f)
}

// FdFlags implements proc.Handler.
func (h *Procd) FdFlags(c *server.Ctx, in *proc.FdFlagsRequest, out *proc.FdReply) uabi.Error {
	_, s, _, err := h.slot(c, in.Fd)
	if err != uabi.OK {
		return err
	}
	if s.Cloexec {
		out.Fd = unix.FD_CLOEXEC
	}
	if in.Set {
		s.Cloexec = in.Cloexec
	}
	return uabi.OK
}

// FdCloseRange implements proc.Handler.
func (h *Procd) FdCloseRange(c *server.Ctx, in *proc.FdRangeRequest, out *proc.EmptyReply) uabi.Error {
	t, _, err := h.table(c)
	if err != uabi.OK {
		return err
	}
	if in.First > in.Last {
		return uabi.ErrArg
	}
	inside := func(s *state.Slot) bool { return s.Fd >= in.First && s.Fd <= in.Last }
	if in.CloexecOnly {
		for _, s := range t.Slots {
			s.Cloexec = s.Cloexec || inside(s)
		}
		return uabi.OK
	}
	for _, f := range fdtable.RemoveIf(t, inside) {
		h.dropFile(c, f)
	}
	return uabi.OK
}

// FdList implements proc.Handler.
func (h *Procd) FdList(c *server.Ctx, in *proc.PidRequest, out *proc.FdListReply) uabi.Error {
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	t := h.anyThread(p)
	if in.Pid == 0 {
		t, _, _ = h.caller(c)
	}
	if t == nil {
		return uabi.OK
	}
	out.Capacity = fdtable.Capacity(h.tables.Get(t.Table))
	for _, s := range h.tables.Get(t.Table).Slots {
		out.Fds = append(out.Fds, int32(s.Fd))
	}
	return uabi.OK
}
