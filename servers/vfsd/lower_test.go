package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

var anImage = [][2]string{
	asEROFS, {"etc/", ""}, {"etc/small", "inline text"}, {"etc/large", strings.Repeat("page", 1500)}, {"etc/page", strings.Repeat("p", 4096)},
	{"etc/dir/", ""}, {"etc/dir/in", "x"}, {"link@", "etc/small"}, {"fifo|", ""},
}

func TestAnEROFSRootIsReadAndChangedAtEveryCrash(t *testing.T) {
	sweep(t, anImage, 3, func(w *world) {
		w.client(func(c *client) {
			before := c.stat("/etc/dir", uabi.OK)
			f := c.open("/link", unix.O_RDONLY, 0, uabi.OK)
			c.reads(f, 100, "inline text")
			f = c.open("/etc/large", unix.O_RDWR, 0, uabi.OK)
			if got := c.read(f, 12, 4092, uabi.OK); got != "pagepagepage" {
				w.Fail("read %q", got)
			}
			c.write(f, "PAGE", 4096, uabi.OK)
			if got := c.read(f, 12, 4092, uabi.OK); got != "pagePAGEpage" {
				w.Fail("around the write: %q", got)
			}
			f = c.open("/etc/small", unix.O_RDWR|unix.O_APPEND, 0, uabi.OK)
			c.write(f, "!", -1, uabi.OK)
			c.reads(c.open("/etc/small", unix.O_RDONLY, 0, uabi.OK), 100, "inline text!")
			var m vfs.MapFileReply
			page := c.open("/etc/page", unix.O_RDONLY, 0, uabi.OK)
			c.want("map", page.MapFile(c.t, &vfs.EmptyRequest{}, &m), uabi.OK)
			b := make([]byte, 4096)
			if _, err := c.k.MemoryRead(uabi.Handle(m.Memory), 0, b); err != uabi.OK || string(b) != strings.Repeat("p", 4096) {
				w.Fail("a mapping shows %q (%v)", b, err)
			}
			if got := c.list("/etc"); got != ". .. dir large page small" {
				w.Fail("/etc has %q", got)
			}
			c.unlink("/etc/page", 0, uabi.OK)
			c.stat("/etc/page", uabi.ErrNotFound)
			c.unlink("/etc/dir", atRemoveDir, uabi.ErrNotEmpty)
			rename := vfs.TwoPathRequest{Old: "/etc/dir", New: "/etc/moved"}
			c.want("rename", c.vfs.RenameAt(c.t, &rename, &vfs.EmptyReply{}), uabi.OK)
			if after := c.stat("/etc/moved", uabi.OK); after.Ino != before.Ino {
				w.Fail("a renamed directory has number %d, not %d", after.Ino, before.Ino)
			}
			c.unlink("/etc/moved/in", 0, uabi.OK)
			c.unlink("/etc/moved", atRemoveDir, uabi.OK)
			c.open("/etc/new", unix.O_CREAT|unix.O_WRONLY, 0o644, uabi.OK)
			if got := c.list("/etc"); got != ". .. large small new" {
				w.Fail("/etc has %q", got)
			}
			var fs vfs.Statfs
			c.want("statfs", c.vfs.StatfsAt(c.t, &vfs.PathRequest{Path: "/"}, &fs), uabi.OK)
			if fs.Type != unix.OVERLAYFS_SUPER_MAGIC {
				w.Fail("magic %#x", fs.Type)
			}
			c.close(c.open("/fifo", unix.O_RDWR, 0, uabi.OK))
		})
	})
}

func TestADamagedRootIsSaid(t *testing.T) {
	for name, image := range map[string][]byte{
		"EROFS, cut":          archive(anImage)[:5000],
		"EROFS, other blocks": withByte(archive(anImage), 1024+12, 77),
		"no format":           []byte(strings.Repeat("x", 8192)),
	} {
		w := newWorldOf(t, uksim.Config{Seed: 9}, image)
		w.client(func(c *client) { c.stat("/", uabi.ErrIO) })
		w.run()
		if len(w.log) == 0 || !strings.Contains(w.log[0], "no root file system") {
			t.Errorf("%s: the log has %q", name, w.log)
		}
	}
}

func withByte(b []byte, at int, v byte) []byte {
	b[at] = v
	return b
}
