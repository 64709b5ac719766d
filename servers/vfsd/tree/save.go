package tree

import (
	"aramid/servers/vfsd/state"
)

// Save puts the tree into a snapshot: of the inodes only those that are not as the image has them.
func (t *Tree) Save(s *state.State) {
	for _, n := range t.inodes.Values() {
		if !n.base {
			s.Inodes = append(s.Inodes, n.Inode)
		}
	}
	s.Removed = t.removed.Keys()
	s.LastIno = t.lastIno
	s.FileSystems, s.Mounts, s.Namespaces = t.fs.Values(), t.Mounts(), t.Spaces()
}

// Load takes a snapshot over an empty tree (UseBase: with an image). What holds inodes beside the mounts is held again by the caller.
func (t *Tree) Load(s *state.State) {
	for _, ino := range s.Removed {
		t.removed.Put(ino, struct{}{})
	}
	for _, n := range s.Inodes {
		i := &Inode{Inode: n}
		t.inodes.Put(n.Ino, i)
		t.countInode(i)
	}
	t.lastIno = s.LastIno
	for _, f := range s.FileSystems {
		t.fs.Put(f.Id, f)
		if f.Lower {
			t.baseFS = f.Id
		}
	}
	t.index()
	for _, m := range s.Mounts {
		t.addMount(m)
	}
	for _, n := range s.Namespaces {
		t.spaces.Put(n.Id, n)
	}
}

// index rebuilds what is not in the state: names of directories.
func (t *Tree) index() {
	for _, n := range t.inodes.All() {
		if !n.IsDir() || n.Lower {
			continue
		}
		n.names = &names{}
		n.names.reserve(len(n.Entries))
		for _, e := range n.Entries {
			n.names.put(e)
			if c := t.inodes.Get(e.Ino); c != nil && c.IsDir() {
				c.name = e.Name
			}
		}
	}
}

// Handles names the memory handles that inodes hold.
func (t *Tree) Handles(yield func(uint32)) {
	for _, n := range t.inodes.All() {
		for _, h := range []uint32{n.Memory, n.ReadOnly} {
			if h != 0 {
				yield(h)
			}
		}
	}
}
