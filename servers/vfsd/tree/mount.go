package tree

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// ReadOnly reports whether the mount forbids changes.
func (t *Tree) ReadOnly(r Ref) bool {
	m := t.mounts[r.Mount]
	return m != nil && m.Flags&unix.MS_RDONLY != 0
}

func (t *Tree) isMountPoint(r Ref) bool {
	_, ok := t.covered[r]
	return ok
}

// MountRoot mounts the first file system. All walks start there.
func (t *Tree) MountRoot(f *state.FileSystem, source string) Ref {
	m := &state.Mount{Id: t.nextID(), Fs: f.Id, Root: f.Root, Flags: always, Source: source, Path: "/"}
	t.addMount(m)
	return Ref{m.Id, m.Root}
}

func (t *Tree) addMount(m *state.Mount) {
	t.mounts[m.Id] = m
	if m.Parent != 0 {
		t.covered[Ref{m.Parent, m.At}] = m.Id
		t.Hold(Ref{m.Parent, m.At})
	}
	t.Hold(Ref{m.Id, m.Root})
}

// Mount puts f's directory root on what a walk found. path is for /proc/mounts.
func (t *Tree) Mount(at Ref, f *state.FileSystem, root uint64, source, path, data string, flags uint64) *state.Mount {
	m := &state.Mount{
		Id: t.nextID(), Parent: at.Mount, At: at.Ino, Fs: f.Id, Root: root,
		Flags: flags&kept | always, Source: source, Path: path, Data: data,
	}
	t.addMount(m)
	return m
}

// always are the flags of every mount: reading does not change times, which would journal every read.
const always = unix.MS_NOATIME | unix.MS_NODIRATIME

// kept are the flags that a mount remembers.
const kept = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME

// Remount changes the flags of the mount whose root r is. ErrArg: r is no mount's root.
func (t *Tree) Remount(r Ref, flags uint64) uabi.Error {
	m := t.mounts[r.Mount]
	if m == nil || m.Root != r.Ino {
		return uabi.ErrArg
	}
	m.Flags = flags&kept | always
	return uabi.OK
}

// Bind shows the directory or file at from also at to; with recurse, what is mounted below from comes along.
func (t *Tree) Bind(e *Env, from, to Ref, path string, recurse bool) uabi.Error {
	a, err := t.attr(e, from)
	if err != uabi.OK {
		return err
	}
	b, err := t.attr(e, to)
	if err != uabi.OK {
		return err
	}
	if (a.Mode&unix.S_IFMT == unix.S_IFDIR) != (b.Mode&unix.S_IFMT == unix.S_IFDIR) {
		return uabi.ErrNotDir
	}
	src := t.mounts[from.Mount]
	below := t.below(src.Id)
	m := t.Mount(to, t.fs[src.Fs], from.Ino, src.Source, path, src.Data, src.Flags)
	if !recurse {
		return uabi.OK
	}
	copies := map[uint64]uint64{src.Id: m.Id}
	for _, id := range below {
		c := t.mounts[id]
		parent, ok := copies[c.Parent]
		if !ok || c.Parent == src.Id && !t.reaches(c.At, from.Ino) {
			continue
		}
		d := t.Mount(Ref{parent, c.At}, t.fs[c.Fs], c.Root, c.Source, c.Path, c.Data, c.Flags)
		copies[id] = d.Id
	}
	return uabi.OK
}

// reaches reports whether the directory ino lies below top (or is it).
func (t *Tree) reaches(ino, top uint64) bool {
	if ino == top {
		return true
	}
	n, d := t.Inode(ino), t.Inode(top)
	return n != nil && d != nil && n.IsDir() && t.within(n, d)
}

// below lists the mounts under a mount, parents first.
func (t *Tree) below(id uint64) []uint64 {
	var out []uint64
	todo := []uint64{id}
	for len(todo) > 0 {
		var next []uint64
		for _, m := range t.mountIDs() {
			if slices.Contains(todo, t.mounts[m].Parent) {
				next = append(next, m)
			}
		}
		out = append(out, next...)
		todo = next
	}
	return out
}

