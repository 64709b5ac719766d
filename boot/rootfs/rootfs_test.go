package rootfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/erofs/go-erofs"
	"github.com/u-root/u-root/pkg/cpio"
)

func records(t *testing.T, b []byte) map[string]cpio.Record {
	t.Helper()
	recs, err := cpio.ReadAllRecords(cpio.Newc.Reader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]cpio.Record{}
	for _, r := range recs {
		m[strings.TrimRight(r.Name, "\x00")] = r
	}
	return m
}

func TestADirectoryBecomesACpioWithPageAlignedContents(t *testing.T) {
	dir := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "a/b/file"), []byte("content-1"), 0o640))
	must(t, os.WriteFile(filepath.Join(dir, "zwei"), []byte("content-2"), 0o755))
	must(t, os.Symlink("a/b", filepath.Join(dir, "link")))
	var out bytes.Buffer
	kind, err := Build(&out, dir)
	if err != nil || kind != Cpio {
		t.Fatal(kind, err)
	}
	for _, c := range []string{"content-1", "content-2"} {
		if i := bytes.Index(out.Bytes(), []byte(c)); i < 0 || i%pageSize != 0 {
			t.Errorf("%s at %d", c, i)
		}
	}
	m := records(t, out.Bytes())
	for _, n := range []string{".", "a", "a/b", "a/b/file", "zwei", "link"} {
		if _, ok := m[n]; !ok {
			t.Errorf("%s is missing", n)
		}
	}
	if m["a/b/file"].Mode != 0o100640 {
		t.Errorf("mode %o", m["a/b/file"].Mode)
	}
}

func TestTarWithLinksAndCpioGiveTheSameFiles(t *testing.T) {
	var tb bytes.Buffer
	w := tar.NewWriter(&tb)
	add := func(h tar.Header, data string) {
		h.Size = int64(len(data))
		must(t, w.WriteHeader(&h))
		_, err := w.Write([]byte(data))
		must(t, err)
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755}, "")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "./bin/x", Mode: 0o755}, "hello")
	add(tar.Header{Typeflag: tar.TypeLink, Name: "./bin/y", Linkname: "./bin/x"}, "")
	add(tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "bin/x"}, "")
	must(t, w.Close())
	dir := t.TempDir()
	name := filepath.Join(dir, "r.tar")
	must(t, os.WriteFile(name, tb.Bytes(), 0o644))
	var one, two bytes.Buffer
	if _, err := Build(&one, name); err != nil {
		t.Fatal(err)
	}
	cp := filepath.Join(dir, "r.cpio")
	must(t, os.WriteFile(cp, one.Bytes(), 0o644))
	if _, err := Build(&two, cp); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("rebuilding a built cpio changes it")
	}
	m := records(t, one.Bytes())
	if m["bin/x"].Ino != m["bin/y"].Ino || m["l"].FileSize != 5 {
		t.Errorf("x %+v y %+v l %+v", m["bin/x"].Info, m["bin/y"].Info, m["l"].Info)
	}
}

func TestWhatIsNoRootIsRefusedWithItsName(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "junk")
	must(t, os.WriteFile(name, []byte("junk"), 0o644))
	cut := filepath.Join(dir, "cut.cpio")
	must(t, os.WriteFile(cut, []byte("070701000000"), 0o644))
	for _, n := range []string{name, cut, filepath.Join(dir, "absent")} {
		if _, err := Build(&bytes.Buffer{}, n); err == nil || !strings.Contains(err.Error(), n) {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func TestAnEROFSImageIsTheInitrdAsItIs(t *testing.T) {
	src := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(src, "bin"), 0o755))
	must(t, os.WriteFile(filepath.Join(src, "bin/x"), []byte("hello"), 0o750))
	must(t, os.Symlink("bin/x", filepath.Join(src, "l")))
	name := filepath.Join(t.TempDir(), "r.erofs")
	f, err := os.Create(name)
	must(t, err)
	e := erofs.Create(f)
	must(t, e.CopyFrom(os.DirFS(src)))
	must(t, e.Close())
	must(t, f.Close())
	if initrd, kind, err := Prepare(filepath.Join(src, "unused"), name); initrd != name || kind != EROFSImage || err != nil {
		t.Fatal(initrd, kind, err)
	}
	b, err := os.ReadFile(name)
	must(t, err)
	packed := filepath.Join(src, "r.gz")
	var z bytes.Buffer
	zw := gzip.NewWriter(&z)
	zw.Write(b)
	must(t, zw.Close())
	must(t, os.WriteFile(packed, z.Bytes(), 0o644))
	initrd, kind, err := Prepare(filepath.Join(src, "plain"), packed)
	if kind != EROFSImage || err != nil {
		t.Fatal(initrd, kind, err)
	}
	if got, err := os.ReadFile(initrd); !bytes.Equal(got, b) {
		t.Errorf("a packed image gives %d bytes of %d, %v", len(got), len(b), err)
	}
	for _, cut := range []int{1100, len(b) - 1} {
		must(t, os.WriteFile(name, b[:cut], 0o644))
		if _, _, err := Prepare("", name); err == nil || !strings.Contains(err.Error(), "damaged EROFS") {
			t.Errorf("a cut image: %v", err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
