package main

import (
	"fmt"
	"os"
	"testing"

	"aramid/proto/ctx"
	"aramid/proto/ipc"
	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/server"
	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

// stubMM is mmd as far as procd asks it: its state is the last number and the spaces.
type stubMM struct {
	mm.Handler[*server.Ctx] // what is not here panics
	spaces                  map[uint64]uabi.Handle
	last                    uint64
}

func (s *stubMM) Save() []byte { return nil }
func (s *stubMM) Load([]byte) error {
	s.spaces, s.last = map[uint64]uabi.Handle{}, 0
	return nil
}

func (s *stubMM) Handles(f func(uabi.Handle)) {
	for i := uint64(1); i <= s.last; i++ {
		if h := s.spaces[i]; h != 0 {
			f(h)
		}
	}
}

func (s *stubMM) add(c *server.Ctx, space uabi.Handle, err uabi.Error, mm, out *uint32) uabi.Error {
	if err != uabi.OK {
		return err
	}
	h, err := c.Mint(s.last + 1)
	if err != uabi.OK {
		return err
	}
	s.last++
	s.spaces[s.last] = space
	*mm, *out = uint32(h), uint32(space)
	return uabi.OK
}

func (s *stubMM) Create(c *server.Ctx, in *mm.CreateRequest, out *mm.CreateReply) uabi.Error {
	space, err := c.SpaceCreate(uabi.BootAccount)
	if err == uabi.OK {
		_, err = c.SpaceMap(space, uabi.MapArgs{Va: dataVa, Len: dataLen, Flags: uabi.ProtRead | uabi.ProtWrite})
	}
	return s.add(c, space, err, &out.Mm, &out.Space)
}

func (s *stubMM) Fork(c *server.Ctx, in *mm.ForkRequest, out *mm.ForkReply) uabi.Error {
	space, err := c.SpaceClone(s.spaces[c.Badge()], uabi.BootAccount)
	return s.add(c, space, err, &out.Mm, &out.Space)
}

// Usage: the newer an mm, the more memory it has.
func (s *stubMM) Usage(c *server.Ctx, in *mm.EmptyRequest, out *mm.UsageReply) uabi.Error {
	out.Resident, out.Memory = c.Badge()<<20, 1000<<20
	return uabi.OK
}

func (s *stubMM) gone(c *server.Ctx, badge uint64) {
	if h := s.spaces[badge]; h != 0 {
		c.Close(h)
		delete(s.spaces, badge)
	}
}

// Memory of every alien.
const (
	dataVa  = 0x10000
	dataLen = 4 * uksim.PageSize
)

// System calls of the test's handler: number in RAX, arguments as usual. Errors come back negated.
const (
	sysIDs        = iota // () → tgid<<32 | tid
	sysFork              // (flags, tid address, exit signal) → pid
	sysExit              // (status)
	sysGroup             // (status)
	sysWait              // (idtype, id, options) → status<<32 | pid
	sysKill              // (pid, tid, signal)
	sysAction            // (signal, handler, flags, mask)
	sysMask              // (how, mask) → old
	sysReturn            // from a handler
	sysPause             // waits for a signal
	sysSuspend           // (mask)
	sysTimed             // (mask, deadline) → signal
	sysExec              // (entry)
	sysInstall           // (close-on-exec, number) → fd
	sysDup               // (fd, min)
	sysDup2              // (fd, new)
	sysClose             // (fd)
	sysAlarm             // (ns)
	sysTimer             // (signal, absolute ns, interval)
	sysGroupID           // (pid, pgid)
	sysSession           // () → sid
	sysSet               // (option, a)
	sysVfork             // (pid)
	sysIdentity          // (pid) → pgid<<32 | ppid
	sysFds               // () → number of open descriptors
	sysSleep             // a while
	sysRobust            // (address)
	sysWatch             // (mask, id) → id
	sysWatchLevel        // (id) → level of its event
	sysUnwatch           // (id)
	sysClock             // (ns)
	sysPidWatch          // (pid) → serial, whose event sysWatchLevel reads
	sysKillSerial        // (pid, signal, serial)
	sysFdID              // (fd) → number of its open file
	sysNoMemory          // () → pid of who is killed
)

// handler is a small linuxabi. It is never crashed in these tests, so it may keep registers of interrupted aliens itself.
type handler struct {
	w     *world
	k     *uksim.Native
	lane  ipc.Lane
	proc  proc.Client
	saved map[uint64][]savedFrame
	close []uabi.Handle
	stops map[[2]uint64]int
	done  bool // the answer is in Out already
	watch map[uint64]uabi.Handle
	lines *servertest.Script
}

type savedFrame struct {
	regs uabi.Regs
	mask uint64
}

func (h *handler) run() {
	if err := h.spawn(); err != uabi.OK {
		h.w.Fail("process 1: %v", err)
	}
	b := h.k.Buf()
	b.Out.Kind = uabi.AnswerNone
	for {
		if b.Out.Kind != uabi.AnswerNone {
			h.k.Reply()
			b.Out.Kind = uabi.AnswerNone
		}
		for _, x := range h.close {
			h.k.Close(x)
		}
		h.close = h.close[:0]
		if err := h.k.Receive(uabi.BootEndpoint, uabi.NoDeadline); err != uabi.OK {
			return
		}
		if b.In.Kind != uabi.KindTrap {
			b.Out.Kind = uabi.AnswerNone
			continue
		}
		h.lane.Begin()
		h.trap(b.In)
	}
}

func (h *handler) spawn() uabi.Error {
	t, err := ipc.NewThread(h.k, 0)
	if err != uabi.OK {
		return err
	}
	var m mm.CreateReply
	if err := (mm.Client{H: uabi.BootMM}).Create(t, &mm.CreateRequest{}, &m); err != uabi.OK {
		return err
	}
	fs, _ := h.k.EventCreate(uabi.BootAccount)
	if err := h.proc.Spawn(t, &proc.SpawnRequest{Mm: m.Mm, Space: m.Space}, &proc.PidReply{}); err != uabi.ErrArg {
		h.w.Fail("process 1 without an fs context: %v", err)
	}
	req := proc.SpawnRequest{Mm: m.Mm, Space: m.Space, Fs: uint32(fs), FsId: 1, Entry: entryVa, Name: "init"}
	exe, _ := h.k.EventCreate(uabi.BootAccount) // any handle will do
	for range 2 {                               // the first is of a program that could not start
		if err := h.proc.SpawnExe(t, &proc.SpawnExeRequest{File: uint32(exe)}, &proc.EmptyReply{}); err != uabi.OK && err != uabi.ErrExists {
			return err
		}
	}
	err = h.proc.Spawn(t, &req, &proc.PidReply{})
	for _, x := range []uabi.Handle{uabi.Handle(m.Mm), uabi.Handle(m.Space), fs, exe} {
		h.k.Close(x)
	}
	return err
}

// answer fills Out's header.
func (h *handler) answer(kind uabi.Kind, v uint64) {
	out := h.k.Buf().Out
	out.Kind = kind
	out.Flags, out.Status, out.Len, out.NHandles, out.NGrants = 0, 0, 0, 0, 0
	out.W[0] = v
}

func (h *handler) result(v uint64, err uabi.Error) {
	if err != uabi.OK {
		v = negated(err)
	}
	h.answer(uabi.AnswerResult, v)
}

func (h *handler) regs(r uabi.Regs) {
	h.answer(uabi.AnswerRegs, 0)
	*argRegs(h.k.Buf()) = r
}

// trap leaves the answer in Out.
func (h *handler) trap(in *uabi.Msg) {
	in0 := *in
	switch in.Trap {
	case uabi.TrapInterrupt:
		h.signals(&in0, in0.Regs)
	case uabi.TrapFault:
		err := h.proc.Fault(&h.lane, &proc.FaultRequest{Signal: signal.SEGV, Addr: in.Regs.Addr}, &proc.EmptyReply{})
		if err != uabi.OK {
			h.w.Fail("fault: %v", err)
		}
		h.signals(&in0, in0.Regs)
	default:
		v, err := h.syscall(&in0)
		switch {
		case h.done:
			h.done = false
		case err == uabi.ErrWait && in0.Flags&uabi.FlagInterrupt == 0:
			wait := h.lane.LastWait()
			h.answer(uabi.AnswerWait, 0)
			out := h.k.Buf().Out
			out.Wait, out.Flags = wait, uabi.FlagCloseEvent
		case err == uabi.ErrWait:
			h.k.Close(h.lane.LastWait().Event)
			r := in0.Regs
			r.RAX = negated(uabi.ErrInterrupted)
			h.signals(&in0, r)
		default:
			h.result(v, err)
		}
	}
}

// signals goes on with regs, or in a signal's handler that returns to them.
func (h *handler) signals(in *uabi.Msg, regs uabi.Regs) {
	// A trap that was parked by a stop comes back with the same count, so each stop is a step more.
	trap := [2]uint64{in.ID.Origin, in.ID.Trap}
	var s proc.SignalReply
	for stops := 0; ; {
		if err := h.proc.NextSignal(&h.lane, &proc.EmptyRequest{}, &s); err != uabi.OK {
			h.w.Fail("next signal: %v", err)
		}
		if s.Signal == 0 || s.Handler != 0 {
			break
		}
		if stops++; stops > h.stops[trap] {
			h.stops[trap] = stops
			h.answer(uabi.AnswerStop, 0)
			return
		}
	}
	if s.Signal != 0 {
		h.saved[in.ID.Origin] = append(h.saved[in.ID.Origin], savedFrame{regs, s.OldMask})
		regs.RIP, regs.RDI, regs.RSI = s.Handler, uint64(s.Signal), uint64(uint32(s.Pid))
	}
	h.regs(regs)
}

func (h *handler) syscall(in *uabi.Msg) (uint64, uabi.Error) {
	r := &in.Regs
	a, b, d := r.RDI, r.RSI, r.RDX
	l := &h.lane
	switch r.RAX {
	case sysIDs:
		return in.Context[ctx.Tgid]<<32 | in.Context[ctx.Tid], uabi.OK
	case sysFork:
		var out proc.PidReply
		req := proc.ForkRequest{Flags: a, ChildTid: b, ParentTid: b, ExitSignal: uint32(d), Cgroup: r.R10}
		if a&cloneFs == 0 {
			// A second step would mint it from vfsd; here any handle will do.
			fs, _ := h.k.EventCreate(uabi.BootAccount)
			req.Fs, req.FsId = uint32(fs), in.ID.Origin<<20|in.ID.Trap
			defer h.k.Close(fs)
		}
		err := h.proc.Fork(l, &req, &out)
		return uint64(out.Pid), err
	case sysExit:
		return 0, h.proc.Exit(l, &proc.ExitRequest{Status: int32(a)}, &proc.EmptyReply{})
	case sysGroup:
		return 0, h.proc.ExitGroup(l, &proc.ExitRequest{Status: int32(a)}, &proc.EmptyReply{})
	case sysWait:
		var out proc.WaitReply
		err := h.proc.Wait(l, &proc.WaitRequest{Idtype: uint32(a), Id: int32(b), Options: uint32(d)}, &out)
		return uint64(uint32(out.Status))<<32 | uint64(out.Pid), err
	case sysNoMemory:
		var out proc.VictimReply
		err := h.proc.OutOfMemory(l, &proc.EmptyRequest{}, &out)
		return uint64(out.Pid), err
	case sysKill:
		return 0, h.proc.Kill(l, &proc.KillRequest{Pid: int32(a), Tid: int32(b), Signal: uint32(d)}, &proc.EmptyReply{})
	case sysAction:
		req := proc.ActionRequest{Signal: uint32(a), Set: true, Handler: b, Flags: d, Mask: r.R10}
		return 0, h.proc.Action(l, &req, &proc.ActionReply{})
	case sysMask:
		var out proc.MaskReply
		err := h.proc.Mask(l, &proc.MaskRequest{Set: true, How: uint32(a), Mask: b}, &out)
		return out.Mask, err
	case sysReturn:
		return h.sigreturn(in)
	case sysPause:
		return 0, h.proc.Suspend(l, &proc.SuspendRequest{Wait: true}, &proc.EmptyReply{})
	case sysSuspend:
		l.Step = 0
		if err := h.proc.Suspend(l, &proc.SuspendRequest{Mask: a}, &proc.EmptyReply{}); err != uabi.OK {
			return 0, err
		}
		return 0, h.proc.Suspend(l, &proc.SuspendRequest{Wait: true}, &proc.EmptyReply{})
	case sysTimed:
		var out proc.SignalReply
		err := h.proc.TimedWait(l, &proc.TimedWaitRequest{Mask: a, Deadline: b}, &out)
		return uint64(out.Signal), err
	case sysExec:
		return h.exec(in, a)
	case sysScript:
		h.script(a)
		return 0, uabi.OK
	}
	return h.more(in, r.RAX, a, b)
}

func (h *handler) more(in *uabi.Msg, nr, a, b uint64) (uint64, uabi.Error) {
	l := &h.lane
	var fd proc.FdReply
	switch nr {
	case sysInstall:
		ev, _ := h.k.EventCreate(uabi.BootAccount)
		defer h.k.Close(ev)
		var out proc.FdInstallReply
		err := h.proc.FdInstall(l, &proc.FdInstallRequest{File: uint32(ev), Cloexec: a != 0, Kind: 9, Id: b}, &out)
		return uint64(out.Fd), err
	case sysDup:
		err := h.proc.FdDup(l, &proc.FdDupRequest{Fd: int32(a), Min: uint32(b)}, &fd)
		return uint64(fd.Fd), err
	case sysDup2:
		err := h.proc.FdDup2(l, &proc.FdDup2Request{Fd: int32(a), New: int32(b)}, &fd)
		return uint64(fd.Fd), err
	case sysClose:
		return 0, h.proc.FdClose(l, &proc.FdCloseRequest{Fd: int32(a)}, &proc.FdCloseReply{})
	case sysAlarm:
		return 0, h.proc.Alarm(l, &proc.AlarmRequest{Set: true, Value: a}, &proc.AlarmReply{})
	case sysTimer:
		var out proc.TimerMakeReply
		if err := h.proc.TimerMake(l, &proc.TimerMakeRequest{Signal: uint32(a)}, &out); err != uabi.OK {
			return 0, err
		}
		arm := proc.TimerArmRequest{Id: out.Id, Set: true, Absolute: true, Value: b, Interval: in.Regs.RDX}
		return uint64(out.Id), h.proc.TimerArm(l, &arm, &proc.TimerArmReply{})
	case sysGroupID:
		return 0, h.proc.SetGroup(l, &proc.SetGroupRequest{Pid: int32(a), Pgid: int32(b)}, &proc.EmptyReply{})
	case sysSession:
		var out proc.PidReply
		err := h.proc.SetSession(l, &proc.EmptyRequest{}, &out)
		return uint64(out.Pid), err
	case sysSet:
		var out proc.SettingReply
		err := h.proc.Setting(l, &proc.SettingRequest{Option: uint32(a), A: b, B: in.Regs.RDX}, &out)
		return uint64(out.Value), err
	case sysVfork:
		err := h.proc.VforkWait(l, &proc.PidRequest{Pid: int32(a)}, &proc.EmptyReply{})
		return 0, err
	case sysIdentity:
		var out proc.IdentityReply
		err := h.proc.Identity(l, &proc.PidRequest{Pid: int32(a)}, &out)
		return uint64(out.Pgid)<<32 | uint64(out.Ppid), err
	case sysSleep:
		if in.Flags&uabi.FlagTimeout != 0 {
			return 0, uabi.OK
		}
		if in.Flags&uabi.FlagInterrupt != 0 {
			h.signals(in, in.Regs)
		} else {
			h.answer(uabi.AnswerWait, 0)
			h.k.Buf().Out.Wait = uabi.WaitSpec{Deadline: h.w.Now() + 20_000}
		}
		h.done = true
		return 0, uabi.OK
	case sysRobust:
		return 0, h.proc.Thread(l, &proc.ThreadRequest{RobustList: &a}, &proc.PidReply{})
	case sysFdID:
		var out proc.FdGetReply
		err := h.proc.FdGet(l, &proc.FdGetRequest{Fd: int32(a)}, &out)
		h.close = append(h.close, uabi.Handle(out.File))
		return out.Id, err
	case sysWatch, sysWatchLevel, sysUnwatch, sysClock, sysPidWatch, sysKillSerial:
		return h.watching(nr, a, b, in.Regs.RDX)
	case sysFds:
		var out proc.FdListReply
		err := h.proc.FdList(l, &proc.PidRequest{}, &out)
		return uint64(len(out.Fds)), err
	}
	return h.about(in, nr, a, b)
}

func (h *handler) sigreturn(in *uabi.Msg) (uint64, uabi.Error) {
	frames := h.saved[in.ID.Origin]
	f := frames[len(frames)-1]
	h.saved[in.ID.Origin] = frames[:len(frames)-1]
	err := h.proc.Mask(&h.lane, &proc.MaskRequest{Set: true, How: sigSetmask, Mask: f.mask}, &proc.MaskReply{})
	h.regs(f.regs)
	h.done = true
	return 0, err
}

func (h *handler) exec(in *uabi.Msg, entry uint64) (uint64, uabi.Error) {
	l := &h.lane
	var m mm.CreateReply
	if err := (mm.Client{H: uabi.BootMM}).Create(l, &mm.CreateRequest{}, &m); err != uabi.OK {
		return 0, err
	}
	h.close = append(h.close, uabi.Handle(m.Mm), uabi.Handle(m.Space))
	exe, _ := h.k.EventCreate(uabi.BootAccount)
	defer h.k.Close(exe)
	err := h.proc.Exec(l, &proc.ExecRequest{Entry: entry, Name: "prog", Mm: m.Mm, Space: m.Space, ExeFile: uint32(exe)}, &proc.EmptyReply{})
	if err != uabi.OK {
		return 0, err
	}
	h.regs(uabi.Regs{RIP: entry})
	h.done = true
	return 0, uabi.OK
}

const (
	cloneFs    = 0x200
	sigSetmask = 2
	entryVa    = 0x400000
)

// world is a machine with procd, a stub of mmd and the handler.
type world struct {
	*uksim.Sim
	t     *testing.T
	said  []string
	lines []string // of scripts
}

// keptSize is each server's kept memory, bytes.
const keptSize = server.MinKept + uksim.PageSize&^(server.MinKept%uksim.PageSize)

func newWorld(t *testing.T, cfg uksim.Config, init func(p *program)) *world {
	cfg.Trace = 300
	if d := os.Getenv("DBG"); d != "" {
		cfg.Trace, cfg.MaxSteps = 5000, 4000
	}
	w := &world{Sim: uksim.New(cfg), t: t}
	stub := &stubMM{spaces: map[uint64]uabi.Handle{}}
	w.Register("mmd", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		server.Run(k, server.Spec{Name: "mmd", Rank: uabi.RankMM, Service: mm.Service[*server.Ctx](stub), State: stub, Gone: stub.gone})
	})
	w.Register("procd", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		spec := Spec()
		err := server.Run(k, servertest.Watch(spec, spec.State.(*Procd).wrongSums, spec.State.(*Procd).wrongFiles))
		w.log(err)
		k.ProcessExit(uint64(server.ExitStatus(err)))
	})
	w.Register("abi", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		h := &handler{w: w, k: k, lane: ipc.Lane{K: k, Rank: uabi.RankLinux}, proc: proc.Client{H: uabi.BootProc}, saved: map[uint64][]savedFrame{}, stops: map[[2]uint64]int{}, watch: map[uint64]uabi.Handle{}}
		h.run()
	})
	w.Spawn(uksim.Spec{Name: "mmd", Rank: uabi.RankMM, Server: true, Binary: "mmd", Kept: keptSize})
	p := w.Spawn(uksim.Spec{Name: "procd", Rank: uabi.RankProc, Server: true, Binary: "procd", Kept: keptSize, Below: []string{"mmd"}})
	a := w.Spawn(uksim.Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi", Below: []string{"mmd", "procd"}})
	w.snapshots(p)
	p.Install(uabi.BootLinux, a.Endpoint(), uabi.RightCall|uabi.RightTransfer)
	p.Install(uabi.BootPower, w.NewRight(), uabi.RightsAll)
	w.Entry(entryVa, func(a *uksim.Alien) { init(&program{a, w}) })
	return w
}

