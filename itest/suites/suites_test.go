package suites

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	aramid = "../../build/aramid"
	// limit is how long one package's tests may take, under emulation on a busy machine.
	limit = 40 * time.Minute
)

// packages are those whose tests are run; os.test takes minutes under TCG.
var packages = []string{"os", "os/exec", "os/signal", "syscall", "time"}

// Go's own tests, as static programs of this machine's toolchain, fail on Aramid where known.txt says so and nowhere else.
func TestGoStandardLibrary(t *testing.T) {
	if os.Getenv("ARAMID_SOAK") == "" {
		t.Skip("a matter of ten minutes: set ARAMID_SOAK")
	}
	command(t, "make", "-C", "../..", "image")
	goroot := strings.TrimSpace(command(t, "go", "env", "GOROOT"))
	for _, pkg := range packages {
		t.Run(strings.ReplaceAll(pkg, "/", "."), func(t *testing.T) {
			root := t.TempDir()
			userland(t, root)
			source := filepath.Join(goroot, "src", pkg)
			if err := os.CopyFS(filepath.Join(root, source), os.DirFS(source)); err != nil {
				t.Fatal(err)
			}
			zones := filepath.Join(goroot, "lib/time")
			if err := os.CopyFS(filepath.Join(root, zones), os.DirFS(zones)); err != nil {
				t.Fatal(err)
			}
			command(t, "go", "test", "-c", "-o", filepath.Join(root, "suite"), pkg)
			compare(t, pkg, suite(t, root, source))
		})
	}
}

// command runs a program of this machine and gives its output.
func command(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// userland gives a root busybox under all its names, which the tests start, and the user that they are run as.
func userland(t *testing.T, root string) {
	t.Helper()
	b, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	bin := filepath.Join(root, "bin")
	for _, dir := range []string{bin, filepath.Join(root, "tmp"), filepath.Join(root, "usr"), filepath.Join(root, "etc")} {
		err = errors.Join(err, os.MkdirAll(dir, 0o755))
	}
	err = errors.Join(err, os.WriteFile(filepath.Join(bin, "busybox"), b, 0o755), os.Symlink("../bin", filepath.Join(root, "usr/bin")),
		os.WriteFile(filepath.Join(root, "etc/passwd"), []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644),
		os.WriteFile(filepath.Join(root, "etc/group"), []byte("root:x:0:\n"), 0o644))
	for name := range strings.FieldsSeq(command(t, filepath.Join(bin, "busybox"), "--list")) {
		if name != "busybox" {
			err = errors.Join(err, os.Symlink("busybox", filepath.Join(bin, name)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// suite runs a root's tests in their source's directory and gives what they print.
func suite(t *testing.T, root, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, aramid, "run", "--root", root, "--mem", "1G", "--timeout", limit.String(), "--",
		"sh", "-c", "cd "+dir+" && exec /suite -test.v -test.short -test.timeout="+limit.String())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

// verdict is what ends a failing test, which may stand behind something that it has printed, or the suite. Parts of tests are not looked at.
var verdict = regexp.MustCompile(`(?m)--- FAIL: (\w+) |^(PASS|FAIL)\r?$`)

// compare holds the tests that failed against known.txt.
func compare(t *testing.T, pkg, out string) {
	t.Helper()
	unmet, ended := known(t, pkg), false
	for _, m := range verdict.FindAllStringSubmatch(out, -1) {
		switch name := m[1]; {
		case name == "":
			ended = true
		case unmet[name]:
			delete(unmet, name)
		default:
			t.Errorf("%s of %s fails:\n%s", name, pkg, about(out, name))
		}
	}
	if !ended {
		t.Errorf("the tests of %s did not come to their end:\n%s", pkg, out[max(0, len(out)-4000):])
		return
	}
	for name := range unmet {
		t.Errorf("%s of %s did not fail: take it out of known.txt", name, pkg)
	}
}

// about is what a suite printed between a test's last mention and its failure.
func about(out, name string) string {
	end := strings.Index(out, "--- FAIL: "+name)
	begin := max(strings.LastIndex(out[:end], name), 0)
	return out[begin:end]
}

// known reads the names of a package's tests that are known to fail.
func known(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("known.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		f := strings.Fields(s.Text())
		switch {
		case len(f) == 0 || strings.HasPrefix(f[0], "#"):
		case len(f) < 3:
			t.Errorf("known.txt: %q gives no reason", s.Text())
		case f[0] == pkg:
			names[f[1]] = true
		}
	}
	return names
}
