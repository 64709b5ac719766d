package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

var someFiles = [][2]string{
	{"bin/", ""}, {"bin/prog", strings.Repeat("unaligned ", 600)}, {"aligned", strings.Repeat("page", 1500)}, {"link@", "bin/prog"},
	{"loop@", "loop"}, {"deep/er/file", "x"},
}

func TestFilesOfTheArchiveAreReadAndWrittenAtEveryCrash(t *testing.T) {
	sweep(t, someFiles, 1, func(w *world) {
		w.client(func(c *client) {
			f := c.open("/link", unix.O_RDONLY, 0, uabi.OK)
			c.reads(f, 14, "unaligned unal")
			if got := c.read(f, 10, 5995, uabi.OK); got != "gned " {
				w.Fail("the end of the file reads %q", got)
			}
			c.close(f)
			f = c.open("/aligned", unix.O_RDWR, 0, uabi.OK)
			c.write(f, "PAGE", 4096, uabi.OK)
			if got := c.read(f, 12, 4092, uabi.OK); got != "pagePAGEpage" {
				w.Fail("around the write: %q", got)
			}
			var m vfs.MapFileReply
			c.want("map", f.MapFile(c.t, &vfs.EmptyRequest{}, &m), uabi.OK)
			b := make([]byte, 8)
			if _, err := c.k.MemoryRead(uabi.Handle(m.Memory), 5996, b); err != uabi.OK || string(b) != "page\x00\x00\x00\x00" {
				w.Fail("behind the end a mapping shows %q (%v)", b, err)
			}
			c.close(f)
		})
	})
}

func TestNamesAreMadeRenamedAndRemovedAtEveryCrash(t *testing.T) {
	sweep(t, someFiles, 3, func(w *world) {
		w.client(func(c *client) {
			c.mkdir("/tmp/d", uabi.OK)
			c.mkdir("/tmp/d", uabi.ErrExists)
			f := c.open("/tmp/d/f", unix.O_CREAT|unix.O_RDWR|unix.O_EXCL, 0o666, uabi.OK)
			c.open("/tmp/d/f", unix.O_CREAT|unix.O_EXCL, 0o666, uabi.ErrExists)
			if n := c.write(f, "hello", -1, uabi.OK); n != 5 {
				w.Fail("wrote %d", n)
			}
			if s := c.stat("/tmp/d/f", uabi.OK); s.Mode != unix.S_IFREG|0o644 || s.Size != 5 || s.Nlink != 1 {
				w.Fail("stat %v", s)
			}
			rename := vfs.TwoPathRequest{Old: "/tmp/d/f", New: "/tmp/g"}
			c.want("rename", c.vfs.RenameAt(c.t, &rename, &vfs.EmptyReply{}), uabi.OK)
			c.stat("/tmp/d/f", uabi.ErrNotFound)
			link := vfs.TwoPathRequest{Old: "/tmp/g", New: "/tmp/d/h"}
			c.want("link", c.vfs.LinkAt(c.t, &link, &vfs.EmptyReply{}), uabi.OK)
			c.unlink("/tmp/g", 0, uabi.OK)
			c.unlink("/tmp/d", atRemoveDir, uabi.ErrNotEmpty)
			c.unlink("/tmp/d/h", 0, uabi.OK)
			c.unlink("/tmp/d", atRemoveDir, uabi.OK)
			c.unlink("/tmp", atRemoveDir, uabi.ErrBusy)
			if got := c.read(f, 9, 0, uabi.OK); got != "hello" {
				w.Fail("the unlinked file reads %q", got)
			}
			c.close(f)
			if got := c.list("/"); got != ". .. bin aligned link loop deep proc sys dev run tmp" {
				w.Fail("/ has %q", got)
			}
			rename = vfs.TwoPathRequest{Old: "/bin/prog", New: "/tmp/x"}
			c.want("rename", c.vfs.RenameAt(c.t, &rename, &vfs.EmptyReply{}), uabi.ErrCrossDevice)
		})
	})
}

