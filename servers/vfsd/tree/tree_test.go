package tree

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// errnos says what Linux calls the errors that names can give.
var errnos = map[uabi.Error]unix.Errno{
	uabi.ErrNotFound: unix.ENOENT, uabi.ErrExists: unix.EEXIST, uabi.ErrNotDir: unix.ENOTDIR, uabi.ErrIsDir: unix.EISDIR,
	uabi.ErrNotEmpty: unix.ENOTEMPTY, uabi.ErrLoop: unix.ELOOP, uabi.ErrArg: unix.EINVAL, uabi.ErrBusy: unix.EBUSY,
	uabi.ErrPerm: unix.EPERM, uabi.ErrName: unix.ENAMETOOLONG,
}

// fixture is a tree with one mounted tmpfs.
type fixture struct {
	*Tree
	env Env
	cwd Ref
}

func newFixture() *fixture {
	id := uint64(0)
	f := &fixture{Tree: New(func() uint64 { id++; return id })}
	f.env.Root = f.MountRoot(f.NewFS("tmpfs", 0o755, 0, 0), "test")
	f.cwd, f.env.NS = f.env.Root, f.MountOf(f.env.Root).Ns
	return f
}

func (f *fixture) make(path string, mode uint32, target string) uabi.Error {
	at, err := f.Walk(&f.env, f.cwd, path, 0)
	if err != uabi.OK {
		return err
	}
	_, err = f.Create(&f.env, at, Spec{Mode: mode, Target: target})
	return err
}

// open is open(2) with O_CREAT, which makes what a dangling link names.
func (f *fixture) open(path string) uabi.Error {
	at, err := f.Walk(&f.env, f.cwd, path, Follow|FollowOnSlash|NoSlash)
	switch {
	case err != uabi.OK:
		return err
	case at.OK && f.Inode(at.At.Ino).IsDir():
		return uabi.ErrIsDir
	case at.OK:
		return uabi.OK
	}
	_, err = f.Create(&f.env, at, Spec{Mode: unix.S_IFREG | 0o644})
	return err
}

func (f *fixture) remove(path string, dir bool) uabi.Error {
	at, err := f.Walk(&f.env, f.cwd, path, 0)
	if err != uabi.OK {
		return err
	}
	return f.Unlink(&f.env, at, dir)
}

func (f *fixture) two(old, to string, how How, do func(old, to Found) uabi.Error) uabi.Error {
	a, err := f.Walk(&f.env, f.cwd, old, how)
	if err != uabi.OK {
		return err
	}
	if !a.OK && how != 0 {
		return uabi.ErrNotFound // link(2) looks the old name up before it turns to the new one
	}
	b, err := f.Walk(&f.env, f.cwd, to, 0)
	if err != uabi.OK {
		return err
	}
	return do(a, b)
}

func (f *fixture) stat(path string, how How) string {
	at, err := f.Walk(&f.env, f.cwd, path, how|FollowOnSlash)
	if err == uabi.OK && !at.OK {
		err = uabi.ErrNotFound
	}
	if err != uabi.OK {
		return errnos[err].Error()
	}
	n := f.Inode(at.At.Ino)
	return fmt.Sprintf("%o %d", n.Type(), n.Nlink)
}

func hostStat(path string, follow bool) string {
	var s unix.Stat_t
	err := unix.Lstat(path, &s)
	if follow {
		err = unix.Stat(path, &s)
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%o %d", s.Mode&unix.S_IFMT, s.Nlink)
}

// listing is the whole tree below the start, sorted.
func (f *fixture) listing(n *Inode, prefix string) (out []string) {
	for _, e := range n.Entries {
		c := f.Inode(e.Ino)
		out = append(out, fmt.Sprintf("%s%s %o %d %s", prefix, e.Name, c.Type(), c.Nlink, c.Target))
		if c.IsDir() {
			out = append(out, f.listing(c, prefix+e.Name+"/")...)
		}
	}
	slices.Sort(out)
	return out
}

func hostListing(t *rapid.T, dir, prefix string) (out []string) {
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		p := filepath.Join(dir, e.Name())
		target, _ := os.Readlink(p)
		out = append(out, fmt.Sprintf("%s%s %s %s", prefix, e.Name(), hostStat(p, false), target))
		if e.IsDir() {
			out = append(out, hostListing(t, p, prefix+e.Name()+"/")...)
		}
	}
	slices.Sort(out)
	return out
}

var someNames = rapid.SampledFrom([]string{"a", "b", "c", "a", "b", "."})

// drawPath gives a relative path; up of them may be "..".
func drawPath(t *rapid.T, up bool) string {
	parts := rapid.SliceOfN(someNames, 1, 3).Draw(t, "path")
	if up && rapid.IntRange(0, 5).Draw(t, "up") == 0 {
		parts = append([]string{".."}, parts...)
	}
	p := strings.Join(parts, "/")
	if rapid.IntRange(0, 5).Draw(t, "slash") == 0 {
		p += "/"
	}
	return p
}

