package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func TestExecutablesAreFoundAtEveryCrash(t *testing.T) {
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			find := func(dir vfs.Client, path string, flags uint32, want uabi.Error) *vfs.ExecFileReply {
				out := &vfs.ExecFileReply{}
				c.want("exec "+path, c.vfs.ExecFile(c.t, &vfs.PathRequest{Path: path, Dir: uint32(dir.H), Flags: flags}, out), want)
				return out
			}
			none := vfs.Client{}
			chmod := func(path string, mode uint32) {
				c.want("chmod", c.vfs.SetAt(c.t, &vfs.SetRequest{Path: path, Mode: &mode}, &vfs.EmptyReply{}), uabi.OK)
			}
			chmod("/bin/prog", 0o4711)
			got := find(none, "/link", 0, uabi.OK)
			b := make([]byte, 9)
			if _, err := c.k.MemoryRead(uabi.Handle(got.Memory), 0, b); err != uabi.OK || string(b) != "unaligned" {
				w.Fail("contents %q (%v)", b, err)
			}
			if got.Path != "/bin/prog" || got.Size != 6000 || got.Mode != unix.S_IFREG|0o4711 || got.Nosuid {
				w.Fail("found %v", got)
			}
			c.k.Close(uabi.Handle(got.Memory))
			find(none, "/link", unix.AT_SYMLINK_NOFOLLOW, uabi.ErrLoop)
			find(none, "/none", 0, uabi.ErrNotFound)
			find(none, "/bin", 0, uabi.ErrAccess)
			find(none, "/"+strings.Repeat("n", 300), 0, uabi.ErrName)
			gone, _ := c.k.EventCreate(uabi.BootAccount)
			find(vfs.Client{H: gone}, "", unix.AT_EMPTY_PATH, uabi.ErrBadFD)
			c.k.Close(gone)
			find(none, "/bin/prog/x", 0, uabi.ErrNotDir)
			chmod("/aligned", 0o644)
			find(none, "/aligned", 0, uabi.ErrAccess)
			f := c.open("/bin/prog", unix.O_PATH, 0, uabi.OK)
			got = find(f, "", unix.AT_EMPTY_PATH, uabi.OK)
			c.k.Close(uabi.Handle(got.Memory))
			c.close(f)
		})
	})
}
