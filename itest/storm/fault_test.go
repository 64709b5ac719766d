package storm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"aramid/itest/ledger/bank"
	pb "aramid/itest/ledger/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

// everyMethod is a client that uses each method of the servers at least once, alone, so that its run is always the same.
func everyMethod(c *Client) (err error) {
	defer caught(&err)
	c.open()
	c.open()
	a, b := c.own[0], c.own[1]
	c.deposit(a)
	c.deposit(b)
	c.load(a)
	c.export(a)
	c.withdraw(a)
	c.overdraw(a)
	c.transfer(a, b)
	c.transfer(b, a)
	c.transfer(a, a)
	c.look(a)
	c.again(b)
	c.late(a)
	for range 4 {
		c.deposit(a)
		c.withdraw(a)
	}
	for len(c.own) > 0 {
		c.drop(len(c.own) - 1)
	}
	return nil
}

// everyStep is the plan of a run of everyMethod with listed crashes.
func everyStep(crashes ...uksim.Crash) plan {
	return plan{
		sim: uksim.Config{Seed: 5, Crashes: crashes, Trace: *traceFlag}, tear: true, version: 2, alone: true,
		script: func(w *world) { w.client("every", everyMethod) },
	}
}

func runPlan(t *testing.T, p plan) *world {
	t.Helper()
	w := newWorld(p)
	err := w.run()
	if err == nil {
		err = w.complaint()
	}
	if err != nil {
		t.Fatalf("%v: %v\nlog: %q\nlast events:\n%s", p.sim.Crashes, err, w.Log(), w.TraceText())
	}
	return w
}

func TestEachServerIsKilledAtEachStepOfEachMethod(t *testing.T) {
	whole := runPlan(t, everyStep())
	total := 0
	for _, n := range serverNames {
		steps := whole.steps[n]
		if steps < 20 {
			t.Fatalf("%s makes %d steps only", n, steps)
		}
		for k := 1; k <= steps; k++ {
			w := runPlan(t, everyStep(uksim.Crash{Process: n, Step: k}))
			if w.CrashCount() != 1 {
				t.Fatalf("%s was not killed at step %d", n, k)
			}
			total++
		}
	}
	t.Logf("%d kills", total)
}

func TestTwoServersAreKilledAtAnyTwoSteps(t *testing.T) {
	whole := runPlan(t, everyStep())
	stride := 11
	if testing.Short() {
		stride = 29
	}
	total := 0
	for i, n := range serverNames {
		for _, m := range serverNames[i:] {
			for k := 1; k <= whole.steps[n]; k += stride {
				for l := 1 + k%stride; l <= whole.steps[m]; l += 3 * stride {
					if n == m && l == k {
						continue
					}
					runPlan(t, everyStep(uksim.Crash{Process: n, Step: k}, uksim.Crash{Process: m, Step: l}))
					total++
				}
			}
		}
	}
	t.Logf("%d pairs of kills", total)
}

func TestAPoisonRequestIsAnsweredWithAnErrorAfterTwoCrashes(t *testing.T) {
	for _, kind := range PoisonKinds {
		many(t, 200, func(seed uint64) plan {
			p := stormPlan(seed)
			p.poison = kind
			p.sim.CrashEvery = 0
			p.sim.HungLimit = 500 * uksim.StepNS
			p.script = func(w *world) {
				w.onEnd = func() {
					if got := w.poisonCrashes; got != uabi.QuarantineTry-1 {
						w.Fail("the ledger crashed %d times, must be %d", got, uabi.QuarantineTry-1)
					}
				}
			}
			return p
		})
	}
}

func TestAPoisonRequestAmongCrashesIsAnsweredWithAnError(t *testing.T) {
	many(t, 500, func(seed uint64) plan {
		p := stormPlan(seed)
		p.poison = PoisonKinds[seed%2]
		return p
	})
}

// swap does what rootd does: ask for a snapshot, start the other binary once there is one, and go back if it cannot load it.
func (w *world) swap(name, to string, done func(ok bool)) {
	p := w.Process(name)
	before := epoch(p)
	w.control[name].Update(0, 0, server.ControlSnapshot)
	var poll func()
	poll = func() {
		if epoch(p) == before || p.State() != uabi.ProcessRunning {
			w.After(5*uksim.StepNS, poll)
			return
		}
		old := w.binary[name]
		p.SetBinary(to)
		w.binary[name] = to
		w.onExit[name] = func(status uint64) {
			if status == server.ExitState {
				p.SetBinary(old)
				w.binary[name] = old
				done(false)
			}
		}
		p.Kill() // the supervisor starts what is set
		done(true)
	}
	poll()
}

func epoch(p *uksim.Process) uint64 {
	b := p.Kept().Mapped()
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b[server.EpochOffset:])
}

