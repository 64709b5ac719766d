package frame

import (
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"pgregory.net/rapid"
)

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// boot starts a machine with holes in its RAM.
func boot(t fataler, frames uint64, holes ...hw.Range) {
	t.Helper()
	fake.Reset(int(frames*Size), 2)
	bi := hw.BootInfo{Top: frames * Size}
	base := uint64(0)
	for _, h := range append(holes, hw.Range{Base: frames * Size}) {
		bi.Free[bi.NFree] = hw.Range{Base: base, Len: h.Base - base}
		bi.NFree++
		base = h.Base + h.Len
	}
	FailIn = 0
	if !Init(&bi) {
		t.Fatalf("Init")
	}
}

func TestAllFreeRAMIsHandedOutOnceAndNothingElse(t *testing.T) {
	hole := hw.Range{Base: 100*Size + 1, Len: 50 * Size} // ragged: two partial frames are lost
	boot(t, 1000, hole)
	if want := uint64(1000 - 1 - 51); Total() != want || FreeCount()+Kernel() != want {
		t.Fatalf("total %d, free %d, kernel %d; want %d", Total(), FreeCount(), Kernel(), want)
	}
	seen := map[uint64]bool{}
	for {
		pa, ok := Alloc(true)
		if !ok {
			break
		}
		if seen[pa] || pa == 0 || pa >= 100*Size && pa < 151*Size {
			t.Fatalf("frame %#x", pa)
		}
		seen[pa] = true
	}
	if uint64(len(seen)) != Total()-Kernel() || FreeCount() != 0 {
		t.Fatalf("%d frames handed out", len(seen))
	}
}

func TestMetadataTakesSixteenBytesPerFrame(t *testing.T) {
	boot(t, 1<<16)
	if Kernel() != 1<<16*16/Size {
		t.Fatalf("%d frames of metadata", Kernel())
	}
}

func TestTheReserveIsForServersOnly(t *testing.T) {
	boot(t, 64)
	SetReserve(10)
	for {
		if _, ok := Alloc(false); !ok {
			break
		}
	}
	if FreeCount() != 10 {
		t.Fatalf("%d frames left", FreeCount())
	}
	if _, ok := AllocRun(2, false); ok {
		t.Fatal("a run from the reserve")
	}
	if _, ok := Alloc(true); !ok {
		t.Fatal("a server cannot use the reserve")
	}
}

func TestRetiredFramesWaitForTheAcknowledgement(t *testing.T) {
	boot(t, 64)
	a, _ := Alloc(true)
	b, _ := Alloc(true)
	free := FreeCount()
	Retire(a)
	Seal(fake.Shoot(1 << 1))
	Retire(b)
	Seal(fake.Shoot(1 << 1))
	if FreeCount() != free || Quarantined() != 2 {
		t.Fatal("free at once")
	}
	fake.M.Acks[1] = 1
	if FreeCount() != free+1 || Quarantined() != 1 {
		t.Fatal("the first batch is acknowledged, the second is not")
	}
	fake.Ack(1)
	if FreeCount() != free+2 || Quarantined() != 0 {
		t.Fatal("both are acknowledged")
	}
}

// The model is a set of frames with counts.
func TestFramesAreNeverHandedOutTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frames := uint64(rapid.IntRange(40, 3000).Draw(t, "frames"))
		boot(t, frames, hw.Range{Base: frames / 3 * Size, Len: uint64(rapid.IntRange(0, 10).Draw(t, "hole")) * Size})
		held := []uint64{}
		refs := map[uint64]uint32{}
		waiting := map[uint64]bool{} // retired, the CPU has not acknowledged
		start := FreeCount()
		take := func(pa uint64) {
			if refs[pa] != 0 || waiting[pa] || Refs(pa) != 1 {
				t.Fatalf("frame %#x is handed out while in use", pa)
			}
			refs[pa] = 1
			held = append(held, pa)
			SetOwner(pa, pa^0x1234567890)
		}
		drop := func(t *rapid.T) (uint64, bool) {
			if len(held) == 0 {
				t.Skip()
			}
			i := rapid.IntRange(0, len(held)-1).Draw(t, "which")
			pa := held[i]
			if Owner(pa) != pa^0x1234567890 {
				t.Fatalf("frame %#x: owner %#x", pa, Owner(pa))
			}
			refs[pa]--
			last := Unref(pa)
			if last != (refs[pa] == 0) {
				t.Fatalf("frame %#x: last is %v, count %d", pa, last, refs[pa])
			}
			if last {
				held[i] = held[len(held)-1]
				held = held[:len(held)-1]
			}
			return pa, last
		}
		t.Repeat(map[string]func(*rapid.T){
			"alloc": func(t *rapid.T) {
				for range rapid.IntRange(1, 200).Draw(t, "n") {
					pa, ok := AllocZero(true)
					if !ok {
						if FreeCount() != 0 {
							t.Fatalf("none, with %d free", FreeCount())
						}
						return
					}
					if *Page(pa) != [Size]byte{} {
						t.Fatalf("frame %#x is not zero", pa)
					}
					Page(pa)[17] = 1
					take(pa)
				}
			},
			"run": func(t *rapid.T) {
				n := rapid.IntRange(1, 80).Draw(t, "n")
				if pa, ok := AllocRun(n, true); ok {
					for i := range n {
						take(pa + uint64(i)*Size)
					}
				}
			},
			"ref": func(t *rapid.T) {
				if len(held) > 0 {
					pa := rapid.SampledFrom(held).Draw(t, "pa")
					Ref(pa)
					refs[pa]++
				}
			},
			"free": func(t *rapid.T) {
				for range rapid.IntRange(1, 150).Draw(t, "n") {
					if len(held) == 0 {
						return
					}
					if pa, last := drop(t); last {
						Free(pa)
					}
				}
			},
			"retire": func(t *rapid.T) {
				if pa, last := drop(t); last {
					Retire(pa)
					Seal(fake.Shoot(1 << 1))
					waiting[pa] = true
				}
			},
			"ack":  func(*rapid.T) { fake.Ack(1); clear(waiting) },
			"trim": func(*rapid.T) { Trim() },
			"": func(t *rapid.T) {
				inUse := uint64(len(held))
				if FreeCount()+inUse+Quarantined() != start || Quarantined() != uint64(len(waiting)) {
					t.Fatalf("%d free, %d in use, %d in quarantine; %d at start", FreeCount(), inUse, Quarantined(), start)
				}
				for pa, n := range refs {
					if Refs(pa) != n {
						t.Fatalf("frame %#x: count %d, want %d", pa, Refs(pa), n)
					}
				}
			},
		})
		for len(held) > 0 {
			pa := held[0]
			held = held[1:]
			Free(pa)
		}
		fake.Ack(1)
		Trim()
		checkMerged(t)
	})
}

// checkMerged asserts that no two free buddies of one order were left apart.
func checkMerged(t fataler) {
	t.Helper()
	free := uint64(0)
	for order := uint8(0); order <= MaxOrder; order++ {
		for f := z.list[order]; f != none; f = at(f).a {
			free += 1 << order
			b := f ^ 1<<order
			if order < MaxOrder && uint64(b) < z.frames && at(b).state == stateBuddy && at(b).order == order {
				t.Fatalf("frames %d and %d, order %d, are not merged", f, b, order)
			}
		}
	}
	if free != FreeCount() {
		t.Fatalf("%d frames in the lists, %d counted", free, FreeCount())
	}
}
