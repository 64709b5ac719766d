package uksim

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"

	"aramid/ukernel/uabi"
)

// StepNS is how far virtual time advances with each step, in ns.
const StepNS = 1000

// DefaultMaxSteps ends a run that does not come to rest.
const DefaultMaxSteps = 200_000

// PageSize is the simulated page size in bytes.
const PageSize = 4096

// Config says how a Sim behaves. The zero value runs without crashes.
type Config struct {
	Seed uint64
	// Crashes lists crashes at a process's own steps (calls and fault points, counted over all its images from 1).
	Crashes []Crash
	// CrashEvery: at each step one of the Crashable processes dies with probability 1/CrashEvery, at most MaxCrashes times. 0: never.
	CrashEvery int
	MaxCrashes int
	Crashable  []string
	// RestartDelay is the longest virtual delay before the supervisor restarts a crashed process, in ns; the seed picks.
	RestartDelay uint64
	// HungLimit is how old a delivered request may get before its process is reported hung, in ns; 0: for ever.
	HungLimit uint64
	// MaxSteps ends the run with a failure; 0: DefaultMaxSteps.
	MaxSteps int
	// PanicIsCrash says whether a Go panic of a binary is an ordinary crash of its process; otherwise it fails the run.
	PanicIsCrash func(process string, value any) bool
	// Trace keeps the last Trace events for Sim.TraceText.
	Trace int
	// OnCrash is called after an image ended by a crash, before its successor starts: a test may scribble over memory that the
	// image had not committed.
	OnCrash func(p *Process)
}

// Crash names one crash: at the process's Step-th step.
type Crash struct {
	Process string
	Step    int
}

// Sim is one simulated machine.
type Sim struct {
	cfg      Config
	rng      *rand.Rand
	now      uint64
	steps    int
	ready    []*task
	next     *task
	cur      *task
	reap     []*task
	tasks    []*task
	timers   []*alarm
	timerSeq uint64
	binaries map[string]Binary
	code     map[uint64]func(*Alien)
	procs    []*Process
	lastProc uint64
	aliens   []*Alien
	root     *Account
	ports    func(out bool, port uint16, width int, v uint32) uint32
	live     [uabi.TypeCount]int
	lastID   uint64
	crashes  int
	err      error
	ended    bool
	power    uint64
	futexes  []*Alien
	log      []string
	trace    []event
	traced   int
	actions  []func()
	realtime uint64
	entries  []uint64
	irqs     []*IRQ
	off      bool
}

// Binary is a program: what its main function would be.
type Binary func(k *Native, args, env []string)

// New returns a machine with nothing on it.
func New(cfg Config) *Sim {
	if cfg.MaxSteps == 0 {
		cfg.MaxSteps = DefaultMaxSteps
	}
	s := &Sim{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x9e3779b97f4a7c15)), binaries: map[string]Binary{}, code: map[uint64]func(*Alien){}}
	s.realtime = 1_700_000_000_000_000_000
	s.root = &Account{}
	s.adopt(s.root)
	s.root.refs++
	if cfg.Trace > 0 {
		s.trace = make([]event, cfg.Trace)
	}
	return s
}

// Register gives a binary its name.
func (s *Sim) Register(name string, b Binary) { s.binaries[name] = b }

// Now is the virtual time in ns.
func (s *Sim) Now() uint64 { return s.now }

// Steps is how many steps were made.
func (s *Sim) Steps() int { return s.steps }

// CrashCount is how many images crashed.
func (s *Sim) CrashCount() int { return s.crashes }

// Rand is the run's random source, for decisions that a test wants the seed to make.
func (s *Sim) Rand() *rand.Rand { return s.rng }

// Err is why the run failed, or nil.
func (s *Sim) Err() error { return s.err }

// Log is what processes wrote with Kernel.Log.
func (s *Sim) Log() []string { return s.log }

// Live counts the live objects of a type.
func (s *Sim) Live(t uabi.Type) int { return s.live[t] }

// Account is the machine's root account.
func (s *Sim) Account() *Account { return s.root }

// Later runs f at the scheduler's next turn, outside any simulated thread.
func (s *Sim) Later(f func()) { s.actions = append(s.actions, f) }

// After runs f outside any simulated thread when ns have passed.
func (s *Sim) After(ns uint64, f func()) { s.at(s.now+ns, func() { s.Later(f) }) }

// Fail ends the run with an error.
func (s *Sim) Fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("seed %d, step %d: %s", s.cfg.Seed, s.steps, fmt.Sprintf(format, args...))
		s.note("FAIL", s.err.Error(), 0, 0)
	}
	s.ended = true
}

// Run runs until nothing can run and no deadline is pending, or until the run failed or the machine was powered off. It may be
// called again after more was started.
func (s *Sim) Run() error {
	for !s.ended {
		s.reapDead()
		if len(s.actions) > 0 {
			f := s.actions[0]
			s.actions = s.actions[1:]
			f()
			continue
		}
		t := s.next
		s.next = nil
		if t == nil && len(s.ready) > 0 {
			t = s.takeReady(s.rng.IntN(len(s.ready)))
		}
		if t == nil {
			if !s.jump() {
				break
			}
			continue
		}
		if t.state != taskReady {
			continue
		}
		t.state = taskRunning
		s.cur = t
		t.resume()
		s.cur = nil
	}
	s.reapDead()
	return s.err
}

