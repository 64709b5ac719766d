package object

import (
	"testing"
	"unsafe"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
	"pgregory.net/rapid"
)

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func boot(t fataler, frames uint64) {
	t.Helper()
	fake.Reset(int(frames*frame.Size), 1)
	bi := hw.BootInfo{Top: frames * frame.Size, NFree: 1}
	bi.Free[0] = hw.Range{Len: frames * frame.Size}
	frame.FailIn = 0
	if !frame.Init(&bi) {
		t.Fatalf("frame.Init")
	}
	Init()
}

type small struct {
	Header
	word uint64
}

type large struct {
	Header
	bytes [5000]byte
}

func TestPoolObjectsAreZeroedAlignedAndDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boot(t, 2048)
		free := frame.FreeCount()
		var p Pool[small]
		var q Pool[large]
		used := map[*small]uint64{}
		usedLarge := map[*large]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"get": func(t *rapid.T) {
				for i := range rapid.IntRange(1, 100).Draw(t, "n") {
					s := p.Get(nil)
					if s == nil || *s != (small{}) || used[s] != 0 || uintptr(unsafe.Pointer(s))%16 != 0 {
						t.Fatalf("object %p", s)
					}
					s.word = uint64(len(used) + i + 1)
					used[s] = s.word
				}
			},
			"get large": func(t *rapid.T) {
				l := q.Get(nil)
				if l == nil || *l != (large{}) || usedLarge[l] {
					t.Fatalf("object %p", l)
				}
				l.bytes[4999] = 1
				usedLarge[l] = true
			},
			"put": func(t *rapid.T) {
				n := rapid.IntRange(1, 100).Draw(t, "n")
				for s, word := range used {
					if n--; n < 0 {
						break
					}
					if s.word != word {
						t.Fatalf("object %p was overwritten", s)
					}
					p.Put(s, nil)
					delete(used, s)
				}
			},
			"put large": func(*rapid.T) {
				for l := range usedLarge {
					q.Put(l, nil)
					delete(usedLarge, l)
					break
				}
			},
			"": func(t *rapid.T) {
				if p.Live() != uint64(len(used)) || q.Live() != uint64(len(usedLarge)) {
					t.Fatalf("%d and %d objects", p.Live(), q.Live())
				}
			},
		})
		for s := range used {
			p.Put(s, nil)
		}
		for l := range usedLarge {
			q.Put(l, nil)
		}
		p.Trim()
		q.Trim()
		if frame.FreeCount() != free {
			t.Fatalf("%d frames free of %d", frame.FreeCount(), free)
		}
	})
}

func TestAccountsChargeAllTheirAncestorsOrNone(t *testing.T) {
	boot(t, 256)
	root := NewAccount(nil, 10, 100)
	child := NewAccount(root, 6, 0)
	grand := NewAccount(child, 0, 0)
	if !grand.ChargeFrames(6) || grand.ChargeFrames(1) || !child.Hit || root.Hit || grand.Hit {
		t.Fatal("the limit of the middle")
	}
	if root.FramesUsed != 6 || child.FramesUsed != 6 || grand.FramesUsed != 6 {
		t.Fatal("a failed charge was kept, or one was lost")
	}
	if !root.ChargeFrames(4) || root.ChargeFrames(1) {
		t.Fatal("the limit of the root")
	}
	child.SetLimit(7, 0)
	if grand.ChargeFrames(1) || !root.Hit || grand.FramesUsed != 6 || child.FramesUsed != 6 {
		t.Fatal("a failed charge at the root was kept below")
	}
}

func TestAnAccountLivesUntilTheLastFrameIsUncharged(t *testing.T) {
	boot(t, 256)
	root := NewAccount(nil, 0, 0)
	child := NewAccount(root, 0, 0)
	pa, _ := child.AllocFrame()
	run, _ := child.AllocRun(3)
	child.Release()
	if Live(uabi.TypeAccount) != 2 || root.FramesUsed != 4 || root.ObjectsUsed != 1 {
		t.Fatal("the account is gone too early")
	}
	for i := range uint64(3) {
		DropFrame(run + i*frame.Size)
	}
	frame.Ref(pa)
	DropFrame(pa)
	if Live(uabi.TypeAccount) != 2 {
		t.Fatal("the account is gone before its frame")
	}
	DropFrame(pa)
	if Live(uabi.TypeAccount) != 1 || root.FramesUsed != 0 || root.ObjectsUsed != 0 || root.Refs != 1 {
		t.Fatalf("%d accounts; root: %d frames, %d objects, %d references", Live(uabi.TypeAccount), root.FramesUsed, root.ObjectsUsed, root.Refs)
	}
	root.Release()
	if Live(uabi.TypeAccount) != 0 {
		t.Fatal("the root is not gone")
	}
}

