package main

import (
	"strconv"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Files without a name: memfd_create(2) and open(2)'s O_TMPFILE.

// allSeals are those that fcntl(2) knows.
const allSeals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_FUTURE_WRITE

// writeSeals forbid to write.
const writeSeals = unix.F_SEAL_WRITE | unix.F_SEAL_FUTURE_WRITE

// Memfd implements vfs.Handler.
func (h *VFSD) Memfd(c *server.Ctx, in *vfs.MemfdRequest, out *vfs.OpenReply) uabi.Error {
	if in.Flags&^uint32(unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING) != 0 {
		return uabi.ErrArg
	}
	k := h.begin(c, true)
	fs := h.top.MemfdFs
	if fs == 0 {
		// Its file system is mounted nowhere; the open file's number comes behind its.
		fs = h.top.LastId + 1
	}
	badge := max(h.top.LastId, fs) + 1
	handle, err := c.Mint(badge)
	if err != uabi.OK {
		return err
	}
	if h.top.MemfdFs == 0 {
		h.top.MemfdFs = k.tree.NewFS("tmpfs", 0o777, 0, k.env.Now).Id
	}
	n := k.tree.NewInode(fs, unix.S_IFREG|0o777, k.env.UID, k.env.GID, k.env.Now)
	n.Nlink = 0
	if in.Flags&unix.MFD_ALLOW_SEALING == 0 {
		n.Seals = unix.F_SEAL_SEAL
	}
	o := &state.Open{Flags: unix.O_RDWR, Path: "/memfd:" + in.Name}
	k.add(o, tree.Ref{Ino: n.Ino}, vfs.Kind_FILE, handle, out)
	return uabi.OK
}

// seals are an inode's. What is not from memfd_create cannot be sealed.
func (h *VFSD) seals(n *tree.Inode) uint32 {
	if n.Fs == h.top.MemfdFs {
		return n.Seals
	}
	return unix.F_SEAL_SEAL
}

// Seals implements vfs.Handler.
func (h *VFSD) Seals(c *server.Ctx, in *vfs.SealsRequest, out *vfs.CountReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Kind != uint32(vfs.Kind_FILE) {
		return uabi.ErrArg
	}
	n := h.tree.Inode(o.At.Ino)
	if n == nil || !h.onTmpfs(n) {
		return uabi.ErrArg
	}
	has := h.seals(n)
	if in.Add {
		switch {
		case !writable(o):
			return uabi.ErrPerm
		case in.Seals&^uint32(allSeals) != 0:
			return uabi.ErrArg
		case has&unix.F_SEAL_SEAL != 0:
			return uabi.ErrPerm
		case in.Seals&unix.F_SEAL_WRITE != 0 && has&unix.F_SEAL_WRITE == 0 && in.Mapped:
			return uabi.ErrBusy
		}
		n.Seals |= in.Seals
	}
	out.Count = int64(n.Seals | has)
	return uabi.OK
}

// onTmpfs reports whether an inode is of a tmpfs.
func (h *VFSD) onTmpfs(n *tree.Inode) bool {
	f := h.tree.FSByID(n.Fs)
	return f != nil && (f.Type == "tmpfs" || f.Type == "devtmpfs")
}

// checkSize is whether seals let a file get that size.
func (h *VFSD) checkSize(n *tree.Inode, size int64) uabi.Error {
	s := h.seals(n)
	if size < n.Size && s&unix.F_SEAL_SHRINK != 0 || size > n.Size && s&unix.F_SEAL_GROW != 0 {
		return uabi.ErrPerm
	}
	return uabi.OK
}

// checkWrite is how much of a write gets into a file: as far as its file system is not full, and of one that seals keep from growing whole pages
// (shmem_write_begin of Linux).
func (h *VFSD) checkWrite(n *tree.Inode, pos int64, want uint64) (uint64, uabi.Error) {
	s := h.seals(n)
	if s&writeSeals != 0 {
		return 0, uabi.ErrPerm
	}
	end := pos + int64(want)
	if s&unix.F_SEAL_GROW != 0 && end > n.Size {
		if end = n.Size &^ (pageSize - 1); end <= pos {
			return 0, uabi.ErrPerm
		}
	}
	end, err := h.tree.Fit(n, pos, end)
	return uint64(end - pos), err
}

// openTmpfile is open(2) with O_TMPFILE: f is a directory, in whose file system a file without a name is made.
func (k *call) openTmpfile(f *tree.Found, mode uint32, o *state.Open, out *vfs.OpenReply) uabi.Error {
	if !f.OK || f.OpenFile {
		return uabi.ErrNotFound
	}
	dir := k.tree.Inode(f.At.Ino)
	switch {
	case dir != nil && !dir.IsDir():
		return uabi.ErrNotDir
	case dir == nil || !k.onTmpfs(dir):
		return uabi.ErrOperation
	}
	spec := tree.Spec{Mode: unix.S_IFREG | mode&0o7777}
	if err := k.tree.CheckCreate(&k.env, tree.Found{Parent: f.At, Name: "#", Last: tree.LastName}, spec); err != uabi.OK {
		return err
	}
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	n := k.tree.NewUnnamed(&k.env, dir, spec)
	n.Linkable = o.Flags&unix.O_EXCL == 0
	o.Flags &^= unix.O_EXCL
	o.Path = k.below(f.At, "#"+strconv.FormatUint(n.Ino, 10))
	o.Dir, o.Name = 0, ""
	k.add(writes(o), tree.Ref{Mount: f.At.Mount, Ino: n.Ino}, vfs.Kind_FILE, handle, out)
	return uabi.OK
}
