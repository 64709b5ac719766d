package vm

import (
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

const (
	rw    = uabi.ProtRead | uabi.ProtWrite
	ro    = uabi.ProtRead
	pg    = frame.Size
	write = hw.FaultWrite | hw.FaultUser
	read  = hw.FaultUser
)

// machine starts a fake machine whose RAM has the last page free of package frame, for physical windows.
func machine(t fataler, frames, cpus int) (window uint64) {
	t.Helper()
	fake.Reset((frames+windowPages)*pg, cpus)
	bi := hw.BootInfo{NFree: 1, Top: uint64(frames) * pg}
	bi.Free[0] = hw.Range{Base: pg, Len: uint64(frames-1) * pg}
	frame.FailIn = 0
	if !frame.Init(&bi) {
		t.Fatalf("frame.Init")
	}
	object.Init()
	if err := Init(); err != uabi.OK {
		t.Fatalf("Init: %v", err)
	}
	return uint64(frames) * pg
}

const windowPages = 16

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// account is a fresh account without limits.
func account(t fataler) *object.Account {
	t.Helper()
	a := object.NewAccount(nil, 0, 0)
	if a == nil {
		t.Fatalf("NewAccount")
	}
	return a
}

func newSpace(t fataler, a *object.Account) *Space {
	t.Helper()
	s, err := NewSpace(a)
	if err != uabi.OK {
		t.Fatalf("NewSpace: %v", err)
	}
	return s
}

// must maps, and fails the test on an error.
func must(t fataler, s *Space, m MapArgs) uint64 {
	t.Helper()
	va, err := s.Map(&m)
	if err != uabi.OK {
		t.Fatalf("Map %#x: %v", m.Va, err)
	}
	return va
}

// poke and peek access one byte of user memory.
func poke(t fataler, s *Space, va uint64, b byte) {
	t.Helper()
	if _, err := s.Write(va, []byte{b}); err != uabi.OK {
		t.Fatalf("write %#x: %v", va, err)
	}
}

func peek(t fataler, s *Space, va uint64) byte {
	t.Helper()
	var b [1]byte
	if _, err := s.Read(va, b[:]); err != uabi.OK {
		t.Fatalf("read %#x: %v", va, err)
	}
	return b[0]
}

func TestAnonymousMemoryIsZeroThenKeepsWhatIsWritten(t *testing.T) {
	machine(t, 1024, 1)
	a := account(t)
	free := frame.FreeCount()
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x10000, Len: 4 * pg, Flags: rw})
	if b := peek(t, s, 0x11234); b != 0 {
		t.Fatalf("fresh page reads %d", b)
	}
	poke(t, s, 0x11234, 7)
	if b := peek(t, s, 0x11234); b != 7 {
		t.Fatalf("read %d, wrote 7", b)
	}
	if s.Fault(0x14000, read) != Segv || s.Fault(0xf000, write) != Segv {
		t.Fatal("access outside of the region is solved")
	}
	s.Release()
	spaces.Trim()
	regions.Trim()
	if a.FramesUsed != 0 || a.ObjectsUsed != 0 || frame.FreeCount() != free {
		t.Fatalf("left: %d frames, %d objects charged; %d of %d free", a.FramesUsed, a.ObjectsUsed, frame.FreeCount(), free)
	}
}

func TestForkSharesPagesUntilOneSideWrites(t *testing.T) {
	machine(t, 1024, 1)
	a := account(t)
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x10000, Len: pg, Flags: rw})
	poke(t, s, 0x10000, 1)
	used := a.FramesUsed
	c, err := s.Clone(a)
	if err != uabi.OK {
		t.Fatal(err)
	}
	if a.FramesUsed-used != ptLevels {
		t.Fatalf("fork took %d frames, not just page tables", a.FramesUsed-used)
	}
	poke(t, c, 0x10000, 2)
	if peek(t, s, 0x10000) != 1 || peek(t, c, 0x10000) != 2 {
		t.Fatal("a write after fork is seen on the other side, or lost")
	}
	used = a.FramesUsed
	poke(t, s, 0x10000, 3)
	if a.FramesUsed != used {
		t.Fatal("the last owner of a page copied it")
	}
}

