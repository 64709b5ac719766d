package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// fsDevice is a file system's device number.
func fsDevice(f *state.FileSystem) uint64 { return unix.Mkdev(0, uint32(firstDev+f.Id)) }

// StatfsAt implements vfs.Handler.
func (h *VFSD) StatfsAt(c *server.Ctx, in *vfs.PathRequest, out *vfs.Statfs) uabi.Error {
	k := h.begin(c, false)
	at, o, err := k.find(in.Dir, in.Path, in.Flags)
	if err != uabi.OK {
		return err
	}
	out.Bsize, out.Namelen = pageSize, tree.NameMax
	m, f := k.tree.MountOf(at), k.tree.FS(at)
	if n := k.tree.Inode(at.Ino); f == nil && n != nil {
		m, f = &state.Mount{}, k.tree.FSByID(n.Fs) // of a file that is mounted nowhere
	}
	switch {
	case o != nil && o.At == nil:
		out.Type = pipefsMagic
		return uabi.OK
	case f == nil:
		out.Type = nsfsMagic
		return uabi.OK
	}
	out.Type, out.Flags, out.Fsid = magics[f.Type], statfsFlags(m.Flags, f.Flags), fsDevice(f)
	if f.Type == "tmpfs" || f.Type == "devtmpfs" || f.Type == "overlay" {
		k.sizes(f, out)
	}
	return uabi.OK
}

// sizes tells a file system's limits and what is free; without limits all is 0.
func (k *call) sizes(f *state.FileSystem, out *vfs.Statfs) {
	files, blocks := k.tree.Usage(f.Id)
	if f.MaxBytes != 0 {
		out.Blocks = f.MaxBytes / pageSize
		out.Bfree = out.Blocks - min(blocks, out.Blocks)
	}
	if f.MaxInodes != 0 {
		out.Files = f.MaxInodes
		out.Ffree = out.Files - min(files, out.Files)
	}
}

// statfsFlags turns a mount's and a file system's MS_* into ST_* (Linux's fs/statfs.c).
func statfsFlags(mount, super uint64) uint64 {
	const (
		valid         = 0x20
		same          = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME
		stRelatime    = 0x1000
		stNoSymfollow = 0x2000
	)
	out := valid | mount&same | super&(unix.MS_RDONLY|unix.MS_SYNCHRONOUS|unix.MS_MANDLOCK)
	if mount&unix.MS_RELATIME != 0 {
		out |= stRelatime
	}
	if mount&msNoSymfollow != 0 {
		out |= stNoSymfollow
	}
	return out
}

const pipefsMagic = 0x50495045

// magics are what statfs(2) calls file systems.
var magics = map[string]uint64{
	"overlay": unix.OVERLAYFS_SUPER_MAGIC, "rootfs": unix.TMPFS_MAGIC,
	"tmpfs": unix.TMPFS_MAGIC, "ramfs": unix.RAMFS_MAGIC, "devtmpfs": unix.TMPFS_MAGIC, "proc": unix.PROC_SUPER_MAGIC, "sysfs": unix.SYSFS_MAGIC,
	"cgroup2": unix.CGROUP2_SUPER_MAGIC, "devpts": unix.DEVPTS_SUPER_MAGIC,
}
