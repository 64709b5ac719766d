package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func inotifyInit(t *Trap) int64  { return t.inotify(0) }
func inotifyInit1(t *Trap) int64 { return t.inotify(t.arg32(0)) }

func (t *Trap) inotify(flags int32) int64 {
	if flags&^(unix.IN_CLOEXEC|unix.IN_NONBLOCK) != 0 {
		return errno(unix.EINVAL)
	}
	var out vfs.OpenReply
	if err := t.l.vfs.Inotify(t, &vfs.InotifyRequest{Nonblock: flags&unix.IN_NONBLOCK != 0}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), flags&unix.IN_CLOEXEC != 0)
}

// inotifyBits is ALL_INOTIFY_BITS: a mask with none of them asks for nothing.
const inotifyBits = unix.IN_ALL_EVENTS | unix.IN_UNMOUNT | unix.IN_Q_OVERFLOW | unix.IN_IGNORED | unix.IN_ONLYDIR | unix.IN_DONT_FOLLOW |
	unix.IN_EXCL_UNLINK | unix.IN_MASK_ADD | unix.IN_ISDIR | unix.IN_ONESHOT | 0x10000000

func inotifyAddWatch(t *Trap) int64 {
	in := vfs.InotifyAddRequest{Mask: uint32(t.arg(2))}
	if in.Mask&inotifyBits == 0 {
		return errno(unix.EINVAL)
	}
	f, e := t.inotifyFile()
	if e != 0 {
		return e
	}
	if in.Path, e = t.path(t.arg(1), false); e != 0 {
		return e
	}
	var out vfs.CountReply
	err := f.InotifyAdd(t, &in, &out)
	return t.result(out.Count, err)
}

func inotifyRmWatch(t *Trap) int64 {
	f, e := t.inotifyFile()
	if e != 0 {
		return e
	}
	return t.status(f.InotifyRemove(t, &vfs.InotifyRemoveRequest{Wd: t.arg32(1)}, &vfs.EmptyReply{}))
}

// inotifyFile is the first argument. EINVAL: it is another file.
func (t *Trap) inotifyFile() (vfs.Client, int64) {
	h, kind, e := t.opened(t.arg32(0))
	if e == 0 && kind != vfs.Kind_INOTIFY {
		e = errno(unix.EINVAL)
	}
	return vfs.Client{H: h}, e
}
