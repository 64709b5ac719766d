package calls

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
)

// abiDoc is the page that lists the table.
const abiDoc = "../../docs/linux-abi.md"

// page is the table as a page.
func page() string {
	var b strings.Builder
	count := [Full + 1]int{}
	for nr := range table {
		if abi.Name(uint64(nr)) != fmt.Sprintf("syscall_%d", nr) {
			count[table[nr].level]++
		}
	}
	b.WriteString("# The system calls of x86-64 and how far each is built\n\nWritten from `linuxabi/calls/table.go` by `ARAMID_UPDATE=1 go test ./linuxabi/calls -run Page`; " +
		"a test keeps it current, and another demands a differential case of each full row.\n\n")
	fmt.Fprintf(&b, "%d full, %d partial, %d absent. A partial one answers an honest errno for what it lacks; each such use, and each of an absent one, is counted (`aramid gaps`).\n\n",
		count[Full], count[Partial], count[Absent])
	b.WriteString("| number | call | level | what it lacks, or answers |\n| --- | --- | --- | --- |\n")
	for nr := range table {
		r, name := &table[nr], abi.Name(uint64(nr))
		if name == fmt.Sprintf("syscall_%d", nr) {
			continue
		}
		level, what := "full", ""
		switch r.level {
		case Partial:
			level, what = "partial", r.gap
		case Absent:
			level, what = "absent", unix.ErrnoName(unix.ENOSYS)
			if r.errno != 0 {
				what = unix.ErrnoName(r.errno)
			}
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", nr, name, level, what)
	}
	return b.String()
}

func TestThePageListsTheTable(t *testing.T) {
	if os.Getenv("ARAMID_UPDATE") != "" {
		if err := os.WriteFile(abiDoc, []byte(page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(abiDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != page() {
		t.Errorf("%s is not current: ARAMID_UPDATE=1 go test ./linuxabi/calls -run Page", abiDoc)
	}
}
