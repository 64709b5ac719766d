package system

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// What testdata/oom/oom.c prints on a machine whose memory ends twice.
const oomWant = `small: exited 5
exempt is alive
big: signal 9
greedy: signal 9
marked: signal 9
exempt is alive
after is alive
`

// Linux's choice of who is killed is one of a whole machine, so it is not run here, but said: the process with the most memory, after what
// oom_score_adj adds (proc(5)), whoever asked for the last page.
func TestWhenMemoryEndsTheLargestProcessIsKilledAndTheOthersGoOn(t *testing.T) {
	dir := t.TempDir()
	gcc(t, "-static", "-O1", "-w", "-o", filepath.Join(dir, "oom"), "testdata/oom/oom.c")
	log := filepath.Join(t.TempDir(), "log")
	got := run(t, "run", "--root", dir, "--mem", "256M", "--log", log, "--", "/oom", "256")
	if got.status != 0 || got.out != oomWant {
		t.Errorf("status %d, %s\n%s", got.status, got.out, got.err)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"big", "marked", "greedy"} {
		if !regexp.MustCompile(`Out of memory: Killed process \d+ \(` + name + `\) total-vm:\d+kB, anon-rss:\d+kB`).Match(text) {
			t.Errorf("the log does not say that %s was killed:\n%s", name, tail(text))
		}
	}
}
