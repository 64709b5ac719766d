package main

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

func (c *client) watch(f vfs.Client, path string, mask uint32, want uabi.Error) int32 {
	var out vfs.CountReply
	c.want("watch "+path, f.InotifyAdd(c.t, &vfs.InotifyAddRequest{Path: path, Mask: mask}, &out), want)
	return int32(out.Count)
}

// told reads events and compares them: wd, mask, name.
func (c *client) told(f vfs.Client, want ...string) {
	b := []byte(c.read(f, 4096, -1, uabi.OK))
	var got []string
	for len(b) > 0 {
		n := le.Uint32(b[12:])
		got = append(got, fmt.Sprintf("%d %#x %s", int32(le.Uint32(b)), le.Uint32(b[4:]), strings.TrimRight(string(b[16:16+n]), "\x00")))
		b = b[16+n:]
	}
	if strings.Join(got, ",") != strings.Join(want, ",") {
		c.w.Fail("told %q, want %q", got, want)
	}
}

func TestAWatcherIsToldOnceAtEveryCrash(t *testing.T) {
	sweep(t, someFiles, 2, func(w *world) {
		w.client(func(c *client) {
			var out vfs.OpenReply
			c.want("inotify", c.vfs.Inotify(c.t, &vfs.InotifyRequest{}, &out), uabi.OK)
			f := vfs.Client{H: uabi.Handle(out.File)}
			c.watch(f, "/tmp", 0, uabi.ErrArg)
			c.watch(f, "/nope", unix.IN_OPEN, uabi.ErrNotFound)
			c.watch(f, "/aligned", unix.IN_OPEN|unix.IN_ONLYDIR, uabi.ErrNotDir)
			c.mkdir("/tmp/d", uabi.OK)
			d := c.watch(f, "/tmp/d", unix.IN_ALL_EVENTS, uabi.OK)
			c.watch(f, "/tmp/d", unix.IN_OPEN|inMaskCreate, uabi.ErrExists)
			x := c.open("/tmp/d/x", unix.O_CREAT|unix.O_WRONLY, 0o600, uabi.OK)
			c.write(x, "text", -1, uabi.OK)
			c.level("told", f, unix.POLLIN)
			c.told(f, fmt.Sprintf("%d 0x100 x", d), fmt.Sprintf("%d 0x20 x", d), fmt.Sprintf("%d 0x2 x", d))
			c.level("read", f, 0)
			n := c.watch(f, "/tmp/d/x", unix.IN_DELETE_SELF|unix.IN_ATTRIB, uabi.OK)
			rename := vfs.TwoPathRequest{Old: "/tmp/d/x", New: "/tmp/y"}
			c.want("rename", c.vfs.RenameAt(c.t, &rename, &vfs.EmptyReply{}), uabi.OK)
			c.write(x, "more", -1, uabi.OK)
			c.unlink("/tmp/y", 0, uabi.OK)
			c.read(f, 16, -1, uabi.ErrArg)
			c.told(f, fmt.Sprintf("%d 0x40 x", d), fmt.Sprintf("%d 0x4 ", n))
			c.close(x)
			c.told(f, fmt.Sprintf("%d 0x400 ", n), fmt.Sprintf("%d 0x8000 ", n))
			c.unlink("/tmp/d", atRemoveDir, uabi.OK)
			c.told(f, fmt.Sprintf("%d 0x400 ", d), fmt.Sprintf("%d 0x8000 ", d))
			p := c.watch(f, "/proc/1", unix.IN_OPEN|unix.IN_ONESHOT, uabi.OK)
			c.open("/proc/1/cmdline", unix.O_RDONLY, 0, uabi.OK)
			c.open("/proc/1/cmdline", unix.O_RDONLY, 0, uabi.OK)
			c.told(f, fmt.Sprintf("%d 0x20 cmdline", p), fmt.Sprintf("%d 0x8000 ", p))
			c.want("remove", f.InotifyRemove(c.t, &vfs.InotifyRemoveRequest{Wd: p}, &vfs.EmptyReply{}), uabi.ErrArg)
			m := c.watch(f, "/aligned", unix.IN_MODIFY, uabi.OK)
			c.want("remove", f.InotifyRemove(c.t, &vfs.InotifyRemoveRequest{Wd: m}, &vfs.EmptyReply{}), uabi.OK)
			c.told(f, fmt.Sprintf("%d 0x8000 ", m))
			var flags vfs.CountReply
			c.want("flags", f.Flags(c.t, &vfs.FlagsRequest{Set: true, Flags: unix.O_NONBLOCK}, &flags), uabi.OK)
			c.read(f, 100, -1, uabi.ErrAgain)
			c.close(f)
		})
	})
}

func TestAQueueOfEventsOverflowsOnce(t *testing.T) {
	q := &state.Inotify{Overflown: true}
	for i := range maxQueued {
		q.Queue = append(q.Queue, &state.InotifyEvent{Wd: int32(i)})
	}
	New(Config{}).queue(nil, &state.Open{Id: 1, Inotify: q}, &state.InotifyEvent{Wd: 1, Mask: unix.IN_ATTRIB})
	if len(q.Queue) != maxQueued {
		t.Errorf("%d events", len(q.Queue))
	}
}
