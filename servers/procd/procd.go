package main

import (
	"cmp"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/servers/procd/fdtable"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/servers/server/table"
	"aramid/ukernel/uabi"
)

// Bits of a process's event.
const (
	bitChild  = 1 << iota // a child changed
	bitVfork              // the vfork child has execed or exited
	bitThread             // a thread is gone
	bitSignal             // a blocked signal came
	bitNever  = 1 << 31   // is never raised: for who waits only to be interrupted
)

// initPid is the process whose end is the machine's.
const initPid = 1

// Procd is the server's state and what can be rebuilt from it.
type Procd struct {
	procs    table.Table[int32, *state.Process]
	threads  table.Table[int32, *state.Thread]
	creds    table.Table[uint64, *state.Creds]
	tables   table.Table[uint64, *state.Table]
	files    table.Table[uint64, *state.File]
	fs       table.Table[uint64, *state.Fs]
	mms      table.Table[uint64, *state.Mm]
	handlers table.Table[uint64, *state.Handlers]
	groups   map[uint64]*group
	freezers int // groups that are set to freeze
	uts      map[uint64]*state.Uts
	top      *state.State // scalars only

	spareFiles table.Spares[state.File]
	spareSlots table.Spares[state.Slot]

	members  map[int32][]int32          // threads of a process, sorted
	children map[int32][]int32          // sorted
	origins  table.Table[uint64, int32] // thread by origin
	told     *state.Thread              // whose signal this request is about to tell (Raise)
}

// New makes the state of a cold start.
func New() *Procd {
	h := &Procd{}
	h.take(&state.State{LastId: firstUts, Uts: []*state.Uts{{Id: firstUts, Hostname: "aramid", Domainname: "(none)"}}, LastCgroup: rootGroup})
	return h
}

// Save implements server.State.
func (h *Procd) Save() []byte {
	t := h.top
	s := &state.State{
		LastPid: t.LastPid, PidMax: t.PidMax, LastId: t.LastId, Halted: t.Halted, Forks: t.Forks, Gone: t.Gone, Uts: sorted(h.uts),
		Procs: h.procs.Values(), Threads: h.threads.Values(), Creds: h.creds.Values(), Tables: h.tables.Values(),
		Files: h.files.Values(), Fs: h.fs.Values(), Mms: h.mms.Values(), Handlers: h.handlers.Values(),
		Cgroups: h.groupList(), LastCgroup: t.LastCgroup, LastChange: t.LastChange, CgroupEvent: t.CgroupEvent, SpawnExe: t.SpawnExe, VictimFree: t.VictimFree,
	}
	b, err := s.MarshalVT()
	if err != nil {
		panic(err)
	}
	return b
}

// sorted lists a map's values in order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// Load implements server.State.
func (h *Procd) Load(b []byte) error {
	s := &state.State{}
	if err := s.UnmarshalVT(b); err != nil {
		return err
	}
	h.take(s)
	return nil
}

func (h *Procd) take(s *state.State) {
	h.procs.Clear()
	h.threads.Clear()
	h.creds.Clear()
	h.tables.Clear()
	h.files.Clear()
	h.fs.Clear()
	h.mms.Clear()
	h.handlers.Clear()
	h.origins.Clear()
	h.uts = map[uint64]*state.Uts{}
	h.members, h.children = map[int32][]int32{}, map[int32][]int32{}
	h.addGroups(s.Cgroups)
	for _, p := range s.Procs {
		if p.Pending == nil {
			p.Pending = &state.Pending{}
		}
		h.addProcess(p)
	}
	for _, t := range s.Threads {
		if t.Pending == nil {
			t.Pending = &state.Pending{}
		}
		h.addThread(t)
	}
	for _, v := range s.Creds {
		h.creds.Put(v.Id, v)
	}
	for _, v := range s.Tables {
		h.tables.Put(v.Id, v)
	}
	for _, v := range s.Files {
		h.files.Put(v.Id, v)
	}
	for _, v := range s.Fs {
		h.fs.Put(v.Id, v)
	}
	for _, v := range s.Mms {
		h.mms.Put(v.Id, v)
	}
	for _, v := range s.Handlers {
		h.handlers.Put(v.Id, v)
	}
	for _, v := range s.Uts {
		h.uts[v.Id] = v
	}
	h.top = &state.State{
		LastPid: s.LastPid, PidMax: s.PidMax, LastId: s.LastId, Halted: s.Halted, Forks: s.Forks, Gone: s.Gone,
		LastCgroup: max(s.LastCgroup, rootGroup), LastChange: s.LastChange, CgroupEvent: s.CgroupEvent, SpawnExe: s.SpawnExe, VictimFree: s.VictimFree,
	}
}

