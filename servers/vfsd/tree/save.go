package tree

import (
	"slices"

	"aramid/servers/vfsd/state"
)

// SealBase declares all inodes made so far to be the archive's.
func (t *Tree) SealBase() {
	for _, n := range t.inodes {
		n.base = true
	}
	t.lastBase = t.lastIno
}

func (t *Tree) baseIno() uint64 { return t.lastBase }

// Save puts the tree into a snapshot: of the inodes only what indexing the archive would not give.
func (t *Tree) Save(s *state.State) {
	for _, ino := range t.inos() {
		if n := t.inodes[ino]; !n.base {
			s.Inodes = append(s.Inodes, n.Inode)
		}
	}
	s.Removed = slices.Clone(t.removed)
	s.LastIno = t.lastIno
	for _, id := range sortedKeys(t.fs) {
		s.FileSystems = append(s.FileSystems, t.fs[id])
	}
	s.Mounts = append(s.Mounts, t.Mounts()...)
}

// Load takes a snapshot over a tree that holds exactly the archive's inodes (sealed), or nothing.
func (t *Tree) Load(s *state.State) {
	t.removed = slices.Clone(s.Removed)
	for _, ino := range s.Removed {
		delete(t.inodes, ino)
	}
	for _, n := range s.Inodes {
		t.inodes[n.Ino] = &Inode{Inode: n}
	}
	t.lastIno = s.LastIno
	clear(t.fs)
	for _, f := range s.FileSystems {
		t.fs[f.Id] = f
	}
	clear(t.mounts)
	clear(t.covered)
	for _, m := range s.Mounts {
		t.mounts[m.Id] = m
		if m.Parent != 0 {
			// Mounts are in order of age: of two at one place the newer one is on top.
			t.covered[Ref{m.Parent, m.At}] = m.Id
		}
	}
	t.index()
}

// index rebuilds what is not in the state: names of directories.
func (t *Tree) index() {
	for _, n := range t.inodes {
		if !n.IsDir() {
			continue
		}
		n.names = make(map[string]*state.Entry, len(n.Entries))
		for _, e := range n.Entries {
			n.names[e.Name] = e
			if c := t.inodes[e.Ino]; c != nil && c.IsDir() {
				c.name = e.Name
			}
		}
	}
}

// Handles names the memory handles that inodes hold.
func (t *Tree) Handles(yield func(uint32)) {
	for _, ino := range t.inos() {
		for _, h := range []uint32{t.inodes[ino].Memory, t.inodes[ino].ReadOnly} {
			if h != 0 {
				yield(h)
			}
		}
	}
}

// LastIno is the newest inode's number; SetLast raises it.
func (t *Tree) LastIno() uint64 { return t.lastIno }
