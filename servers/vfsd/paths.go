package main

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Device numbers of file systems without a device: minor = firstDev + its number. Pipes have one of their own.
const (
	firstDev = 16
	pipeDev  = 13
)

// StatAt implements vfs.Handler.
func (h *VFSD) StatAt(c *server.Ctx, in *vfs.PathRequest, out *vfs.Stat) uabi.Error {
	return h.statPath(h.begin(c, false), in, out)
}

func (h *VFSD) statPipe(p *state.Pipe, out *vfs.Stat) {
	out.Dev, out.Ino, out.Mode, out.Nlink, out.Blksize = unix.Mkdev(0, pipeDev), p.Id, unix.S_IFIFO|pipeMode(p), 1, pageSize
	out.Uid, out.Gid = p.Uid, p.Gid
	out.AtimeNs, out.MtimeNs, out.CtimeNs, out.BtimeNs = p.AtimeNs, p.MtimeNs, p.MtimeNs, p.MtimeNs
}

// pipeMode are an unnamed pipe's permissions.
func pipeMode(p *state.Pipe) uint32 {
	if p.Mode != nil {
		return *p.Mode
	}
	return 0o600
}

// setPipe changes attributes of an unnamed pipe. Other files without a name share one inode on Linux, and have nothing to be changed here.
func (k *call) setPipe(p *state.Pipe, c tree.Change) uabi.Error {
	if p == nil {
		return uabi.ErrPerm
	}
	a := tree.Attr{Mode: pipeMode(p), UID: p.Uid, GID: p.Gid}
	if err := tree.MayChange(&k.env, a, c); err != uabi.OK {
		return err
	}
	a = a.Changed(&k.env, c)
	mode := a.Mode
	p.Mode, p.Uid, p.Gid = &mode, a.UID, a.GID
	if c.AtimeNs != nil {
		p.AtimeNs = *c.AtimeNs
	}
	if c.MtimeNs != nil {
		p.MtimeNs = *c.MtimeNs
	}
	return uabi.OK
}

func (k *call) stat(at tree.Ref, out *vfs.Stat) uabi.Error {
	m := k.tree.MountOf(at)
	if m != nil {
		out.Mount, out.MountRoot = m.Id, m.Root == at.Ino
	}
	out.Ino, out.Blksize = at.Ino, pageSize
	n := k.tree.Inode(at.Ino)
	if n == nil {
		return k.statSynthetic(at, m, out)
	}
	f := k.tree.FSByID(n.Fs)
	if f != nil {
		out.Dev = fsDevice(f)
	}
	out.Mode, out.Nlink, out.Uid, out.Gid, out.Size, out.Rdev = n.Mode, n.Nlink, n.Uid, n.Gid, n.Size, n.Rdev
	out.AtimeNs, out.MtimeNs, out.CtimeNs, out.BtimeNs = n.AtimeNs, n.MtimeNs, n.CtimeNs, n.BtimeNs
	if f != nil && f.Single {
		out.Size = madeSize(n)
	} else if n.Type() == unix.S_IFREG {
		out.Blocks = k.tree.Blocks(n)
	}
	return uabi.OK
}

// statSynthetic is stat of what exists only as a number; m is its mount, or nil.
func (k *call) statSynthetic(at tree.Ref, m *state.Mount, out *vfs.Stat) uabi.Error {
	a, err := k.tree.Attr(&k.env, at)
	if err != uabi.OK {
		return err
	}
	if m != nil {
		out.Dev = fsDevice(k.tree.FSByID(m.Fs))
	}
	out.Mode, out.Nlink, out.Uid, out.Gid, out.Size = a.Mode, a.Nlink, a.UID, a.GID, a.Size
	if ns, ok := namespaceOf(at); ok {
		out.Dev = unix.Mkdev(0, nsDev)
		out.Ino, _ = k.namespace(ns)
	}
	if ns := k.spaceOf(at.Ino); ns != nil {
		out.Dev, out.Ino = unix.Mkdev(0, nsDev), spaceIno(ns)
	}
	t := int64(k.top.BootNs)
	out.AtimeNs, out.MtimeNs, out.CtimeNs, out.BtimeNs = t, t, t, t
	return uabi.OK
}