// TestNamesBehaveAsOnTheHostsTmpfs does the same random operations here and on Linux.
func TestNamesBehaveAsOnTheHostsTmpfs(t *testing.T) {
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = t.TempDir()
	}
	rapid.Check(t, func(t *rapid.T) {
		top, err := os.MkdirTemp(base, "aramid-tree")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(top)
		dir := filepath.Join(top, "s")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		f := newFixture()
		f.make("s", unix.S_IFDIR|0o755, "")
		at, _ := f.Walk(&f.env, f.cwd, "s", 0)
		f.cwd = at.At
		host := func(p string) string { return dir + "/" + p }
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			p, q := drawPath(t, true), drawPath(t, true)
			var what string
			var got uabi.Error
			var want error
			switch rapid.IntRange(0, 7).Draw(t, "op") {
			case 0, 1:
				what, got, want = "mkdir "+p, f.make(p, unix.S_IFDIR|0o755, ""), unix.Mkdir(host(p), 0o755)
			case 2:
				fd, err := unix.Open(host(p), unix.O_CREAT|unix.O_WRONLY, 0o644)
				if err == nil {
					unix.Close(fd)
				}
				what, got, want = "open "+p, f.open(p), err
			case 3:
				target := drawPath(t, false)
				what, got, want = "symlink "+target+" "+p, f.make(p, unix.S_IFLNK, target), unix.Symlink(target, host(p))
			case 4:
				what, got, want = "unlink "+p, f.remove(p, false), unix.Unlink(host(p))
			case 5:
				what, got, want = "rmdir "+p, f.remove(p, true), unix.Rmdir(host(p))
			case 6:
				what = "link " + p + " " + q
				got = f.two(p, q, FollowOnSlash, func(a, b Found) uabi.Error { return f.Link(&f.env, a, b) })
				want = unix.Link(host(p), host(q))
			case 7:
				flags := rapid.SampledFrom([]uint{0, 0, 0, unix.RENAME_NOREPLACE, unix.RENAME_EXCHANGE}).Draw(t, "flags")
				what = fmt.Sprint("rename ", p, " ", q, " ", flags)
				got = f.two(p, q, 0, func(a, b Found) uabi.Error { return f.Rename(&f.env, a, b, uint32(flags)) })
				want = unix.Renameat2(unix.AT_FDCWD, host(p), unix.AT_FDCWD, host(q), flags)
			}
			if got == uabi.OK && want != nil || got != uabi.OK && error(errnos[got]) != want {
				t.Fatalf("%s: %v, Linux says %v", what, got, want)
			}
			if a, b := f.stat(q, Follow), hostStat(host(q), true); a != b {
				t.Fatalf("after %s, stat %s: %s, Linux says %s", what, q, a, b)
			}
			if a, b := f.stat(q, 0), hostStat(host(q), false); a != b {
				t.Fatalf("after %s, lstat %s: %s, Linux says %s", what, q, a, b)
			}
		}
		root := f.Inode(f.env.Root.Ino)
		if a, b := f.listing(root, ""), hostListing(t, top, ""); !slices.Equal(a, b) {
			t.Fatalf("names differ\n%q\nLinux:\n%q", a, b)
		}
		f.reloads(t)
	})
}

// reloads checks that a snapshot holds everything.
func (f *fixture) reloads(t *rapid.T) {
	s := &state.State{}
	f.Save(s)
	g := newFixture()
	g.Load(s)
	root := f.env.Root.Ino
	if a, b := f.listing(f.Inode(root), ""), g.listing(g.Inode(root), ""); !slices.Equal(a, b) {
		t.Fatalf("after a snapshot\n%q\nbefore\n%q", b, a)
	}
}

func TestPermissionBitsBindOthers(t *testing.T) {
	f := newFixture()
	f.make("d", unix.S_IFDIR|0o750, "")
	f.make("d/f", unix.S_IFREG|0o640, "")
	f.make("t", unix.S_IFDIR|0o1777, "")
	f.make("t/f", unix.S_IFREG|0o666, "")
	for _, c := range []struct {
		name     string
		uid, gid uint32
		group    uint32
		path     string
		err      uabi.Error
	}{
		{"the owner", 0, 0, 0, "d/f", uabi.OK},
		{"somebody else", 5, 5, 5, "d/f", uabi.ErrAccess},
		{"the group", 5, 0, 5, "d/f", uabi.OK},
		{"a supplementary group", 5, 5, 0, "d/f", uabi.OK},
	} {
		e := Env{UID: c.uid, GID: c.gid, Groups: group(c.group), Root: f.env.Root}
		at, err := f.Walk(&e, f.cwd, c.path, 0)
		if err == uabi.OK {
			err = f.CheckOpen(&e, at.At, true, false)
		}
		if err != c.err {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
	user := Env{UID: 5, GID: 5, Root: f.env.Root}
	at, _ := f.Walk(&user, f.cwd, "t/f", 0)
	if err := f.Unlink(&user, at, false); err != uabi.ErrPerm {
		t.Errorf("the sticky bit lets another's file go: %v", err)
	}
	mode := uint32(0o4755)
	if err := f.SetAttr(&user, at.At, Change{Mode: &mode}); err != uabi.ErrPerm {
		t.Errorf("chmod of another's file: %v", err)
	}
}

// group is a caller with one supplementary group.
type group uint32

func (g group) InGroup(gid uint32) bool { return uint32(g) == gid }
