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
