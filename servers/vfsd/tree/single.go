package tree

import "aramid/servers/vfsd/state"

// Single file systems are those of which there is one, however often it is mounted, and whose names only their server makes: sysfs and
// cgroup2.

// Single reports whether a ref is in one.
func (t *Tree) Single(r Ref) bool {
	f := t.FS(r)
	return f != nil && f.Single
}

// SingleFS is the one of that type, or nil.
func (t *Tree) SingleFS(typ string) *state.FileSystem {
	for _, f := range t.fs.All() {
		if f.Single && f.Type == typ {
			return f
		}
	}
	return nil
}

// Child is what a name in a directory means, or nil.
func (t *Tree) Child(dir *Inode, name string) *Inode {
	if e := dir.names.get(name); e != nil {
		return t.inodes.Get(e.Ino)
	}
	return nil
}

// Remove takes a file out of a directory.
func (t *Tree) Remove(e *Env, dir *Inode, name string) {
	if n := t.Child(dir, name); n != nil {
		t.remove(e, dir, name, n)
	}
}

// clear removes the files of a directory that goes.
func (t *Tree) clear(e *Env, dir *Inode) {
	for len(dir.Entries) > 0 {
		t.Remove(e, dir, dir.Entries[len(dir.Entries)-1].Name)
	}
}
