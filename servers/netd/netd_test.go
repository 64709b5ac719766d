package main

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

func TestAPairMovesBytesAtEveryCrash(t *testing.T) {
	sweep(t, 1, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			c.level(a, unix.POLLOUT)
			c.send(a, "hello", 0, uabi.OK)
			c.send(a, " world", 0, uabi.OK)
			c.level(b, unix.POLLIN|unix.POLLOUT)
			if got := c.recv(b, 3, unix.MSG_PEEK, uabi.OK) + c.recv(b, 3, 0, uabi.OK); got != "helhel" {
				w.Fail("received %q", got)
			}
			c.reads(b, "lo world")
			c.recv(b, 3, unix.MSG_DONTWAIT, uabi.ErrAgain)
			c.nonblock(b)
			c.recv(b, 3, 0, uabi.ErrAgain)
			c.send(b, "unread", 0, uabi.OK)
			c.want("shutdown", a.Shutdown(c.t, &net.ShutdownRequest{How: unix.SHUT_WR}, &net.EmptyReply{}), uabi.OK)
			c.want("shutdown", a.Shutdown(c.t, &net.ShutdownRequest{How: 3}, &net.EmptyReply{}), uabi.ErrArg)
			c.send(a, "x", 0, uabi.ErrPipe)
			c.reads(b, "")
			c.level(b, unix.POLLIN|unix.POLLOUT|unix.POLLRDHUP)
			c.close(a)
			c.refused(b, uabi.ErrPipe)
			c.level(b, unix.POLLIN|unix.POLLOUT|unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR)
			c.recv(b, 3, 0, uabi.ErrReset)
			var e net.CountReply
			c.want("error", b.Error(c.t, &net.EmptyRequest{}, &e), uabi.OK)
			if uabi.Error(e.Count) != uabi.ErrReset {
				w.Fail("the error is %v", uabi.Error(e.Count))
			}
			c.reads(b, "")
			c.send(b, "x", 0, uabi.ErrPipe)
			c.close(b)
		})
	})
}

func TestAStreamWaitsForRoomAndLosesNothing(t *testing.T) {
	const total = 3 * defaultBuf
	sweep(t, 7, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			sent, got := 0, 0
			for sent < total {
				n := c.send(a, strings.Repeat(string(rune('a'+sent%7)), min(70000, total-sent)), unix.MSG_DONTWAIT, uabi.OK)
				sent += n
				for got < sent-100000 || sent == total && got < sent {
					got += len(c.recv(b, 60000, 0, uabi.OK))
				}
			}
			if got != total {
				w.Fail("received %d of %d", got, total)
			}
			c.close(a, b)
		})
	})
}

func TestOneProcessWaitsForAnother(t *testing.T) {
	sweep(t, 2, func(w *world) {
		name := &net.AddressRequest{Name: []byte("\x00server")}
		w.client(func(c *client) {
			l := c.socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
			c.bind(l, name, uabi.OK)
			c.want("listen", l.Listen(c.t, &net.ListenRequest{}, &net.EmptyReply{}), uabi.OK)
			for range 3 {
				s := c.accept(l, uabi.OK)
				c.reads(s, "ping")
				c.send(s, "pong", 0, uabi.OK)
				c.reads(s, "")
				c.close(s)
			}
			c.close(l)
		})
		w.client(func(c *client) {
			for range 3 {
				s := c.socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
				for {
					err := s.Connect(c.t, &net.AddressRequest{Family: unix.AF_UNIX, Name: name.Name}, &net.EmptyReply{})
					if err == uabi.OK {
						break
					}
					if err == uabi.ErrWait {
						c.t.Wait()
					} else {
						c.want("connect", err, uabi.ErrRefused)
					}
				}
				c.send(s, "ping", 0, uabi.OK)
				c.reads(s, "pong")
				c.close(s)
			}
		})
	})
}

