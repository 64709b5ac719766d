package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

const cwd = unix.AT_FDCWD

func open(t *Trap) int64   { return t.open(cwd, t.arg(0), t.arg(1), t.arg(2)) }
func openat(t *Trap) int64 { return t.open(t.arg32(0), t.arg(1), t.arg(2), t.arg(3)) }
func creat(t *Trap) int64 {
	return t.open(cwd, t.arg(0), unix.O_CREAT|unix.O_WRONLY|unix.O_TRUNC, t.arg(1))
}

func (t *Trap) open(dirfd int32, va, flags, mode uint64) int64 {
	path, e := t.path(va, false)
	if e != 0 {
		return e
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return e
	}
	in := vfs.OpenRequest{Path: path, Flags: uint32(flags), Dir: dir}
	if flags&(unix.O_CREAT|unix.O_TMPFILE&^unix.O_DIRECTORY) != 0 {
		in.Mode = uint32(mode) & 0o7777
	}
	var out vfs.OpenReply
	if err := t.l.vfs.Open(t, &in, &out); err != uabi.OK {
		if err == uabi.ErrNoDevice {
			return errno(unix.ENXIO)
		}
		return t.status(err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), flags&unix.O_CLOEXEC != 0)
}

// stat family.

func stat(t *Trap) int64  { return t.stat(cwd, t.arg(0), 0, t.arg(1)) }
func lstat(t *Trap) int64 { return t.stat(cwd, t.arg(0), unix.AT_SYMLINK_NOFOLLOW, t.arg(1)) }
func fstatat(t *Trap) int64 {
	const known = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_EMPTY_PATH
	if t.arg(3)&^known != 0 {
		return errno(unix.EINVAL)
	}
	return t.stat(t.arg32(0), t.arg(1), uint32(t.arg(3)), t.arg(2))
}

func fstat(t *Trap) int64 { return t.fstat(t.arg32(0), t.arg(1)) }

func (t *Trap) fstat(fd int32, buf uint64) int64 {
	f, e := t.target(fd)
	if e != 0 {
		return e
	}
	return t.statTo(f, &vfs.PathRequest{Flags: unix.AT_EMPTY_PATH}, buf)
}

func (t *Trap) stat(dirfd int32, va uint64, flags uint32, buf uint64) int64 {
	path, e := t.path(va, flags&unix.AT_EMPTY_PATH != 0)
	if e != 0 {
		return e
	}
	if path == "" && dirfd != cwd {
		return t.fstat(dirfd, buf)
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return e
	}
	return t.statTo(t.l.vfs, &vfs.PathRequest{Path: path, Flags: flags, Dir: dir}, buf)
}

// statTo has the struct stat written to buf.
func (t *Trap) statTo(f vfs.Client, in *vfs.PathRequest, buf uint64) int64 {
	g := grant(buf, vfs.StatSize, uabi.RightWrite)
	if t.forwardable && len(in.Path) <= maxForwardPath {
		return t.forwarded(f.ForwardStatTo(t, in, g))
	}
	return t.status(f.StatTo(t, in, &vfs.EmptyReply{}, g))
}

// maxForwardPath is the longest path that a forwarded request can carry, with room for its other fields.
const maxForwardPath = uabi.MaxForward - 32

func abiStat(s *vfs.Stat) *abi.Stat {
	return &abi.Stat{Dev: s.Dev, Ino: s.Ino, Rdev: s.Rdev, Mode: s.Mode, Nlink: s.Nlink, UID: s.Uid, GID: s.Gid, Size: s.Size,
		Blksize: s.Blksize, Blocks: s.Blocks, Atime: s.AtimeNs, Mtime: s.MtimeNs, Ctime: s.CtimeNs, Btime: s.BtimeNs, Mount: s.Mount, MountRoot: s.MountRoot}
}

