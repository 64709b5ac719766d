package tree

import (
	"sort"
	"strings"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Base is a read-only image that a file system begins as. Its inodes are read when they are first looked at, so neither a start nor a
// restart costs more with a larger image. Their numbers are 1 … Last, and are the same whenever the same image is opened.
type Base interface {
	Root() uint64
	Last() uint64
	// Inode reads an inode into a new message: no Fs, no Entries; Parent of a directory; Lower of regular files and directories.
	Inode(ino uint64) (*state.Inode, error)
	// Lookup gives 0 when there is no such name.
	Lookup(dir uint64, name string) (uint64, error)
	// List gives a directory's entries behind a cookie until yield returns false.
	List(dir, after uint64, yield func(Entry) bool) error
}

// Entry is a name in a directory. Cookies only grow; Type is DT_….
type Entry struct {
	Name        string
	Ino, Cookie uint64
	Type        uint32
}

// NewBaseFS makes the file system that begins as b. damaged is told what cannot be read of it; the caller sees ErrIO.
func (t *Tree) NewBaseFS(typ string, b Base, damaged func(error)) *state.FileSystem {
	f := &state.FileSystem{Id: t.nextID(), Type: typ, Root: b.Root(), Lower: true}
	t.fs.Put(f.Id, f)
	t.UseBase(b, damaged)
	t.baseFS = f.Id
	return f
}

// UseBase names the image below the inodes of a snapshot that is to be loaded.
func (t *Tree) UseBase(b Base, damaged func(error)) {
	t.base, t.damaged, t.lastIno = b, damaged, b.Last()
}

// load reads an inode of the image.
func (t *Tree) load(ino uint64) *Inode {
	if t.base == nil || ino == 0 || ino > t.base.Last() || t.baseFS == 0 {
		return nil
	}
	if t.removed.Has(ino) {
		return nil
	}
	m, err := t.base.Inode(ino)
	if err != nil {
		t.damaged(err)
		return nil
	}
	m.Fs = t.baseFS
	n := &Inode{Inode: m, base: true}
	t.inodes.Put(ino, n)
	return n
}

// child finds a name in a directory; 0: there is none.
func (t *Tree) child(dir *Inode, name string) (uint64, uabi.Error) {
	e, err := t.entry(dir, name)
	if e == nil {
		return 0, err
	}
	return e.Ino, uabi.OK
}

// entry finds a name in a directory; nil: there is none. The entry's own name lasts: it aliases no message.
func (t *Tree) entry(dir *Inode, name string) (*state.Entry, uabi.Error) {
	if e := dir.names.get(name); e != nil || !dir.Lower {
		return e, uabi.OK
	}
	return t.lowerEntry(dir, name)
}

// lowerEntry finds a name in a directory as the image has it, and keeps what it found for the next time.
func (t *Tree) lowerEntry(dir *Inode, name string) (*state.Entry, uabi.Error) {
	ino, err := t.base.Lookup(dir.Ino, name)
	if err != nil {
		t.damaged(err)
		return nil, uabi.ErrIO
	}
	if ino == 0 {
		return nil, uabi.OK
	}
	if dir.names == nil {
		dir.names = &names{}
	}
	e := &state.Entry{Name: strings.Clone(name), Ino: ino}
	dir.names.put(e)
	return e, uabi.OK
}

// List gives a directory's entries behind a cookie, in their order, until yield returns false.
func (t *Tree) List(dir *Inode, after uint64, yield func(Entry) bool) uabi.Error {
	if dir.Lower {
		if err := t.base.List(dir.Ino, after, yield); err != nil {
			t.damaged(err)
			return uabi.ErrIO
		}
		return uabi.OK
	}
	from := sort.Search(len(dir.Entries), func(i int) bool { return dir.Entries[i].Cookie > after })
	for _, e := range dir.Entries[from:] {
		typ := uint32(0)
		if n := t.Inode(e.Ino); n != nil {
			typ = n.Mode >> 12
		}
		if !yield(Entry{e.Name, e.Ino, e.Cookie, typ}) {
			break
		}
	}
	return uabi.OK
}

// empty reports whether a directory has no names.
func (t *Tree) empty(dir *Inode) bool {
	empty := true
	t.List(dir, 0, func(Entry) bool { empty = false; return false })
	return empty
}

// own makes a directory of the image one whose entries can change, with the same cookies.
func (t *Tree) own(dir *Inode) {
	t.touch(dir)
	if !dir.Lower {
		return
	}
	dir.names = &names{}
	t.List(dir, 0, func(e Entry) bool {
		p := &state.Entry{Name: e.Name, Ino: e.Ino, Cookie: e.Cookie}
		dir.Entries = append(dir.Entries, p)
		dir.names.put(p)
		dir.LastCookie = e.Cookie
		return true
	})
	dir.Lower = false
}

// nameOf is a directory's name in its parent.
func (t *Tree) nameOf(n *Inode) string {
	if n.name == "" {
		if up := t.Inode(n.Parent); up != nil {
			t.List(up, 0, func(e Entry) bool {
				if e.Ino == n.Ino {
					n.name = e.Name
				}
				return n.name == ""
			})
		}
	}
	return n.name
}
