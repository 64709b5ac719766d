package tree

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

// How says what a walk does with the last component.
type How uint32

// Flags of How.
const (
	Follow        How = 1 << iota // a symbolic link at the end is followed
	FollowOnSlash                 // … also when only a trailing slash asks for it (open, stat; not unlink, rename)
	NoSlash                       // a trailing slash is ErrIsDir, whatever it is behind (open with O_CREAT)
)

// Last says what the last component was.
type Last uint32

// Kinds of Last.
const (
	LastName   Last = iota
	LastRoot        // the path was only slashes
	LastDot         // "."
	LastDotDot      // ".."
	LastJump        // a magic link of a synthetic file system
)

// Found is where a walk ended. Without OK the last component does not exist, and Parent and Name say where it would be.
type Found struct {
	At       Ref
	OK       bool
	Parent   Ref
	Name     string
	Last     Last
	Slash    bool // the path ended in a slash
	OpenFile bool // At is an open file's number, not an inode (Last == LastJump)
}

// access rights as access(2) numbers them.
const (
	mayExec  = 1
	mayWrite = 2
	mayRead  = 4
)

// Walk resolves path from start (path_resolution(7)).
func (t *Tree) Walk(e *Env, start Ref, path string, how How) (Found, uabi.Error) {
	if path == "" {
		return Found{}, uabi.ErrNotFound
	}
	if len(path) >= PathMax {
		return Found{}, uabi.ErrName
	}
	cur, rest, links := start, path, 0
	if path[0] == '/' {
		cur = e.Root
	}
	f := Found{Last: LastRoot, Slash: strings.HasSuffix(path, "/")}
	for {
		rest = noSlashes(rest)
		if rest == "" {
			f.At, f.OK, f.Parent = cur, true, cur
			return f, uabi.OK
		}
		name, tail := rest, ""
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name, tail = rest[:i], rest[i:]
		}
		last := noSlashes(tail) == ""
		slash := last && tail != ""
		dir, err := t.mayWalk(e, cur)
		if err != uabi.OK {
			return f, err
		}
		rest = tail
		if len(name) > NameMax {
			return f, uabi.ErrName
		}
		if name == "." || name == ".." {
			f.Last = LastDot
			if name == ".." {
				f.Last = LastDotDot
				cur = t.parent(e, cur)
			}
			if last {
				f.At, f.OK, f.Parent, f.Name, f.Slash = cur, true, cur, name, slash
				return f, uabi.OK
			}
			continue
		}
		if slash && how&NoSlash != 0 {
			return f, uabi.ErrIsDir
		}
		child, err := t.lookup(e, cur, dir, name)
		if err == uabi.ErrNotFound && last {
			f.Parent, f.Name, f.Last, f.Slash = cur, name, LastName, slash
			return f, uabi.OK
		}
		if err != uabi.OK {
			return f, err
		}
		typ, err := t.typeOf(e, child)
		if err != uabi.OK {
			return f, err
		}
		if typ == unix.S_IFLNK && (!last || how&Follow != 0 || slash && how&FollowOnSlash != 0) {
			if links++; links > MaxLinks {
				return f, uabi.ErrLoop
			}
			target, at, jump, err := t.readLink(e, child)
			if err != uabi.OK {
				return f, err
			}
			if jump {
				f.Last, f.Name, f.Parent = LastJump, name, cur
				if at.Mount == OpenMount {
					if !last {
						return f, uabi.ErrNotDir
					}
					f.At, f.OK, f.OpenFile = at, true, true
					return f, uabi.OK
				}
				cur = at
				if last {
					f.At, f.OK, f.Slash = cur, true, slash
					return f, uabi.OK
				}
				continue
			}
			if target == "" {
				return f, uabi.ErrNotFound
			}
			if !last || slash {
				target += "/"
			}
			if len(target)+len(rest) >= 2*PathMax {
				return f, uabi.ErrName
			}
			rest = target + rest
			if target[0] == '/' {
				cur = e.Root
			}
			f.Last = LastRoot
			continue
		}
		if last {
			if slash && typ != unix.S_IFDIR && how&FollowOnSlash != 0 {
				return f, uabi.ErrNotDir
			}
			f.At, f.OK, f.Parent, f.Name, f.Last, f.Slash = child, true, cur, name, LastName, slash
			return f, uabi.OK
		}
		cur = child
	}
}

