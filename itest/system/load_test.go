package system

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// exact counters are after the load what they were before it, to the last one. The native threads of the servers come and go with Go's runtime.
var exact = []string{"handles", "spaces", "endpoints", "badges", "events", "waitsets", "timers", "memories", "processes", "accounts",
	"mmd.handles", "procd.handles", "vfsd.handles", "netd.handles", "linuxabi.handles"}

// slack is by how many frames more than before may be in use, beside the servers' own, whose heaps breathe.
const slack = 256

// counters asks a running machine.
func counters(t *testing.T, vm string) map[string]int {
	t.Helper()
	out, err := exec.Command(aramid, "info", "--vm", vm).Output()
	if err != nil {
		t.Fatalf("info: %v", err)
	}
	all := map[string]int{}
	for l := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(l), "=")
		if all[name], err = strconv.Atoi(value); err != nil {
			t.Fatalf("info: %q", l)
		}
		if strings.HasSuffix(name, ".frames") {
			all["servers"] += all[name]
		}
	}
	return all
}

// Forks, pipes, files and epoll members leave nothing behind: not a process, inode, handle, object or frame.
func TestLoadLeavesNothingBehind(t *testing.T) {
	rounds, n := 2, 1
	limit := killLimit
	if os.Getenv("ARAMID_SOAK") != "" {
		rounds, n, limit = 3, 16, time.Hour
	}
	dir := t.TempDir()
	program(t, dir, "load")
	name := fmt.Sprintf("load%d", os.Getpid())
	cmd := exec.Command(aramid, "run", "--name", name, "--root", dir, "--", "/load", fmt.Sprint(n))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out watched
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	// quiet waits for the nth line of the program, and then until nothing is on its way any more.
	quiet := func(n int) (string, map[string]int) {
		t.Helper()
		for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
			if lines := strings.Split(out.String(), "\n"); len(lines) > n {
				time.Sleep(300 * time.Millisecond)
				return lines[n-1], counters(t, name)
			}
			if time.Now().After(end) {
				t.Fatalf("nothing after %v: %q\n%s", limit, out.String(), log.String())
			}
		}
	}
	said, before := quiet(1)
	if said == "" || !strings.HasPrefix(said, "quiet: 1 processes") {
		t.Fatalf("the program says %q", said)
	}
	for i := range rounds {
		io.WriteString(in, "\n")
		got, after := quiet(2 + i)
		if got != said {
			t.Errorf("round %d: %q, before: %q", i+1, got, said)
		}
		for _, c := range exact {
			if after[c] != before[c] {
				t.Errorf("round %d: %d %s, before: %d", i+1, after[c], c, before[c])
			}
		}
		used := func(m map[string]int) int { return m["total"] - m["free"] - m["servers"] }
		if more := used(after) - used(before); more > slack {
			t.Errorf("round %d: %d frames more than before are in use", i+1, more)
		} else {
			t.Logf("round %d: %+d frames", i+1, more)
		}
	}
	in.Close()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != endStatus {
		t.Errorf("%v: %s", err, log.String())
	}
}
