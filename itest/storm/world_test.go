package storm

import (
	"bytes"
	"fmt"
	"strings"

	"aramid/itest/ledger/abi"
	"aramid/itest/ledger/audit"
	"aramid/itest/ledger/bank"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

// plan says what a run consists of.
type plan struct {
	sim     uksim.Config
	clients int // solo programs
	ops     int // operations of each
	pairs   int
	total   uint64 // of each pair
	aliens  int
	calls   int // of each alien
	// alienPairs are like pairs, of aliens.
	alienPairs int
	// snapshots is how many snapshots of random servers are asked for at random times.
	snapshots int
	// tear: what a crash may leave in any state is overwritten with random words.
	tear    bool
	version int // of the ledger; 0 is 1
	// script is more to do while the storm runs.
	script func(w *world)
	// poison is a kind of poison that one more client sends; 0: none.
	poison uint64
	// alone: a script's client alone decides what happens, so version 2's count is known.
	alone bool
	// mayKill: aliens are killed at random, so only what cannot depend on how far they got is checked.
	mayKill bool
	// mayInterrupt: aliens are interrupted at random.
	mayInterrupt bool
	// together: with every other server that ends below linuxabi, linuxabi ends as well.
	together bool
}

// world is one simulated machine with the servers on it.
type world struct {
	*uksim.Sim
	plan    plan
	sum     Sum
	ended   int // clients and aliens that came to their end
	started int
	handles map[string]int
	live    []int
	newest  map[string]image
	charged map[string][2]uint64
	control map[string]*uksim.Event
	steps   map[string]int // of each server when its clients had ended

	onEnd         func() // when the storm is over
	binary        map[string]string
	onExit        map[string]func(status uint64)
	swaps         int
	poisonCrashes int
}

func (w *world) sim() *uksim.Config { return &w.plan.sim }

// image is what runs a server now, and what makes another of the same version.
type image struct {
	spec  server.Spec
	build func() server.Spec
}

// serverNames are the servers below linuxabi, lowest rank first.
var serverNames = []string{"vault", "auditor", "ledger"}

// keptSize is each server's kept memory in bytes.
const keptSize = server.MinKept + uksim.PageSize&^(server.MinKept%uksim.PageSize)

// program wraps what a server gives to the library as a binary.
func (w *world) program(build func() server.Spec) uksim.Binary {
	return func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		spec := build()
		w.newest[spec.Name] = image{spec, build}
		switch l := spec.State.(type) {
		case *bank.Ledger:
			l.Spin = func() { k.FaultPoint("spin") }
		case *bank.Ledger2:
			l.Spin = func() { k.FaultPoint("spin") }
		}
		err := server.Run(k, spec)
		k.Log([]byte(err.Error()))
		k.ProcessExit(uint64(server.ExitStatus(err)))
	}
}

func newWorld(p plan) *world {
	w := &world{plan: p, handles: map[string]int{}, charged: map[string][2]uint64{}, newest: map[string]image{}, control: map[string]*uksim.Event{},
		steps: map[string]int{}, binary: map[string]string{}, onExit: map[string]func(uint64){}}
	p.sim.PanicIsCrash = func(process string, value any) bool { return value == bank.PoisonValue }
	if p.tear {
		p.sim.OnCrash = func(x *uksim.Process) {
			if x.Kept() != nil && x.Kept().Mapped() != nil {
				server.Tear(x.Kept().Mapped(), w.Rand().Uint64)
			}
		}
	}
	w.Sim = uksim.New(p.sim)
	w.Register("vault", w.program(func() server.Spec { return audit.NewVault().Spec() }))
	w.Register("auditor", w.program(func() server.Spec { return audit.NewAuditor(uabi.BootMM).Spec() }))
	w.Register("ledger1", w.program(func() server.Spec { return bank.New(uabi.BootProc).Spec() }))
	w.Register("ledger2", w.program(func() server.Spec { return bank.New2(uabi.BootProc).Spec() }))
	w.Register("abi", func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		err := abi.New(k, uabi.BootVFS, uabi.BootProc).Run()
		w.Fail("abi ends: %v", err)
	})
	w.Spawn(uksim.Spec{Name: "vault", Rank: uabi.RankMM, Server: true, Binary: "vault", Kept: keptSize})
	w.Spawn(uksim.Spec{Name: "auditor", Rank: uabi.RankProc, Server: true, Binary: "auditor", Kept: keptSize, Below: []string{"vault"}})
	w.Spawn(uksim.Spec{Name: "ledger", Rank: uabi.RankVFS, Server: true, Binary: w.ledgerBinary(), Kept: keptSize, Below: []string{"vault", "auditor"}, MaxRestarts: 20})
	w.binary["ledger"] = w.ledgerBinary()
	for _, n := range serverNames {
		w.watch(n)
		w.control[n] = w.NewEvent()
		w.Process(n).Endpoint().Bind(w.control[n], server.ControlKey, server.ControlSnapshot)
	}
	if p.aliens+p.alienPairs > 0 {
		w.Spawn(uksim.Spec{Name: "abi", Rank: uabi.RankLinux, Server: true, Binary: "abi", Below: []string{"auditor", "ledger"}})
	}
	return w
}

