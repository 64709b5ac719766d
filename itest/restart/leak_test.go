package restart

import (
	"strconv"
	"strings"
	"testing"

	"aramid/ukernel/uabi"
)

// counters reads the answer to info.
func counters(t *testing.T, info string) map[string]uint64 {
	t.Helper()
	all := map[string]uint64{}
	for _, f := range strings.Fields(info) {
		name, value, _ := strings.Cut(f, "=")
		all[name] = parse(t, value)
	}
	return all
}

// leaks compares two answers to info, taken when nothing was going on. Threads come and go with each image's Go runtime.
func leaks(t *testing.T, before, after string) bool {
	t.Helper()
	b, a := counters(t, before), counters(t, after)
	bad := false
	for name, n := range b {
		switch name {
		case "free", "kernel", typeName(uabi.TypeThread):
			continue
		}
		if a[name] != n {
			t.Errorf("%s: %d before, %d after", name, n, a[name])
			bad = true
		}
	}
	return bad
}

// typeName is a type's name in the answer to info.
func typeName(ty uabi.Type) string { return "type" + strconv.Itoa(int(ty)) }
