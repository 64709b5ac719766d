package main

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// What happens to files, and who is told (inotify(7)).

// watcher is one watch among those on an inode.
type watcher struct {
	open uint64 // inotify file
	*state.InotifyWatch
}

// place is something that an event is about.
type place struct {
	ino  uint64 // 0: only the directory is told
	dir  uint64 // 0: who watches the directory is not told
	name string // in dir
	// isDir: IN_ISDIR goes with the event.
	isDir bool
	// unlinked: the name is gone, which IN_EXCL_UNLINK asks not to be told of.
	unlinked bool
}

// notify tells who watches the inode or, by its name, its directory. It costs nothing while nobody watches anything.
func (h *VFSD) notify(c *server.Ctx, p place, mask uint32) { h.notifyMoved(c, p, mask, 0) }

// notifyMoved is notify with the cookie that joins the two events of a rename.
func (h *VFSD) notifyMoved(c *server.Ctx, p place, mask, cookie uint32) {
	if len(h.watched) == 0 {
		return
	}
	if p.isDir && mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF) == 0 {
		mask |= unix.IN_ISDIR
	}
	if p.dir != 0 {
		h.tell(c, p.dir, &state.InotifyEvent{Mask: mask, Cookie: cookie, Name: p.name}, p.unlinked)
	}
	if p.ino != 0 {
		h.tell(c, p.ino, &state.InotifyEvent{Mask: mask, Cookie: cookie}, false)
	}
}

// tell queues an event for each watch on ino that asked for it.
func (h *VFSD) tell(c *server.Ctx, ino uint64, e *state.InotifyEvent, unlinked bool) {
	list := h.watched[ino]
	if len(list) == 0 {
		return
	}
	for _, w := range slices.Clone(list) { // a one-shot watch goes meanwhile
		if w.Mask&e.Mask&unix.IN_ALL_EVENTS == 0 || unlinked && w.Mask&unix.IN_EXCL_UNLINK != 0 {
			continue
		}
		o := h.opens.Get(w.open)
		h.queue(c, o, &state.InotifyEvent{Wd: w.Wd, Mask: e.Mask, Cookie: e.Cookie, Name: strings.Clone(e.Name)})
		if w.Mask&unix.IN_ONESHOT != 0 {
			h.unwatch(c, o, w)
		}
	}
}

// notifyOpen tells of something that happened through an open file.
func (h *VFSD) notifyOpen(c *server.Ctx, o *state.Open, mask uint32) {
	if len(h.watched) == 0 || o.At == nil || o.Flags&unix.O_PATH != 0 {
		return
	}
	if len(h.watched[o.At.Ino]) > 0 || len(h.watched[h.dirOf(o)]) > 0 {
		h.notify(c, h.placeOf(o), mask)
	}
}

// dirOf is the directory that an open file is in, 0 where there is none.
func (h *VFSD) dirOf(o *state.Open) uint64 {
	if o.Kind != dirKind {
		return o.Dir
	}
	if n := h.tree.Inode(o.At.Ino); n != nil {
		return n.Parent
	}
	return o.Dir
}

// placeOf is where an open file is: under the name by which it was opened, wherever that has been moved since.
func (h *VFSD) placeOf(o *state.Open) place {
	n := h.tree.Inode(o.At.Ino)
	if n == nil || !n.IsDir() {
		return place{
			ino: o.At.Ino, dir: o.Dir, name: o.Name, isDir: o.Kind == dirKind, unlinked: n != nil && h.tree.Named(o.Dir, o.Name) != o.At.Ino,
		}
	}
	return h.dirPlace(n)
}

// dirPlace is where a directory is; a file system's root has no name.
func (h *VFSD) dirPlace(n *tree.Inode) place {
	p := place{ino: n.Ino, isDir: true}
	if n.Parent != n.Ino {
		p.dir, p.name, p.unlinked = n.Parent, h.tree.NameOf(n), n.Nlink == 0
	}
	return p
}