// AccessAt implements vfs.Handler. The context words have the effective ids; the real ones, which count without AT_EACCESS, are procd's.
func (h *VFSD) AccessAt(c *server.Ctx, in *vfs.PathRequest, out *vfs.EmptyReply) uabi.Error {
	const allModes = unix.R_OK | unix.W_OK | unix.X_OK
	if in.Mode&^uint32(allModes) != 0 {
		return uabi.ErrArg
	}
	k := h.begin(c, false)
	if in.Flags&atEaccess == 0 {
		var who proc.CredsReply
		if err := k.proc().Creds(c, &proc.PidRequest{}, &who); err != uabi.OK {
			return err
		}
		k.env.UID, k.env.GID = who.Ruid, who.Rgid
	}
	at, o, err := k.find(in.Dir, in.Path, in.Flags&^atEaccess)
	if err != uabi.OK {
		return err
	}
	if o != nil && o.At == nil {
		return uabi.OK
	}
	return k.tree.Access(&k.env, at, in.Mode)
}

// ReadlinkAt implements vfs.Handler.
func (h *VFSD) ReadlinkAt(c *server.Ctx, in *vfs.PathRequest, out *vfs.PathReply) uabi.Error {
	k := h.begin(c, false)
	flags := uint32(atSymlinkNofollow)
	if in.Path == "" {
		flags |= atEmptyPath // readlinkat(2): the link that dir was opened on with O_PATH
	}
	at, o, err := k.find(in.Dir, in.Path, flags)
	if err != uabi.OK {
		return err
	}
	if o != nil && (o.At == nil || o.Flags&unix.O_PATH == 0) {
		return uabi.ErrNotFound
	}
	out.Path, err = k.tree.ReadLink(&k.env, at)
	return err
}

// MakeAt implements vfs.Handler.
func (h *VFSD) MakeAt(c *server.Ctx, in *vfs.MakeRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, true)
	spec := tree.Spec{Mode: in.Mode, Rdev: in.Rdev, Target: in.Target}
	switch in.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		if in.Target == "" {
			return uabi.ErrNotFound
		}
		if len(in.Target) >= tree.PathMax {
			return uabi.ErrName
		}
	case unix.S_IFCHR, unix.S_IFBLK:
		if k.env.UID != 0 {
			return uabi.ErrPerm
		}
	case 0:
		spec.Mode |= unix.S_IFREG
	case unix.S_IFDIR, unix.S_IFREG, unix.S_IFIFO, unix.S_IFSOCK:
	default:
		return uabi.ErrArg
	}
	f, err := k.walk(in.Dir, in.Path, 0)
	if err != uabi.OK {
		return err
	}
	if err := k.makeNode(f, spec); err != uabi.OK {
		return err
	}
	h.notify(c, place{dir: f.Parent.Ino, name: f.Name, isDir: spec.Mode&unix.S_IFMT == unix.S_IFDIR}, unix.IN_CREATE)
	return uabi.OK
}

// makeNode makes what MakeAt's walk did not find.
func (k *call) makeNode(f tree.Found, spec tree.Spec) uabi.Error {
	if f.Parent.Ino != 0 && spec.Mode&unix.S_IFMT == unix.S_IFDIR && k.inGroups(f.Parent) {
		return k.makeGroup(f, spec)
	}
	if err := k.tree.CheckCreate(&k.env, f, spec); err != uabi.OK {
		return err
	}
	if spec.Mode&unix.S_IFMT != unix.S_IFIFO {
		_, err := k.tree.Create(&k.env, f, spec)
		return err
	}
	p, err := k.newPipe(k.c)
	if err != uabi.OK {
		return err
	}
	n, err := k.tree.Create(&k.env, f, spec)
	if err == uabi.OK {
		k.nameFifo(n, p)
	}
	return err
}

// nameFifo ties a pipe to its inode.
func (h *VFSD) nameFifo(n *tree.Inode, p *state.Pipe) {
	h.tree.Touch(n)
	p.Id, p.Ino = h.nextID(), n.Ino
	n.Pipe = p.Id
	h.pipes.Put(p.Id, p)
}

// UnlinkAt implements vfs.Handler.
func (h *VFSD) UnlinkAt(c *server.Ctx, in *vfs.PathRequest, out *vfs.EmptyReply) uabi.Error {
	if in.Flags&^uint32(atRemoveDir) != 0 {
		return uabi.ErrArg
	}
	k := h.beginIn(&h.spare, c, true)
	f, err := k.walk(in.Dir, in.Path, 0)
	if err != uabi.OK {
		return err
	}
	dir := in.Flags&atRemoveDir != 0
	n := k.tree.Inode(f.At.Ino)
	if k.tree.Single(f.Parent) {
		k.env.Single = k.removeSingle
	}
	var last []lastPath
	if dir && f.OK {
		last = k.lastPaths(f.At)
	}
	if err := k.tree.Unlink(&k.env, f, dir); err != uabi.OK {
		return err
	}
	keepPaths(last)
	if !dir {
		h.notify(c, place{ino: f.At.Ino}, unix.IN_ATTRIB)
	}
	h.gone(c, n)
	h.notify(c, place{dir: f.Parent.Ino, name: f.Name, isDir: dir}, unix.IN_DELETE)
	return uabi.OK
}

