package tree

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Spot is where something is mounted or what is: a place and, if that is no directory, under which name it was found.
type Spot struct {
	Ref
	Dir  uint64
	Name string
}

// Spot is the place that a walk found.
func (t *Tree) Spot(f Found) Spot {
	s := Spot{Ref: f.At}
	if n := t.Inode(f.At.Ino); n != nil && n.IsDir() {
		return s
	}
	if m := t.mounts.Get(f.At.Mount); m != nil && m.Root == f.At.Ino {
		s.Dir, s.Name = m.RootDir, m.RootName
	} else if f.Last == LastName {
		s.Dir, s.Name = f.Parent.Ino, f.Name
	}
	return s
}

func at(m *state.Mount) Ref      { return Ref{m.Parent, m.At} }
func rootRef(m *state.Mount) Ref { return Ref{m.Id, m.Root} }
func rootSpot(m *state.Mount) Spot {
	return Spot{rootRef(m), m.RootDir, m.RootName}
}

// newMount makes a mount of what root shows of f that is nowhere yet.
func (t *Tree) newMount(f *state.FileSystem, root Spot, source string, flags uint64) *state.Mount {
	m := &state.Mount{Id: t.nextID(), Fs: f.Id, Root: root.Ino, RootDir: root.Dir, RootName: root.Name, Source: source, Flags: flags & mountFlags}
	t.addMount(m)
	return m
}

// addMount puts a mount into the indexes; a child's parent is there already.
func (t *Tree) addMount(m *state.Mount) {
	t.mounts.Put(m.Id, m)
	t.uses.Put(m.Id, 0)
	t.fsMounts[m.Fs]++
	t.Hold(rootRef(m))
	if m.Parent != 0 {
		t.indexPlace(m)
	}
}

func (t *Tree) indexPlace(m *state.Mount) {
	t.covers.Put(m.At, append(t.covers.Get(m.At), m))
	if n := t.Inode(m.At); n != nil {
		n.covers++
	}
	i, _ := slices.BinarySearch(t.kids[m.Parent], m.Id)
	t.kids[m.Parent] = slices.Insert(t.kids[m.Parent], i, m.Id)
	t.Hold(at(m))
}

// place puts a mount onto a spot. What covers that spot comes to lie on top of it.
func (t *Tree) place(m *state.Mount, s Spot) {
	above := t.over(s.Ref)
	if above != nil {
		t.unplace(above)
	}
	m.Parent, m.At, m.AtDir, m.AtName = s.Mount, s.Ino, s.Dir, s.Name
	t.indexPlace(m)
	if above != nil {
		top := t.mounts.Get(t.cross(rootRef(m)).Mount)
		t.place(above, rootSpot(top))
	}
}

// unplace takes a mount from its place.
func (t *Tree) unplace(m *state.Mount) {
	t.uncoverPlace(m)
	kids := t.kids[m.Parent]
	kids = slices.DeleteFunc(kids, func(id uint64) bool { return id == m.Id })
	if t.kids[m.Parent] = kids; len(kids) == 0 {
		delete(t.kids, m.Parent)
	}
	t.Drop(at(m))
	m.Parent, m.At, m.AtDir, m.AtName = 0, 0, 0, ""
}

// uncoverPlace takes a mount out of the index of what lies on its inode.
func (t *Tree) uncoverPlace(m *state.Mount) {
	if n := t.Inode(m.At); n != nil {
		n.covers--
	}
	covers := slices.DeleteFunc(t.covers.Get(m.At), func(c *state.Mount) bool { return c == m })
	if len(covers) == 0 {
		t.covers.Delete(m.At)
		return
	}
	t.covers.Put(m.At, covers)
}

// over is the mount that covers a ref, or nil.
func (t *Tree) over(r Ref) *state.Mount {
	for _, m := range t.covers.Get(r.Ino) {
		if m.Parent == r.Mount {
			return m
		}
	}
	return nil
}

// spotOf is where a mount is.
func spotOf(m *state.Mount) Spot { return Spot{at(m), m.AtDir, m.AtName} }

// forget drops a mount that was taken out when nobody stands in it, and its file system with the last one.
func (t *Tree) forget(m *state.Mount) {
	if m.Ns != 0 || m.Parent != 0 || t.uses.Get(m.Id) > 0 || t.mounts.Get(m.Id) == nil {
		return
	}
	t.mounts.Delete(m.Id)
	t.uses.Delete(m.Id)
	t.Drop(rootRef(m))
	if t.fsMounts[m.Fs]--; t.fsMounts[m.Fs] == 0 {
		delete(t.fsMounts, m.Fs)
		t.discard(t.fs.Get(m.Fs))
	}
}

// Use counts an open file or a context that stands at a ref.
func (t *Tree) Use(r Ref) {
	t.Hold(r)
	if n := t.uses.Find(r.Mount); n != nil {
		*n++
		t.mounts.Get(r.Mount).Expire = false
	}
}

// Unuse undoes Use.
func (t *Tree) Unuse(r Ref) {
	t.Drop(r)
	n := t.uses.Find(r.Mount)
	if n == nil {
		return
	}
	if *n--; *n == 0 {
		t.forget(t.mounts.Get(r.Mount))
	}
}

