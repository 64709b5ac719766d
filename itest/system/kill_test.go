package system

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// victims are the servers that are killed.
var victims = []string{"mmd", "procd", "vfsd", "netd", "linuxabi"}

const (
	killsEach = 20
	// killsFew is killsEach under the workloads of which the soak makes the rest.
	killsFew = 5
	// killPause is the longest time between two kills.
	killPause = 120 * time.Millisecond
	// endStatus is what a workload ends with when it found everything right.
	endStatus = 42
)

// workload is a program that prints a line for each round, and ends with endStatus.
type workload struct {
	name   string
	rounds int
	smp    int
	build  func(t *testing.T, dir string)
	argv   func(rounds int) []string
	line   func(round int) string
}

func roundLine(i int) string { return fmt.Sprintf("round %d", i) }

// loopWorkload is write, mmap, fork and wait.
var loopWorkload = workload{
	name: "loop", rounds: 1500, line: roundLine,
	build: func(t *testing.T, dir string) { program(t, dir, "loop") },
	argv:  func(n int) []string { return []string{"/loop", fmt.Sprint(n)} },
}

// shellWorkload is pipelines, subshells, redirections and substitutions.
var shellWorkload = workload{
	name: "shell", rounds: 100,
	build: busybox,
	argv: func(n int) []string {
		return []string{"/bin/busybox", "sh", "-c", `i=0; while [ $i -lt $0 ]; do
			echo "round $i" | cat | tr r R | sed 's/$/!/'
			(exit $((i % 100))); [ $? = $((i % 100)) ] || { echo "status in round $i"; exit 1; }
			x=$(echo $i; echo b >/tmp/f; cat /tmp/f); [ "$x" = "$i
b" ] || { echo "substitution in round $i: $x"; exit 2; }
			i=$((i + 1)); done; exit 42`, fmt.Sprint(n)}
	},
	line: func(i int) string { return fmt.Sprintf("Round %d!", i) },
}

// forkWorkload is a shell that does little but make processes and wait for them.
var forkWorkload = workload{
	name: "forks", rounds: 500, line: roundLine,
	build: busybox,
	argv: func(n int) []string {
		return []string{"/bin/busybox", "sh", "-c", `i=0; while [ $i -lt $0 ]; do
			(:) & (exit 3) & a=$!; (exit 4) & b=$!
			wait $a; [ $? = 3 ] || { echo "a in round $i"; exit 1; }
			wait $b; [ $? = 4 ] || { echo "b in round $i"; exit 2; }
			wait; echo "round $i"; i=$((i + 1)); done; exit 42`, fmt.Sprint(n)}
	},
}

// goWorkload is goroutines, timers, pipes and garbage collection.
var goWorkload = workload{
	name: "goroutines", rounds: 300, line: roundLine,
	build: func(t *testing.T, dir string) { goProgram(t, dir, "gostorm") },
	argv:  func(n int) []string { return []string{"/gostorm", fmt.Sprint(n)} },
}

// echoWorkload is an epoll echo pair over sockets, with open files in its messages.
var echoWorkload = workload{
	name: "echo", rounds: 600, line: roundLine,
	build: func(t *testing.T, dir string) { program(t, dir, "echo") },
	argv:  func(n int) []string { return []string{"/echo", fmt.Sprint(n)} },
}

var workloads = []workload{loopWorkload, shellWorkload, forkWorkload, goWorkload, echoWorkload}

// watched collects what a program prints.
type watched struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(b)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// guest is a program that runs on Aramid in the background.
type guest struct {
	name    string
	out     watched
	log     string // file
	process *os.Process
	done    chan struct{}
	status  int
	err     error
}

