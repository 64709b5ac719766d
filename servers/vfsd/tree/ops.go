package tree

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

// mayChange checks that the caller may add or remove names in a directory.
func (t *Tree) mayChange(e *Env, dir Ref) uabi.Error {
	a, err := t.attr(e, dir)
	if err != uabi.OK {
		return err
	}
	if a.Mode&unix.S_IFMT != unix.S_IFDIR {
		return uabi.ErrNotDir
	}
	if err := allowed(e, a, mayWrite|mayExec); err != uabi.OK {
		return err
	}
	if t.ReadOnly(dir) {
		return uabi.ErrReadOnly
	}
	if dir.Synthetic() || e.Single == nil && t.Single(dir) || t.FS(dir).Type == "devpts" {
		return uabi.ErrPerm
	}
	if n := t.Inode(dir.Ino); n.Lower {
		return t.List(n, 0, func(Entry) bool { return true }) // own will read it all
	}
	return uabi.OK
}

// Spec is what a new inode is to be.
type Spec struct {
	Mode   uint32 // with type bits, before the umask
	Rdev   uint64
	Target string
}

// CheckCreate says whether Create would succeed at what a walk found.
func (t *Tree) CheckCreate(e *Env, f Found, s Spec) uabi.Error {
	if f.OK {
		return uabi.ErrExists
	}
	if f.Slash && s.Mode&unix.S_IFMT != unix.S_IFDIR {
		return uabi.ErrNotFound
	}
	if f.Parent.Synthetic() {
		return uabi.ErrNotFound // as Linux's procfs: looking the name up fails for good
	}
	if err := t.mayChange(e, f.Parent); err != uabi.OK {
		return err
	}
	if t.Inode(f.Parent.Ino).Nlink == 0 {
		return uabi.ErrNotFound
	}
	return t.roomForName(t.FS(f.Parent))
}

// Create makes an inode where a walk ended without finding one.
func (t *Tree) Create(e *Env, f Found, s Spec) (*Inode, uabi.Error) {
	if err := t.CheckCreate(e, f, s); err != uabi.OK {
		return nil, err
	}
	dir := t.Inode(f.Parent.Ino)
	n := t.newIn(e, dir, s)
	t.link(dir, f.Name, n)
	dir.MtimeNs, dir.CtimeNs = e.Now, e.Now
	return n, uabi.OK
}

// NewUnnamed makes a file that no directory names, with the owner and mode that it would have in dir.
func (t *Tree) NewUnnamed(e *Env, dir *Inode, s Spec) *Inode {
	n := t.newIn(e, dir, s)
	n.Nlink = 0
	return n
}

// newIn makes an inode for a directory.
func (t *Tree) newIn(e *Env, dir *Inode, s Spec) *Inode {
	mode := s.Mode
	if mode&unix.S_IFMT == unix.S_IFLNK {
		mode |= 0o777
	} else {
		mode &^= e.Umask & 0o777
	}
	gid := e.GID
	if dir.Mode&unix.S_ISGID != 0 {
		gid = dir.Gid
		if mode&unix.S_IFMT == unix.S_IFDIR {
			mode |= unix.S_ISGID
		}
	}
	n := t.NewInode(dir.Fs, mode, e.UID, gid, e.Now)
	n.Rdev, n.Target = s.Rdev, strings.Clone(s.Target)
	if s.Target != "" {
		n.Size = int64(len(s.Target))
	}
	return n
}

// sticky checks the restricted deletion flag of a directory.
func sticky(e *Env, dir, n *Inode) uabi.Error {
	if dir.Mode&unix.S_ISVTX != 0 && e.UID != 0 && e.UID != n.Uid && e.UID != dir.Uid {
		return uabi.ErrPerm
	}
	return uabi.OK
}

// Unlink removes a name: a directory's when dir is set (rmdir), else anything else's.
func (t *Tree) Unlink(e *Env, f Found, dir bool) uabi.Error {
	switch {
	case f.Last == LastDot && dir:
		return uabi.ErrArg
	case f.Last == LastDotDot && dir:
		return uabi.ErrNotEmpty
	case f.Last != LastName && dir:
		return uabi.ErrBusy
	case f.Last != LastName:
		return uabi.ErrIsDir
	case !f.OK:
		return uabi.ErrNotFound
	}
	if err := t.mayChange(e, f.Parent); err != uabi.OK {
		return err
	}
	parent := t.Inode(f.Parent.Ino)
	n, err := t.named(parent, f.Name)
	if err != uabi.OK {
		return err
	}
	if t.isMountPoint(e, n, parent, f.Name) {
		return uabi.ErrBusy
	}
	if err := sticky(e, parent, n); err != uabi.OK {
		return err
	}
	switch {
	case dir && !n.IsDir():
		return uabi.ErrNotDir
	case !dir && n.IsDir():
		return uabi.ErrIsDir
	case f.Slash && !n.IsDir():
		return uabi.ErrNotDir
	case dir && e.Single == nil && !t.empty(n):
		return uabi.ErrNotEmpty
	}
	if e.Single != nil {
		if err := e.Single(n); err != uabi.OK {
			return err
		}
		t.clear(e, n)
	}
	t.remove(e, parent, f.Name, n)
	return uabi.OK
}

