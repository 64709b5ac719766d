package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

func TestErrorsOfSendingAndReceiving(t *testing.T) {
	sweep(t, 5, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			d, e := c.pair(unix.SOCK_DGRAM)
			s, u := c.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0), c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			q := c.socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
			addressed := func(name string) *net.MessageRequest {
				return &net.MessageRequest{HasAddress: true, Family: unix.AF_UNIX, Name: []byte(name), Ino: 5}
			}
			// Not connected, or not so.
			c.recv(s, 1, 0, uabi.ErrArg)
			c.recv(q, 1, 0, uabi.ErrNotConnected)
			c.receive(s, 0, 0, uabi.ErrArg)
			c.receive(q, 0, 0, uabi.ErrNotConnected)
			c.send(s, "x", 0, uabi.ErrNotConnected)
			c.message(q, "x", &net.MessageRequest{}, uabi.ErrNotConnected)
			c.message(a, "x", addressed("p"), uabi.ErrConnected)
			c.message(s, "x", addressed("p"), uabi.ErrOperation)
			c.message(u, "x", &net.MessageRequest{HasAddress: true, Family: unix.AF_INET}, uabi.ErrArg)
			c.bind(s, &net.AddressRequest{Name: []byte("p"), Ino: 5}, uabi.OK)
			c.message(u, "x", addressed("p"), uabi.ErrProtocolType)
			c.message(u, "x", addressed("\x00none"), uabi.ErrRefused)
			// Out-of-band bytes and error queues there are not.
			c.send(a, "x", unix.MSG_OOB, uabi.ErrOperation)
			c.message(a, "x", &net.MessageRequest{Flags: unix.MSG_OOB}, uabi.ErrOperation)
			c.recv(b, 1, unix.MSG_OOB, uabi.ErrArg)
			c.recv(e, 1, unix.MSG_ERRQUEUE, uabi.ErrOperation)
			c.receive(e, unix.MSG_OOB, 0, uabi.ErrOperation)
			c.send(a, "kept", 0, uabi.OK)
			c.send(d, "kept", 0, uabi.OK)
			c.reads(b, "kept")
			c.reads(e, "kept")
			// Waiting.
			c.receive(e, unix.MSG_DONTWAIT, 0, uabi.ErrAgain)
			c.receive(e, 0, 0, uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			c.set(d, unix.SOL_SOCKET, unix.SO_SNDBUF, number(0), uabi.OK)
			c.set(a, unix.SOL_SOCKET, unix.SO_SNDBUF, number(0), uabi.OK)
			long := strings.Repeat("l", 4000)
			c.send(d, long, 0, uabi.OK)
			c.send(d, long, unix.MSG_DONTWAIT, uabi.ErrAgain)
			c.send(d, long, 0, uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			c.message(d, long, &net.MessageRequest{}, uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			c.message(d, long+long, &net.MessageRequest{}, uabi.ErrSize)
			c.send(a, long, 0, uabi.OK)
			c.send(a, long, 0, uabi.OK)
			c.send(a, "x", 0, uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			c.recv(b, 8000, 0, uabi.OK)
			c.recv(e, 8000, 0, uabi.OK)
			// Ends that are shut, and gone.
			c.want("shutdown", b.Shutdown(c.t, &net.ShutdownRequest{How: unix.SHUT_RD}, &net.EmptyReply{}), uabi.OK)
			c.message(a, "x", &net.MessageRequest{}, uabi.ErrPipe)
			c.want("shutdown", e.Shutdown(c.t, &net.ShutdownRequest{How: unix.SHUT_RD}, &net.EmptyReply{}), uabi.OK)
			c.send(d, "x", 0, uabi.ErrShutdown)
			c.message(d, "x", &net.MessageRequest{}, uabi.ErrShutdown)
			c.message(d, "x", &net.MessageRequest{HasCreds: true, Pid: 1, Uid: 1000, Gid: 2000}, uabi.ErrPerm)
			c.close(a, b, d, e, s, u, q)
		})
	})
}

func TestWhatTheCallerMayNotIsRefused(t *testing.T) {
	sweep(t, 3, func(w *world) {
		w.capabilities = 1 << unix.CAP_SYS_ADMIN
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_DGRAM)
			c.set(a, unix.SOL_SOCKET, unix.SO_DEBUG, number(1), uabi.ErrAccess)
			c.set(a, unix.SOL_SOCKET, unix.SO_DEBUG, number(0), uabi.OK)
			// Who may name other processes must name one that there is.
			for _, pid := range []int32{-1, 77} {
				c.message(a, "x", &net.MessageRequest{HasCreds: true, Pid: pid, Uid: 1000, Gid: 2000}, uabi.ErrSearch)
			}
			u := c.uevents()
			c.message(u, "x", to(9, 0), uabi.ErrPerm)
			c.want("connect", u.Connect(c.t, nl(9, 0), &net.EmptyReply{}), uabi.ErrPerm)
			c.close(a, b, u)
		})
	})
}

func TestWithoutMemoryForAQueueASenderIsTold(t *testing.T) {
	sweep(t, 1, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			account := w.Process("netd").Account()
			account.SetLimit(0, account.Objects())
			c.send(a, "x", 0, uabi.ErrNoBuffers)
			c.message(a, "x", &net.MessageRequest{}, uabi.ErrNoBuffers)
			c.write(a, "x", uabi.ErrNoBuffers)
			account.SetLimit(0, 0)
			c.send(a, "x", 0, uabi.OK)
			c.reads(b, "x")
			c.close(a, b)
		})
	})
}