// The model is a map from handle to object, and the set of handles that were closed.
func TestHandlesNameWhatWasInsertedUntilTheyAreRemoved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boot(t, 2048)
		a := NewAccount(nil, 0, 0)
		var objects [8]Header
		var table Table
		table.Init(a)
		open := map[uabi.Handle]int{}
		closed := map[uabi.Handle]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				for range rapid.IntRange(1, 200).Draw(t, "n") {
					i := rapid.IntRange(0, 7).Draw(t, "object")
					h, err := table.Insert(&objects[i], nil, uint32(i))
					if err != uabi.OK || closed[h] || h == 0 || h&slotMask < uabi.BootFirst {
						t.Fatalf("Insert: %#x, %v", h, err)
					}
					if _, dup := open[h]; dup {
						t.Fatalf("handle %#x is given twice", h)
					}
					open[h] = i
				}
			},
			"insert at": func(t *rapid.T) {
				slot := uabi.Handle(rapid.IntRange(0, int(uabi.BootFirst)).Draw(t, "slot"))
				_, taken := open[slot]
				want := uabi.OK
				switch {
				case slot == 0 || slot == uabi.BootFirst:
					want = uabi.ErrArg
				case taken:
					want = uabi.ErrExists
				}
				if err := table.InsertAt(slot, &objects[1], nil, 1); err != want {
					t.Fatalf("InsertAt %d: %v, want %v", slot, err, want)
				}
				if want == uabi.OK {
					open[slot] = 1
					delete(closed, slot)
				}
			},
			"remove": func(t *rapid.T) {
				n := rapid.IntRange(1, 150).Draw(t, "n")
				for h, i := range open {
					if n--; n < 0 {
						break
					}
					e, err := table.Lookup(h)
					if err != uabi.OK || e.Obj != &objects[i] || e.Rights != uint32(i) {
						t.Fatalf("Lookup %#x: %+v, %v", h, e, err)
					}
					table.Remove(h, e)
					delete(open, h)
					closed[h] = true
				}
			},
			"": func(t *rapid.T) {
				for h, i := range open {
					if e, err := table.Lookup(h); err != uabi.OK || e.Obj != &objects[i] {
						t.Fatalf("Lookup %#x: %v", h, err)
					}
				}
				for h := range closed {
					if _, err := table.Lookup(h); err != uabi.ErrHandle {
						t.Fatalf("stale handle %#x: %v", h, err)
					}
				}
				n := 0
				for h := table.Next(0); h != 0; h = table.Next(h) {
					if _, ok := open[h]; !ok {
						t.Fatalf("Next gives %#x", h)
					}
					n++
				}
				if n != len(open) || table.Count() != n || Handles() != uint64(n) {
					t.Fatalf("%d handles, %d counted, Next gives %d", len(open), table.Count(), n)
				}
			},
		})
		for h := range open {
			remove(&table, h)
		}
		table.Destroy()
		if a.FramesUsed != 0 {
			t.Fatalf("%d frames still charged", a.FramesUsed)
		}
	})
}

// remove takes a handle that is there out of a table.
func remove(table *Table, h uabi.Handle) {
	e, _ := table.Lookup(h)
	table.Remove(h, e)
}

func TestAFullTableSaysSo(t *testing.T) {
	boot(t, 2048)
	var o Header
	var table Table
	table.Init(nil)
	for range MaxSlots - int(uabi.BootFirst) {
		if _, err := table.Insert(&o, nil, 0); err != uabi.OK {
			t.Fatal(err)
		}
	}
	if _, err := table.Insert(&o, nil, 0); err != uabi.ErrLimit {
		t.Fatal(err)
	}
	if table.Room(1) != uabi.ErrLimit {
		t.Fatal("Room in a full table")
	}
	h := table.Next(uabi.Handle(5000))
	remove(&table, h)
	if table.Room(1) != uabi.OK || table.Room(2) != uabi.ErrLimit {
		t.Fatal("Room with one free slot")
	}
	if again, err := table.Insert(&o, nil, 0); err != uabi.OK || again == h || again&slotMask != h&slotMask {
		t.Fatalf("the slot of %#x gives %#x, %v", h, again, err)
	}
}

func TestRoomMakesInsertSucceed(t *testing.T) {
	boot(t, 2048)
	a := NewAccount(nil, 0, 0)
	var o Header
	var table Table
	table.Init(a)
	a.SetLimit(1, 0)
	if table.Room(4) != uabi.ErrNoMem || a.FramesUsed > 1 {
		t.Fatal("Room beyond the limit")
	}
	a.SetLimit(2, 0)
	if err := table.Room(4); err != uabi.OK {
		t.Fatal(err)
	}
	a.SetLimit(1, 0)
	for range 4 {
		if _, err := table.Insert(&o, nil, 0); err != uabi.OK {
			t.Fatal(err)
		}
	}
}
