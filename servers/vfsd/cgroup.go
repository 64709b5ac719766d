package main

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/cgroupfs"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// cgroupKey is the key of procd's event about changes of cgroups.
const cgroupKey = 2

// inGroups reports whether a ref is in the cgroup hierarchy.
func (k *call) inGroups(r tree.Ref) bool {
	n := k.tree.Inode(r.Ino)
	return n != nil && n.Cgroup != 0
}

// live is cgroupfs.Live.
func (k *call) live(id uint64) (processes uint32, populated bool) {
	var rep proc.CgroupInfoReply
	k.proc().CgroupInfo(k.c, &proc.CgroupInfoRequest{Id: id}, &rep)
	return rep.Processes, rep.Populated
}

// fillGroup makes a directory a group's, with the files that it has by now.
func (k *call) fillGroup(dir *tree.Inode, id uint64) {
	dir.Cgroup = id
	k.groups[id].Ino = dir.Ino
	k.addGroupFiles(dir, cgroupfs.Base(id == cgroupfs.RootID))
	if id != cgroupfs.RootID {
		k.addGroupFiles(dir, cgroupfs.Of(k.groups.Available(id)))
	}
}

// addGroupFiles makes control files, which belong to the caller.
func (k *call) addGroupFiles(dir *tree.Inode, files []cgroupfs.Entry) {
	for _, e := range files {
		n := k.tree.Add(dir, e.Name, e.Mode, 0, "", k.env.Now)
		n.Uid, n.Gid, n.Cgroup, n.Text = k.env.UID, k.env.GID, dir.Cgroup, uint32(e.File)
	}
}

// makeGroup is mkdir(2) below a group's directory.
func (k *call) makeGroup(f tree.Found, spec tree.Spec) uabi.Error {
	env := k.env
	env.Single = func(*tree.Inode) uabi.Error { return uabi.OK }
	if err := k.tree.CheckCreate(&env, f, spec); err != uabi.OK {
		return err
	}
	parent := k.tree.Inode(f.Parent.Ino).Cgroup
	if strings.Contains(f.Name, "\n") {
		return uabi.ErrArg
	}
	if err := k.groups.CheckMake(parent); err != uabi.OK {
		return err
	}
	event, seen, err := k.bindGroups()
	if err != uabi.OK {
		return err
	}
	var rep proc.CgroupReply
	if err := k.proc().CgroupCreate(k.c, &proc.CgroupRequest{Id: parent}, &rep); err != uabi.OK {
		return err
	}
	n, err := k.tree.Create(&env, f, spec)
	if err != uabi.OK {
		return err
	}
	k.top.CgroupEvent, k.top.CgroupSeen = event, seen
	k.groups.Add(rep.Id, parent, strings.Clone(f.Name), n.Ino)
	k.fillGroup(n, rep.Id)
	return uabi.OK
}

// bindGroups asks procd to tell of changes, once there is the first group that can have any.
func (k *call) bindGroups() (event uint32, seen uint64, err uabi.Error) {
	if k.top.CgroupEvent != 0 {
		return k.top.CgroupEvent, k.top.CgroupSeen, uabi.OK
	}
	var rep proc.CgroupChangesReply
	if err := k.proc().CgroupChanges(k.c, &proc.CgroupChangesRequest{}, &rep); err != uabi.OK {
		return 0, 0, err
	}
	return rep.Event, rep.Next, k.c.Bind(uabi.Handle(rep.Event), cgroupKey, 1)
}

// removeSingle is the last check of unlink(2) and rmdir(2) in a single file system: only a group's directory can go.
func (k *call) removeSingle(dir *tree.Inode) uabi.Error {
	if !dir.IsDir() || dir.Cgroup == 0 {
		return uabi.ErrPerm
	}
	if err := k.proc().CgroupRemove(k.c, &proc.CgroupRequest{Id: dir.Cgroup}, &proc.EmptyReply{}); err != uabi.OK {
		return err
	}
	g := k.groups[dir.Cgroup]
	g.Removed, g.Ino = true, 0
	for _, g := range k.groups.Removed() {
		if !k.named(g.Id) {
			delete(k.groups, g.Id)
		}
	}
	return uabi.OK
}

// named reports whether a zombie is still in a group that was removed.
func (k *call) named(id uint64) bool {
	return k.proc().CgroupInfo(k.c, &proc.CgroupInfoRequest{Id: id}, &proc.CgroupInfoReply{}) == uabi.OK
}

// dying counts the groups below one that were removed and that zombies are in.
func (k *call) dying(id uint64) (n int) {
	for _, g := range k.groups.Removed() {
		if k.groups.Within(g.Id, id) && k.named(g.Id) {
			n++
		}
	}
	return n
}

// groupsChanged passes procd's changes on to who watches the files that show them.
func (h *VFSD) groupsChanged(c *server.Ctx) {
	k := &call{VFSD: h, c: c}
	var rep proc.CgroupChangesReply
	if err := k.proc().CgroupChanges(c, &proc.CgroupChangesRequest{Since: h.top.CgroupSeen}, &rep); err != uabi.OK {
		return
	}
	c.Close(uabi.Handle(rep.Event))
	h.top.CgroupSeen = rep.Next
	for _, id := range rep.Ids {
		h.groupModified(c, id, cgroupfs.Events)
	}
	for _, id := range rep.Pids {
		h.groupModified(c, id, cgroupfs.PidsEvents)
	}
}

