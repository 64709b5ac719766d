package procfs

import (
	"regexp"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEveryNameLeadsToItsNodeAndBack(t *testing.T) {
	const base, pid = 1 << 62, 77
	var walk func(n Node)
	seen := map[Node]bool{}
	walk = func(n Node) {
		if got := FromNumber(n.Number(base)); got != n {
			t.Errorf("%+v comes back as %+v", n, got)
		}
		for _, e := range Children(n) {
			c := e.Node
			if seen[c] {
				t.Errorf("%+v has two names", c)
			}
			seen[c] = true
			if Name(c) != e.Name || Mode(c) != e.Mode || Parent(c) != n {
				t.Errorf("%s below %+v: named %q, mode %o, parent %+v", e.Name, n, Name(c), Mode(c), Parent(c))
			}
			if e.Mode&unix.S_IFMT == unix.S_IFDIR && (c.Kind != PidNsDir || c.N == 0) { // a thread's has the process's links
				walk(c)
			}
		}
	}
	walk(Node{Kind: Root})
	walk(Node{Kind: PidDir, Pid: pid})
	walk(Node{Kind: TidDir, Pid: pid, N: pid + 1})
	if len(seen) < 30 {
		t.Errorf("only %d nodes", len(seen))
	}
}

func TestAUUIDIsOfVersionFour(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\n$`)
	for _, b := range [][]byte{make([]byte, 16), {255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 245, 244, 243, 242, 241, 240}} {
		if u := UUID(b); !form.MatchString(u) {
			t.Errorf("%q", u)
		}
	}
}