func TestASwapToABinaryWithAnAddedFieldAndBackKeepsTheState(t *testing.T) {
	many(t, seedCount()/20, func(seed uint64) plan {
		p := stormPlan(seed)
		p.version = 1
		p.script = func(w *world) {
			// 1 → 2 → 1 → 2, while the storm runs: version 2's count survives version 1.
			next := []string{"ledger2", "ledger1", "ledger2"}
			var swap func()
			swap = func() {
				w.swap("ledger", next[w.swaps], func(bool) {
					if w.swaps++; w.swaps < len(next) {
						w.After(150*uksim.StepNS, swap)
					}
				})
			}
			w.After(100*uksim.StepNS, swap)
			w.onEnd = func() {
				if w.swaps != 3 || w.binary["ledger"] != "ledger2" {
					w.Fail("%d swaps, now %s runs", w.swaps, w.binary["ledger"])
				}
				if l, ok := w.newest["ledger"].spec.State.(*bank.Ledger2); !ok {
					w.Fail("version 1 runs")
				} else if w.sim().CrashEvery == 0 && l.Count() == 0 && w.sum.Operations > 40 {
					w.Fail("version 2's count is lost")
				}
			}
		}
		return p
	})
}

// badState is a ledger whose Load always fails.
type badState struct{ server.State }

func (badState) Load([]byte) error { return errors.New("a later format") }

func TestASwapThatCannotLoadTheSnapshotResumesTheOldBinary(t *testing.T) {
	many(t, seedCount()/40, func(seed uint64) plan {
		p := stormPlan(seed)
		p.version = 1
		p.script = func(w *world) {
			w.Register("bad", w.program(func() server.Spec {
				s := bank.New(uabi.BootProc).Spec()
				s.State = badState{s.State}
				return s
			}))
			failed := false
			w.After(200*uksim.StepNS, func() { w.swap("ledger", "bad", func(ok bool) { failed = failed || !ok }) })
			w.onEnd = func() {
				if !failed || w.binary["ledger"] != "ledger1" {
					w.Fail("the bad binary stays: %v", w.Log())
				}
			}
		}
		return p
	})
}

// brittle is a ledger that crashes when a deposit is replayed.
type brittle struct{ *bank.Ledger }

func (b brittle) Deposit(c *server.Ctx, in *pb.AmountRequest, out *pb.BalanceReply) uabi.Error {
	if c.Replaying() {
		panic(bank.PoisonValue)
	}
	return b.Ledger.Deposit(c, in, out)
}

func TestAServerThatCrashesInItsReplayStopsWithItsJournalSaved(t *testing.T) {
	var stopped atomic.Uint64
	many(t, 100, func(seed uint64) plan {
		p := plan{clients: 1, ops: 8, version: 1, sim: uksim.Config{Seed: seed}}
		p.script = func(w *world) {
			l := w.Process("ledger")
			w.Register("brittle", w.program(func() server.Spec {
				b := brittle{bank.New(uabi.BootProc)}
				s := b.Ledger.Spec()
				s.Service = pb.LedgerService[*server.Ctx](b)
				return s
			}))
			w.After(300*uksim.StepNS, func() {
				starts := l.Starts()
				l.SetBinary("brittle")
				w.onExit["ledger"] = func(status uint64) {
					if status != server.ExitReplay {
						return
					}
					if n := l.Starts() - starts; n > 5 {
						w.Fail("it tried %d times", n)
					}
					stopped.Add(1)
					// What a person does then: look at the journal, mend the binary, start it again.
					if _, err := server.Replay(bank.New(uabi.BootProc).Spec(), l.Kept().Mapped(), nil); err != nil {
						w.Fail("the saved journal cannot be replayed: %v", err)
					}
					l.SetBinary("ledger1")
				}
				l.Kill()
			})
		}
		return p
	})
	if stopped.Load() == 0 && *seedFlag == 0 {
		t.Error("it never stopped: nothing was tested")
	}
}

func TestMemoryThatRunsOutIsAnErrorToTheCallerOnly(t *testing.T) {
	many(t, seedCount()/20, func(seed uint64) plan {
		p := stormPlan(seed)
		p.clients, p.pairs, p.version = 0, 0, 1 // nobody else may be refused
		p.script = func(w *world) {
			acc := w.Process("ledger").Account()
			w.client("greedy", func(c *Client) error { return c.greedy(acc) })
		}
		return p
	})
}

// greedy opens accounts under a limit until the ledger has no memory for their events, then closes them.
func (c *Client) greedy(acc *uksim.Account) (err error) {
	defer caught(&err)
	acc.SetLimit(0, acc.Objects()+3)
	refused := 0
	for i := 0; i < 8; i++ {
		var out pb.AccountReply
		name := fmt.Sprintf("%s-%d", c.Name, i)
		switch e := c.plain().Open(c.T, &pb.OpenRequest{Name: name}, &out); e {
		case uabi.OK:
			c.own = append(c.own, &account{h: uabi.Handle(out.Account), name: name})
		case uabi.ErrNoMem:
			refused++
			var f pb.AccountReply
			c.check("find what was refused", c.plain().Find(c.T, &pb.FindRequest{Name: name}, &f), uabi.ErrNotFound)
		default:
			c.check("open under a limit", e, uabi.OK)
		}
	}
	acc.SetLimit(0, 0)
	if refused == 0 {
		panic(fault{fmt.Errorf("nothing was refused")})
	}
	for len(c.own) > 0 {
		c.drop(0)
	}
	return nil
}
