package tree

import (
	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// MountRoot makes the first namespace: an empty root file system, which nobody sees, and f on it. All walks start there.
func (t *Tree) MountRoot(f *state.FileSystem, source string) Ref {
	bottom := t.NewFS("rootfs", 0o755, 0, 0)
	ns := t.newSpace()
	below := t.newMount(bottom, Spot{Ref: Ref{Ino: bottom.Root}}, "rootfs", 0)
	below.Ns, ns.Root = ns.Id, below.Id
	m := t.newMount(f, Spot{Ref: Ref{Ino: f.Root}}, source, MountFlags(0))
	m.Ns = ns.Id
	t.place(m, rootSpot(below))
	return rootRef(m)
}

// checkSpot says whether something may be mounted at a spot: its mount is in the caller's namespace, it has not been removed.
func (t *Tree) checkSpot(e *Env, to Spot) uabi.Error {
	if n := t.Inode(to.Ino); n != nil && n.Nlink == 0 {
		return uabi.ErrNotFound
	}
	if m := t.mounts.Get(to.Mount); m == nil || m.Ns != e.NS || m.Ns == 0 {
		return uabi.ErrArg
	}
	return uabi.OK
}

// isDir reports whether a ref is a directory.
func (t *Tree) isDir(e *Env, r Ref) bool {
	a, err := t.attr(e, r)
	return err == uabi.OK && a.Mode&unix.S_IFMT == unix.S_IFDIR
}

// CheckMount says whether Mount would succeed. single is the file system that would be mounted if it exists already (there is one of
// its kind), else nil: that one is not mounted twice at one place.
func (t *Tree) CheckMount(e *Env, to Spot, single *state.FileSystem) uabi.Error {
	if err := t.checkSpot(e, to); err != uabi.OK {
		return err
	}
	if m := t.mounts.Get(to.Mount); single != nil && m.Fs == single.Id && m.Root == to.Ino {
		return uabi.ErrBusy
	}
	if !t.isDir(e, to.Ref) {
		return uabi.ErrNotDir
	}
	return uabi.OK
}

// Mount puts f onto what a walk found, after CheckMount. flags are those of MountFlags.
func (t *Tree) Mount(to Spot, f *state.FileSystem, source string, flags uint64) *state.Mount {
	m := t.newMount(f, Spot{Ref: Ref{Ino: f.Root}}, source, flags)
	t.attach(m, to)
	return m
}

// Bind shows the directory or file at from also at to; with recurse, what is mounted below from comes along.
func (t *Tree) Bind(e *Env, from, to Spot, recurse bool) uabi.Error {
	if err := t.checkSpot(e, to); err != uabi.OK {
		return err
	}
	src := t.mounts.Get(from.Mount)
	switch {
	case src == nil, src.Unbindable, src.Ns != e.NS:
		return uabi.ErrArg
	case t.isDir(e, from.Ref) != t.isDir(e, to.Ref):
		return uabi.ErrNotDir
	}
	t.attach(t.copyTree(src, from, copyMode{recurse: recurse}), to)
	return uabi.OK
}

// MoveMount is MS_MOVE.
func (t *Tree) MoveMount(e *Env, from Ref, to Spot) uabi.Error {
	if err := t.checkSpot(e, to); err != uabi.OK {
		return err
	}
	m, err := t.mounted(e, from)
	if err != uabi.OK || m.Parent == 0 || t.isDir(e, from) != t.isDir(e, to.Ref) || t.mounts.Get(m.Parent).Peer != 0 {
		return uabi.ErrArg
	}
	for _, c := range t.descend(m) {
		if c.Unbindable && t.mounts.Get(to.Mount).Peer != 0 {
			return uabi.ErrArg
		}
		if c.Id == to.Mount {
			return uabi.ErrLoop
		}
	}
	t.unplace(m)
	t.attach(m, to)
	return uabi.OK
}

// attach puts a mount and what is below it onto a spot, and copies of it wherever a mount there propagates to.
func (t *Tree) attach(m *state.Mount, to Spot) {
	parent := t.mounts.Get(to.Mount)
	var copies []copied
	if parent.Peer != 0 {
		for _, c := range t.descend(m) {
			t.share(c)
		}
		copies = t.propagate(m, to)
	}
	t.commit(m, to)
	for _, c := range copies {
		t.commit(c.m, c.to)
	}
}

// commit places a mount and makes all below it members of the namespace.
func (t *Tree) commit(m *state.Mount, to Spot) {
	ns := t.mounts.Get(to.Mount).Ns
	for _, c := range t.descend(m) {
		c.Ns = ns
	}
	t.place(m, to)
	t.changed(ns)
}

// copyMode says how copyTree copies.
type copyMode struct {
	recurse    bool
	unbindable bool // unbindable mounts too
	slave      bool // the copies are slaves of what they are copies of
	shared     bool // … and a peer group of their own
}

// copyTree copies a mount, with root in place of its root, and what is below root. Copies of shared mounts are their peers.
func (t *Tree) copyTree(m *state.Mount, root Spot, mode copyMode) *state.Mount {
	c := t.newMount(t.fs.Get(m.Fs), root, m.Source, m.Flags)
	c.Unbindable = m.Unbindable
	if mode.slave {
		c.Master = m.Peer
		if mode.shared {
			t.share(c)
		}
	} else {
		c.Peer, c.Master = m.Peer, m.Master
	}
	if !mode.recurse {
		return c
	}
	for _, id := range t.kids[m.Id] {
		k := t.mounts.Get(id)
		if k.Unbindable && !mode.unbindable || root.Ino != m.Root && !t.inside(spotOf(k), root.Ino) {
			continue
		}
		d := t.copyTree(k, rootSpot(k), mode)
		s := spotOf(k)
		s.Mount = c.Id
		t.place(d, s)
	}
	return c
}

// Remount changes the flags of a mount (MS_REMOUNT). writers reports whether a mount has files open for writing.
func (t *Tree) Remount(e *Env, r Ref, ms uint64, writers func(mount uint64) bool) uabi.Error {
	m, err := t.mounted(e, r)
	if err != uabi.OK {
		return err
	}
	flags := MountFlags(ms)
	if ms&(atimeFlags|unix.MS_STRICTATIME) == 0 {
		flags = flags&^atimeFlags | m.Flags&atimeFlags
	}
	if flags&^m.Flags&unix.MS_RDONLY != 0 && writers(m.Id) {
		return uabi.ErrBusy
	}
	m.Flags = flags
	t.changed(m.Ns)
	return uabi.OK
}

// CheckReconfigure says whether a file system's flags may become those of ms.
func (t *Tree) CheckReconfigure(e *Env, r Ref, ms uint64, writers func(mount uint64) bool) (*state.FileSystem, uabi.Error) {
	m, err := t.mounted(e, r)
	if err != uabi.OK {
		return nil, err
	}
	f := t.fs.Get(m.Fs)
	if ms&^f.Flags&unix.MS_RDONLY != 0 {
		for _, m := range t.Mounts() {
			if m.Fs == f.Id && writers(m.Id) {
				return nil, uabi.ErrBusy
			}
		}
	}
	return f, uabi.OK
}

// Reconfigure sets a file system's flags.
func (t *Tree) Reconfigure(f *state.FileSystem, ms uint64) {
	f.Flags = ms & superFlags
	for _, id := range t.spaces.Keys() {
		t.changed(id)
	}
}

// Attributes are what SetAttributes changes of a mount.
type Attributes struct {
	Add, Drop   uint64 // MS_*
	Propagation uint64 // MS_SHARED …, 0: stays
	Recurse     bool
}

// SetAttributes is mount_setattr(2).
func (t *Tree) SetAttributes(e *Env, r Ref, a Attributes, writers func(mount uint64) bool) uabi.Error {
	m, err := t.mounted(e, r)
	if err != uabi.OK {
		return err
	}
	list := []*state.Mount{m}
	if a.Recurse {
		list = t.descend(m)
	}
	for _, c := range list {
		if a.Add&^c.Flags&unix.MS_RDONLY != 0 && writers(c.Id) {
			return uabi.ErrBusy
		}
	}
	for _, c := range list {
		c.Flags = (c.Flags&^a.Drop | a.Add) & mountFlags
		t.setPropagation(c, a.Propagation)
	}
	t.changed(m.Ns)
	return uabi.OK
}
