package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func mount(t *Trap) int64 {
	var s [4]string // source, target, type, data; a null pointer is ""
	for i, arg := range [...]int{0, 1, 2, 4} {
		if va := t.arg(arg); va != 0 {
			var e int64
			if s[i], e = t.path(va, true); e != 0 {
				return e
			}
		}
	}
	in := vfs.MountRequest{Source: s[0], Target: s[1], Type: s[2], Flags: t.arg(3), Data: s[3]}
	return t.status(t.l.vfs.Mount(t, &in, &vfs.EmptyReply{}))
}

func umount(t *Trap) int64 {
	path, e := t.path(t.arg(0), false)
	if e != 0 {
		return e
	}
	var out vfs.CountReply
	in := vfs.PathRequest{Path: path, Flags: uint32(t.arg(1))}
	err := t.l.vfs.Umount(t, &in, &out)
	if err == uabi.ErrBusy {
		// A server that ended in between is sent what it had not answered before it is told which files were closed.
		err = t.l.vfs.Umount(t, &in, &out)
	}
	if err == uabi.OK && out.Count != 0 {
		return errno(unix.EAGAIN)
	}
	return t.status(err)
}

func pivotRoot(t *Trap) int64 {
	if t.uid() != 0 {
		return errno(unix.EPERM)
	}
	to, e := t.path(t.arg(0), false)
	if e != 0 {
		return e
	}
	var st vfs.Stat
	if err := t.l.vfs.StatAt(t, &vfs.PathRequest{Path: to}, &st); err != uabi.OK {
		return t.status(err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return errno(unix.ENOTDIR)
	}
	old, e := t.path(t.arg(1), false)
	if e != 0 {
		return e
	}
	return t.status(t.l.vfs.PivotRoot(t, &vfs.TwoPathRequest{Old: old, New: to}, &vfs.EmptyReply{}))
}

// Attributes of mount_setattr(2), and the bits of struct mount_attr's size that there always were.
const (
	attrAtime       = 0x70
	attrNoatime     = 0x10
	attrStrictatime = 0x20
	attrIDMap       = 0x100000
	attrSize        = 32
	msNoSymfollow   = 0x100
	atRecursive     = 0x8000
)

// mountAttrs are the attributes that are one flag of mount(2) each.
var mountAttrs = []struct{ attr, ms uint64 }{
	{0x1, unix.MS_RDONLY}, {0x2, unix.MS_NOSUID}, {0x4, unix.MS_NODEV}, {0x8, unix.MS_NOEXEC}, {0x80, unix.MS_NODIRATIME}, {0x200000, msNoSymfollow},
}

func mountSetattr(t *Trap) int64 {
	const known = unix.AT_EMPTY_PATH | atRecursive | unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT
	flags, size := t.arg(2), t.arg(4)
	switch {
	case flags&^known != 0, size < attrSize:
		return errno(unix.EINVAL)
	case size > unix.PathMax:
		return errno(unix.E2BIG)
	}
	b := make([]byte, size)
	if e := t.read(t.arg(3), b); e != 0 {
		return e
	}
	for _, c := range b[attrSize:] {
		if c != 0 {
			return errno(unix.E2BIG)
		}
	}
	set, clr, propagation := le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:])
	if set|clr|propagation == 0 {
		return 0
	}
	in := vfs.MountSetattrRequest{Flags: uint32(flags), Recurse: flags&atRecursive != 0, Propagation: propagation}
	if !attributes(&in, set, clr) {
		if (set|clr)&attrIDMap != 0 {
			t.gap(unix.SYS_MOUNT_SETATTR, "MOUNT_ATTR_IDMAP")
		}
		return errno(unix.EINVAL)
	}
	path, e := t.path(t.arg(1), flags&unix.AT_EMPTY_PATH != 0)
	if e != 0 {
		return e
	}
	if in.Dir, e = t.dirHandle(t.arg32(0), path); e != 0 {
		return e
	}
	in.Path = path
	return t.status(t.l.vfs.MountSetattr(t, &in, &vfs.EmptyReply{}))
}

