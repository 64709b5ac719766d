package uksim

import (
	"bytes"
	"testing"

	"aramid/ukernel/uabi"
)

// solo runs f as the only process, a server that may do everything, and fails the test if f fails the run or does not end.
func solo(t *testing.T, f func(k *Native)) *Sim {
	t.Helper()
	s := machine(t, Config{Seed: 1})
	ended := false
	s.Register("solo", client(func(k *Native) {
		f(k)
		ended = true
	}))
	s.Spawn(Spec{Name: "solo", Rank: uabi.RankNet, Server: true, Binary: "solo"})
	s.Process("solo").OnEnd = nil
	rest(t, s)
	if !ended {
		t.Fatalf("the program did not end\n%s", s.TraceText())
	}
	return s
}

// want fails the run unless two values are equal.
func want[T comparable](k *Native, what string, got, must T) {
	if got != must {
		k.sim.Fail("%s: got %v, must be %v", what, got, must)
		panic(unwind{})
	}
}

func TestAnEventCountsRaisesWhileItsLevelIsHigh(t *testing.T) {
	solo(t, func(k *Native) {
		ev, e := k.EventCreate(uabi.BootAccount)
		must(k, e, "create")
		_, e = k.EventWait(ev, 1, 0, 1)
		want(k, "a wait for nothing", e, uabi.ErrTimeout)
		s1, _ := k.EventUpdate(ev, 1, 0, 0)
		s2, _ := k.EventUpdate(ev, 0, 0, 1)
		want(k, "a raise of a high bit counts", s2 > s1, true)
		bits, e := k.EventWait(ev, 1, s2, uabi.NoDeadline)
		must(k, e, "wait for a level")
		want(k, "bits", bits, 1)
		k.EventUpdate(ev, 0, 1, 0)
		bits, _ = k.EventWait(ev, 3, s1, uabi.NoDeadline)
		want(k, "raised after since, though low again", bits, 1)
		_, e = k.EventWait(ev, 3, s2, 1)
		want(k, "nothing after since", e, uabi.ErrTimeout)
		s3, _ := k.EventUpdate(ev, 0, 0, 2)
		level, seq, _ := k.EventRead(ev)
		want(k, "level", level, 0)
		want(k, "seq", seq, s3)
	})
}

func TestAWaitSetReportsLevelsEdgesAndOneshotsAndNests(t *testing.T) {
	solo(t, func(k *Native) {
		set, _ := k.WaitSetCreate(uabi.BootAccount)
		outer, _ := k.WaitSetCreate(uabi.BootAccount)
		var ev [3]uabi.Handle
		for i, flags := range []uint32{0, uabi.WaitEdge, uabi.WaitOneshot} {
			ev[i], _ = k.EventCreate(uabi.BootAccount)
			must(k, k.WaitSetAdd(set, ev[i], uint64(i), 1, uint64(10+i), flags), "add")
		}
		want(k, "key twice", k.WaitSetAdd(set, ev[0], 0, 1, 0, 0), uabi.ErrExists)
		must(k, k.WaitSetAdd(outer, set, 7, 1, 0, 0), "nest")
		want(k, "cycle", k.WaitSetAdd(set, outer, 9, 1, 0, 0), uabi.ErrDeadlock)
		for i := range ev {
			k.EventUpdate(ev[i], 1, 0, 0)
		}
		out := make([]uabi.WaitReady, 8)
		n, _ := k.WaitSetTake(outer, out)
		want(k, "outer", n, 1)
		n, _ = k.WaitSetTake(set, out)
		want(k, "all three", n, 3)
		n, _ = k.WaitSetTake(set, out)
		want(k, "only the level again", n, 1)
		want(k, "its data", out[0].Data, 10)
		k.EventUpdate(ev[1], 0, 0, 1)
		k.EventUpdate(ev[2], 0, 0, 1)
		n, _ = k.WaitSetTake(set, out)
		want(k, "the level and the new edge", n, 2)
		must(k, k.WaitSetModify(set, 2, 1, 12, uabi.WaitOneshot), "arm again")
		k.EventUpdate(ev[0], 0, 1, 0)
		n, _ = k.WaitSetTake(set, out)
		want(k, "the oneshot again", n, 1)
		must(k, k.WaitSetRemove(set, 0), "remove")
		want(k, "gone", k.WaitSetRemove(set, 0), uabi.ErrNotFound)
	})
}

