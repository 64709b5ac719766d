package main

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/cgroupfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// admin reports whether the caller may change mounts (CAP_SYS_ADMIN).
func (k *call) admin() bool {
	const sysAdmin = 21
	var rep proc.CredsReply
	if err := k.proc().Creds(k.c, &proc.PidRequest{}, &rep); err != uabi.OK {
		return false
	}
	return rep.Effective>>sysAdmin&1 != 0
}

// spot resolves a path of a call about mounts.
func (k *call) spot(dir uint32, path string, flags uint32) (tree.Spot, uabi.Error) {
	if path == "" && flags&atEmptyPath != 0 {
		at, o, err := k.find(dir, path, flags)
		if err == uabi.OK && o != nil && o.At == nil {
			err = uabi.ErrArg
		}
		if err == uabi.OK && o != nil {
			return k.spotOf(o), uabi.OK
		}
		return tree.Spot{Ref: at}, err
	}
	how := tree.Follow | tree.FollowOnSlash
	if flags&atSymlinkNofollow != 0 {
		how &^= tree.Follow
	}
	f, err := k.walk(dir, path, how)
	switch {
	case err != uabi.OK:
		return tree.Spot{}, err
	case !f.OK:
		return tree.Spot{}, uabi.ErrNotFound
	case f.OpenFile:
		o := k.opens.Get(f.At.Ino)
		if o.At == nil {
			return tree.Spot{}, uabi.ErrArg
		}
		return k.spotOf(o), uabi.OK
	}
	s := k.tree.Spot(f)
	s.Name = strings.Clone(s.Name)
	return s, uabi.OK
}

// spotOf is where an open file is.
func (k *call) spotOf(o *state.Open) tree.Spot {
	s := tree.Spot{Ref: tree.FromPb(o.At)}
	if n := k.tree.Inode(s.Ino); n == nil || !n.IsDir() {
		s.Dir, s.Name = o.Dir, o.Name
	}
	return s
}

// writers reports whether a mount has files open for writing.
func (h *VFSD) writers(mount uint64) bool {
	for _, o := range h.opens.All() {
		if o.At.GetMount() == mount && o.Kind == uint32(vfs.Kind_FILE) && writable(o) {
			return true
		}
	}
	return false
}

const (
	msMagic     = 0xc0ed0000 // of mount(2)'s flags in Linux before 2.4
	msMagicMask = 0xffff0000
	msNoUser    = 1 << 31

	propagation = unix.MS_SHARED | unix.MS_PRIVATE | unix.MS_SLAVE | unix.MS_UNBINDABLE
)

// Mount implements vfs.Handler.
func (h *VFSD) Mount(c *server.Ctx, in *vfs.MountRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, true)
	to, err := k.spot(0, in.Target, 0)
	if err != uabi.OK {
		return err
	}
	onto := k.tree.Top(to)
	flags := in.Flags
	if flags&msMagicMask == msMagic {
		flags &^= msMagicMask
	}
	switch {
	case flags&msNoUser != 0:
		return uabi.ErrArg
	case !k.admin():
		return uabi.ErrPerm
	}
	switch {
	case flags&(unix.MS_REMOUNT|unix.MS_BIND) == unix.MS_REMOUNT|unix.MS_BIND:
		err = k.tree.Remount(&k.env, to.Ref, flags, h.writers)
	case flags&unix.MS_REMOUNT != 0:
		err = k.remount(to.Ref, flags, in.Data)
	case flags&unix.MS_BIND != 0:
		err = k.bind(in.Source, onto, flags)
	case flags&propagation != 0:
		typ := flags & propagation
		if typ&(typ-1) != 0 || flags&^uint64(propagation|unix.MS_REC|unix.MS_SILENT) != 0 {
			return uabi.ErrArg
		}
		err = k.tree.SetPropagation(&k.env, to.Ref, typ, flags&unix.MS_REC != 0)
	case flags&unix.MS_MOVE != 0:
		var from tree.Spot
		if from, err = k.source(in.Source); err == uabi.OK {
			err = k.tree.MoveMount(&k.env, from.Ref, onto)
		}
	default:
		err = k.mountNew(in, onto, flags)
	}
	h.mountsChanged(c)
	return err
}

