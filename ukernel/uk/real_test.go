package uk

import (
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"aramid/ukernel/uabi"
)

// On a Linux host the stub makes Linux system calls, which take their arguments in the same registers.

func TestTheStubPassesAllSixArgumentsAndGivesBackBothResults(t *testing.T) {
	if pid, _ := Raw(syscall.SYS_GETPID, 0, 0, 0, 0, 0, 0); int(pid) != os.Getpid() {
		t.Errorf("getpid gave %d, want %d", pid, os.Getpid())
	}
	// mmap uses all six.
	const size = 1 << 16
	va, _ := Raw(syscall.SYS_MMAP, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
	if err := fail(va); err != uabi.OK {
		t.Fatalf("mmap: %v", err)
	}
	b := bytesAt(uint64(va), size)
	b[0], b[size-1] = 1, 2
	// RDX survives a Linux call, so the second result is the third argument.
	if _, r1 := Raw(syscall.SYS_MUNMAP, va, size, 77, 0, 0, 0); r1 != 77 {
		t.Errorf("second result %d, want 77", r1)
	}
}

func TestANegativeResultIsAnError(t *testing.T) {
	r0, r1 := Raw(syscall.SYS_CLOSE, ^uintptr(0), 0, 5, 0, 0, 0)
	if err := fail(r0); err != uabi.Error(syscall.EBADF) {
		t.Errorf("error %d, want %d", err, syscall.EBADF)
	}
	if v, err := value(r0); v != 0 || err == uabi.OK {
		t.Errorf("value %d, %v", v, err)
	}
	if a, b, err := both(r0, r1); a != 0 || b != 0 || err == uabi.OK {
		t.Errorf("both %d, %d, %v", a, b, err)
	}
	if v, err := value(12); v != 12 || err != uabi.OK {
		t.Errorf("value %d, %v", v, err)
	}
}

// TestABlockedCallDoesNotHoldUpGarbageCollection blocks as many threads as there are Ps, and collects.
func TestABlockedCallDoesNotHoldUpGarbageCollection(t *testing.T) {
	n := runtime.GOMAXPROCS(0)
	var ends [][2]int
	done := make(chan bool)
	for range n {
		var p [2]int
		if err := syscall.Pipe(p[:]); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, p)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			blocking(syscall.SYS_READ, uintptr(p[0]), scratch(), 1, 0)
			done <- true
		}()
	}
	time.Sleep(20 * time.Millisecond)
	collected := make(chan bool)
	go func() {
		for range 3 {
			runtime.GC()
		}
		close(collected)
	}()
	select {
	case <-collected:
	case <-time.After(20 * time.Second):
		t.Error("garbage collection waits for a blocked call")
	}
	for _, p := range ends {
		syscall.Write(p[1], []byte{1})
		<-done
		syscall.Close(p[0])
		syscall.Close(p[1])
	}
}

// scratch is the address of a page outside the Go heap.
func scratch() uintptr {
	va, _ := Raw(syscall.SYS_MMAP, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
	return va
}

func TestCallsAllocateNothing(t *testing.T) {
	r := new(Real)
	buf := make([]byte, 64)
	if n := testing.AllocsPerRun(100, func() {
		r.Null()
		r.MemoryRead(1, 0, buf)
		r.EventUpdate(1, 1, 0, 0)
		r.SpaceGap(1, 4096, 0, 1<<40, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCallsWithAStructureNeedAMessageBuffer(t *testing.T) {
	r := new(Real)
	if _, err := r.SpaceMap(1, uabi.MapArgs{}); err != uabi.ErrArg {
		t.Errorf("SpaceMap: %v", err)
	}
	if err := r.ThreadGetRegs(1, new(uabi.Regs)); err != uabi.ErrArg {
		t.Errorf("ThreadGetRegs: %v", err)
	}
	if r.Buf() != nil {
		t.Error("a buffer without Attach")
	}
}

func TestTheBufferIsLaidOutAsUabiSays(t *testing.T) {
	va, _ := Raw(syscall.SYS_MMAP, 0, uabi.BufSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE, ^uintptr(0), 0)
	if fail(va) != uabi.OK {
		t.Fatal("mmap")
	}
	raw, b := bytesAt(uint64(va), uabi.BufSize), bufferAt(uint64(va))
	b.In.Kind, b.Out.Kind = 0x11, 0x22
	b.Arg[0], b.InBytes[0], b.OutBytes[0] = 0x33, 0x44, 0x55
	b.OutBytes[uabi.MaxBytes-1] = 0x66
	for _, x := range []struct {
		at   int
		want byte
	}{{uabi.BufIn, 0x11}, {uabi.BufOut, 0x22}, {uabi.BufArg, 0x33}, {uabi.BufInBytes, 0x44}, {uabi.BufOutBytes, 0x55}, {uabi.BufSize - 1, 0x66}} {
		if raw[x.at] != x.want {
			t.Errorf("offset %d holds %#x, want %#x", x.at, raw[x.at], x.want)
		}
	}
	if len(b.Arg) != uabi.ArgSize || len(b.InBytes) != uabi.MaxBytes || len(b.OutBytes) != uabi.MaxBytes {
		t.Error("lengths differ from uabi")
	}
}
