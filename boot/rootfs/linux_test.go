package rootfs

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/u-root/u-root/pkg/cpio"
)

func forLinux(t *testing.T, name string) map[string]cpio.Record {
	t.Helper()
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	must(t, ForLinux(w, name))
	must(t, cpio.WriteTrailer(w))
	return records(t, b.Bytes())
}

func TestLinuxGetsTheFilesOfAnImageAndOfAnArchive(t *testing.T) {
	m := forLinux(t, image(t))
	if m["bin/su"].Mode != 0o104755 || m["bin/su"].UID != 1 || m["bin/su"].FileSize != 5000 || m["tmp"].Mode != 0o041777 {
		t.Errorf("su %+v tmp %+v", m["bin/su"].Info, m["tmp"].Info)
	}
	if d := m["dev/null"]; d.Rmajor != 1 || d.Rminor != 259 || d.Mode != 0o020666 {
		t.Errorf("device %+v", d.Info)
	}
	if m["link"].FileSize != uint64(len("bin/su")) {
		t.Errorf("link %+v", m["link"].Info)
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "x"), []byte("text"), 0o640))
	if m := forLinux(t, dir); m["x"].FileSize != 4 {
		t.Errorf("%+v", m)
	}
	var b bytes.Buffer
	if _, err := Build(&b, dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "r.cpio")
	must(t, os.WriteFile(name, b.Bytes(), 0o644))
	if m := forLinux(t, name); m["x"].FileSize != 4 {
		t.Errorf("%+v", m)
	}
	if err := ForLinux(cpio.Newc.Writer(&b), filepath.Join(dir, "none")); err == nil {
		t.Error("a root that is not there was taken")
	}
}
