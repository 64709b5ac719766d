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
	Inode    *Inode // At's, where the walk came by it: else nil (Tree.InodeOf)
	Parent   Ref
	Name     string // aliases the path, unless Lasts
	Last     Last
	OK       bool
	Lasts    bool // Name is the directory's own
	Slash    bool // the path ended in a slash
	OpenFile bool // At is an open file's number, not an inode (Last == LastJump)
}

// InodeOf is the inode at which a walk ended, or nil. Nothing has changed since.
func (t *Tree) InodeOf(f *Found) *Inode {
	if f.Inode != nil {
		return f.Inode
	}
	return t.Inode(f.At.Ino)
}

// access rights as access(2) numbers them.
const (
	mayExec  = 1
	mayWrite = 2
	mayRead  = 4
)

// Walk resolves path from start (path_resolution(7)).
func (t *Tree) Walk(e *Env, start Ref, path string, how How) (f Found, err uabi.Error) {
	err = t.WalkTo(&f, e, start, path, how)
	return f, err
}

// WalkTo is Walk into f, which says nothing where there is an error.
func (t *Tree) WalkTo(f *Found, e *Env, start Ref, path string, how How) uabi.Error {
	if path == "" {
		return uabi.ErrNotFound
	}
	if len(path) >= PathMax {
		return uabi.ErrName
	}
	*f = Found{Last: LastRoot, Slash: path[len(path)-1] == '/'}
	var w walk
	w.Tree, w.e, w.how, w.cur, w.path = t, e, how, start, path
	if path[0] == '/' {
		w.cur = e.Root
		w.next = w.name(0)
	}
	for {
		if done, err := w.step(f); done || err != uabi.OK {
			return err
		}
	}
}

// walk is a walk on its way.
type walk struct {
	*Tree
	e     *Env
	how   How
	links int    // followed so far
	cur   Ref    // where it is
	dir   *Inode // cur's: nil where cur is synthetic, or was not looked at
	path  string // what is left of it is path[end:], and begins with slashes or is the first name
	end   int
	next  int // where its next name begins
}

// name is where the name behind the slashes at i begins.
func (w *walk) name(i int) int {
	for i < len(w.path) && w.path[i] == '/' {
		i++
	}
	return i
}

// step resolves one component. done: f says where the walk has ended. (f is no field of w: what e's interfaces are given is on the heap.)
func (w *walk) step(f *Found) (done bool, err uabi.Error) {
	name := w.path[w.next:]
	if name == "" {
		return w.arrive(f), uabi.OK
	}
	end := len(w.path)
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name, end = name[:i], w.next+i
	}
	next := w.name(end)
	last := next == len(w.path)
	slash := last && end < len(w.path)
	if w.dir == nil || w.e.UID != 0 || !w.dir.IsDir() {
		if w.dir, err = w.mayWalk(w.e, w.cur); err != uabi.OK {
			return false, err
		}
	}
	w.end, w.next = end, next
	switch {
	case len(name) > NameMax:
		return false, uabi.ErrName
	case name == "." || name == "..":
		return w.dots(f, name, last, slash), uabi.OK
	case slash && w.how&NoSlash != 0:
		return false, uabi.ErrIsDir
	}
	ino, own, err := w.lookup(name)
	if err == uabi.ErrNotFound && last {
		f.Parent, f.Name, f.Last, f.Slash = w.cur, name, LastName, slash
		return true, uabi.OK
	}
	if err != uabi.OK {
		return false, err
	}
	at, n, typ, err := w.top(w.e, Ref{w.cur.Mount, ino})
	switch {
	case err != uabi.OK:
		return false, err
	case typ == unix.S_IFLNK && (!last || w.how&Follow != 0 || slash && w.how&FollowOnSlash != 0):
		return w.follow(f, at, name, last, slash)
	case !last:
		w.cur, w.dir = at, n
		return false, uabi.OK
	case slash && typ != unix.S_IFDIR && w.how&FollowOnSlash != 0:
		return false, uabi.ErrNotDir
	}
	f.At, f.Inode, f.OK, f.Parent, f.Name, f.Lasts, f.Last, f.Slash = at, n, true, w.cur, name, false, LastName, slash
	if own != "" {
		f.Name, f.Lasts = own, true
	}
	return true, uabi.OK
}

