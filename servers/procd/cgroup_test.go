package main

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

// System calls about cgroups of the test's handler.
const (
	sysGroupMake    = 100 + iota // (parent) → id
	sysGroupRemove               // (id)
	sysGroupMove                 // (id, pid)
	sysGroupMembers              // (id, threads) → number<<32 | the last
	sysGroupInfo                 // (id) → infoPopulated | infoFrozen | processes<<8 | pids<<16 | events<<24
	sysGroupSet                  // (id, knob<<32 | value)
	sysGroupChanges              // (since) → next<<32 | ids of changed groups, 8 bits each
	sysGroupOf                   // (pid) → id
	sysGroupAwait                // waits until CgroupChanges has something behind (since)
)

// wrongSums compares the sums of cgroups with those that a successor would count, and with what was told of them.
func (h *Procd) wrongSums() string {
	fresh := New()
	if err := fresh.Load(h.Save()); err != nil {
		return err.Error()
	}
	if fresh.freezers != h.freezers {
		return fmt.Sprintf("%d groups freeze, counted %d", h.freezers, fresh.freezers)
	}
	for _, g := range sorted(h.groups) {
		f := fresh.groups[g.Id]
		if f == nil || f.alive != g.alive || f.tasks != g.tasks || f.awake != g.awake {
			return fmt.Sprintf("cgroup %d has sums %d %d %d, counted %+v", g.Id, g.alive, g.tasks, g.awake, f)
		}
		if g.Parent != 0 && (g.Populated != (g.alive > 0) || g.Frozen != (h.freezes(g.Id) && g.awake == 0)) {
			return fmt.Sprintf("cgroup %d was told to be populated %v and frozen %v", g.Id, g.Populated, g.Frozen)
		}
	}
	return ""
}

const (
	infoPopulated = 1
	infoFrozen    = 2
)

func (h *handler) groups(in *uabi.Msg, nr, a, b uint64) (uint64, uabi.Error) {
	l := &h.lane
	switch nr {
	case sysGroupMake:
		var out proc.CgroupReply
		err := h.proc.CgroupCreate(l, &proc.CgroupRequest{Id: a}, &out)
		return out.Id, err
	case sysGroupRemove:
		return 0, h.proc.CgroupRemove(l, &proc.CgroupRequest{Id: a}, &proc.EmptyReply{})
	case sysGroupMove:
		return 0, h.proc.CgroupMove(l, &proc.CgroupMoveRequest{Id: a, Pid: int32(b)}, &proc.EmptyReply{})
	case sysGroupMembers:
		var out proc.ListReply
		err := h.proc.CgroupMembers(l, &proc.CgroupMembersRequest{Id: a, Threads: b != 0}, &out)
		if err != uabi.OK || len(out.Pids) == 0 {
			return 0, err
		}
		return uint64(len(out.Pids))<<32 | uint64(out.Pids[len(out.Pids)-1]), uabi.OK
	case sysGroupInfo:
		var out proc.CgroupInfoReply
		err := h.proc.CgroupInfo(l, &proc.CgroupInfoRequest{Id: a, Times: true}, &out)
		v := uint64(out.Processes)<<8 | out.Pids<<16 | out.PidsEvents<<24
		if out.Populated {
			v |= infoPopulated
		}
		if out.Frozen {
			v |= infoFrozen
		}
		return v, err
	case sysGroupSet:
		return 0, h.proc.CgroupSet(l, &proc.CgroupSetRequest{Id: a, Knob: proc.CgroupKnob(b >> 32), Value: b & 0xffffffff}, &proc.EmptyReply{})
	case sysGroupAwait:
		if in.Flags&uabi.FlagEvent != 0 {
			return 0, uabi.OK
		}
		// What is raised behind this number is waited for; what changed before it shows now.
		var out proc.CgroupChangesReply
		if err := h.proc.CgroupChanges(l, &proc.CgroupChangesRequest{}, &out); err != uabi.OK {
			return 0, err
		}
		event := uabi.Handle(out.Event)
		_, seq, _ := h.k.EventRead(event)
		if err := h.proc.CgroupChanges(l, &proc.CgroupChangesRequest{}, &out); err != uabi.OK || out.Next > a {
			return 0, err
		}
		h.answer(uabi.AnswerWait, 0)
		h.k.Buf().Out.Wait = uabi.WaitSpec{Event: event, Mask: 1, Since: seq, Deadline: uabi.NoDeadline}
		h.done = true
		return 0, uabi.OK
	case sysGroupChanges:
		var out proc.CgroupChangesReply
		err := h.proc.CgroupChanges(l, &proc.CgroupChangesRequest{Since: a}, &out)
		v := out.Next << 32
		for i, id := range out.Ids {
			v |= id << (8 * i)
		}
		return v, err
	case sysGroupOf:
		var out proc.StatusReply
		err := h.proc.Status(l, &proc.PidRequest{Pid: int32(a)}, &out)
		return out.Cgroup, err
	}
	return 0, uabi.ErrCall
}

func (p *program) group(parent uint64) uint64 { return p.sys("make a group", sysGroupMake, parent) }

func (p *program) info(id, want uint64) {
	if v := p.sys("info", sysGroupInfo, id); v != want {
		p.w.Fail("group %d is %#x, want %#x", id, v, want)
	}
}

// sleeper is a child that sleeps until it is killed.
func (p *program) sleeper(flags, cgroup uint64) uint64 {
	child := func(a *uksim.Alien) {
		for c := (&program{a, p.w}); ; {
			c.sleep()
		}
	}
	return p.a.Fork(child, sysFork, flags, 0, signal.CHLD, cgroup)
}

