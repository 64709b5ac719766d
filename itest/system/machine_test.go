package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// top is the repository's root, aramid the command under test.
const (
	top    = "../.."
	aramid = top + "/build/aramid"
	// limit is how long one machine may run, and soakLimit with the long counts. TCG on a busy host is slow; a hang is a failure all the same.
	limit     = 4 * time.Minute
	soakLimit = 20 * time.Minute
	// leftoverTime is how long the output of an ended program may stay open.
	leftoverTime = 5 * time.Second
)

func TestMain(m *testing.M) {
	if out, err := exec.Command("make", "-C", top, "image").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "make image: %v\n%s", err, out)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// result is what a run printed and how it ended.
type result struct {
	out, err string
	status   int
}

// run runs build/aramid with the arguments and waits for its end.
func run(t *testing.T, args ...string) result {
	t.Helper()
	return execute(t, exec.Command(aramid, args...))
}

// onLinux runs the program itself, on this machine, with the priority that programs have on Aramid.
func onLinux(t *testing.T, args ...string) result {
	t.Helper()
	const plain = `renice -n 0 -p $$ >/dev/null 2>&1; exec "$@"`
	return execute(t, exec.Command("/bin/sh", append([]string{"-c", plain, "sh"}, args...)...))
}

func execute(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	limit := limit
	if os.Getenv("ARAMID_SOAK") != "" {
		limit = soakLimit
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	timed := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	timed.Env = cmd.Env
	timed.WaitDelay = leftoverTime // what a program left running may hold its output open
	var out, errOut bytes.Buffer
	timed.Stdin, timed.Stdout, timed.Stderr = cmd.Stdin, &out, &errOut
	err := timed.Run()
	if ctx.Err() != nil {
		t.Fatalf("%v: nothing after %v\noutput: %s\n%s", cmd.Args, limit, out.String(), errOut.String())
	}
	r := result{out: out.String(), err: errOut.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.status = exit.ExitCode()
	case err != nil:
		t.Fatal(err)
	}
	return r
}

// program compiles testdata/NAME.c statically into dir.
func program(t *testing.T, dir, name string) string {
	t.Helper()
	exe := filepath.Join(dir, name)
	out, err := exec.Command("gcc", "-static", "-O2", "-Wall", "-Werror", "-o", exe, "testdata/"+name+".c").CombinedOutput()
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return exe
}

// goProgram compiles testdata/NAME as a static Go program into dir.
func goProgram(t *testing.T, dir, name string) string {
	t.Helper()
	exe := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-o", exe, "./testdata/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return exe
}

// busybox puts Debian's static busybox into dir/bin.
func busybox(t *testing.T, dir string) {
	t.Helper()
	b, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("%v: run make deps", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/busybox"), b, 0o755); err != nil {
		t.Fatal(err)
	}
}

// runWithInput is run with text on standard input.
func runWithInput(t *testing.T, input string, args ...string) result {
	t.Helper()
	cmd := exec.Command(aramid, args...)
	cmd.Stdin = strings.NewReader(input)
	return execute(t, cmd)
}
