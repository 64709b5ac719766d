package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func chmod(t *Trap) int64 { return t.setMode(cwd, t.arg(0), t.arg(1)) }
func fchmodat(t *Trap) int64 {
	return t.setMode(t.arg32(0), t.arg(1), t.arg(2))
}
func fchmod(t *Trap) int64 {
	mode := uint32(t.arg(1)) & 0o7777
	return t.setFD(t.arg32(0), &vfs.SetRequest{Mode: &mode})
}

func (t *Trap) setMode(dirfd int32, va, mode uint64) int64 {
	m := uint32(mode) & 0o7777
	return t.set(dirfd, va, 0, &vfs.SetRequest{Mode: &m})
}

func chown(t *Trap) int64 { return t.chown(cwd, t.arg(0), t.arg(1), t.arg(2), 0) }
func lchown(t *Trap) int64 {
	return t.chown(cwd, t.arg(0), t.arg(1), t.arg(2), unix.AT_SYMLINK_NOFOLLOW)
}
func fchownat(t *Trap) int64 {
	if t.arg(4)&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return errno(unix.EINVAL)
	}
	return t.chown(t.arg32(0), t.arg(1), t.arg(2), t.arg(3), uint32(t.arg(4)))
}
func fchown(t *Trap) int64 { return t.setFD(t.arg32(0), owner(t.arg(1), t.arg(2))) }

func (t *Trap) chown(dirfd int32, va, uid, gid uint64, flags uint32) int64 {
	return t.set(dirfd, va, flags, owner(uid, gid))
}

// owner is the attributes of a chown: an id of −1 stays.
func owner(uid, gid uint64) *vfs.SetRequest {
	in := &vfs.SetRequest{}
	if u := uint32(uid); u != ^uint32(0) {
		in.Uid = &u
	}
	if g := uint32(gid); g != ^uint32(0) {
		in.Gid = &g
	}
	return in
}

func truncate(t *Trap) int64 {
	size := int64(t.arg(1))
	if size < 0 {
		return errno(unix.EINVAL)
	}
	return t.set(cwd, t.arg(0), 0, &vfs.SetRequest{Size: &size})
}

func ftruncate(t *Trap) int64 {
	size := int64(t.arg(1))
	if size < 0 {
		return errno(unix.EINVAL)
	}
	switch e := t.setFD(t.arg32(0), &vfs.SetRequest{Size: &size}); e {
	case errno(unix.EISDIR):
		return errno(unix.EINVAL)
	default:
		return e
	}
}

func fallocate(t *Trap) int64 {
	f, e := t.target(t.arg32(0))
	if e != 0 {
		return e
	}
	in := vfs.FallocateRequest{Mode: uint32(t.arg(1)), Offset: int64(t.arg(2)), Len: int64(t.arg(3))}
	switch err := f.Fallocate(t, &in, &vfs.EmptyReply{}); err {
	case uabi.ErrOperation:
		t.gap(unix.SYS_FALLOCATE, "mode")
		return errno(unix.EOPNOTSUPP)
	default:
		return t.wrote(0, err)
	}
}

func utimensat(t *Trap) int64 {
	if t.arg(3)&^(unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return errno(unix.EINVAL)
	}
	in, e := t.times(t.arg(2))
	if e != 0 {
		return e
	}
	if t.arg(1) == 0 && t.arg32(0) != cwd {
		return t.setFD(t.arg32(0), in)
	}
	return t.set(t.arg32(0), t.arg(1), uint32(t.arg(3)), in)
}

// times reads the two timespecs of utimensat: UTIME_NOW, UTIME_OMIT, or a null pointer for now.
func (t *Trap) times(va uint64) (*vfs.SetRequest, int64) {
	now := int64(t.remember(t.realtime))
	in := &vfs.SetRequest{AtimeNs: &now, MtimeNs: &now, TimesNow: true}
	if va == 0 {
		return in, 0
	}
	b := t.bytes(2 * abi.TimespecSize)
	if e := t.read(va, b[:]); e != 0 {
		return nil, e
	}
	for i, p := range [...]**int64{&in.AtimeNs, &in.MtimeNs} {
		sec, nsec := int64(le.Uint64(b[i*16:])), int64(le.Uint64(b[i*16+8:]))
		switch {
		case nsec == unix.UTIME_NOW:
		case nsec == unix.UTIME_OMIT:
			*p = nil
		case nsec < 0 || nsec >= abi.Second:
			return nil, errno(unix.EINVAL)
		default:
			v := abi.Nanoseconds(sec, nsec)
			*p = &v
			in.TimesNow = false
		}
	}
	return in, 0
}

// utime, utimes and futimesat have older layouts of the same.
func utimes(t *Trap) int64 { return t.utimes(cwd, t.arg(0), t.arg(1)) }
func futimesat(t *Trap) int64 {
	return t.utimes(t.arg32(0), t.arg(1), t.arg(2))
}

func (t *Trap) utimes(dirfd int32, path, va uint64) int64 {
	in, e := t.times(0)
	if va != 0 {
		b := t.bytes(2 * abi.TimevalSize)
		if e = t.read(va, b[:]); e == 0 {
			for i, p := range [...]**int64{&in.AtimeNs, &in.MtimeNs} {
				usec := int64(le.Uint64(b[i*16+8:]))
				if usec < 0 || usec >= 1e6 {
					return errno(unix.EINVAL)
				}
				v := abi.Nanoseconds(int64(le.Uint64(b[i*16:])), usec*1000)
				*p = &v
			}
			in.TimesNow = false
		}
	}
	if e != 0 {
		return e
	}
	if path == 0 && dirfd != cwd {
		return t.setFD(dirfd, in)
	}
	return t.set(dirfd, path, 0, in)
}

func utime(t *Trap) int64 {
	in, e := t.times(0)
	if va := t.arg(1); va != 0 && e == 0 {
		b := t.bytes(16)
		if e = t.read(va, b[:]); e == 0 {
			a, m := abi.Nanoseconds(int64(le.Uint64(b[:])), 0), abi.Nanoseconds(int64(le.Uint64(b[8:])), 0)
			in.AtimeNs, in.MtimeNs, in.TimesNow = &a, &m, false
		}
	}
	if e != 0 {
		return e
	}
	return t.set(cwd, t.arg(0), 0, in)
}

// set changes attributes of the file at a path.
func (t *Trap) set(dirfd int32, va uint64, flags uint32, in *vfs.SetRequest) int64 {
	path, e := t.path(va, flags&unix.AT_EMPTY_PATH != 0)
	if e != 0 {
		return e
	}
	if in.Dir, e = t.dirHandle(dirfd, path); e != 0 {
		return e
	}
	in.Path, in.Flags = path, flags
	return t.wrote(0, t.l.vfs.SetAt(t, in, &vfs.EmptyReply{}))
}

// setFD changes attributes of an open file.
func (t *Trap) setFD(fd int32, in *vfs.SetRequest) int64 {
	h, kind, e := t.file(fd)
	if e != 0 {
		return e
	}
	switch {
	case kind == vfs.Kind_PATH:
		return errno(unix.EBADF)
	case kind == vfs.Kind_SOCKET:
		return t.wrote(0, vfs.Client{H: h}.SetAt(t, in, &vfs.EmptyReply{}))
	}
	in.Dir, in.Flags = uint32(h), unix.AT_EMPTY_PATH
	return t.wrote(0, t.l.vfs.SetAt(t, in, &vfs.EmptyReply{}))
}
