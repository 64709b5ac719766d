package syscall

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"aramid/ukernel/uabi"
)

// testPhdr and testELF build small ELF files.
type testPhdr struct {
	kind, flags              uint32
	off, va, fileLen, memLen uint64
}

type testELF struct {
	kind  uint16
	entry uint64
	phdrs []testPhdr
	size  int
}

func (e testELF) bytes() []byte {
	b := make([]byte, e.size)
	copy(b, "\x7fELF\x02\x01\x01")
	put16(b[16:], e.kind)
	put16(b[18:], elfMachine)
	put32(b[20:], elfVersion)
	put64(b[24:], e.entry)
	put64(b[32:], elfHeaderSize)
	put16(b[52:], elfHeaderSize)
	put16(b[54:], elfPhdrSize)
	put16(b[56:], uint16(len(e.phdrs)))
	for i, p := range e.phdrs {
		h := b[elfHeaderSize+i*elfPhdrSize:]
		put32(h, p.kind)
		put32(h[4:], p.flags)
		put64(h[8:], p.off)
		put64(h[16:], p.va)
		put64(h[32:], p.fileLen)
		put64(h[40:], p.memLen)
	}
	return b
}

// goodELF is what `go build` makes: headers and text, read-only data, data with bss.
func goodELF() testELF {
	return testELF{kind: elfExec, entry: 0x401000, size: 0x4000, phdrs: []testPhdr{
		{kind: 6, flags: elfR, off: 0x40, va: 0x400040, fileLen: 4 * elfPhdrSize, memLen: 4 * elfPhdrSize},
		{kind: elfLoad, flags: elfR | elfX, off: 0, va: 0x400000, fileLen: 0x1800, memLen: 0x1800},
		{kind: elfLoad, flags: elfR, off: 0x2000, va: 0x402000, fileLen: 0x900, memLen: 0x900},
		{kind: elfLoad, flags: elfR | elfW, off: 0x3000, va: 0x403000, fileLen: 0x500, memLen: 0x5000},
	}}
}

// planBytes drives the plan over a file in a byte slice.
func planBytes(p *imagePlan, b []byte) uabi.Error {
	if len(b) < elfHeaderSize {
		return uabi.ErrNoExec
	}
	if err := p.elfHeader((*[elfHeaderSize]byte)(b), uint64(len(b))); err != uabi.OK {
		return err
	}
	for i := range p.phnum {
		if err := p.elfSegment((*[elfPhdrSize]byte)(b[p.phoff+i*elfPhdrSize:])); err != uabi.OK {
			return err
		}
	}
	return p.elfDone()
}

func TestAStaticGoProgramIsPlannedSegmentBySegment(t *testing.T) {
	var p imagePlan
	if err := planBytes(&p, goodELF().bytes()); err != uabi.OK {
		t.Fatal(err)
	}
	if p.nseg != 3 || p.entry != 0x401000 || p.phdrVA != 0x400040 || p.phnum != 4 {
		t.Fatalf("%+v", p)
	}
	if s := p.seg[2]; s.va != 0x403000 || s.memLen != 0x5000 || s.fileLen != 0x500 || s.prot != uabi.ProtRead|uabi.ProtWrite {
		t.Fatalf("%+v", s)
	}
	pie := goodELF()
	pie.kind, pie.entry = elfDyn, 0x1000
	for i := range pie.phdrs {
		pie.phdrs[i].va -= 0x400000
	}
	if err := planBytes(&p, pie.bytes()); err != uabi.OK || p.entry != pieBase+0x1000 || p.seg[0].va != pieBase {
		t.Fatalf("%v %+v", err, p)
	}
}