// remove takes a name away and releases what it named.
func (t *Tree) remove(e *Env, parent *Inode, name string, n *Inode) {
	t.uncover(n, parent, name)
	t.unlink(parent, name)
	t.touch(n)
	parent.MtimeNs, parent.CtimeNs, n.CtimeNs = e.Now, e.Now, e.Now
	if n.IsDir() {
		n.Nlink = 0
	} else if n.Nlink--; n.Nlink > 0 && t.made(n) {
		t.usageOf(n.Fs).files--
	}
	t.release(n)
}

// Link is link(2): another name for what a walk found.
func (t *Tree) Link(e *Env, old, to Found) uabi.Error {
	if !old.OK {
		return uabi.ErrNotFound
	}
	if to.OK {
		return uabi.ErrExists
	}
	if old.At.Synthetic() || t.FS(old.At) != t.FS(to.Parent) || old.At.Mount != to.Parent.Mount {
		return uabi.ErrCrossDevice
	}
	n := t.Inode(old.At.Ino)
	if err := t.CheckCreate(e, to, Spec{Mode: unix.S_IFREG}); err != uabi.OK {
		return err
	}
	if n.IsDir() {
		return uabi.ErrPerm
	}
	if n.Nlink == 0 && !n.Linkable {
		return uabi.ErrNotFound
	}
	dir := t.Inode(to.Parent.Ino)
	t.touch(n)
	n.Linkable = false
	if n.Nlink++; t.made(n) {
		t.usageOf(n.Fs).files++
	}
	t.link(dir, to.Name, n)
	dir.MtimeNs, dir.CtimeNs, n.CtimeNs = e.Now, e.Now, e.Now
	return uabi.OK
}

// named is the inode that a name which a walk found means.
func (t *Tree) named(dir *Inode, name string) (*Inode, uabi.Error) {
	ino, err := t.child(dir, name)
	if err != uabi.OK {
		return nil, err
	}
	n := t.Inode(ino)
	if n == nil {
		return nil, uabi.ErrIO
	}
	return n, uabi.OK
}