func TestConnectionsQueueUpToTheBacklog(t *testing.T) {
	sweep(t, 2, func(w *world) {
		w.client(func(c *client) {
			l := c.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			path := &net.AddressRequest{Name: []byte("/run/x"), Ino: 77}
			c.want("listen", l.Listen(c.t, &net.ListenRequest{}, &net.EmptyReply{}), uabi.ErrArg)
			c.bind(l, &net.AddressRequest{Name: []byte("/run/x")}, uabi.ErrArg)
			c.bind(l, path, uabi.OK)
			c.bind(l, path, uabi.ErrArg)
			other := c.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			c.bind(other, path, uabi.ErrAddressInUse)
			c.connect(other, path, uabi.ErrRefused)
			c.accept(l, uabi.ErrArg)
			c.want("listen", l.Listen(c.t, &net.ListenRequest{Backlog: 1}, &net.EmptyReply{}), uabi.OK)
			c.nonblock(l)
			c.accept(l, uabi.ErrAgain)
			var list []net.Client
			for i := range 3 {
				s := c.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
				c.nonblock(s)
				want := uabi.OK
				if i == 2 {
					want = uabi.ErrAgain
				}
				c.connect(s, path, want)
				list = append(list, s)
			}
			c.connect(list[0], path, uabi.ErrAgain)
			c.connect(other, path, uabi.ErrWait)
			c.k.Close(c.t.LastWait().Event)
			a := c.accept(l, uabi.OK)
			c.connect(list[0], path, uabi.ErrConnected)
			c.connect(l, path, uabi.ErrArg)
			c.send(a, "hi", 0, uabi.OK)
			c.reads(list[0], "hi")
			var out net.NameReply
			c.want("name", list[0].Name(c.t, &net.NameRequest{Peer: true}, &out), uabi.OK)
			if string(out.Name) != "/run/x" {
				w.Fail("the peer is %q", out.Name)
			}
			c.want("name", l.Name(c.t, &net.NameRequest{Peer: true}, &out), uabi.ErrNotConnected)
			d := c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			c.connect(d, path, uabi.ErrProtocolType)
			c.want("listen", d.Listen(c.t, &net.ListenRequest{}, &net.EmptyReply{}), uabi.ErrOperation)
			c.accept(d, uabi.ErrOperation)
			c.close(l)
			c.refused(list[1], uabi.ErrPipe)
			c.recv(list[1], 9, 0, uabi.ErrReset)
			c.connect(list[2], path, uabi.ErrRefused)
			c.close(append(list, a, d, other)...)
		})
	})
}

func TestDatagramsKeepBoundariesAndAddresses(t *testing.T) {
	sweep(t, 2, func(w *world) {
		w.client(func(c *client) {
			a, b := c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0), c.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			c.bind(b, &net.AddressRequest{Name: []byte("\x00b")}, uabi.OK)
			c.bind(a, &net.AddressRequest{}, uabi.OK)
			to := func() *net.MessageRequest {
				return &net.MessageRequest{HasAddress: true, Family: unix.AF_UNIX, Name: []byte("\x00b")}
			}
			c.message(a, "one", to(), uabi.OK)
			c.message(a, "two", to(), uabi.OK)
			nobody := to()
			nobody.Name = []byte("\x00nobody")
			c.message(a, "x", nobody, uabi.ErrRefused)
			c.send(a, "x", 0, uabi.ErrNotConnected)
			text, m := c.receive(b, 0, 0, uabi.OK)
			if text != "one" || string(m.Name) != "\x0000001" || m.HasCreds {
				w.Fail("received %q %v", text, m)
			}
			if got := c.recv(b, 1, unix.MSG_TRUNC, uabi.OK); got != "t" {
				w.Fail("received %q", got)
			}
			c.connect(a, &net.AddressRequest{Name: []byte("\x00b")}, uabi.OK)
			c.set(b, unix.SOL_SOCKET, unix.SO_PASSCRED, number(1), uabi.OK)
			c.set(b, unix.SOL_SOCKET, unix.SO_TIMESTAMP, number(1), uabi.OK)
			c.send(a, "three", 0, uabi.OK)
			if text, m = c.receive(b, 0, 200, uabi.OK); text != "three" || !m.HasCreds || m.Uid != 1000 || m.Gid != 2000 || m.TimeNs == 0 {
				w.Fail("received %q %v", text, m)
			}
			c.message(a, "x", &net.MessageRequest{HasCreds: true, Pid: 1, Uid: 1000, Gid: 2000}, uabi.ErrPerm)
			c.message(a, "four", &net.MessageRequest{HasCreds: true, Uid: 1002, Gid: 2001}, uabi.OK)
			if text, m = c.receive(b, 0, 200, uabi.OK); text != "four" || m.Uid != 1002 || m.Gid != 2001 {
				w.Fail("received %q %v", text, m)
			}
			c.send(a, strings.Repeat("long", 100000), 0, uabi.ErrSize)
			c.send(a, "last", 0, uabi.OK)
			c.close(b)
			c.refused(a, uabi.ErrRefused)
			c.want("error", a.Error(c.t, &net.EmptyRequest{}, &net.CountReply{}), uabi.OK)
			c.send(a, "x", 0, uabi.ErrNotConnected)
			c.close(a)
		})
	})
}

