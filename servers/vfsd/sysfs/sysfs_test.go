package sysfs

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var machine = Machine{
	CPUs: 2, MaxCPUs: 8, Console: "ttyS0",
	Devices: []Device{{"null", 1, 3, 0o666}, {"zero", 1, 5, 0o666}, {"random", 1, 8, 0o666}, {"tty", 5, 0, 0o666}, {"console", 5, 1, 0o600}, {"ttyS0", 4, 64, 0o660}, {"ptmx", 5, 2, 0o666}, {"kmsg", 1, 11, 0o644}},
}

func nodes() map[string]Node {
	m := map[string]Node{}
	for _, n := range Tree(machine) {
		m[n.Path] = n
	}
	return m
}

func TestEveryNodeIsInADirectoryThatCameBefore(t *testing.T) {
	seen := map[string]uint32{".": unix.S_IFDIR}
	for _, n := range Tree(machine) {
		if seen[path.Dir(n.Path)]&unix.S_IFMT != unix.S_IFDIR {
			t.Errorf("%s has no directory", n.Path)
		}
		if seen[n.Path] != 0 {
			t.Errorf("%s is there twice", n.Path)
		}
		seen[n.Path] = n.Mode
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	all := nodes()
	for p, n := range all {
		if n.Mode&unix.S_IFMT == unix.S_IFLNK && all[path.Join(path.Dir(p), n.Text)].Path == "" {
			t.Errorf("%s leads to %s", p, n.Text)
		}
	}
}

// TestTheSameDevicesAreAsOnTheHost compares what this Linux has too: texts of devices, and links.
func TestTheSameDevicesAreAsOnTheHost(t *testing.T) {
	compared := 0
	for p, n := range nodes() {
		if !strings.HasPrefix(p, "devices/virtual/") && !strings.HasPrefix(p, "class/mem/") && !strings.HasPrefix(p, "dev/char/1:") {
			continue
		}
		host := filepath.Join("/sys", p)
		switch n.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			if to, err := os.Readlink(host); err == nil && to != n.Text {
				t.Errorf("%s leads to %s, on this Linux to %s", p, n.Text, to)
			} else if err == nil {
				compared++
			}
		case unix.S_IFREG:
			if b, err := os.ReadFile(host); err == nil && path.Base(p) != "active" && string(b) != n.Text {
				t.Errorf("%s says %q, on this Linux %q", p, n.Text, b)
			} else if err == nil {
				compared++
			}
		}
	}
	if compared < 10 {
		t.Skipf("this machine has no sysfs to compare with (%d files)", compared)
	}
}
