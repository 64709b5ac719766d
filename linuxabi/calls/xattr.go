package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Limits of extended attributes (linux/limits.h).
const (
	maxXattrName  = 255
	maxXattrValue = 65536
	// mostXattr is what a message to vfsd carries of a value; no file holds more.
	mostXattr = 60 << 10
)

func getxattr(t *Trap) int64    { return t.getXattr(t.xattrAt(0)) }
func lgetxattr(t *Trap) int64   { return t.getXattr(t.xattrAt(unix.AT_SYMLINK_NOFOLLOW)) }
func fgetxattr(t *Trap) int64   { return t.getXattr(t.xattrOf()) }
func setxattr(t *Trap) int64    { return t.setXattr(t.xattrAt(0)) }
func lsetxattr(t *Trap) int64   { return t.setXattr(t.xattrAt(unix.AT_SYMLINK_NOFOLLOW)) }
func fsetxattr(t *Trap) int64   { return t.setXattr(t.xattrOf()) }
func listxattr(t *Trap) int64   { return t.listXattr(t.xattrAt(0)) }
func llistxattr(t *Trap) int64  { return t.listXattr(t.xattrAt(unix.AT_SYMLINK_NOFOLLOW)) }
func flistxattr(t *Trap) int64  { return t.listXattr(t.xattrOf()) }
func removexattr(t *Trap) int64 { return t.removeXattr(t.xattrAt(0)) }
func lremovexattr(t *Trap) int64 {
	return t.removeXattr(t.xattrAt(unix.AT_SYMLINK_NOFOLLOW))
}
func fremovexattr(t *Trap) int64 { return t.removeXattr(t.xattrOf()) }

// xattrAt is a request about the path in argument 0, xattrOf one about the descriptor there.
func (t *Trap) xattrAt(flags uint32) (*vfs.XattrRequest, int64) {
	path, e := t.path(t.arg(0), false)
	return &vfs.XattrRequest{Path: path, Flags: flags}, e
}

func (t *Trap) xattrOf() (*vfs.XattrRequest, int64) {
	h, _, e := t.opened(t.arg32(0))
	return &vfs.XattrRequest{Flags: unix.AT_EMPTY_PATH, Dir: uint32(h)}, e
}

// xattrName reads the name in argument 1.
func (t *Trap) xattrName(in *vfs.XattrRequest) (e int64) {
	name, e := t.path(t.arg(1), true)
	switch {
	case e == errno(unix.ENAMETOOLONG), e == 0 && (name == "" || len(name) > maxXattrName):
		return errno(unix.ERANGE)
	case e != 0:
		return e
	}
	in.Name = name
	return 0
}

func (t *Trap) getXattr(in *vfs.XattrRequest, e int64) int64 {
	if e == 0 {
		e = t.xattrName(in)
	}
	if e != 0 {
		return e
	}
	return t.readXattr(in, t.arg(2), t.arg(3))
}

func (t *Trap) listXattr(in *vfs.XattrRequest, e int64) int64 {
	if e != 0 {
		return e
	}
	return t.readXattr(in, t.arg(1), t.arg(2))
}

// readXattr gives an attribute's value or the names of all; of size 0 only how long that is.
func (t *Trap) readXattr(in *vfs.XattrRequest, va, size uint64) int64 {
	var out vfs.XattrReply
	if err := t.l.vfs.XattrGet(t, in, &out); err != uabi.OK {
		return t.status(err)
	}
	if n := uint64(len(out.Value)); size != 0 {
		if n > size {
			return errno(unix.ERANGE)
		}
		if e := t.write(va, out.Value); e != 0 {
			return e
		}
	}
	return int64(len(out.Value))
}

func (t *Trap) setXattr(in *vfs.XattrRequest, e int64) int64 {
	in.Mode = uint32(t.arg(4))
	if in.Mode&^uint32(unix.XATTR_CREATE|unix.XATTR_REPLACE) != 0 {
		return errno(unix.EINVAL)
	}
	if e == 0 {
		e = t.xattrName(in)
	}
	if e != 0 {
		return e
	}
	size := t.arg(3)
	if size > maxXattrValue {
		return errno(unix.E2BIG)
	}
	if size > mostXattr {
		return errno(unix.ENOSPC)
	}
	in.Value = make([]byte, size)
	if e := t.read(t.arg(2), in.Value); e != 0 {
		return e
	}
	return t.status(t.l.vfs.XattrSet(t, in, &vfs.EmptyReply{}))
}

func (t *Trap) removeXattr(in *vfs.XattrRequest, e int64) int64 {
	if e == 0 {
		e = t.xattrName(in)
	}
	if e != 0 {
		return e
	}
	in.Remove = true
	return t.status(t.l.vfs.XattrSet(t, in, &vfs.EmptyReply{}))
}