// watch has onExit called before the supervisor acts.
func (w *world) watch(name string) {
	p := w.Process(name)
	restart := p.OnEnd
	p.OnEnd = func(p *uksim.Process, status uint64, own bool) {
		if own || status == uksim.StatusHung {
			w.poisonCrashes++
		}
		if f := w.onExit[name]; f != nil {
			f(status)
		}
		restart(p, status, own)
		if w.plan.together && w.Rand().IntN(2) == 0 {
			w.Later(w.Process("abi").Kill)
		}
	}
}

func (w *world) ledgerBinary() string { return fmt.Sprintf("ledger%d", max(1, w.plan.version)) }

// client spawns a native client.
func (w *world) client(name string, run func(c *Client) error) {
	w.started++
	w.Register(name, func(k *uksim.Native, args, env []string) {
		k.Attach(0)
		c, err := New(k, name, uabi.BootVFS, w.Rand().Uint64())
		if err == nil {
			err = run(c)
		}
		if err != nil {
			w.Fail("%v", err)
			return
		}
		w.sum.Add(c.Sum)
		w.ended++
	})
	w.Spawn(uksim.Spec{Name: name, Rank: uabi.RankClient, Binary: name, Below: []string{"vault", "auditor", "ledger"}})
}

// run makes the storm, then checks everything.
func (w *world) run() error {
	defer w.Close()
	if err := w.Run(); err != nil { // the servers start
		return err
	}
	w.baseline()
	for i := range w.plan.clients {
		w.client(fmt.Sprintf("c%d", i), func(c *Client) error { return c.Run(w.plan.ops) })
	}
	for i := range w.plan.pairs {
		name := fmt.Sprintf("shared%d", i)
		w.client(fmt.Sprintf("p%d", i), func(c *Client) error { return c.Produce(name, w.plan.total) })
		w.client(fmt.Sprintf("q%d", i), func(c *Client) error { return c.Consume(name, w.plan.total) })
	}
	if w.plan.poison != 0 {
		w.client("poison", func(c *Client) error { return c.Poison(w.plan.poison) })
	}
	for i := range w.plan.aliens {
		w.alien(i)
	}
	for i := range w.plan.alienPairs {
		w.alienPair(i)
	}
	for range w.plan.snapshots {
		n := serverNames[w.Rand().IntN(len(serverNames))]
		w.After(w.Rand().Uint64N(500*uksim.StepNS), func() { w.control[n].Update(0, 0, server.ControlSnapshot) })
	}
	if w.plan.script != nil {
		w.plan.script(w)
	}
	if err := w.Run(); err != nil {
		return err
	}
	if w.ended != w.started {
		return fmt.Errorf("seed %d: deadlock: %d of %d programs ended", w.plan.sim.Seed, w.ended, w.started)
	}
	for _, n := range serverNames {
		w.steps[n] = w.Process(n).Steps()
	}
	if w.onEnd != nil {
		w.onEnd()
	}
	if w.Err() != nil {
		return w.Err()
	}
	return w.check()
}

// baseline remembers how many handles and objects there are when nobody uses the servers.
func (w *world) baseline() {
	for _, n := range w.servers() {
		w.handles[n] = w.Process(n).Handles()
		w.charged[n] = charge(w.Process(n))
	}
	w.live = w.objects()
}

func (w *world) servers() []string {
	if w.plan.aliens+w.plan.alienPairs > 0 {
		return append([]string{"abi"}, serverNames...)
	}
	return serverNames
}

// charge is what a process's account pays for: frames, objects.
func charge(p *uksim.Process) [2]uint64 {
	return [2]uint64{p.Account().Frames(), p.Account().Objects()}
}