func TestAMessageCarriesAsManyFilesAsLinuxLets(t *testing.T) {
	const socket = uint32(vfs.Kind_SOCKET)
	sweep(t, 97, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			stage := func(n int, want uabi.Error) {
				f := uint32(b.H)
				in := net.StageRequest{Kinds: []uint32{socket, socket, socket, socket}[:n], Ids: []uint64{1, 1, 1, 1}[:n], File1: f, File2: f, File3: f, File4: f}
				c.want("stage", a.Stage(c.t, &in, &net.EmptyReply{}), want)
			}
			for range maxRights / 4 {
				stage(4, uabi.OK)
			}
			stage(2, uabi.ErrTooManyRefs)
			stage(1, uabi.OK)
			stage(1, uabi.ErrTooManyRefs)
			c.want("stage", a.Stage(c.t, &net.StageRequest{First: true}, &net.EmptyReply{}), uabi.OK)
			c.close(a, b)
		})
	})
}

func TestADatagramSocketThatIsConnectedElsewhere(t *testing.T) {
	sweep(t, 97, func(w *world) {
		w.client(func(c *client) {
			a, b, d := c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0), c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0), c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			name := func(n string) *net.AddressRequest { return &net.AddressRequest{Name: []byte("\x00" + n)} }
			c.bind(a, name("a"), uabi.OK)
			c.bind(b, name("b"), uabi.OK)
			c.connect(a, name("b"), uabi.OK)
			c.connect(b, name("a"), uabi.OK)
			c.connect(d, name("a"), uabi.ErrPerm)
			c.message(d, "x", &net.MessageRequest{HasAddress: true, Family: unix.AF_UNIX, Name: []byte("\x00a")}, uabi.ErrPerm)
			// What b has not read is lost when it goes elsewhere, and a is told.
			c.send(a, "lost", 0, uabi.OK)
			c.want("connect", b.Connect(c.t, &net.AddressRequest{Family: unix.AF_UNSPEC}, &net.EmptyReply{}), uabi.OK)
			c.level(a, unix.POLLERR|unix.POLLOUT)
			c.send(a, "x", 0, uabi.ErrReset)
			c.message(a, "x", &net.MessageRequest{}, uabi.ErrReset)
			c.receive(a, 0, 0, uabi.ErrReset)
			c.want("error", a.Error(c.t, &net.EmptyRequest{}, &net.CountReply{}), uabi.OK)
			c.send(a, "again", 0, uabi.OK)
			c.reads(b, "again")
			// Many senders fill a queue: those that are connected to it see it.
			c.connect(d, name("b"), uabi.OK)
			c.set(a, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, number(1<<20), uabi.OK)
			for range maxDatagrams + 1 {
				c.send(a, "m", 0, uabi.OK)
			}
			c.level(d, 0)
			c.send(d, "x", unix.MSG_DONTWAIT, uabi.ErrAgain)
			c.send(d, "x", 0, uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			c.recv(b, 9, 0, uabi.OK)
			c.level(d, unix.POLLOUT)
			c.close(a, b, d)
		})
	})
}

func TestManyPiecesAndPeeking(t *testing.T) {
	sweep(t, 3, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_SEQPACKET)
			one, two := buffer("one "), buffer("two")
			var n net.CountReply
			c.want("send", a.Send(c.t, &net.FlagsRequest{}, &n, uk.Grant(one, uabi.RightRead), uk.Grant(two, uabi.RightRead)), uabi.OK)
			var m net.MessageReply
			c.want("inline", b.RecvMessage(c.t, &net.ReceiveRequest{Inline: 100, Flags: unix.MSG_PEEK}, &m), uabi.OK)
			if string(m.Data) != "one two" {
				w.Fail("received %q", m.Data)
			}
			x, y := buffer("????"), buffer("????")
			c.want("recv", b.Recv(c.t, &net.FlagsRequest{}, &n, uk.Grant(x, uabi.RightWrite), uk.Grant(y, uabi.RightWrite)), uabi.OK)
			if string(x)+string(y) != "one two?" || n.Count != 7 {
				w.Fail("received %q %q", x, y)
			}
			// A peeked file is another handle of the same.
			f := c.file(9)
			c.message(a, "file", &net.MessageRequest{Kinds: []uint32{0}, Ids: []uint64{1}, File1: f}, uabi.OK)
			c.want("close", c.k.Close(uabi.Handle(f)), uabi.OK)
			c.receive(b, unix.MSG_PEEK, 200, uabi.OK)
			peeked := c.take(b)
			c.receive(b, 0, 200, uabi.OK)
			got := c.take(b)
			if len(peeked) != 1 || len(got) != 1 || w.gone[9] {
				w.Fail("%d peeked, %d received, gone %v", len(peeked), len(got), w.gone)
			}
			c.want("close", c.k.Close(uabi.Handle(peeked[0])), uabi.OK)
			c.want("close", c.k.Close(uabi.Handle(got[0])), uabi.OK)
			c.want("stage", a.Stage(c.t, &net.StageRequest{First: true, Kinds: []uint32{0}, Ids: []uint64{1}, File1: c.file(10)}, &net.EmptyReply{}), uabi.OK)
			c.want("stage", a.Stage(c.t, &net.StageRequest{First: true}, &net.EmptyReply{}), uabi.OK)
			c.close(a, b)
		})
	})
}