// foundPlace is what a walk ended at, which exists.
func (h *VFSD) foundPlace(f tree.Found) place {
	if f.OpenFile {
		return place{} // its number is no inode's
	}
	n := h.tree.Inode(f.At.Ino)
	if n != nil && n.IsDir() {
		return h.dirPlace(n)
	}
	p := place{ino: f.At.Ino}
	p.dir, p.name = nameOf(&f)
	return p
}

// nameOf is the directory and the name of what a walk found by name; 0 where it crossed into another mount.
func nameOf(f *tree.Found) (dir uint64, name string) {
	if f.Last != tree.LastName || f.OK && f.At.Mount != f.Parent.Mount {
		return 0, ""
	}
	return f.Parent.Ino, f.Name
}

// renamed moves the names by which files are open.
func (h *VFSD) renamed(ino, fromDir uint64, fromName string, toDir uint64, toName string) {
	for _, o := range h.opens.All() {
		if o.Dir == fromDir && o.At.GetIno() == ino && o.Name == fromName {
			o.Dir, o.Name = toDir, toName
		}
	}
}

// inodeGone tells who watches an inode that it is no more, and forgets the watches.
func (h *VFSD) inodeGone(c *server.Ctx, g tree.Gone) {
	what := uint32(unix.IN_DELETE_SELF)
	if g.Unmounted {
		what = unix.IN_UNMOUNT
		if g.IsDir {
			what |= unix.IN_ISDIR
		}
	}
	for _, w := range slices.Clone(h.watched[g.Ino]) {
		o := h.opens.Get(w.open)
		if g.Unmounted || w.Mask&what != 0 {
			h.queue(c, o, &state.InotifyEvent{Wd: w.Wd, Mask: what})
		}
		h.unwatch(c, o, w)
	}
}

// maxQueued is fs.inotify.max_queued_events.
const maxQueued = 16384

// queue appends an event to an inotify file; one that is the same as the last is dropped.
func (h *VFSD) queue(c *server.Ctx, o *state.Open, e *state.InotifyEvent) {
	q := o.Inotify
	n := len(q.Queue)
	if n >= maxQueued {
		if q.Overflown {
			return
		}
		q.Overflown = true
		e = &state.InotifyEvent{Wd: -1, Mask: unix.IN_Q_OVERFLOW}
	} else if n > 0 && sameEvent(q.Queue[n-1], e) {
		return
	}
	q.Queue = append(q.Queue, e)
	c.EventUpdate(uabi.Handle(o.Event), unix.POLLIN, 0, 0)
}

func sameEvent(a, b *state.InotifyEvent) bool {
	return a.Mask&unix.IN_IGNORED == 0 && a.Wd == b.Wd && a.Mask == b.Mask && a.Name == b.Name
}

// unwatch removes a watch and says so.
func (h *VFSD) unwatch(c *server.Ctx, o *state.Open, w watcher) {
	h.forgetWatcher(o.Id, w.Ino)
	o.Inotify.Watches = slices.DeleteFunc(o.Inotify.Watches, func(v *state.InotifyWatch) bool { return v.Wd == w.Wd })
	h.queue(c, o, &state.InotifyEvent{Wd: w.Wd, Mask: unix.IN_IGNORED})
}

// addWatcher and forgetWatcher keep the index of watches by inode, which is in order of the inotify files.
func (h *VFSD) addWatcher(w watcher) {
	list := h.watched[w.Ino]
	i, _ := slices.BinarySearchFunc(list, w.open, func(v watcher, open uint64) int { return int(int64(v.open) - int64(open)) })
	h.watched[w.Ino] = slices.Insert(list, i, w)
}

func (h *VFSD) forgetWatcher(open, ino uint64) {
	list := slices.DeleteFunc(h.watched[ino], func(v watcher) bool { return v.open == open })
	if len(list) == 0 {
		delete(h.watched, ino)
		return
	}
	h.watched[ino] = list
}