// descend lists a mount and those below it, parents first.
func (t *Tree) descend(m *state.Mount) []*state.Mount {
	out := []*state.Mount{m}
	for i := 0; i < len(out); i++ {
		for _, id := range t.kids[out[i].Id] {
			out = append(out, t.mounts.Get(id))
		}
	}
	return out
}

// inside reports whether a spot lies in what the directory or file top shows.
func (t *Tree) inside(s Spot, top uint64) bool {
	if s.Ino == top {
		return true
	}
	if s.Synthetic() || top >= SyntheticBase {
		return s.Synthetic() == (top >= SyntheticBase) // only the root of such a file system is ever a top that has spots
	}
	n, d := t.Inode(s.Ino), t.Inode(top)
	if n == nil || d == nil {
		return false
	}
	if !n.IsDir() {
		n = t.Inode(s.Dir)
	}
	return n != nil && t.within(n, d)
}

// mountFlags are the flags that belong to a mount, superFlags those of its file system.
const (
	mountFlags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME | msNoSymfollow
	superFlags = unix.MS_RDONLY | unix.MS_SYNCHRONOUS | unix.MS_DIRSYNC | unix.MS_MANDLOCK | unix.MS_LAZYTIME
	atimeFlags = unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME

	msNoSymfollow = 0x100
)

// MountFlags are a new mount's, of what mount(2) was told.
func MountFlags(ms uint64) uint64 {
	f := ms & (mountFlags &^ unix.MS_RELATIME)
	if ms&unix.MS_NOATIME == 0 {
		f |= unix.MS_RELATIME
	}
	if ms&unix.MS_STRICTATIME != 0 {
		f &^= unix.MS_RELATIME | unix.MS_NOATIME
	}
	return f
}

// SuperFlags are a new file system's, of what mount(2) was told.
func SuperFlags(ms uint64) uint64 { return ms & superFlags }

// ReadOnly reports whether the mount or its file system forbids changes.
func (t *Tree) ReadOnly(r Ref) bool {
	m := t.mounts.Get(r.Mount)
	return m != nil && (m.Flags|t.fs.Get(m.Fs).Flags)&unix.MS_RDONLY != 0
}

// on lists what is mounted on a name, through whatever mount.
func (t *Tree) on(n, dir *Inode, name string) []*state.Mount {
	if t.covers.Get(n.Ino) == nil {
		return nil
	}
	return t.which(func(m *state.Mount) bool {
		return m.Parent != 0 && m.At == n.Ino && (n.IsDir() || m.AtDir == dir.Ino && m.AtName == name)
	})
}

// isMountPoint reports whether something is mounted on a name in the caller's namespace.
func (t *Tree) isMountPoint(e *Env, n, dir *Inode, name string) bool {
	return slices.ContainsFunc(t.on(n, dir, name), func(m *state.Mount) bool { return m.Ns == e.NS })
}

// uncover takes out what is mounted on a name that goes, in other namespaces than the caller's (Linux's detach_mounts).
func (t *Tree) uncover(n, dir *Inode, name string) {
	for _, m := range t.on(n, dir, name) {
		if m.Ns != 0 {
			t.takeOut(t.descend(m))
		}
	}
}

// mounted is the mount whose root a ref is. ErrArg: it is no mount's root, or that mount is not in the caller's namespace.
func (t *Tree) mounted(e *Env, r Ref) (*state.Mount, uabi.Error) {
	m := t.mounts.Get(r.Mount)
	if m == nil || m.Root != r.Ino || m.Ns != e.NS || m.Ns == 0 {
		return nil, uabi.ErrArg
	}
	return m, uabi.OK
}

// Mounts lists the mounts in order of their numbers.
func (t *Tree) Mounts() []*state.Mount { return t.mounts.Values() }

// MountOf returns a ref's mount.
func (t *Tree) MountOf(r Ref) *state.Mount { return t.mounts.Get(r.Mount) }

// FSByID returns a file system.
func (t *Tree) FSByID(id uint64) *state.FileSystem { return t.fs.Get(id) }

// Top goes from a spot to the root of what is mounted on it.
func (t *Tree) Top(s Spot) Spot {
	r := t.cross(s.Ref)
	if r == s.Ref {
		return s
	}
	return rootSpot(t.mounts.Get(r.Mount))
}

// discard forgets a file system that is mounted nowhere, with all its inodes. What lies below the first one is not forgotten.
func (t *Tree) discard(f *state.FileSystem) {
	if f.Lower || f.Single || f.Pinned {
		return
	}
	t.fs.Delete(f.Id)
	if !f.Synthetic {
		t.discardBelow(t.inodes.Get(f.Root))
	}
	delete(t.used, f.Id)
}

func (t *Tree) discardBelow(n *Inode) {
	for _, e := range n.Entries {
		if c := t.inodes.Get(e.Ino); c != nil {
			t.discardBelow(c)
		}
	}
	n.Nlink, n.opens = 0, 0
	t.release(n)
}
