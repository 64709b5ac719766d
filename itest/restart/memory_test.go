package restart

import (
	"sort"
	"strconv"
	"testing"
	"time"

	"aramid/boot/qemu"
)

func parse(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnAccountsLimitIsAnErrorToTheCaller(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest)})
	m.do("storm 2 10 1")
	m.do("limits")
	before := m.do("info")
	for range 5 {
		m.do("limits")
	}
	if after := m.do("info"); leaks(t, before, after) {
		t.Error("limits leaks")
	}
	m.do("storm 2 10 2")
	m.do("check")
}

func TestWithoutFreeMemoryServersGoOnAndAreReplaced(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), MemMiB: 64, CPUs: 2})
	m.do("storm 2 20 1")
	for i := range 3 {
		t.Logf("taken: %s", m.do("eat"))
		m.do("storm 2 20 %d", i)
		m.send("storm 2 20 %d", i)
		for _, s := range []string{"vault", "auditor", "ledger"} {
			m.kill(s)
		}
		time.Sleep(50 * time.Millisecond)
		m.do("spit")
		m.answer("storm")
	}
	m.do("check")
}

// Limits of the time from the end of a server to its successor's first answer (issue 2's figures).
const (
	restartKills = 5
	restartMust  = 300 * time.Millisecond
	restartAim   = 50 * time.Millisecond
	filled       = 10_000
	gapTime      = time.Second
)

func TestAKilledServersSuccessorAnswersSoon(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest)})
	m.do("fill %d", filled)
	var all []time.Duration
	for range restartKills {
		m.send("gap %d", gapTime.Milliseconds())
		time.Sleep(gapTime / 4)
		m.kill("ledger")
		all = append(all, time.Duration(parse(t, m.answer("gap")))*time.Microsecond)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	median := all[len(all)/2]
	t.Logf("figure: server killed to successor answers, ledger of %d entries: median %v, worst %v (must %v, aim %v)", filled, median, all[len(all)-1], restartMust, restartAim)
	if median > restartMust {
		t.Errorf("%v is too slow", median)
	}
	if p := m.ps()["ledger"]; p.Starts != 1+restartKills {
		t.Errorf("%d starts", p.Starts)
	}
	m.do("drop")
	m.do("check")
}