// statAt looks a path up. With AT_EMPTY_PATH an empty path is dirfd itself.
func (t *Trap) statAt(dirfd int32, va uint64, flags uint32) (*vfs.Stat, int64) {
	path, e := t.path(va, flags&unix.AT_EMPTY_PATH != 0)
	if e != 0 {
		return nil, e
	}
	if path == "" && dirfd != cwd {
		return t.statFD(dirfd)
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return nil, e
	}
	var out vfs.Stat
	if err := t.l.vfs.StatAt(t, &vfs.PathRequest{Path: path, Flags: flags, Dir: dir}, &out); err != uabi.OK {
		return nil, t.status(err)
	}
	return &out, 0
}

func (t *Trap) statFD(fd int32) (*vfs.Stat, int64) {
	h, kind, e := t.file(fd)
	if e != 0 {
		return nil, e
	}
	var out vfs.Stat
	in := vfs.PathRequest{Flags: unix.AT_EMPTY_PATH, Dir: uint32(h)}
	if kind == vfs.Kind_SOCKET {
		in.Dir = 0
		if err := (vfs.Client{H: h}).StatAt(t, &in, &out); err != uabi.OK {
			return nil, t.status(err)
		}
		return &out, 0
	}
	if err := t.l.vfs.StatAt(t, &in, &out); err != uabi.OK {
		return nil, t.status(err)
	}
	return &out, 0
}

func statx(t *Trap) int64 {
	const known = unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT | unix.AT_EMPTY_PATH | abi.AtStatxSyncType
	if t.arg(2)&^known != 0 || t.arg(2)&abi.AtStatxSyncType == abi.AtStatxSyncType || t.arg(3)&abi.StatxReserved != 0 {
		return errno(unix.EINVAL)
	}
	s, e := t.statAt(t.arg32(0), t.arg(1), uint32(t.arg(2))&^abi.AtStatxSyncType)
	if e != 0 {
		return e
	}
	w := abi.Writer{B: make([]byte, 0, abi.StatxSize)}
	w.Statx(abiStat(s))
	return t.write(t.arg(4), w.B)
}

func access(t *Trap) int64 { return t.access(cwd, t.arg(0), t.arg(1), 0) }
func faccessat(t *Trap) int64 {
	return t.access(t.arg32(0), t.arg(1), t.arg(2), 0)
}

func faccessat2(t *Trap) int64 {
	const known = unix.AT_EACCESS | unix.AT_SYMLINK_NOFOLLOW | unix.AT_EMPTY_PATH
	if t.arg(3)&^known != 0 {
		return errno(unix.EINVAL)
	}
	return t.access(t.arg32(0), t.arg(1), t.arg(2), uint32(t.arg(3)))
}

func (t *Trap) access(dirfd int32, va, mode uint64, flags uint32) int64 {
	if mode&^7 != 0 {
		return errno(unix.EINVAL)
	}
	path, e := t.path(va, flags&unix.AT_EMPTY_PATH != 0)
	if e != 0 {
		return e
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return e
	}
	return t.status(t.l.vfs.AccessAt(t, &vfs.PathRequest{Path: path, Mode: uint32(mode), Flags: flags, Dir: dir}, &vfs.EmptyReply{}))
}

func readlink(t *Trap) int64 { return t.readlink(cwd, t.arg(0), t.arg(1), t.arg(2)) }
func readlinkat(t *Trap) int64 {
	return t.readlink(t.arg32(0), t.arg(1), t.arg(2), t.arg(3))
}

func (t *Trap) readlink(dirfd int32, va, buf, size uint64) int64 {
	if int32(size) <= 0 {
		return errno(unix.EINVAL)
	}
	path, e := t.path(va, true)
	if e != 0 {
		return e
	}
	if path == "" && dirfd == cwd {
		return errno(unix.ENOENT)
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return e
	}
	var out vfs.PathReply
	if err := t.l.vfs.ReadlinkAt(t, &vfs.PathRequest{Path: path, Dir: dir}, &out); err != uabi.OK {
		if err == uabi.ErrArg && path == "" {
			return errno(unix.ENOENT)
		}
		return t.status(err)
	}
	n := min(uint64(len(out.Path)), size)
	if e := t.write(buf, []byte(out.Path[:n])); e != 0 {
		return e
	}
	return int64(n)
}

