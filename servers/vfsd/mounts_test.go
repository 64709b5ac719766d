package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

// process is a client of an fs context.
func (c *client) process(from vfs.Client) *client {
	var out vfs.FsReply
	var err uabi.Error
	if from.H == uabi.BootVFS {
		err = from.FsCreate(c.t, &vfs.EmptyRequest{}, &out)
	} else {
		err = from.FsClone(c.t, &vfs.EmptyRequest{}, &out)
	}
	c.want("fs context", err, uabi.OK)
	return &client{w: c.w, k: c.k, t: c.t, vfs: vfs.Client{H: uabi.Handle(out.Fs)}}
}

func (c *client) mountOn(source, target, typ string, flags uint64, data string, want uabi.Error) {
	in := vfs.MountRequest{Source: source, Target: target, Type: typ, Flags: flags, Data: data}
	c.want("mount on "+target, c.vfs.Mount(c.t, &in, &vfs.EmptyReply{}), want)
}

func (c *client) umount(target string, flags uint32, want uabi.Error) {
	in := vfs.PathRequest{Path: target, Flags: flags}
	err := c.vfs.Umount(c.t, &in, &vfs.CountReply{})
	if err == uabi.ErrBusy && want == uabi.OK {
		err = c.vfs.Umount(c.t, &in, &vfs.CountReply{}) // as linuxabi does, for the same reason
	}
	c.want("umount "+target, err, want)
}

func (c *client) pivot(to, old string, want uabi.Error) {
	c.want("pivot_root to "+to, c.vfs.PivotRoot(c.t, &vfs.TwoPathRequest{New: to, Old: old}, &vfs.EmptyReply{}), want)
}

func TestMountsPropagateBetweenNamespacesAtEveryCrash(t *testing.T) {
	sweep(t, nil, 4, func(w *world) {
		w.client(func(c *client) {
			a := c.process(c.vfs)
			a.mkdir("/tmp/m", uabi.OK)
			a.mountOn("t", "/tmp/m", "tmpfs", 0, "size=8k", uabi.OK)
			a.mountOn("", "/tmp/m", "", unix.MS_SHARED, "", uabi.OK)
			a.mkdir("/tmp/m/x", uabi.OK)
			b := a.process(a.vfs)
			c.want("unshare", b.vfs.Unshare(c.t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}), uabi.OK)
			a.mountOn("t", "/tmp/m/x", "tmpfs", 0, "", uabi.OK)
			a.close(a.open("/tmp/m/x/f", unix.O_CREAT|unix.O_WRONLY, 0o600, uabi.OK))
			b.stat("/tmp/m/x/f", uabi.OK)
			b.umount("/tmp/m/x", 0, uabi.OK)
			a.stat("/tmp/m/x/f", uabi.ErrNotFound)
			b.mountOn("", "/tmp/m", "", unix.MS_REC|unix.MS_PRIVATE, "", uabi.OK)
			b.mountOn("/tmp/m", "/tmp/m/x", "", unix.MS_BIND, "", uabi.OK)
			b.stat("/tmp/m/x/x", uabi.OK)
			a.stat("/tmp/m/x/x", uabi.ErrNotFound)
			f := b.open("/tmp/m/x/full", unix.O_CREAT|unix.O_WRONLY, 0o600, uabi.OK)
			if n := b.write(f, string(make([]byte, 10000)), -1, uabi.OK); n != 8192 {
				w.Fail("%d bytes fit into a tmpfs of 8 KiB", n)
			}
			b.umount("/tmp/m/x", 0, uabi.ErrBusy)
			b.umount("/tmp/m/x", unix.MNT_DETACH, uabi.OK)
			b.close(f)
			b.mkdir("/tmp/m/old", uabi.OK)
			b.pivot("/tmp/m", "/tmp/m/old", uabi.OK)
			b.stat("/x", uabi.OK)
			b.stat("/old/tmp", uabi.OK)
			b.umount("/old", unix.MNT_DETACH, uabi.OK)
			b.stat("/old/tmp", uabi.ErrNotFound)
			a.unlink("/tmp/m/full", 0, uabi.OK)
			c.close(b.vfs)
			a.umount("/tmp/m", 0, uabi.OK)
			a.unlink("/tmp/m", atRemoveDir, uabi.OK)
			c.close(a.vfs)
		})
	})
}

func TestMountsAreRefusedAsOnLinux(t *testing.T) {
	w := newWorld(t, uksim.Config{Seed: 3}, someFiles)
	w.client(func(c *client) {
		a := c.process(c.vfs)
		a.mountOn("t", "/nope", "tmpfs", 0, "", uabi.ErrNotFound)
		a.mountOn("t", "/aligned", "tmpfs", 0, "", uabi.ErrNotDir)
		a.mountOn("t", "/bin", "ext4", 0, "", uabi.ErrNoDevice)
		a.mountOn("t", "/bin", "tmpfs", 0, "x=1", uabi.ErrArg)
		a.mountOn("t", "/loop", "tmpfs", 0, "", uabi.ErrLoop)
		a.mountOn("sysfs", "/sys", "sysfs", 0, "", uabi.ErrBusy)
		a.mountOn("", "/bin", "", unix.MS_SHARED, "", uabi.ErrArg)
		a.mountOn("", "/", "", unix.MS_SHARED|unix.MS_SLAVE, "", uabi.ErrArg)
		a.mountOn("/bin", "/aligned", "", unix.MS_BIND, "", uabi.ErrNotDir)
		a.mountOn("/bin", "/deep", "", unix.MS_MOVE, "", uabi.ErrArg)
		a.mountOn("", "/tmp", "", unix.MS_REMOUNT, "bogus", uabi.ErrArg)
		a.umount("/bin", 0, uabi.ErrArg)
		a.umount("/dev", 0, uabi.ErrBusy)
		a.umount("/tmp", 0x100, uabi.ErrArg)
		a.umount("/tmp", unix.MNT_EXPIRE|unix.MNT_DETACH, uabi.ErrArg)
		a.pivot("/bin", "/bin", uabi.ErrBusy)
		a.pivot("/tmp", "/bin", uabi.ErrBusy)
		a.pivot("/aligned", "/tmp", uabi.ErrNotDir)
		a.pivot("/tmp", "/nope", uabi.ErrNotFound)
		set := vfs.MountSetattrRequest{Path: "/bin", Add: unix.MS_RDONLY}
		c.want("mount_setattr", a.vfs.MountSetattr(c.t, &set, &vfs.EmptyReply{}), uabi.ErrArg)
		set.Path = "/tmp"
		c.want("mount_setattr", a.vfs.MountSetattr(c.t, &set, &vfs.EmptyReply{}), uabi.OK)
		a.mkdir("/tmp/d", uabi.ErrReadOnly)
		c.want("setns", a.vfs.SetNs(c.t, &vfs.SetNsRequest{}, &vfs.EmptyReply{}), uabi.ErrArg)
		w.stub.effective = 0
		a.mountOn("t", "/bin", "tmpfs", 0, "", uabi.ErrPerm)
		a.umount("/tmp", 0, uabi.ErrPerm)
		a.pivot("/tmp", "/tmp", uabi.ErrPerm)
		c.want("unshare", a.vfs.Unshare(c.t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}), uabi.ErrPerm)
		c.want("mount_setattr", a.vfs.MountSetattr(c.t, &set, &vfs.EmptyReply{}), uabi.ErrPerm)
	})
	w.run()
}
