package system

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostileSkipped rows are not called with bad arguments: what they do to the caller or to the machine is their purpose.
var hostileSkipped = map[string]string{
	"exit": "ends the caller", "exit_group": "ends the caller", "rt_sigreturn": "takes the registers from the stack",
	"fork": "has no arguments", "vfork": "has no arguments", "clone": "the child runs on the bad stack",
	"clock_settime": "sets the machine's clock", "settimeofday": "sets the machine's clock", "vhangup": "hangs up the machine's terminal",
	"swapon": "the machine's", "swapoff": "the machine's", "syslog": "the machine's log",
}

// hostileBase are good arguments, by position, where 0 would be of no use.
var hostileBase = map[string]map[int]int{
	"setrlimit": {0: 4}, "getrlimit": {0: 4}, "prlimit64": {1: 4}, // RLIMIT_CORE
	"ioctl":        {1: 0x541b}, // FIONREAD
	"arch_prctl":   {0: 0x1003}, // ARCH_GET_FS
	"rt_sigaction": {0: 10},
	"mmap":         {3: 2}, // MAP_PRIVATE
	"mremap":       {1: 4096, 2: 8192, 3: 1},
	"munmap":       {1: 4096},
	"msync":        {2: 4},        // MS_SYNC
	"epoll_ctl":    {0: 14, 1: 1}, // EPOLL_FD of hostile.c, EPOLL_CTL_ADD
	"epoll_wait":   {0: 14},
	"epoll_pwait":  {0: 14, 5: 8},
	"epoll_pwait2": {0: 14, 5: 8},
	"getdents64":   {0: 12, 2: 400}, // DIR_FD
	"fchdir":       {0: 12},
	"flock":        {1: 1}, // LOCK_SH
	"fallocate":    {3: 16},
	"waitid":       {3: 4},                                                 // WEXITED
	"sendfile":     {0: 16},                                                // NULL_FD: a file sent to itself grows until nothing is left
	"fsetxattr":    {0: 10}, "fgetxattr": {0: 10}, "fremovexattr": {0: 10}, // FILE_FD
	"clone3":            {1: 64},
	"inotify_add_watch": {0: 10}, // FILE_FD
}

// hostileDiffers are answers that may be others than this Linux's, by row, row and argument, or row, argument and value; and why.
var hostileDiffers = map[string]string{
	"kill 1 -1":                   "reaches whoever there is",
	"execve 2":                    "Linux before 6.8 reads the arguments first, as we do",
	"execve 3":                    "Linux before 6.8 reads the environment first, as we do",
	"execveat 3":                  "Linux before 6.8 reads the arguments first, as we do",
	"execveat 4":                  "Linux before 6.8 reads the environment first, as we do",
	"ioctl 1 epoll":               "Linux before 6.9 has no ioctl of epoll",
	"ioctl 2 -1":                  "the argument is read, as large as the number says, before the file is asked",
	"ioctl 2 2^31-256":            "the argument is read, as large as the number says, before the file is asked",
	"fchmod 1 epoll":              "files without an inode of their own have no mode (docs/caveats.md)",
	"fchmod 1 eventfd":            "files without an inode of their own have no mode (docs/caveats.md)",
	"fchown 1 epoll":              "files without an inode of their own have no owner (docs/caveats.md)",
	"fchown 1 eventfd":            "files without an inode of their own have no owner (docs/caveats.md)",
	"readv 1 directory":           "a read of nothing is asked of the file",
	"preadv 1 directory":          "a read of nothing is asked of the file",
	"preadv2 1 directory":         "a read of nothing is asked of the file",
	"readv 1 eventfd":             "a read of nothing is asked of the file",
	"writev 1 eventfd":            "a write of nothing is asked of the file",
	"preadv2 6":                   "flags are a gap",
	"pwritev2 6":                  "flags are a gap",
	"personality 1":               "other personalities are a gap",
	"clock_adjtime 1":             "clocks of processes are a gap",
	"mremap 3 2^31":               "2 GiB are more than the machine has, which the overcommit heuristic refuses",
	"futex 1 read-only":           "a futex in memory that can only be read is waited for",
	"connect 2":                   "that it is no socket is told first",
	"connect 3":                   "that it is no socket is told first",
	"readahead 3 -1":              "a count that is no count reads nothing",
	"fsetxattr 1 AT_FDCWD":        "Linux before 6.13 says EBADF, as we do",
	"fgetxattr 1 AT_FDCWD":        "Linux before 6.13 says EBADF, as we do",
	"copy_file_range 2 read-only": "that the offset cannot be stored is told first",
	"copy_file_range 4 read-only": "that the offset cannot be stored is told first",
	"mount":                       "which of two errors is told differs",
	"umount2 1 /":                 "here the root is a mount, on Linux it is the directory that the program was locked into",
}

// hostileLevels are compared with Linux; rows of other levels only have to leave everything alive.
var hostileLevels = map[string]bool{"full": true}

