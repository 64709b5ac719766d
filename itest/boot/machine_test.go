package boot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"aramid/boot/image"
	"aramid/boot/qemu"
)

// bootLimit is how long a machine may take; on an idle host it takes a tenth of a second.
const bootLimit = 60 * time.Second

// kernels are linked once for all tests.
var tinyKernel string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "aramid-boot")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := touchSources("../../ukernel", "../../boot/image", "."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	tinyKernel = filepath.Join(dir, "tiny.elf")
	if err := image.LinkKernel("../..", "./itest/boot/tiny", tinyKernel); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// touchSources looks at every file that the images are built from, for go test's cache to know of them: a compiler's reads do not count.
func touchSources(dirs ...string) error {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
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

// tinyImage builds an image of the tiny kernel.
func tinyImage(t *testing.T, change func(*image.Options)) string {
	t.Helper()
	o := image.Options{Kernel: tinyKernel, Files: []image.File{{Name: "note", Data: []byte("a file")}}, Output: filepath.Join(t.TempDir(), "tiny.img")}
	if change != nil {
		change(&o)
	}
	if err := image.Build(o); err != nil {
		t.Fatal(err)
	}
	return o.Output
}

// machine is a QEMU machine to run to its end.
type machine struct {
	image, kind, cpu, words string
	cpus, mib               int
	icount                  bool
	noExit                  bool   // no isa-debug-exit device: power off by ACPI alone
	log                     string // serial (default), com2 or debugcon
	monitor                 string // commands for QEMU's monitor, once the log holds "U"
}

// result is how it ended.
type result struct {
	log    string
	status int // power-off status
}

// boot runs m until it ends; one that does not is a failure.
func (m machine) boot(t *testing.T) result {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	args := []string{"-accel", qemu.TCG(m.cpus), "-machine", or(m.kind, "pc"), "-cpu", or(m.cpu, "max"), "-smp", strconv.Itoa(max(m.cpus, 1)),
		"-m", strconv.Itoa(orInt(m.mib, 128)), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-kernel", m.image,
		"-append", m.words, "-monitor", "stdio"}
	if !m.noExit {
		args = append(args, "-device", "isa-debug-exit,iobase=0xf4,iosize=4")
	}
	switch m.log {
	case "debugcon":
		args = append(args, "-debugcon", "file:"+path)
	case "com2":
		args = append(args, "-serial", "null", "-serial", "file:"+path)
	default:
		args = append(args, "-serial", "file:"+path)
	}
	if m.icount {
		args = append(args, "-icount", "shift=0,sleep=off")
	}
	ctx, cancel := context.WithTimeout(context.Background(), bootLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if m.monitor != "" {
		waitFor(t, path, "U")
		if _, err := stdin.Write([]byte(m.monitor + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	err = cmd.Wait()
	log, readErr := os.ReadFile(path)
	if readErr != nil {
		t.Fatalf("no log: %v\n%s", readErr, out.Bytes())
	}
	if ctx.Err() != nil {
		t.Fatalf("the machine still runs after %v; its log:\n%s", bootLimit, log)
	}
	if m.noExit && err == nil {
		return result{log: string(log)}
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode()&1 == 0 {
		t.Fatalf("the machine ended without power off (%v); its log:\n%s\n%s", err, log, out.Bytes())
	}
	return result{string(log), exit.ExitCode() >> 1}
}

// waitFor waits until a file holds a text.
func waitFor(t *testing.T, path, text string) {
	t.Helper()
	for end := time.Now().Add(bootLimit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte(text)) {
			return
		}
	}
	t.Fatalf("%s does not come to hold %q", path, text)
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func orInt(n, def int) int {
	if n == 0 {
		return def
	}
	return n
}
