package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Types of struct file_handle.
const (
	kernfsType = 0xfe // FILEID_KERNFS: the inode's number
	shmemType  = 1    // of tmpfs: generation, the inode's number
	noHandle   = 0xff // FILEID_INVALID: there is no room for it
	maxHandle  = 128  // MAX_HANDLE_SZ
)

// fileHandle is the type and the bytes of a handle on a file system; type 0: it has none.
func fileHandle(fs, ino uint64) (typ uint32, b []byte) {
	switch fs {
	case unix.CGROUP2_SUPER_MAGIC, unix.SYSFS_MAGIC:
		return kernfsType, le.AppendUint64(nil, ino)
	case unix.TMPFS_MAGIC:
		return shmemType, le.AppendUint64(make([]byte, 4), ino)
	}
	return 0, nil
}

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
	if typ, _ := fileHandle(fs.Type, 0); typ == 0 {
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
	typ, handle := fileHandle(fs.Type, s.Ino)
	fits := int(room) >= len(handle)
	w.U32(uint32(len(handle)))
	if fits {
		w.U32(typ)
		w.B = append(w.B, handle...)
	} else {
		w.U32(noHandle)
	}
	if e := t.write(t.arg(3), le.AppendUint32(nil, uint32(s.Mount))); e != 0 {
		return e
	}
	if e := t.write(t.arg(2), w.B); e != 0 {
		return e
	}
	if !fits {
		return errno(unix.EOVERFLOW)
	}
	return 0
}
