package uksim

import (
	"bytes"
	"strings"

	"aramid/ukernel/uabi"
)

// BinaryMagic begins the bytes of a simulated executable; a registered name and a newline follow.
const BinaryMagic = "#!uksim "

// nameLen is the longest process name.
const nameLen = 15

// Exit statuses of images that did not call ProcessExit.
const (
	statusPlanned = 254 // crashed by the plan, or killed by the supervisor
	statusPanic   = 2   // what a Go program that panicked exits with
	// StatusHung is the status of an image that the supervisor ended because it hung; the request it hung on counts a crash.
	StatusHung = 253
)

// Process is a process image: handle table and threads; the unit that is replaced on restart.
type Process struct {
	object
	name      string
	id        uint64
	rank      uint32
	flags     uint32
	table     table
	threads   []*Native
	nthreads  int
	state     uint64
	starts    uint64
	exit      uint64
	steps     int
	ev        *Event
	hung      *request
	endpoints []*Endpoint
	space     *Space
	// OnEnd is called when an image ended: a supervisor's hook.
	OnEnd  func(p *Process, status uint64, own bool)
	binary Binary
	args   []string
	env    []string
}

func (p *Process) kind() uabi.Type { return uabi.TypeProcess }

func (p *Process) free() {
	p.table.clear()
	for _, e := range p.endpoints {
		unref(e)
	}
	if p.ev != nil {
		unref(p.ev)
	}
}

// Name is the process's name.
func (p *Process) Name() string { return p.name }

// ID is the process id.
func (p *Process) ID() uint64 { return p.id }

// State is uabi.ProcessEmpty, ProcessRunning or ProcessDead.
func (p *Process) State() uint64 { return p.state }

// Starts counts images.
func (p *Process) Starts() uint64 { return p.starts }

// Exit is the last image's status.
func (p *Process) Exit() uint64 { return p.exit }

// Steps counts the steps of all images.
func (p *Process) Steps() int { return p.steps }

// Handles counts the handles in the table.
func (p *Process) Handles() int { return p.table.count }

