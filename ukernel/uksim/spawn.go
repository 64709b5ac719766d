package uksim

import "aramid/ukernel/uabi"

// Spec describes a process that the simulated supervisor starts.
type Spec struct {
	Name   string
	Rank   uint32
	Server bool
	Binary string
	Args   []string
	Env    []string
	// Kept is the size of the kept memory in bytes; 0: none.
	Kept uint64
	// Below names processes whose plain endpoints are given, at the boot slots of their ranks.
	Below []string
	// Also names further processes whose plain endpoints are given, in order, from slot SlotAlso on.
	Also []string
	// Frames limits the process's account; 0: no limit.
	Frames uint64
	// MaxRestarts ends the supervisor's patience: after that many crashes in a row without StableNS of life between them the
	// process stays dead. 0: for ever.
	MaxRestarts int
}

// SlotAlso is the first boot slot of Spec.Also.
const SlotAlso uabi.Handle = 24

// StableNS is how long an image must live for its crash to count as the first again, in ns.
const StableNS = 1_000_000_000

// Spawn does what rootd does for a line of the manifest: account, process, endpoint, kept memory, boot handles, start; and it
// restarts a server whose image ended. A client (no Server) stays dead.
func (s *Sim) Spawn(sp Spec) *Process {
	p := s.newProcess(sp.Name, sp.Rank, 0)
	if sp.Server {
		p.flags = uabi.ProcessServer
	}
	s.adopt(p)
	ref(p)
	a := s.newAccount(s.root, sp.Frames, 0)
	ref(a)
	p.selfCaps(a)
	unref(a)
	if sp.Server {
		e := s.newEndpoint(sp.Rank, p)
		s.charge(e, a)
		p.install(uabi.BootEndpoint, e, uabi.RightsAll)
	}
	if sp.Kept > 0 {
		m := s.newMemory(sp.Kept)
		s.charge(m, a)
		p.install(uabi.BootKept, m, uabi.RightsAll)
	}
	for _, n := range sp.Below {
		q := s.Process(n)
		p.install(bootSlot(q.rank), q.endpoints[0], uabi.RightCall|uabi.RightTransfer)
	}
	for i, n := range sp.Also {
		p.install(SlotAlso+uabi.Handle(i), s.Process(n).endpoints[0], uabi.RightCall|uabi.RightTransfer)
	}
	if sp.Server {
		p.supervise(sp.MaxRestarts)
	}
	p.begin(s.binaries[sp.Binary], sp.Args, sp.Env)
	return p
}

// bootSlot is where the endpoint of a rank is found.
func bootSlot(rank uint32) uabi.Handle { return uabi.BootRoot + uabi.Handle(rank) }

// supervise restarts the process whenever its image ends, after a delay that the seed picks, and kills it when it hangs.
func (p *Process) supervise(most int) {
	s := p.sim
	inRow, born := 0, s.now
	p.OnEnd = func(p *Process, status uint64, own bool) {
		if s.now-born > StableNS {
			inRow = 0
		}
		inRow++
		if most > 0 && inRow > most {
			s.note("supervisor", p.name+" stays dead", status, 0)
			return
		}
		delay := uint64(0)
		if s.cfg.RestartDelay > 0 {
			delay = s.rng.Uint64N(s.cfg.RestartDelay)
		}
		s.After(delay, func() {
			if p.state == uabi.ProcessDead {
				born = s.now
				p.begin(p.binary, p.args, p.env)
			}
		})
	}
	var watch func()
	watch = func() {
		ev := p.event()
		ev.await(uabi.ProcessHung, ev.seq, func(uint32) {
			s.Later(func() {
				s.note("supervisor", p.name+" hangs", 0, 0)
				p.end(StatusHung, false)
				watch()
			})
		})
	}
	watch()
}

// Swap replaces the image by another binary, at once.
func (p *Process) Swap(binary string) {
	p.begin(p.sim.binaries[binary], p.args, p.env)
}

// Binary changes what the next start runs, without touching the image that runs now.
func (p *Process) SetBinary(binary string) { p.binary = p.sim.binaries[binary] }

// Remove forgets a process for good: its image ends, its handles are closed, its calls are dropped.
func (p *Process) Remove() {
	p.OnEnd = nil
	p.end(statusPlanned, false)
	p.table.clear()
	for _, e := range p.endpoints {
		unref(e)
	}
	p.endpoints = nil
	for i, x := range p.sim.procs {
		if x == p {
			p.sim.procs = append(p.sim.procs[:i], p.sim.procs[i+1:]...)
			break
		}
	}
	unref(p)
}

// Kept is the process's kept memory, or nil.
func (p *Process) Kept() *Memory { return bootObject[*Memory](p, uabi.BootKept) }

// Endpoint is where the process receives, or nil.
func (p *Process) Endpoint() *Endpoint { return bootObject[*Endpoint](p, uabi.BootEndpoint) }

// Account is what the process is charged to.
func (p *Process) Account() *Account { return bootObject[*Account](p, uabi.BootAccount) }

func bootObject[T Object](p *Process, h uabi.Handle) T {
	var zero T
	if int(h) < len(p.table.slots) {
		if o, ok := p.table.slots[h].c.obj.(T); ok {
			return o
		}
	}
	return zero
}

// Give puts a handle for an object into a process's table, outside any call; tests use it as rootd would.
func (p *Process) Give(o Object, rights uint32) uabi.Handle {
	h, _ := p.table.insert(capability{obj: o, rights: rights})
	return h
}

// NewEvent makes an event that the test holds.
func (s *Sim) NewEvent() *Event {
	e := &Event{}
	s.adopt(e)
	ref(e)
	return e
}

// Bind makes raises of mask notices of the endpoint, as CallBind does.
func (e *Endpoint) Bind(ev *Event, key uint64, mask uint32) {
	b := &binding{ep: e, ev: ev, key: key, mask: mask}
	ref(ev)
	e.bindings = append(e.bindings, b)
	ev.bound = append(ev.bound, b)
}

// Update changes the event from outside.
func (e *Event) Update(set, clear, raise uint32) uint64 { return e.update(set, clear, raise) }

// Level is the event's level.
func (e *Event) Level() uint32 { return e.level }
