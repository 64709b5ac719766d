package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// oLargeFile is O_LARGEFILE of x86's 32-bit ABI, which Linux sets on every open by path; x/sys has 0 for it.
const oLargeFile = 0o100000

// keptFlags are what an open file remembers: F_GETFL gives them.
const keptFlags = unix.O_ACCMODE | unix.O_APPEND | unix.O_NONBLOCK | unix.O_DSYNC | unix.O_SYNC | unix.O_ASYNC | unix.O_DIRECT |
	unix.O_NOATIME | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_PATH

// readable and writable say what an open file was opened for.
func readable(o *state.Open) bool {
	m := o.Flags & unix.O_ACCMODE
	return o.Flags&unix.O_PATH == 0 && (m == unix.O_RDONLY || m == unix.O_RDWR)
}

func writable(o *state.Open) bool {
	m := o.Flags & unix.O_ACCMODE
	return o.Flags&unix.O_PATH == 0 && (m == unix.O_WRONLY || m == unix.O_RDWR)
}

// Open implements vfs.Handler.
func (h *VFSD) Open(c *server.Ctx, in *vfs.OpenRequest, out *vfs.OpenReply) uabi.Error {
	tmpfile := in.Flags&(unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 && in.Flags&unix.O_PATH == 0
	creates := tmpfile || in.Flags&(unix.O_CREAT|unix.O_TRUNC) != 0
	k := h.beginIn(&h.spare, c, creates)
	flags := in.Flags
	if flags&unix.O_PATH != 0 {
		flags &= unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW
	}
	if tmpfile && (flags&(unix.O_TMPFILE|unix.O_CREAT) != unix.O_TMPFILE || flags&unix.O_ACCMODE == unix.O_RDONLY) {
		return uabi.ErrArg
	}
	how := tree.Follow | tree.FollowOnSlash
	if flags&unix.O_NOFOLLOW != 0 || flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL {
		how &^= tree.Follow
	}
	if flags&unix.O_CREAT != 0 {
		if flags&unix.O_DIRECTORY != 0 {
			return uabi.ErrArg
		}
		how |= tree.NoSlash
	}
	var f tree.Found
	if err := k.walkTo(&f, in.Dir, in.Path, how); err != uabi.OK {
		return err
	}
	o := h.newOpen(flags & keptFlags)
	k.nameOpen(o, &f)
	var err uabi.Error
	switch {
	case tmpfile:
		o.Flags |= flags & (unix.O_EXCL | unix.O_TMPFILE)
		err = k.openTmpfile(&f, in.Mode, o, out)
	case !f.OK && flags&unix.O_CREAT == 0:
		err = uabi.ErrNotFound
	case !f.OK:
		err = k.openNew(&f, in.Mode, o, out)
	case f.OpenFile:
		err = k.reopen(k.opens.Get(f.At.Ino), flags, o, out)
	default:
		err = k.openAt(&f, flags, o, out)
	}
	if err != uabi.OK {
		h.spareOpen(o)
	}
	return err
}

// newOpen is an open file that is being made: the state's from add on, else spareOpen's.
func (h *VFSD) newOpen(flags uint32) *state.Open {
	o := h.spareOpens.Take()
	o.Flags = flags
	return o
}

// spareOpen takes an open file that the state does not name, or no longer.
func (h *VFSD) spareOpen(o *state.Open) {
	if o.At != nil {
		h.spareRefs.Give(o.At)
	}
	h.spareOpens.Give(o)
}

// openNew creates a regular file and opens it: the mode does not bind who made it.
func (k *call) openNew(f *tree.Found, mode uint32, o *state.Open, out *vfs.OpenReply) uabi.Error {
	spec := tree.Spec{Mode: unix.S_IFREG | mode&0o7777}
	if err := k.tree.CheckCreate(&k.env, *f, spec); err != uabi.OK {
		if k.tree.Single(f.Parent) && err == uabi.ErrPerm {
			return uabi.ErrAccess // Linux has no way to make files there at all
		}
		return err
	}
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	n, err := k.tree.Create(&k.env, *f, spec)
	if err != uabi.OK {
		return err
	}
	k.notify(k.c, place{dir: f.Parent.Ino, name: o.Name}, unix.IN_CREATE)
	k.add(writes(o), tree.Ref{Mount: f.Parent.Mount, Ino: n.Ino}, vfs.Kind_FILE, handle, out)
	return uabi.OK
}

// openAt opens what exists.
func (k *call) openAt(f *tree.Found, flags uint32, o *state.Open, out *vfs.OpenReply) uabi.Error {
	a, err := k.tree.AttrOf(&k.env, f)
	if err != uabi.OK {
		return err
	}
	kind, err := k.checkOpen(f.At, a, flags)
	if err != uabi.OK {
		return err
	}
	n := k.tree.InodeOf(f)
	if kind == vfs.Kind_FILE {
		if writes(o); (o.Writers > 0 || flags&unix.O_TRUNC != 0) && k.executed(f.At.Ino) {
			return uabi.ErrTextBusy
		}
	}
	if kind == vfs.Kind_PIPE {
		return k.openFifo(f.At, n, o, out)
	}
	if kind == vfs.Kind_TTY {
		return k.openTerminal(f.At, n.Rdev, flags, o, out)
	}
	if kind == vfs.Kind_DEVICE && n.Rdev == devKmsg {
		return k.openLog(f.At, o, out)
	}
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	if err := k.openMade(n, o); err != uabi.OK {
		return err
	}
	if err := k.openTable(f.At, o); err != uabi.OK {
		return err
	}
	if flags&unix.O_TRUNC != 0 && a.Mode&unix.S_IFMT == unix.S_IFREG && n != nil && n.Text == 0 {
		if err := k.resize(n, 0); err != uabi.OK {
			return err
		}
		n.MtimeNs, n.CtimeNs = k.env.Now, k.env.Now
		k.notify(k.c, k.foundPlace(*f), unix.IN_MODIFY)
	}
	k.add(o, f.At, kind, handle, out)
	return uabi.OK
}

// checkOpen makes open(2)'s checks and says what kind of open file it will be.
func (k *call) checkOpen(at tree.Ref, a tree.Attr, flags uint32) (vfs.Kind, uabi.Error) {
	typ := a.Mode & unix.S_IFMT
	acc := flags & unix.O_ACCMODE
	read, write := acc != unix.O_WRONLY, acc != unix.O_RDONLY
	switch {
	case flags&(unix.O_CREAT|unix.O_EXCL) == unix.O_CREAT|unix.O_EXCL:
		return 0, uabi.ErrExists
	case flags&unix.O_PATH != 0:
		if flags&unix.O_DIRECTORY != 0 && typ != unix.S_IFDIR {
			return 0, uabi.ErrNotDir
		}
		return vfs.Kind_PATH, uabi.OK
	case typ == unix.S_IFLNK:
		return 0, uabi.ErrLoop
	case flags&unix.O_DIRECTORY != 0 && typ != unix.S_IFDIR:
		return 0, uabi.ErrNotDir
	case typ == unix.S_IFDIR && (write || flags&(unix.O_CREAT|unix.O_TRUNC) != 0):
		return 0, uabi.ErrIsDir
	}
	if err := k.tree.MayOpen(&k.env, at, a, read, write || flags&unix.O_TRUNC != 0); err != uabi.OK {
		return 0, err
	}
	if flags&unix.O_NOATIME != 0 && k.env.UID != 0 && k.env.UID != a.UID {
		return 0, uabi.ErrPerm // open(2): only for the owner
	}
	if typ == unix.S_IFREG && (read && a.Mode&0o444 == 0 || write && a.Mode&0o222 == 0) {
		if fs := k.tree.FS(at); fs != nil && fs.Type == "sysfs" {
			return 0, uabi.ErrAccess // even for root
		}
	}
	switch typ {
	case unix.S_IFDIR:
		return vfs.Kind_DIRECTORY, uabi.OK
	case unix.S_IFIFO:
		return vfs.Kind_PIPE, uabi.OK
	case unix.S_IFCHR, unix.S_IFBLK:
		if m := k.tree.MountOf(at); m != nil && m.Flags&unix.MS_NODEV != 0 {
			return 0, uabi.ErrAccess
		}
		return k.checkDevice(typ, k.tree.Inode(at.Ino).Rdev)
	case unix.S_IFSOCK:
		return 0, uabi.ErrNoDevice
	}
	return vfs.Kind_FILE, uabi.OK
}

// add puts an open file into the state. Nothing can fail any more.
func (k *call) add(o *state.Open, at tree.Ref, kind vfs.Kind, handle uabi.Handle, out *vfs.OpenReply) {
	o.Id, o.Kind, o.At = k.nextID(), uint32(kind), k.spareRefs.Take()
	o.At.Mount, o.At.Ino = at.Mount, at.Ino
	if o.Flags&unix.O_PATH == 0 {
		o.Flags |= oLargeFile
	}
	k.opens.Put(o.Id, o)
	k.countWriter(o, 1)
	k.hold(at)
	if ns := k.spaceOf(at.Ino); ns != nil {
		k.enter(ns.Id)
		o.Space, o.Path = ns.Id, spaceName(ns)
	}
	out.Kind, out.File = uint32(kind), uint32(handle)
	k.notifyOpen(k.c, o, unix.IN_OPEN)
}

// reopen opens what another open file stands for (/proc/PID/fd/N).
func (k *call) reopen(src *state.Open, flags uint32, o *state.Open, out *vfs.OpenReply) uabi.Error {
	if src == nil {
		return uabi.ErrNotFound
	}
	o.Path, o.Dir, o.Name = src.Path, src.Dir, src.Name
	if src.At != nil {
		at := tree.FromPb(src.At)
		return k.openAt(&tree.Found{At: at, OK: true, Last: tree.LastJump}, flags, o, out)
	}
	if isSpecial(src) {
		return uabi.ErrNoDevice
	}
	p := k.pipes.Get(src.Pipe)
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	k.addPipeEnd(o, p, handle, out)
	k.level(k.c, p, 0)
	return uabi.OK
}

// closeOpen releases what an open file held.
func (h *VFSD) closeOpen(c *server.Ctx, o *state.Open) {
	if writable(o) {
		h.notifyOpen(c, o, unix.IN_CLOSE_WRITE)
	} else {
		h.notifyOpen(c, o, unix.IN_CLOSE_NOWRITE)
	}
	if o.Pipe != 0 {
		h.closePipeEnd(c, o)
	}
	if o.Tty != 0 {
		h.closeTerminal(c, o)
	}
	h.closeSpecial(c, o)
	if o.At != nil {
		h.countWriter(o, -1)
		h.drop(tree.FromPb(o.At))
		if ns := h.spaceOf(o.At.Ino); ns != nil {
			h.leave(ns.Id)
		}
	}
}

// open is the open file whose handle was called.
func (h *VFSD) open(c *server.Ctx) (*state.Open, uabi.Error) {
	o := h.opens.Get(c.Badge())
	if o == nil {
		return nil, uabi.ErrBadFD
	}
	return o, uabi.OK
}