// OpenMount as the mount of a Ref says that the number is an open file's, which has no inode (a pipe).
const OpenMount = ^uint64(0)

// noSlashes is a path without those that it begins with.
func noSlashes(path string) string {
	for path != "" && path[0] == '/' {
		path = path[1:]
	}
	return path
}

// mayWalk checks that names may be looked up in a directory, and gives its inode: nil when it is synthetic.
func (t *Tree) mayWalk(e *Env, r Ref) (*Inode, uabi.Error) {
	var n *Inode
	var a Attr
	if r.Synthetic() {
		var err uabi.Error
		if a, err = e.Synth.Attr(r.Ino); err != uabi.OK {
			return nil, err
		}
	} else {
		if n = t.Inode(r.Ino); n == nil {
			return nil, uabi.ErrIO
		}
		if e.UID == 0 && n.IsDir() {
			return n, uabi.OK
		}
		a = n.attr()
	}
	if a.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil, uabi.ErrNotDir
	}
	return n, allowed(e, a, mayExec)
}

// typeOf gives the S_IF… bits.
func (t *Tree) typeOf(e *Env, r Ref) (uint32, uabi.Error) {
	if n := t.inodes.Get(r.Ino); n != nil {
		return n.Type(), uabi.OK
	}
	a, err := t.attr(e, r)
	return a.Mode & unix.S_IFMT, err
}

// lookup finds a name in a directory (dir; nil: a synthetic one) and what is mounted on it.
func (t *Tree) lookup(e *Env, at Ref, dir *Inode, name string) (Ref, uabi.Error) {
	if dir == nil {
		ino, err := e.Synth.Lookup(at.Ino, name)
		if err != uabi.OK {
			return Ref{}, err
		}
		return t.cross(Ref{at.Mount, ino}), uabi.OK
	}
	ino, err := t.child(dir, name)
	if err != uabi.OK {
		return Ref{}, err
	}
	if ino == 0 {
		return Ref{}, uabi.ErrNotFound
	}
	return t.cross(Ref{at.Mount, ino}), uabi.OK
}

// cross goes up to the topmost mount on a ref.
func (t *Tree) cross(r Ref) Ref {
	for {
		if t.covers.Get(r.Ino) == 0 {
			return r
		}
		m, ok := t.covered[r]
		if !ok {
			return r
		}
		r = Ref{m, t.mounts.Get(m).Root}
	}
}

// parent is "..": it stays at the caller's root.
func (t *Tree) parent(e *Env, r Ref) Ref {
	for {
		if r == e.Root {
			return r
		}
		m := t.mounts.Get(r.Mount)
		if m == nil || r.Ino != m.Root {
			break
		}
		if m.Parent == 0 {
			return r
		}
		r = Ref{m.Parent, m.At}
	}
	if r.Synthetic() {
		return t.cross(Ref{r.Mount, e.Synth.Parent(r.Ino)})
	}
	n := t.Inode(r.Ino)
	if n == nil {
		return r
	}
	return t.cross(Ref{r.Mount, n.Parent})
}

func (t *Tree) readLink(e *Env, r Ref) (target string, at Ref, jump bool, err uabi.Error) {
	if r.Synthetic() {
		return e.Synth.Link(r.Ino)
	}
	return t.Inode(r.Ino).Target, Ref{}, false, uabi.OK
}

