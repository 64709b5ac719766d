package main

import (
	"math"

	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// rootGroup is the cgroup that everything begins in. It has no knobs and no parent.
const rootGroup = 1

// unlimited is pids.max's "max".
const unlimited = math.MaxUint64

// group is a cgroup with sums over it and all groups below.
type group struct {
	*state.Cgroup
	alive int    // processes that are no zombies
	tasks uint64 // what pids.current counts: one a process until it is reaped, one a thread beside its leader
	awake int    // threads that have not stopped for a freeze
}

// addGroups takes the cgroups of a state; there is always the root.
func (h *Procd) addGroups(list []*state.Cgroup) {
	h.groups = map[uint64]*group{rootGroup: {Cgroup: &state.Cgroup{Id: rootGroup, PidsMax: unlimited}}}
	h.freezers = 0
	for _, g := range list {
		h.groups[g.Id] = &group{Cgroup: g}
		if g.Freeze {
			h.freezers++
		}
	}
}

func (h *Procd) groupList() []*state.Cgroup {
	var out []*state.Cgroup
	for _, g := range sorted(h.groups) {
		out = append(out, g.Cgroup)
	}
	return out
}

// tally adds to the sums of a group and of those above it.
func (h *Procd) tally(id uint64, alive, tasks, awake int) {
	for g := h.groups[id]; g != nil; g = h.groups[g.Parent] {
		g.alive += alive
		g.tasks += uint64(tasks)
		g.awake += awake
	}
}

// tallyProcess and tallyThread add (or with sign −1 take away) what a process and a thread count.
func (h *Procd) tallyProcess(p *state.Process, sign int) {
	alive := 0
	if p.Phase == state.Phase_ALIVE {
		alive = sign
	}
	h.tally(p.Cgroup, alive, sign, 0)
}

func (h *Procd) tallyThread(t *state.Thread, sign int) {
	tasks, awake := 0, 0
	if t.Tid != t.Pid {
		tasks = sign
	}
	if !t.Parked {
		awake = sign
	}
	h.tally(h.procs.Get(t.Pid).Cgroup, 0, tasks, awake)
}

// settle notes what changed of a group and those above it, and tells who waits for it.
func (h *Procd) settle(c *server.Ctx, id uint64) {
	changed := false
	for g := h.groups[id]; g != nil && g.Parent != 0; g = h.groups[g.Parent] {
		populated, frozen := g.alive > 0, g.awake == 0 && h.freezes(g.Id)
		if populated == g.Populated && frozen == g.Frozen {
			continue
		}
		h.top.LastChange++
		g.Populated, g.Frozen, g.Changed = populated, frozen, h.top.LastChange
		changed = true
	}
	if changed {
		h.tellChange(c)
	}
}

// tellChange raises the event of CgroupChanges.
func (h *Procd) tellChange(c *server.Ctx) {
	if h.top.CgroupEvent != 0 {
		c.EventUpdate(uabi.Handle(h.top.CgroupEvent), 0, 0, 1)
	}
}

// freezes reports whether a group's threads are to stop: it, or one above it, is set to freeze.
func (h *Procd) freezes(id uint64) bool {
	if h.freezers == 0 {
		return false
	}
	for g := h.groups[id]; g != nil; g = h.groups[g.Parent] {
		if g.Freeze {
			return true
		}
	}
	return false
}

// held reports whether a process's threads are to park: by job control or by a freeze.
func (h *Procd) held(p *state.Process) bool { return p.Stopped || h.freezes(p.Cgroup) }

// endsFrozen reports whether a signal ends a process that a freeze holds: one that would end it without a core dump does, as on Linux.
func (h *Procd) endsFrozen(p *state.Process, sig uint32) bool {
	if p.Stopped || !h.freezes(p.Cgroup) || signal.Action(h.handlers.Get(p.Handlers), sig).Handler != signal.Default {
		return false
	}
	return !signal.IgnoredByDefault(sig) && !signal.StopsByDefault(sig) && !signal.Dumps(sig)
}

// park notes that a thread is about to stop for a freeze, or no longer does.
func (h *Procd) park(t *state.Thread, on bool) {
	if t.Parked != on {
		h.tallyThread(t, -1)
		t.Parked = on
		h.tallyThread(t, 1)
	}
}

// refreeze brings a process's threads to what its group says: they are told to come and park, or to go on.
func (h *Procd) refreeze(c *server.Ctx, p *state.Process) {
	on := h.freezes(p.Cgroup)
	for _, tid := range h.members[p.Pid] {
		t := h.threads.Get(tid)
		if on == t.Parked {
			continue
		}
		if !on {
			h.park(t, false)
		}
		h.raise(c, t)
	}
}

// inGroup reports whether a group is top or below it.
func (h *Procd) inGroup(id, top uint64) bool {
	for id != 0 && id != top {
		id = h.groups[id].Parent
	}
	return id == top
}

// group gives a cgroup that was not removed.
func (h *Procd) group(id uint64) (*group, uabi.Error) {
	g := h.groups[id]
	if g == nil || g.Removed {
		return nil, uabi.ErrNotFound
	}
	return g, uabi.OK
}

// CgroupCreate implements proc.Handler.
func (h *Procd) CgroupCreate(c *server.Ctx, in *proc.CgroupRequest, out *proc.CgroupReply) uabi.Error {
	parent, err := h.group(in.Id)
	if err != uabi.OK {
		return err
	}
	h.top.LastCgroup++
	g := &state.Cgroup{Id: h.top.LastCgroup, Parent: parent.Id, PidsMax: unlimited}
	h.groups[g.Id] = &group{Cgroup: g}
	g.Frozen = h.freezes(g.Id)
	out.Id = g.Id
	return uabi.OK
}

// CgroupRemove implements proc.Handler.
func (h *Procd) CgroupRemove(c *server.Ctx, in *proc.CgroupRequest, out *proc.EmptyReply) uabi.Error {
	g, err := h.group(in.Id)
	if err != uabi.OK {
		return err
	}
	if g.alive > 0 || g.Parent == 0 {
		return uabi.ErrBusy
	}
	for _, o := range h.groups {
		if o.Parent == g.Id && !o.Removed {
			return uabi.ErrBusy
		}
	}
	g.Removed = true
	h.forgetGroups(g.Id)
	return uabi.OK
}

// forgetGroups forgets a removed group that nothing is in any more, and so on upwards.
func (h *Procd) forgetGroups(id uint64) {
	for g := h.groups[id]; g != nil && g.Removed && g.tasks == 0; g = h.groups[g.Parent] {
		for _, o := range h.groups {
			if o.Parent == g.Id {
				return
			}
		}
		addTimes(&h.groups[g.Parent].Gone, g.Gone.GetUserNs(), g.Gone.GetSystemNs())
		if g.Freeze {
			h.freezers--
		}
		delete(h.groups, g.Id)
	}
}

// CgroupMove implements proc.Handler.
func (h *Procd) CgroupMove(c *server.Ctx, in *proc.CgroupMoveRequest, out *proc.EmptyReply) uabi.Error {
	g, err := h.group(in.Id)
	if err != uabi.OK {
		return err
	}
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	if p.Phase != state.Phase_ALIVE || p.Exiting || p.Cgroup == g.Id {
		return uabi.OK
	}
	old := p.Cgroup
	h.leaveTimes(c, p)
	h.tallyAll(p, -1)
	p.Cgroup = g.Id
	h.tallyAll(p, 1)
	h.refreeze(c, p)
	h.settle(c, old)
	h.settle(c, g.Id)
	return uabi.OK
}

// tallyAll is tallyProcess with all its threads.
func (h *Procd) tallyAll(p *state.Process, sign int) {
	h.tallyProcess(p, sign)
	for _, tid := range h.members[p.Pid] {
		h.tallyThread(h.threads.Get(tid), sign)
	}
}

// leaveTimes adds what a process has used in its group to what has been used there.
func (h *Procd) leaveTimes(c *server.Ctx, p *state.Process) {
	user, system := h.times(c, p)
	addTimes(&h.groups[p.Cgroup].Gone, user-p.CgroupBase.GetUserNs(), system-p.CgroupBase.GetSystemNs())
	p.CgroupBase = &state.Times{UserNs: user, SystemNs: system}
}

// CgroupMembers implements proc.Handler.
func (h *Procd) CgroupMembers(c *server.Ctx, in *proc.CgroupMembersRequest, out *proc.ListReply) uabi.Error {
	g, err := h.group(in.Id)
	if err != uabi.OK {
		return err
	}
	add := func(id int32, pid int32) {
		p := h.procs.Get(pid)
		if id > in.After && p.Cgroup == g.Id && p.Phase == state.Phase_ALIVE && len(out.Pids) < listMax {
			out.Pids = append(out.Pids, id)
		}
	}
	if in.Threads {
		for _, t := range h.threads.Values() {
			add(t.Tid, t.Pid)
		}
		return uabi.OK
	}
	for _, pid := range h.procs.Keys() {
		add(pid, pid)
	}
	return uabi.OK
}

// CgroupInfo implements proc.Handler.
func (h *Procd) CgroupInfo(c *server.Ctx, in *proc.CgroupInfoRequest, out *proc.CgroupInfoReply) uabi.Error {
	g := h.groups[in.Id]
	if g == nil {
		return uabi.ErrNotFound
	}
	out.Populated, out.Frozen, out.Freeze = g.alive > 0, g.Frozen, g.Freeze
	out.Pids, out.PidsMax, out.PidsEvents = g.tasks, g.PidsMax, g.PidsEvents
	for _, p := range h.procs.All() {
		if p.Cgroup == g.Id && p.Phase == state.Phase_ALIVE {
			out.Processes++
		}
	}
	if in.Times {
		out.UserNs, out.SystemNs = h.groupTimes(c, g.Id)
	}
	return uabi.OK
}

// groupTimes sums up what was used in a group and those below it.
func (h *Procd) groupTimes(c *server.Ctx, top uint64) (user, system uint64) {
	for _, g := range h.groups {
		if h.inGroup(g.Id, top) {
			user, system = user+g.Gone.GetUserNs(), system+g.Gone.GetSystemNs()
		}
	}
	for _, p := range h.procs.Values() {
		if h.inGroup(p.Cgroup, top) {
			u, s := h.times(c, p)
			user, system = user+u-p.CgroupBase.GetUserNs(), system+s-p.CgroupBase.GetSystemNs()
		}
	}
	return user, system
}

// CgroupSet implements proc.Handler.
func (h *Procd) CgroupSet(c *server.Ctx, in *proc.CgroupSetRequest, out *proc.EmptyReply) uabi.Error {
	g, err := h.group(in.Id)
	if err != uabi.OK {
		return err
	}
	if g.Parent == 0 {
		return uabi.ErrArg
	}
	switch in.Knob {
	case proc.CgroupKnob_PIDS_MAX:
		g.PidsMax = in.Value
	case proc.CgroupKnob_FREEZE:
		if in.Value > 1 {
			return uabi.ErrArg
		}
		h.freeze(c, g, in.Value == 1)
	case proc.CgroupKnob_KILL:
		for _, p := range h.procs.Values() {
			if h.inGroup(p.Cgroup, g.Id) {
				h.send(c, p, nil, &state.Info{Signal: signal.KILL})
			}
		}
	default:
		return uabi.ErrArg
	}
	return uabi.OK
}

// freeze sets cgroup.freeze.
func (h *Procd) freeze(c *server.Ctx, g *group, on bool) {
	switch {
	case on && !g.Freeze:
		h.freezers++
	case !on && g.Freeze:
		h.freezers--
	}
	g.Freeze = on
	for _, p := range h.procs.Values() {
		if h.inGroup(p.Cgroup, g.Id) {
			h.refreeze(c, p)
		}
	}
	for _, o := range sorted(h.groups) {
		if h.inGroup(o.Id, g.Id) {
			h.settle(c, o.Id)
		}
	}
}

// CgroupChanges implements proc.Handler.
func (h *Procd) CgroupChanges(c *server.Ctx, in *proc.CgroupChangesRequest, out *proc.CgroupChangesReply) uabi.Error {
	if h.top.CgroupEvent == 0 {
		event, err := c.EventCreate(uabi.BootAccount)
		if err != uabi.OK {
			return err
		}
		h.top.CgroupEvent = uint32(event)
	}
	for _, g := range sorted(h.groups) {
		if g.Changed > in.Since && !g.Removed {
			out.Ids = append(out.Ids, g.Id)
		}
		if g.PidsChanged > in.Since && !g.Removed {
			out.Pids = append(out.Pids, g.Id)
		}
	}
	out.Next, out.Event = h.top.LastChange, h.top.CgroupEvent
	return uabi.OK
}

// pidsFull reports whether pids.max of a group, or of one above it, lets no task more in.
func (h *Procd) pidsFull(id uint64) bool {
	for g := h.groups[id]; g != nil && g.Parent != 0; g = h.groups[g.Parent] {
		if g.tasks >= g.PidsMax {
			return true
		}
	}
	return false
}

// refuse counts a fork that pids.max refused: in the group that the child would have been in.
func (h *Procd) refuse(c *server.Ctx, id uint64) {
	h.top.LastChange++
	g := h.groups[id]
	g.PidsEvents++
	g.PidsChanged = h.top.LastChange
	h.tellChange(c)
}
