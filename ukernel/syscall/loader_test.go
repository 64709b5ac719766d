package syscall

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"aramid/ukernel/arch"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// memoryOf makes a memory object with contents from byte offset off on.
func (w *world) memoryOf(off uint64, b []byte) *vm.Memory {
	w.t.Helper()
	m, err := vm.NewMemory(rootd.p.Acct, off+uint64(len(b)), 0)
	if err != uabi.OK {
		w.t.Fatal(err)
	}
	if n, err := m.Write(off, b); err != uabi.OK || n != len(b) {
		w.t.Fatal(n, err)
	}
	return m
}

// patterned is goodELF with recognisable contents in each segment.
func patterned() []byte {
	b := goodELF().bytes()
	rng := rand.New(rand.NewPCG(11, 12))
	for i := 0x400; i < len(b); i++ {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func TestAnImageHasTheFilesBytesAndZeroesBehindThem(t *testing.T) {
	w := newWorld(t)
	file := patterned()
	for _, off := range []uint64{0, 2 * arch.PageSize, 100} { // 100: not page-aligned, so it is copied
		m := w.memoryOf(off, file)
		img, err := loadImage(rootd.p.Acct, m, off, uint64(len(file)), nil, []byte("test"))
		if err != uabi.OK {
			t.Fatalf("offset %d: %v", off, err)
		}
		for _, s := range goodELF().phdrs[1:] {
			got := make([]byte, s.memLen)
			if n, err := img.space.Read(s.va, got); err != uabi.OK || uint64(n) != s.memLen {
				t.Fatalf("offset %d: segment %#x: read %d, %v", off, s.va, n, err)
			}
			want := append(bytes.Clone(file[s.off:s.off+s.fileLen]), make([]byte, s.memLen-s.fileLen)...)
			if !bytes.Equal(got, want) {
				t.Errorf("offset %d: segment %#x differs from the file", off, s.va)
			}
			_, err := img.space.Write(s.va, []byte{1})
			if writable := err == uabi.OK; writable != (s.flags&elfW != 0) {
				t.Errorf("offset %d: segment %#x writable: %v", off, s.va, writable)
			}
		}
		// What the image wrote is its own.
		var b [1]byte
		if _, err := m.Read(off+0x3000, b[:]); err != uabi.OK || b[0] != file[0x3000] {
			t.Errorf("offset %d: the file changed under its image", off)
		}
		if _, err := img.space.Read(stackLow-1, b[:]); err == uabi.OK {
			t.Error("no guard page below the stack")
		}
		img.space.Release()
		m.Release()
	}
}

func TestADamagedImageLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	rng := rand.New(rand.NewPCG(13, 14))
	sound := patterned()
	settle()
	loaded, refused := 0, 0
	for range 3000 {
		b := bytes.Clone(sound)
		for range 1 + rng.IntN(2) {
			b[rng.IntN(elfHeaderSize+4*elfPhdrSize)] = byte(rng.Uint32() >> rng.IntN(24))
		}
		m := w.memoryOf(0, b)
		settle()
		before := count()
		img, err := loadImage(rootd.p.Acct, m, 0, uint64(len(b)), nil, []byte("test"))
		switch err {
		case uabi.OK:
			loaded++
			img.space.Release()
		case uabi.ErrNoExec:
			refused++
		default:
			t.Fatalf("error %v", err)
		}
		settle()
		if after := count(); after != before {
			t.Fatalf("%v: %+v before, %+v after", err, before, after)
		}
		m.Release()
	}
	if loaded == 0 || refused == 0 {
		t.Fatalf("%d loaded, %d refused: the test shows nothing", loaded, refused)
	}
}

func TestAProcessThatCannotBeReplacedRunsOn(t *testing.T) {
	w := newWorld(t)
	child := w.objects()[uabi.TypeProcess]
	w.must("start", uabi.CallProcessStart, child, uint64(uabi.BootArchive), rootd.off, rootd.len, 0)
	p, err := w.thread().Proc.GetProcess(handle(child), 0)
	if err != uabi.OK || p.State != uabi.ProcessRunning || p.Starts != 1 {
		t.Fatalf("%v, state %d, %d starts", err, p.State, p.Starts)
	}
	space := p.Space
	if _, err := w.call(uabi.CallProcessStart, child, uint64(uabi.BootArchive), rootd.off+4096, rootd.len-4096, 0); err != uabi.ErrNoExec {
		t.Fatalf("a file that is no ELF: %v", err)
	}
	if p.State != uabi.ProcessRunning || p.Starts != 1 || p.Space != space {
		t.Fatal("the running image was touched")
	}
	w.must("restart", uabi.CallProcessStart, child, uint64(uabi.BootArchive), rootd.off, rootd.len, 0)
	if p.State != uabi.ProcessRunning || p.Starts != 2 || p.Space == space {
		t.Fatal("the image was not replaced")
	}
}