// Close ends every thread, so that no coroutine of the run stays behind.
func (s *Sim) Close() {
	s.ended = true
	for _, t := range s.tasks {
		t.kill()
	}
	s.reapDead()
	for _, p := range s.procs {
		if m := p.Kept(); m != nil {
			m.recycle()
		}
	}
}

// step is one step of the running thread: time, deadlines, crashes and the choice of who runs next.
func (s *Sim) step(t *task, p *Process, what string) {
	if t.dead {
		panic(unwind{})
	}
	s.steps++
	s.now += StepNS
	s.fire()
	if s.steps > s.cfg.MaxSteps {
		s.Fail("no rest after %d steps; last: %s %s", s.steps, t.name, what)
	}
	if p != nil {
		p.steps++
	}
	s.note(t.name, what, 0, 0)
	s.maybeCrash(p)
	if t.dead || s.ended {
		panic(unwind{})
	}
	if len(s.actions) > 0 { // what a test or the supervisor does has waited long enough
		t.state = taskReady
		s.ready = append(s.ready, t)
		t.switchOut()
	} else if n := len(s.ready); n > 0 {
		if i := s.rng.IntN(n + 1); i < n {
			s.next = s.takeReady(i)
			t.state = taskReady
			s.ready = append(s.ready, t)
			t.switchOut()
		}
	}
}

func (s *Sim) takeReady(i int) *task {
	t := s.ready[i]
	last := len(s.ready) - 1
	s.ready[i] = s.ready[last]
	s.ready[last] = nil
	s.ready = s.ready[:last]
	return t
}

// maybeCrash crashes a process if the plan says so. p is the process that makes the step.
func (s *Sim) maybeCrash(p *Process) {
	if p != nil {
		for _, c := range s.cfg.Crashes {
			if c.Process == p.name && c.Step == p.steps {
				s.crash(p)
			}
		}
	}
	if s.cfg.CrashEvery == 0 || s.crashes >= s.cfg.MaxCrashes || s.rng.IntN(s.cfg.CrashEvery) != 0 {
		return
	}
	if v := s.Process(s.cfg.Crashable[s.rng.IntN(len(s.cfg.Crashable))]); v != nil && v.state == uabi.ProcessRunning {
		s.crash(v)
	}
}

// crash ends an image as a fault of the plan: it does not count against the request that is current.
func (s *Sim) crash(p *Process) {
	s.crashes++
	s.note("CRASH", p.name, uint64(p.steps), 0)
	p.end(statusPlanned, false)
}

// alarm is one pending timeout.
type alarm struct {
	at, seq uint64
	f       func()
	off     bool
}

// at calls f once when virtual time reaches ns.
func (s *Sim) at(ns uint64, f func()) *alarm {
	s.timerSeq++
	d := &alarm{at: ns, seq: s.timerSeq, f: f}
	i := sort.Search(len(s.timers), func(i int) bool { return s.timers[i].at > ns })
	s.timers = append(s.timers, nil)
	copy(s.timers[i+1:], s.timers[i:])
	s.timers[i] = d
	return d
}

// fire calls what is due.
func (s *Sim) fire() {
	for len(s.timers) > 0 && s.timers[0].at <= s.now {
		d := s.timers[0]
		s.timers = s.timers[1:]
		if !d.off {
			d.f()
		}
	}
}

// jump advances time to the next deadline; false if there is none.
func (s *Sim) jump() bool {
	for len(s.timers) > 0 && s.timers[0].off {
		s.timers = s.timers[1:]
	}
	if len(s.timers) == 0 {
		return false
	}
	s.now = max(s.now, s.timers[0].at)
	s.fire()
	return true
}

// event is one line of the trace.
type event struct {
	step      int
	ns        uint64
	who, what string
	a, b      uint64
}

func (s *Sim) note(who, what string, a, b uint64) {
	if s.trace == nil {
		return
	}
	s.trace[s.traced%len(s.trace)] = event{s.steps, s.now, who, what, a, b}
	s.traced++
}

// Note adds a line to the trace; tests and fault points use it.
func (s *Sim) Note(who, what string) { s.note(who, what, 0, 0) }

// Tracing says whether a trace is kept, so that callers can save the formatting.
func (s *Sim) Tracing() bool { return s.trace != nil }

// TraceText is the kept trace, oldest first.
func (s *Sim) TraceText() string {
	var b strings.Builder
	for i := max(0, s.traced-len(s.trace)); i < s.traced; i++ {
		e := s.trace[i%len(s.trace)]
		fmt.Fprintf(&b, "%6d %9dus %-12s %s", e.step, e.ns/1000, e.who, e.what)
		if e.a != 0 || e.b != 0 {
			fmt.Fprintf(&b, " %#x %#x", e.a, e.b)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