func TestPipesMoveEveryByteOnceAtEveryCrash(t *testing.T) {
	const total = 3*pipeSize + 77
	var ends vfs.PipeReply
	sweep(t, nil, 5, func(w *world) {
		w.client(func(c *client) {
			c.want("pipe", c.vfs.Pipe(c.t, &vfs.PipeRequest{}, &ends), uabi.OK)
			r, wr := vfs.Client{H: uabi.Handle(ends.Read)}, vfs.Client{H: uabi.Handle(ends.Write)}
			var poll vfs.PollReply
			c.want("poll", wr.Poll(c.t, &vfs.EmptyRequest{}, &poll), uabi.OK)
			if poll.Level != unix.POLLOUT {
				w.Fail("an empty pipe's level is %#x", poll.Level)
			}
			sent, got := 0, 0
			for sent < total {
				for range 3 {
					n := min(30000, total-sent)
					b := strings.Repeat(string(rune('a'+sent%7)), n)
					if n == 0 || poll.Level&unix.POLLOUT == 0 {
						break
					}
					sent += c.write(wr, b, -1, uabi.OK)
					c.want("poll", wr.Poll(c.t, &vfs.EmptyRequest{}, &poll), uabi.OK)
				}
				got += len(c.read(r, 40000, -1, uabi.OK))
				c.want("poll", wr.Poll(c.t, &vfs.EmptyRequest{}, &poll), uabi.OK)
			}
			c.close(wr)
			for {
				s := c.read(r, 65536, -1, uabi.OK)
				if s == "" {
					break
				}
				got += len(s)
			}
			if got != total {
				w.Fail("sent %d, read %d", total, got)
			}
			c.close(r)
		})
	})
}

func TestAReaderWaitsForAWriterAndAWriterLearnsThatNobodyReads(t *testing.T) {
	sweep(t, nil, 2, func(w *world) {
		fifo := vfs.MakeRequest{Path: "/tmp/fifo", Mode: unix.S_IFIFO | 0o666}
		open := func(c *client, flags uint32) vfs.Client {
			for {
				var out vfs.OpenReply
				err := c.vfs.Open(c.t, &vfs.OpenRequest{Path: "/tmp/fifo", Flags: flags}, &out)
				switch err {
				case uabi.OK:
					return vfs.Client{H: uabi.Handle(out.File)}
				case uabi.ErrWait:
					c.t.Wait()
				default:
					w.Fail("open of the FIFO: %v", err)
				}
			}
		}
		w.client(func(c *client) {
			c.want("mkfifo", c.vfs.MakeAt(c.t, &fifo, &vfs.EmptyReply{}), uabi.OK)
			w.client(func(c *client) {
				f := open(c, unix.O_RDONLY)
				c.reads(f, 10, "through")
				c.close(f)
			})
			w.client(func(c *client) {
				f := open(c, unix.O_WRONLY)
				c.write(f, "through", -1, uabi.OK)
				for {
					var out vfs.CountReply
					err := f.Write(c.t, &vfs.ReadRequest{Offset: -1}, &out, uabi.Grant{Rights: uabi.RightRead})
					if err == uabi.ErrPipe {
						return
					}
					c.want("write of nothing", err, uabi.OK)
					c.k.EventWait(0, 1, 0, 0)
				}
			})
		})
	})
}

func TestTheConsolePrintsOnceAndReadsLinesAtEveryCrash(t *testing.T) {
	long := strings.Repeat("0123456789", 10)
	sweep(t, nil, 1, func(w *world) {
		w.printed = "prompt\r\nline\r\n" + long
		w.client(func(c *client) {
			f := c.open("/dev/console", unix.O_RDWR, 0, uabi.OK)
			c.write(f, "prompt\n", -1, uabi.OK)
			w.typed("li")
			w.After(1e6, func() { w.typed("ne\r") })
			c.reads(f, 100, "line\n")
			c.write(f, long, -1, uabi.OK)
			var out vfs.IoctlReply
			c.want("TCGETS", f.Ioctl(c.t, &vfs.IoctlRequest{Cmd: unix.TCGETS}, &out), uabi.OK)
			if len(out.Out) != 36 {
				w.Fail("termios has %d bytes", len(out.Out))
			}
			c.want("FS_IOC", f.Ioctl(c.t, &vfs.IoctlRequest{Cmd: 0x1234}, &out), uabi.ErrNoTTY)
		})
	})
}

