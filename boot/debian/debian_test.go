package debian

import (
	"archive/tar"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/erofs/go-erofs"
)

func TestSourcesAreDebiansOwnOfTheSuite(t *testing.T) {
	got := ofSuite(`Debian main bookworm deb http://m/debian/ bookworm main
Debian main bookworm-updates deb http://m/debian/ bookworm-updates main
Debian contrib bookworm deb http://m/debian/ bookworm contrib
Node main nodistro deb https://n/ nodistro main
Debian main trixie deb http://m/debian/ trixie main
`)
	if want := []string{"deb http://m/debian/ bookworm main", "deb http://m/debian/ bookworm-updates main"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := ofSuite("Debian main trixie deb http://m/debian/ trixie main\n"); !slices.Equal(got, standard) {
		t.Errorf("%q", got)
	}
}

// archive is what mmdebstrap would give, installed at that time.
func archive(t *testing.T, at time.Time) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []struct {
		name, text string
		when       time.Time
	}{
		{"./bin/sh", "shell", time.Unix(1_000_000, 0)}, {"./bin/ls", "list", time.Unix(2_000_000, 0)},
		{"./etc/shadow", "root:*:" + at.Format("20060102") + ":0:99999:7:::\n", at},
	} {
		h := tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: 0o644, Size: int64(len(f.text)), ModTime: f.when}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(f.text))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func TestTheSamePackagesGiveTheSameImageAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	var images [][]byte
	for i, at := range []time.Time{time.Now(), time.Now().Add(-installTime / 2)} {
		name := filepath.Join(dir, string(rune('a'+i)))
		if err := convert(name, archive(t, at)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, b)
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("the images differ")
	}
	img, err := erofs.Open(bytes.NewReader(images[0]))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := fs.ReadFile(img, "etc/shadow"); err != nil || !strings.HasPrefix(string(b), "root:*:23:") {
		t.Errorf("%q %v", b, err)
	}
	if st, err := fs.Stat(img, "etc/shadow"); err != nil || st.ModTime().Unix() != 2_000_000 {
		t.Errorf("%v %v", st, err)
	}
	for _, u := range units {
		if b, err := fs.ReadFile(img, "etc/systemd/system/"+u.name); err != nil || string(b) != u.text {
			t.Errorf("%s: %v", u.name, err)
		}
	}
}
