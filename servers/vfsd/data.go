package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

const (
	pageSize = 4096
	// maxSize is the largest file: the kernel's largest memory object.
	maxSize = uabi.MaxMemory
)

func pages(n int64) uint64 { return (uint64(n) + pageSize - 1) &^ (pageSize - 1) }

// contents gives a regular file's memory, which is made when it is first needed. The caller keeps it when nothing can fail any
// more: what a failed request made is closed.
func (h *VFSD) contents(c *server.Ctx, n *tree.Inode) (uabi.Handle, uabi.Error) {
	if n.Memory != 0 {
		return uabi.Handle(n.Memory), uabi.OK
	}
	if n.Lower {
		return h.cloneLower(c, n)
	}
	return c.MemoryCreate(h.payer(), max(pages(n.Size), pageSize), 0)
}

// payer is the account that contents are charged to: the frames kept for servers are out of its reach.
func (h *VFSD) payer() uabi.Handle {
	if h.top.Account == 0 {
		return uabi.BootAccount
	}
	return uabi.Handle(h.top.Account)
}

// keep makes m the file's memory.
func (h *VFSD) keep(n *tree.Inode, m uabi.Handle) {
	if n.Memory != uint32(m) {
		h.tree.Touch(n)
		n.Memory, n.Lower = uint32(m), false
	}
}

// resize is truncate(2): what is cut off is gone, what is added reads as zeroes.
func (k *call) resize(n *tree.Inode, size int64) uabi.Error {
	if size == n.Size {
		return uabi.OK
	}
	if size == 0 && n.Memory == 0 {
		k.tree.Touch(n)
		n.Lower = false
		k.tree.SetSize(n, 0)
		return uabi.OK
	}
	m, err := k.contents(k.c, n)
	if err != uabi.OK {
		return err
	}
	if err := k.c.MemoryResize(m, max(pages(size), pageSize)); err != uabi.OK {
		return noSpace(err)
	}
	if tail := max(pages(size), pageSize) - uint64(size); size < n.Size && tail > 0 {
		if err := k.c.MemoryZero(m, uint64(size), tail); err != uabi.OK {
			return err
		}
	}
	k.tree.Touch(n)
	k.keep(n, m)
	k.tree.SetSize(n, size)
	return uabi.OK
}

func noSpace(err uabi.Error) uabi.Error {
	if err == uabi.ErrNoMem {
		return uabi.ErrNoSpace
	}
	return err
}

// Read implements vfs.Handler.
func (h *VFSD) Read(c *server.Ctx, in *vfs.ReadRequest, out *vfs.CountReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if !readable(o) {
		return uabi.ErrBadFD
	}
	if in.Offset < -1 {
		return uabi.ErrArg
	}
	if err := h.read(c, o, in, out); err != uabi.OK {
		return err
	}
	if out.Count > 0 {
		h.notifyOpen(c, o, unix.IN_ACCESS)
	}
	return uabi.OK
}

func (h *VFSD) read(c *server.Ctx, o *state.Open, in *vfs.ReadRequest, out *vfs.CountReply) uabi.Error {
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_DIRECTORY:
		return uabi.ErrIsDir
	case vfs.Kind_PIPE:
		if in.Offset >= 0 {
			return uabi.ErrSeek
		}
		return h.readPipe(c, o, out)
	case vfs.Kind_TTY:
		if in.Offset >= 0 {
			return uabi.ErrSeek
		}
		return h.readTty(c, o, in.Expired, out)
	case vfs.Kind_DEVICE:
		if o.Log {
			return h.readLog(c, o, out)
		}
		return h.readDevice(c, o, out)
	case vfs.Kind_EVENT, vfs.Kind_EPOLL, vfs.Kind_TIMER, vfs.Kind_SIGNAL, vfs.Kind_INOTIFY, vfs.Kind_PID:
		if in.Offset >= 0 {
			return uabi.ErrSeek
		}
		return h.readSpecial(c, o, out)
	}
	if o.At.Ino >= tree.SyntheticBase {
		return h.readText(c, o, in.Offset, out)
	}
	if n := h.tree.Inode(o.At.Ino); n.Text != 0 {
		return h.readMade(c, o, n, in.Offset, out)
	}
	return h.readFile(c, o, in.Offset, out)
}

func (h *VFSD) readFile(c *server.Ctx, o *state.Open, offset int64, out *vfs.CountReply) uabi.Error {
	n := h.tree.Inode(o.At.Ino)
	pos := offset
	if offset < 0 {
		pos = o.Pos
	}
	want := c.GrantLen(0)
	if pos >= n.Size || want == 0 {
		return uabi.OK
	}
	want = min(want, uint64(n.Size-pos))
	var got uint64
	var err uabi.Error
	if n.Lower {
		got, err = h.readLower(c, n, uint64(pos), want)
	} else {
		var m uabi.Handle
		if m, err = h.contents(c, n); err != uabi.OK {
			return err
		}
		if got, err = c.MemoryToGrant(0, 0, m, uint64(pos), want); err == uabi.OK || got > 0 {
			h.keep(n, m)
		}
	}
	if err != uabi.OK && got == 0 {
		return err
	}
	if offset < 0 {
		o.Pos += int64(got)
	}
	out.Count = int64(got)
	return uabi.OK
}

