package main

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"time"

	"aramid/itest/linuxguest"
)

// missing is a row of testdata/linux.c that a system cannot do.
var missing = regexp.MustCompile(`(?m)^missing .*$`)

const (
	wallRow   = "console_shell"
	debian    = "build/debian-12.erofs"
	target    = "systemd.unit=aramid-console.target"
	wallMem   = 1024 // MiB: Linux unpacks the root there
	wallTries = 3
	wallLimit = 90 * time.Second
	wallMust  = 2.0 // times what Linux takes
	wallAim   = 0.5
)

// wall measures how long Debian's systemd takes on both systems, in turn, from the start of QEMU until the shell of the console target answers.
func wall(dir string) error {
	initrd := filepath.Join(dir, "debian.cpio")
	if err := linuxguest.Initramfs(initrd, debian); err != nil {
		return err
	}
	f := find(against, wallRow)
	var linux, aramid []float64
	for range wallTries {
		cmd, err := linuxguest.Guest{MemMiB: wallMem}.Command(initrd, "rdinit=/sbin/init "+target, "-serial", "stdio")
		if err != nil {
			return err
		}
		ms, err := untilShell(cmd)
		if err != nil {
			return fmt.Errorf("on Linux: %w", err)
		}
		linux = append(linux, ms)
		if ms, err = untilShell(exec.Command("build/aramid", "run", "--accel", "tcg", "--mem", fmt.Sprintf("%dM", wallMem), "--root", debian, "--append", target)); err != nil {
			f.set(median(linux))
			return fmt.Errorf("on Aramid: %w", err)
		}
		aramid = append(aramid, ms)
	}
	f.set(median(linux))
	f.Got, f.Have = median(aramid), true
	return nil
}

// set gives the row its measure: what Linux takes.
func (f *figure) set(linux float64) { f.Linux, f.Must, f.Aim = linux, wallMust*linux, wallAim*linux }

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// prompt is what the shell shows when it waits for a command; the answer cannot be an echo of the question.
const (
	prompt   = "# "
	question = "echo answer$((6*7))\n"
	answer   = "answer42"
	askAgain = time.Second
)

// screen collects what a console shows.
type screen struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = append(s.text, b...)
	return len(b), nil
}

func (s *screen) now() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.text)
}

// untilShell runs a machine whose console is the command's standard files until its shell has answered, and gives the milliseconds that it took.
func untilShell(cmd *exec.Cmd) (float64, error) {
	var s screen
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	cmd.Stdout, cmd.SysProcAttr = &s, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(syscall.SIGTERM)
	asked := time.Time{}
	for time.Since(start) < wallLimit {
		text := s.now()
		if bytes.Contains(text, []byte(answer)) {
			return float64(time.Since(start).Milliseconds()), nil
		}
		if bytes.HasSuffix(text, []byte(prompt)) && time.Since(asked) > askAgain {
			asked = time.Now()
			if _, err := io.WriteString(in, question); err != nil {
				return 0, fmt.Errorf("%w\n%s", err, text)
			}
		}
		time.Sleep(time.Millisecond)
	}
	return 0, fmt.Errorf("no shell answered within %v\n%s", wallLimit, s.now())
}
