package main

import (
	"fmt"

	"golang.org/x/sys/unix"

	"aramid/servers/server"
	"aramid/servers/vfsd/base"
	"aramid/servers/vfsd/cgroupfs"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Start is server.Spec's: the root file system, the devices, the console, and what a container finds mounted.
func (h *VFSD) Start(c *server.Ctx) {
	h.top.BootNs = c.Realtime()
	now := int64(h.top.BootNs)
	root := h.rootFS(now)
	h.root = h.tree.MountRoot(root, root.Type)
	h.top.RootMount = h.root.Mount
	if a, err := c.AccountCreate(uabi.BootAccount, 0, 0); err == uabi.OK {
		h.top.Account = uint32(a)
	}
	if zero, err := c.MemoryCreate(uabi.BootAccount, zeroSize, 0); err == uabi.OK {
		h.top.Zero = uint32(zero)
	}
	if ready, err := c.EventCreate(uabi.BootAccount); err == uabi.OK {
		c.EventUpdate(ready, unix.POLLIN|unix.POLLOUT, 0, 0)
		h.top.Ready = uint32(ready)
	}
	if h.cfg.NoRandom {
		h.top.Sysctls = []*state.Sysctl{{Path: procfs.Randomize.Path, Text: "0"}}
	}
	h.top.BootId = (&call{VFSD: h, c: c}).newID()
	h.startConsole(c)
	h.startLog(c)
	h.startFifos(c)
	k := &call{VFSD: h, c: c, env: tree.Env{Root: h.root, NS: h.rootSpace(), Now: now, Synth: nil}, cwd: h.root}
	k.env.Synth = k
	list := []standard{devices}
	if h.cfg.Container {
		list = container
	}
	for _, s := range list {
		k.mountStandard(s)
	}
}

// rootFS makes the root file system: an overlay whose upper part is in memory and whose lower part is the image.
func (h *VFSD) rootFS(now int64) *state.FileSystem {
	image, err := base.Open(h.cfg.Image, now)
	if err != nil {
		h.cfg.Log("no root file system: " + err.Error())
		h.top.Broken = err.Error()
		return h.tree.NewFS("tmpfs", 0o755, 0, now)
	}
	h.image = image
	root := h.tree.NewBaseFS("overlay", image, h.damaged)
	root.MaxBytes, root.MaxInodes = h.cfg.Machine.defaultSize(), h.cfg.Machine.defaultInodes()
	root.Options = ",lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work"
	return root
}

// startFifos gives FIFOs of the image their pipes.
func (h *VFSD) startFifos(c *server.Ctx) {
	if h.image == nil {
		return
	}
	fifos, err := h.image.FIFOs()
	if err != nil {
		h.damaged(err)
	}
	for _, ino := range fifos {
		n := h.tree.Inode(ino)
		if n == nil {
			continue
		}
		if p, err := h.newPipe(c); err == uabi.OK {
			h.nameFifo(n, p)
		}
	}
}

// standard is a mount that is there from the start.
type standard struct {
	path, typ, source string
	flags             uint64
	data              string
}

var devices = standard{"/dev", "devtmpfs", "dev", unix.MS_NOSUID, ""}

// container is what a container's program finds mounted.
var container = []standard{
	{"/proc", "proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
	{"/sys", "sysfs", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
	{"/sys/fs/cgroup", "cgroup2", "cgroup2", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
	devices,
	{"/dev/pts", "devpts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "gid=5,mode=620,ptmxmode=666"},
	{"/dev/shm", "tmpfs", "shm", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	{"/run", "tmpfs", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
	{"/tmp", "tmpfs", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
}

// mountStandard mounts one of them, making the directory if the root has none.
func (k *call) mountStandard(s standard) {
	f, err := k.tree.Walk(&k.env, k.root, s.path, tree.Follow)
	if err != uabi.OK {
		k.cfg.Log("cannot mount " + s.typ + " on " + s.path + ": " + err.Error())
		return
	}
	if !f.OK {
		n, err := k.tree.Create(&k.env, f, tree.Spec{Mode: unix.S_IFDIR | 0o755})
		if err != uabi.OK {
			k.cfg.Log("cannot make " + s.path + ": " + err.Error())
			return
		}
		f.At = tree.Ref{Mount: f.Parent.Mount, Ino: n.Ino}
	}
	fs := k.makeFS(s.typ, s.data)
	k.tree.Mount(tree.Spot{Ref: f.At}, fs, s.source, tree.MountFlags(s.flags))
}

// knownFS reports whether mount(2) knows a type.
func knownFS(typ string) bool {
	switch typ {
	case "tmpfs", "ramfs", "devtmpfs", "devpts", "proc", "sysfs", "cgroup2":
		return true
	}
	return false
}

// existingFS is the file system of a type of which there is only one, if there is one by now.
func (k *call) existingFS(typ string) *state.FileSystem {
	if typ == "devtmpfs" {
		return k.tree.FSByID(k.top.Devtmpfs)
	}
	return k.tree.SingleFS(typ)
}

// makeFS gives a file system of a known type, whose options are good: a new one, or the one that there is.
func (k *call) makeFS(typ, data string) *state.FileSystem {
	now := k.env.Now
	switch typ {
	case "tmpfs":
		return k.newTmpfs(data)
	case "ramfs":
		return k.tree.NewFS("ramfs", 0o755, 0, now)
	case "devtmpfs":
		if f := k.tree.FSByID(k.top.Devtmpfs); f != nil {
			return f // there is one, however often it is mounted
		}
		f := k.tree.NewFS("devtmpfs", 0o755, 0, now)
		f.Pinned, k.top.Devtmpfs = true, f.Id
		f.MaxBytes, f.MaxInodes = k.cfg.Machine.defaultSize(), k.cfg.Machine.defaultInodes()
		f.Options = fmt.Sprintf(",size=%dk,nr_inodes=%d,mode=755,inode64", f.MaxBytes>>10, f.MaxInodes)
		k.fillDev(k.tree.Inode(f.Root))
		return f
	case "devpts":
		return k.newDevpts(data)
	case "proc":
		return k.tree.NewFS("proc", 0, procRoot, now)
	case "sysfs":
		return k.singleFS("sysfs", k.fillSys)
	case "cgroup2":
		f := k.singleFS("cgroup2", func(root *tree.Inode) { k.fillGroup(root, cgroupfs.RootID) })
		f.Options = cgroupfs.OptionsText(data) // those of the newest mount count
		return f
	}
	return nil
}

// deviceNodes are the devices that exist, for /dev and /sys.
var deviceNodes = []struct {
	name string
	rdev uint64
	mode uint32
}{
	{"null", devNull, 0o666}, {"zero", devZero, 0o666}, {"full", devFull, 0o666}, {"random", devRandom, 0o666},
	{"urandom", devUrandom, 0o666}, {"tty", devTTY, 0o666}, {"console", devConsole, 0o600}, {"ttyS0", devSerial, 0o660},
	{"ptmx", devPtmx, 0o666}, {"kmsg", devKmsg, 0o644},
}

// newTmpfs makes a tmpfs with good options.
func (k *call) newTmpfs(data string) *state.FileSystem {
	opt := k.cfg.Machine.tmpfs()
	opt.set(data, k.cfg.Machine)
	f := k.tree.NewFS("tmpfs", opt.mode, 0, k.env.Now)
	f.MaxBytes, f.MaxInodes, f.Options = opt.size, opt.inodes, opt.text(k.cfg.Machine)
	root := k.tree.Inode(f.Root)
	root.Uid, root.Gid = opt.uid, opt.gid
	return f
}

// fillDev makes the nodes of devices, and the links that programs expect.
func (k *call) fillDev(dir *tree.Inode) {
	now := k.env.Now
	for _, d := range deviceNodes {
		k.tree.Add(dir, d.name, unix.S_IFCHR|d.mode, d.rdev, "", now)
	}
	for _, l := range [][2]string{
		{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
	} {
		k.tree.Add(dir, l[0], unix.S_IFLNK|0o777, 0, l[1], now)
	}
	for _, name := range []string{"pts", "shm"} {
		k.tree.Add(dir, name, unix.S_IFDIR|0o755, 0, "", now)
	}
}
