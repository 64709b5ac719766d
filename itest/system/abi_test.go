package system

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// abiScript runs every program of a directory, each in a directory of its own.
const abiScript = `
for p in $1/*; do
  n=${p##*/}
  echo "=== $n"
  mkdir -p $2/$n && cd $2/$n && $p 2>&1 </dev/null
  echo "=== $n: $?"
done
`

// abiKills are servers with fault plans (docs/servers.md): the first two are always run, the others with ARAMID_SOAK.
var abiKills = []string{"", "vfsd:1:2000", "vfsd:1:300", "procd:3:300", "mmd:4:300", "linuxabi:2:300"}

// The programs of testdata/abi print what Linux's calls answer, a line a call: here and on Aramid the same, also while a server is
// killed every few hundred steps. One machine runs all programs.
func TestSystemCallsAnswerAsOnLinux(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("process 1 of the machine is root, so the programs have to be root here too")
	}
	root := abiRoot(t, "*")
	want := abiOnLinux(t, root)
	kills := abiKills
	if os.Getenv("ARAMID_SOAK") == "" {
		kills = kills[:2]
	}
	for _, plan := range kills {
		t.Run("kills="+plan, func(t *testing.T) {
			args, log := []string{"run", "--root", root}, filepath.Join(t.TempDir(), "log")
			if plan != "" {
				args = append(args, "--append", "aramid.fault="+plan)
			} else {
				args = append(args, "--append", "aramid.strace=first", "--log", log)
			}
			got := run(t, append(args, "--", "/bin/busybox", "sh", "/script", "/abi", "/tmp")...)
			if got.status != 0 {
				t.Errorf("status %d: %s", got.status, got.err)
			}
			compareABI(t, sections(want.out), sections(got.out))
			if plan == "" {
				everyFullRowSucceeded(t, log)
			}
		})
	}
}

// randomPrograms try what seeds give them: as many as is in SEEDS, or a few.
var randomPrograms = map[string]int{"mapping": 200, "elfs": 5000}

func TestSoakOfRandomProgramsAnswersAsOnLinux(t *testing.T) {
	if os.Getenv("ARAMID_SOAK") == "" {
		t.Skip("ARAMID_SOAK=1 runs it")
	}
	for name, seeds := range randomPrograms {
		root := abiRoot(t, name)
		env := fmt.Sprintf("SEEDS=%d", seeds)
		want := abiOnLinux(t, root, env)
		got := run(t, "run", "--root", root, "--env", env, "--", "/bin/busybox", "sh", "/script", "/abi", "/tmp")
		compareABI(t, sections(want.out), sections(got.out))
		fmt.Printf("tally: %s: %d seeds, failed %v\n", name, seeds, t.Failed())
	}
}

// abiRoot is a root with the programs whose sources match, and the script that runs them.
func abiRoot(t *testing.T, match string) string {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{root, filepath.Dir(root)} { // programs that become other users execute what is below
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	busybox(t, root)
	compileABI(t, filepath.Join(root, "abi"), match)
	if err := os.WriteFile(filepath.Join(root, "script"), []byte(abiScript), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// abiOnLinux runs a root's programs on this machine, with words for their environment.
func abiOnLinux(t *testing.T, root string, env ...string) result {
	t.Helper()
	args := append([]string{"/usr/bin/env"}, env...)
	return onLinux(t, append(args, "/bin/busybox", "sh", filepath.Join(root, "script"), filepath.Join(root, "abi"), t.TempDir())...)
}

// tracedCall is a line of aramid.strace=first: the name, and the result unless the call was handed on or has none.
var tracedCall = regexp.MustCompile(`^linuxabi: \[\d+\] (\w+)\(.*\) (?:…|= (\S+))`)

// everyFullRowSucceeded reads the log of a traced run: no row of the table is full that no program called with success.
func everyFullRowSucceeded(t *testing.T, log string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	succeeded := map[string]bool{}
	for l := range strings.Lines(string(text)) {
		if m := tracedCall.FindStringSubmatch(l); m != nil && m[2] != "-1" {
			succeeded[m[1]] = true
		}
	}
	for _, r := range abiTable(t) {
		if r.level == "full" && !succeeded[r.name] {
			t.Errorf("%s is full in the table, but no program called it with success", r.name)
		}
	}
}

// abiRow is a line of linuxabi/abitable.
type abiRow struct{ nr, name, level, kinds string }

// abiTable is linuxabi's table of system calls.
func abiTable(t *testing.T) []abiRow {
	t.Helper()
	out, err := exec.Command("go", "run", "aramid/linuxabi/abitable").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []abiRow
	for l := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		all = append(all, abiRow{f[0], f[1], f[2], f[3]})
	}
	return all
}

// compileABI compiles those of testdata/abi/*.c that match statically into dir.
func compileABI(t *testing.T, dir, match string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("testdata/abi/" + match + ".c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, s := range sources {
		exe := filepath.Join(dir, strings.TrimSuffix(filepath.Base(s), ".c"))
		if out, err := exec.Command("gcc", "-static", "-O1", "-w", "-fuse-ld=gold", "-o", exe, s).CombinedOutput(); err != nil {
			t.Fatalf("gcc %s: %v\n%s", s, err, out)
		}
	}
}

// sections splits the script's output into the lines of each program.
func sections(out string) map[string][]string {
	s := map[string][]string{}
	name := ""
	for l := range strings.SplitSeq(out, "\n") {
		if title, ok := strings.CutPrefix(l, "=== "); ok {
			name, _, _ = strings.Cut(title, ":")
		}
		s[name] = append(s[name], l)
	}
	return s
}

// compareABI reports the lines that differ, program by program.
func compareABI(t *testing.T, want, got map[string][]string) {
	t.Helper()
	for name, lines := range want {
		here := got[name]
		for i, l := range lines {
			switch {
			case i >= len(here):
				t.Errorf("%s: nothing after line %d, where Linux says %q", name, i, l)
			case here[i] != l:
				t.Errorf("%s, line %d: %q, on Linux %q", name, i+1, here[i], l)
				continue
			default:
				continue
			}
			break
		}
	}
}