// Write implements vfs.Handler.
func (h *VFSD) Write(c *server.Ctx, in *vfs.ReadRequest, out *vfs.CountReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if in.Offset < -1 {
		return uabi.ErrArg
	}
	if in.Offset >= 0 && o.Kind == uint32(vfs.Kind_PIPE) {
		return uabi.ErrSeek
	}
	if !writable(o) {
		return uabi.ErrBadFD
	}
	if err := h.write(c, o, in, out); err != uabi.OK {
		return err
	}
	if out.Count > 0 {
		h.notifyOpen(c, o, unix.IN_MODIFY)
	}
	return uabi.OK
}

func (h *VFSD) write(c *server.Ctx, o *state.Open, in *vfs.ReadRequest, out *vfs.CountReply) uabi.Error {
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_PIPE:
		return h.writePipe(c, o, out)
	case vfs.Kind_TTY:
		if in.Offset >= 0 {
			return uabi.ErrSeek
		}
		return h.writeTty(c, o, out)
	case vfs.Kind_DEVICE:
		if o.Log {
			return h.writeLog(c, out)
		}
		return h.writeDevice(c, o, out)
	case vfs.Kind_EVENT, vfs.Kind_EPOLL, vfs.Kind_TIMER, vfs.Kind_SIGNAL, vfs.Kind_INOTIFY, vfs.Kind_PID:
		if in.Offset >= 0 {
			return uabi.ErrSeek
		}
		if o.Kind != uint32(vfs.Kind_EVENT) {
			return uabi.ErrArg
		}
		return h.writeEvent(c, o, out)
	}
	if o.At.Ino >= tree.SyntheticBase {
		return h.writeText(c, o, out)
	}
	if n := h.tree.Inode(o.At.Ino); n.Text != 0 {
		return h.writeMade(c, o, n, out)
	}
	return h.writeFile(c, o, in.Offset, out)
}

func (h *VFSD) writeFile(c *server.Ctx, o *state.Open, offset int64, out *vfs.CountReply) uabi.Error {
	n := h.tree.Inode(o.At.Ino)
	pos := offset
	if offset < 0 {
		pos = o.Pos
	}
	if o.Flags&unix.O_APPEND != 0 {
		pos = n.Size
	}
	want := c.GrantLen(0)
	if want == 0 {
		return uabi.OK
	}
	want, err := limited(c, pos, want)
	switch {
	case err != uabi.OK:
		return err
	case pos > maxSize-int64(want):
		return uabi.ErrFileSize
	}
	want, err = h.checkWrite(n, pos, want)
	if err != uabi.OK {
		return err
	}
	end := pos + int64(want)
	m, err := h.contents(c, n)
	if err != uabi.OK {
		return noSpace(err)
	}
	if pages(end) > max(pages(n.Size), pageSize) {
		if err := c.MemoryResize(m, pages(end)); err != uabi.OK {
			return noSpace(err)
		}
	}
	got, err := c.GrantToMemory(0, 0, m, uint64(pos), want)
	if err != uabi.OK && got == 0 {
		return noSpace(err)
	}
	end = pos + int64(got)
	h.wrote(c, n, m, pos, end)
	if offset < 0 {
		o.Pos = end
	}
	out.Count = int64(got)
	return uabi.OK
}

// wrote is for a file that was written from pos up to end: its memory, size, times and set-id bits.
func (h *VFSD) wrote(c *server.Ctx, n *tree.Inode, m uabi.Handle, pos, end int64) {
	h.tree.Touch(n)
	h.keep(n, m)
	h.tree.Fill(n, pos, end)
	now := int64(c.Realtime())
	n.MtimeNs, n.CtimeNs = now, now
	if n.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 && uint32(c.Context(ctx.UID)) != 0 {
		n.Mode &^= unix.S_ISUID
		if n.Mode&0o010 != 0 {
			n.Mode &^= unix.S_ISGID
		}
	}
}

