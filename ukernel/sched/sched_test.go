package sched

import (
	"sort"
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"

	"pgregory.net/rapid"
)

const ramSize = 16 << 20

// machine is a fake machine with n CPUs.
func machine(t interface{ Fatalf(string, ...any) }, n int) {
	fake.Reset(ramSize, n)
	bi := hw.BootInfo{NFree: 1, Top: ramSize}
	bi.Free[0] = hw.Range{Base: frame.Size, Len: ramSize - frame.Size}
	if !frame.Init(&bi) {
		t.Fatalf("frame.Init")
	}
	if err := vm.Init(); err != uabi.OK {
		t.Fatalf("vm.Init: %v", err)
	}
	Reset()
}

func thread(p uint8) *Thread {
	t := &Thread{}
	t.Prio, t.Base = p, p
	return t
}

// on lets CPU c execute.
func on(c int) { fake.M.CPU = c }

// tick is this CPU's timer interrupt at time ns.
func tick(ns uint64) *Thread {
	fake.M.NS = ns
	for Expired(ns) != nil {
	}
	Tick(ns)
	return Next()
}

func want(t *testing.T, what string, got, want *Thread) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: another thread", what)
	}
}

func TestTheHighestPriorityRunsFirstAndEqualsInOrder(t *testing.T) {
	machine(t, 1)
	a, b, c := thread(2), thread(5), thread(2)
	for _, x := range []*Thread{a, b, c} {
		MakeReady(x)
	}
	for _, x := range []*Thread{b, a, c} {
		want(t, "next", Next(), x)
		if x.State != Running || Current() != x || !Busy(x) {
			t.Fatal("it does not run")
		}
		Block(x)
	}
	want(t, "idle", Next(), nil)
}

func TestEqualsTakeTurnsBySlices(t *testing.T) {
	machine(t, 1)
	a, b := thread(2), thread(2)
	MakeReady(a)
	MakeReady(b)
	want(t, "first", Next(), a)
	if fake.M.Armed[0] != 1+Slice {
		t.Fatalf("armed for %d", fake.M.Armed[0])
	}
	want(t, "within the slice", tick(Slice/2), a)
	want(t, "second", tick(1+Slice), b)
	want(t, "first again", tick(2+2*Slice), a)
	if a.UserNS != Slice || b.UserNS != Slice+1 {
		t.Fatalf("CPU times %d, %d", a.UserNS, b.UserNS)
	}
}

func TestAHigherPriorityPreemptsAndTheRestOfTheSliceIsKept(t *testing.T) {
	machine(t, 1)
	a, b, c := thread(2), thread(2), thread(6)
	MakeReady(a)
	Next()
	MakeReady(b)
	fake.M.NS = 1 + Slice/4
	MakeReady(c)
	want(t, "preempts", Next(), c)
	fake.M.NS += Slice / 4
	Block(c)
	want(t, "goes on before its equal", Next(), a)
	want(t, "until the slice is used up", tick(fake.M.NS+Slice*3/4-1), a)
	want(t, "then", tick(fake.M.NS+1), b)
}

func TestADirectSwitchInheritsTheSliceButNotAgainstHigherPriorities(t *testing.T) {
	machine(t, 1)
	a, b, c := thread(4), thread(4), thread(5)
	MakeReady(a)
	Next()
	armed := fake.M.Armed[0]
	fake.M.NS += Slice / 2
	a.State = Blocked
	if !SwitchTo(b) {
		t.Fatal("nothing else is ready")
	}
	want(t, "current", Keep(), b)
	if fake.M.Armed[0] != armed {
		t.Fatal("a new slice")
	}
	b.State = Blocked
	ready[c.Prio].Push(c)
	mask |= 1 << c.Prio
	c.State = Ready
	if SwitchTo(a) {
		t.Fatal("a higher priority is ready")
	}
	want(t, "keep", Keep(), nil)
	want(t, "next", Next(), c)
	if a.State != Ready {
		t.Fatal("lost")
	}
}

func TestDonationRaisesAndIsTakenBack(t *testing.T) {
	machine(t, 1)
	s := thread(3)
	Donate(s, 6)
	if s.Prio != 6 {
		t.Fatal("not raised")
	}
	Donate(s, 1)
	if s.Prio != 6 {
		t.Fatal("lowered")
	}
	Undonate(s)
	if s.Prio != 3 {
		t.Fatal("not taken back")
	}
}

func TestIdleCPUsAreKickedAndElseTheLowestPriorityIs(t *testing.T) {
	machine(t, 3)
	for c := range 3 {
		on(c)
		Next()
	}
	on(0)
	a, b, c := thread(4), thread(2), thread(3)
	for i, x := range []*Thread{a, b, c} {
		on(0)
		MakeReady(x)
		if i == 0 && fake.M.Kicked != [8]int{} {
			t.Fatal("this CPU was free")
		}
		if i > 0 && fake.M.Kicked[i] != 1 {
			t.Fatal("the idle CPU was not kicked")
		}
		on(i)
		want(t, "runs", Next(), x)
	}
	fake.M.Kicked = [8]int{}
	on(0)
	d := thread(4)
	MakeReady(d)
	if fake.M.Kicked != [8]int{0, 1} {
		t.Fatalf("kicks: %v", fake.M.Kicked)
	}
	on(1)
	want(t, "preempts the lowest", Next(), d)
}