func TestATimerRaisesAtItsDeadlineAndAtIntervals(t *testing.T) {
	solo(t, func(k *Native) {
		ev, _ := k.EventCreate(uabi.BootAccount)
		tm, e := k.TimerCreate(uabi.BootAccount, ev, 4)
		must(k, e, "create")
		now, _ := k.Clock(uabi.ClockMonotonic)
		must(k, k.TimerSet(tm, now+1_000_000, 500_000), "set")
		since := uint64(0)
		for i := range uint64(3) {
			bits, e := k.EventWait(ev, 4, since, uabi.NoDeadline)
			must(k, e, "wait")
			want(k, "bits", bits, 4)
			since, _ = k.EventUpdate(ev, 0, 4, 0)
			at, _ := k.Clock(uabi.ClockMonotonic)
			if due := now + 1_000_000 + i*500_000; at < due || at > due+20*StepNS {
				k.sim.Fail("raise %d at %d, due %d", i, at, due)
			}
		}
		must(k, k.TimerSet(tm, uabi.NoDeadline, 0), "disarm")
		at, _ := k.Clock(uabi.ClockMonotonic)
		_, e = k.EventWait(ev, 4, since, at+5_000_000)
		want(k, "disarmed", e, uabi.ErrTimeout)
		must(k, k.TimerSet(tm, at, ^uint64(0)-1), "set without end")
		_, since, _ = k.EventRead(ev)
		k.EventUpdate(ev, 0, 4, 0)
		_, e = k.EventWait(ev, 4, since, at+10_000_000)
		want(k, "an interval without end raises once", e, uabi.ErrTimeout)
	})
}

func TestMemoryReadsZeroesCopiesClonesAndCharges(t *testing.T) {
	solo(t, func(k *Native) {
		m, e := k.MemoryCreate(uabi.BootAccount, 3*PageSize-5, 0)
		must(k, e, "create")
		size, frames, _ := k.MemorySize(m)
		want(k, "size is pages", size, 3*PageSize)
		want(k, "no frame yet", frames, 0)
		b := []byte{1, 2, 3, 4}
		n, e := k.MemoryWrite(m, PageSize-2, b)
		must(k, e, "write")
		want(k, "written", n, 4)
		c, e := k.MemoryClone(m, uabi.BootAccount, 0, 2*PageSize)
		must(k, e, "clone")
		k.MemoryWrite(m, PageSize-2, []byte{9, 9, 9, 9})
		got := make([]byte, 6)
		k.MemoryRead(c, PageSize-3, got)
		want(k, "the clone keeps what was", string(got), "\x00\x01\x02\x03\x04\x00")
		_, e = k.MemoryRead(m, 3*PageSize-1, got)
		want(k, "beyond the end", e, uabi.ErrArg)
		must(k, k.MemoryZero(m, 0, PageSize), "zero")
		_, frames, _ = k.MemorySize(m)
		want(k, "zeroing freed a frame", frames, 1)
		flat, e := k.MapSelf(c, 0, PageSize)
		must(k, e, "map")
		flat[7] = 77
		k.MemoryRead(c, 7, got[:1])
		want(k, "a mapping is the object", got[0], 77)
	})
}

func TestASpaceMapsProtectsMovesAndForks(t *testing.T) {
	solo(t, func(k *Native) {
		sp, _ := k.SpaceCreate(uabi.BootAccount)
		const va, n = 0x40000, 4 * PageSize
		_, e := k.SpaceMap(sp, uabi.MapArgs{Va: va, Len: n, Flags: uabi.ProtRead | uabi.ProtWrite, Tag: 5})
		must(k, e, "map")
		_, e = k.SpaceMap(sp, uabi.MapArgs{Va: va + PageSize, Len: PageSize, Flags: uabi.ProtRead})
		want(k, "occupied", e, uabi.ErrExists)
		data := bytes.Repeat([]byte("abcd"), PageSize/2)
		_, e = k.SpaceWrite(sp, va+PageSize-2, data[:8])
		must(k, e, "write")
		must(k, k.SpaceProtect(sp, va+PageSize, PageSize, uabi.ProtRead), "protect")
		w, e := k.SpaceWrite(sp, va+PageSize-1, data[:4])
		must(k, e, "short write")
		want(k, "up to the fault", w, 1)
		_, e = k.SpaceWrite(sp, va+PageSize, data[:4])
		want(k, "fault", e, uabi.ErrFault)
		want(k, "a hole", k.SpaceProtect(sp, va, n+PageSize, uabi.ProtRead), uabi.ErrNoMem)
		child, e := k.SpaceClone(sp, uabi.BootAccount)
		must(k, e, "clone")
		k.SpaceWrite(sp, va, []byte("parent"))
		got := make([]byte, 6)
		k.SpaceRead(child, va, got)
		want(k, "the child keeps its page", string(got), "\x00\x00\x00\x00\x00\x00")
		must(k, k.SpaceMove(sp, va, n, va+0x100000, n+PageSize), "move and grow")
		k.SpaceRead(sp, va+0x100000, got)
		want(k, "moved", string(got), "parent")
		_, e = k.SpaceRead(sp, va, got)
		want(k, "not here any more", e, uabi.ErrFault)
		r, ok, _ := k.SpaceQuery(sp, 0)
		want(k, "first region", ok && r.Va == va+0x100000 && r.Len == PageSize && r.Tag == 5, true)
		at, e := k.SpaceGap(sp, PageSize, va, va+0x200000, uabi.GapLow)
		must(k, e, "gap")
		want(k, "lowest gap", at, va)
		must(k, k.SpaceUnmap(sp, va, 0x200000), "unmap all")
		mapped, frames, _ := k.SpaceInfo(sp)
		want(k, "nothing mapped", mapped, 0)
		want(k, "nothing resident", frames, 0)
	})
}

