// Command init is process 1 of a Linux guest (package linuxguest). It mounts what `aramid run` mounts for a program, runs the program as process 1 of a
// process namespace with the console as its terminal, writes how it ended to the second serial port and powers the machine off.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	arguments = "/.guest/argv" // NUL-separated
	inside    = "inside"       // argv[1] of the init in the namespace
	console   = "/dev/console"
	statusTo  = "/dev/ttyS1"
	name      = "aramid"
)

var environment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=linux", "HOSTNAME=" + name}

var mounts = []struct {
	path, typ string
	flags     uintptr
	data      string
}{
	{"/proc", "proc", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC, ""},
	{"/sys", "sysfs", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC | syscall.MS_RDONLY, ""},
	{"/sys/fs/cgroup", "cgroup2", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC | syscall.MS_RDONLY, ""},
	{"/dev", "devtmpfs", syscall.MS_NOSUID, ""},
	{"/dev/pts", "devpts", syscall.MS_NOSUID | syscall.MS_NOEXEC, "ptmxmode=666"},
	{"/dev/shm", "tmpfs", syscall.MS_NOSUID | syscall.MS_NODEV, "mode=1777"},
	{"/run", "tmpfs", syscall.MS_NOSUID | syscall.MS_NODEV, "mode=755"},
	{"/tmp", "tmpfs", syscall.MS_NOSUID | syscall.MS_NODEV, "mode=1777"},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == inside {
		fmt.Fprintln(os.Stderr, "guest:", become())
		os.Exit(127)
	}
	status, err := run()
	report := fmt.Sprintf("status %d\n", status)
	if err != nil {
		report = fmt.Sprintf("error %v\n", err)
	}
	os.WriteFile(statusTo, []byte(report), 0)
	syscall.Sync()
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

// run mounts and runs the program.
func run() (status int, err error) {
	for _, m := range mounts {
		os.MkdirAll(m.path, 0o755)
		if err := syscall.Mount(m.typ, m.path, m.typ, m.flags, m.data); err != nil {
			return 0, fmt.Errorf("mount %s: %w", m.path, err)
		}
	}
	syscall.Sethostname([]byte(name))
	tty, err := os.OpenFile(console, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	cmd := exec.Cmd{Path: "/proc/self/exe", Args: []string{"init", inside}, Env: environment, Dir: "/", Stdin: tty, Stdout: tty, Stderr: tty,
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS, Setsid: true, Setctty: true}}
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		w := exit.Sys().(syscall.WaitStatus)
		if w.Signaled() {
			return 128 + int(w.Signal()), nil
		}
		return w.ExitStatus(), nil
	}
	return 0, err
}

// become turns this process, which is process 1 of its namespace, into the program. It returns only if that fails.
func become() error {
	if err := syscall.Mount("proc", "/proc", "proc", mounts[0].flags, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	b, err := os.ReadFile(arguments)
	if err != nil {
		return err
	}
	argv := strings.Split(string(b), "\x00")
	path := argv[0]
	if filepath.Base(path) == path {
		if path, err = exec.LookPath(path); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w", path, syscall.Exec(path, argv, environment))
}