func (w *world) log(err error) { w.said = append(w.said, fmt.Sprint("log: ", err)) }

// run wants process 1 to end the machine with that status.
func (w *world) run(status uint64) {
	w.t.Helper()
	defer w.Close()
	if err := w.Run(); err != nil {
		w.t.Fatalf("%v\nsaid %q\n%s", err, w.said, w.TraceText())
	}
	if got, off := w.PoweredOff(); !off || got != status {
		w.t.Fatalf("powered off %v with %d, want %d; said %q\n%s", off, got, status, w.said, w.TraceText())
	}
}

// program is an alien's view.
type program struct {
	a *uksim.Alien
	w *world
}

func (p *program) say(format string, args ...any) {
	p.w.said = append(p.w.said, fmt.Sprintf(format, args...))
}

// sys makes a system call that must succeed.
func (p *program) sys(what string, nr uint64, args ...uint64) uint64 {
	v := p.a.Syscall(nr, args...)
	if int64(v) < 0 && int64(v) > -256 {
		p.w.Fail("%s: %v", what, uabi.Error(-int64(v)))
	}
	return v
}

// sleep lets time pass.
func (p *program) sleep() { p.a.Syscall(sysSleep) }

// fails makes one that must fail.
func (p *program) fails(what string, want uabi.Error, nr uint64, args ...uint64) {
	if v := p.a.Syscall(nr, args...); int64(v) != -int64(want) {
		p.w.Fail("%s: %d, want %v", what, int64(v), want)
	}
}

