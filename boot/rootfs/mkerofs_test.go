package rootfs

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/erofs/go-erofs"
)

// entries are a small root's.
var entries = []struct {
	h    tar.Header
	data string
}{
	{tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}, ""},
	{tar.Header{Typeflag: tar.TypeDir, Name: "./tmp/", Mode: 0o1777}, ""},
	{tar.Header{Typeflag: tar.TypeReg, Name: "./bin/su", Mode: 0o4755, Uid: 1, Gid: 2}, strings.Repeat("x", 5000)},
	{tar.Header{Typeflag: tar.TypeLink, Name: "./bin/again", Linkname: "./bin/su", Mode: 0o4755, Uid: 1, Gid: 2}, ""},
	{tar.Header{Typeflag: tar.TypeReg, Name: "./small", Mode: 0o640}, "few"},
	{tar.Header{Typeflag: tar.TypeReg, Name: "./empty", Mode: 0o600}, ""},
	{tar.Header{Typeflag: tar.TypeSymlink, Name: "./link", Linkname: "bin/su"}, ""},
	{tar.Header{Typeflag: tar.TypeChar, Name: "./dev/null", Mode: 0o666, Devmajor: 1, Devminor: 259}, ""},
	{tar.Header{Typeflag: tar.TypeFifo, Name: "./dev/fifo", Mode: 0o600}, ""},
}

var when = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)

func image(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "r.erofs")
	f, err := os.Create(name)
	must(t, err)
	e := NewEROFS(f, when)
	for _, x := range entries {
		h := x.h
		h.Size, h.ModTime = int64(len(x.data)), when.Add(time.Hour)
		must(t, e.Add(&h, strings.NewReader(x.data)))
	}
	must(t, e.Close())
	must(t, f.Close())
	return name
}

func TestAnEROFSImageHasWhatTheTarHas(t *testing.T) {
	name := image(t)
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	img, err := erofs.Open(f)
	must(t, err)
	for _, x := range entries {
		p := strings.Trim(strings.TrimPrefix(x.h.Name, "./"), "/")
		if p == "" {
			p = "."
		}
		fi, err := fs.Lstat(img, p)
		must(t, err)
		st := fi.Sys().(*erofs.Stat)
		const bits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
		if want := x.h.FileInfo().Mode() & bits; x.h.Typeflag != tar.TypeSymlink && st.Mode&bits != want {
			t.Errorf("%s: mode %v, want %v", p, st.Mode&bits, want)
		}
		if want := deviceNumber(x.h.Devmajor, x.h.Devminor); st.Rdev != want {
			t.Errorf("%s: device %#x, want %#x", p, st.Rdev, want)
		}
		if int(st.UID) != x.h.Uid || int(st.GID) != x.h.Gid || int64(st.Mtime) != when.Add(time.Hour).Unix() {
			t.Errorf("%s: owner %d:%d time %v", p, st.UID, st.GID, st.Mtime)
		}
	}
	b, err := fs.ReadFile(img, "bin/again")
	must(t, err)
	if len(b) != 5000 {
		t.Errorf("bin/again has %d bytes", len(b))
	}
	raw, err := os.ReadFile(name)
	must(t, err)
	if i := bytes.Index(raw, []byte("xxxx")); i%pageSize != 0 {
		t.Errorf("contents at %d", i)
	}
}

func TestTheSameEntriesGiveTheSameImage(t *testing.T) {
	a, err := os.ReadFile(image(t))
	must(t, err)
	b, err := os.ReadFile(image(t))
	must(t, err)
	if !bytes.Equal(a, b) {
		t.Error("two images differ")
	}
}