func (p *program) reap(pid uint64, status int32) {
	if v := p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED); v != uint64(uint32(status))<<32|pid {
		p.w.Fail("wait says %#x", v)
	}
}

func TestCgroupsHoldTheirProcessesUntilTheyEnd(t *testing.T) {
	sweep(t, 3, 0, func(p *program) {
		a := p.group(1)
		b := p.group(a)
		p.fails("a group of none", uabi.ErrNotFound, sysGroupMake, 99)
		p.fails("the root's removal", uabi.ErrBusy, sysGroupRemove, 1)
		p.fails("removal with a child", uabi.ErrBusy, sysGroupRemove, a)
		p.fails("a move to nowhere", uabi.ErrNotFound, sysGroupMove, 99, 0)
		p.fails("a move of nobody", uabi.ErrSearch, sysGroupMove, b, 77)
		p.fails("members of nothing", uabi.ErrNotFound, sysGroupMembers, 99, 0)
		p.fails("info of nothing", uabi.ErrNotFound, sysGroupInfo, 99)
		since := p.sys("changes", sysGroupChanges, 0) >> 32
		p.sys("move", sysGroupMove, b, 0)
		if v := p.sys("changes", sysGroupChanges, since); v&0xffffffff != b<<8|a {
			p.w.Fail("changes %#x", v)
		}
		pid := p.sleeper(0, 0)
		p.info(b, infoPopulated|2<<8|2<<16)
		p.info(a, infoPopulated|2<<16)
		if v := p.sys("members", sysGroupMembers, b, 0); v != 2<<32|pid {
			p.w.Fail("members %#x", v)
		}
		p.sys("move", sysGroupMove, 1, 0)
		p.fails("removal of a populated group", uabi.ErrBusy, sysGroupRemove, b)
		since = p.sys("changes", sysGroupChanges, 0) >> 32
		p.sys("kill", sysKill, pid, 0, signal.KILL)
		p.sys("wait for the change", sysGroupAwait, since)
		p.info(b, 1<<16) // a zombie
		if v := p.sys("group", sysGroupOf, pid); v != b {
			p.w.Fail("a zombie is in group %d", v)
		}
		p.sys("remove", sysGroupRemove, b)
		p.fails("removal again", uabi.ErrNotFound, sysGroupRemove, b)
		p.sys("remove", sysGroupRemove, a)
		p.info(b, 1<<16)
		p.reap(pid, signal.Killed(signal.KILL))
		p.fails("info of what is forgotten", uabi.ErrNotFound, sysGroupInfo, a)
		p.exit(0)
	}, said())
}

func TestPidsMaxRefusesForksAndCountsThem(t *testing.T) {
	sweep(t, 3, 0, func(p *program) {
		a := p.group(1)
		b := p.group(a)
		p.fails("a knob of the root", uabi.ErrArg, sysGroupSet, 1, 5)
		p.fails("an unknown knob", uabi.ErrArg, sysGroupSet, a, 9<<32)
		p.fails("a knob of nothing", uabi.ErrNotFound, sysGroupSet, 99, 5)
		p.sys("pids.max", sysGroupSet, a, 1)
		pid := p.sleeper(0, b)
		if v := p.sleeper(0, b); v != 0 {
			p.w.Fail("a fork beyond pids.max gives %d", int64(v))
		}
		if v := p.a.Syscall(sysFork, 0, 0, signal.CHLD, 99); int64(v) != -int64(uabi.ErrNoDevice) {
			p.w.Fail("a fork into nothing gives %d", int64(v))
		}
		p.info(b, infoPopulated|1<<8|1<<16|1<<24)
		p.sys("kill", sysGroupSet, a, uint64(proc.CgroupKnob_KILL)<<32)
		p.reap(pid, signal.Killed(signal.KILL))
		p.sys("fork again", sysGroupSet, a, 1)
		p.info(a, 0)
		p.exit(0)
	}, said())
}

func TestAFrozenGroupStopsUnseenAndGoesOn(t *testing.T) {
	sweep(t, 3, 0, func(p *program) {
		freeze := func(id, on uint64) {
			p.sys("freeze", sysGroupSet, id, uint64(proc.CgroupKnob_FREEZE)<<32|on)
		}
		a := p.group(1)
		b := p.group(a)
		p.fails("freeze 2", uabi.ErrArg, sysGroupSet, a, uint64(proc.CgroupKnob_FREEZE)<<32|2)
		frozen := func(id uint64) {
			for p.sys("info", sysGroupInfo, id)&infoFrozen == 0 {
				p.sleep()
			}
		}
		freeze(a, 1)
		p.info(b, infoFrozen)
		freeze(a, 0)
		pid := p.sleeper(0, b)
		freeze(a, 1)
		frozen(a)
		frozen(b)
		if v := p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED|unix.WSTOPPED|unix.WNOHANG); v != 0 {
			p.w.Fail("a frozen child says %#x", v)
		}
		p.sys("stop", sysKill, pid, 0, signal.STOP)
		p.sys("continue", sysKill, pid, 0, signal.CONT)
		p.sys("move out", sysGroupMove, 1, pid)
		p.sys("move in", sysGroupMove, b, pid)
		frozen(a)
		freeze(b, 1)
		freeze(a, 0)
		frozen(b)
		freeze(b, 0)
		p.info(b, infoPopulated|1<<8|1<<16)
		freeze(b, 1)
		frozen(b)
		p.sys("kill", sysKill, pid, 0, signal.KILL)
		p.reap(pid, signal.Killed(signal.KILL))
		p.sys("remove", sysGroupRemove, b)
		p.exit(0)
	}, said())
}