// Making and removing.

func mkdir(t *Trap) int64 { return t.make(cwd, t.arg(0), unix.S_IFDIR|t.arg(1)&0o7777, 0) }
func mkdirat(t *Trap) int64 {
	return t.make(t.arg32(0), t.arg(1), unix.S_IFDIR|t.arg(2)&0o7777, 0)
}
func mknod(t *Trap) int64   { return t.mknod(cwd, t.arg(0), t.arg(1), t.arg(2)) }
func mknodat(t *Trap) int64 { return t.mknod(t.arg32(0), t.arg(1), t.arg(2), t.arg(3)) }

func (t *Trap) mknod(dirfd int32, va, mode, rdev uint64) int64 {
	switch mode & unix.S_IFMT {
	case 0:
		mode |= unix.S_IFREG
	case unix.S_IFREG, unix.S_IFCHR, unix.S_IFBLK, unix.S_IFIFO, unix.S_IFSOCK:
	case unix.S_IFDIR:
		return errno(unix.EPERM)
	default:
		return errno(unix.EINVAL)
	}
	return t.make(dirfd, va, mode, rdev)
}

func (t *Trap) make(dirfd int32, va, mode, rdev uint64) int64 {
	path, e := t.path(va, false)
	if e != 0 {
		return e
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return e
	}
	return t.status(t.l.vfs.MakeAt(t, &vfs.MakeRequest{Path: path, Mode: uint32(mode), Rdev: rdev, Dir: dir}, &vfs.EmptyReply{}))
}

func symlink(t *Trap) int64   { return t.symlink(t.arg(0), cwd, t.arg(1)) }
func symlinkat(t *Trap) int64 { return t.symlink(t.arg(0), t.arg32(1), t.arg(2)) }

func (t *Trap) symlink(target uint64, dirfd int32, va uint64) int64 {
	to, e := t.path(target, false)
	if e != 0 {
		return e
	}
	path, e := t.path(va, false)
	if e != 0 {
		return e
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return e
	}
	return t.status(t.l.vfs.MakeAt(t, &vfs.MakeRequest{Path: path, Mode: unix.S_IFLNK | 0o777, Target: to, Dir: dir}, &vfs.EmptyReply{}))
}

func unlink(t *Trap) int64 { return t.unlink(cwd, t.arg(0), 0) }
func rmdir(t *Trap) int64  { return t.unlink(cwd, t.arg(0), unix.AT_REMOVEDIR) }
func unlinkat(t *Trap) int64 {
	if t.arg(2)&^unix.AT_REMOVEDIR != 0 {
		return errno(unix.EINVAL)
	}
	return t.unlink(t.arg32(0), t.arg(1), uint32(t.arg(2)))
}

func (t *Trap) unlink(dirfd int32, va uint64, flags uint32) int64 {
	path, e := t.path(va, false)
	if e != 0 {
		return e
	}
	dir, e := t.dirHandle(dirfd, path)
	if e != 0 {
		return e
	}
	return t.status(t.l.vfs.UnlinkAt(t, &vfs.PathRequest{Path: path, Flags: flags, Dir: dir}, &vfs.EmptyReply{}))
}

func rename(t *Trap) int64 {
	return t.twoPaths(cwd, t.arg(0), cwd, t.arg(1), 0, false)
}
func renameat(t *Trap) int64 {
	return t.twoPaths(t.arg32(0), t.arg(1), t.arg32(2), t.arg(3), 0, false)
}
func renameat2(t *Trap) int64 {
	const known = unix.RENAME_NOREPLACE | unix.RENAME_EXCHANGE | unix.RENAME_WHITEOUT
	f := t.arg(4)
	if f&^known != 0 || f&unix.RENAME_EXCHANGE != 0 && f != unix.RENAME_EXCHANGE {
		return errno(unix.EINVAL)
	}
	return t.twoPaths(t.arg32(0), t.arg(1), t.arg32(2), t.arg(3), uint32(f), false)
}
func link(t *Trap) int64 { return t.twoPaths(cwd, t.arg(0), cwd, t.arg(1), 0, true) }
func linkat(t *Trap) int64 {
	if t.arg(4)&^(unix.AT_SYMLINK_FOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return errno(unix.EINVAL)
	}
	return t.twoPaths(t.arg32(0), t.arg(1), t.arg32(2), t.arg(3), uint32(t.arg(4)), true)
}