// gone closes what an inode held that may have been released.
func (h *VFSD) gone(c *server.Ctx, n *tree.Inode) {
	h.closeFreed(c)
	if n == nil || h.tree.Inode(n.Ino) != nil {
		return
	}
	if p := h.pipes.Get(n.Pipe); p != nil && p.Readers == 0 && p.Writers == 0 {
		h.forgetPipe(c, p)
	}
}

// RenameAt implements vfs.Handler.
func (h *VFSD) RenameAt(c *server.Ctx, in *vfs.TwoPathRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, true)
	old, err := k.walk(in.OldDir, in.Old, 0)
	if err != uabi.OK {
		return err
	}
	to, err := k.walk(in.NewDir, in.New, 0)
	if err != uabi.OK {
		return err
	}
	var replaced *tree.Inode
	var last []lastPath
	if to.OK {
		replaced = k.tree.Inode(to.At.Ino)
	}
	if replaced != nil && replaced.IsDir() && in.Flags&unix.RENAME_EXCHANGE == 0 {
		last = k.lastPaths(to.At)
	}
	if err := k.tree.Rename(&k.env, old, to, in.Flags); err != uabi.OK {
		return err
	}
	if replaced == nil || replaced.Ino != old.At.Ino {
		k.moved(old, to, replaced, in.Flags&unix.RENAME_EXCHANGE != 0)
	}
	keepPaths(last)
	h.gone(c, replaced)
	return uabi.OK
}

// LinkAt implements vfs.Handler.
func (h *VFSD) LinkAt(c *server.Ctx, in *vfs.TwoPathRequest, out *vfs.EmptyReply) uabi.Error {
	if in.Flags&^uint32(atSymlinkFollow|atEmptyPath) != 0 {
		return uabi.ErrArg
	}
	k := h.begin(c, true)
	how := tree.FollowOnSlash
	if in.Flags&atSymlinkFollow != 0 {
		how |= tree.Follow
	}
	if in.Old == "" && in.Flags&atEmptyPath != 0 {
		at, _, err := k.find(in.OldDir, "", atEmptyPath)
		if err != uabi.OK {
			return err
		}
		to, err := k.walk(in.NewDir, in.New, 0)
		if err != uabi.OK {
			return err
		}
		return k.link(tree.Found{At: at, OK: true}, to)
	}
	old, err := k.walk(in.OldDir, in.Old, how)
	if err != uabi.OK {
		return err
	}
	if !old.OK {
		return uabi.ErrNotFound
	}
	to, err := k.walk(in.NewDir, in.New, 0)
	if err != uabi.OK {
		return err
	}
	if old.OpenFile {
		old.At = tree.FromPb(h.opens.Get(old.At.Ino).At) // of a pipe or its like: no mount's
	}
	return k.link(old, to)
}

func (k *call) link(old, to tree.Found) uabi.Error {
	if err := k.tree.Link(&k.env, old, to); err != uabi.OK {
		return err
	}
	k.notify(k.c, place{ino: old.At.Ino}, unix.IN_ATTRIB)
	k.notify(k.c, place{dir: to.Parent.Ino, name: to.Name}, unix.IN_CREATE)
	return uabi.OK
}

// moved tells of a rename; replaced is what had the new name.
func (k *call) moved(old, to tree.Found, replaced *tree.Inode, exchange bool) {
	from, name := strings.Clone(old.Name), strings.Clone(to.Name)
	k.renamed(old.At.Ino, old.Parent.Ino, old.Name, to.Parent.Ino, name)
	k.tellMove(old.At.Ino, old.Parent.Ino, from, to.Parent.Ino, name, replaced, exchange)
	if exchange {
		k.renamed(to.At.Ino, to.Parent.Ino, to.Name, old.Parent.Ino, from)
		k.tellMove(to.At.Ino, to.Parent.Ino, name, old.Parent.Ino, from, nil, true)
	}
}