// compileHostile makes the program with the table as it is.
func compileHostile(t *testing.T, dir string) map[string]bool {
	t.Helper()
	var table strings.Builder
	compared := map[string]bool{}
	for _, r := range abiTable(t) {
		if r.level == "absent" || r.kinds == "?" || hostileSkipped[r.name] != "" {
			continue
		}
		fmt.Fprintf(&table, "{%s, %q, %q, {", r.nr, r.name, r.kinds)
		for i := range 6 {
			fmt.Fprintf(&table, "%d,", hostileBase[r.name][i])
		}
		table.WriteString("}},\n")
		compared[r.name] = hostileLevels[r.level]
	}
	if err := os.WriteFile(filepath.Join(dir, "table.h"), []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	gcc(t, "-static", "-O1", "-w", "-I", dir, "-o", filepath.Join(dir, "hostile"), "testdata/hostile/hostile.c")
	return compared
}

// inEmpty runs the program on this Linux in an empty directory of its own.
func inEmpty(t *testing.T, exe string, args ...string) result {
	t.Helper()
	return onLinux(t, append([]string{"/usr/bin/env", "-C", t.TempDir(), exe}, args...)...)
}

// Each argument of each row of the table is in turn a bad one: the errors are Linux's, nothing hangs and nobody dies.
func TestBadArgumentsGetLinuxsErrors(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("process 1 of the machine is root, so the program has to be root here too")
	}
	dir := t.TempDir()
	compared := compileHostile(t, dir)
	want, got := inEmpty(t, filepath.Join(dir, "hostile")), run(t, "run", "--root", dir, "--", "/hostile")
	if got.status != 0 || !strings.HasSuffix(strings.TrimSpace(cutCalls(got.out)), "alive") || !strings.Contains(want.out, "\nalive") {
		t.Fatalf("status %d: %s\n%s\non Linux: %d, %s", got.status, tail([]byte(got.out)), got.err, want.status, tail([]byte(want.out)))
	}
	here := answers(got.out)
	lines := 0
	for l := range strings.Lines(want.out) {
		call, answer, ok := strings.Cut(strings.TrimSpace(l), ": ")
		row, rest, _ := strings.Cut(call, " ")
		arg, _, _ := strings.Cut(rest, " ")
		if !ok || !compared[row] || hostileDiffers[row] != "" || hostileDiffers[row+" "+arg] != "" || hostileDiffers[call] != "" {
			continue
		}
		lines++
		if here[call] != answer {
			t.Errorf("%s: %s, on Linux %s", call, here[call], answer)
		}
	}
	for call, answer := range here {
		if strings.Contains(answer, "hangs") || strings.Contains(answer, "ended with") || strings.Contains(answer, "no errno") {
			t.Errorf("%s: %s", call, answer)
		}
	}
	if lines < len(compared) {
		t.Errorf("%d calls were compared, of %d rows", lines, len(compared))
	}
	t.Logf("%d calls of %d rows", lines, len(compared))
}

// cutCalls drops the count of calls, which goes to the console as well.
func cutCalls(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if n := len(lines); n > 0 && strings.HasSuffix(lines[n-1], " calls") {
		lines = lines[:n-1]
	}
	return strings.Join(lines, "\n")
}

// answers maps each call that is printed to what it answered.
func answers(out string) map[string]string {
	all := map[string]string{}
	for l := range strings.Lines(out) {
		if call, answer, ok := strings.Cut(strings.TrimSpace(l), ": "); ok {
			all[call] = answer
		}
	}
	return all
}

// Calls with nothing but bad arguments, by seeds: whatever they answer, nothing hangs, and the machine works afterwards.
func TestCallsWithNothingButBadArgumentsLeaveTheMachineAlive(t *testing.T) {
	const seeds, calls = 1, 6
	soakOfBadArguments(t, newSeed(t)%1e6, seeds, calls)
}

func TestSoakOfBadArguments(t *testing.T) {
	if os.Getenv("ARAMID_SOAK") == "" {
		t.Skip("ARAMID_SOAK=1 runs it")
	}
	const seeds, calls = 10, 50
	seed := newSeed(t) % 1e6
	soakOfBadArguments(t, seed, seeds, calls)
	fmt.Printf("tally: bad arguments: %d seeds from %d, %d calls of each row, failed %v\n", seeds, seed, calls, t.Failed())
}

func soakOfBadArguments(t *testing.T, seed uint64, seeds, calls int) {
	t.Helper()
	dir := t.TempDir()
	compileHostile(t, dir)
	for i := range uint64(seeds) {
		start := time.Now()
		got := run(t, "run", "--root", dir, "--", "/hostile", "random", fmt.Sprint(seed+i), fmt.Sprint(calls))
		if got.status != 0 || !strings.Contains(got.out, "alive") || strings.Contains(got.out, "hangs") {
			t.Errorf("seed %d: status %d\n%s%s", seed+i, got.status, tail([]byte(got.out)), got.err)
		}
		fmt.Printf("bad arguments: %d of %d seeds, the last (%d) in %v\n", i+1, seeds, seed+i, time.Since(start).Round(time.Second))
	}
}