// Handles implements server.State.
func (h *Procd) Handles(yield func(uabi.Handle)) {
	give := func(n uint32) {
		if n != 0 {
			yield(uabi.Handle(n))
		}
	}
	for _, p := range h.procs.Values() {
		give(p.Event)
		give(p.Timer)
		give(p.Alarm)
		give(p.TimersClock)
		give(p.TimersEvent)
		give(p.EndEvent)
		for _, w := range p.Watches {
			give(w.Event)
		}
	}
	for _, t := range h.threads.Values() {
		give(t.Handle)
	}
	for _, f := range h.files.Values() {
		give(f.Handle)
	}
	for _, f := range h.fs.Values() {
		give(f.Handle)
	}
	for _, m := range h.mms.Values() {
		give(m.Mm)
		give(m.Space)
	}
	give(h.top.CgroupEvent)
}

// insert and remove keep a sorted list of numbers.
func insert(list []int32, n int32) []int32 {
	i, ok := slices.BinarySearch(list, n)
	if ok {
		return list
	}
	return slices.Insert(list, i, n)
}

func remove(list []int32, n int32) []int32 {
	if i, ok := slices.BinarySearch(list, n); ok {
		return slices.Delete(list, i, i+1)
	}
	return list
}

func (h *Procd) addProcess(p *state.Process) {
	p.Cgroup = max(p.Cgroup, rootGroup)
	h.procs.Put(p.Pid, p)
	h.children[p.Ppid] = insert(h.children[p.Ppid], p.Pid)
	h.tallyProcess(p, 1)
}

func (h *Procd) removeProcess(p *state.Process) {
	h.procs.Delete(p.Pid)
	delete(h.members, p.Pid)
	delete(h.children, p.Pid)
	h.children[p.Ppid] = remove(h.children[p.Ppid], p.Pid)
	h.tallyProcess(p, -1)
}

func (h *Procd) setParent(p *state.Process, ppid int32) {
	h.children[p.Ppid] = remove(h.children[p.Ppid], p.Pid)
	p.Ppid = ppid
	h.children[ppid] = insert(h.children[ppid], p.Pid)
}

func (h *Procd) addThread(t *state.Thread) {
	h.threads.Put(t.Tid, t)
	h.members[t.Pid] = insert(h.members[t.Pid], t.Tid)
	h.origins.Put(t.Origin, t.Tid)
	h.tallyThread(t, 1)
}

func (h *Procd) removeThread(t *state.Thread) {
	h.threads.Delete(t.Tid)
	h.origins.Delete(t.Origin)
	h.members[t.Pid] = remove(h.members[t.Pid], t.Tid)
	h.tallyThread(t, -1)
}

// nextID numbers what is not a pid.
func (h *Procd) nextID() uint64 {
	h.top.LastId++
	return h.top.LastId
}

// maxPid bounds process ids as Linux's kernel.pid_max does by default.
const maxPid = 32768

// reservedPids are the ids that Linux skips after a wrap.
const reservedPids = 300

// freePid returns an id that no process, thread, group or session has, or 0.
func (h *Procd) freePid() int32 {
	pid := h.top.LastPid
	most := h.pidMax()
	for range most {
		if pid++; pid >= most {
			pid = reservedPids
		}
		if h.pidFree(pid) {
			return pid
		}
	}
	return 0
}

func (h *Procd) pidFree(pid int32) bool {
	if h.procs.Get(pid) != nil || h.threads.Get(pid) != nil {
		return false
	}
	for _, p := range h.procs.All() {
		if p.Pgid == pid || p.Sid == pid {
			return false
		}
	}
	return true
}

// caller is the thread that the request is made for.
func (h *Procd) caller(c *server.Ctx) (*state.Thread, *state.Process, uabi.Error) {
	t := h.threads.Get(int32(c.Context(ctx.Tid)))
	if t == nil {
		return nil, nil, uabi.ErrSearch
	}
	p := h.procs.Get(t.Pid)
	if p == nil {
		return nil, nil, uabi.ErrSearch
	}
	return t, p, uabi.OK
}