// file opens a file of vfsd's stub.
func (c *client) file(badge uint32) uint32 {
	var out vfs.OpenReply
	c.want("open", vfs.Client{H: uabi.BootVFS}.Open(c.t, &vfs.OpenRequest{Mode: badge}, &out), uabi.OK)
	return out.File
}

// take takes everything that came with the last message and gives the handles.
func (c *client) take(s net.Client) (out []uint32) {
	for {
		var rep net.TakeReply
		c.want("take", s.Take(c.t, &net.TakeRequest{}, &rep), uabi.OK)
		if len(rep.Kinds) == 0 {
			return out
		}
		handles := [...]uint32{rep.File1, rep.File2, rep.File3, rep.File4}
		out = append(out, handles[:len(rep.Kinds)]...)
	}
}

func TestOpenFilesTravelAndEndWithTheirLastHandle(t *testing.T) {
	const socket = uint32(vfs.Kind_SOCKET)
	sweep(t, 2, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			f := c.file(5)
			c.message(a, "one", &net.MessageRequest{Kinds: []uint32{1}, Ids: []uint64{9}, File1: f}, uabi.OK)
			c.want("close", c.k.Close(uabi.Handle(f)), uabi.OK)
			text, m := c.receive(b, 0, 200, uabi.OK)
			got := c.take(b)
			if text != "one" || m.Files != 1 || len(got) != 1 || w.gone[5] {
				w.Fail("received %q, %d files, gone %v", text, len(got), w.gone)
			}
			c.want("close", c.k.Close(uabi.Handle(got[0])), uabi.OK)

			// Six in two steps, of which the receiver has room for five.
			var files []uint32
			for i := range uint32(6) {
				files = append(files, c.file(10+i))
			}
			c.want("stage", b.Stage(c.t, &net.StageRequest{First: true, Kinds: []uint32{0, 0, 0, 0}, Ids: make([]uint64, 4),
				File1: files[0], File2: files[1], File3: files[2], File4: files[3]}, &net.EmptyReply{}), uabi.OK)
			c.message(a, "six", &net.MessageRequest{Staged: true, Kinds: []uint32{0, 0}, Ids: make([]uint64, 2), File1: files[4], File2: files[5]}, uabi.OK)
			for _, f := range files {
				c.want("close", c.k.Close(uabi.Handle(f)), uabi.OK)
			}
			text, m = c.receive(b, 0, cmsgHeader+5*cmsgFile, uabi.OK)
			if got = c.take(b); text != "six" || len(got) != 5 || m.Flags != unix.MSG_CTRUNC {
				w.Fail("received %q, %d files, flags %#x", text, len(got), m.Flags)
			}
			for _, f := range got {
				c.want("close", c.k.Close(uabi.Handle(f)), uabi.OK)
			}

			// A socket that nobody has but a message comes back under another badge.
			x, y := c.pair(unix.SOCK_DGRAM)
			c.message(a, "sock", &net.MessageRequest{Kinds: []uint32{socket}, Ids: []uint64{1}, File1: uint32(x.H)}, uabi.OK)
			c.close(x)
			c.send(y, "to x", 0, uabi.OK)
			c.receive(b, 0, 200, uabi.OK)
			got = c.take(b)
			x = net.Client{H: uabi.Handle(got[0])}
			c.reads(x, "to x")
			c.message(a, "bad", &net.MessageRequest{Kinds: []uint32{socket}, Ids: []uint64{1}, File1: c.file(30)}, uabi.ErrBadFD)

			// What a queue holds goes with it, and what was left for a Take.
			c.message(a, "lost", &net.MessageRequest{Kinds: []uint32{socket}, Ids: []uint64{1}, File1: uint32(x.H)}, uabi.OK)
			c.close(x)
			c.receive(b, 0, 200, uabi.OK)
			c.want("take", b.Take(c.t, &net.TakeRequest{Drop: true}, &net.TakeReply{}), uabi.OK)
			c.refused(y, uabi.ErrRefused)
			c.message(a, "queue", &net.MessageRequest{Kinds: []uint32{0}, Ids: []uint64{1}, File1: c.file(31)}, uabi.OK)
			c.close(a, b, y)
		})
	})
}

