package qemu

import (
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
