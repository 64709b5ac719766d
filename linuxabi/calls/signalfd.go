package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func signalfd(t *Trap) int64  { return t.signalfd(0) }
func signalfd4(t *Trap) int64 { return t.signalfd(t.arg32(3)) }

func (t *Trap) signalfd(flags int32) int64 {
	if t.arg(2) != sigsetSize {
		return errno(unix.EINVAL)
	}
	mask, e := t.sigset(t.arg(1))
	if e != 0 {
		return e
	}
	if flags&^(unix.SFD_CLOEXEC|unix.SFD_NONBLOCK) != 0 {
		return errno(unix.EINVAL)
	}
	in := vfs.SignalfdRequest{Mask: mask, Nonblock: flags&unix.SFD_NONBLOCK != 0}
	fd := t.arg32(0)
	if fd != -1 {
		h, kind, e := t.opened(fd)
		if e != 0 {
			return e
		}
		if kind != vfs.Kind_SIGNAL {
			return errno(unix.EINVAL)
		}
		in.File = uint32(h)
	}
	var out vfs.OpenReply
	if err := t.l.vfs.Signalfd(t, &in, &out); err != uabi.OK || fd != -1 {
		return t.result(int64(fd), err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), flags&unix.SFD_CLOEXEC != 0)
}
