package main

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Files of sysfs and cgroup2: real inodes with owners and modes, whose text is made when it is read (kernfs of Linux).

// singleFS is the one file system of that type; fill makes what is in it when it is used first.
func (k *call) singleFS(typ string, fill func(root *tree.Inode)) *state.FileSystem {
	if f := k.tree.SingleFS(typ); f != nil {
		return f
	}
	f := k.tree.NewFS(typ, 0o555, 0, k.env.Now)
	f.Single = true
	fill(k.tree.Inode(f.Root))
	return f
}

// readMade reads such a file.
func (h *VFSD) readMade(c *server.Ctx, o *state.Open, n *tree.Inode, offset int64, out *vfs.CountReply) uabi.Error {
	made := false
	err := h.serveText(c, o, offset, out, func(k *call) (string, uabi.Error) {
		made = true
		if n.Cgroup == 0 {
			return n.Target, uabi.OK
		}
		return k.groupText(n)
	})
	if made && err == uabi.OK {
		h.setLevel(c, o, o.Level&^changedBits)
	}
	return err
}

// writeMade writes to such a file: every write is an order of its own.
func (h *VFSD) writeMade(c *server.Ctx, o *state.Open, n *tree.Inode, out *vfs.CountReply) uabi.Error {
	size := c.GrantLen(0)
	switch {
	case size > pageSize:
		return uabi.ErrTooBig
	case size == 0:
		return uabi.OK
	}
	b := h.scratch[:size]
	if got, err := c.GrantRead(0, 0, b); uint64(got) < size {
		return faultOr(err)
	}
	if n.Cgroup == 0 {
		return uabi.ErrIO // Linux's answer where an attribute cannot be set
	}
	if err := h.begin(c, true).writeGroup(n, strings.TrimSpace(string(b))); err != uabi.OK {
		return err
	}
	out.Count = int64(size)
	return uabi.OK
}

// madeSize is what stat(2) says of such a file's size; of a directory and a link it is 0.
func madeSize(n *tree.Inode) int64 {
	if n.Type() != unix.S_IFREG {
		return 0
	}
	return n.Size
}

// changedBits are up for an open file whose text has changed since it was read.
const changedBits = unix.POLLPRI | unix.POLLERR

// openMade gives a file that tells of its changes an event of its own.
func (k *call) openMade(n *tree.Inode, o *state.Open) uabi.Error {
	if n == nil || !tellsChanges(n) || o.Flags&unix.O_PATH != 0 {
		return uabi.OK
	}
	event, err := k.c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	o.Event = uint32(event)
	k.setLevel(k.c, o, unix.POLLIN|unix.POLLOUT|changedBits)
	return uabi.OK
}

// setLevel brings an open file's event to a level.
func (h *VFSD) setLevel(c *server.Ctx, o *state.Open, level uint32) {
	if o.Event != 0 && level != o.Level {
		c.EventUpdate(uabi.Handle(o.Event), level&^o.Level, o.Level&^level, 0)
		o.Level = level
	}
}

// modified tells everybody who watches a file that its text has changed.
func (h *VFSD) modified(c *server.Ctx, n *tree.Inode) {
	for _, o := range h.opens.Values() {
		if o.Event != 0 && o.At != nil && o.At.Ino == n.Ino {
			if o.Level&changedBits != 0 {
				c.EventUpdate(uabi.Handle(o.Event), 0, 0, changedBits)
			}
			h.setLevel(c, o, o.Level|changedBits)
		}
	}
}
