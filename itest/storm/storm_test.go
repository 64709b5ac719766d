package storm

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aramid/ukernel/uksim"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run only this seed, with a trace")
	traceFlag = flag.Int("events", 250, "how many of the last events are printed for a failed seed")
	seedsFlag = flag.Uint64("seeds", 0, "seeds of the storms together; 0: 20,000, or 2,000,000 with ARAMID_SOAK=1")
)

// TestMain collects garbage less often: each seed makes a world and throws it away.
func TestMain(m *testing.M) {
	debug.SetGCPercent(gcPercent)
	os.Exit(m.Run())
}

// gcPercent halves the time of a run for some tens of MiB.
const gcPercent = 800

// Sizes of the storms together: half for native clients, a quarter for aliens, an eighth each for interrupted and killed ones.
const (
	testSeeds = 20_000
	soakSeeds = 2_000_000
)

func seedCount() uint64 {
	switch {
	case *seedsFlag != 0:
		return *seedsFlag
	case os.Getenv("ARAMID_SOAK") != "":
		return soakSeeds
	case testing.Short():
		return testSeeds / 20
	}
	return testSeeds
}

// once runs one seed of a plan.
func once(make func(seed uint64) plan, seed uint64, trace int) (w *world, err error) {
	p := make(seed)
	p.sim.Seed = seed
	p.sim.Trace = trace
	w = newWorld(p)
	if err = w.run(); err == nil {
		err = w.complaint()
	}
	return w, err
}

// report runs a failed seed again with a trace and prints what to do.
func report(t *testing.T, make func(seed uint64) plan, seed uint64, err error) {
	t.Helper()
	w, again := once(make, seed, *traceFlag)
	if again == nil || firstLine(again) != firstLine(err) {
		t.Errorf("seed %d does not reproduce: %v, then %v", seed, err, again)
	}
	log := w.Log()
	t.Errorf("%v\nreproduce: go test ./itest/storm -run '^%s$' -seed %d\nlog: %q\nlast events:\n%s", again, t.Name(), seed, log[max(0, len(log)-10):], w.TraceText())
}

// many runs seeds 1…n of a plan on all CPUs.
func many(t *testing.T, n uint64, make func(seed uint64) plan) {
	t.Helper()
	if *seedFlag != 0 {
		if w, err := once(make, *seedFlag, *traceFlag); err != nil {
			report(t, make, *seedFlag, err)
		} else {
			t.Logf("seed %d passes: %d steps, %d crashes", *seedFlag, w.Steps(), w.CrashCount())
		}
		return
	}
	var next, bad, steps, crashes atomic.Uint64
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				seed := next.Add(1)
				if seed > n || bad.Load() > 2 {
					return
				}
				w, err := once(make, seed, 0)
				steps.Add(uint64(w.Steps()))
				crashes.Add(uint64(w.CrashCount()))
				if err != nil {
					bad.Add(1)
					mu.Lock()
					report(t, make, seed, err)
					mu.Unlock()
				}
			}
		}()
	}
	wg.Wait()
	t.Logf("%d seeds, %d steps, %d crashes", n, steps.Load(), crashes.Load())
}

// stormPlan is one seed of TestStorm: few programs, many crashes.
func stormPlan(seed uint64) plan {
	p := plan{clients: 1 + int(seed%2), ops: 6, version: 1 + int(seed/2%2)}
	if seed%3 == 0 {
		p.pairs, p.total = 1, 300
	}
	p.sim = uksim.Config{CrashEvery: 40 << (seed % 4), MaxCrashes: 12, Crashable: serverNames, RestartDelay: 30 * uksim.StepNS}
	return p
}

func TestStormOfClientsSeesNoCrash(t *testing.T) { many(t, seedCount()/2, stormPlan) }

func TestStormWithoutCrashes(t *testing.T) {
	many(t, 20, func(seed uint64) plan {
		p := stormPlan(seed)
		p.sim.CrashEvery = 0
		return p
	})
}

// firstLine is an error without the stack that only a traced run has.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