// source resolves the first argument of a bind or move.
func (k *call) source(path string) (tree.Spot, uabi.Error) {
	if path == "" {
		return tree.Spot{}, uabi.ErrArg
	}
	return k.spot(0, path, 0)
}

func (k *call) bind(source string, to tree.Spot, flags uint64) uabi.Error {
	from, err := k.source(source)
	if err != uabi.OK {
		return err
	}
	return k.tree.Bind(&k.env, from, to, flags&unix.MS_REC != 0)
}

// remount is MS_REMOUNT without MS_BIND: the flags of the file system and of the mount, and options.
func (k *call) remount(at tree.Ref, flags uint64, data string) uabi.Error {
	f, err := k.tree.CheckReconfigure(&k.env, at, flags, k.writers)
	if err != uabi.OK {
		return err
	}
	opt := k.tmpfsOf(f)
	if f.Type == "tmpfs" {
		files, blocks := k.tree.Usage(f.Id)
		if !opt.set(data, k.cfg.Machine) || opt.size != 0 && opt.size < blocks*pageSize || opt.inodes != 0 && opt.inodes < files {
			return uabi.ErrArg
		}
	} else if err := checkOptions(f.Type, data); err != uabi.OK {
		return err
	}
	if err := k.tree.Remount(&k.env, at, flags, func(uint64) bool { return false }); err != uabi.OK {
		return err
	}
	k.tree.Reconfigure(f, flags)
	if f.Type == "cgroup2" {
		f.Options = cgroupfs.OptionsText(data)
	}
	if f.Type == "tmpfs" {
		f.MaxBytes, f.MaxInodes, f.Options = opt.size, opt.inodes, opt.text(k.cfg.Machine)
	}
	return uabi.OK
}

// tmpfsOf are a tmpfs's options now.
func (k *call) tmpfsOf(f *state.FileSystem) tmpfsOptions {
	o := k.cfg.Machine.tmpfs()
	o.set(f.Options, k.cfg.Machine)
	return o
}

// mountNew mounts a file system that was not there, or the one that there is of its kind.
func (k *call) mountNew(in *vfs.MountRequest, to tree.Spot, flags uint64) uabi.Error {
	if in.Type == "" {
		return uabi.ErrArg
	}
	if !knownFS(in.Type) {
		return uabi.ErrNoDevice
	}
	opt := k.cfg.Machine.tmpfs()
	if in.Type == "tmpfs" && !opt.set(in.Data, k.cfg.Machine) {
		return uabi.ErrArg
	}
	if err := checkOptions(in.Type, in.Data); err != uabi.OK {
		return err
	}
	old := k.existingFS(in.Type)
	if err := k.tree.CheckMount(&k.env, to, old); err != uabi.OK {
		return err
	}
	f := k.makeFS(strings.Clone(in.Type), strings.Clone(in.Data))
	if old == nil {
		f.Flags = tree.SuperFlags(flags)
	}
	k.tree.Mount(to, f, strings.Clone(in.Source), tree.MountFlags(flags))
	return uabi.OK
}