func TestAThreadThatIsKilledOnAnotherCPUStaysBusyUntilItEnters(t *testing.T) {
	machine(t, 2)
	on(1)
	a := thread(4)
	MakeReady(a)
	Next()
	on(0)
	Kill(a)
	if fake.M.Kicked[1] != 1 || !Busy(a) {
		t.Fatal("not kicked, or not busy")
	}
	on(1)
	want(t, "next", Next(), nil)
	if Busy(a) {
		t.Fatal("still busy")
	}
}

func TestAnIdleCPUIsArmedForTheNextDeadline(t *testing.T) {
	machine(t, 1)
	var x Timer
	x.Start(5000)
	want(t, "idle", Next(), nil)
	if fake.M.Armed[0] != 5000 {
		t.Fatalf("armed for %d", fake.M.Armed[0])
	}
	var y Timer
	y.Start(3000)
	if fake.M.Armed[0] != 3000 {
		t.Fatalf("armed for %d", fake.M.Armed[0])
	}
	tick(3000)
	if fake.M.Armed[0] != 5000 {
		t.Fatalf("armed for %d", fake.M.Armed[0])
	}
	x.Start(uabi.NoDeadline)
	if x.Set() || NextDeadline() != 0 {
		t.Fatal("set")
	}
}

func TestAWakingEqualEndsTheSliceOfOneThatHasRunForAWhile(t *testing.T) {
	machine(t, 1)
	a, b := thread(4), thread(4)
	MakeReady(a)
	Next()
	fake.M.NS += Granule - 1
	MakeReady(b)
	want(t, "not yet", Next(), a)
	Block(b)
	fake.M.NS++
	MakeReady(b)
	want(t, "now", Next(), b)
	if a.State != Ready {
		t.Fatal("the other is lost")
	}
}

func TestYieldLetsEqualsRun(t *testing.T) {
	machine(t, 1)
	a, b := thread(4), thread(4)
	MakeReady(a)
	Next()
	MakeReady(b)
	Yield(a)
	want(t, "next", Next(), b)
}

func TestTimersExpireInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		machine(t, 1)
		ts := make([]Timer, 12)
		model := map[*Timer]uint64{}
		now := uint64(1)
		t.Repeat(map[string]func(*rapid.T){
			"start": func(t *rapid.T) {
				x := &ts[rapid.IntRange(0, len(ts)-1).Draw(t, "timer")]
				at := rapid.Uint64Range(1, 50).Draw(t, "at") + now
				x.Start(at)
				model[x] = at
			},
			"stop": func(t *rapid.T) {
				x := &ts[rapid.IntRange(0, len(ts)-1).Draw(t, "timer")]
				x.Stop()
				delete(model, x)
			},
			"time passes": func(t *rapid.T) {
				now += rapid.Uint64Range(0, 30).Draw(t, "ns")
				last := uint64(0)
				for x := Expired(now); x != nil; x = Expired(now) {
					if model[x] != x.At() || x.At() > now || x.At() < last {
						t.Fatalf("timer of %d at %d after %d", model[x], now, last)
					}
					last = x.At()
					delete(model, x)
				}
			},
			"": func(t *rapid.T) {
				var all []uint64
				for x, at := range model {
					if !x.Set() {
						t.Fatalf("a timer is lost")
					}
					all = append(all, at)
				}
				sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
				first := uint64(0)
				if len(all) > 0 {
					first = all[0]
				}
				if NextDeadline() != first {
					t.Fatalf("next deadline %d, want %d", NextDeadline(), first)
				}
			},
		})
	})
}

func TestNoReadyThreadIsForgottenAndNoneRunsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cpus := rapid.IntRange(1, 3).Draw(t, "CPUs")
		machine(t, cpus)
		var ts []*Thread
		for range 6 {
			ts = append(ts, thread(rapid.Uint8Range(0, PrioMax).Draw(t, "priority")))
		}
		enter := func(t *rapid.T) { on(rapid.IntRange(0, cpus-1).Draw(t, "CPU")) }
		pick := func(t *rapid.T) *Thread { return ts[rapid.IntRange(0, len(ts)-1).Draw(t, "thread")] }
		t.Repeat(map[string]func(*rapid.T){
			"ready": func(t *rapid.T) {
				enter(t)
				if x := pick(t); x.State == Blocked && !Busy(x) {
					MakeReady(x)
				}
				Next()
			},
			"block": func(t *rapid.T) {
				enter(t)
				Block(pick(t))
				Next()
			},
			"tick": func(t *rapid.T) {
				enter(t)
				tick(fake.M.NS + rapid.Uint64Range(0, 2*Slice).Draw(t, "ns"))
			},
			"switch": func(t *rapid.T) {
				enter(t)
				if x, c := pick(t), Current(); x.State == Blocked && !Busy(x) && c != nil && c.State == Running {
					c.State = Blocked
					SwitchTo(x)
				}
				Next()
			},
			"": func(t *rapid.T) {
				ready := 0
				for _, x := range ts {
					n := 0
					for c := range cpus {
						if currentOf(c) == x {
							n++
						}
					}
					if x.State == Running && n != 1 || x.State == Ready && (x.In() == nil || n != 0) || n > 1 {
						t.Fatalf("state %d, current of %d CPUs, queue %v", x.State, n, x.In() != nil)
					}
					if x.State == Ready {
						ready++
						if mask>>x.Prio&1 == 0 {
							t.Fatalf("priority %d is not in the mask", x.Prio)
						}
					}
				}
				for c := range cpus {
					if currentOf(c) == nil && ready > 0 && idle>>c&1 != 0 && idle == 1<<cpus-1 {
						t.Fatalf("every CPU idles though a thread is ready")
					}
				}
			},
		})
	})
}

// currentOf is CPU c's current thread.
func currentOf(c int) *Thread { return cpus[c].current }
