package main

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/ipc"
	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
	"aramid/ukernel/uksim"
)

func TestReadingAndWritingAreReceivingAndSending(t *testing.T) {
	sweep(t, 3, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			c.write(a, "hello", uabi.OK)
			if got := c.read(b, 9, uabi.OK); got != "hello" {
				w.Fail("read %q", got)
			}
			c.read(b, 9, uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			c.nonblock(b)
			c.read(b, 9, uabi.ErrAgain)
			// As much as fits, and then none.
			c.set(a, unix.SOL_SOCKET, unix.SO_SNDBUF, number(0), uabi.OK)
			c.write(a, strings.Repeat("l", 9000), uabi.OK)
			c.write(a, "x", uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			c.nonblock(a)
			c.write(a, "x", uabi.ErrAgain)
			c.close(b)
			c.refused(a, uabi.ErrPipe)
			c.write(a, "x", uabi.ErrPipe)
			c.close(a)
			// Not connected.
			s, q := c.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0), c.socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
			c.read(s, 9, uabi.ErrArg)
			c.read(q, 9, uabi.ErrNotConnected)
			c.write(s, "x", uabi.ErrNotConnected)
			c.close(s, q)
		})
	})
}

func TestWritingDatagramsIsSendingThem(t *testing.T) {
	sweep(t, 3, func(w *world) {
		w.client(func(c *client) {
			a, b, d := c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0), c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0), c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			name := func(n string) *net.AddressRequest { return &net.AddressRequest{Name: []byte("\x00" + n)} }
			c.bind(a, name("a"), uabi.OK)
			c.bind(b, name("b"), uabi.OK)
			c.bind(d, name("d"), uabi.OK)
			c.connect(a, name("b"), uabi.OK)
			c.connect(b, name("a"), uabi.OK)
			c.write(a, strings.Repeat("long", 100000), uabi.ErrSize)
			// b goes elsewhere and drops what it has: a is told that, and then that b does not hear it.
			c.write(a, "lost", uabi.OK)
			c.connect(b, name("d"), uabi.OK)
			c.write(a, "x", uabi.ErrReset)
			c.read(a, 9, uabi.ErrReset)
			c.want("error", a.Error(c.t, &net.EmptyRequest{}, &net.CountReply{}), uabi.OK)
			c.write(a, "x", uabi.ErrPerm)
			c.send(a, "x", 0, uabi.ErrPerm)
			c.want("shutdown", d.Shutdown(c.t, &net.ShutdownRequest{How: unix.SHUT_RD}, &net.EmptyReply{}), uabi.OK)
			c.write(b, "x", uabi.ErrShutdown)
			c.close(d)
			c.refused(b, uabi.ErrRefused)
			c.write(b, "x", uabi.ErrRefused)
			c.close(a, b)
		})
	})
}

func TestWhatASocketSaysOfItselfAsAFile(t *testing.T) {
	sweep(t, 3, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			f := vfs.Client{H: a.H}
			var out vfs.PathReply
			c.want("path", f.Path(c.t, &vfs.EmptyRequest{}, &out), uabi.OK)
			if !strings.HasPrefix(out.Path, "socket:[") {
				w.Fail("its name is %q", out.Path)
			}
			st := make([]byte, vfs.StatSize)
			c.want("stat", f.StatTo(c.t, &vfs.PathRequest{}, &vfs.EmptyReply{}, uk.Grant(st, uabi.RightWrite)), uabi.OK)
			if mode := le.Uint32(st[24:]); mode != unix.S_IFSOCK|0o777 {
				w.Fail("its mode is %o", mode)
			}
			set := func(in *vfs.SetRequest, want uabi.Error) {
				c.want("set", f.SetAt(c.t, in, &vfs.EmptyReply{}), want)
			}
			mode, uid, gid, size := uint32(0o200), uint32(1000), uint32(2001), int64(0)
			set(&vfs.SetRequest{Mode: &mode}, uabi.OK)
			set(&vfs.SetRequest{Gid: &gid}, uabi.OK)
			set(&vfs.SetRequest{Uid: &uid}, uabi.ErrPerm)
			set(&vfs.SetRequest{Size: &size}, uabi.ErrArg)
			set(&vfs.SetRequest{Path: "x"}, uabi.ErrNotDir)
			c.want("stat", f.StatTo(c.t, &vfs.PathRequest{}, &vfs.EmptyReply{}, uk.Grant(st, uabi.RightWrite)), uabi.OK)
			if mode := le.Uint32(st[24:]); mode != unix.S_IFSOCK|0o200 {
				w.Fail("its mode is now %o", mode)
			}
			c.want("stat", f.StatTo(c.t, &vfs.PathRequest{Path: "x"}, &vfs.EmptyReply{}, uk.Grant(st, uabi.RightWrite)), uabi.ErrNotDir)
			c.close(a, b)
		})
	})
}

func TestMemoryThatIsNotThereIsAFaultAndNothingElse(t *testing.T) {
	const va = 0x10000
	from, into := uabi.Grant{Addr: va, Len: 8, Rights: uabi.RightRead, Flags: uabi.GrantAlien}, uabi.Grant{Addr: va, Len: 200, Rights: uabi.RightWrite, Flags: uabi.GrantAlien}
	sweep(t, 1, func(w *world) {
		w.alien(func(k *uksim.Native, c ipc.Caller) {
			fails := func(what string, got uabi.Error) {
				if got != uabi.ErrFault {
					w.Fail("%s: %v", what, got)
				}
			}
			var p net.PairReply
			if err := (net.Client{H: uabi.BootNet}).Pair(c, &net.SocketRequest{Domain: unix.AF_UNIX, Type: unix.SOCK_STREAM}, &p); err != uabi.OK {
				w.Fail("pair: %v", err)
			}
			a, b := net.Client{H: uabi.Handle(p.File)}, net.Client{H: uabi.Handle(p.File2)}
			fa, fb := vfs.Client{H: a.H}, vfs.Client{H: b.H}
			fails("send", a.Send(c, &net.FlagsRequest{}, &net.CountReply{}, from))
			fails("message", a.SendMessage(c, &net.MessageRequest{Total: from.Len}, &net.CountReply{}, from))
			fails("write", fa.Write(c, &vfs.ReadRequest{Offset: -1}, &vfs.CountReply{}, from))
			kept := buffer("kept")
			if err := a.Send(c, &net.FlagsRequest{}, &net.CountReply{}, uk.Grant(kept, uabi.RightRead)); err != uabi.OK {
				w.Fail("send: %v", err)
			}
			fails("recv", b.Recv(c, &net.FlagsRequest{}, &net.CountReply{}, into))
			fails("receive", b.RecvMessage(c, &net.ReceiveRequest{}, &net.MessageReply{}, into))
			fails("read", fb.Read(c, &vfs.ReadRequest{Offset: -1}, &vfs.CountReply{}, into))
			fails("stat", fb.StatTo(c, &vfs.PathRequest{}, &vfs.EmptyReply{}, into))
			var m net.MessageReply
			if err := b.RecvMessage(c, &net.ReceiveRequest{Inline: 100}, &m); err != uabi.OK || string(m.Data) != "kept" {
				w.Fail("received %q: %v", m.Data, err)
			}
			runtime.KeepAlive(kept)
			k.Close(a.H)
			k.Close(b.H)
		})
	})
}
