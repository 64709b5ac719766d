// Package linuxguest runs programs on Debian's own Linux kernel in QEMU: the judge where the kernel of this machine differs from Linux 6.1, and what the
// benchmark compares with. The kernel is downloaded once and kept in the cache (boot/debian).
package linuxguest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/u-root/u-root/pkg/cpio"

	"aramid/boot/debian"
	"aramid/boot/qemu"
	"aramid/boot/rootfs"
)

// Guest describes the machine. The zero value of a field is its default.
type Guest struct {
	CPU     string        // QEMU's processor model; default max
	MemMiB  int           // default 1024
	ICount  bool          // time is guest instructions, 1 ns each
	Timeout time.Duration // default 2 minutes
	Append  string        // more words for the kernel command line
	Say     func(string)  // told about a download; default: nobody
}

const (
	defaultMemory  = 1024
	defaultTimeout = 2 * time.Minute
)

// Run runs a program of the root (a directory, a newc archive or an EROFS image) as process 1 of a container on Linux, and gives its output, without
// the carriage returns that the terminal adds, and its exit status (128 + signal if a signal ended it). The test fails if the machine does.
func Run(t testing.TB, root string, argv ...string) (output string, status int) {
	t.Helper()
	output, status, err := Guest{Say: func(s string) { t.Log(s) }}.Run(root, argv...)
	if err != nil {
		t.Fatalf("linux guest: %v\n%s", err, output)
	}
	return output, status
}

// Run is the function Run on this guest, with the failure of the machine as an error.
func (g Guest) Run(root string, argv ...string) (output string, status int, err error) {
	dir, err := os.MkdirTemp("", "aramid-guest-")
	if err != nil {
		return "", 0, err
	}
	defer os.RemoveAll(dir)
	initrd := filepath.Join(dir, "initrd")
	if err := Initramfs(initrd, root, argv...); err != nil {
		return "", 0, err
	}
	report := filepath.Join(dir, "status")
	cmd, err := g.Command(initrd, "rdinit=/.guest/init quiet loglevel=1", "-serial", "stdio", "-serial", "file:"+report)
	if err != nil {
		return "", 0, err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	late, err := runFor(cmd, max(g.Timeout, 0))
	output = farewell.ReplaceAllString(strings.ReplaceAll(out.String(), "\r\n", "\n"), "")
	if late {
		return output, 0, errors.New("it did not end in time")
	}
	if err != nil {
		return output, 0, err
	}
	status, err = readStatus(report)
	return output, status, err
}

// runFor runs a command to its end, or kills it after limit (0: the default) and says so.
func runFor(cmd *exec.Cmd, limit time.Duration) (late bool, err error) {
	if limit == 0 {
		limit = defaultTimeout
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	var over sync.Once
	timer := time.AfterFunc(limit, func() { over.Do(func() { late = true; cmd.Process.Kill() }) })
	err = cmd.Wait()
	over.Do(func() {})
	timer.Stop()
	return late, err
}

// farewell is the one line that a quiet kernel prints.
var farewell = regexp.MustCompile(`\[ *\d+\.\d+\] reboot: Power down\n$`)

var statusLine = regexp.MustCompile(`^(?:status (\d+)|error (.*))`)

// readStatus reads what init wrote.
func readStatus(file string) (int, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	m := statusLine.FindSubmatch(b)
	switch {
	case m == nil:
		return 0, errors.New("the machine ended without a status")
	case len(m[2]) > 0:
		return 0, fmt.Errorf("init: %s", m[2])
	}
	return strconv.Atoi(string(m[1]))
}

// Command is QEMU with the kernel and this initramfs, not started. words go on the kernel command line, args to QEMU.
func (g Guest) Command(initrd, words string, args ...string) (*exec.Cmd, error) {
	say := g.Say
	if say == nil {
		say = func(string) {}
	}
	kernel, err := debian.Kernel(say)
	if err != nil {
		return nil, err
	}
	mem := g.MemMiB
	if mem == 0 {
		mem = defaultMemory
	}
	cpu := g.CPU
	if cpu == "" {
		cpu = "max"
	}
	all := []string{"-machine", "pc", "-accel", "tcg", "-cpu", cpu, "-smp", "1", "-m", strconv.Itoa(mem), "-nodefaults", "-no-user-config", "-display", "none",
		"-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append", strings.TrimSpace("console=ttyS0 panic=-1 " + words + " " + g.Append)}
	if g.ICount {
		all = append(all, "-icount", "shift=0,sleep=off")
	}
	return exec.Command(qemu.Binary, append(all, args...)...), nil
}

// Initramfs writes the root as Linux takes it to the file at path, with what runs argv there if there is one.
func Initramfs(path, root string, argv ...string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := cpio.Newc.Writer(f)
	err = rootfs.ForLinux(w, root)
	if err == nil && len(argv) > 0 {
		err = addInit(w, argv)
	}
	if err == nil {
		err = cpio.WriteTrailer(w)
	}
	return errors.Join(err, f.Close())
}

func addInit(w cpio.RecordWriter, argv []string) error {
	exe, err := builtInit()
	if err != nil {
		return err
	}
	return errors.Join(w.WriteRecord(cpio.Directory(".guest", 0o755)), w.WriteRecord(cpio.StaticFile(".guest/init", string(exe), 0o755)),
		w.WriteRecord(cpio.StaticFile(".guest/argv", strings.Join(argv, "\x00"), 0o644)),
		w.WriteRecord(cpio.Directory("dev", 0o755)), w.WriteRecord(cpio.CharDev("dev/console", 0o600, 5, 1)))
}

// builtInit is the binary of command init.
var builtInit = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "aramid-guest-init-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	exe := filepath.Join(dir, "init")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", exe, "aramid/itest/linuxguest/init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return os.ReadFile(exe)
})
