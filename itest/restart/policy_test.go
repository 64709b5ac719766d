package restart

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"aramid/boot/qemu"
	"aramid/itest/ledger/bank"
)

func TestAPoisonRequestIsAnsweredAfterTwoCrashes(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest)})
	m.do("storm 2 10 1")
	for i, kind := range []int{bank.PoisonNow, bank.PoisonAfterEffect} {
		m.do("poison %d", kind)
		if p := m.ps()["ledger"]; p.Starts != uint64(3+2*i) || p.State != "running" {
			t.Errorf("poison %d: the ledger has had %d starts and is %s", kind, p.Starts, p.State)
		}
	}
	m.do("storm 2 10 2")
	m.do("check")
}

func TestALoopingServerIsFoundAndReplaced(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), Append: "watchdog=300"})
	start := time.Now()
	m.do("poison %d", bank.PoisonLoop)
	if p := m.ps()["ledger"]; p.Starts != 3 || p.Why != "hung" {
		t.Errorf("the ledger has had %d starts, the last for %q", p.Starts, p.Why)
	}
	if d := time.Since(start); d < 600*time.Millisecond {
		t.Errorf("answered after %v: twice the limit had not passed", d)
	}
	m.do("storm 2 10 2")
	m.do("check")
}

func TestAServerThatDiesAtEveryStartIsTriedLessAndLessAndTheOthersGoOn(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, crasherManifest)})
	m.send("storm 2 200 1")
	m.waitLog(`^rootd: crasher: exit 2, start 4; next try in 50ms$`)
	m.waitLog(`^rootd: crasher: exit 2, start 5; next try in 100ms$`)
	m.waitLog(`^rootd: crasher: 8 deaths in a row; it will be tried every 10s$`)
	m.answer("storm")
	m.do("check")
	ps := m.ps()
	if p := ps["crasher"]; p.State != "failing" || p.Starts != 8 {
		t.Errorf("the crasher is %s after %d starts", p.State, p.Starts)
	}
	for _, n := range []string{"vault", "auditor", "ledger"} {
		if ps[n].Starts != 1 {
			t.Errorf("%s was started %d times", n, ps[n].Starts)
		}
	}
}

func TestRootdIsReplacedAndTakesOverWithoutTouchingWhatRuns(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), CPUs: 2})
	if err := m.swap("ledger", "ledger2"); err != nil {
		t.Fatal(err)
	}
	before, info := m.ps(), ""
	for i := range 3 {
		m.send("storm 2 50 %d", i)
		m.kill("rootd")
		m.waitLog(`^ukernel: rootd died with status 137`)
		m.answer("storm")
		m.ps() // rootd serves again
		if i == 0 {
			info = m.do("info")
		}
	}
	leaks(t, info, m.do("info"))
	for n, p := range m.ps() {
		if b := before[n]; p.Starts != b.Starts || p.Id != b.Id || p.State != "running" || p.Handles < b.Handles {
			t.Errorf("%s: before %v, after %v", n, b, p)
		}
	}
	m.kill("ledger")
	if got := m.do("operations"); got == "none" {
		t.Error("rootd's successor does not know that the ledger's binary was swapped")
	}
	m.do("storm 2 50 9")
	m.do("check")
	if n := m.count(`^ukernel: rootd died`); n != 3 {
		t.Errorf("rootd died %d times", n)
	}
}

func TestSwapsThereAndBackKeepTheStateAndTheAddedField(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), CPUs: 2})
	m.do("fill 100")
	if got := m.do("operations"); got != "none" {
		t.Errorf("version 1 counts operations: %s", got)
	}
	m.swapInStorm("ledger2")
	v := m.numbers("operations")
	count, all := v[0], v[1]
	m.do("storm 2 30 5")
	if v = m.numbers("operations"); v[0] != count+v[1]-all || v[0] == count {
		t.Errorf("version 2 counted %d operations, there were %d", v[0]-count, v[1]-all)
	}
	count = v[0]
	if err := m.swap("ledger", "ledger"); err != nil {
		t.Fatal(err)
	}
	if got := m.do("operations"); got != "none" {
		t.Errorf("version 1 counts operations: %s", got)
	}
	m.do("storm 2 30 6")
	if err := m.swap("ledger", "ledger2"); err != nil {
		t.Fatal(err)
	}
	if v = m.numbers("operations"); v[0] != count {
		t.Errorf("the counter was %d and is %d after version 1 ran", count, v[0])
	}
	m.do("gap 10")
	m.do("drop")
	m.do("check")
}

// swapInStorm swaps the ledger's binary while a storm runs.
func (m *machine) swapInStorm(program string) {
	m.t.Helper()
	m.send("storm 3 40 1")
	if err := m.swap("ledger", program); err != nil {
		m.t.Fatal(err)
	}
	m.answer("storm")
}

func TestASwapSucceedsThoughTheServerIsKilledAtItsSteps(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), CPUs: 2, Append: "aramid.fault=ledger:1:20:each"})
	m.do("fill 20")
	m.swapInStorm("ledger2")
	m.swapInStorm("ledger")
	if n := m.kills(); n < 10 {
		t.Errorf("%d kills", n)
	}
	m.do("gap 10")
	m.do("drop")
	m.do("check")
}

func TestASwapToAWrongBinaryResumesTheOldOne(t *testing.T) {
	m := boot(t, qemu.Machine{Image: bootImage(t, bankManifest), CPUs: 2})
	m.do("fill 20")
	for i, c := range []struct{ program, says string }{
		{"forgetful", "cannot load the snapshot"}, {"confused", "cannot load the snapshot"}, {"manifest.txt", "not an executable"},
	} {
		m.send("storm 2 40 %d", i)
		if err := m.swap("ledger", c.program); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("swap to %s: %v", c.program, err)
		}
		m.answer("storm")
		m.do("gap 10")
		if p := m.ps()["ledger"]; p.State != "running" {
			t.Errorf("after the swap to %s: %v", c.program, p)
		}
	}
	m.do("drop")
	m.do("check")
}

// numbers are the decimal numbers in the answer to a command.
func (m *machine) numbers(format string, a ...any) []uint64 {
	m.t.Helper()
	text := m.do(format, a...)
	var out []uint64
	for _, s := range regexp.MustCompile(`\d+`).FindAllString(text, -1) {
		out = append(out, parse(m.t, s))
	}
	if out == nil {
		m.t.Fatalf(format+": no number in %q", append(a, text)...)
	}
	return out
}
