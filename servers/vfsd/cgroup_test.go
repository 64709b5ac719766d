package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// stubGroups are procd's cgroups as far as one process needs them.
type stubGroups struct {
	parent map[uint64]uint64
	last   uint64
	of     uint64 // the group of process 1; 0: the root
	max    uint64
	freeze uint64
	change uint64
	ids    []uint64
	event  uabi.Handle
}

// within reports whether process 1 is in a group or below it.
func (g *stubGroups) within(id uint64) bool {
	for at := max(g.of, 1); at != 0; at = g.parent[at] {
		if at == id {
			return true
		}
	}
	return false
}

func (s *stubProc) CgroupCreate(c *server.Ctx, in *proc.CgroupRequest, out *proc.CgroupReply) uabi.Error {
	g := &s.groups
	if g.parent == nil {
		g.parent, g.last, g.max = map[uint64]uint64{}, 1, unlimitedPids
	}
	g.last++
	g.parent[g.last] = in.Id
	out.Id = g.last
	return uabi.OK
}

const unlimitedPids = 1<<64 - 1

func (s *stubProc) CgroupRemove(c *server.Ctx, in *proc.CgroupRequest, out *proc.EmptyReply) uabi.Error {
	g := &s.groups
	if g.within(in.Id) {
		return uabi.ErrBusy
	}
	for _, parent := range g.parent {
		if parent == in.Id {
			return uabi.ErrBusy
		}
	}
	delete(g.parent, in.Id)
	return uabi.OK
}

func (s *stubProc) CgroupMove(c *server.Ctx, in *proc.CgroupMoveRequest, out *proc.EmptyReply) uabi.Error {
	g := &s.groups
	for _, id := range []uint64{max(g.of, 1), in.Id} {
		for ; id > 1; id = g.parent[id] {
			g.ids = append(g.ids, id)
		}
	}
	g.of = in.Id
	g.change++
	if g.event != 0 {
		c.EventUpdate(g.event, 0, 0, 1)
	}
	return uabi.OK
}

func (s *stubProc) CgroupMembers(c *server.Ctx, in *proc.CgroupMembersRequest, out *proc.ListReply) uabi.Error {
	if max(s.groups.of, 1) == in.Id && in.After == 0 {
		out.Pids = []int32{1}
	}
	return uabi.OK
}

func (s *stubProc) CgroupInfo(c *server.Ctx, in *proc.CgroupInfoRequest, out *proc.CgroupInfoReply) uabi.Error {
	g := &s.groups
	if in.Id > 1 && g.parent[in.Id] == 0 {
		return uabi.ErrNotFound
	}
	out.Populated, out.Freeze, out.PidsMax = g.within(in.Id), g.freeze == 1, g.max
	if max(g.of, 1) == in.Id {
		out.Processes = 1
	}
	if out.Populated {
		out.Pids = 1
	}
	if in.Times {
		out.UserNs, out.SystemNs = 5e6, 2e6
	}
	return uabi.OK
}

func (s *stubProc) CgroupSet(c *server.Ctx, in *proc.CgroupSetRequest, out *proc.EmptyReply) uabi.Error {
	switch in.Knob {
	case proc.CgroupKnob_PIDS_MAX:
		s.groups.max = in.Value
	case proc.CgroupKnob_FREEZE:
		s.groups.freeze = in.Value
	}
	return uabi.OK
}

func (s *stubProc) CgroupChanges(c *server.Ctx, in *proc.CgroupChangesRequest, out *proc.CgroupChangesReply) uabi.Error {
	g := &s.groups
	if g.event == 0 {
		e, err := c.EventCreate(uabi.BootAccount)
		if err != uabi.OK {
			return err
		}
		g.event = e
	}
	if g.change > in.Since {
		out.Ids = g.ids
	}
	out.Next, out.Event = g.change, uint32(g.event)
	return uabi.OK
}

const groupMount = "/tmp/cg"

// groupClient mounts the hierarchy where it can be written.
func (w *world) groupClient(f func(c *client)) {
	w.client(func(c *client) {
		c.mkdir(groupMount, uabi.OK)
		c.mount("cgroup2", groupMount, "nsdelegate,memory_recursiveprot", uabi.OK)
		f(c)
	})
}

func (c *client) mount(typ, path, data string, want uabi.Error) {
	req := vfs.MountRequest{Source: typ, Target: path, Type: typ, Data: data}
	c.want("mount "+typ, c.vfs.Mount(c.t, &req, &vfs.EmptyReply{}), want)
}

// isGroup asks whether a directory is a group that a child may be put into.
func (c *client) isGroup(path string, want uabi.Error) {
	f := c.open(path, unix.O_RDONLY, 0, uabi.OK)
	c.want("group "+path, f.CgroupOf(c.t, &vfs.EmptyRequest{}, &vfs.CountReply{}), want)
	c.close(f)
}