// tellMove is fsnotify_move of Linux: the directories first, then what was replaced, then what was moved.
func (k *call) tellMove(ino, fromDir uint64, from string, toDir uint64, to string, replaced *tree.Inode, exchange bool) {
	if len(k.watched) == 0 {
		return
	}
	n := k.tree.Inode(ino)
	k.top.LastCookie++
	k.notifyMoved(k.c, place{dir: fromDir, name: from, isDir: n.IsDir()}, unix.IN_MOVED_FROM, k.top.LastCookie)
	k.notifyMoved(k.c, place{dir: toDir, name: to, isDir: n.IsDir()}, unix.IN_MOVED_TO, k.top.LastCookie)
	if replaced != nil && !exchange {
		k.notify(k.c, place{ino: replaced.Ino}, unix.IN_ATTRIB)
	}
	k.notify(k.c, place{ino: ino, isDir: n.IsDir()}, unix.IN_MOVE_SELF)
}

// SetAt implements vfs.Handler.
func (h *VFSD) SetAt(c *server.Ctx, in *vfs.SetRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, true)
	at, o, err := k.find(in.Dir, in.Path, in.Flags)
	if err != uabi.OK {
		return err
	}
	change := tree.Change{Mode: in.Mode, UID: in.Uid, GID: in.Gid, AtimeNs: in.AtimeNs, MtimeNs: in.MtimeNs, TimesNow: in.TimesNow}
	if o != nil && o.At == nil {
		if in.Size != nil {
			return uabi.ErrArg
		}
		return k.setPipe(h.pipes.Get(o.Pipe), change)
	}
	if in.Size != nil {
		if err = k.truncate(at, o, *in.Size); err == uabi.OK {
			k.notify(c, k.found, unix.IN_MODIFY)
		}
		return err
	}
	if n := k.tree.Inode(at.Ino); n != nil && n.Type() == unix.S_IFLNK && in.Mode != nil {
		return uabi.ErrUnsupported
	}
	if err := k.tree.SetAttr(&k.env, at, change); err != uabi.OK {
		return err
	}
	k.notify(c, k.found, attrEvent(change))
	return uabi.OK
}

// attrEvent is how inotify(7) shows a change of attributes.
func attrEvent(c tree.Change) uint32 {
	switch owner := c.Mode != nil || c.UID != nil || c.GID != nil; {
	case !owner && c.MtimeNs != nil && c.AtimeNs == nil:
		return unix.IN_MODIFY
	case !owner && c.AtimeNs != nil && c.MtimeNs == nil:
		return unix.IN_ACCESS
	}
	return unix.IN_ATTRIB
}

// truncate is truncate(2), and ftruncate(2) when o is the open file.
func (k *call) truncate(at tree.Ref, o *state.Open, size int64) uabi.Error {
	n := k.tree.Inode(at.Ino)
	switch {
	case size < 0:
		return uabi.ErrArg
	case n == nil:
		return k.tree.CheckOpen(&k.env, at, false, true) // a file of procfs: its size means nothing
	case n.IsDir():
		return uabi.ErrIsDir
	case n.Type() != unix.S_IFREG:
		return uabi.ErrArg
	case o != nil && !writable(o):
		return uabi.ErrArg
	}
	if o == nil {
		if err := k.tree.CheckOpen(&k.env, at, false, true); err != uabi.OK {
			return err
		}
	}
	if n.Text != 0 {
		return uabi.OK // as on Linux: it has no size that could change
	}
	if k.executed(n.Ino) {
		return uabi.ErrTextBusy
	}
	if err := mayGrow(k.c, n.Size, size); err != uabi.OK {
		return err
	}
	if size > maxSize {
		return uabi.ErrFileSize
	}
	if err := k.checkSize(n, size); err != uabi.OK {
		return err
	}
	if err := k.resize(n, size); err != uabi.OK {
		return err
	}
	k.tree.Touch(n)
	n.MtimeNs, n.CtimeNs = k.env.Now, k.env.Now
	return uabi.OK
}

