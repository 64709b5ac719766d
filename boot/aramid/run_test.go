package main

import (
	"slices"
	"testing"
)

func TestAppendedWordsThatAreNotTheKernelsGoBehindOurs(t *testing.T) {
	kernel, rest := splitAppend("systemd.unit=x  trace=on aramid.strace=on cpus=2 quiet")
	if !slices.Equal(kernel, []string{"trace=on", "cpus=2"}) || !slices.Equal(rest, []string{"systemd.unit=x", "aramid.strace=on", "quiet"}) {
		t.Errorf("%q %q", kernel, rest)
	}
}