// Linux regression 1.
func TestDataSurvivesFaultsOnNeighboursOfAnOverlaidMapping(t *testing.T) {
	window := machine(t, 1024, 1)
	for i := range uint64(8) {
		frame.Page(window + i*pg)[0] = byte(100 + i)
	}
	a := account(t)
	m, _ := NewPhys(a, window, 8*pg)
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x10000, Len: 8 * pg, Memory: m, Flags: ro})
	if peek(t, s, 0x10000) != 100 {
		t.Fatal("wrong page")
	}
	must(t, s, MapArgs{Va: 0x12000, Len: 2 * pg, Memory: m, Off: 4 * pg, Flags: rw | uabi.MapFixed})
	poke(t, s, 0x12000, 9)
	for i := range uint64(8) {
		want := []byte{100, 101, 9, 105, 104, 105, 106, 107}[i]
		if b := peek(t, s, 0x10000+i*pg); b != want {
			t.Fatalf("page %d reads %d, not %d", i, b, want)
		}
	}
	if peek(t, s, 0x12000) != 9 || frame.Page(window + 4*pg)[0] != 104 {
		t.Fatal("the written page was fetched again, or the window written")
	}
}

// Linux regression 2.
func TestEveryPieceOfASplitMappingKeepsItsObjectOffset(t *testing.T) {
	window := machine(t, 1024, 1)
	for i := range uint64(16) {
		frame.Page(window + i*pg)[0] = byte(100 + i)
	}
	a := account(t)
	m, _ := NewPhys(a, window, 16*pg)
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x10000, Len: 16 * pg, Memory: m, Flags: ro})
	if err := s.Protect(0x12000, 2*pg, rw); err != uabi.OK {
		t.Fatal(err)
	}
	must(t, s, MapArgs{Va: 0x16000, Len: pg, Flags: rw | uabi.MapFixed})
	if _, err := s.Unmap(0x1a000, 2*pg); err != uabi.OK {
		t.Fatal(err)
	}
	for i := range uint64(16) {
		va := 0x10000 + i*pg
		switch i {
		case 6:
			if peek(t, s, va) != 0 {
				t.Fatal("overlay is not zero")
			}
		case 10, 11:
			if s.Fault(va, read) != Segv {
				t.Fatalf("page %d is still mapped", i)
			}
		default:
			if b := peek(t, s, va); b != byte(100+i) {
				t.Fatalf("page %d reads %d", i, b)
			}
		}
	}
}

func TestHugeReservationsCostOneRegion(t *testing.T) {
	machine(t, 1024, 1)
	a := account(t)
	s := newSpace(t, a)
	used, objects := a.FramesUsed, a.ObjectsUsed
	must(t, s, MapArgs{Va: 0xc000000000, Len: 64 << 40, Flags: 0})
	if a.FramesUsed != used || a.ObjectsUsed != objects+1 {
		t.Fatalf("cost %d frames and %d objects", a.FramesUsed-used, a.ObjectsUsed-objects)
	}
	if err := s.Protect(0xc000000000, 4<<20, rw); err != uabi.OK {
		t.Fatal(err)
	}
	poke(t, s, 0xc000000000, 1)
	if more, err := s.Unmap(0xc000000000, 64<<40); more || err != uabi.OK {
		t.Fatalf("Unmap: more=%v %v", more, err)
	}
	if a.FramesUsed != used || a.ObjectsUsed != objects {
		t.Fatal("unmapping left something")
	}
}

func TestAFrameWaitsForTheShootdownThatAnEarlierUnmapAskedFor(t *testing.T) {
	machine(t, 1024, 2)
	a := account(t)
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x10000, Len: pg, Flags: rw})
	poke(t, s, 0x10000, 1)
	pa, _ := s.Resolve(0x10000, false)
	fake.M.CPU = 1
	Switch(nil, s)
	fake.M.CPU = 0
	c, _ := s.Clone(a)
	if _, err := s.Unmap(0x10000, pg); err != uabi.OK {
		t.Fatal(err)
	}
	if frame.Refs(pa) != 1 {
		t.Fatal("the child does not hold the frame alone")
	}
	c.Release()
	quarantined := frame.Quarantined()
	if frame.Refs(pa) != 0 || quarantined == 0 {
		t.Fatal("the frame is not in quarantine, though CPU 1 may still use it")
	}
	fake.Ack(1)
	frame.Trim()
	if frame.Quarantined() != 0 {
		t.Fatal("the frame stays in quarantine")
	}
}

