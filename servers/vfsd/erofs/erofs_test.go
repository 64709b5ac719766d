package erofs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/erofs/go-erofs"
	"golang.org/x/sys/unix"
)

// image writes an image with go-erofs.
func image(t testing.TB, fill func(w *erofs.Writer)) []byte {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := erofs.Create(f, erofs.WithTempDir(t.TempDir()))
	fill(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func file(t testing.TB, w *erofs.Writer, name, content string) {
	t.Helper()
	f, err := w.Create(name)
	must(t, err)
	_, err = io.WriteString(f, content)
	must(t, err)
	must(t, f.Close())
}

// fill writes some of everything.
func fill(t testing.TB) func(w *erofs.Writer) {
	return func(w *erofs.Writer) {
		must(t, w.Mkdir("/etc", 0o755))
		file(t, w, "/etc/small", "inline")
		file(t, w, "/etc/page", strings.Repeat("p", 4096))
		file(t, w, "/etc/large", strings.Repeat("0123456789", 5000))
		file(t, w, "/etc/empty", "")
		must(t, w.Chmod("/etc/small", 0o640|fs.ModeSetuid))
		must(t, w.Chown("/etc/small", 70000, 5))
		must(t, w.Chtimes("/etc/small", time.Unix(5, 0), time.Unix(1234567890, 5)))
		must(t, w.Symlink("etc/small", "/link"))
		must(t, w.Mkdir("/dev", 0o755))
		must(t, w.Mknod("/dev/tty7", unix.S_IFCHR|0o620, uint32(unix.Mkdev(4, 7))))
		must(t, w.Mknod("/dev/fifo", unix.S_IFIFO|0o600, 0))
		must(t, w.Mkdir("/many", 0o1777))
		for i := range 1000 {
			file(t, w, fmt.Sprintf("/many/a-rather-long-name-%d", i), "")
		}
	}
}

// lookup walks a path.
func lookup(m *Image, path string) (Inode, error) {
	n, err := m.Inode(m.Root())
	for p := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if err != nil {
			return n, err
		}
		nid, ok, e := m.Lookup(&n, p)
		if e != nil {
			return n, e
		}
		if !ok {
			return n, fs.ErrNotExist
		}
		n, err = m.Inode(nid)
	}
	return n, err
}

// content reads a whole file by its extents.
func content(m *Image, n *Inode) (string, error) {
	var b strings.Builder
	for off := uint64(0); off < n.Size; {
		e, err := m.Extent(n, off)
		if err != nil {
			return "", err
		}
		if e.Hole {
			b.WriteString(strings.Repeat("\x00", int(e.Len)))
		} else {
			b.Write(m.b[e.At:][:e.Len])
		}
		off = e.Off + e.Len
	}
	return b.String(), nil
}

func TestEverythingIsReadAsItWasWritten(t *testing.T) {
	m, err := Open(image(t, fill(t)))
	must(t, err)
	for path, want := range map[string]string{
		"/etc/small": "inline", "/etc/page": strings.Repeat("p", 4096), "/etc/large": strings.Repeat("0123456789", 5000), "/etc/empty": "",
	} {
		n, err := lookup(m, path)
		must(t, err)
		if got, err := content(m, &n); err != nil || got != want {
			t.Errorf("%s has %d bytes of %d, %v", path, len(got), len(want), err)
		}
		if e, err := m.Extent(&n, 0); n.Size >= 4096 && (err != nil || e.At%4096 != 0 || e.Len != n.Size) {
			t.Errorf("%s is not a window: %+v, %v", path, e, err)
		}
	}
	n, err := lookup(m, "/etc/small")
	must(t, err)
	if n.Mode != unix.S_IFREG|unix.S_ISUID|0o640 || n.UID != 70000 || n.GID != 5 || n.Nlink != 1 || n.MtimeNs != 1234567890*1e9+5 {
		t.Errorf("attributes %+v", n)
	}
	n, err = lookup(m, "/link")
	must(t, err)
	if to, err := m.Target(&n); to != "etc/small" || err != nil {
		t.Errorf("the link goes to %q, %v", to, err)
	}
	n, err = lookup(m, "/dev/tty7")
	must(t, err)
	if n.Rdev != unix.Mkdev(4, 7) || n.Mode != unix.S_IFCHR|0o620 {
		t.Errorf("device %+v", n)
	}
	if up, err := lookup(m, "/etc/.."); err != nil || up.Nid != m.Root() {
		t.Errorf("/etc/.. is %d, %v", up.Nid, err)
	}
	if _, err := lookup(m, "/etc/nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a name that is not there: %v", err)
	}
}

