package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// ExecFile implements vfs.Handler.
func (h *VFSD) ExecFile(c *server.Ctx, in *vfs.PathRequest, out *vfs.ExecFileReply) uabi.Error {
	k := h.begin(c, false)
	at, path, err := k.execTarget(in)
	if err != uabi.OK {
		return err
	}
	a, err := k.tree.Attr(&k.env, at)
	if err != uabi.OK {
		return err
	}
	mount := k.tree.MountOf(at)
	switch {
	case a.Mode&unix.S_IFMT == unix.S_IFLNK:
		return uabi.ErrLoop
	case a.Mode&unix.S_IFMT != unix.S_IFREG, mount != nil && mount.Flags&unix.MS_NOEXEC != 0:
		return uabi.ErrAccess
	}
	if err := k.tree.Access(&k.env, at, unix.X_OK); err != uabi.OK {
		return err
	}
	n := k.tree.Inode(at.Ino)
	if n == nil || n.Text != 0 {
		return uabi.ErrAccess
	}
	m, err := h.memoryOf(c, n, false)
	if err != uabi.OK {
		return err
	}
	n.Path = path
	out.Tag, out.Size, out.Memory, out.Path = n.Ino, uint64(n.Size), uint32(m), path
	out.Mode, out.Uid, out.Gid, out.Nosuid = a.Mode, a.UID, a.GID, mount != nil && mount.Flags&unix.MS_NOSUID != 0
	return uabi.OK
}

// execTarget is the file that a request means, and its absolute path.
func (k *call) execTarget(in *vfs.PathRequest) (at tree.Ref, path string, err uabi.Error) {
	if in.Path == "" {
		_, o, err := k.find(in.Dir, "", atEmptyPath)
		switch {
		case err != uabi.OK:
			return at, "", err
		case o == nil || o.At == nil:
			return at, "", uabi.ErrAccess
		}
		return tree.FromPb(o.At), k.openPath(o), uabi.OK
	}
	how := tree.Follow | tree.FollowOnSlash
	if in.Flags&atSymlinkNofollow != 0 {
		how &^= tree.Follow
	}
	f, err := k.walk(in.Dir, in.Path, how)
	switch {
	case err != uabi.OK:
		return at, "", err
	case !f.OK:
		return at, "", uabi.ErrNotFound
	case !f.OpenFile:
		return f.At, k.pathOf(f), uabi.OK
	}
	o := k.opens.Get(f.At.Ino)
	if o == nil || o.At == nil {
		return at, "", uabi.ErrAccess
	}
	return tree.FromPb(o.At), k.openPath(o), uabi.OK
}