func TestADamagedELFFileIsRefused(t *testing.T) {
	for name, damage := range map[string]func(*testELF){
		"entry outside text":    func(e *testELF) { e.entry = 0x402000 },
		"entry in the kernel":   func(e *testELF) { e.entry = 0xffffffff80000000 },
		"writable text":         func(e *testELF) { e.phdrs[1].flags |= elfW },
		"interpreter":           func(e *testELF) { e.phdrs[0].kind = elfInterp },
		"relocatable":           func(e *testELF) { e.kind = 1 },
		"no segments":           func(e *testELF) { e.phdrs = e.phdrs[:1] },
		"no headers":            func(e *testELF) { e.phdrs = nil },
		"file part > memory":    func(e *testELF) { e.phdrs[1].fileLen++ },
		"beyond the file":       func(e *testELF) { e.phdrs[3].off = 0x4000 },
		"offset wraps":          func(e *testELF) { e.phdrs[3].off = ^uint64(0xfff) },
		"length wraps":          func(e *testELF) { e.phdrs[3].memLen = ^uint64(0) },
		"address in the kernel": func(e *testELF) { e.phdrs[3].va = 0xffffffff80003000 },
		"address of the stack":  func(e *testELF) { e.phdrs[3].va = stackLow },
		"address zero":          func(e *testELF) { e.phdrs[1].va = 0 },
		"unaligned":             func(e *testELF) { e.phdrs[3].va += 8 },
		"overlap":               func(e *testELF) { e.phdrs[2].va = 0x401000 },
		"descending":            func(e *testELF) { e.phdrs[3].va = 0x300000 },
	} {
		e := goodELF()
		damage(&e)
		var p imagePlan
		if err := planBytes(&p, e.bytes()); err != uabi.ErrNoExec {
			t.Errorf("%s: %v", name, err)
		}
	}
	for at, v := range map[int]byte{0: 0, 4: 1, 5: 2, 6: 0, 18: 3, 20: 2, 54: 64, 57: 1} {
		b := goodELF().bytes()
		b[at] = v
		var p imagePlan
		if err := planBytes(&p, b); err != uabi.ErrNoExec {
			t.Errorf("byte %d: %v", at, err)
		}
	}
}

// checkPlan states what the loader relies on.
func checkPlan(t *testing.T, p *imagePlan, size uint64) {
	t.Helper()
	last := uint64(uabi.MinUser)
	inside := false
	for i := range p.nseg {
		s := p.seg[i]
		if pageDown(s.va) < last || s.end() > maxUserImage || s.end() <= pageDown(s.va) {
			t.Fatalf("segment %d %+v overlaps or lies outside", i, s)
		}
		if s.fileLen > s.memLen || s.fileOff > size || s.fileLen > size-s.fileOff || s.va%4096 != s.fileOff%4096 {
			t.Fatalf("segment %d %+v and the file of %d bytes", i, s, size)
		}
		if s.prot&uabi.ProtWrite != 0 && s.prot&uabi.ProtExec != 0 {
			t.Fatalf("segment %d %+v is writable code", i, s)
		}
		inside = inside || s.prot&uabi.ProtExec != 0 && p.entry >= s.va && p.entry < s.va+s.fileLen
		last = s.end()
	}
	if !inside {
		t.Fatalf("entry %#x is not code", p.entry)
	}
}

func FuzzELFPlan(f *testing.F) {
	f.Add(goodELF().bytes())
	pie := goodELF()
	pie.kind, pie.entry = elfDyn, 0x401000
	f.Add(pie.bytes())
	f.Add(goodELF().bytes()[:elfHeaderSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		var p imagePlan
		if planBytes(&p, b) == uabi.OK {
			checkPlan(t, &p, uint64(len(b)))
		}
	})
}

func TestAnyPlanThatIsAcceptedIsSound(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	sound := goodELF().bytes()
	accepted := 0
	for range 100000 {
		b := bytes.Clone(sound[:0x1000])
		b = b[:len(b):len(b)]
		full := append(b, sound[0x1000:]...)
		for range 1 + rng.IntN(3) {
			at := rng.IntN(elfHeaderSize + 4*elfPhdrSize)
			full[at] = byte(rng.Uint32() >> rng.IntN(24))
		}
		var p imagePlan
		if planBytes(&p, full) == uabi.OK {
			accepted++
			checkPlan(t, &p, uint64(len(full)))
		}
	}
	if accepted == 0 {
		t.Fatal("no plan was accepted: the test shows nothing")
	}
}