// put writes to a file, as the shell's echo does.
func (c *client) put(path, text string, want uabi.Error) {
	f := c.open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC, 0o666, uabi.OK)
	c.write(f, text, -1, want)
	c.close(f)
}

// shows checks a file's text.
func (c *client) shows(path, want string) {
	f := c.open(path, unix.O_RDONLY, 0, uabi.OK)
	c.reads(f, 200, want)
	c.reads(f, 200, "")
	c.close(f)
}

func TestGroupsAreDirectoriesWithControlFilesAtEveryCrash(t *testing.T) {
	sweep(t, nil, 5, func(w *world) {
		w.groupClient(func(c *client) {
			const a, b = groupMount + "/a", groupMount + "/a/b"
			c.shows(groupMount+"/cgroup.controllers", "pids\n")
			c.shows(groupMount+"/cgroup.procs", "1\n")
			c.stat(groupMount+"/cgroup.events", uabi.ErrNotFound)
			c.mkdir(a, uabi.OK)
			c.mkdir(a, uabi.ErrExists)
			c.mkdir(groupMount+"/new\nline", uabi.ErrArg)
			c.stat(a+"/pids.max", uabi.ErrNotFound)
			c.put(groupMount+"/cgroup.subtree_control", "+pids\n", uabi.OK)
			c.shows(groupMount+"/cgroup.subtree_control", "pids\n")
			c.mkdir(b, uabi.OK)
			c.shows(a+"/pids.max", "max\n")
			c.shows(b+"/cgroup.controllers", "")
			c.put(a+"/pids.max", "0x10\n", uabi.OK)
			c.shows(a+"/pids.max", "16\n")
			c.put(b+"/cgroup.procs", "1\n", uabi.OK)
			c.shows("/proc/1/cgroup", "0::/a/b\n")
			c.shows("/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\npids\t0\t3\t1\n")
			c.shows(a+"/cgroup.events", "populated 1\nfrozen 0\n")
			c.shows(a+"/cgroup.procs", "")
			c.shows(b+"/cgroup.threads", "1\n")
			c.shows(a+"/cpu.stat", "usage_usec 7000\nuser_usec 5000\nsystem_usec 2000\n")
			c.shows(groupMount+"/cgroup.stat", "nr_descendants 2\nnr_dying_descendants 0\n")
			c.unlink(a, atRemoveDir, uabi.ErrBusy)
			c.unlink(b, atRemoveDir, uabi.ErrBusy)
			c.put(groupMount+"/cgroup.procs", "1", uabi.OK)
			c.put(groupMount+"/cgroup.subtree_control", "-pids", uabi.OK)
			c.stat(a+"/pids.max", uabi.ErrNotFound)
			f := c.open(b+"/cgroup.procs", unix.O_RDWR, 0, uabi.OK)
			c.unlink(b, atRemoveDir, uabi.OK)
			c.read(f, 10, 0, uabi.ErrNoDevice)
			c.write(f, "1", -1, uabi.ErrNoDevice)
			c.close(f)
			c.unlink(a, atRemoveDir, uabi.OK)
			if got := c.list(groupMount); strings.Contains(got, " a") {
				w.Fail("%s has %q", groupMount, got)
			}
		})
	})
}

