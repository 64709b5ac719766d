package restart

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"aramid/boot/qemu"
)

// Kills that TestStormOfClientsSeesNoKill makes.
const (
	testKills = 200
	soakKills = 2000
)

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

// stormOfKills has every server killed at fault points, and from outside, while clients storm.
func stormOfKills(t *testing.T, cpus, kills int) {
	seed := rand.Uint64N(1 << 32)
	if s := os.Getenv("ARAMID_SEED"); s != "" {
		fmt.Sscan(s, &seed)
	}
	t.Logf("seed %d; reproduce with ARAMID_SEED=%d", seed, seed)
	words := fmt.Sprintf("aramid.fault=vault:%d:400,auditor:%d:400,ledger:%d:400", seed, seed+1, seed+2)
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), CPUs: cpus, Append: words})
	r := rand.New(rand.NewPCG(seed, 0))
	m.do("storm 4 5 %d", seed)
	for round := seed; m.kills() < kills; round++ {
		m.send("storm 4 25 %d", round)
		m.kill([]string{"vault", "auditor", "ledger"}[r.IntN(3)])
		m.answer("storm")
		m.do("pair 100 %d", round)
	}
	t.Log(m.do("check"))
	t.Log(m.do("info"))
	t.Logf("tally: restart: %d CPUs, %d kills at fault points", cpus, m.kills())
}