// objects counts what must not leak.
func (w *world) objects() []int {
	var n []int
	for _, t := range []uabi.Type{uabi.TypeSpace, uabi.TypeThread, uabi.TypeEndpoint, uabi.TypeEvent, uabi.TypeTimer, uabi.TypeWaitSet, uabi.TypeMemory, uabi.TypeProcess} {
		n = append(n, w.Live(t))
	}
	return n
}

// check runs the checker as a client, then looks for leaks.
func (w *world) check() error {
	for i := range w.plan.clients {
		w.Process(fmt.Sprintf("c%d", i)).Remove()
	}
	for i := range w.plan.pairs {
		w.Process(fmt.Sprintf("p%d", i)).Remove()
		w.Process(fmt.Sprintf("q%d", i)).Remove()
	}
	for _, n := range []string{"poison", "every", "greedy"} {
		if p := w.Process(n); p != nil {
			p.Remove()
		}
	}
	w.client("checker", func(c *Client) error {
		tries := 0
		k := Checker{T: c.T, Ledger: uabi.BootVFS, Auditor: uabi.BootProc, Vault: uabi.BootMM, Version2: w.plan.version == 2 && (w.plan.script == nil || w.plan.alone) && w.plan.aliens == 0,
			Unknown: w.plan.mayKill || w.plan.alienPairs > 0, // how many pieces a drain took is not known
			Sleep:   func() bool { c.sleep(); tries++; return tries < 20 }}
		return k.Check(w.sum)
	})
	if err := w.Run(); err != nil {
		return err
	}
	if w.ended != w.started {
		return fmt.Errorf("seed %d: deadlock: the checker does not end", w.plan.sim.Seed)
	}
	w.Process("checker").Remove()
	if err := w.Run(); err != nil {
		return err
	}
	if err := w.replay(); err != nil {
		return err
	}
	return w.leaks()
}

// replay drives fresh handlers with the journals on the host: their state must be what the running ones have.
func (w *world) replay() error {
	for _, n := range serverNames {
		spec := w.newest[n].build()
		rep, err := server.ReplayIn(spec, w.Process(n).Kept().Mapped(), nil)
		if err != nil || rep.Open {
			return fmt.Errorf("seed %d: replay of %s: %v, open intent %v", w.plan.sim.Seed, n, err, rep.Open)
		}
		if rep.Health.Diverged != 0 || rep.Health.Stale != 0 {
			return fmt.Errorf("seed %d: %s counted %d divergences, %d stale requests", w.plan.sim.Seed, n, rep.Health.Diverged, rep.Health.Stale)
		}
		if have, want := spec.State.Save(), w.newest[n].spec.State.Save(); !bytes.Equal(have, want) {
			return fmt.Errorf("seed %d: replay of %s gives another state: %x, must be %x", w.plan.sim.Seed, n, have, want)
		}
	}
	return nil
}

// leaks compares with the baseline.
func (w *world) leaks() error {
	for _, n := range w.servers() {
		p := w.Process(n)
		if p.State() != uabi.ProcessRunning {
			return fmt.Errorf("seed %d: %s is dead, status %d", w.plan.sim.Seed, n, p.Exit())
		}
		if got := p.Handles(); got != w.handles[n] {
			return fmt.Errorf("seed %d: %s has %d handles, had %d", w.plan.sim.Seed, n, got, w.handles[n])
		}
		if got := charge(p); got != w.charged[n] {
			return fmt.Errorf("seed %d: %s is charged (frames, objects) %v, was %v", w.plan.sim.Seed, n, got, w.charged[n])
		}
		if b := p.Endpoint().BadgesAlive(); b != 0 {
			return fmt.Errorf("seed %d: %s has %d badges alive", w.plan.sim.Seed, n, b)
		}
	}
	// Clients were processes with a space; those of removed ones are gone with them.
	if got := w.objects(); fmt.Sprint(got) != fmt.Sprint(w.live) {
		return fmt.Errorf("seed %d: objects leak: %v are alive, were %v", w.plan.sim.Seed, got, w.live)
	}
	return nil
}

// divergence finds a server that said that its replay diverged, or an id that was older than it may be.
func (w *world) complaint() error {
	for _, l := range w.Log() {
		if strings.Contains(l, "diverged") || strings.Contains(l, "is older than") {
			return fmt.Errorf("seed %d: %s", w.plan.sim.Seed, l)
		}
	}
	return nil
}
