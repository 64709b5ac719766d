package tree

import (
	"slices"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/servers/server/table"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Limits of names (limits.h).
const (
	NameMax = 255
	PathMax = 4096
	// MaxLinks is how many symbolic links one walk follows (path_resolution(7)).
	MaxLinks = 40
)

// SyntheticBase is the first number of nodes that exist only as numbers.
const SyntheticBase = 1 << 62

// Ref is an inode seen through a mount.
type Ref struct{ Mount, Ino uint64 }

// Pb and FromPb convert to and from the state message.
func (r Ref) Pb() *state.Ref { return &state.Ref{Mount: r.Mount, Ino: r.Ino} }

// FromPb is the inverse of Ref.Pb.
func FromPb(p *state.Ref) Ref { return Ref{p.GetMount(), p.GetIno()} }

// Synthetic reports whether the node exists only as a number.
func (r Ref) Synthetic() bool { return r.Ino >= SyntheticBase }

// Inode is a state message and what can be rebuilt from the others.
type Inode struct {
	*state.Inode
	names  *names // of a directory; nil: none
	name   string // of a directory in its parent, or "" (nameOf)
	base   bool   // as the image has it
	covers int32  // mounts on it, through whatever mount
	opens  int    // open files, contexts and mounts that hold it
}

// Type returns the S_IF… bits.
func (n *Inode) Type() uint32 { return n.Mode & unix.S_IFMT }

// IsDir reports whether the inode is a directory.
func (n *Inode) IsDir() bool { return n.Type() == unix.S_IFDIR }

// Tree is all names. It is not safe for concurrent use.
type Tree struct {
	inodes   table.Table[uint64, *Inode]
	removed  table.Table[uint64, struct{}] // inodes of the image that are gone
	lastIno  uint64
	base     Base // nil: none
	baseFS   uint64
	damaged  func(error)
	fs       table.Table[uint64, *state.FileSystem]
	mounts   table.Table[uint64, *state.Mount]
	covers   table.Table[uint64, []*state.Mount] // mounts on an inode, one for each mount through which it is covered
	kids     map[uint64][]uint64                 // mounts in a mount, by number
	uses     table.Table[uint64, int]            // open files and contexts in each mount
	fsMounts map[uint64]int                      // mounts of a file system
	spaces   table.Table[uint64, *state.Namespace]
	used     map[uint64]*usage   // by file system
	moved    map[uint64]struct{} // namespaces whose mounts have changed
	nextID   func() uint64
	// Freed are memory handles of released inodes, for the caller to close.
	Freed []uint32
	// gone are inodes that were released.
	gone []Gone
}

// New makes an empty tree. nextID gives numbers for mounts and file systems that are never used again.
func New(nextID func() uint64) *Tree {
	return &Tree{
		kids: map[uint64][]uint64{}, fsMounts: map[uint64]int{}, used: map[uint64]*usage{}, moved: map[uint64]struct{}{}, nextID: nextID,
	}
}

// Env is what an operation knows of its caller and of the world.
type Env struct {
	UID, GID uint32
	Groups   Groups // supplementary groups; nil: none
	Root     Ref
	NS       uint64 // mount namespace
	Umask    uint32
	Now      int64 // ns since 1970
	Synth    Synth
	// Single lets names of single file systems be changed, and says a last word before a directory goes with what is in it. nil: nobody may.
	Single func(dir *Inode) uabi.Error
}

// Groups knows the caller's supplementary groups.
type Groups interface{ InGroup(gid uint32) bool }

// Synth gives the nodes of synthetic file systems: numbers from SyntheticBase up.
type Synth interface {
	Lookup(dir uint64, name string) (ino uint64, err uabi.Error)
	Parent(ino uint64) uint64
	// Link resolves a symbolic link: a path, or the place itself (jump) for /proc/PID/fd.
	Link(ino uint64) (target string, at Ref, jump bool, err uabi.Error)
	// Attr gives mode, owner and size.
	Attr(ino uint64) (Attr, uabi.Error)
	Name(ino uint64) string
}

// Attr is what permission checks and stat need.
type Attr struct {
	Mode     uint32
	UID, GID uint32
	Nlink    uint32
	Size     int64
	Strict   bool // the superuser may not do more than the owner
}

// Inode returns the inode with that number, or nil.
func (t *Tree) Inode(ino uint64) *Inode {
	if n := t.inodes.Get(ino); n != nil {
		return n
	}
	return t.load(ino)
}

// touch marks an inode as no longer what the image has.
func (t *Tree) touch(n *Inode) { n.base = false }

// Touch is touch for fields that vfsd itself changes (memory, pipe, size).
func (t *Tree) Touch(n *Inode) { t.touch(n) }

// NewInode makes an inode of nobody's directory.
func (t *Tree) NewInode(fs uint64, mode, uid, gid uint32, now int64) *Inode {
	t.lastIno++
	n := &Inode{Inode: &state.Inode{
		Ino: t.lastIno, Fs: fs, Mode: mode, Uid: uid, Gid: gid, Nlink: 1,
		AtimeNs: now, MtimeNs: now, CtimeNs: now, BtimeNs: now,
	}}
	if n.IsDir() {
		n.Nlink, n.Size = 2, 2*entrySize
		n.names = &names{}
	}
	t.inodes.Put(n.Ino, n)
	t.countInode(n)
	return n
}

// Add makes an inode at name in a directory, for file systems that are filled at mount.
func (t *Tree) Add(dir *Inode, name string, mode uint32, rdev uint64, target string, now int64) *Inode {
	n := t.NewInode(dir.Fs, mode, 0, 0, now)
	n.Rdev, n.Target, n.Size = rdev, target, int64(len(target))
	t.link(dir, name, n)
	return n
}

// NewFS makes a file system of that type with an empty root directory, or a synthetic one with that root number.
func (t *Tree) NewFS(typ string, mode uint32, synthetic uint64, now int64) *state.FileSystem {
	f := &state.FileSystem{Id: t.nextID(), Type: typ, Root: synthetic, Synthetic: synthetic != 0}
	t.fs.Put(f.Id, f)
	if !f.Synthetic {
		root := t.NewInode(f.Id, unix.S_IFDIR|mode, 0, 0, now)
		root.Parent = root.Ino
		f.Root = root.Ino
	}
	return f
}

// FS returns the file system behind a ref.
func (t *Tree) FS(r Ref) *state.FileSystem {
	if m := t.mounts.Get(r.Mount); m != nil {
		return t.fs.Get(m.Fs)
	}
	return nil
}

// link puts an entry into a directory.
func (t *Tree) link(dir *Inode, name string, n *Inode) {
	t.own(dir)
	dir.LastCookie++
	name = strings.Clone(name) // it may alias a message
	e := &state.Entry{Name: name, Ino: n.Ino, Cookie: dir.LastCookie}
	dir.Entries = append(dir.Entries, e)
	dir.names.put(e)
	dir.Size += entrySize
	if n.IsDir() {
		t.touch(n)
		n.Parent, n.name = dir.Ino, name
		dir.Nlink++
	}
}

// entrySize is what Linux's tmpfs counts for a directory entry, also for the two that each has from the beginning (BOGO_DIRENT_SIZE).
const entrySize = 20

func (t *Tree) unlink(dir *Inode, name string) {
	t.own(dir)
	e := dir.names.get(name)
	dir.names.remove(e)
	i := sort.Search(len(dir.Entries), func(i int) bool { return dir.Entries[i].Cookie >= e.Cookie })
	dir.Entries = slices.Delete(dir.Entries, i, i+1)
	dir.Size -= entrySize
	if n := t.Inode(e.Ino); n != nil && n.IsDir() {
		dir.Nlink--
	}
}

// Hold counts an open file, context or mount at the ref.
func (t *Tree) Hold(r Ref) {
	if n := t.Inode(r.Ino); n != nil {
		n.opens++
	}
}

// Drop undoes Hold.
func (t *Tree) Drop(r Ref) {
	if n := t.Inode(r.Ino); n != nil {
		n.opens--
		t.release(n)
	}
}

// release forgets an inode that nobody names or holds.
func (t *Tree) release(n *Inode) {
	if n.Nlink > 0 || n.opens > 0 {
		return
	}
	for _, m := range []uint32{n.Memory, n.ReadOnly} {
		if m != 0 {
			t.Freed = append(t.Freed, m)
		}
	}
	t.uncountInode(n)
	t.inodes.Delete(n.Ino)
	if f := t.fs.Get(n.Fs); f == nil || !f.Single { // Linux's kernfs tells nobody, and watches of what is gone stay
		t.gone = append(t.gone, Gone{n.Ino, n.IsDir(), f == nil})
	}
	if t.base != nil && n.Ino <= t.base.Last() {
		t.removed.Put(n.Ino, struct{}{})
	}
}

// Gone is an inode that is no more.
type Gone struct {
	Ino       uint64
	IsDir     bool
	Unmounted bool // with its file system
}

// TakeGone returns the inodes that were released and forgets them.
func (t *Tree) TakeGone() []Gone {
	g := t.gone
	t.gone = nil
	return g
}

// Named is what the name in the directory with that number means, or 0.
func (t *Tree) Named(dir uint64, name string) uint64 {
	if n := t.Inode(dir); n != nil && n.IsDir() {
		ino, _ := t.child(n, name)
		return ino
	}
	return 0
}

// NameOf is a directory's name in its parent.
func (t *Tree) NameOf(n *Inode) string { return t.nameOf(n) }

// TakeFreed returns the memory handles to close and forgets them.
func (t *Tree) TakeFreed() []uint32 {
	f := t.Freed
	t.Freed = nil
	return f
}