// Chdir implements vfs.Handler.
func (h *VFSD) Chdir(c *server.Ctx, in *vfs.ChdirRequest, out *vfs.EmptyReply) uabi.Error {
	k := h.begin(c, false)
	if k.fs == nil {
		return uabi.ErrSearch
	}
	if in.Root && k.env.UID != 0 {
		return uabi.ErrPerm
	}
	at, o, err := k.find(in.Dir, in.Path, in.Flags)
	if err != uabi.OK {
		return err
	}
	if o != nil && o.At == nil {
		return uabi.ErrNotDir
	}
	a, err := k.tree.Attr(&k.env, at)
	if err != uabi.OK {
		return err
	}
	if a.Mode&unix.S_IFMT != unix.S_IFDIR {
		return uabi.ErrNotDir
	}
	if err := k.tree.Access(&k.env, at, unix.X_OK); err != uabi.OK {
		return err
	}
	h.hold(at)
	if in.Root {
		h.drop(tree.FromPb(k.fs.Root))
		k.fs.Root = at.Pb()
	} else {
		h.drop(tree.FromPb(k.fs.Cwd))
		k.fs.Cwd = at.Pb()
	}
	h.closeFreed(c)
	return uabi.OK
}

// Getcwd implements vfs.Handler.
func (h *VFSD) Getcwd(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.PathReply) uabi.Error {
	k := h.begin(c, false)
	if n := k.tree.Inode(k.cwd.Ino); n != nil && n.Nlink == 0 {
		return uabi.ErrNotFound
	}
	path, ok := k.tree.PathOf(&k.env, k.cwd)
	if !ok {
		path = "(unreachable)" + path
	}
	out.Path = path
	return uabi.OK
}

// Umask implements vfs.Handler.
func (h *VFSD) Umask(c *server.Ctx, in *vfs.UmaskRequest, out *vfs.CountReply) uabi.Error {
	k := h.begin(c, false)
	if k.fs == nil {
		return uabi.ErrSearch
	}
	out.Count = int64(k.fs.Umask)
	k.fs.Umask = in.Mask & 0o777
	return uabi.OK
}

// ReadDir implements vfs.Handler. Positions: 0 "." · 1 ".." · then an entry's cookie + 1 is the position behind it, plus 1.
func (h *VFSD) ReadDir(c *server.Ctx, in *vfs.ReadDirRequest, out *vfs.ReadDirReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Flags&unix.O_PATH != 0 {
		return uabi.ErrBadFD
	}
	if o.Kind != uint32(vfs.Kind_DIRECTORY) {
		return uabi.ErrNotDir
	}
	at := tree.FromPb(o.At)
	if n := h.tree.Inode(at.Ino); n != nil && n.Nlink == 0 {
		return uabi.ErrNotFound
	}
	k := h.begin(c, false)
	list, err := k.list(at, o.Pos)
	if err != uabi.OK {
		return err
	}
	left := int64(in.MaxBytes)
	for _, e := range list {
		if left -= direntSize(e.Name); left < 0 {
			break
		}
		out.Entries = append(out.Entries, e)
	}
	if len(list) > 0 && len(out.Entries) == 0 {
		return uabi.ErrArg
	}
	if n := len(out.Entries); n > 0 {
		o.Pos = out.Entries[n-1].Off
	}
	h.notifyOpen(c, o, unix.IN_ACCESS)
	return uabi.OK
}

// direntSize is the length of a struct linux_dirent64 with that name.
func direntSize(name string) int64 {
	const header, align = 19, 8
	return int64(header+len(name)+1+align-1) &^ (align - 1)
}

// Positions of the entries that every directory has, and of the first of its own.
const (
	posDot    = 1
	posDotDot = 2
	posFirst  = 2
)

// maxList bounds one listing, so that its reply stays below a message's limit.
const maxList = 512

// list gives a directory's entries from a position on.
func (k *call) list(at tree.Ref, pos int64) ([]*vfs.Dirent, uabi.Error) {
	var out []*vfs.Dirent
	if pos < posDot {
		out = append(out, &vfs.Dirent{Ino: at.Ino, Off: posDot, Type: unix.DT_DIR, Name: "."})
	}
	if pos < posDotDot {
		up := at.Ino
		if n := k.tree.Inode(at.Ino); n != nil {
			up = n.Parent
		} else if at.Synthetic() {
			up = k.Parent(at.Ino)
		}
		out = append(out, &vfs.Dirent{Ino: up, Off: posDotDot, Type: unix.DT_DIR, Name: ".."})
	}
	if at.Synthetic() {
		return k.listSynthetic(at.Ino, pos, out)
	}
	n := k.tree.Inode(at.Ino)
	err := k.tree.List(n, uint64(max(pos-posFirst, 0)), func(e tree.Entry) bool {
		out = append(out, &vfs.Dirent{Ino: e.Ino, Off: int64(e.Cookie) + posFirst, Type: e.Type, Name: e.Name})
		return len(out) < maxList
	})
	return out, err
}
