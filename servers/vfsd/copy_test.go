package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// copy waits as long as it must.
func (c *client) copy(to, from vfs.Client, in *vfs.CopyRequest, want uabi.Error) int64 {
	for {
		in.From = uint32(from.H)
		var out vfs.CountReply
		err := to.Copy(c.t, in, &out)
		if err == uabi.ErrWait {
			c.t.Wait()
			continue
		}
		c.want("copy", err, want)
		return out.Count
	}
}

func vfsCopy(from, to int64, n uint64) *vfs.CopyRequest {
	return &vfs.CopyRequest{FromOffset: from, ToOffset: to, Len: n}
}

func TestBytesAreCopiedOnceAtEveryCrash(t *testing.T) {
	own := func(n uint64) *vfs.CopyRequest { return &vfs.CopyRequest{FromOffset: -1, ToOffset: -1, Len: n} }
	sweep(t, someFiles, 2, func(w *world) {
		w.client(func(c *client) {
			f := c.open("/aligned", unix.O_RDWR, 0, uabi.OK)
			g := c.open("/tmp/g", unix.O_CREAT|unix.O_RDWR, 0o600, uabi.OK)
			if n := c.copy(g, f, own(5000), uabi.OK); n != 5000 {
				w.Fail("copied %d", n)
			}
			c.copy(g, f, own(5000), uabi.OK)
			if n := c.copy(g, f, own(5000), uabi.OK); n != 0 {
				w.Fail("at the end copied %d", n)
			}
			if got := c.read(g, 9000, 0, uabi.OK); got != strings.Repeat("page", 1500) {
				w.Fail("the copy has %d bytes", len(got))
			}
			c.copy(g, f, &vfs.CopyRequest{Len: 5, Files: true}, uabi.ErrCrossDevice)
			c.copy(f, f, &vfs.CopyRequest{ToOffset: 3, Len: 5, Files: true}, uabi.ErrArg)
			c.copy(f, f, &vfs.CopyRequest{ToOffset: 6001, Len: 4, Files: true}, uabi.OK)
			if got := c.read(f, 100, 5998, uabi.OK); got != "ge\x00page" {
				w.Fail("the file ends in %q", got)
			}
			var ends vfs.PipeReply
			c.want("pipe", c.vfs.Pipe(c.t, &vfs.PipeRequest{}, &ends), uabi.OK)
			r, wr := vfs.Client{H: uabi.Handle(ends.Read)}, vfs.Client{H: uabi.Handle(ends.Write)}
			c.copy(g, r, &vfs.CopyRequest{FromOffset: -1, Len: 4, Nonblock: true}, uabi.ErrAgain)
			c.copy(wr, f, &vfs.CopyRequest{ToOffset: -1, Len: 10}, uabi.OK)
			c.want("pipe", c.vfs.Pipe(c.t, &vfs.PipeRequest{}, &ends), uabi.OK)
			r2, wr2 := vfs.Client{H: uabi.Handle(ends.Read)}, vfs.Client{H: uabi.Handle(ends.Write)}
			stays := &vfs.CopyRequest{FromOffset: -1, ToOffset: -1, Len: 7, Stays: true}
			c.copy(wr2, r, stays, uabi.OK)
			c.copy(wr2, f, stays, uabi.ErrArg)
			c.copy(wr, r, stays, uabi.ErrArg)
			c.reads(r2, 10, "pagepag")
			c.copy(wr, f, &vfs.CopyRequest{Len: 10}, uabi.ErrSeek)
			if n := c.copy(g, r, &vfs.CopyRequest{FromOffset: -1, ToOffset: 1, Len: 100}, uabi.OK); n != 10 {
				w.Fail("from the pipe came %d", n)
			}
			if got := c.read(g, 12, 0, uabi.OK); got != "ppagepagepae" {
				w.Fail("over the copy: %q", got)
			}
			c.want("mkfifo", c.vfs.MakeAt(c.t, &vfs.MakeRequest{Path: "/tmp/p", Mode: unix.S_IFIFO | 0o600}, &vfs.EmptyReply{}), uabi.OK)
			p := c.open("/tmp/p", unix.O_RDWR, 0, uabi.OK)
			w.client(func(c *client) {
				p := c.open("/tmp/p", unix.O_RDWR, 0, uabi.OK)
				now, _ := c.k.Clock(uabi.ClockMonotonic)
				c.k.EventWait(0, 0, 0, now+2_000_000)
				c.write(p, "late", -1, uabi.OK)
			})
			if n := c.copy(g, p, own(100), uabi.OK); n != 4 {
				w.Fail("waited for %d bytes", n)
			}
			c.copy(r, f, own(1), uabi.ErrBadFD)
			sealed := c.memfd("sealed", unix.MFD_ALLOW_SEALING, uabi.OK)
			c.seal(sealed, &vfs.SealsRequest{Add: true, Seals: unix.F_SEAL_WRITE}, uabi.OK)
			c.copy(sealed, f, vfsCopy(0, 0, 1), uabi.ErrPerm)
			c.copy(g, f, vfsCopy(0, maxSize, 2), uabi.ErrFileSize)
			c.allocate(wr, 0, 0, 1, uabi.ErrSeek)
			c.copy(g, wr, own(1), uabi.ErrBadFD)
			c.copy(g, c.open("/tmp", unix.O_RDONLY, 0, uabi.OK), own(1), uabi.ErrIsDir)
			c.copy(g, c.open("/proc/1/status", unix.O_RDONLY, 0, uabi.OK), own(1), uabi.ErrArg)
			c.close(r)
			for {
				req := vfs.CopyRequest{ToOffset: -1, Len: 1, From: uint32(f.H)}
				err := wr.Copy(c.t, &req, &vfs.CountReply{})
				if err == uabi.ErrPipe {
					break
				}
				c.want("copy until nobody reads", err, uabi.OK)
			}
			c.copy(c.open("/tmp/g", unix.O_WRONLY|unix.O_APPEND, 0, uabi.OK), f, own(1), uabi.ErrArg)
		})
	})
}