// attributes turns attributes into flags of mount(2). false: they make no sense.
func attributes(in *vfs.MountSetattrRequest, set, clr uint64) bool {
	rest := set | clr
	for _, f := range mountAttrs {
		rest &^= f.attr
		if set&f.attr != 0 {
			in.Add |= f.ms
		}
		if clr&f.attr != 0 {
			in.Drop |= f.ms
		}
	}
	switch {
	case rest&^attrAtime != 0, clr&attrAtime != 0 && clr&attrAtime != attrAtime, clr&attrAtime == 0 && set&attrAtime != 0:
		return false
	case clr&attrAtime == 0:
		return true
	}
	in.Drop |= unix.MS_NOATIME | unix.MS_RELATIME
	switch set & attrAtime {
	case 0:
		in.Add |= unix.MS_RELATIME
	case attrNoatime:
		in.Add |= unix.MS_NOATIME
	case attrStrictatime:
	default:
		return false
	}
	return true
}

// newFs makes a copy of the caller's fs context; with CLONE_NEWNS it gets a mount namespace of its own.
func (t *Trap) newFs(flags uint64, fs *vfs.FsReply) uabi.Error {
	h, err := t.fs()
	if err == uabi.OK {
		err = vfs.Client{H: h}.FsClone(t, &vfs.EmptyRequest{}, fs)
	}
	if err != uabi.OK {
		return err
	}
	t.temp(uabi.Handle(fs.Fs))
	if flags&unix.CLONE_NEWNS != 0 {
		err = vfs.Client{H: uabi.Handle(fs.Fs)}.Unshare(t, &vfs.EmptyRequest{}, &vfs.EmptyReply{})
	}
	return err
}

// absentSpaces are namespaces that there are not.
const absentSpaces = unix.CLONE_NEWPID | unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP | unix.CLONE_NEWTIME

func unshare(t *Trap) int64 {
	in := proc.UnshareRequest{Flags: t.arg(0)}
	if in.Flags&absentSpaces != 0 {
		t.gap(unix.SYS_UNSHARE, "user, pid, net, ipc, cgroup or time namespaces")
		return errno(unix.EINVAL)
	}
	if in.Flags&(unix.CLONE_FS|unix.CLONE_NEWNS) != 0 {
		var fs vfs.FsReply
		if err := t.newFs(in.Flags, &fs); err != uabi.OK {
			return t.status(err)
		}
		in.Fs, in.FsId = fs.Fs, fs.Id
	}
	t.l.fds.dropTable(t.files0())
	return t.status(t.l.proc.Unshare(t, &in, &proc.EmptyReply{}))
}

func setns(t *Trap) int64 {
	typ := t.arg(1)
	h, kind, e := t.file(t.arg32(0))
	if e != 0 {
		return e
	}
	if kind == vfs.Kind_PID {
		return t.setnsOf(t.arg32(0), typ)
	}
	if typ&(absentSpaces|unix.CLONE_NEWUTS) != 0 {
		t.gap(unix.SYS_SETNS, "other than mount namespaces by their file")
	}
	if kind != vfs.Kind_FILE || typ&^unix.CLONE_NEWNS != 0 {
		return errno(unix.EINVAL)
	}
	fs, err := t.fs()
	if err == uabi.OK {
		err = vfs.Client{H: fs}.SetNs(t, &vfs.SetNsRequest{Dir: uint32(h)}, &vfs.EmptyReply{})
	}
	return t.status(err)
}

// setnsOf is setns(2) by a process's descriptor: into the namespaces that it is in. Only those of names can be had so.
func (t *Trap) setnsOf(fd int32, types uint64) int64 {
	if types != unix.CLONE_NEWUTS {
		t.gap(unix.SYS_SETNS, "by a pidfd into others than uts namespaces")
		return errno(unix.EINVAL)
	}
	p, e := t.pidOf(fd)
	if e != 0 {
		return e
	}
	if p.Pid == 0 {
		return errno(unix.ESRCH)
	}
	return t.status(t.l.proc.UtsJoin(t, &proc.PidRequest{Pid: int32(p.Pid)}, &proc.EmptyReply{}))
}