func TestLongWorkGoesInPieces(t *testing.T) {
	machine(t, 8192, 1)
	a := account(t)
	s := newSpace(t, a)
	const n = 3*piece + 100
	must(t, s, MapArgs{Va: 0x100000, Len: n * pg, Flags: rw})
	fill := func() {
		for i := range uint64(n) {
			if s.Fault(0x100000+i*pg, write) != Solved {
				t.Fatal("fault")
			}
		}
	}
	fill()
	pieces := 1
	for {
		before := s.resident
		more, err := s.Discard(0x100000, n*pg)
		if err != uabi.OK || before-s.resident > piece {
			t.Fatalf("%d pages in one piece, %v", before-s.resident, err)
		}
		if !more {
			break
		}
		pieces++
	}
	if s.resident != 0 || pieces < 4 {
		t.Fatalf("%d pages left after %d pieces", s.resident, pieces)
	}
	fill()
	for more := true; more; {
		before := s.resident
		more, _ = s.Unmap(0x100000, n*pg)
		if before-s.resident > piece {
			t.Fatalf("%d pages in one piece", before-s.resident)
		}
	}
	if s.first != nil || s.resident != 0 {
		t.Fatal("something is left after Unmap")
	}
	must(t, s, MapArgs{Va: 0x100000, Len: n * pg, Flags: rw})
	fill()
	s.Release()
	for pieces = 1; Reap(); pieces++ {
	}
	if pieces < 3 || a.FramesUsed != 0 {
		t.Fatalf("destroyed in %d pieces, %d frames left", pieces, a.FramesUsed)
	}
}

func TestADeadSpaceKeepsItsRootWhileAnotherCPUHasItLoaded(t *testing.T) {
	machine(t, 1024, 2)
	a := account(t)
	s := newSpace(t, a)
	fake.M.CPU = 1
	Switch(nil, s)
	fake.M.CPU = 0
	s.Release()
	if a.FramesUsed != 1 || fake.M.Kicked[1] == 0 || Reap() {
		t.Fatalf("%d frames charged, CPU 1 kicked %d times", a.FramesUsed, fake.M.Kicked[1])
	}
	fake.M.CPU = 1
	Switch(s, nil)
	if a.FramesUsed != 0 || object.Live(uabi.TypeSpace) != 1 {
		t.Fatal("the root is still there")
	}
}

// Each operation runs with its k-th allocation failing, for every k until it succeeds; a failure must leave accounts and free
// frames as they were.
func TestRunningOutOfMemoryAnywhereLeavesNothingBehind(t *testing.T) {
	for _, way := range []failure{
		{"frame", func(_ *object.Account, k uint64) { frame.FailIn = int(k) }, func(*object.Account) bool { return frame.FailIn == 0 }},
		{"frame limit", func(a *object.Account, k uint64) { a.FramesLimit = a.FramesUsed + k - 1 }, func(a *object.Account) bool { return a.Hit }},
		{"object limit", func(a *object.Account, k uint64) { a.ObjectsLimit = a.ObjectsUsed + k - 1 }, func(a *object.Account) bool { return a.Hit }},
	} {
		t.Run(way.name, func(t *testing.T) { failEverywhere(t, way) })
	}
}

// failure is a way to make the k-th allocation fail, and whether that has happened.
type failure struct {
	name string
	set  func(a *object.Account, k uint64)
	hit  func(a *object.Account) bool
}

