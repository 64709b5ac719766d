package main

import (
	"encoding/binary"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// dirKind is the kind of open directories.
const dirKind = uint32(vfs.Kind_DIRECTORY)

// Inotify implements vfs.Handler.
func (h *VFSD) Inotify(c *server.Ctx, in *vfs.InotifyRequest, out *vfs.OpenReply) uabi.Error {
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	o := &state.Open{Flags: unix.O_RDONLY, Event: uint32(event), Inotify: &state.Inotify{}}
	if in.Nonblock {
		o.Flags |= unix.O_NONBLOCK
	}
	h.addSpecial(o, vfs.Kind_INOTIFY, "anon_inode:inotify", handle, out)
	return uabi.OK
}

// Bits of a watch's mask.
const (
	inMaskCreate = 0x10000000 // IN_MASK_CREATE
	inFlags      = unix.IN_EXCL_UNLINK | unix.IN_ONESHOT
	inKnown      = unix.IN_ALL_EVENTS | inFlags | unix.IN_ONLYDIR | unix.IN_DONT_FOLLOW | unix.IN_MASK_ADD | inMaskCreate | unix.IN_ISDIR |
		unix.IN_UNMOUNT | unix.IN_Q_OVERFLOW | unix.IN_IGNORED
)

// InotifyAdd implements vfs.Handler.
func (h *VFSD) InotifyAdd(c *server.Ctx, in *vfs.InotifyAddRequest, out *vfs.CountReply) uabi.Error {
	if in.Mask&inKnown == 0 {
		return uabi.ErrArg
	}
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Inotify == nil || in.Mask&unix.IN_MASK_ADD != 0 && in.Mask&inMaskCreate != 0 {
		return uabi.ErrArg
	}
	k := h.begin(c, false)
	ino, err := k.watchable(in.Path, in.Mask)
	if err != uabi.OK {
		return err
	}
	mask := in.Mask & (unix.IN_ALL_EVENTS | inFlags)
	for _, w := range h.watched[ino] {
		if w.open != o.Id {
			continue
		}
		switch {
		case in.Mask&inMaskCreate != 0:
			return uabi.ErrExists
		case in.Mask&unix.IN_MASK_ADD != 0:
			mask |= w.Mask
		}
		w.Mask, out.Count = mask, int64(w.Wd)
		return uabi.OK
	}
	q := o.Inotify
	if uint64(len(q.Watches)) >= k.limit(procfs.MaxWatches) {
		return uabi.ErrNoSpace
	}
	q.LastWd++
	w := &state.InotifyWatch{Wd: q.LastWd, Ino: ino, Mask: mask}
	q.Watches = append(q.Watches, w)
	h.addWatcher(watcher{o.Id, w})
	out.Count = int64(w.Wd)
	return uabi.OK
}

// watchable is the inode behind a path that the caller may watch.
func (k *call) watchable(path string, mask uint32) (uint64, uabi.Error) {
	flags := uint32(0)
	if mask&unix.IN_DONT_FOLLOW != 0 {
		flags = atSymlinkNofollow
	}
	at, o, err := k.find(0, path, flags)
	if err != uabi.OK {
		return 0, err
	}
	if o != nil {
		if o.At == nil {
			return 0, uabi.ErrAccess // a pipe or its like, by /proc/PID/fd: nothing happens to those
		}
		at = tree.FromPb(o.At)
	}
	a, err := k.tree.Attr(&k.env, at)
	if err != uabi.OK {
		return 0, err
	}
	if mask&unix.IN_ONLYDIR != 0 && a.Mode&unix.S_IFMT != unix.S_IFDIR {
		return 0, uabi.ErrNotDir
	}
	return at.Ino, k.tree.Access(&k.env, at, unix.R_OK)
}

// InotifyRemove implements vfs.Handler.
func (h *VFSD) InotifyRemove(c *server.Ctx, in *vfs.InotifyRemoveRequest, out *vfs.EmptyReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Inotify == nil {
		return uabi.ErrArg
	}
	i := slices.IndexFunc(o.Inotify.Watches, func(w *state.InotifyWatch) bool { return w.Wd == in.Wd })
	if i < 0 {
		return uabi.ErrArg
	}
	h.unwatch(c, o, watcher{o.Id, o.Inotify.Watches[i]})
	return uabi.OK
}

// inotifyHeader is sizeof(struct inotify_event), and what names are padded to.
const inotifyHeader = 16

// eventSize is how much of a buffer an event takes.
func eventSize(e *state.InotifyEvent) int {
	if e.Name == "" {
		return inotifyHeader
	}
	return inotifyHeader + (len(e.Name)+inotifyHeader)&^(inotifyHeader-1)
}

// queued is what FIONREAD says.
func queued(q *state.Inotify) (n uint64) {
	for _, e := range q.Queue {
		n += uint64(eventSize(e))
	}
	return n
}

func (h *VFSD) readInotify(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	q := o.Inotify
	room := int(min(c.GrantLen(0), maxCopy))
	if len(q.Queue) == 0 {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLIN, onlyLevel, uabi.NoDeadline)
	}
	var b []byte
	n := 0
	for ; n < len(q.Queue) && len(b)+eventSize(q.Queue[n]) <= room; n++ {
		b = appendEvent(b, q.Queue[n])
	}
	if n == 0 {
		return uabi.ErrArg
	}
	if got, err := c.GrantWrite(0, 0, b); got < len(b) {
		return faultOr(err)
	}
	q.Queue = append([]*state.InotifyEvent(nil), q.Queue[n:]...)
	if len(q.Queue) == 0 {
		q.Queue = nil
		c.EventUpdate(uabi.Handle(o.Event), 0, unix.POLLIN, 0)
	}
	q.Overflown = q.Overflown && len(q.Queue) > 0
	out.Count = int64(len(b))
	return uabi.OK
}

// appendEvent appends a struct inotify_event.
func appendEvent(b []byte, e *state.InotifyEvent) []byte {
	le := binary.LittleEndian
	n := eventSize(e) - inotifyHeader
	b = le.AppendUint32(b, uint32(e.Wd))
	b = le.AppendUint32(b, e.Mask)
	b = le.AppendUint32(b, e.Cookie)
	b = le.AppendUint32(b, uint32(n))
	return append(append(b, e.Name...), strings.Repeat("\x00", n-len(e.Name))...)
}

// closeInotify forgets the watches of an inotify file that ends.
func (h *VFSD) closeInotify(o *state.Open) {
	for _, w := range o.Inotify.GetWatches() {
		h.forgetWatcher(o.Id, w.Ino)
	}
}
