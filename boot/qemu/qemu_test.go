package qemu

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// What the kernel would cut off, or QEMU's loader not pass, is refused.
func TestALineThatTheKernelDoesNotReadWholeIsRefused(t *testing.T) {
	m := Machine{Append: strings.Repeat("x", maxLine-len(words)-1)}
	args, err := m.Args()
	if err != nil || !slices.ContainsFunc(args, func(a string) bool { return len(a) == maxLine }) {
		t.Errorf("a line of %d bytes: %v", maxLine, err)
	}
	m.Append += "x"
	if _, err := m.Args(); err == nil {
		t.Errorf("a line of %d bytes is not refused", maxLine+1)
	}
}

// Processors that cannot all run at once take turns; others have a thread each.
func TestMoreProcessorsThanCoresShareAThread(t *testing.T) {
	for _, c := range []struct {
		accel string
		cpus  int
		want  string
	}{
		{"tcg", 1, "tcg"},
		{"tcg", runtime.GOMAXPROCS(0), "tcg"},
		{"tcg", runtime.GOMAXPROCS(0) + 1, oneThread},
		{"kvm", runtime.GOMAXPROCS(0) + 1, "kvm"},
	} {
		args, err := (&Machine{Accel: c.accel, CPUs: c.cpus}).Args()
		if i := slices.Index(args, "-accel"); err != nil || args[i+1] != c.want {
			t.Errorf("%s with %d processors: %v, %v", c.accel, c.cpus, args, err)
		}
	}
}
