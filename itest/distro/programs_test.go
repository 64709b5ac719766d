package distro

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ended is what a shell says of a process that a signal ended, up to its id.
var ended = regexp.MustCompile(`(line \d+:) +\d+`)

// copyTo copies files into a directory of the tree.
func copyTo(t *testing.T, dir string, files ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// The scripts of testdata/programs use Debian's bash, coreutils, findutils, grep, sed, procps, util-linux and more as people do.
func TestDebiansProgramsPrintWhatTheyPrintOnLinux(t *testing.T) {
	tree := debianTree(t)
	scripts, err := filepath.Glob("testdata/programs/*.sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		if name := filepath.Base(s); name != "all.sh" {
			t.Run(name, func(t *testing.T) {
				copyTo(t, filepath.Join(tree, "prog", name), "testdata/programs/all.sh", s)
				want, got := onLinux(t, tree, "/bin/bash", "/prog/"+name+"/all.sh"), onAramid(t, tree, "/bin/bash", "/prog/"+name+"/all.sh")
				want.out, got.out = ended.ReplaceAllString(want.out, "$1 PID"), ended.ReplaceAllString(got.out, "$1 PID")
				compare(t, want, got)
			})
		}
	}
}

// pids are what a shell prints of the processes that it starts.
var pids = regexp.MustCompile(`(\[\d\][ +-]+) ?\d+`)

// A person at a terminal: job control, signals from the keyboard, background reads and writes, suspended pipelines, line editing.
func TestAShellOnATerminalAnswersAsOnLinux(t *testing.T) {
	tree := debianTree(t)
	prog := filepath.Join(tree, "prog")
	gcc(t, "-static", "-O1", "-Wall", "-Werror", "-o", filepath.Join(prog, "talk"), "testdata/terminal/talk.c", "-lutil")
	copyTo(t, prog, "testdata/terminal/jobs.talk")
	argv := []string{"/usr/bin/env", "PS1==> ", "/prog/talk", "/prog/jobs.talk", "/bin/bash", "--norc", "--noprofile", "--noediting", "-i"}
	want, got := onLinux(t, tree, argv...), onAramid(t, tree, argv...)
	want.out, got.out = pids.ReplaceAllString(want.out, "$1 PID"), pids.ReplaceAllString(got.out, "$1 PID")
	compare(t, want, got)
	if !strings.HasSuffix(want.out, "*** status 300\n") {
		t.Errorf("it does not end as it should on Linux: %s", want.out)
	}
}

// userlandScript uses the commands of the built-in userland.
const userlandScript = "testdata/userland.gosh"

// The built-in userland's gosh and commands, which are Go programs in one binary, on both systems.
func TestTheBuiltInUserlandPrintsWhatItPrintsOnLinux(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may change its root")
	}
	tree := t.TempDir()
	archive, err := os.Open(top + "/build/userland.cpio")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	unpack := exec.Command("/bin/busybox", "cpio", "-idm")
	unpack.Stdin, unpack.Dir = archive, tree
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("cpio: %v\n%s", err, out)
	}
	for _, d := range []string{"dev", "proc", "sys", "run", "tmp", "mnt"} {
		if err := os.MkdirAll(filepath.Join(tree, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyTo(t, filepath.Join(tree, "prog"), userlandScript)
	compare(t, plainOnLinux(t, tree, "/bin/gosh", "/prog/userland.gosh"), plainOnAramid(t, tree, "/bin/gosh", "/prog/userland.gosh"))
}

// A stock Go program: goroutines, timers, the collector, signals, children and files.
func TestAStockGoProgramPrintsWhatItPrintsOnLinux(t *testing.T) {
	tree := debianTree(t)
	build := exec.Command("go", "build", "-o", filepath.Join(tree, "prog/goprog"), "./testdata/goprog")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	same(t, tree, "/prog/goprog")
}
