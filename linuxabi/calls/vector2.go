package calls

import (
	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

// preadv2 and pwritev2 take flags; otherwise they are preadv and pwritev, whose offset −1 means the position.
func preadv2(t *Trap) int64  { return vector2(t, uabi.RightWrite) }
func pwritev2(t *Trap) int64 { return vector2(t, uabi.RightRead) }

// writtenFlags are RWF_HIPRI, RWF_DSYNC and RWF_SYNC: no file has a device behind it to be polled or waited for.
const writtenFlags = 7

func vector2(t *Trap, rights uint32) int64 {
	if t.arg(5)&^writtenFlags != 0 {
		t.gap(t.regs.RAX, "flags")
		return errno(unix.EOPNOTSUPP)
	}
	off := int64(t.arg(3))
	if off < atPosition {
		return errno(unix.EINVAL)
	}
	return vector(t, off, rights)
}
