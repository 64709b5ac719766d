package procfs

import (
	"fmt"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
)

// MapsLine is one line of /proc/PID/maps.
func MapsLine(r *mm.Region, dev string, ino uint64, name string) string {
	perm := []byte("---p")
	for i, bit := range []uint32{unix.PROT_READ, unix.PROT_WRITE, unix.PROT_EXEC} {
		if r.Prot&bit != 0 {
			perm[i] = "rwx"[i]
		}
	}
	if r.Shared {
		perm[3] = 's'
	}
	line := fmt.Sprintf("%08x-%08x %s %08x %s %d", r.Addr, r.Addr+r.Len, perm, r.Offset, dev, ino)
	if name == "" {
		return line + " \n"
	}
	return fmt.Sprintf("%-72s %s\n", line, name)
}