// launch boots a machine that runs argv.
func launch(t *testing.T, dir string, smp int, argv []string, flags ...string) *guest {
	t.Helper()
	g := &guest{name: fmt.Sprintf("kill%d", os.Getpid()), log: t.TempDir() + "/log", done: make(chan struct{})}
	args := append([]string{"run", "--name", g.name, "--root", dir, "--log", g.log, "--smp", fmt.Sprint(max(smp, 1))}, flags...)
	ctx, cancel := context.WithTimeout(context.Background(), killLimit)
	cmd := exec.CommandContext(ctx, aramid, append(append(args, "--"), argv...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = killGrace
	cmd.Stdout, cmd.Stderr = &g.out, &g.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g.process = cmd.Process
	go func() {
		defer cancel()
		defer close(g.done)
		err := cmd.Wait()
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			g.err = fmt.Errorf("not done after %v", killLimit)
		case errors.As(err, &exit):
			g.status = exit.ExitCode()
		default:
			g.err = err
		}
	}()
	return g
}

const (
	// killLimit is how long a workload may take.
	killLimit = 150 * time.Second
	killGrace = 5 * time.Second
)

// ended reports whether the program has ended.
func (g *guest) ended() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// begun waits for the first line of output.
func (g *guest) begun() {
	for !g.ended() && !strings.Contains(g.out.String(), "\n") {
		time.Sleep(10 * time.Millisecond)
	}
}

// storm kills (or restarts) each victim n times, in random order at random moments, and returns how often it did so before the program
// ended.
func (g *guest) storm(t *testing.T, r *rand.Rand, verb string, n int) (done int) {
	t.Helper()
	var order []string
	for _, v := range victims {
		for range n {
			order = append(order, v)
		}
	}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	g.begun()
	for _, v := range order {
		time.Sleep(time.Duration(r.Int64N(int64(killPause))))
		out, err := exec.Command(aramid, verb, "--vm", g.name, v).CombinedOutput()
		switch {
		case err == nil:
			done++
		case g.ended():
			return done
		default:
			// The machine may be on its way to its end.
			select {
			case <-g.done:
				return done
			case <-time.After(killGrace):
				t.Errorf("%s %s, after %d: %v: %s", verb, v, done, err, out)
			}
		}
	}
	return done
}

// check waits for the end and compares output and status with what they must be.
func (g *guest) check(t *testing.T, w *workload, rounds int, how string) bool {
	t.Helper()
	<-g.done
	var want strings.Builder
	for i := range rounds {
		want.WriteString(w.line(i) + "\n")
	}
	out := g.out.String()
	if g.err == nil && g.status == endStatus && out == want.String() {
		return true
	}
	log, _ := os.ReadFile(g.log)
	t.Errorf("%s, %s: %v, status %d (want %d); %s\nlog:\n%s", w.name, how, g.err, g.status, endStatus, firstDifference(out, want.String()), tail(log))
	return false
}

// firstDifference says where two outputs part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("output differs at line %d of %d (want %d): got %q, want %q", i, len(g), len(w), at(g, i), at(w, i))
		}
	}
	return "output as it must be"
}

func at(lines []string, i int) []string { return lines[min(i, len(lines)):min(i+3, len(lines))] }

// tail is the log's end.
func tail(b []byte) []byte {
	const most = 3000
	return b[max(0, len(b)-most):]
}

// underStorm runs a workload, whose rounds are for killsEach, under verb until every victim had its n; where the machine is too fast for that the
// rounds are doubled.
func underStorm(t *testing.T, w workload, verb string, n int, seed uint64, flags ...string) (kills int) {
	t.Helper()
	dir := t.TempDir()
	w.build(t, dir)
	w.rounds = w.rounds * n / killsEach
	const tries = 5
	for range tries {
		how := fmt.Sprintf("%s, seed %d", verb, seed)
		g := launch(t, dir, w.smp, w.argv(w.rounds), flags...)
		done := g.storm(t, rand.New(rand.NewPCG(seed, 0)), verb, n)
		kills += done
		if !g.check(t, &w, w.rounds, how) || done == n*len(victims) {
			return kills
		}
		w.rounds *= 2
	}
	t.Errorf("%s ends before its servers were all killed", w.name)
	return kills
}