func failEverywhere(t *testing.T, way failure) {
	window := machine(t, 2048, 1)
	a := account(t)
	m, _ := NewMemory(a, 600*pg, 0)
	m.Write(0, []byte{1})
	m.Write(599*pg, []byte{1})
	phys, _ := NewPhys(a, window, 4*pg)
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x40000000, Len: 16 * pg, Flags: rw})
	for i := range uint64(16) {
		poke(t, s, 0x40000000+i*pg, 1)
	}
	must(t, s, MapArgs{Va: 0x80000000, Len: 600 * pg, Memory: m, Flags: rw | uabi.MapShared, Max: rw})
	must(t, s, MapArgs{Va: 0x90000000, Len: 4 * pg, Memory: phys, Flags: rw})
	fault := func(va, code uint64) func() uabi.Error {
		return func() uabi.Error {
			if s.Fault(va, code) == NoMem {
				return uabi.ErrNoMem
			}
			return uabi.OK
		}
	}
	ops := []struct {
		name string
		run  func() uabi.Error
	}{
		{"map", func() uabi.Error { _, err := s.Map(&MapArgs{Va: 0x50000000, Len: pg, Flags: rw, Tag: 1}); return err }},
		{"map shared", func() uabi.Error {
			_, err := s.Map(&MapArgs{Va: 0x60000000, Len: pg, Flags: rw | uabi.MapShared})
			return err
		}},
		{"map over", func() uabi.Error {
			_, err := s.Map(&MapArgs{Va: 0x40002000, Len: pg, Flags: ro | uabi.MapFixed})
			return err
		}},
		{"anonymous fault", fault(0x50000000, write)},
		{"shared fault", fault(0x60000000, write)},
		{"object fault", fault(0x80000000+300*pg, read)},
		{"window copy", fault(0x90000000, write)},
		{"protect", func() uabi.Error { return s.Protect(0x40008000, pg, ro) }},
		{"tag", func() uabi.Error { return s.Tag(0x4000a000, pg, 7) }},
		{"unmap", func() uabi.Error { _, err := s.Unmap(0x40004000, pg); return err }},
		{"move", func() uabi.Error { return s.Move(0x4000c000, 2*pg, 0xa0000000-pg, 3*pg) }},
		{"memory clone", func() uabi.Error {
			c, err := m.Clone(a, 0, 600*pg)
			if err == uabi.OK {
				c.Release()
			}
			return err
		}},
		{"contiguous", func() uabi.Error {
			c, err := NewMemory(a, 600*pg, uabi.MemoryContiguous)
			if err == uabi.OK {
				c.Release()
			}
			return err
		}},
		{"fork", func() uabi.Error {
			c, err := s.Clone(a)
			if err == uabi.OK {
				c.Release()
			}
			return err
		}},
	}
	for _, op := range ops {
		for k := uint64(1); ; k++ {
			trim()
			frames, objects, free := a.FramesUsed, a.ObjectsUsed, frame.FreeCount()
			a.Hit = false
			way.set(a, k)
			err := op.run()
			hit := way.hit(a)
			frame.FailIn = 0
			a.SetLimit(0, 0)
			if !hit {
				if err != uabi.OK {
					t.Fatalf("%s: %v", op.name, err)
				}
				t.Logf("%s: failed %d times", op.name, k-1)
				break
			}
			trim()
			if err != uabi.ErrNoMem || a.FramesUsed != frames || a.ObjectsUsed != objects || frame.FreeCount() != free {
				t.Fatalf("%s, allocation %d: %v; frames %d → %d, objects %d → %d, free %d → %d", op.name, k, err,
					frames, a.FramesUsed, objects, a.ObjectsUsed, free, frame.FreeCount())
			}
			if err := checkSpace(s, map[uint64]uint32{}); err != nil {
				t.Fatalf("%s, allocation %d: %v", op.name, k, err)
			}
		}
	}
}

func TestMovedPagesFindTheirPageTablesWhereTheOldOnesWere(t *testing.T) {
	machine(t, 1024, 1)
	s := newSpace(t, account(t))
	for _, c := range []struct{ old, oldLen, new, newLen uint64 }{
		{1023, 2, 511, 2},   // the table that the first page leaves is where the second goes
		{1000, 25, 1100, 1}, // the table that the cut-off tail leaves is where the first page goes
	} {
		must(t, s, MapArgs{Va: c.old * pg, Len: c.oldLen * pg, Flags: rw})
		poke(t, s, c.old*pg, 1)
		poke(t, s, (c.old+c.oldLen-1)*pg, 2)
		if err := s.Move(c.old*pg, c.oldLen*pg, c.new*pg, c.newLen*pg); err != uabi.OK {
			t.Fatal(err)
		}
		if peek(t, s, c.new*pg) != 1 || c.newLen == c.oldLen && peek(t, s, (c.new+c.newLen-1)*pg) != 2 {
			t.Fatal("a page is lost")
		}
		if err := checkSpace(s, map[uint64]uint32{}); err != nil {
			t.Fatal(err)
		}
		s.Unmap(c.new*pg, c.newLen*pg)
		if s.pt.leaf(c.old) != 0 || s.pt.leaf(c.new) != 0 {
			t.Fatal("an empty page table is left")
		}
	}
}

// trim gives back what pools keep, and fills no hot lists: then free frames can be compared.
func trim() {
	for Reap() {
	}
	spaces.Trim()
	memories.Trim()
	regions.Trim()
	frame.Trim()
}

func TestAnAccountsLimitStopsFaultsAndSaysSo(t *testing.T) {
	machine(t, 1024, 1)
	root := account(t)
	a := object.NewAccount(root, 0, 0)
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x10000, Len: 8 * pg, Flags: rw})
	poke(t, s, 0x10000, 1)
	a.SetLimit(a.FramesUsed+2, 0)
	poke(t, s, 0x11000, 1)
	poke(t, s, 0x12000, 1)
	if s.Fault(0x13000, write) != NoMem || !a.Hit || root.Hit {
		t.Fatal("a fault beyond the limit")
	}
	if root.FramesUsed != a.FramesUsed {
		t.Fatalf("the parent is charged %d, the account %d", root.FramesUsed, a.FramesUsed)
	}
}