func TestRingsOfSocketsAreCollected(t *testing.T) {
	const socket = uint32(vfs.Kind_SOCKET)
	sweep(t, 2, func(w *world) {
		w.client(func(c *client) {
			carry := func(s, what net.Client) {
				c.message(s, "x", &net.MessageRequest{Kinds: []uint32{socket}, Ids: []uint64{1}, File1: uint32(what.H)}, uabi.OK)
			}
			a, b := c.pair(unix.SOCK_STREAM)
			x, y := c.pair(unix.SOCK_STREAM)
			carry(a, x) // in b's queue
			carry(x, b) // in y's
			carry(b, a) // in a's own
			c.close(a, b, x)
			// y is still there: it reaches b, which reaches x.
			c.receive(y, 0, 200, uabi.OK)
			got := c.take(y)
			b = net.Client{H: uabi.Handle(got[0])}
			carry(y, y)
			carry(y, b)
			c.close(b, y)
		})
	})
}

func TestOptionsAreKeptAndFiltersDrop(t *testing.T) {
	sweep(t, 3, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_DGRAM)
			const sol = unix.SOL_SOCKET
			c.set(a, sol, unix.SO_SNDBUF, number(1000), uabi.OK)
			c.set(a, sol, unix.SO_SNDBUFFORCE, number(1<<20), uabi.OK)
			if got := c.get(a, sol, unix.SO_SNDBUF, uabi.OK); le.Uint32(got) != 2<<20 {
				w.Fail("SO_SNDBUF is %d", le.Uint32(got))
			}
			c.set(a, sol, unix.SO_SNDBUF, []byte{1}, uabi.ErrArg)
			c.set(a, sol, 9999, number(1), uabi.ErrNoOption)
			c.set(a, 6, 1, number(1), uabi.ErrOperation)
			c.get(a, 6, 1, uabi.ErrOperation)
			c.get(a, sol, unix.SO_PEERSEC, uabi.ErrNoOption)
			c.set(a, sol, unix.SO_DEBUG, number(1), uabi.OK)
			if got := c.get(a, sol, unix.SO_PEERCRED, uabi.OK); le.Uint32(got[4:]) != 1001 {
				w.Fail("SO_PEERCRED is %v", got)
			}
			if got := c.get(a, sol, unix.SO_PEERGROUPS, uabi.OK); !bytes.Equal(got, append(number(50), number(60)...)) {
				w.Fail("SO_PEERGROUPS is %v", got)
			}
			s := c.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			c.get(s, sol, unix.SO_PEERGROUPS, uabi.ErrNoData)
			c.set(a, sol, unix.SO_RCVTIMEO, timeval(second/50), uabi.OK)
			c.set(a, sol, unix.SO_RCVTIMEO, le.AppendUint64(make([]byte, 8), 2_000_000), uabi.ErrRange)
			c.recv(a, 1, 0, uabi.ErrWait)
			if d := c.t.LastWait().Deadline; d == uabi.NoDeadline {
				w.Fail("a wait without an end")
			}
			c.k.Close(c.t.LastWait().Event)
			// ld [0]; jeq 'p','a','s','s'; ret 4; ret 0
			filter := []byte{0x20, 0, 0, 0, 0, 0, 0, 0, 0x15, 0, 0, 1, 's', 's', 'a', 'p', 6, 0, 0, 0, 4, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}
			c.set(b, sol, unix.SO_ATTACH_FILTER, filter[:12], uabi.ErrArg)
			c.set(b, sol, unix.SO_DETACH_FILTER, number(0), uabi.ErrNotFound)
			c.set(b, sol, unix.SO_ATTACH_FILTER, filter, uabi.OK)
			c.send(a, "dropped", 0, uabi.OK)
			c.send(a, "passes", 0, uabi.OK)
			c.reads(b, "pass")
			c.recv(b, 9, unix.MSG_DONTWAIT, uabi.ErrAgain)
			c.set(b, sol, unix.SO_LOCK_FILTER, number(1), uabi.OK)
			c.set(b, sol, unix.SO_DETACH_FILTER, number(0), uabi.ErrPerm)
			c.close(a, b, s)
		})
	})
}

func TestAWatchedSocketIsForgotten(t *testing.T) {
	sweep(t, 1, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_STREAM)
			var out net.WatchReply
			c.want("watch", a.Watch(c.t, &net.EmptyRequest{}, &out), uabi.OK)
			c.k.Close(uabi.Handle(out.Event))
			c.close(a)
			c.reads(b, "")
			c.want("settle", c.net.Settle(c.t, &net.EmptyRequest{}, &net.EmptyReply{}), uabi.OK)
			if !w.forgot[out.Id] || len(w.forgot) != 1 {
				w.Fail("vfsd forgot %v, not only %#x", w.forgot, out.Id)
			}
			c.close(b)
		})
	})
}

