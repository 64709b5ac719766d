package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// ExecFile implements vfs.Handler.
func (h *VFSD) ExecFile(c *server.Ctx, in *vfs.PathRequest, out *vfs.ExecFileReply) uabi.Error {
	k := h.begin(c, false)
	at, o, err := k.execTarget(in)
	if err != uabi.OK {
		return err
	}
	a, n, err := k.checkExec(at)
	if err != uabi.OK {
		return err
	}
	exe, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	m, err := h.memoryOf(c, n, false)
	if err != uabi.OK {
		return err
	}
	mount := k.tree.MountOf(at)
	n.Path = k.namedAt(at, o)
	out.Tag, out.Size, out.Memory, out.Path = n.Ino, uint64(n.Size), uint32(m), n.Path
	out.Mode, out.Uid, out.Gid, out.Nosuid = a.Mode, a.UID, a.GID, mount != nil && mount.Flags&unix.MS_NOSUID != 0
	out.Randomize = uint32(min(k.limit(procfs.Randomize), 2))
	var rep vfs.OpenReply
	k.add(o, at, vfs.Kind_FILE, exe, &rep)
	out.Exe = rep.File
	return uabi.OK
}

// checkExec is execve(2)'s checks of a file.
func (k *call) checkExec(at tree.Ref) (a tree.Attr, n *tree.Inode, err uabi.Error) {
	if a, err = k.tree.Attr(&k.env, at); err != uabi.OK {
		return a, nil, err
	}
	mount := k.tree.MountOf(at)
	switch {
	case a.Mode&unix.S_IFMT == unix.S_IFLNK:
		return a, nil, uabi.ErrLoop
	case a.Mode&unix.S_IFMT != unix.S_IFREG, mount != nil && mount.Flags&unix.MS_NOEXEC != 0:
		return a, nil, uabi.ErrAccess
	}
	if err := k.tree.Access(&k.env, at, unix.X_OK); err != uabi.OK {
		return a, nil, err
	}
	n = k.tree.Inode(at.Ino)
	switch {
	case n == nil || n.Text != 0:
		return a, nil, uabi.ErrAccess
	case k.written(at.Ino):
		return a, nil, uabi.ErrTextBusy
	}
	return a, n, uabi.OK
}

// execTarget is the file that a request means, and the open file that will say that it is executed.
func (k *call) execTarget(in *vfs.PathRequest) (at tree.Ref, o *state.Open, err uabi.Error) {
	o = &state.Open{Flags: unix.O_RDONLY, Writers: -1}
	if in.Path == "" {
		_, src, err := k.find(in.Dir, "", atEmptyPath)
		if err != uabi.OK {
			return at, nil, err
		}
		return k.execOpen(src, o)
	}
	how := tree.Follow | tree.FollowOnSlash
	if in.Flags&atSymlinkNofollow != 0 {
		how &^= tree.Follow
	}
	f, err := k.walk(in.Dir, in.Path, how)
	switch {
	case err != uabi.OK:
		return at, nil, err
	case !f.OK:
		return at, nil, uabi.ErrNotFound
	case f.OpenFile:
		return k.execOpen(k.opens.Get(f.At.Ino), o)
	}
	k.nameOpen(o, &f)
	return f.At, o, uabi.OK
}

// execOpen is execTarget for what an open file stands for.
func (k *call) execOpen(src, o *state.Open) (at tree.Ref, _ *state.Open, err uabi.Error) {
	if src == nil || src.At == nil {
		return at, nil, uabi.ErrAccess
	}
	o.Path, o.Dir, o.Name = src.Path, src.Dir, src.Name
	return tree.FromPb(src.At), o, uabi.OK
}
