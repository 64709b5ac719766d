package procfs

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Escape writes a path as /proc/mounts does: white space and backslashes in octal.
func Escape(s string) string {
	if !strings.ContainsAny(s, " \t\n\\") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\\':
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// MountOptions writes MS_* flags as mount(8) does.
func MountOptions(flags uint64) string {
	o := "rw"
	if flags&unix.MS_RDONLY != 0 {
		o = "ro"
	}
	for _, f := range []struct {
		bit  uint64
		name string
	}{{unix.MS_NOSUID, "nosuid"}, {unix.MS_NODEV, "nodev"}, {unix.MS_NOEXEC, "noexec"}, {unix.MS_NOATIME, "noatime"}, {unix.MS_RELATIME, "relatime"}} {
		if flags&f.bit != 0 {
			o += "," + f.name
		}
	}
	return o
}