// attr gives what checks need of an inode or synthetic node.
func (t *Tree) attr(e *Env, r Ref) (Attr, uabi.Error) {
	if r.Synthetic() {
		return e.Synth.Attr(r.Ino)
	}
	n := t.Inode(r.Ino)
	if n == nil {
		return Attr{}, uabi.ErrIO // its name is there: the image is damaged
	}
	return n.attr(), uabi.OK
}

func (n *Inode) attr() Attr {
	return Attr{Mode: n.Mode, UID: n.Uid, GID: n.Gid, Nlink: n.Nlink, Size: n.Size}
}

// allowed checks permission bits. The superuser may do all but execute what nobody may.
func allowed(e *Env, a Attr, want uint32) uabi.Error {
	if e.UID == 0 && !a.Strict {
		if want&mayExec != 0 && a.Mode&unix.S_IFMT != unix.S_IFDIR && a.Mode&0o111 == 0 {
			return uabi.ErrAccess
		}
		return uabi.OK
	}
	bits := a.Mode
	switch {
	case e.UID == a.UID:
		bits >>= 6
	case e.inGroup(a.GID):
		bits >>= 3
	}
	if bits&want != want {
		return uabi.ErrAccess
	}
	return uabi.OK
}

func (e *Env) inGroup(gid uint32) bool {
	return e.GID == gid || e.Groups != nil && e.Groups.InGroup(gid)
}

// Access is access(2): mode is a sum of R_OK, W_OK, X_OK.
func (t *Tree) Access(e *Env, r Ref, mode uint32) uabi.Error {
	a, err := t.attr(e, r)
	if err != uabi.OK {
		return err
	}
	typ := a.Mode & unix.S_IFMT
	if m := t.mounts.Get(r.Mount); mode&mayExec != 0 && typ == unix.S_IFREG && m != nil && m.Flags&unix.MS_NOEXEC != 0 {
		return uabi.ErrAccess
	}
	if mode&mayWrite != 0 && t.ReadOnly(r) && (typ == unix.S_IFREG || typ == unix.S_IFDIR || typ == unix.S_IFLNK) {
		return uabi.ErrReadOnly
	}
	return allowed(e, a, mode)
}

// Attr gives the attributes behind a ref.
func (t *Tree) Attr(e *Env, r Ref) (Attr, uabi.Error) { return t.attr(e, r) }

// ReadLink gives a symbolic link's target as readlink(2) shows it.
func (t *Tree) ReadLink(e *Env, r Ref) (string, uabi.Error) {
	a, err := t.attr(e, r)
	if err != uabi.OK {
		return "", err
	}
	if a.Mode&unix.S_IFMT != unix.S_IFLNK {
		return "", uabi.ErrArg
	}
	target, _, _, err := t.readLink(e, r)
	return target, err
}

// PathOf names a directory (or, with its parent's ref and name joined, anything) as seen from root. ok is false when it was
// removed or lies outside root.
func (t *Tree) PathOf(e *Env, r Ref) (path string, ok bool) {
	var parts []string
	for r != e.Root {
		m := t.mounts.Get(r.Mount)
		if m != nil && r.Ino == m.Root {
			if m.Parent == 0 {
				return join(parts), false
			}
			r = Ref{m.Parent, m.At}
			continue
		}
		if r.Synthetic() {
			up := e.Synth.Parent(r.Ino)
			if up == r.Ino {
				return join(parts), false
			}
			parts = append(parts, e.Synth.Name(r.Ino))
			r.Ino = up
			continue
		}
		i := t.Inode(r.Ino)
		if i == nil || i.Nlink == 0 || i.Parent == i.Ino || !i.IsDir() {
			return join(parts), false
		}
		parts = append(parts, t.nameOf(i))
		r.Ino = i.Parent
	}
	return join(parts), true
}

// join makes a path of components that are in order from the end.
func join(parts []string) string {
	if len(parts) == 0 {
		return "/"
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(parts[i])
	}
	return b.String()
}