// Umount implements vfs.Handler. Word 0 of the reply is 1 when MNT_EXPIRE has only marked the mount.
func (h *VFSD) Umount(c *server.Ctx, in *vfs.PathRequest, out *vfs.CountReply) uabi.Error {
	const known = unix.MNT_FORCE | unix.MNT_DETACH | unix.MNT_EXPIRE | unix.UMOUNT_NOFOLLOW
	if in.Flags&^uint32(known) != 0 {
		return uabi.ErrArg
	}
	k := h.begin(c, true)
	flags := uint32(0)
	if in.Flags&unix.UMOUNT_NOFOLLOW != 0 {
		flags = atSymlinkNofollow
	}
	at, err := k.spot(0, in.Path, flags)
	if err != uabi.OK {
		return err
	}
	at = k.tree.Top(at) // LOOKUP_MOUNTPOINT of Linux: also of "."
	if !k.admin() {
		return uabi.ErrPerm
	}
	lazy, root := in.Flags&unix.MNT_DETACH != 0, at.Mount == k.env.Root.Mount
	if in.Flags&unix.MNT_EXPIRE != 0 && (lazy || root || in.Flags&unix.MNT_FORCE != 0) {
		return uabi.ErrArg
	}
	if root && !lazy {
		return k.closeRoot(at.Ref)
	}
	if err := k.tree.CheckUnmount(&k.env, at.Ref, lazy); err != uabi.OK {
		return err
	}
	if in.Flags&unix.MNT_EXPIRE != 0 && k.tree.Expire(at.Ref) {
		out.Count = 1
		return uabi.OK
	}
	k.tree.Unmount(at.Ref, lazy)
	h.closeFreed(c)
	h.mountsChanged(c)
	return uabi.OK
}

// closeRoot is umount2(2) of the caller's root: it becomes read-only.
func (k *call) closeRoot(at tree.Ref) uabi.Error {
	f, err := k.tree.CheckReconfigure(&k.env, at, unix.MS_RDONLY, k.writers)
	if err != uabi.OK {
		return err
	}
	k.tree.Reconfigure(f, f.Flags|unix.MS_RDONLY)
	k.mountsChanged(k.c)
	return uabi.OK
}

// PivotRoot implements vfs.Handler.
func (h *VFSD) PivotRoot(c *server.Ctx, in *vfs.TwoPathRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, true)
	if !k.admin() {
		return uabi.ErrPerm
	}
	to, err := k.directory(in.New)
	if err != uabi.OK {
		return err
	}
	old, err := k.directory(in.Old)
	if err != uabi.OK {
		return err
	}
	old = k.tree.Top(old)
	if err := k.tree.CheckPivot(&k.env, to.Ref, old); err != uabi.OK {
		return err
	}
	k.tree.Pivot(&k.env, to.Ref, old)
	// chroot_fs_refs of Linux: who stands where the old root is goes to the new one.
	for _, f := range h.contexts.Values() {
		for _, r := range []**state.Ref{&f.Root, &f.Cwd} {
			if was := tree.FromPb(*r); was == k.env.Root {
				h.hold(to.Ref)
				*r = to.Ref.Pb()
				h.drop(was)
			}
		}
	}
	h.closeFreed(c)
	h.mountsChanged(c)
	return uabi.OK
}

// directory resolves a path that must be a directory's.
func (k *call) directory(path string) (tree.Spot, uabi.Error) {
	s, err := k.spot(0, path, 0)
	if err != uabi.OK {
		return s, err
	}
	a, err := k.tree.Attr(&k.env, s.Ref)
	if err == uabi.OK && a.Mode&unix.S_IFMT != unix.S_IFDIR {
		err = uabi.ErrNotDir
	}
	return s, err
}

// MountSetattr implements vfs.Handler.
func (h *VFSD) MountSetattr(c *server.Ctx, in *vfs.MountSetattrRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, true)
	if !k.admin() {
		return uabi.ErrPerm
	}
	if p := in.Propagation; p&^propagation != 0 || p&(p-1) != 0 {
		return uabi.ErrArg
	}
	at, err := k.spot(in.Dir, in.Path, in.Flags)
	if err != uabi.OK {
		return err
	}
	err = k.tree.SetAttributes(&k.env, at.Ref, tree.Attributes{
		Add: in.Add, Drop: in.Drop, Propagation: in.Propagation, Recurse: in.Recurse,
	}, h.writers)
	h.mountsChanged(c)
	return err
}
