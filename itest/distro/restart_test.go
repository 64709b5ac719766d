package distro

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// victims are the servers that are killed; rootd is itest/restart's.
var victims = []string{"mmd", "procd", "vfsd", "netd", "linuxabi"}

// killPause is the longest time between two kills.
const killPause = 400 * time.Millisecond

// killTime is what a kill may take, with the work of which it takes the time.
const killTime = 2 * time.Second

// kills is how often each victim is killed.
func kills() int {
	if os.Getenv("ARAMID_SOAK") != "" {
		return 50
	}
	return 3
}

// shuffled lists each victim n times, in an order that seed gives.
func shuffled(seed uint64, n int) []string {
	var list []string
	for range n {
		list = append(list, victims...)
	}
	r := rand.New(rand.NewPCG(seed, 1))
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// killDuring kills the victims one after the other until done is closed or all had their turn; the result says how many.
func (m *machine) killDuring(seed uint64, list []string, done <-chan struct{}) <-chan int {
	n := make(chan int, 1)
	r := rand.New(rand.NewPCG(seed, 2))
	go func() {
		killed := 0
		defer func() { n <- killed }()
		for _, v := range list {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(r.Int64N(int64(killPause)))):
			}
			m.control("kill", v)
			killed++
		}
	}()
	return n
}

// loops are what the console shell does while servers die under it: each prints a line a round, all of them known.
var loops = []struct {
	name, script, line string
	rounds             int // for each kill of a victim
}{
	{"pipeline", `echo "round $i" | cat | tr r R | sed "s/$/!/"`, "Round %d!", 12},
	{"forks", `(exit 3) & a=$!; (exit 4) & b=$!; wait $a; x=$?; wait $b; echo "round $i: $x $?"`, "round %d: 3 4", 220},
	{"files", `echo $i >/run/f; mv /run/f /run/g; read x </run/g; rm /run/g; echo "file $x"`, "file %d", 25},
}

func TestServersAreKilledUnderTheConsoleShell(t *testing.T) {
	m := boot(t, 2, noRandom)
	m.shell()
	for i, l := range loops {
		t.Run(l.name, func(t *testing.T) {
			m.t = t
			rounds := l.rounds * kills()
			done := make(chan struct{})
			killed := m.killDuring(uint64(i), shuffled(uint64(i), kills()), done)
			limit := commandLimit + time.Duration(len(victims)*kills())*killTime
			out := m.runWithin(limit, fmt.Sprintf("set +m; i=0; while [ $i -lt %d ]; do %s; i=$((i+1)); done", rounds, l.script))
			close(done)
			n := <-killed
			var want strings.Builder
			for i := range rounds {
				fmt.Fprintf(&want, l.line+"\n", i)
			}
			if strings.TrimSpace(out) != strings.TrimSpace(want.String()) {
				t.Errorf("with %d kills the shell printed\n%s", n, out)
			}
			t.Logf("%d rounds, %d kills", rounds, n)
		})
	}
	m.t = t
	if got := m.run("systemctl is-system-running"); !strings.Contains(got, "running") {
		t.Errorf("systemd says %q", got)
	}
	m.powerOff()
}

func TestServersAreKilledDuringTheBoot(t *testing.T) {
	seeds := 1
	if os.Getenv("ARAMID_SOAK") != "" {
		seeds = 10
	}
	for seed := range uint64(seeds) {
		m := boot(t, 1+int(seed%2), noRandom)
		m.expect("running in system mode", bootLimit)
		done := make(chan struct{})
		killed := m.killDuring(seed, shuffled(seed, kills()), done)
		m.shell()
		close(done)
		t.Logf("seed %d: %d kills", seed, <-killed)
		if got := m.run("systemctl is-system-running"); !strings.Contains(got, "running") {
			t.Errorf("seed %d: systemd says %q", seed, got)
		}
		m.powerOff()
	}
}

func TestBootsInARowWithOneTwoAndFourProcessors(t *testing.T) {
	times := 3
	if os.Getenv("ARAMID_SOAK") != "" {
		times = 20
	}
	for _, smp := range []int{1, 2, 4} {
		for i := range times {
			var words []string
			if i > 0 {
				words = []string{noRandom}
			}
			m := boot(t, smp, words...)
			start := time.Now()
			m.shell()
			t.Logf("boot %d on %d CPUs: shell after %v", i+1, smp, time.Since(start).Round(100*time.Millisecond))
			m.powerOff()
		}
	}
}

// Each server is replaced by a binary whose state has one more field, and by its own again, under a program that runs.
func TestServersAreSwappedForOnesWithOneMoreFieldAndBack(t *testing.T) {
	newer := t.TempDir()
	for _, v := range victims {
		pkg := "./servers/" + v
		if v == "linuxabi" {
			pkg = "./linuxabi"
		}
		cmd := exec.Command("go", "build", "-tags", "extrafield", "-ldflags", "-s -w", "-o", filepath.Join(newer, v), pkg)
		cmd.Dir = top
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	m := boot(t, 1, noRandom)
	m.shell()
	const rounds = 200
	l := loops[1]
	swapped := make(chan bool)
	go func() {
		defer close(swapped)
		for _, dir := range []string{newer, top + "/build/servers"} {
			for _, v := range victims {
				m.control("swap", v, filepath.Join(dir, v))
			}
		}
	}()
	out := m.run(fmt.Sprintf("set +m; i=0; while [ $i -lt %d ]; do %s; i=$((i+1)); done", rounds, l.script))
	<-swapped
	var want strings.Builder
	for i := range rounds {
		fmt.Fprintf(&want, l.line+"\n", i)
	}
	if strings.TrimSpace(out) != strings.TrimSpace(want.String()) {
		t.Errorf("the shell printed\n%s", out)
	}
	for _, line := range strings.Split(m.control("ps"), "\n") {
		for _, v := range victims {
			if f := strings.Fields(line); len(f) > 0 && f[0] == v && f[len(f)-1] != "swap" {
				t.Errorf("%s", line)
			}
		}
	}
	m.powerOff()
}
