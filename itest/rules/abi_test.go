package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// caseLine is where a differential test begins a case: its title and the rows of the system call table whose effect it observes.
var caseLine = regexp.MustCompile(`CASE\("([^"]+)",\s*"([^"]*)"\)`)

// leastCases is how many there have to be (DESIGN §9, issue 3).
const leastCases = 120

// abiRow is a line of linuxabi/abitable.
type abiRow struct{ name, level, kinds string }

func abiRows(t *testing.T) map[string]abiRow {
	t.Helper()
	out, err := exec.Command("go", "run", "aramid/linuxabi/abitable").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]abiRow{}
	for l := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		all[f[1]] = abiRow{f[1], f[2], f[3]}
	}
	return all
}

func TestEachFullSystemCallHasADifferentialCase(t *testing.T) {
	rows := abiRows(t)
	files, err := filepath.Glob("../system/testdata/abi/*.c")
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	titles, covered := map[string]string{}, map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range caseLine.FindAllStringSubmatch(string(text), -1) {
			if at, ok := titles[m[1]]; ok {
				t.Errorf("%q is a case of %s and of %s", m[1], at, f)
			}
			titles[m[1]] = f
			for row := range strings.FieldsSeq(m[2]) {
				if r, ok := rows[row]; !ok || r.level == "absent" {
					t.Errorf("%s: %q says that it covers %s, which the table does not have", f, m[1], row)
				}
				covered[row] = true
			}
		}
	}
	for name, r := range rows {
		if r.level == "full" && !covered[name] {
			t.Errorf("%s is full in linuxabi/calls/table.go, but no CASE of itest/system/testdata/abi/*.c names it: show there what it does", name)
		}
		if r.level != "absent" && r.kinds == "?" {
			t.Errorf("linuxabi/strace does not know the arguments of %s", name)
		}
	}
	if len(titles) < leastCases {
		t.Errorf("%d cases, want %d", len(titles), leastCases)
	}
	t.Logf("%d cases", len(titles))
}
