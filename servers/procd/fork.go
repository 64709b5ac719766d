package main

import (
	"encoding/binary"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/fdtable"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Spawn implements proc.Handler.
func (h *Procd) Spawn(c *server.Ctx, in *proc.SpawnRequest, out *proc.PidReply) uabi.Error {
	if h.procs.Len() > 0 || h.top.Halted {
		return uabi.ErrExists
	}
	if in.Mm == 0 || in.Space == 0 || in.Fs == 0 {
		return uabi.ErrArg
	}
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	thread, origin, err := c.ThreadCreate(uabi.BootAccount, uabi.Handle(in.Space), uabi.BootLinux)
	if err != uabi.OK {
		return err
	}
	regs := uabi.Regs{RIP: in.Entry, RSP: in.Stack}
	if err := c.ThreadSetRegs(thread, &regs); err != uabi.OK {
		return err
	}
	now := c.Now()
	h.top.LastPid = initPid
	m := &state.Mm{Id: h.nextID(), Refs: 1, Mm: in.Mm, Space: in.Space, Exe: h.top.SpawnExe}
	h.top.SpawnExe = 0
	cr := creds.Root(h.nextID())
	cr.Refs = 1
	table := &state.Table{Id: h.nextID(), Refs: 1}
	acts := &state.Handlers{Id: h.nextID(), Refs: 1}
	h.uts[firstUts].Refs++
	h.mms.Put(m.Id, m)
	h.creds.Put(cr.Id, cr)
	h.tables.Put(table.Id, table)
	h.handlers.Put(acts.Id, acts)
	h.fs.Put(in.FsId, &state.Fs{Id: in.FsId, Refs: 1, Handle: in.Fs})
	if in.Console != 0 {
		f := &state.File{Id: h.nextID(), Refs: stdio, Handle: in.Console, Kind: kindTTY}
		h.files.Put(f.Id, f)
		for fd := range uint32(stdio) {
			fdtable.Put(table, &state.Slot{Fd: fd, File: f.Id})
		}
	}
	h.addProcess(&state.Process{
		Pid: initPid, Pgid: initPid, Sid: initPid, Leader: true, Exe: strings.Clone(in.Exe), Cmdline: slices.Clone(in.Cmdline),
		ExitSignal: signal.CHLD, Handlers: acts.Id, Mm: m.Id, Pending: &state.Pending{}, Limits: defaultLimits(),
		Event: uint32(event), Serial: h.nextID(), StartNs: now, ExecDone: true, Layout: layoutOf(in.Layout),
	})
	t := &state.Thread{
		Tid: initPid, Pid: initPid, Handle: uint32(thread), Origin: origin, Table: table.Id, Fs: in.FsId, Creds: cr.Id,
		Pending: &state.Pending{}, Name: comm(in.Name), TimerSlack: defaultSlack, Uts: firstUts,
	}
	h.addThread(t)
	h.setContext(c, t)
	c.ThreadStart(thread)
	out.Pid = initPid
	return uabi.OK
}

// stdio descriptors of process 1 name its console; kindTTY is vfs.Kind_TTY.
const (
	stdio   = 3
	kindTTY = 4
)

// commLen is TASK_COMM_LEN without the NUL.
const commLen = 15

func comm(s string) string { return strings.Clone(s[:min(len(s), commLen)]) }

// Flags of clone(2) that this server carries out, or vfsd before it (CLONE_NEWNS), or that need no action.
const (
	cloneKnown = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_PTRACE | unix.CLONE_VFORK |
		unix.CLONE_PARENT | unix.CLONE_THREAD | unix.CLONE_SYSVSEM | unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID |
		unix.CLONE_CHILD_CLEARTID | unix.CLONE_DETACHED | unix.CLONE_UNTRACED | unix.CLONE_CHILD_SETTID | unix.CLONE_IO |
		unix.CLONE_CLEAR_SIGHAND | unix.CLONE_NEWUTS | unix.CLONE_NEWNS
	exitSignalMask = 0xff
)

// checkFork is clone(2)'s EINVAL and EPERM.
func (h *Procd) checkFork(in *proc.ForkRequest, t *state.Thread, p *state.Process) uabi.Error {
	f := in.Flags &^ exitSignalMask
	bad := f&^uint64(cloneKnown) != 0 ||
		f&unix.CLONE_SIGHAND != 0 && f&unix.CLONE_VM == 0 ||
		f&unix.CLONE_THREAD != 0 && f&unix.CLONE_SIGHAND == 0 ||
		f&unix.CLONE_SIGHAND != 0 && f&unix.CLONE_CLEAR_SIGHAND != 0 ||
		f&unix.CLONE_PARENT != 0 && p.Pid == initPid ||
		in.ExitSignal > signal.Max ||
		f&unix.CLONE_FS == 0 && in.Fs == 0
	if bad {
		return uabi.ErrArg
	}
	if f&(unix.CLONE_NEWUTS|unix.CLONE_NEWNS) != 0 && !creds.Has(h.creds.Get(t.Creds), creds.SysAdmin) {
		return uabi.ErrPerm
	}
	if p.Exiting {
		return uabi.ErrInterrupted
	}
	return uabi.OK
}

// child is what Fork's effects made.
type child struct {
	pid       int32
	mm, space uabi.Handle // 0: shared
	thread    uabi.Handle
	origin    uint64
	event     uabi.Handle // 0: a thread of the same process
}

// Fork implements proc.Handler.
func (h *Procd) Fork(c *server.Ctx, in *proc.ForkRequest, out *proc.PidReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if err := h.checkFork(in, t, p); err != uabi.OK {
		return err
	}
	n := child{pid: h.freePid()}
	if n.pid == 0 || h.overLimit(t, p) {
		return uabi.ErrLimit
	}
	group, err := h.childGroup(in, p)
	if err != uabi.OK {
		return err
	}
	if h.pidsFull(group) {
		h.refuse(c, group)
		if in.Fs != 0 {
			c.Close(uabi.Handle(in.Fs))
		}
		return uabi.OK
	}
	if err := h.makeChild(c, in, t, p, &n); err != uabi.OK {
		return err
	}
	now := c.Now()
	h.top.LastPid = n.pid
	h.top.Forks++
	np := p
	if in.Flags&unix.CLONE_THREAD == 0 {
		np = h.forkProcess(in, t, p, &n, now, group)
	}
	nt := h.forkThread(in, t, np, &n)
	if in.Flags&unix.CLONE_FS != 0 && in.Fs != 0 {
		c.Close(uabi.Handle(in.Fs))
	}
	h.setContext(c, nt)
	if p.Stopped && np == p || h.freezes(group) {
		h.raise(c, nt)
	}
	h.settle(c, group)
	c.ThreadStart(n.thread)
	out.Pid = int64(n.pid)
	return uabi.OK
}

// childGroup is the cgroup that a child begins in.
func (h *Procd) childGroup(in *proc.ForkRequest, p *state.Process) (uint64, uabi.Error) {
	if in.Cgroup == 0 || in.Flags&unix.CLONE_THREAD != 0 {
		return p.Cgroup, uabi.OK
	}
	if _, err := h.group(in.Cgroup); err != uabi.OK {
		return 0, uabi.ErrNoDevice
	}
	return in.Cgroup, uabi.OK
}

// overLimit is RLIMIT_NPROC, which binds neither root nor who may override it.
func (h *Procd) overLimit(t *state.Thread, p *state.Process) bool {
	cr := h.creds.Get(t.Creds)
	limit := p.Limits[unix.RLIMIT_NPROC].Soft
	if cr.Ruid == 0 || creds.Has(cr, creds.SysResrc) || creds.Has(cr, creds.SysAdmin) || limit == rlimInfinity {
		return false
	}
	n := uint64(0)
	for _, o := range h.threads.All() {
		if h.creds.Get(o.Creds).Ruid == cr.Ruid {
			n++
		}
	}
	return n >= limit
}

// makeChild makes the kernel's side of a child: space, thread, registers, ids in user memory.
func (h *Procd) makeChild(c *server.Ctx, in *proc.ForkRequest, t *state.Thread, p *state.Process, n *child) uabi.Error {
	own := h.mms.Get(p.Mm)
	space := uabi.Handle(own.Space)
	if in.Flags&unix.CLONE_VM == 0 {
		var rep mm.ForkReply
		if err := (mm.Client{H: uabi.Handle(own.Mm)}).Fork(c, &mm.ForkRequest{}, &rep); err != uabi.OK {
			return err
		}
		n.mm, n.space = uabi.Handle(rep.Mm), uabi.Handle(rep.Space)
		space = n.space
	}
	var err uabi.Error
	if in.Flags&unix.CLONE_THREAD == 0 {
		if n.event, err = c.EventCreate(uabi.BootAccount); err != uabi.OK {
			return err
		}
	}
	if n.thread, n.origin, err = c.ThreadCreate(uabi.BootAccount, space, uabi.BootLinux); err != uabi.OK {
		return err
	}
	if err := h.copyRegs(c, in, uabi.Handle(t.Handle), n.thread); err != uabi.OK {
		return err
	}
	var id [4]byte
	binary.LittleEndian.PutUint32(id[:], uint32(n.pid))
	if in.Flags&unix.CLONE_PARENT_SETTID != 0 && in.ParentTid != 0 {
		c.SpaceWrite(uabi.Handle(own.Space), in.ParentTid, id[:])
	}
	if in.Flags&unix.CLONE_CHILD_SETTID != 0 && in.ChildTid != 0 {
		c.SpaceWrite(space, in.ChildTid, id[:])
	}
	return uabi.OK
}

// copyRegs makes the child come out of the same system call with 0.
func (h *Procd) copyRegs(c *server.Ctx, in *proc.ForkRequest, from, to uabi.Handle) uabi.Error {
	if err := c.ThreadCopyState(to, from); err != uabi.OK {
		return err
	}
	var regs uabi.Regs
	if err := c.ThreadGetRegs(to, &regs); err != uabi.OK {
		return err
	}
	regs.RAX = 0
	if in.Stack != 0 {
		regs.RSP = in.Stack
	}
	if in.Flags&unix.CLONE_SETTLS != 0 {
		regs.FSBase = in.Tls
	}
	return c.ThreadSetRegs(to, &regs)
}

// forkProcess adds the child's process to the state.
func (h *Procd) forkProcess(in *proc.ForkRequest, t *state.Thread, p *state.Process, n *child, now, group uint64) *state.Process {
	np := &state.Process{
		Pid: n.pid, Ppid: p.Pid, Pgid: p.Pgid, Sid: p.Sid, Exe: p.Exe, Cmdline: p.Cmdline, ExitSignal: in.ExitSignal,
		Handlers: p.Handlers, Mm: p.Mm, Pending: &state.Pending{}, Event: uint32(n.event), Serial: h.nextID(),
		StartNs: now, NotDumpable: p.NotDumpable, OomScoreAdj: p.OomScoreAdj, OomScoreLeast: p.OomScoreLeast, Layout: p.Layout, Vforked: in.Flags&unix.CLONE_VFORK != 0, Cgroup: group,
	}
	for _, l := range p.Limits {
		np.Limits = append(np.Limits, &state.Limit{Soft: l.Soft, Hard: l.Hard})
	}
	if in.Flags&unix.CLONE_PARENT != 0 {
		np.Ppid, np.ExitSignal = p.Ppid, p.ExitSignal
	}
	if n.mm != 0 {
		m := &state.Mm{Id: h.nextID(), Refs: 1, Mm: uint32(n.mm), Space: uint32(n.space), Exe: h.shareExe(p.Mm)}
		h.mms.Put(m.Id, m)
		np.Mm = m.Id
	} else {
		h.mms.Get(p.Mm).Refs++
	}
	if in.Flags&unix.CLONE_SIGHAND != 0 {
		h.handlers.Get(p.Handlers).Refs++
	} else {
		np.Handlers = h.copyHandlers(p.Handlers)
		if in.Flags&unix.CLONE_CLEAR_SIGHAND != 0 {
			signal.Reset(h.handlers.Get(np.Handlers))
		}
	}
	h.addProcess(np)
	return np
}

func (h *Procd) copyHandlers(id uint64) uint64 {
	n := &state.Handlers{Id: h.nextID(), Refs: 1, Actions: slices.Clone(h.handlers.Get(id).Actions)}
	h.handlers.Put(n.Id, n)
	return n.Id
}

// forkThread adds the child's thread to the state.
func (h *Procd) forkThread(in *proc.ForkRequest, t *state.Thread, np *state.Process, n *child) *state.Thread {
	nt := &state.Thread{
		Tid: n.pid, Pid: np.Pid, Handle: uint32(n.thread), Origin: n.origin, Table: t.Table, Fs: t.Fs, Creds: t.Creds,
		Mask: t.Mask, Pending: &state.Pending{}, Name: t.Name, TimerSlack: t.TimerSlack, NoNewPrivs: t.NoNewPrivs,
		SecureBits: t.SecureBits, Uts: t.Uts, ThpDisable: t.ThpDisable, Persona: t.Persona,
	}
	inheritSched(nt, t)
	if t.HasSaved {
		nt.Mask = t.SavedMask
	}
	// The alternate stack stays only with a copy of the memory that it lies in (sigaltstack(2), clone(2)).
	if in.Flags&unix.CLONE_VM == 0 || in.Flags&unix.CLONE_VFORK != 0 {
		nt.AltSp, nt.AltSize, nt.AltFlags = t.AltSp, t.AltSize, t.AltFlags
	}
	if in.Flags&unix.CLONE_CHILD_CLEARTID != 0 {
		nt.ClearTid = in.ChildTid
	}
	h.creds.Get(t.Creds).Refs++
	if in.Flags&unix.CLONE_NEWUTS != 0 {
		nt.Uts = h.copyUts(t.Uts)
	} else {
		h.uts[t.Uts].Refs++
	}
	if in.Flags&unix.CLONE_FILES != 0 {
		h.tables.Get(t.Table).Refs++
	} else {
		nt.Table = h.copyTable(h.tables.Get(t.Table)).Id
	}
	if in.Flags&unix.CLONE_FS != 0 {
		h.fs.Get(t.Fs).Refs++
	} else {
		h.fs.Put(in.FsId, &state.Fs{Id: in.FsId, Refs: 1, Handle: in.Fs})
		nt.Fs = in.FsId
	}
	h.addThread(nt)
	return nt
}

// VforkWait implements proc.Handler.
func (h *Procd) VforkWait(c *server.Ctx, in *proc.PidRequest, out *proc.EmptyReply) uabi.Error {
	p := h.procs.Get(in.Pid)
	if p == nil {
		return uabi.ErrSearch
	}
	if !p.Vforked {
		return uabi.OK
	}
	return h.wait(c, p, bitVfork, uabi.NoDeadline)
}

// wait waits for the next raise of a bit of a process's event.
func (h *Procd) wait(c *server.Ctx, p *state.Process, bit uint32, deadline uint64) uabi.Error {
	_, seq, err := c.EventRead(uabi.Handle(p.Event))
	if err != uabi.OK {
		return err
	}
	return c.Wait(uabi.Handle(p.Event), bit, seq, deadline)
}
