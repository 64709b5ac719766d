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
			if got.Path != "/bin/prog" || got.Size != 6000 || got.Mode != unix.S_IFREG|0o4711 || got.Nosuid || got.Randomize != 2 {
				w.Fail("found %v", got)
			}
			forget := func() {
				c.k.Close(uabi.Handle(got.Memory))
				c.k.Close(uabi.Handle(got.Exe))
			}
			forget()
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
			forget()
			c.close(f)
			f = c.open("/proc/sys/kernel/randomize_va_space", unix.O_RDWR, 0, uabi.OK)
			c.write(f, "-1\n", 0, uabi.ErrArg)
			for _, v := range []struct {
				text string
				want uint32
			}{{"0\n", 0}, {"1\n", 1}, {"7\n", 2}} {
				c.write(f, v.text, 0, uabi.OK)
				if got = find(none, "/link", 0, uabi.OK); got.Randomize != v.want || c.read(f, 9, 0, uabi.OK) != v.text {
					w.Fail("%q: %d", v.text, got.Randomize)
				}
				forget()
			}
			c.close(f)
		})
	})
}

func TestAFileCanBeWrittenOnceNobodyExecutesItAndTheOtherWayRound(t *testing.T) {
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			mode := uint32(0o755)
			c.want("chmod", c.vfs.SetAt(c.t, &vfs.SetRequest{Path: "/aligned", Mode: &mode}, &vfs.EmptyReply{}), uabi.OK)
			exec := func() (uabi.Handle, uabi.Error) {
				var out vfs.ExecFileReply
				err := c.vfs.ExecFile(c.t, &vfs.PathRequest{Path: "/aligned"}, &out)
				c.k.Close(uabi.Handle(out.Memory))
				return uabi.Handle(out.Exe), err
			}
			write := func() (uabi.Handle, uabi.Error) {
				var out vfs.OpenReply
				err := c.vfs.Open(c.t, &vfs.OpenRequest{Path: "/aligned", Flags: unix.O_WRONLY}, &out)
				return uabi.Handle(out.File), err
			}
			for range 2 {
				x, y := c.freed(exec), c.freed(exec)
				_, err := write()
				c.want("write a program", err, uabi.ErrTextBusy)
				c.k.Close(x)
				_, err = write()
				c.want("write another's program", err, uabi.ErrTextBusy)
				c.k.Close(y)
				f := c.freed(write)
				_, err = exec()
				c.want("execute what is written", err, uabi.ErrTextBusy)
				c.k.Close(f)
			}
			c.k.Close(c.freed(exec))
		})
	})
}

// freed calls f until vfsd has heard of the handle that was closed before: the simulated kernel gives notices in any order (R6).
func (c *client) freed(f func() (uabi.Handle, uabi.Error)) uabi.Handle {
	for {
		h, err := f()
		if err == uabi.ErrTextBusy {
			continue
		}
		c.want("text is free", err, uabi.OK)
		return h
	}
}
