// Package userland makes the root that `aramid run` gives a machine without --root: u-root's shell gosh and core commands in one binary.
package userland

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"

	"aramid/boot/cache"
)

// Shell is the program to run when none is asked for.
const Shell = "/bin/gosh"

// imports is the file that names the commands.
//
//go:embed commands.go
var imports []byte

// recipe changes when the same commands would give another archive.
const recipe = "3"

// makebb rewrites commands as packages of one program.
const (
	makebb      = "github.com/u-root/gobusybox/src/cmd/makebb"
	makebbBuilt = "src/bb.u-root.com/bb" // where it leaves the program
	buildTags   = "goshliner"
)

var command = regexp.MustCompile(`"(github\.com/u-root/u-root/cmds/core/(\w+))"`)

// commands are the names of the commands and their packages.
func commands() (names, packages []string) {
	for _, m := range command.FindAllSubmatch(imports, -1) {
		packages, names = append(packages, string(m[1])), append(names, string(m[2]))
	}
	return names, packages
}

// Build gives the path of the archive in the cache, which is made if it is not there: newc, as `aramid run --root` takes it. It must run in this
// module. say is told how it goes on.
func Build(say func(string)) (string, error) {
	versions, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}} {{.GoVersion}}", "github.com/u-root/u-root", "github.com/u-root/gobusybox/src").Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", err)
	}
	goVersion, err := exec.Command("go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{[]byte(recipe), versions, goVersion, imports}, nil))
	return cache.File("userland-"+hex.EncodeToString(sum[:])[:16]+".cpio", func(path string) error { return build(path, say) })
}

func build(path string, say func(string)) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), "userland-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	names, packages := commands()
	say(fmt.Sprintf("building gosh and %d commands of u-root (once; about a minute)", len(names)-1))
	exe, err := busybox(dir, packages)
	if err != nil {
		return err
	}
	bb, err := os.ReadFile(exe)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f, bb, names), f.Close())
}

// busybox makes one program of the packages in dir. makebb would build it with a flag that compiles even the standard library anew.
func busybox(dir string, packages []string) (path string, err error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	source, exe := filepath.Join(dir, "source"), filepath.Join(dir, "bb")
	rewrite := exec.Command("go", append([]string{"run", makebb, "-g", "-gen-dir", source, "-go-build-tags", buildTags}, packages...)...)
	rewrite.Env = append(os.Environ(), "GOROOT="+strings.TrimSpace(string(goroot))) // a program that was built with -trimpath does not know it
	if out, err := rewrite.CombinedOutput(); err != nil {
		return "", fmt.Errorf("makebb: %w\n%s", err, out)
	}
	build := exec.Command("go", "build", "-trimpath", "-tags", buildTags, "-ldflags", "-s -w -buildid=", "-o", exe)
	build.Dir = filepath.Join(source, makebbBuilt)
	build.Env = append(os.Environ(), "GO111MODULE=off", "GOPATH="+source, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return exe, nil
}

// texts are the files that programs expect.
var texts = []struct{ name, text string }{
	{"etc/group", "root:x:0:\n"}, {"etc/hostname", "aramid\n"}, {"etc/passwd", "root:x:0:0:root:/root:/bin/gosh\n"},
}

// write makes the archive: the binary in /bin with a name for each command, the shell also as sh.
func write(f *os.File, bb []byte, names []string) error {
	w := cpio.Newc.Writer(f)
	ino := uint64(0)
	add := func(r cpio.Record) error {
		ino++
		r.Ino = ino
		return w.WriteRecord(r)
	}
	var errs []error
	for _, d := range []struct {
		name string
		mode uint64
	}{{".", 0o755}, {"bin", 0o755}, {"dev", 0o755}, {"etc", 0o755}, {"proc", 0o755}, {"root", 0o700}, {"run", 0o755}, {"sys", 0o755}, {"tmp", 0o1777}} {
		errs = append(errs, add(cpio.Directory(d.name, d.mode)))
	}
	for _, t := range texts {
		errs = append(errs, add(cpio.StaticFile(t.name, t.text, 0o644)))
	}
	errs = append(errs, add(cpio.StaticFile("bin/bb", string(bb), 0o755)))
	for _, n := range names {
		errs = append(errs, add(cpio.Symlink("bin/"+n, "bb")))
	}
	errs = append(errs, add(cpio.Symlink("bin/sh", "gosh")))
	return errors.Join(append(errs, cpio.WriteTrailer(w))...)
}