// Rename is renameat2(2).
func (t *Tree) Rename(e *Env, old, to Found, flags uint32) uabi.Error {
	if flags&^uint32(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 ||
		flags == unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE {
		return uabi.ErrArg
	}
	// The order of these checks is do_renameat2's.
	exchange := flags&unix.RENAME_EXCHANGE != 0
	switch {
	case old.Parent.Mount != to.Parent.Mount || t.FS(old.Parent) != t.FS(to.Parent):
		return uabi.ErrCrossDevice
	case old.Last != LastName:
		return uabi.ErrBusy
	case to.Last != LastName && flags&unix.RENAME_NOREPLACE != 0:
		return uabi.ErrExists
	case to.Last != LastName:
		return uabi.ErrBusy
	case old.Parent.Synthetic():
		return uabi.ErrPerm
	case t.ReadOnly(old.Parent):
		return uabi.ErrReadOnly
	case !old.OK || exchange && !to.OK:
		return uabi.ErrNotFound
	case to.OK && flags&unix.RENAME_NOREPLACE != 0:
		return uabi.ErrExists
	}
	from, dir := t.Inode(old.Parent.Ino), t.Inode(to.Parent.Ino)
	n, err := t.named(from, old.Name)
	if err != uabi.OK {
		return err
	}
	var target *Inode
	if to.OK {
		if target, err = t.named(dir, to.Name); err != uabi.OK {
			return err
		}
	}
	if err := t.checkRename(e, old, to, from, dir, n, target, flags); err != uabi.OK {
		return err
	}
	if n == target {
		return uabi.OK
	}
	t.touch(n)
	switch {
	case flags&unix.RENAME_EXCHANGE != 0:
		t.touch(target)
		t.unlink(from, old.Name)
		t.unlink(dir, to.Name)
		t.link(from, old.Name, target)
		t.link(dir, to.Name, n)
		target.CtimeNs = e.Now
	case target != nil:
		t.remove(e, dir, to.Name, target)
		fallthrough
	default:
		t.unlink(from, old.Name)
		t.link(dir, to.Name, n)
	}
	from.MtimeNs, from.CtimeNs, dir.MtimeNs, dir.CtimeNs, n.CtimeNs = e.Now, e.Now, e.Now, e.Now, e.Now
	return uabi.OK
}

func (t *Tree) checkRename(e *Env, old, to Found, from, dir, n, target *Inode, flags uint32) uabi.Error {
	exchange := flags&unix.RENAME_EXCHANGE != 0
	switch {
	case exchange && to.Slash && !target.IsDir(), old.Slash && !n.IsDir(), !exchange && to.Slash && !n.IsDir():
		return uabi.ErrNotDir
	case n.IsDir() && t.within(dir, n):
		return uabi.ErrArg
	case target != nil && target.IsDir() && t.within(from, target):
		if exchange {
			return uabi.ErrArg
		}
		return uabi.ErrNotEmpty
	case n == target:
		return uabi.OK
	case dir.Nlink == 0:
		return uabi.ErrNotFound
	}
	for _, d := range []Ref{old.Parent, to.Parent} {
		if err := t.mayChange(e, d); err != uabi.OK {
			return err
		}
	}
	if err := sticky(e, from, n); err != uabi.OK {
		return err
	}
	if target != nil {
		if err := sticky(e, dir, target); err != uabi.OK {
			return err
		}
		switch {
		case exchange:
		case n.IsDir() && !target.IsDir():
			return uabi.ErrNotDir
		case !n.IsDir() && target.IsDir():
			return uabi.ErrIsDir
		}
	}
	if t.isMountPoint(e, n, from, old.Name) || target != nil && t.isMountPoint(e, target, dir, to.Name) {
		return uabi.ErrBusy
	}
	if !exchange && target != nil && target.IsDir() && !t.empty(target) {
		return uabi.ErrNotEmpty
	}
	return uabi.OK
}

// within reports whether dir is top or lies below it.
func (t *Tree) within(dir, top *Inode) bool {
	for {
		if dir == top {
			return true
		}
		if dir == nil || dir.Parent == dir.Ino {
			return false
		}
		dir = t.Inode(dir.Parent)
	}
}

// Change is what SetAttr changes; nil fields stay. Size is not here: contents are the caller's.
type Change struct {
	Mode, UID, GID   *uint32
	AtimeNs, MtimeNs *int64
	TimesNow         bool
}

// SetAttr is chmod(2), chown(2) and utimensat(2).
func (t *Tree) SetAttr(e *Env, r Ref, c Change) uabi.Error {
	if r.Synthetic() {
		return uabi.ErrPerm
	}
	n := t.Inode(r.Ino)
	if n == nil {
		return uabi.ErrNotFound
	}
	if t.ReadOnly(r) {
		return uabi.ErrReadOnly
	}
	a := Attr{Mode: n.Mode, UID: n.Uid, GID: n.Gid}
	if err := MayChange(e, a, c); err != uabi.OK {
		return err
	}
	t.touch(n)
	a = a.Changed(e, c)
	n.Mode, n.Uid, n.Gid = a.Mode, a.UID, a.GID
	if c.AtimeNs != nil {
		n.AtimeNs = *c.AtimeNs
	}
	if c.MtimeNs != nil {
		n.MtimeNs = *c.MtimeNs
	}
	n.CtimeNs = e.Now
	return uabi.OK
}

// MayChange says whether the caller may make that change to a file with these attributes.
func MayChange(e *Env, a Attr, c Change) uabi.Error {
	owner := e.UID == 0 || e.UID == a.UID
	if c.Mode != nil && !owner {
		return uabi.ErrPerm
	}
	if c.UID != nil && e.UID != 0 && (*c.UID != a.UID || !owner) {
		return uabi.ErrPerm
	}
	if c.GID != nil && e.UID != 0 && (!owner || *c.GID != a.GID && !e.inGroup(*c.GID)) {
		return uabi.ErrPerm
	}
	if (c.AtimeNs != nil || c.MtimeNs != nil) && !owner {
		if !c.TimesNow {
			return uabi.ErrPerm
		}
		return allowed(e, a, mayWrite)
	}
	return uabi.OK
}

// Changed is a with the owners and the mode that a change gives it. New owners take away set-id bits of what is no directory (chown(2)).
func (a Attr) Changed(e *Env, c Change) Attr {
	if c.UID != nil {
		a.UID = *c.UID
	}
	if c.GID != nil {
		a.GID = *c.GID
	}
	if (c.UID != nil || c.GID != nil) && a.Mode&unix.S_IFMT != unix.S_IFDIR {
		a.Mode &^= unix.S_ISUID
		if a.Mode&0o010 != 0 {
			a.Mode &^= unix.S_ISGID
		}
	}
	if c.Mode != nil {
		mode := *c.Mode & 0o7777
		if e.UID != 0 && !e.inGroup(a.GID) {
			mode &^= unix.S_ISGID
		}
		a.Mode = a.Mode&unix.S_IFMT | mode
	}
	return a
}

// CheckOpen says whether an existing inode may be opened for reading or writing.
func (t *Tree) CheckOpen(e *Env, r Ref, read, write bool) uabi.Error {
	a, err := t.attr(e, r)
	if err != uabi.OK {
		return err
	}
	return t.MayOpen(e, r, a, read, write)
}

// MayOpen is CheckOpen for who knows the attributes.
func (t *Tree) MayOpen(e *Env, r Ref, a Attr, read, write bool) uabi.Error {
	want := uint32(0)
	if read {
		want |= mayRead
	}
	if write {
		want |= mayWrite
	}
	if typ := a.Mode & unix.S_IFMT; write && t.ReadOnly(r) && (typ == unix.S_IFREG || typ == unix.S_IFDIR) {
		return uabi.ErrReadOnly
	}
	return allowed(e, a, want)
}