// fork makes a child that runs f and then exits with its result.
func (p *program) fork(flags, va, sig uint64, f func(p *program) uint64) uint64 {
	child := func(a *uksim.Alien) {
		c := &program{a, p.w}
		c.exit(f(c))
	}
	v := p.a.Fork(child, sysFork, flags, va, sig)
	if int64(v) < 0 {
		p.w.Fail("fork: %v", uabi.Error(-int64(v)))
	}
	return v
}

func (p *program) exit(status uint64) {
	p.a.Syscall(sysGroup, status)
	p.a.Step()
	p.w.Fail("a process goes on after its end")
}

// sweep runs a program once without a crash and then with procd crashing at each of its steps (every stride-th).
func sweep(t *testing.T, stride int, status uint64, init func(p *program), check func(said []string) bool) {
	t.Helper()
	one := func(cfg uksim.Config) *world {
		w := newWorld(t, cfg, init)
		w.run(status)
		if !check(w.said) {
			t.Fatalf("seed %d, crashes %v: said %q", cfg.Seed, cfg.Crashes, w.said)
		}
		return w
	}
	steps := one(uksim.Config{Seed: 1}).Process("procd").Steps()
	for at := 1; at <= steps; at += stride {
		one(uksim.Config{Seed: uint64(at), Crashes: []uksim.Crash{{Process: "procd", Step: at}}})
	}
	for seed := range uint64(randomRuns) {
		one(uksim.Config{Seed: 1000 + seed, CrashEvery: 60, MaxCrashes: 12, Crashable: []string{"procd"}, RestartDelay: 50_000})
	}
	t.Logf("%d steps", steps)
}

// randomRuns is how often each program runs with many crashes at random steps.
const randomRuns = 15

func negated(err uabi.Error) uint64 { return uint64(-int64(err)) }

// snapshots has the server write a few at times that the seed picks.
func (w *world) snapshots(p *uksim.Process) {
	control := w.NewEvent()
	p.Endpoint().Bind(control, server.ControlKey, server.ControlSnapshot)
	for range 3 {
		w.After(w.Rand().Uint64N(1000*uksim.StepNS), func() { control.Update(0, 0, server.ControlSnapshot) })
	}
}