// Seek implements vfs.Handler.
func (h *VFSD) Seek(c *server.Ctx, in *vfs.SeekRequest, out *vfs.CountReply) uabi.Error {
	const (
		seekData = 3
		seekHole = 4
	)
	o, err := h.open(c)
	switch {
	case err != uabi.OK:
		return err
	case o.Flags&unix.O_PATH != 0:
		return uabi.ErrBadFD
	case isSpecial(o):
		return uabi.OK // noop_llseek of Linux: position 0
	case o.Kind == uint32(vfs.Kind_PIPE) || o.Kind == uint32(vfs.Kind_TTY):
		return uabi.ErrSeek
	case o.Log:
		return h.seekLog(c, o, in)
	case o.Kind == uint32(vfs.Kind_DEVICE) && in.Whence <= seekHole:
		return uabi.OK // null_lseek of Linux's memory devices: position 0
	}
	size := int64(0)
	if n := h.tree.Inode(o.At.Ino); n != nil && o.Kind == uint32(vfs.Kind_FILE) {
		size = n.Size
	}
	pos := in.Offset
	switch in.Whence {
	case unix.SEEK_SET:
	case unix.SEEK_CUR:
		pos += o.Pos
	case unix.SEEK_END:
		pos += size
	case seekData, seekHole:
		// A file without holes (lseek(2) allows to say so): data up to the end, one hole there.
		if pos < 0 || pos >= size {
			return uabi.ErrNoDevice // ENXIO
		}
		if in.Whence == seekHole {
			pos = size
		}
	default:
		return uabi.ErrArg
	}
	if pos < 0 {
		return uabi.ErrArg
	}
	o.Pos, out.Count = pos, pos
	return uabi.OK
}

// MapFile implements vfs.Handler.
func (h *VFSD) MapFile(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.MapFileReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Kind != uint32(vfs.Kind_FILE) || o.At.Ino >= tree.SyntheticBase {
		return uabi.ErrNoDevice
	}
	if !readable(o) {
		return uabi.ErrAccess
	}
	n := h.tree.Inode(o.At.Ino)
	if n.Text != 0 {
		return uabi.ErrNoDevice
	}
	out.Sealed = h.seals(n)&writeSeals != 0
	give, err := h.memoryOf(c, n, writable(o) && !out.Sealed)
	if err != uabi.OK {
		return err
	}
	n.Path = h.beginIn(&h.spare, c, false).openPath(o)
	out.Tag, out.Size, out.Memory = n.Ino, uint64(n.Size), uint32(give)
	return uabi.OK
}

// memoryOf is the memory object with a regular file's contents, without the right to write unless asked for.
func (h *VFSD) memoryOf(c *server.Ctx, n *tree.Inode, write bool) (uabi.Handle, uabi.Error) {
	m, err := h.contents(c, n)
	if err != uabi.OK {
		return 0, err
	}
	give := m
	if !write {
		if give = uabi.Handle(n.ReadOnly); give == 0 {
			if give, err = c.Dup(m, uabi.RightRead|uabi.RightMap|uabi.RightTransfer); err != uabi.OK {
				return 0, err
			}
			h.tree.Touch(n)
			n.ReadOnly = uint32(give)
		}
	}
	h.keep(n, m)
	return give, uabi.OK
}

// Sync implements vfs.Handler: everything here lives in memory only.
func (h *VFSD) Sync(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.EmptyReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if k := vfs.Kind(o.Kind); k != vfs.Kind_FILE && k != vfs.Kind_DIRECTORY {
		return uabi.ErrArg
	}
	return uabi.OK
}

// settable are the flags that F_SETFL changes (fcntl(2)).
const settable = unix.O_APPEND | unix.O_ASYNC | unix.O_DIRECT | unix.O_NOATIME | unix.O_NONBLOCK

// Flags implements vfs.Handler.
func (h *VFSD) Flags(c *server.Ctx, in *vfs.FlagsRequest, out *vfs.CountReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	out.Count = int64(o.Flags)
	if !in.Set {
		return uabi.OK
	}
	if o.Flags&unix.O_PATH != 0 {
		return uabi.ErrBadFD
	}
	if in.Flags&^o.Flags&unix.O_NOATIME != 0 && !h.begin(c, false).owns(o) {
		return uabi.ErrPerm
	}
	o.Flags = o.Flags&^uint32(settable) | in.Flags&settable
	return uabi.OK
}

// owns reports whether the caller may set O_NOATIME (open(2)): root, or the owner of the file.
func (k *call) owns(o *state.Open) bool {
	if k.env.UID == 0 {
		return true
	}
	if o.At == nil {
		p := k.pipes.Get(o.Pipe)
		return p != nil && p.Uid == k.env.UID
	}
	a, err := k.tree.Attr(&k.env, tree.FromPb(o.At))
	return err == uabi.OK && a.UID == k.env.UID
}

// Path implements vfs.Handler.
func (h *VFSD) Path(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.PathReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	out.Path = h.begin(c, false).openPath(o)
	if o.At == nil {
		return uabi.OK
	}
	if n := h.tree.Inode(o.At.Ino); n != nil && n.Nlink == 0 {
		out.Path += " (deleted)"
	}
	return uabi.OK
}
