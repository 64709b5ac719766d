package restart

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aramid/boot/image"
)

// top is the repository's root.
const top = "../.."

// programs are the packages that the images and swaps are made of; the archive has them under their last names.
var programs = []string{
	"./servers/rootd", "./itest/ledger/cmd/vault", "./itest/ledger/cmd/auditor", "./itest/ledger/cmd/ledger", "./itest/ledger/cmd/ledger2",
	"./itest/ledger/cmd/forgetful", "./itest/ledger/cmd/confused", "./itest/ledger/cmd/crasher", "./itest/storm/cmd/stormd",
}

// built is the folder with the programs, the kernel and the images, made once for all tests.
var built string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "aramid-restart"); err == nil {
		defer os.RemoveAll(built)
		err = link()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func link() error {
	if err := touchSources("ukernel", "boot/image", "boot/qemu", "servers/server", "servers/rootd", "proto", "itest/ledger", "itest/storm"); err != nil {
		return err
	}
	if err := image.LinkKernel(top, "./ukernel/main", filepath.Join(built, "kernel.elf")); err != nil {
		return err
	}
	if err := image.LinkServers(top, built, programs...); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(built, "manifest.txt"), []byte(bankManifest), 0o644)
}

// touchSources looks at every file that the images are built from, for go test's cache to know of them: a compiler's reads do not count.
func touchSources(dirs ...string) error {
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(top, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// manifests of the images. The storm has the console to itself, and the power switch.
const (
	bankManifest = `
vault   vault   1 server
auditor auditor 2 server vault
ledger  ledger  3 server auditor
stormd  stormd  6 ports power vault auditor ledger
`
	crasherManifest = "crasher crasher 4 server" + bankManifest
)

// bootImage builds an image with a manifest and the programs that it names.
func bootImage(t *testing.T, manifest string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "aramid.img")
	files := []image.File{{Name: "rootd", Path: filepath.Join(built, "rootd")}, {Name: "manifest", Data: []byte(manifest)}}
	for _, l := range strings.Split(strings.TrimSpace(manifest), "\n") {
		name := strings.Fields(l)[1]
		files = append(files, image.File{Name: name, Path: filepath.Join(built, name)})
	}
	if err := image.Build(image.Options{Kernel: filepath.Join(built, "kernel.elf"), Files: files, Output: out}); err != nil {
		t.Fatal(err)
	}
	return out
}
