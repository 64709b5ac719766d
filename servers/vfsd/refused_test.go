package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/ipc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

func TestAddressesOfAnAlienAreLookedAt(t *testing.T) {
	const nowhere = 0x1000
	grant := func(rights uint32) uabi.Grant {
		return uabi.Grant{Addr: nowhere, Len: 100, Rights: rights, Flags: uabi.GrantAlien}
	}
	sweep(t, someFiles, 1, func(w *world) {
		w.syscalls(0, 1, func(k *uksim.Native, lane *ipc.Lane, _ int) {
			want := func(what string, err uabi.Error) {
				if err != uabi.ErrFault {
					w.Fail("%s: %v", what, err)
				}
			}
			plain := vfs.Client{H: uabi.BootVFS}
			var f vfs.OpenReply
			if err := plain.Open(lane, &vfs.OpenRequest{Path: "/aligned", Flags: unix.O_RDWR}, &f); err != uabi.OK {
				w.Fail("open: %v", err)
			}
			file := vfs.Client{H: uabi.Handle(f.File)}
			want("read", file.Read(lane, &vfs.ReadRequest{}, &vfs.CountReply{}, grant(uabi.RightWrite)))
			want("write", file.Write(lane, &vfs.ReadRequest{}, &vfs.CountReply{}, grant(uabi.RightRead)))
			want("syslog", plain.Syslog(lane, &vfs.SyslogRequest{Action: 3, Len: 100}, &vfs.CountReply{}, grant(uabi.RightWrite)))
		})
	})
}

func TestANamespaceIsEnteredByWhoMay(t *testing.T) {
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			context := func() (vfs.Client, uint64) {
				var out vfs.FsReply
				c.want("context", c.vfs.FsCreate(c.t, &vfs.EmptyRequest{}, &out), uabi.OK)
				return vfs.Client{H: uabi.Handle(out.Fs)}, out.Id
			}
			a, id := context()
			b, _ := context()
			c.want("unshare", a.Unshare(c.t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}), uabi.OK)
			w.stub.fs = id
			n := c.open("/proc/1/ns/mnt", 0, 0, uabi.OK)
			enter := func(want uabi.Error) {
				c.want("enter", b.SetNs(c.t, &vfs.SetNsRequest{Dir: uint32(n.H)}, &vfs.EmptyReply{}), want)
			}
			w.stub.effective = 0
			enter(uabi.ErrPerm)
			w.stub.effective = 1<<64 - 1
			enter(uabi.OK)
			for _, f := range []vfs.Client{n, a, b} {
				c.close(f)
			}
		})
	})
}

func TestAReaderOfTheLogIsToldWhatItMissed(t *testing.T) {
	sweep(t, someFiles, 40, func(w *world) {
		w.client(func(c *client) {
			f := c.open("/dev/kmsg", unix.O_RDONLY, 0, uabi.OK)
			long := strings.Repeat("long ", 150)
			for range logSize/len(long) + 1 {
				c.want("log", c.vfs.Log(c.t, &vfs.LogRequest{Priority: 7, Text: long}, &vfs.EmptyReply{}), uabi.OK)
			}
			c.read(f, 1000, -1, uabi.ErrPipe)
			c.close(f)
		})
	})
}

func TestAMasterIsAtItsEndWhenNobodyHasTheTerminal(t *testing.T) {
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			m := c.open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY, 0, uabi.OK)
			c.want("unlock", m.Ioctl(c.t, &vfs.IoctlRequest{Cmd: unix.TIOCSPTLCK, In: make([]byte, 4)}, &vfs.IoctlReply{}), uabi.OK)
			c.close(c.open("/dev/pts/0", unix.O_RDWR|unix.O_NOCTTY, 0, uabi.OK))
			c.read(m, 1, -1, uabi.ErrIO)
			c.close(m)
		})
	})
}
