package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// struct file_handle: its head, and of sysfs and cgroup2 (kernfs) the type and length of what follows, the inode's number.
const (
	kernfsType  = 0xfe // FILEID_KERNFS
	kernfsBytes = 8
	noHandle    = 0xff // FILEID_INVALID: there is no room for it
	maxHandle   = 128  // MAX_HANDLE_SZ
)

// nameToHandleAt gives the handles of file systems whose inodes keep their numbers.
func nameToHandleAt(t *Trap) int64 {
	const known = unix.AT_SYMLINK_FOLLOW | unix.AT_EMPTY_PATH
	flags := uint32(t.arg(4))
	if flags&^uint32(known) != 0 {
		return errno(unix.EINVAL)
	}
	path, e := t.path(t.arg(1), flags&unix.AT_EMPTY_PATH != 0)
	if e != 0 {
		return e
	}
	dir, e := t.dirHandle(t.arg32(0), path)
	if e != 0 {
		return e
	}
	in := vfs.PathRequest{Path: path, Flags: flags & unix.AT_EMPTY_PATH, Dir: dir}
	if flags&unix.AT_SYMLINK_FOLLOW == 0 {
		in.Flags |= unix.AT_SYMLINK_NOFOLLOW
	}
	var fs vfs.Statfs
	if err := t.l.vfs.StatfsAt(t, &in, &fs); err != uabi.OK {
		return t.status(err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC && fs.Type != unix.SYSFS_MAGIC {
		t.gap(unix.SYS_NAME_TO_HANDLE_AT, "this file system")
		return errno(unix.EOPNOTSUPP)
	}
	var s vfs.Stat
	if err := t.l.vfs.StatAt(t, &in, &s); err != uabi.OK {
		return t.status(err)
	}
	var head [4]byte
	if e := t.read(t.arg(2), head[:]); e != 0 {
		return e
	}
	room := le.Uint32(head[:])
	if room > maxHandle {
		return errno(unix.EINVAL)
	}
	var w abi.Writer
	w.U32(kernfsBytes)
	if room < kernfsBytes {
		w.U32(noHandle)
	} else {
		w.U32(kernfsType)
		w.U64(s.Ino)
	}
	if e := t.write(t.arg(3), le.AppendUint32(nil, uint32(s.Mount))); e != 0 {
		return e
	}
	if e := t.write(t.arg(2), w.B); e != 0 {
		return e
	}
	if room < kernfsBytes {
		return errno(unix.EOVERFLOW)
	}
	return 0
}