// MoveMount is MS_MOVE.
func (t *Tree) MoveMount(from, to Ref, path string) uabi.Error {
	m := t.mounts[from.Mount]
	if m == nil || m.Root != from.Ino || m.Parent == 0 {
		return uabi.ErrArg
	}
	if to.Mount == m.Id || slices.Contains(t.below(m.Id), to.Mount) {
		return uabi.ErrLoop
	}
	t.uncover(m)
	m.Parent, m.At, m.Path = to.Mount, to.Ino, path
	t.covered[to] = m.Id
	t.Hold(to)
	return uabi.OK
}

// uncover takes a mount from its place; a mount that it covered shows again.
func (t *Tree) uncover(m *state.Mount) {
	at := Ref{m.Parent, m.At}
	delete(t.covered, at)
	t.Drop(at)
}

// Unmount is umount2(2). users says how many open files and contexts a mount has.
func (t *Tree) Unmount(r Ref, lazy bool, users func(mount uint64) int) uabi.Error {
	m := t.mounts[r.Mount]
	if m == nil || m.Root != r.Ino || m.Parent == 0 {
		return uabi.ErrArg
	}
	below := t.below(m.Id)
	if !lazy && (len(below) > 0 || users(m.Id) > 0) {
		return uabi.ErrBusy
	}
	for i := len(below) - 1; i >= 0; i-- {
		t.uncover(t.mounts[below[i]])
		t.forgetMount(below[i], users)
	}
	t.uncover(m)
	t.forgetMount(m.Id, users)
	return uabi.OK
}

// forgetMount drops a mount that nobody stands in; others keep it, detached.
func (t *Tree) forgetMount(id uint64, users func(uint64) int) {
	m := t.mounts[id]
	m.Parent, m.At = 0, 0
	if users(id) > 0 {
		return
	}
	t.Drop(Ref{id, m.Root})
	delete(t.mounts, id)
	if t.fs[m.Fs].Single {
		return
	}
	for _, o := range t.mounts {
		if o.Fs == m.Fs {
			return
		}
	}
	t.discard(t.fs[m.Fs])
}

// Reap drops a detached mount whose last user has gone.
func (t *Tree) Reap(id uint64, users func(uint64) int) {
	if m := t.mounts[id]; m != nil && m.Parent == 0 && m.Path != "/" && users(id) == 0 {
		t.forgetMount(id, users)
	}
}

// discard forgets a file system that is mounted nowhere, with all its inodes. What lies below the first one is not forgotten.
func (t *Tree) discard(f *state.FileSystem) {
	if f.Lower || f.Pinned {
		return
	}
	delete(t.fs, f.Id)
	if !f.Synthetic {
		t.discardBelow(t.inodes[f.Root])
	}
}

func (t *Tree) discardBelow(n *Inode) {
	for _, e := range n.Entries {
		if c := t.inodes[e.Ino]; c != nil {
			t.discardBelow(c)
		}
	}
	n.Nlink, n.opens = 0, 0
	t.release(n)
}

func (t *Tree) mountIDs() []uint64 { return sortedKeys(t.mounts) }

func sortedKeys[V any](m map[uint64]V) []uint64 {
	keys := make([]uint64, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Mounts lists the mounts in order of their numbers.
func (t *Tree) Mounts() []*state.Mount {
	var out []*state.Mount
	for _, id := range t.mountIDs() {
		out = append(out, t.mounts[id])
	}
	return out
}

// MountOf returns a ref's mount.
func (t *Tree) MountOf(r Ref) *state.Mount { return t.mounts[r.Mount] }

// FSByID returns a file system.
func (t *Tree) FSByID(id uint64) *state.FileSystem { return t.fs[id] }

// Cross goes from a ref to the root of what is mounted on it.
func (t *Tree) Cross(r Ref) Ref { return t.cross(r) }

// RootFS returns the file system that was made first.
func (t *Tree) RootFS() *state.FileSystem { return t.fs[sortedKeys(t.fs)[0]] }

// Count counts a file system's inodes, and sums up what size says of its regular files.
func (t *Tree) Count(fs uint64, size func(*Inode) uint64) (files, sum uint64) {
	for _, n := range t.inodes {
		if n.Fs == fs {
			files++
			if n.Type() == unix.S_IFREG {
				sum += size(n)
			}
		}
	}
	return files, sum
}
