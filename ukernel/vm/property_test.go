package vm

import (
	"flag"
	"os"
	"testing"

	"aramid/ukernel/arch/fake"
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
	"pgregory.net/rapid"
)

func TestSpacesBehaveLikeAPageMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := machine(t, 4096, 2)
		fake.M.TLB[0], fake.M.TLB[1] = map[uint64]uint64{}, map[uint64]uint64{}
		w := &world{t: t, acct: account(t), watched: map[uint64]bool{}}
		free := frame.FreeCount()
		w.spaces = []*mSpace{{real: newSpace(t, w.acct), pages: map[uint64]*mPage{}}}
		phys, err := NewPhys(w.acct, window, windowPages*pg)
		w.expect("NewPhys", err, uabi.OK)
		file := &mMemory{real: phys, pages: map[uint64]content{}, n: windowPages, readOnly: true}
		for i := range uint64(windowPages) {
			frame.Page(window + i*pg)[0], frame.Page(window + i*pg)[pg-1] = byte(i), byte(100+i)
			file.pages[i] = content{byte(i), byte(100 + i)}
		}
		w.memories = []*mMemory{file}
		w.NewMemory(t)
		t.Repeat(map[string]func(*rapid.T){
			"map": w.Map, "map2": w.Map, "unmap": w.Unmap, "protect": w.Protect, "tag": w.Tag, "discard": w.Discard,
			"move": w.Move, "again": w.Again, "punch": w.Punch, "touch": w.Touch, "clone": w.CloneSpace, "release": w.ReleaseSpace, "new memory": w.NewMemory,
			"clone memory": w.CloneMemory, "release memory": w.ReleaseMemory, "resize": w.Resize, "zero": w.ZeroMemory,
			"access memory": w.AccessMemory, "read": w.Read, "write": w.Write, "write2": w.Write, "copy": w.Copy,
			"run": w.Run, "run2": w.Run, "ack": w.Ack, "gap": w.Gap,
			"": func(*rapid.T) { w.check() },
		})
		w.finish(free)
	})
}

// finish reads everything once, ends everything, and looks for what leaked.
func (w *world) finish(free uint64) {
	for _, s := range w.spaces {
		for page := range uint64(testPages) {
			for k := range 2 {
				var b [1]byte
				_, err := s.real.Read(va(page)+contentOffset(k), b[:])
				w.expect("Read", err, s.may(page, false))
				if err == uabi.OK && b[0] != s.value(page)[k] {
					w.failf("page %d, end %d reads %d, want %d", page, k, b[0], s.value(page)[k])
				}
			}
		}
	}
	for _, m := range w.memories {
		w.checkMemory(m)
	}
	for _, s := range w.spaces {
		s.real.Release()
	}
	for _, m := range w.memories {
		m.real.Release()
	}
	for cpu := range 2 {
		fake.M.CPU = cpu
		Switch(nil, nil)
	}
	fake.M.CPU = 0
	w.Ack(w.t)
	for Reap() {
	}
	spaces.Trim()
	memories.Trim()
	regions.Trim()
	frame.Trim()
	if w.acct.FramesUsed != 0 || w.acct.ObjectsUsed != 0 {
		w.failf("still charged: %d frames, %d objects", w.acct.FramesUsed, w.acct.ObjectsUsed)
	}
	if frame.FreeCount() != free || frame.Quarantined() != 0 {
		w.failf("%d frames free of %d, %d in quarantine", frame.FreeCount(), free, frame.Quarantined())
	}
}

// TestMain makes the property test longer than rapid's default, which finds little here; flags still win.
func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "600", "rapid.steps": "120"} {
		if !set[name] {
			flag.Set(name, value)
		}
	}
	os.Exit(m.Run())
}
