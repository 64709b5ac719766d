package system

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aramid/boot/rootfs"
)

// walkScript reads all of a root: what is damaged is an error, nothing else.
const walkScript = "/bin/busybox find / -xdev 2>/dev/null | /bin/busybox wc -l; /bin/busybox find / -xdev -type f -exec /bin/busybox cat {} + 2>/dev/null | /bin/busybox wc -c; echo walked"

// tarRoot is a small root with busybox, in a tar archive.
func tarRoot(t *testing.T) []byte {
	t.Helper()
	box, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, data []byte) {
		h.Size = int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		w.Write(data)
	}
	add(tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}, nil)
	add(tar.Header{Name: "bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755}, box)
	for i := range 40 {
		dir := fmt.Sprintf("d%d/", i%4)
		if i < 4 {
			add(tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755}, nil)
		}
		add(tar.Header{Name: fmt.Sprintf("%sf%d", dir, i), Typeflag: tar.TypeReg, Mode: 0o644}, bytes.Repeat([]byte("text"), 10+100*i))
		add(tar.Header{Name: fmt.Sprintf("%sl%d", dir, i), Typeflag: tar.TypeSymlink, Linkname: fmt.Sprintf("f%d", i)}, nil)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// erofsRoot is a tar archive as an EROFS image.
func erofsRoot(t *testing.T, archive []byte) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	e := rootfs.NewEROFS(f, time.Unix(0, 0))
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = e.Add(h, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cpioRoot is a tar archive as a newc archive.
func cpioRoot(t *testing.T, archive []byte) []byte {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tar")
	if err := os.WriteFile(name, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := rootfs.Build(&b, name); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// metadata are the places of an image that are no file's contents: whole blocks that hold no part of busybox.
func metadata(image, box []byte) (places []int) {
	inBox := map[string]bool{}
	const block = 512
	for i := 0; i+block <= len(box); i += block {
		inBox[string(box[i:i+block])] = true
	}
	for i := 0; i+block <= len(image); i += block {
		if b := image[i : i+block]; !inBox[string(b)] && bytes.Count(b, []byte{0}) < block {
			for k := range block {
				places = append(places, i+k)
			}
		}
	}
	return places
}

// runDamaged runs walkScript in a damaged root. Whatever is left of it, the machine ends by itself, and says why unless the walk came to its end.
func runDamaged(t *testing.T, what string, image []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "root")
	if err := os.WriteFile(name, image, 0o644); err != nil {
		t.Fatal(err)
	}
	got := run(t, "run", "--timeout", "3m", "--root", name, "--", "/bin/busybox", "sh", "-c", walkScript)
	walked := strings.HasSuffix(strings.TrimSpace(got.out), "walked")
	switch {
	case got.status == 0 && walked:
	case got.status == 124:
		t.Errorf("%s: it did not end: %s%s", what, tail([]byte(got.out)), got.err)
	case got.status == 0 || strings.TrimSpace(got.err+got.out) == "":
		t.Errorf("%s: status %d with %q %q", what, got.status, tail([]byte(got.out)), got.err)
	}
	t.Logf("%s: status %d, walked %v, %.150q", what, got.status, walked, got.err)
}

func TestADamagedRootEndsWithAWordAndNotInAHang(t *testing.T) {
	seeds := 2
	if os.Getenv("ARAMID_SOAK") != "" {
		seeds = 60
	}
	box, _ := os.ReadFile("/bin/busybox")
	archive := tarRoot(t)
	seed := newSeed(t)
	for kind, image := range map[string][]byte{"tar": archive, "cpio": cpioRoot(t, archive), "EROFS": erofsRoot(t, archive)} {
		places := metadata(image, box)
		for i := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed+i, 0))
			b := bytes.Clone(image)
			for range 1 + r.IntN(20) {
				b[places[r.IntN(len(places))]] ^= 1 << r.IntN(8)
			}
			runDamaged(t, fmt.Sprintf("%s, seed %d", kind, seed+i), b)
		}
	}
	for what, b := range map[string][]byte{
		"a tar archive that was cut":    archive[:len(archive)/2],
		"a cpio archive that was cut":   cpioRoot(t, archive)[:600_000],
		"an EROFS image that was cut":   erofsRoot(t, archive)[:600_000],
		"an EROFS image without a root": noRoot(erofsRoot(t, archive)),
		"an empty file":                 {},
	} {
		name := filepath.Join(t.TempDir(), "root")
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
		got := run(t, "run", "--timeout", "3m", "--root", name, "--", "/bin/busybox", "true")
		if got.status != 125 && got.status != 126 || !strings.Contains(got.err, "root") && !strings.Contains(got.err, "input/output error") {
			t.Errorf("%s: status %d, %q", what, got.status, got.err)
		}
	}
}

// noRoot takes the number of the root directory's inode out of a superblock.
func noRoot(image []byte) []byte {
	const rootNid = 1024 + 14
	image[rootNid], image[rootNid+1] = 0xff, 0xff
	return image
}