func TestADirectoryOfManyBlocksIsListedFromEveryCursor(t *testing.T) {
	m, err := Open(image(t, fill(t)))
	must(t, err)
	dir, err := lookup(m, "/many")
	must(t, err)
	var all []Dirent
	must(t, m.List(&dir, 0, func(d Dirent) bool { all = append(all, d); return true }))
	if len(all) != 1000 || !slices.IsSortedFunc(all, func(a, b Dirent) int { return strings.Compare(a.Name, b.Name) }) {
		t.Fatalf("%d names", len(all))
	}
	for i, d := range all {
		if nid, ok, err := m.Lookup(&dir, d.Name); !ok || nid != d.Nid || err != nil {
			t.Fatalf("%s: %d %v %v", d.Name, nid, ok, err)
		}
		for _, miss := range []string{d.Name + "\x01", d.Name[:len(d.Name)-1] + "\x01"} {
			if _, ok, err := m.Lookup(&dir, miss); ok || err != nil {
				t.Fatalf("%q is found, %v", miss, err)
			}
		}
		var next []Dirent
		must(t, m.List(&dir, d.Cursor, func(d Dirent) bool { next = append(next, d); return len(next) < 2 }))
		if want := all[i+1 : min(i+3, len(all))]; !slices.Equal(next, want) {
			t.Fatalf("behind %s: %v", d.Name, next)
		}
	}
}

// walk looks at everything in an image, a bounded number of things.
func walk(m *Image, n *Inode, left *int) {
	if *left--; *left < 0 {
		return
	}
	if !n.IsDir() {
		m.Target(n)
		for off, steps := uint64(0), 0; off < n.Size && steps < 10; steps++ {
			e, err := m.Extent(n, off)
			if err != nil {
				return
			}
			if e.Len == 0 || e.Off > off || e.Off+e.Len <= off || !e.Hole && e.At+e.Len > uint64(len(m.b)) {
				panic(fmt.Sprintf("extent %+v for byte %d of %+v", e, off, n))
			}
			off = e.Off + e.Len
		}
		return
	}
	m.Lookup(n, "m")
	m.List(n, 0, func(d Dirent) bool {
		if c, err := m.Inode(d.Nid); err == nil {
			walk(m, &c, left)
		}
		return *left > 0
	})
}

func TestNoCutOrChangedImageCrashes(t *testing.T) {
	b := image(t, func(w *erofs.Writer) {
		must(t, w.Mkdir("/d", 0o755))
		file(t, w, "/d/f", "x")
		must(t, w.Symlink("f", "/d/l"))
	})
	try := func(b []byte) {
		m, err := Open(b)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		root, _ := m.Inode(m.Root())
		left := 100
		walk(m, &root, &left)
	}
	for i := range b {
		try(b[:i])
		for _, v := range []byte{0, 0xff, b[i] ^ 1, b[i] ^ 0x80} {
			c := bytes.Clone(b)
			c[i] = v
			try(c)
		}
	}
}

// FuzzImage changes images at random places.
func FuzzImage(f *testing.F) {
	f.Add(image(f, func(w *erofs.Writer) {
		must(f, w.Mkdir("/d", 0o755))
		file(f, w, "/d/f", "x")
		must(f, w.Symlink("f", "/d/l"))
	}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Open(b)
		if err != nil {
			return
		}
		root, _ := m.Inode(m.Root())
		left := 1000
		walk(m, &root, &left)
	})
}
