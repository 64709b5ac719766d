package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Fallocate implements vfs.Handler. Memory is not set aside: what is allocated reads as zeroes.
func (h *VFSD) Fallocate(c *server.Ctx, in *vfs.FallocateRequest, out *vfs.EmptyReply) uabi.Error {
	o, err := h.open(c)
	const known = unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_ZERO_RANGE
	hole, zero := in.Mode&unix.FALLOC_FL_PUNCH_HOLE != 0, in.Mode&unix.FALLOC_FL_ZERO_RANGE != 0
	switch {
	case err != uabi.OK:
		return err
	case in.Offset < 0 || in.Len <= 0:
		return uabi.ErrArg
	case in.Mode&^uint32(known) != 0, hole && (in.Mode&unix.FALLOC_FL_KEEP_SIZE == 0 || zero):
		return uabi.ErrOperation
	case !writable(o):
		return uabi.ErrBadFD
	case o.Kind == uint32(vfs.Kind_PIPE):
		return uabi.ErrSeek
	case o.Kind != uint32(vfs.Kind_FILE):
		return uabi.ErrNoDevice
	case in.Offset > maxSize-in.Len:
		return uabi.ErrFileSize
	}
	n := h.tree.Inode(o.At.Ino)
	if n == nil || n.Text != 0 {
		return uabi.ErrOperation
	}
	k := h.begin(c, true)
	if err := k.allocate(n, in.Offset, in.Offset+in.Len, in.Mode); err != uabi.OK {
		return err
	}
	h.notifyOpen(c, o, unix.IN_MODIFY)
	return uabi.OK
}

// allocate zeroes and extends a file as a mode of fallocate(2) says.
func (k *call) allocate(n *tree.Inode, from, to int64, mode uint32) uabi.Error {
	clears := mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0
	size := n.Size
	if mode&unix.FALLOC_FL_KEEP_SIZE == 0 {
		size = max(size, to)
	}
	if err := mayGrow(k.c, n.Size, size); err != uabi.OK {
		return err
	}
	if clears && k.seals(n)&writeSeals != 0 {
		return uabi.ErrPerm
	}
	if err := k.checkSize(n, max(size, n.Size)); err != uabi.OK {
		return err
	}
	if mode&unix.FALLOC_FL_PUNCH_HOLE == 0 && to > n.Size && k.seals(n)&unix.F_SEAL_GROW != 0 {
		return uabi.ErrPerm
	}
	hole := mode&unix.FALLOC_FL_PUNCH_HOLE != 0
	if got, err := k.tree.Fit(n, from, to); !hole && (err != uabi.OK || got < to) {
		return uabi.ErrNoSpace
	}
	end := min(to, n.Size)
	if clears && from < end {
		m, err := k.contents(k.c, n)
		if err != uabi.OK {
			return noSpace(err)
		}
		if err := k.c.MemoryZero(m, uint64(from), uint64(end-from)); err != uabi.OK {
			return noSpace(err)
		}
		k.keep(n, m)
	}
	if size > n.Size {
		if err := k.resize(n, size); err != uabi.OK {
			return err
		}
	}
	if hole {
		k.tree.Touch(n)
		k.tree.Punch(n, from, end)
	} else {
		k.tree.Reserve(n, from, to)
	}
	n.MtimeNs, n.CtimeNs = k.env.Now, k.env.Now
	return uabi.OK
}