func TestDevicesAndProcReadAsOnLinux(t *testing.T) {
	sweep(t, someFiles, 7, func(w *world) {
		w.client(func(c *client) {
			f := c.open("/dev/zero", unix.O_RDONLY, 0, uabi.OK)
			c.reads(f, 5, "\x00\x00\x00\x00\x00")
			f = c.open("/dev/null", unix.O_RDWR, 0, uabi.OK)
			c.reads(f, 5, "")
			c.write(f, "gone", -1, uabi.OK)
			f = c.open("/dev/full", unix.O_WRONLY, 0, uabi.OK)
			c.write(f, "x", -1, uabi.ErrNoSpace)
			f = c.open("/dev/urandom", unix.O_RDONLY, 0, uabi.OK)
			if a, b := c.read(f, 16, -1, uabi.OK), c.read(f, 16, -1, uabi.OK); a == b || len(a) != 16 {
				w.Fail("random bytes %q %q", a, b)
			}
			f = c.open("/proc/1/cmdline", unix.O_RDONLY, 0, uabi.OK)
			c.reads(f, 100, "init\x00-x\x00")
			c.reads(f, 100, "")
			c.open("/proc/2/cmdline", unix.O_RDONLY, 0, uabi.ErrNotFound)
			c.open("/proc/mounts", unix.O_NOFOLLOW, 0, uabi.ErrLoop)
			if got := c.list("/proc"); !strings.HasPrefix(got, ". .. self") || !strings.HasSuffix(got, " 1") {
				w.Fail("/proc has %q", got)
			}
			if got := c.list("/proc/1/fd"); got != ". .. 0 1 2" {
				w.Fail("/proc/1/fd has %q", got)
			}
			c.shows("/sys/class/tty/console/active", "ttyS0\n")
			c.shows("/sys/dev/char/1:3/uevent", "MAJOR=1\nMINOR=3\nDEVNAME=null\nDEVMODE=0666\n")
			c.shows("/sys/devices/system/cpu/online", "0\n")
			if s := c.stat("/sys/kernel/uevent_seqnum", uabi.OK); s.Mode != unix.S_IFREG|0o444 || s.Size != 4096 || s.Blocks != 0 {
				w.Fail("a file of sysfs is %v", s)
			}
			if got := c.list("/sys"); got != ". .. block bus class dev devices fs kernel module" {
				w.Fail("/sys has %q", got)
			}
			for path, magic := range map[string]uint64{"/proc": unix.PROC_SUPER_MAGIC, "/sys/fs/cgroup": unix.CGROUP2_SUPER_MAGIC, "/dev/pts": unix.DEVPTS_SUPER_MAGIC, "/tmp": unix.TMPFS_MAGIC, "/sys": unix.SYSFS_MAGIC} {
				var out vfs.Statfs
				c.want("statfs", c.vfs.StatfsAt(c.t, &vfs.PathRequest{Path: path}, &out), uabi.OK)
				if out.Type != magic {
					w.Fail("%s has magic %#x", path, out.Type)
				}
			}
		})
	})
}

func TestPathsEndAsOnLinux(t *testing.T) {
	w := newWorld(t, uksim.Config{Seed: 4}, someFiles)
	w.client(func(c *client) {
		c.stat("/loop", uabi.ErrLoop)
		c.stat("/link/", uabi.ErrNotDir)
		c.stat("/bin/prog/x", uabi.ErrNotDir)
		c.stat("/nope/x", uabi.ErrNotFound)
		c.stat("", uabi.ErrNotFound)
		c.stat("/"+strings.Repeat("n", 256), uabi.ErrName)
		c.stat("/"+strings.Repeat("n/", 2048), uabi.ErrName)
		c.stat("/../../bin/./../aligned", uabi.OK)
		c.open("/bin", unix.O_WRONLY, 0, uabi.ErrIsDir)
		c.open("/bin/new/", unix.O_CREAT|unix.O_WRONLY, 0o600, uabi.ErrIsDir)
		c.open("/aligned", unix.O_DIRECTORY, 0, uabi.ErrNotDir)
		c.open("/link", unix.O_NOFOLLOW, 0, uabi.ErrLoop)
		p := c.open("/link", unix.O_NOFOLLOW|unix.O_PATH, 0, uabi.OK)
		c.read(p, 1, -1, uabi.ErrBadFD)
		c.mkdir("/bin/.", uabi.ErrExists)
		c.mkdir("/proc/x", uabi.ErrNotFound)
		c.mkdir("/sys/x", uabi.ErrReadOnly)
		c.unlink("/bin", 0, uabi.ErrIsDir)
		c.unlink("/aligned", atRemoveDir, uabi.ErrNotDir)
		c.unlink("/bin/.", atRemoveDir, uabi.ErrArg)
	})
	w.run()
}
