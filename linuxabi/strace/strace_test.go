package strace

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestCallsLookAsStraceWritesThem(t *testing.T) {
	str := func(va uint64) (string, bool) { return "/a\nb", va == 0x1000 }
	cwd := int64(unix.AT_FDCWD)
	for _, c := range []struct {
		nr   uint64
		args [6]uint64
		want string
	}{
		{unix.SYS_OPENAT, [6]uint64{uint64(cwd), 0x1000, 0x241, 0o644}, `openat(AT_FDCWD, "/a\nb", 0x241, 0644)`},
		{unix.SYS_OPENAT, [6]uint64{3, 0x2000, 0, 0}, `openat(3, 0x2000, 0x0, 0)`},
		{unix.SYS_WRITE, [6]uint64{1, 0, 5}, `write(1, NULL, 5)`},
		{unix.SYS_GETPID, [6]uint64{9}, `getpid()`},
		{999, [6]uint64{1, 2, 3, 4, 5, 6}, `syscall_999(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)`},
	} {
		if got := Format(c.nr, c.args, str); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