func (h *VFSD) groupModified(c *server.Ctx, id uint64, f cgroupfs.File) {
	g := h.groups.Live(id)
	if g == nil {
		return
	}
	name := cgroupfs.NameOf(f)
	if n := h.tree.Child(h.tree.Inode(g.Ino), name); n != nil {
		h.modified(c, n)
		h.notify(c, place{ino: n.Ino, dir: g.Ino, name: name}, unix.IN_MODIFY)
	}
}

// tellsChanges reports whether poll(2) on a file tells that its text has changed.
func tellsChanges(n *tree.Inode) bool {
	f := cgroupfs.File(n.Text)
	return n.Cgroup != 0 && (f == cgroupfs.Events || f == cgroupfs.PidsEvents)
}

// groupText is a control file's text.
func (k *call) groupText(n *tree.Inode) (string, uabi.Error) {
	g := k.groups.Live(n.Cgroup)
	if g == nil {
		return "", uabi.ErrNoDevice
	}
	f := cgroupfs.File(n.Text)
	switch f {
	case cgroupfs.Procs, cgroupfs.Threads:
		return k.groupMembers(g.Id, f == cgroupfs.Threads)
	case cgroupfs.Controllers:
		return cgroupfs.MaskText(k.groups.Available(g.Id)), uabi.OK
	case cgroupfs.SubtreeControl:
		return cgroupfs.MaskText(cgroupfs.Mask(g.Control)), uabi.OK
	case cgroupfs.Type:
		return k.groups.TypeText(g.Id, k.live), uabi.OK
	case cgroupfs.MaxDepth:
		return cgroupfs.GroupsText(g.MaxDepth), uabi.OK
	case cgroupfs.MaxDescendants:
		return cgroupfs.GroupsText(g.MaxDescendants), uabi.OK
	case cgroupfs.Stat:
		return cgroupfs.StatText(k.groups.Descendants(g.Id), k.dying(g.Id)), uabi.OK
	}
	var info proc.CgroupInfoReply
	req := proc.CgroupInfoRequest{Id: g.Id, Times: f == cgroupfs.CPUStat}
	if err := k.proc().CgroupInfo(k.c, &req, &info); err != uabi.OK {
		return "", uabi.ErrNoDevice
	}
	switch f {
	case cgroupfs.Events:
		return cgroupfs.EventsText(info.Populated, info.Frozen), uabi.OK
	case cgroupfs.Freeze:
		return cgroupfs.SwitchText(info.Freeze), uabi.OK
	case cgroupfs.CPUStat:
		return cgroupfs.CPUStatText(info.UserNs, info.SystemNs), uabi.OK
	case cgroupfs.PidsMax:
		return cgroupfs.MaxText(info.PidsMax), uabi.OK
	case cgroupfs.PidsCurrent:
		return cgroupfs.MaxText(info.Pids), uabi.OK
	case cgroupfs.PidsEvents:
		return cgroupfs.PidsEventsText(info.PidsEvents), uabi.OK
	}
	return "", uabi.ErrArg
}

func (k *call) groupMembers(id uint64, threads bool) (string, uabi.Error) {
	var all []int32
	for after := int32(0); ; after = all[len(all)-1] {
		var rep proc.ListReply
		req := proc.CgroupMembersRequest{Id: id, After: after, Threads: threads}
		if err := k.proc().CgroupMembers(k.c, &req, &rep); err != uabi.OK {
			return "", uabi.ErrNoDevice
		}
		if len(rep.Pids) == 0 {
			return cgroupfs.ListText(all), uabi.OK
		}
		all = append(all, rep.Pids...)
	}
}

// groupOf is /proc/PID/cgroup.
func (k *call) groupOf(pid int32) (string, uabi.Error) {
	id, err := k.groupID(pid)
	if err != uabi.OK {
		return "", err
	}
	return "0::" + k.groups.Path(id) + "\n", uabi.OK
}

func (k *call) groupID(pid int32) (uint64, uabi.Error) {
	var s proc.StatusReply
	err := k.proc().Status(k.c, &proc.PidRequest{Pid: pid}, &s)
	return s.Cgroup, err
}