func TestASharedMappingIsTheMemoryObjectAndAPrivateOneIsNot(t *testing.T) {
	solo(t, func(k *Native) {
		sp, _ := k.SpaceCreate(uabi.BootAccount)
		m, _ := k.MemoryCreate(uabi.BootAccount, 2*PageSize, 0)
		k.MemoryWrite(m, PageSize, []byte("file"))
		k.SpaceMap(sp, uabi.MapArgs{Va: 0x10000, Len: PageSize, Memory: m, Off: PageSize, Flags: uabi.ProtRead | uabi.ProtWrite})
		k.SpaceMap(sp, uabi.MapArgs{Va: 0x20000, Len: PageSize, Memory: m, Off: PageSize, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapShared})
		k.SpaceWrite(sp, 0x10000, []byte("P"))
		k.SpaceWrite(sp, 0x20001, []byte("S"))
		b := make([]byte, 4)
		k.MemoryRead(m, PageSize, b)
		want(k, "the object", string(b), "fSle")
		k.SpaceRead(sp, 0x10000, b)
		want(k, "the private copy", string(b), "Pile")
		must(k, k.SpaceDiscard(sp, 0x10000, PageSize), "discard")
		k.SpaceRead(sp, 0x10000, b)
		want(k, "fetched again", string(b), "fSle")
	})
}

func TestAnAccountsLimitIsAnErrorAndWhatDiesIsGivenBack(t *testing.T) {
	s := solo(t, func(k *Native) {
		a, e := k.AccountCreate(uabi.BootAccount, 2, 3)
		must(k, e, "create")
		m, e := k.MemoryCreate(a, 8*PageSize, 0)
		must(k, e, "memory")
		n, e := k.MemoryWrite(m, 0, make([]byte, 3*PageSize))
		must(k, e, "short write")
		want(k, "two frames fit", n, 2*PageSize)
		_, e = k.MemoryWrite(m, 4*PageSize, []byte{1})
		want(k, "no frame", e, uabi.ErrNoMem)
		k.EventCreate(a)
		k.EventCreate(a)
		_, e = k.EventCreate(a)
		want(k, "no object", e, uabi.ErrNoMem)
		k.Close(m)
		frames, objects, _ := k.AccountInfo(a)
		want(k, "frames given back", frames, 0)
		want(k, "objects left", objects, 2)
	})
	if n := s.Live(uabi.TypeMemory); n != 0 {
		t.Errorf("%d memory objects are alive", n)
	}
}

func TestHandlesHaveRightsTypesAndGenerations(t *testing.T) {
	solo(t, func(k *Native) {
		ev, _ := k.EventCreate(uabi.BootAccount)
		ro, e := k.Dup(ev, uabi.RightRead)
		must(k, e, "dup")
		_, e = k.EventUpdate(ro, 1, 0, 0)
		want(k, "right", e, uabi.ErrRights)
		_, e = k.Dup(ro, uabi.RightRead|uabi.RightWrite)
		want(k, "rights cannot grow", e, uabi.ErrRights)
		_, _, e = k.MemorySize(ev)
		want(k, "type", e, uabi.ErrType)
		must(k, k.Close(ro), "close")
		again, _ := k.EventCreate(uabi.BootAccount)
		want(k, "the slot is used again", again&slotMask, ro&slotMask)
		_, _, e = k.EventRead(ro)
		want(k, "the old number", e, uabi.ErrHandle)
		want(k, "closed twice", k.Close(ro), uabi.ErrHandle)
	})
}

func TestAFutexOperationWordIsThatOfTheManual(t *testing.T) {
	op := func(op, cmp, oparg, cmparg uint32) uint32 { return op<<28 | cmp<<24 | oparg&0xfff<<12 | cmparg&0xfff }
	for _, c := range []struct {
		op, old, v uint32
		hit        bool
	}{
		{op(0, 0, 5, 7), 7, 5, true},               // SET, EQ
		{op(1, 4, 1, 0), 1, 2, true},               // ADD, GT
		{op(1, 2, 0xfff, 0), 0, ^uint32(0), false}, // ADD −1, LT
		{op(2, 1, 8, 0), 1, 9, true},               // OR, NE
		{op(3, 3, 1, 1), 1, 0, true},               // ANDN, LE
		{op(4, 5, 3, 2), 1, 2, false},              // XOR, GE
		{op(8, 0, 4, 0), 0, 16, true},              // SET 1<<4
	} {
		if v, hit, ok := futexOp(c.op, c.old); !ok || v != c.v || hit != c.hit {
			t.Errorf("op %#x on %d gives %d %v %v", c.op, c.old, v, hit, ok)
		}
	}
	if _, _, ok := futexOp(op(7, 0, 0, 0), 0); ok {
		t.Error("operation 7 is taken")
	}
}