func (t *Trap) twoPaths(oldfd int32, oldva uint64, newfd int32, newva uint64, flags uint32, isLink bool) int64 {
	old, e := t.path(oldva, isLink && flags&unix.AT_EMPTY_PATH != 0)
	if e != 0 {
		return e
	}
	path, e := t.path(newva, false)
	if e != 0 {
		return e
	}
	in := vfs.TwoPathRequest{Old: old, New: path, Flags: flags}
	if in.OldDir, e = t.dirHandle(oldfd, old); e != 0 {
		return e
	}
	if in.NewDir, e = t.dirHandle(newfd, path); e != 0 {
		return e
	}
	in.HasNewDir = in.NewDir != 0
	if isLink {
		return t.status(t.l.vfs.LinkAt(t, &in, &vfs.EmptyReply{}))
	}
	return t.status(t.l.vfs.RenameAt(t, &in, &vfs.EmptyReply{}))
}

func chdir(t *Trap) int64  { return t.chdir(false) }
func chroot(t *Trap) int64 { return t.chdir(true) }

func (t *Trap) chdir(root bool) int64 {
	path, e := t.path(t.arg(0), false)
	if e != 0 {
		return e
	}
	return t.status(t.l.vfs.Chdir(t, &vfs.ChdirRequest{Path: path, Root: root}, &vfs.EmptyReply{}))
}

func fchdir(t *Trap) int64 {
	h, _, e := t.file(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.status(t.l.vfs.Chdir(t, &vfs.ChdirRequest{Flags: unix.AT_EMPTY_PATH, Dir: uint32(h)}, &vfs.EmptyReply{}))
}

func getcwd(t *Trap) int64 {
	var out vfs.PathReply
	if err := t.l.vfs.Getcwd(t, &vfs.EmptyRequest{}, &out); err != uabi.OK {
		return t.status(err)
	}
	b := append([]byte(out.Path), 0)
	if len(b) > pathMax {
		return errno(unix.ENAMETOOLONG)
	}
	if uint64(len(b)) > t.arg(1) {
		return errno(unix.ERANGE)
	}
	if e := t.write(t.arg(0), b); e != 0 {
		return e
	}
	return int64(len(b))
}

func umask(t *Trap) int64 {
	in := vfs.UmaskRequest{Mask: uint32(t.arg(0)) & 0o777}
	if t.forwardable {
		return t.forwarded(t.l.vfs.ForwardUmask(t, &in))
	}
	var out vfs.CountReply
	err := t.l.vfs.Umask(t, &in, &out)
	return t.result(out.Count, err)
}

func statfs(t *Trap) int64 {
	path, e := t.path(t.arg(0), false)
	if e != 0 {
		return e
	}
	return t.statfs(&vfs.PathRequest{Path: path})
}

func fstatfs(t *Trap) int64 {
	h, _, e := t.file(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.statfs(&vfs.PathRequest{Flags: unix.AT_EMPTY_PATH, Dir: uint32(h)})
}

func (t *Trap) statfs(in *vfs.PathRequest) int64 {
	var s vfs.Statfs
	if err := t.l.vfs.StatfsAt(t, in, &s); err != uabi.OK {
		return t.status(err)
	}
	var w abi.Writer
	for _, v := range [...]uint64{s.Type, s.Bsize, s.Blocks, s.Bfree, s.Bfree, s.Files, s.Ffree, s.Fsid, s.Namelen, s.Bsize, s.Flags} {
		w.U64(v)
	}
	w.Pad(abi.StatfsSize - len(w.B))
	return t.write(t.arg(1), w.B)
}