func TestASocketIsAnOpenFile(t *testing.T) {
	sweep(t, 3, func(w *world) {
		w.client(func(c *client) {
			a, b := c.pair(unix.SOCK_DGRAM)
			f := vfs.Client{H: a.H}
			var st vfs.Stat
			c.want("stat", f.StatAt(c.t, &vfs.PathRequest{}, &st), uabi.OK)
			c.want("stat", f.StatAt(c.t, &vfs.PathRequest{Path: "x"}, &st), uabi.ErrNotDir)
			if st.Mode != unix.S_IFSOCK|0o777 {
				w.Fail("mode %o", st.Mode)
			}
			c.want("seek", f.Seek(c.t, &vfs.SeekRequest{}, &vfs.CountReply{}), uabi.ErrSeek)
			c.want("readdir", f.ReadDir(c.t, &vfs.ReadDirRequest{}, &vfs.ReadDirReply{}), uabi.ErrNotDir)
			c.want("sync", f.Sync(c.t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}), uabi.ErrArg)
			c.want("map", f.MapFile(c.t, &vfs.EmptyRequest{}, &vfs.MapFileReply{}), uabi.ErrNoDevice)
			c.want("truncate", f.Fallocate(c.t, &vfs.FallocateRequest{}, &vfs.EmptyReply{}), uabi.ErrCall)
			c.want("pread", f.Read(c.t, &vfs.ReadRequest{Offset: 1}, &vfs.CountReply{}), uabi.ErrSeek)
			c.want("pwrite", f.Write(c.t, &vfs.ReadRequest{Offset: 1}, &vfs.CountReply{}), uabi.ErrSeek)
			c.want("read", vfs.Client{H: c.net.H}.Read(c.t, &vfs.ReadRequest{Offset: -1}, &vfs.CountReply{}), uabi.ErrHandle)
			c.send(b, "four", 0, uabi.OK)
			var out vfs.IoctlReply
			c.want("FIONREAD", f.Ioctl(c.t, &vfs.IoctlRequest{Cmd: fionread}, &out), uabi.OK)
			if le.Uint32(out.Out) != 4 {
				w.Fail("FIONREAD says %v", out.Out)
			}
			c.want("FIONBIO", f.Ioctl(c.t, &vfs.IoctlRequest{Cmd: fionbio, In: number(1)}, &out), uabi.OK)
			c.want("FIONBIO", f.Ioctl(c.t, &vfs.IoctlRequest{Cmd: fionbio}, &out), uabi.ErrArg)
			c.want("TCGETS", f.Ioctl(c.t, &vfs.IoctlRequest{Cmd: unix.TCGETS}, &out), uabi.ErrNoTTY)
			var flags vfs.CountReply
			c.want("flags", f.Flags(c.t, &vfs.FlagsRequest{}, &flags), uabi.OK)
			if flags.Count != unix.O_RDWR|unix.O_NONBLOCK {
				w.Fail("flags %#x", flags.Count)
			}
			c.close(a, b)
		})
	})
}

func TestWhatThereIsNot(t *testing.T) {
	w := newWorld(t, uksim.Config{Seed: 1})
	w.client(func(c *client) {
		for _, v := range []struct {
			domain, typ, protocol uint32
			want                  uabi.Error
		}{
			{unix.AF_INET, unix.SOCK_STREAM, 0, uabi.ErrFamily}, {unix.AF_UNIX, unix.SOCK_RDM, 0, uabi.ErrSocketType},
			{unix.AF_UNIX, unix.SOCK_STREAM, 9, uabi.ErrProtocol}, {unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT, uabi.ErrProtocol},
			{unix.AF_NETLINK, unix.SOCK_STREAM, 0, uabi.ErrSocketType},
		} {
			c.want("socket", c.net.Socket(c.t, &net.SocketRequest{Domain: v.domain, Type: v.typ, Protocol: v.protocol}, &net.SocketReply{}), v.want)
		}
		c.want("pair", c.net.Pair(c.t, &net.SocketRequest{Domain: unix.AF_UNIX, Type: unix.SOCK_RDM}, &net.PairReply{}), uabi.ErrSocketType)
		c.want("pair", c.net.Pair(c.t, &net.SocketRequest{Domain: unix.AF_UNIX, Type: unix.SOCK_STREAM, Protocol: 9}, &net.PairReply{}), uabi.ErrProtocol)
		c.want("pair", c.net.Pair(c.t, &net.SocketRequest{Domain: unix.AF_NETLINK, Type: unix.SOCK_RAW}, &net.PairReply{}), uabi.ErrOperation)
		c.want("pair", c.net.Pair(c.t, &net.SocketRequest{Domain: unix.AF_INET, Type: unix.SOCK_RAW}, &net.PairReply{}), uabi.ErrFamily)
	})
	w.run()
}