func TestGroupsRefuseWhatLinuxRefuses(t *testing.T) {
	sweep(t, nil, 11, func(w *world) {
		w.groupClient(func(c *client) {
			const a = groupMount + "/a"
			c.mkdir(a, uabi.OK)
			c.mount("cgroup2", groupMount, "", uabi.ErrBusy)
			c.mount("cgroup2", "/run", "nonsense", uabi.ErrArg)
			c.mount("cgroup", "/run", "", uabi.ErrNoDevice)
			c.mount("sysfs", "/sys", "", uabi.ErrBusy)
			for _, x := range []struct {
				file, text string
				want       uabi.Error
			}{
				{"cgroup.procs", "x", uabi.ErrArg}, {"cgroup.procs", "-1", uabi.ErrArg}, {"cgroup.procs", "77", uabi.ErrSearch},
				{"cgroup.threads", "1", uabi.ErrOperation}, {"cgroup.subtree_control", "+cpu", uabi.ErrArg},
				{"cgroup.subtree_control", "+pids", uabi.ErrNotFound}, {"cgroup.subtree_control", "pids", uabi.ErrArg},
				{"cgroup.freeze", "2", uabi.ErrRange}, {"cgroup.kill", "0", uabi.ErrRange}, {"cgroup.kill", " ", uabi.ErrArg},
				{"cgroup.type", "domain", uabi.ErrArg}, {"cgroup.type", "threaded", uabi.ErrOperation},
				{"cgroup.max.depth", "-1", uabi.ErrRange}, {"cgroup.max.depth", "1x", uabi.ErrArg},
				{"cgroup.procs", strings.Repeat("1", 5000), uabi.ErrTooBig},
			} {
				c.put(a+"/"+x.file, x.text, x.want)
			}
			c.open(a+"/new", unix.O_CREAT|unix.O_WRONLY, 0o600, uabi.ErrAccess)
			c.unlink(a+"/cgroup.procs", 0, uabi.ErrPerm)
			c.unlink(a+"/cgroup.procs", atRemoveDir, uabi.ErrNotDir)
			make := vfs.MakeRequest{Path: a + "/link", Mode: unix.S_IFLNK, Target: "x"}
			c.want("symlink", c.vfs.MakeAt(c.t, &make, &vfs.EmptyReply{}), uabi.ErrPerm)
			rename := vfs.TwoPathRequest{Old: a, New: groupMount + "/b"}
			c.want("rename", c.vfs.RenameAt(c.t, &rename, &vfs.EmptyReply{}), uabi.ErrPerm)
			c.put(a+"/cgroup.max.depth", "0", uabi.OK)
			c.mkdir(a+"/b", uabi.ErrAgain)
			c.put(a+"/cgroup.max.depth", "max", uabi.OK)
			c.put(a+"/cgroup.freeze", "1", uabi.OK)
			c.shows(a+"/cgroup.freeze", "1\n")
			c.put(a+"/cgroup.kill", "1", uabi.OK)
			// A group with processes and controllers is a thread root: its children hold none.
			c.put(groupMount+"/cgroup.subtree_control", "+pids", uabi.OK)
			c.put(a+"/cgroup.procs", "1", uabi.OK)
			c.put(a+"/cgroup.subtree_control", "+pids", uabi.OK)
			c.mkdir(a+"/b", uabi.OK)
			c.shows(a+"/cgroup.type", "domain threaded\n")
			c.shows(a+"/b/cgroup.type", "domain invalid\n")
			c.put(a+"/b/cgroup.procs", "1", uabi.ErrOperation)
			c.isGroup(a+"/b", uabi.ErrOperation)
			c.isGroup(a, uabi.OK)
			c.isGroup("/tmp", uabi.ErrBadFD)
			c.isGroup(a+"/cgroup.procs", uabi.ErrBadFD)
			c.put(groupMount+"/cgroup.procs", "1", uabi.OK)
			c.put(a+"/b/cgroup.procs", "1", uabi.OK)
			c.isGroup(a, uabi.ErrBusy)
			c.mkdir(groupMount+"/gone", uabi.OK)
			f := c.open(groupMount+"/gone", unix.O_DIRECTORY, 0, uabi.OK)
			c.unlink(groupMount+"/gone", atRemoveDir, uabi.OK)
			c.want("a group that is gone", f.CgroupOf(c.t, &vfs.EmptyRequest{}, &vfs.CountReply{}), uabi.ErrNoDevice)
			c.put(groupMount+"/cgroup.subtree_control", "-pids", uabi.ErrBusy)
			if s := c.stat(a+"/cgroup.kill", uabi.OK); s.Mode != unix.S_IFREG|0o200 || s.Size != 0 {
				w.Fail("cgroup.kill is %v", s)
			}
		})
	})
}

func TestAChangeOfAGroupIsToldByPoll(t *testing.T) {
	sweep(t, nil, 5, func(w *world) {
		w.groupClient(func(c *client) {
			const a = groupMount + "/a"
			c.mkdir(a, uabi.OK)
			f := c.open(a+"/cgroup.events", unix.O_RDONLY, 0, uabi.OK)
			level := func() uint32 {
				var p vfs.PollReply
				c.want("poll", f.Poll(c.t, &vfs.EmptyRequest{}, &p), uabi.OK)
				c.k.Close(uabi.Handle(p.Event))
				return p.Level
			}
			c.reads(f, 100, "populated 0\nfrozen 0\n")
			if l := level(); l != unix.POLLIN|unix.POLLOUT {
				w.Fail("before the change poll says %#x", l)
			}
			c.put(a+"/cgroup.procs", "1", uabi.OK)
			for level()&changedBits != changedBits {
				c.k.EventWait(0, 1, 0, 0)
			}
			if got := c.read(f, 100, 0, uabi.OK); got != "populated 1\nfrozen 0\n" {
				w.Fail("after the change it reads %q", got)
			}
			if l := level(); l&changedBits != 0 {
				w.Fail("after reading poll says %#x", l)
			}
		})
	})
}