// writeGroup carries out what was written to a control file.
func (k *call) writeGroup(n *tree.Inode, s string) uabi.Error {
	g := k.groups.Live(n.Cgroup)
	if g == nil {
		return uabi.ErrNoDevice
	}
	f := cgroupfs.File(n.Text)
	switch f {
	case cgroupfs.Procs, cgroupfs.Threads:
		return k.moveTo(g.Id, s, f == cgroupfs.Threads)
	case cgroupfs.SubtreeControl:
		return k.setControl(g.Id, s)
	case cgroupfs.Type:
		if s != "threaded" {
			return uabi.ErrArg
		}
		return uabi.ErrOperation // not built: Linux says the same where a group cannot become threaded
	case cgroupfs.MaxDepth, cgroupfs.MaxDescendants:
		v, err := cgroupfs.Groups(s)
		if err != uabi.OK {
			return err
		}
		if f == cgroupfs.MaxDepth {
			g.MaxDepth = v
		} else {
			g.MaxDescendants = v
		}
		return uabi.OK
	case cgroupfs.Freeze:
		on, err := cgroupfs.Switch(s)
		if err != uabi.OK {
			return err
		}
		v := uint64(0)
		if on {
			v = 1
		}
		return k.setGroup(g.Id, proc.CgroupKnob_FREEZE, v)
	case cgroupfs.Kill:
		if err := cgroupfs.CheckKill(s); err != uabi.OK {
			return err
		}
		return k.setGroup(g.Id, proc.CgroupKnob_KILL, 1)
	case cgroupfs.PidsMax:
		v, err := cgroupfs.Max(s)
		if err != uabi.OK {
			return err
		}
		return k.setGroup(g.Id, proc.CgroupKnob_PIDS_MAX, v)
	}
	return uabi.ErrArg
}

func (k *call) setGroup(id uint64, knob proc.CgroupKnob, v uint64) uabi.Error {
	return k.proc().CgroupSet(k.c, &proc.CgroupSetRequest{Id: id, Knob: knob, Value: v}, &proc.EmptyReply{})
}

// moveTo is a write to cgroup.procs or cgroup.threads.
func (k *call) moveTo(id uint64, s string, thread bool) uabi.Error {
	pid, err := cgroupfs.PID(s)
	if err != uabi.OK {
		return err
	}
	if pid == 0 {
		pid = k.tgid()
	}
	from, err := k.groupID(pid)
	if err != uabi.OK {
		return uabi.ErrSearch
	}
	if err := k.mayMove(from, id); err != uabi.OK {
		return err
	}
	if err := k.groups.CheckHold(id, k.live); err != uabi.OK {
		return err
	}
	if thread {
		if from != id {
			return uabi.ErrOperation // threads of a process are in one group unless it is threaded
		}
		return uabi.OK
	}
	return k.proc().CgroupMove(k.c, &proc.CgroupMoveRequest{Id: id, Pid: pid}, &proc.EmptyReply{})
}

// CgroupOf implements vfs.Handler.
func (h *VFSD) CgroupOf(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.CountReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.At == nil {
		return uabi.ErrBadFD
	}
	dir := h.tree.Inode(o.At.Ino)
	if dir == nil || dir.Cgroup == 0 || !dir.IsDir() {
		return uabi.ErrBadFD
	}
	if h.groups.Live(dir.Cgroup) == nil {
		return uabi.ErrNoDevice
	}
	k := h.begin(c, false)
	from, err := k.groupID(k.tgid())
	if err != uabi.OK {
		return err
	}
	for _, to := range []uint64{dir.Cgroup, from} { // Linux asks for both the place itself and what is above it and the caller's
		if err := k.mayMove(to, dir.Cgroup); err != uabi.OK {
			return err
		}
	}
	out.Count = int64(dir.Cgroup)
	return k.groups.CheckHold(dir.Cgroup, k.live)
}

// mayMove checks delegation: who moves a process must be allowed to write cgroup.procs of the lowest group above both places.
func (k *call) mayMove(from, to uint64) uabi.Error {
	g := k.groups[k.groups.Common(from, to)]
	dir := k.tree.Inode(g.Ino)
	if dir == nil {
		return uabi.OK
	}
	n := k.tree.Child(dir, cgroupfs.NameOf(cgroupfs.Procs))
	return k.tree.Access(&k.env, tree.Ref{Ino: n.Ino}, unix.W_OK)
}

// setControl is a write to cgroup.subtree_control: the files of controllers come and go in the groups right below.
func (k *call) setControl(id uint64, s string) uabi.Error {
	enable, disable, err := cgroupfs.Control(s)
	if err != uabi.OK {
		return err
	}
	g := k.groups[id]
	mask, err := k.groups.CheckControl(id, enable, disable, k.live)
	if err != uabi.OK {
		return err
	}
	before := cgroupfs.Mask(g.Control)
	below := k.groups.Children(id)
	if before&^mask&cgroupfs.Pids != 0 {
		for _, child := range below {
			if err := k.setGroup(child.Id, proc.CgroupKnob_PIDS_MAX, cgroupfs.Unlimited); err != uabi.OK {
				return err
			}
		}
	}
	g.Control = uint32(mask)
	for _, child := range below {
		dir := k.tree.Inode(child.Ino)
		k.addGroupFiles(dir, cgroupfs.Of(mask&^before))
		for _, e := range cgroupfs.Of(before &^ mask) {
			k.tree.Remove(&k.env, dir, e.Name)
		}
	}
	return uabi.OK
}

// checkOptions checks a mount's data where a file system refuses what it does not know.
func checkOptions(typ, data string) uabi.Error {
	if typ == "cgroup2" {
		return cgroupfs.CheckOptions(data)
	}
	return uabi.OK
}