func newSeed(t *testing.T) uint64 {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("ARAMID_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("ARAMID_SEED=%d", seed)
	return seed
}

func TestKillingEveryServerTwentyTimesLeavesOutputAndStatusRight(t *testing.T) {
	underStorm(t, loopWorkload, "kill", killsEach, newSeed(t))
}

func TestKillingServersUnderOtherWorkloadsLeavesOutputAndStatusRight(t *testing.T) {
	seed := newSeed(t)
	for i, w := range workloads[1:] {
		t.Run(w.name, func(t *testing.T) { underStorm(t, w, "kill", killsFew, seed+uint64(i)) })
	}
}

func TestRestartingServersLeavesOutputAndStatusRight(t *testing.T) {
	seed := newSeed(t)
	for i, w := range workloads[:2] {
		t.Run(w.name, func(t *testing.T) { underStorm(t, w, "restart", killsFew, seed+uint64(i)) })
	}
}

// bootKills is how many servers are killed while a machine comes up, from the moment when its control channel answers.
const bootKills = 12

func TestServersKilledWhileTheMachineComesUpLeaveOutputAndStatusRight(t *testing.T) {
	r := rand.New(rand.NewPCG(newSeed(t), 0))
	w := loopWorkload
	dir := t.TempDir()
	w.build(t, dir)
	const machines, rounds = 3, 30
	for range machines {
		g := launch(t, dir, w.smp, w.argv(rounds))
		done := 0
		for done < bootKills && !g.ended() {
			if exec.Command(aramid, "kill", "--vm", g.name, victims[r.IntN(len(victims))]).Run() == nil {
				done++
			}
		}
		g.check(t, &w, rounds, fmt.Sprintf("%d killed while it came up", done))
	}
}

// faultPlan has each server that has a journal end itself at random steps of the library, one in every.
func faultPlan(seed uint64, every int) string {
	s := seed % (1 << 31)
	return fmt.Sprintf("aramid.fault=vfsd:%d:%d,procd:%d:%d,mmd:%d:%d,netd:%d:%d", s, every, s+1, every, s+2, every, s+3, every)
}

// faultEvery is how many steps of the library lie between two kills, on average.
const faultEvery = 300

func TestServersThatDieAtFaultPointsLeaveOutputAndStatusRight(t *testing.T) {
	seed := newSeed(t)
	for i, w := range workloads {
		t.Run(w.name, func(t *testing.T) { underFaults(t, w, seed+uint64(i)) })
	}
}

// underFaults runs a workload while servers die at fault points, and returns how often they did.
func underFaults(t *testing.T, w workload, seed uint64) int {
	t.Helper()
	dir := t.TempDir()
	w.build(t, dir)
	share := 6 // of the rounds, since every round has its deaths
	if os.Getenv("ARAMID_SOAK") != "" {
		share = 3
	}
	rounds := w.rounds / share
	plan := faultPlan(seed, faultEvery)
	g := launch(t, dir, w.smp, w.argv(rounds), "--append", plan)
	g.check(t, &w, rounds, plan)
	log, err := os.ReadFile(g.log)
	if err != nil {
		t.Fatal(err)
	}
	n := bytes.Count(log, []byte("fault point"))
	t.Logf("%d rounds, %d deaths", rounds, n)
	if n < killsEach {
		t.Errorf("%d deaths at fault points only", n)
	}
	return n
}

// soakSeeds is how often the soak runs each combination.
const soakSeeds = 2

func TestSoakOfKillsUnderEveryWorkload(t *testing.T) {
	if os.Getenv("ARAMID_SOAK") == "" {
		t.Skip("ARAMID_SOAK=1 runs it: a quarter of an hour")
	}
	seed := newSeed(t)
	kills, runs := 0, 0
	defer func() {
		fmt.Printf("tally: system kills: %d runs, %d servers killed, seed %d, failed %v\n", runs, kills, seed, t.Failed())
	}()
	for range soakSeeds {
		for _, w := range workloads {
			for _, w.smp = range []int{1, 2} {
				for _, verb := range []string{"kill", "restart"} {
					t.Run(fmt.Sprintf("%s/%d/%s", w.name, w.smp, verb), func(t *testing.T) { kills += underStorm(t, w, verb, killsEach, seed) })
					seed++
					runs++
				}
				t.Run(fmt.Sprintf("%s/%d/faults", w.name, w.smp), func(t *testing.T) { kills += underFaults(t, w, seed) })
				seed++
				runs++
			}
		}
	}
}
