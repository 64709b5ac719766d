package restart

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"

	"aramid/boot/qemu"
)

// Kills that TestStormOfClientsSeesNoKill makes.
const (
	testKills = 200
	soakKills = 2000
)

// rootdKill is the kill from outside after which rootd is killed too.
const rootdKill = 2

func killCount() int {
	if os.Getenv("ARAMID_SOAK") != "" {
		return soakKills
	}
	return testKills
}

func TestAStormWithoutKillsIsExact(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), CPUs: 2})
	m.do("storm 3 100 1")
	m.do("pair 300 1")
	m.do("check")
	if n := m.kills(); n != 0 {
		t.Errorf("%d kills", n)
	}
}

// faults matches the line that the library writes before it ends the image at a fault point.
const faults = `^(vault|auditor|ledger): .*fault point`

func (m *machine) kills() int { return m.count(faults) }

func TestSoakStormOfClientsSeesNoKill(t *testing.T) {
	for cpus := 1; cpus <= 2; cpus++ {
		t.Run(fmt.Sprintf("%d CPUs", cpus), func(t *testing.T) { stormOfKills(t, cpus, killCount()/2) })
	}
}

// places are the (server, step, method) at which kills were made.
func (m *machine) places() map[string]int {
	all := map[string]int{}
	for _, l := range regexp.MustCompile(faultPlace).FindAllStringSubmatch(m.text(), -1) {
		all[l[1]+" "+l[2]+" "+l[3]]++
	}
	return all
}

const faultPlace = `(?m)^(vault|auditor|ledger): .*fault point (\w+) in method (\d+)`

// stormOfKills has every server killed at every step of every method, and from outside, while clients storm.
func stormOfKills(t *testing.T, cpus, kills int) {
	seed := rand.Uint64N(1 << 32)
	if s := os.Getenv("ARAMID_SEED"); s != "" {
		seed = parse(t, s)
	}
	t.Logf("seed %d; run it again with ARAMID_SEED=%d", seed, seed)
	words := fmt.Sprintf("aramid.fault=vault:%d:200:each,auditor:%d:400:each,ledger:%d:400:each", seed, seed+1, seed+2)
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), CPUs: cpus, Append: words})
	r := rand.New(rand.NewPCG(seed, 0))
	m.do("storm 4 2 %d", seed)
	m.do("check")
	before, outside := m.do("info"), 0
	for round := seed; m.kills() < kills; round++ {
		m.send("storm 4 25 %d", round)
		m.kill([]string{"vault", "auditor", "ledger"}[r.IntN(3)])
		if outside++; outside == rootdKill {
			m.kill("rootd")
		}
		m.answer("storm")
		m.do("pair 100 %d", round)
	}
	m.do("check")
	if after := m.do("info"); leaks(t, before, after) {
		t.Logf("before %s\nafter  %s", before, after)
	}
	if n := m.count(`diverged|is older than`); n > 0 {
		t.Errorf("%d complaints of the library", n)
	}
	fmt.Printf("tally: restart, %d CPUs, seed %d: %d kills at %d steps of methods, %d from outside; %d calls exact\n",
		cpus, seed, m.kills(), len(m.places()), outside, m.numbers("calls")[0])
}
