package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Names are bytes, and need be no UTF-8: of files, directories, links, attributes.
func TestNamesOfAnyBytesAreKeptAtEveryCrash(t *testing.T) {
	const odd = "\xff\xfe\x80"
	sweep(t, someFiles, 2, func(w *world) {
		w.stub.effective = 1 << capSysAdmin
		w.client(func(c *client) {
			c.mkdir("/"+odd, uabi.OK)
			f := c.open("/"+odd+"/"+odd, unix.O_CREAT|unix.O_RDWR, 0o644, uabi.OK)
			c.write(f, "kept", 0, uabi.OK)
			link := &vfs.MakeRequest{Path: "/" + odd + "/link", Mode: unix.S_IFLNK | 0o777, Target: odd}
			c.want("symlink", c.vfs.MakeAt(c.t, link, &vfs.EmptyReply{}), uabi.OK)
			c.setXattr(&vfs.XattrRequest{Path: "/" + odd, Name: "user." + odd, Value: []byte(odd)}, uabi.OK)
			c.close(f)
			g := c.open("/"+odd+"/link", unix.O_RDONLY, 0, uabi.OK)
			c.reads(g, 10, "kept")
			c.xattr("/"+odd, "user."+odd, odd, uabi.OK)
			if got := c.list("/" + odd); got != ". .. link "+odd && got != ". .. "+odd+" link" {
				w.Fail("the directory lists %q", got)
			}
			c.close(g)
		})
	})
}
