package system

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAStaticCProgramPrintsAndItsStatusIsAramids(t *testing.T) {
	dir := t.TempDir()
	exe := program(t, dir, "hello")
	want := onLinux(t, exe, "one", "two")
	got := run(t, "run", "--root", dir, "--", "/hello", "one", "two")
	if got.out != strings.Replace(want.out, exe, "/hello", 1) || got.status != want.status {
		t.Errorf("got %+v, on Linux %+v", got, want)
	}
}

func TestAStaticGoProgramRuns(t *testing.T) {
	dir := t.TempDir()
	exe := goProgram(t, dir, "gohello")
	want := onLinux(t, "/usr/bin/env", "WHO=me", exe, "a")
	got := run(t, "run", "--smp", "2", "--env", "WHO=me", "--root", dir, "--", "/gohello", "a")
	if got.out != want.out || got.status != want.status {
		t.Errorf("got %+v, on Linux %+v", got, want)
	}
}

// shellScripts run in busybox's sh here and there.
var shellScripts = []string{
	`echo hello; exit 3`,
	`for i in 1 2 3; do echo $i; done; echo $((6*7))`,
	`echo one | cat | tr a-z A-Z`,
	`d=/tmp/first.$$; mkdir $d && cd $d && echo text >f && cat f && ls && rm f && cd / && rmdir $d`,
	`(exit 4); echo $?; false || echo or; true && echo and`,
	`x=$(echo sub; echo two); echo "$x"; set -- a b c; echo $# $2`,
	`sleep 0.1 & wait $!; echo waited $?`,
	`cat <<END
here $((1+1))
END`,
	`f() { echo in f $1; return 9; }; f x; echo $?`,
	`trap 'echo term; exit 6' TERM; kill -TERM $$; echo not reached`,
	`sh -c 'kill -9 $$'; echo $?`,
	`f=/tmp/first.$$; echo a >$f; echo b >>$f; wc -l <$f; head -n 1 $f; rm $f`,
	`ls /nonexistent 2>/dev/null; echo $?; printf '%05d\n' 42`,
	`seq 1 1000 | sort -rn | head -n 3; seq 1 100 | grep -c 7`,
}

func TestBusyboxShellDoesWhatItDoesOnLinux(t *testing.T) {
	dir := t.TempDir()
	busybox(t, dir)
	for _, s := range shellScripts {
		want := onLinux(t, "/bin/sh", "-c", `exec 2>&1; exec /bin/busybox sh -c "$0"`, s) // the console takes both
		got := run(t, "run", "--root", dir, "--", "/bin/busybox", "sh", "-c", s)
		if got.out != want.out || got.status != want.status {
			t.Errorf("%s\ngot %+v\non Linux %+v", s, got, want)
		}
	}
}

func TestAProgramReadsWhatProgramsMissed(t *testing.T) {
	dir := t.TempDir()
	busybox(t, dir)
	got := run(t, "run", "--root", dir, "--", "/bin/busybox", "sh", "-c", "cat /proc/aramid/gaps; cat /proc/aramid/gaps")
	m := regexp.MustCompile(`(?s)^ +(\d+) rseq: absent\n.* (\d+) rseq: absent\n`).FindStringSubmatch(got.out) // each C program tries it when it starts
	if got.status != 0 || m == nil || m[2] <= m[1] {
		t.Errorf("got %+v", got)
	}
}

func TestWhatCannotRunIsAClearLineAndANonZeroStatus(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{"text": {"this is no program\n", 0o755}, "locked": {"x", 0o644}, "cut": {"\x7fELF\x02\x01\x01", 0o755}} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args   []string
		status int
		word   string
	}{
		{[]string{"--root", dir, "--", "/absent"}, 127, "/absent"},
		{[]string{"--root", dir, "--", "/text"}, 126, "/text"},
		{[]string{"--root", dir, "--", "/locked"}, 126, "/locked"},
		{[]string{"--root", dir, "--", "/cut"}, 126, "/cut"},
		{[]string{"--root", filepath.Join(dir, "nothing"), "--", "/x"}, 125, "nothing"},
		{[]string{"--root", filepath.Join(dir, "text"), "--", "/x"}, 125, "neither a directory nor"},
		{[]string{"--root", dir, "--append", "trace=loud", "--", "/x"}, 3, "trace=loud"},
		{[]string{"--root", dir, "--append", "frobnicate=1", "--", "/x"}, 127, "/x"}, // init's word, as on Linux
		{[]string{"--mem", "much"}, 2, "much"},
		{[]string{"--accel", "warp"}, 2, "warp"},
		{[]string{"--mem", "8M", "--root", dir, "--", "/x"}, -1, "memory"},
		{[]string{"--smp", "99"}, 2, "1 to 8"},
		{[]string{"--no-such-flag"}, 2, "no-such-flag"},
	} {
		got := run(t, append([]string{"run"}, c.args...)...)
		if got.status == 0 || c.status > 0 && got.status != c.status || !strings.Contains(got.err, c.word) {
			t.Errorf("%v: status %d (want %d), %q", c.args, got.status, c.status, got.err)
		}
	}
}

func TestStandardInputReachesTheProgramAndEnds(t *testing.T) {
	dir := t.TempDir()
	busybox(t, dir)
	got := runWithInput(t, "first\nsecond\n", "run", "--root", dir, "--", "/bin/busybox", "sed", "s/^/> /")
	if got.out != "> first\n> second\n" || got.status != 0 {
		t.Errorf("got %+v", got)
	}
}
