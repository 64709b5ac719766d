package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func (c *client) memfd(name string, flags uint32, want uabi.Error) vfs.Client {
	var out vfs.OpenReply
	c.want("memfd", c.vfs.Memfd(c.t, &vfs.MemfdRequest{Name: name, Flags: flags}, &out), want)
	return vfs.Client{H: uabi.Handle(out.File)}
}

func (c *client) seal(f vfs.Client, in *vfs.SealsRequest, want uabi.Error) int64 {
	var out vfs.CountReply
	c.want("seals", f.Seals(c.t, in, &out), want)
	return out.Count
}

func (c *client) resize(f vfs.Client, size int64, want uabi.Error) {
	in := vfs.SetRequest{Size: &size, Flags: atEmptyPath, Dir: uint32(f.H)}
	c.want("resize", c.vfs.SetAt(c.t, &in, &vfs.EmptyReply{}), want)
}

func (c *client) allocate(f vfs.Client, mode uint32, off, n int64, want uabi.Error) {
	c.want("fallocate", f.Fallocate(c.t, &vfs.FallocateRequest{Mode: mode, Offset: off, Len: n}, &vfs.EmptyReply{}), want)
}

func TestSealsHoldAtEveryCrash(t *testing.T) {
	const hole = unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE
	sweep(t, nil, 2, func(w *world) {
		w.client(func(c *client) {
			c.memfd("x", 4, uabi.ErrArg)
			plain := c.memfd("plain", 0, uabi.OK)
			c.resize(plain, maxSize+1, uabi.ErrFileSize)
			c.write(plain, "x", maxSize, uabi.ErrFileSize)
			if got := c.seal(plain, &vfs.SealsRequest{}, uabi.OK); got != unix.F_SEAL_SEAL {
				w.Fail("a memfd that is not to be sealed has the seals %#x", got)
			}
			c.seal(plain, &vfs.SealsRequest{Add: true, Seals: unix.F_SEAL_GROW}, uabi.ErrPerm)
			c.close(plain)
			f := c.memfd("sealed", unix.MFD_ALLOW_SEALING, uabi.OK)
			c.write(f, "contents", -1, uabi.OK)
			var p vfs.PathReply
			c.want("path", f.Path(c.t, &vfs.EmptyRequest{}, &p), uabi.OK)
			if p.Path != "/memfd:sealed (deleted)" {
				w.Fail("its name is %q", p.Path)
			}
			c.seal(f, &vfs.SealsRequest{Add: true, Seals: 0x4000}, uabi.ErrArg)
			c.seal(f, &vfs.SealsRequest{Add: true, Seals: unix.F_SEAL_SHRINK | unix.F_SEAL_GROW}, uabi.OK)
			c.resize(f, 7, uabi.ErrPerm)
			c.resize(f, 9, uabi.ErrPerm)
			c.write(f, "more", -1, uabi.ErrPerm)
			c.allocate(f, 0, 0, 100, uabi.ErrPerm)
			c.allocate(f, hole, 1, 2, uabi.OK)
			if got := c.read(f, 9, 0, uabi.OK); got != "c\x00\x00tents" {
				w.Fail("with a hole it reads %q", got)
			}
			c.seal(f, &vfs.SealsRequest{Add: true, Seals: unix.F_SEAL_WRITE, Mapped: true}, uabi.ErrBusy)
			c.seal(f, &vfs.SealsRequest{Add: true, Seals: unix.F_SEAL_WRITE | unix.F_SEAL_SEAL}, uabi.OK)
			c.write(f, "x", 0, uabi.ErrPerm)
			c.allocate(f, hole, 1, 2, uabi.ErrPerm)
			var m vfs.MapFileReply
			c.want("map", f.MapFile(c.t, &vfs.EmptyRequest{}, &m), uabi.OK)
			if _, err := c.k.MemoryWrite(uabi.Handle(m.Memory), 0, []byte("x")); !m.Sealed || err == uabi.OK {
				w.Fail("the memory of a sealed file can be written (%v)", m.Sealed)
			}
			c.seal(f, &vfs.SealsRequest{Add: true, Seals: unix.F_SEAL_SEAL}, uabi.ErrPerm)
			c.seal(c.open("/", unix.O_RDONLY, 0, uabi.OK), &vfs.SealsRequest{}, uabi.ErrArg)
		})
	})
}

func TestAFileWithoutANameGetsOneAtEveryCrash(t *testing.T) {
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			c.open("/tmp", unix.O_TMPFILE|unix.O_RDONLY, 0o600, uabi.ErrArg)
			c.open("/proc", unix.O_TMPFILE|unix.O_RDWR, 0o600, uabi.ErrOperation)
			c.mkdir("/tmp/d", uabi.OK)
			f := c.open("/tmp/d", unix.O_TMPFILE|unix.O_RDWR, 0o666, uabi.OK)
			c.write(f, "late", -1, uabi.OK)
			c.unlink("/tmp/d", atRemoveDir, uabi.OK)
			link := vfs.TwoPathRequest{New: "/tmp/named", Flags: atEmptyPath, OldDir: uint32(f.H)}
			c.want("link", c.vfs.LinkAt(c.t, &link, &vfs.EmptyReply{}), uabi.OK)
			if s := c.stat("/tmp/named", uabi.OK); s.Mode != unix.S_IFREG|0o644 || s.Nlink != 1 {
				w.Fail("it is %v", s)
			}
			c.unlink("/tmp/named", 0, uabi.OK)
			c.want("link again", c.vfs.LinkAt(c.t, &link, &vfs.EmptyReply{}), uabi.ErrNotFound)
			c.close(f)
			f = c.open("/tmp", unix.O_TMPFILE|unix.O_RDWR|unix.O_EXCL, 0o666, uabi.OK)
			link = vfs.TwoPathRequest{New: "/tmp/named", Flags: atEmptyPath, OldDir: uint32(f.H)}
			c.want("link of an exclusive one", c.vfs.LinkAt(c.t, &link, &vfs.EmptyReply{}), uabi.ErrNotFound)
			c.close(f)
		})
	})
}

func TestFilesAreAllocatedAsOnLinux(t *testing.T) {
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			f := c.open("/aligned", unix.O_RDWR, 0, uabi.OK)
			c.allocate(f, 0, 0, 0, uabi.ErrArg)
			c.allocate(f, unix.FALLOC_FL_COLLAPSE_RANGE, 0, 4096, uabi.ErrOperation)
			c.allocate(f, unix.FALLOC_FL_PUNCH_HOLE, 0, 4096, uabi.ErrOperation)
			c.allocate(f, 0, 1<<62, 1<<62, uabi.ErrFileSize)
			c.allocate(f, unix.FALLOC_FL_KEEP_SIZE, 5000, 5000, uabi.OK)
			c.allocate(f, unix.FALLOC_FL_ZERO_RANGE, 4094, 4, uabi.OK)
			if got := c.read(f, 8, 4092, uabi.OK); got != "pa\x00\x00\x00\x00ge" {
				w.Fail("around the zeroes: %q", got)
			}
			c.allocate(f, 0, 6000, 4, uabi.OK)
			if got := c.read(f, 100, 5996, uabi.OK); got != "page\x00\x00\x00\x00" {
				w.Fail("the end is %q", got)
			}
			c.allocate(c.open("/aligned", unix.O_RDONLY, 0, uabi.OK), 0, 0, 1, uabi.ErrBadFD)
			c.allocate(c.open("/dev/null", unix.O_RDWR, 0, uabi.OK), 0, 0, 1, uabi.ErrNoDevice)
		})
	})
}