// lookup finds a name in the directory where the walk is. own is the name as the directory has it, or "".
func (w *walk) lookup(name string) (ino uint64, own string, err uabi.Error) {
	if w.dir == nil {
		ino, err = w.e.Synth.Lookup(w.cur.Ino, name)
		return ino, "", err
	}
	found, err := w.entry(w.dir, name)
	switch {
	case err != uabi.OK:
		return 0, "", err
	case found == nil:
		return 0, "", uabi.ErrNotFound
	}
	return found.Ino, found.Name, uabi.OK
}

// arrive ends the walk where it is.
func (w *walk) arrive(f *Found) (done bool) {
	f.At, f.Inode, f.OK, f.Parent = w.cur, w.dir, true, w.cur
	return true
}

// dots resolves "." and "..".
func (w *walk) dots(f *Found, name string, last, slash bool) (done bool) {
	f.Last = LastDot
	if name == ".." {
		f.Last = LastDotDot
		w.cur, w.dir = w.parent(w.e, w.cur), nil
	}
	if !last {
		return false
	}
	f.Name, f.Slash = name, slash
	return w.arrive(f)
}

// follow goes where a symbolic link leads.
func (w *walk) follow(f *Found, link Ref, name string, last, slash bool) (done bool, err uabi.Error) {
	if w.links++; w.links > MaxLinks {
		return false, uabi.ErrLoop
	}
	target, at, jump, err := w.readLink(w.e, link)
	switch {
	case err != uabi.OK:
		return false, err
	case jump:
		return w.jump(f, at, name, last, slash)
	case target == "":
		return false, uabi.ErrNotFound
	}
	if !last || slash {
		target += "/"
	}
	rest := w.path[w.end:]
	if len(target)+len(rest) >= 2*PathMax {
		return false, uabi.ErrName
	}
	w.path = target + rest
	w.next = w.name(0)
	if target[0] == '/' {
		w.cur, w.dir = w.e.Root, nil
	}
	f.Last = LastRoot
	return false, uabi.OK
}

// jump goes where a magic link of a synthetic file system leads.
func (w *walk) jump(f *Found, at Ref, name string, last, slash bool) (done bool, err uabi.Error) {
	f.Last, f.Name, f.Parent = LastJump, name, w.cur
	switch {
	case at.Mount == OpenMount && !last:
		return false, uabi.ErrNotDir
	case at.Mount == OpenMount:
		f.At, f.OK, f.OpenFile = at, true, true
		return true, uabi.OK
	case last:
		f.At, f.OK, f.Slash = at, true, slash
		return true, uabi.OK
	}
	w.cur, w.dir = at, nil
	return false, uabi.OK
}

// OpenMount as the mount of a Ref says that the number is an open file's, which has no inode (a pipe).
const OpenMount = ^uint64(0)

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

// top goes up from what a name means to what is mounted on it, and gives the S_IF… bits, and the inode of what is not synthetic.
func (t *Tree) top(e *Env, r Ref) (at Ref, n *Inode, typ uint32, err uabi.Error) {
	if n = t.Inode(r.Ino); n == nil || n.covers > 0 {
		r = t.cross(r)
		n = t.Inode(r.Ino)
	}
	switch {
	case n != nil:
		return r, n, n.Type(), uabi.OK
	case r.Synthetic():
		a, err := e.Synth.Attr(r.Ino)
		return r, nil, a.Mode & unix.S_IFMT, err
	}
	return r, nil, 0, uabi.ErrIO // its name is there: the image is damaged
}

// cross goes up to the topmost mount on a ref.
func (t *Tree) cross(r Ref) Ref {
	for m := t.over(r); m != nil; m = t.over(r) {
		r = rootRef(m)
	}
	return r
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

// AttrOf gives the attributes of what a walk found. Nothing has changed since.
func (t *Tree) AttrOf(e *Env, f *Found) (Attr, uabi.Error) {
	if f.Inode != nil {
		return f.Inode.attr(), uabi.OK
	}
	return t.attr(e, f.At)
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