func TestGapFindsTheHighestOrLowestFreeRange(t *testing.T) {
	machine(t, 1024, 1)
	s := newSpace(t, account(t))
	for _, page := range []uint64{0x10, 0x14, 0x15, 0x1c} {
		must(t, s, MapArgs{Va: page * pg, Len: pg, Flags: rw, Tag: page})
	}
	for _, c := range []struct {
		n, low, high uint64
		flags        uint32
		want         uint64
	}{
		{1, 0x10, 0x20, 0, 0x1f}, {4, 0x10, 0x20, 0, 0x18}, {3, 0x10, 0x20, 0, 0x1d}, {6, 0x10, 0x1c, 0, 0x16}, {7, 0x10, 0x20, 0, 0},
		{1, 0x10, 0x20, uabi.GapLow, 0x11}, {4, 0x10, 0x20, uabi.GapLow, 0x16}, {3, 0x12, 0x20, uabi.GapLow, 0x16},
		{1, 0x14, 0x16, 0, 0}, {1, 0x14, 0x16, uabi.GapLow, 0}, {2, 0x0e, 0x12, 0, 0x0e}, {1, 0x11, 0x12, 0, 0x11}, {1, 0x1c, 0x1d, uabi.GapLow, 0},
	} {
		va, err := s.Gap(c.n*pg, c.low*pg, c.high*pg, c.flags)
		if c.want == 0 && err != uabi.ErrNoMem || va != c.want*pg {
			t.Errorf("Gap(%d, %#x, %#x, %d) = %#x, %v; want %#x", c.n, c.low, c.high, c.flags, va/pg, err, c.want)
		}
	}
}

func TestFaultAroundMapsOnlyWhatIsResident(t *testing.T) {
	machine(t, 1024, 1)
	a := account(t)
	m, _ := NewMemory(a, 32*pg, 0)
	for _, i := range []uint64{0, 3, 5, 15, 16} {
		m.Write(i*pg, []byte{1})
	}
	s := newSpace(t, a)
	must(t, s, MapArgs{Va: 0x100000, Len: 32 * pg, Memory: m, Flags: ro})
	if s.Fault(0x105000, read) != Solved {
		t.Fatal("fault")
	}
	if _, n := s.Info(); n != 4 {
		t.Fatalf("%d pages are mapped, want 4", n)
	}
	if _, n := m.Size(); n != 5 {
		t.Fatalf("%d pages are resident, want 5", n)
	}
}

func TestSharedFutexesMeetInTheObject(t *testing.T) {
	machine(t, 1024, 1)
	a := account(t)
	m, _ := NewMemory(a, 4*pg, 0)
	s, o := newSpace(t, a), newSpace(t, a)
	must(t, s, MapArgs{Va: 0x10000, Len: 2 * pg, Memory: m, Off: pg, Flags: rw | uabi.MapShared, Max: rw})
	must(t, o, MapArgs{Va: 0x50000, Len: 4 * pg, Memory: m, Flags: rw | uabi.MapShared, Max: rw})
	k1, _ := s.FutexKey(0x10008, true)
	k2, _ := o.FutexKey(0x51008, true)
	k3, _ := o.FutexKey(0x51008, false)
	if k1 != k2 || k3 == k2 {
		t.Fatalf("keys %v %v %v", k1, k2, k3)
	}
}

func BenchmarkAnonymousFault(b *testing.B) {
	machine(b, 4096, 1)
	a := account(b)
	s := newSpace(b, a)
	Switch(nil, s)
	const n = 512
	must(b, s, MapArgs{Va: 0x200000, Len: n * pg, Flags: rw})
	for b.Loop() {
		for i := range uint64(n) {
			s.Fault(0x200000+i*pg, write)
		}
		s.Discard(0x200000, n*pg)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/page")
}

func TestADeadSpaceStaysLoadedUntilTheSchedulerSwitches(t *testing.T) {
	machine(t, 1024, 1)
	a := account(t)
	s := newSpace(t, a)
	Switch(nil, s)
	s.Release()
	if Loaded() != s || newSpace(t, a) == s {
		t.Fatal("the scheduler would take a new space for the one that is loaded")
	}
	Switch(s, nil)
	if object.Live(uabi.TypeSpace) != 2 {
		t.Fatal("the dead space is still there")
	}
}