// Process finds a process by name, or nil.
func (s *Sim) Process(name string) *Process {
	for _, p := range s.procs {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (s *Sim) newProcess(name string, rank, flags uint32) *Process {
	p := &Process{name: name, rank: rank, flags: flags, id: s.lastProc + 1}
	s.lastProc++
	s.procs = append(s.procs, p)
	p.table.grow(int(uabi.BootFirst))
	return p
}

func (p *Process) event() *Event {
	if p.ev == nil {
		p.ev = &Event{}
		p.sim.adopt(p.ev)
		ref(p.ev)
	}
	return p.ev
}

// install puts a capability at a boot slot.
func (p *Process) install(h uabi.Handle, o Object, rights uint32) {
	p.installCap(h, capability{obj: o, rights: rights})
}

func (p *Process) installCap(h uabi.Handle, c capability) {
	c.hold()
	p.table.slots[h] = slot{c: c}
	p.table.count++
	if e, ok := c.obj.(*Endpoint); ok && c.badge == nil && c.rights&uabi.RightReceive != 0 {
		p.own(e)
	}
}

// own makes p the process that receives on e.
func (p *Process) own(e *Endpoint) {
	e.owner = p
	for _, x := range p.endpoints {
		if x == e {
			return
		}
	}
	ref(e)
	p.endpoints = append(p.endpoints, e)
}

// begin starts a fresh image in place of any running one.
func (p *Process) begin(b Binary, args, env []string) {
	if p.state == uabi.ProcessRunning {
		p.end(statusPlanned, false)
	}
	p.binary, p.args, p.env = b, args, env
	p.state = uabi.ProcessRunning
	p.event().update(0, uabi.ProcessDied|uabi.ProcessHung, 0)
	p.starts++
	p.nthreads = 0
	p.sim.note("START", p.name, p.starts, 0)
	ref(p)
	p.thread(func(k *Native) {
		b(k, args, env)
		if !k.dead {
			p.end(0, true)
		}
	})
}

// thread adds a native thread to the image.
func (p *Process) thread(f func(k *Native)) {
	k := &Native{p: p}
	k.task.sim, k.task.proc = p.sim, p
	k.task.name = p.name
	if p.nthreads > 0 {
		k.task.name = p.name + "+" + string(rune('0'+p.nthreads%10))
	}
	p.nthreads++
	p.threads = append(p.threads, k)
	k.task.after = func() {
		if k.buf != nil {
			buffers.Put(k.buf)
			k.buf = nil
		}
	}
	k.task.launch(func() { f(k) })
}

// end ends the image: its threads die, what they had received goes back to the queue, what they had sent is dropped.
// own: by itself (exit, panic), which counts against the requests that were current.
func (p *Process) end(status uint64, own bool) {
	if p.state != uabi.ProcessRunning {
		return
	}
	p.state, p.exit = uabi.ProcessDead, status
	ts := p.threads
	p.threads = nil
	for _, k := range ts {
		k.abandon()
	}
	for _, k := range ts {
		k.leaveQueue()
		if k.evWait != nil {
			k.evWait.off()
			unref(k.evWait.ev)
			k.evWait = nil
		}
		k.again(own)
		k.task.kill()
	}
	p.hung = nil
	if !own && p.sim.cfg.OnCrash != nil {
		p.sim.cfg.OnCrash(p)
	}
	p.event().update(uabi.ProcessDied, uabi.ProcessHung, 0)
	if p.OnEnd != nil {
		p.OnEnd(p, status, own)
	}
	unref(p)
}

// Kill ends the image from outside.
func (p *Process) Kill() { p.end(statusPlanned, false) }

// ProcessCreate is uk.Kernel's.
func (k *Native) ProcessCreate(account uabi.Handle, rank, flags uint32, name string) (uabi.Handle, uabi.Error) {
	k.enter("process.create")
	a, e := get[*Account](k, account, uabi.RightManage)
	if e != uabi.OK {
		return 0, e
	}
	if len(name) > nameLen || rank > uabi.RankClient || flags&^uint32(uabi.ProcessServer) != 0 {
		return 0, uabi.ErrArg
	}
	p := k.sim.newProcess(strings.Clone(name), rank, flags)
	if e := k.sim.charge(p, a); e != uabi.OK {
		return 0, e
	}
	p.selfCaps(a)
	return k.give(p, uabi.RightsAll)
}

// selfCaps are the boot handles that every process has. A process does not keep itself alive: its own handle is weak.
func (p *Process) selfCaps(a *Account) {
	p.installCap(uabi.BootProcess, capability{obj: p, rights: uabi.RightRead | uabi.RightManage | uabi.RightWeak})
	p.space = p.sim.newSpace()
	p.sim.adopt(p.space)
	p.install(uabi.BootSpace, p.space, uabi.RightMap|uabi.RightRead|uabi.RightWrite)
	p.install(uabi.BootAccount, a, uabi.RightsAll)
}

// ProcessGive is uk.Kernel's.
func (k *Native) ProcessGive(h uabi.Handle, slot uint32, give uabi.Handle, rights uint32) uabi.Error {
	k.enter("process.give")
	p, e := get[*Process](k, h, uabi.RightManage)
	if e != uabi.OK {
		return e
	}
	c, e := k.lookup(give, rights)
	if e != uabi.OK {
		return e
	}
	if slot == 0 || slot >= uint32(uabi.BootFirst) {
		return uabi.ErrArg
	}
	if p.table.slots[slot].c.valid() {
		return uabi.ErrExists
	}
	c.rights = rights
	p.installCap(uabi.Handle(slot), c)
	return uabi.OK
}

// ProcessStart is uk.Kernel's.
func (k *Native) ProcessStart(h, memory uabi.Handle, off, n uint64, args uabi.Handle) uabi.Error {
	k.enter("process.start")
	p, e := get[*Process](k, h, uabi.RightManage)
	if e != uabi.OK {
		return e
	}
	m, e := get[*Memory](k, memory, uabi.RightRead)
	if e != uabi.OK {
		return e
	}
	if !m.in(off, n) {
		return uabi.ErrArg
	}
	var argv, env []string
	if args != 0 {
		am, e := get[*Memory](k, args, uabi.RightRead)
		if e != uabi.OK {
			return e
		}
		argv, env = splitArgs(am.Bytes(0, am.size))
	}
	name, ok := strings.CutPrefix(string(m.Bytes(off, min(n, PageSize))), BinaryMagic)
	if i := strings.IndexByte(name, '\n'); i >= 0 {
		name = name[:i]
	}
	b := k.sim.binaries[name]
	if !ok || b == nil {
		return uabi.ErrNoExec
	}
	p.begin(b, argv, env)
	return uabi.OK
}

// splitArgs takes NUL-separated argv, an empty string, then the environment apart.
func splitArgs(b []byte) (argv, env []string) {
	to := &argv
	for len(b) > 0 {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			break
		}
		if i == 0 {
			if to == &env {
				break
			}
			to = &env
		} else {
			*to = append(*to, string(b[:i]))
		}
		b = b[i+1:]
	}
	return argv, env
}

// ProcessKill is uk.Kernel's.
func (k *Native) ProcessKill(h uabi.Handle, status uint64) uabi.Error {
	k.enter("process.kill")
	p, e := get[*Process](k, h, uabi.RightManage)
	if e == uabi.OK {
		p.end(status, false)
	}
	return e
}

// ProcessEvent is uk.Kernel's.
func (k *Native) ProcessEvent(h uabi.Handle) (uabi.Handle, uabi.Error) {
	k.enter("process.event")
	p, e := get[*Process](k, h, uabi.RightManage)
	if e != uabi.OK {
		return 0, e
	}
	return k.p.table.insert(capability{obj: p.event(), rights: uabi.RightRead | uabi.RightWrite | uabi.RightTransfer})
}

// ProcessInfo is uk.Kernel's.
func (k *Native) ProcessInfo(h uabi.Handle, info *uabi.ProcessInfo) uabi.Error {
	k.enter("process.info")
	c, e := k.lookup(h, uabi.RightRead)
	if e != uabi.OK {
		return e
	}
	p, ok := c.obj.(*Process)
	if !ok {
		return uabi.ErrType
	}
	*info = uabi.ProcessInfo{ID: p.id, State: p.state, Rank: uint64(p.rank), Starts: p.starts, Threads: uint64(len(p.threads)),
		Handles: uint64(p.table.count), ExitStatus: p.exit}
	for _, e := range p.endpoints {
		info.QueuedCalls += uint64(len(e.queue))
	}
	for _, t := range p.threads {
		if t.cur != nil {
			info.DeliveredCalls++
		}
	}
	copy(info.Name[:], p.name)
	return uabi.OK
}

// ProcessExit is uk.Kernel's.
func (k *Native) ProcessExit(status uint64) {
	k.enter("exit")
	k.p.end(status, true)
	panic(unwind{})
}
