package tree

import (
	"maps"
	"slices"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Space is a mount namespace, or nil.
func (t *Tree) Space(id uint64) *state.Namespace { return t.spaces.Get(id) }

// Spaces lists the mount namespaces.
func (t *Tree) Spaces() []*state.Namespace { return t.spaces.Values() }

// newSpace makes a namespace with the lowest number that none has.
func (t *Tree) newSpace() *state.Namespace {
	used := map[uint32]bool{}
	for _, s := range t.spaces.All() {
		used[s.Number] = true
	}
	ns := &state.Namespace{Id: t.nextID(), Number: 1}
	for used[ns.Number] {
		ns.Number++
	}
	t.spaces.Put(ns.Id, ns)
	return ns
}

// changed notes that a namespace's mounts have changed.
func (t *Tree) changed(ns uint64) {
	if t.spaces.Get(ns) != nil {
		t.moved[ns] = struct{}{}
	}
}

// TakeChanged lists the namespaces whose mounts have changed since the last time.
func (t *Tree) TakeChanged() []uint64 {
	if len(t.moved) == 0 {
		return nil
	}
	out := slices.Sorted(maps.Keys(t.moved))
	clear(t.moved)
	return out
}

// CopySpace makes a copy of a namespace: its mounts are peers of their originals. translate gives the ref in the copy that is for one in
// the original.
func (t *Tree) CopySpace(id uint64) (ns *state.Namespace, translate func(Ref) Ref) {
	old := t.mounts.Get(t.spaces.Get(id).Root)
	ns = t.newSpace()
	top := t.copyTree(old, rootSpot(old), copyMode{recurse: true, unbindable: true})
	ns.Root = top.Id
	from, to := t.descend(old), t.descend(top)
	copies := map[uint64]uint64{}
	for i, m := range to {
		m.Ns = ns.Id
		copies[from[i].Id] = m.Id
	}
	return ns, func(r Ref) Ref {
		if c, ok := copies[r.Mount]; ok {
			r.Mount = c
		}
		return r
	}
}

// DropSpace takes out all mounts of a namespace that nobody is in any more. Their peers elsewhere stay (put_mnt_ns of Linux).
func (t *Tree) DropSpace(id uint64) {
	ns := t.spaces.Get(id)
	t.spaces.Delete(id)
	t.removeMounts(t.descend(t.mounts.Get(ns.Root)))
}

// TopOf is where a process that enters a namespace gets its root and working directory (mntns_install).
func (t *Tree) TopOf(id uint64) Ref { return t.cross(rootRef(t.mounts.Get(t.spaces.Get(id).Root))) }

// CheckPivot makes pivot_root(2)'s checks; e.Root is the caller's root.
func (t *Tree) CheckPivot(e *Env, to Ref, old Spot) uabi.Error {
	next, root, put := t.mounts.Get(to.Mount), t.mounts.Get(e.Root.Mount), t.mounts.Get(old.Mount)
	if err := t.checkSpot(e, old); err != uabi.OK {
		return err
	}
	shared := func(id uint64) bool { return t.mounts.Get(id) != nil && t.mounts.Get(id).Peer != 0 }
	switch {
	case put.Peer != 0, shared(next.Parent), shared(root.Parent), root.Ns != e.NS, next.Ns != e.NS:
		return uabi.ErrArg
	case !to.Synthetic() && t.Inode(to.Ino).Nlink == 0:
		return uabi.ErrNotFound
	case next == root, put == root:
		return uabi.ErrBusy
	case e.Root.Ino != root.Root, root.Parent == 0, to.Ino != next.Root, next.Parent == 0:
		return uabi.ErrArg
	case !t.below(old.Ref, old, to), !t.below(to, Spot{Ref: to}, e.Root):
		return uabi.ErrArg
	}
	return uabi.OK
}

// below reports whether r, which is s, can be reached from top.
func (t *Tree) below(r Ref, s Spot, top Ref) bool {
	for r.Mount != top.Mount {
		m := t.mounts.Get(r.Mount)
		if m == nil || m.Parent == 0 {
			return false
		}
		s = spotOf(m)
		r = s.Ref
	}
	return t.inside(s, top.Ino)
}

// Pivot puts the mount at to in place of the caller's root, and that one onto old.
func (t *Tree) Pivot(e *Env, to Ref, old Spot) {
	next, root := t.mounts.Get(to.Mount), t.mounts.Get(e.Root.Mount)
	place := spotOf(root)
	t.unplace(next)
	t.unplace(root)
	t.place(next, place)
	t.place(root, Spot{t.cross(old.Ref), old.Dir, old.Name})
	t.changed(next.Ns)
}

// MountPath is where a mount is, as seen from e.Root; ok is false when it cannot be reached from there.
func (t *Tree) MountPath(e *Env, m *state.Mount) (path string, ok bool) {
	if m.Id == e.Root.Mount && m.Root == e.Root.Ino {
		return "/", true
	}
	if m.Parent == 0 {
		return "", false
	}
	return t.spotPath(e, spotOf(m))
}

// spotPath names a spot.
func (t *Tree) spotPath(e *Env, s Spot) (string, bool) {
	if s.Dir == 0 {
		return t.PathOf(e, s.Ref)
	}
	dir, ok := t.PathOf(e, Ref{s.Mount, s.Dir})
	if dir == "/" {
		dir = ""
	}
	return dir + "/" + s.Name, ok
}

// RootPath is what a mount shows of its file system, as a path in it.
func (t *Tree) RootPath(e *Env, m *state.Mount) string {
	f := t.fs.Get(m.Fs)
	if m.Root == f.Root {
		return "/"
	}
	free := *e
	free.Root = Ref{0, f.Root}
	path, _ := t.spotPath(&free, Spot{Ref{0, m.Root}, m.RootDir, m.RootName})
	if t.removedRoot(m) {
		path += "//deleted"
	}
	return path
}

// removedRoot reports whether the name that a mount shows is gone.
func (t *Tree) removedRoot(m *state.Mount) bool {
	if m.RootDir == 0 {
		n := t.Inode(m.Root)
		return m.Root < SyntheticBase && n != nil && n.Nlink == 0
	}
	dir := t.Inode(m.RootDir)
	if dir == nil {
		return true
	}
	ino, _ := t.child(dir, m.RootName)
	return ino != m.Root
}