// process resolves a pid, 0 being the caller.
func (h *Procd) process(c *server.Ctx, pid int32) (*state.Process, uabi.Error) {
	if pid == 0 {
		_, p, err := h.caller(c)
		return p, err
	}
	if p := h.procs.Get(pid); p != nil {
		return p, uabi.OK
	}
	// The id of a thread names its process too.
	if t := h.threads.Get(pid); t != nil {
		return h.procs.Get(t.Pid), uabi.OK
	}
	return nil, uabi.ErrSearch
}

// anyThread is a process's leader, or its first thread.
func (h *Procd) anyThread(p *state.Process) *state.Thread {
	if t := h.threads.Get(p.Pid); t != nil && t.Pid == p.Pid {
		return t
	}
	for _, tid := range h.members[p.Pid] {
		return h.threads.Get(tid)
	}
	return nil
}

// setContext tells the kernel what comes with a thread's traps.
func (h *Procd) setContext(c *server.Ctx, t *state.Thread) uabi.Error {
	p, cr := h.procs.Get(t.Pid), h.creds.Get(t.Creds)
	var w [uabi.ContextWords]uint64
	w[ctx.Tgid], w[ctx.Tid], w[ctx.Ppid] = uint64(p.Pid), uint64(t.Tid), uint64(p.Ppid)
	if p.Limits[unix.RLIMIT_FSIZE].Soft != rlimInfinity {
		w[ctx.Ppid] |= ctx.FileLimit
	}
	w[ctx.Cred] = cr.Id
	w[ctx.UID] = uint64(cr.Fsuid) | uint64(cr.Fsgid)<<32
	w[ctx.Fs], w[ctx.Files] = t.Fs, t.Table
	w[ctx.Pgrp] = uint64(uint32(p.Pgid)) | uint64(uint32(p.Sid))<<32
	return c.ThreadContext(uabi.Handle(t.Handle), &w)
}

// setContexts is setContext for all threads of a process.
func (h *Procd) setContexts(c *server.Ctx, p *state.Process) {
	for _, tid := range h.members[p.Pid] {
		h.setContext(c, h.threads.Get(tid))
	}
}

// Counted objects: drop… forgets one use, and at the last the object with its handles.

func (h *Procd) dropFile(c *server.Ctx, id uint64) {
	if f := h.files.Get(id); f != nil {
		h.unrefFile(c, f)
	}
}

// unrefFile is dropFile for who has found the file.
func (h *Procd) unrefFile(c *server.Ctx, f *state.File) {
	if f.Refs--; f.Refs > 0 {
		return
	}
	c.Close(uabi.Handle(f.Handle))
	h.files.Delete(f.Id)
	h.spareFiles.Give(f)
}

func (h *Procd) dropTable(c *server.Ctx, id uint64) {
	t := h.tables.Get(id)
	if t.Refs--; t.Refs > 0 {
		return
	}
	for _, s := range t.Slots {
		h.dropFile(c, s.File)
	}
	h.tables.Delete(id)
}

func (h *Procd) dropFs(c *server.Ctx, id uint64) {
	f := h.fs.Get(id)
	if f.Refs--; f.Refs == 0 {
		c.Close(uabi.Handle(f.Handle))
		h.fs.Delete(id)
	}
}

func (h *Procd) dropMm(c *server.Ctx, id uint64) {
	m := h.mms.Get(id)
	if m == nil {
		return
	}
	if m.Refs--; m.Refs == 0 {
		c.Close(uabi.Handle(m.Space))
		c.Close(uabi.Handle(m.Mm))
		h.dropFile(c, m.Exe)
		h.mms.Delete(id)
	}
}

func (h *Procd) dropCreds(id uint64) {
	if r := h.creds.Get(id); r.Refs == 1 {
		h.creds.Delete(id)
	} else {
		r.Refs--
	}
}

func (h *Procd) dropHandlers(id uint64) {
	if r := h.handlers.Get(id); r == nil || r.Refs > 1 {
		if r != nil {
			r.Refs--
		}
		return
	}
	h.handlers.Delete(id)
}

// copyTable makes a table of the same descriptors.
func (h *Procd) copyTable(old *state.Table) *state.Table {
	t := fdtable.Copy(old)
	t.Id, t.Refs = h.nextID(), 1
	for _, s := range t.Slots {
		h.files.Get(s.File).Refs++
	}
	h.tables.Put(t.Id, t)
	return t
}
