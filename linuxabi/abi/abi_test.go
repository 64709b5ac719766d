package abi

import (
	"encoding/binary"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

func TestStructureSizesAreThoseOfTheKernelHeaders(t *testing.T) {
	var w Writer
	s := Stat{Mode: 0o100644, Size: 5}
	w.Statx(&s)
	if len(w.B) != StatxSize || StatxSize != int(reflect.TypeFor[unix.Statx_t]().Size()) {
		t.Errorf("struct statx: %d bytes", len(w.B))
	}
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"statfs", StatfsSize, reflect.TypeFor[unix.Statfs_t]().Size()},
		{"utsname", UtsSize, reflect.TypeFor[unix.Utsname]().Size()},
		{"rusage", RusageSize, reflect.TypeFor[unix.Rusage]().Size()},
		{"sysinfo", SysinfoSize, reflect.TypeFor[unix.Sysinfo_t]().Size()},
	} {
		if c.got != c.want {
			t.Errorf("struct %s: %d, want %d", c.name, c.got, c.want)
		}
	}
}

func TestStatFieldsLandWhereLinuxPutsThem(t *testing.T) {
	s := Stat{Ino: 2, Mode: 4, Nlink: 5, UID: 6, GID: 7, Size: 8, Blksize: 9, Blocks: 10, Atime: 11e9 + 1, Mtime: -1, Ctime: 13e9}
	var w Writer
	s.Dev, s.Rdev = 0x12345, 0x801
	w.Statx(&s)
	var x unix.Statx_t
	decode(t, w.B, &x)
	if x.Ino != 2 || x.Mode != 4 || x.Size != 8 || x.Rdev_major != unix.Major(0x801) || x.Dev_minor != unix.Minor(0x12345) || x.Mtime.Sec != -1 {
		t.Errorf("got %+v", x)
	}
}

func TestASignalFrameComesBackAsItWas(t *testing.T) {
	f := Frame{Mask: 0x55, Restorer: 0x1234, Stack: StackT{SP: 1, Flags: 2, Size: 3}, Info: Siginfo{Signal: 11, Code: 1, Addr: 0xdead, FaultTrap: 14, FaultError: 6}}
	f.Regs = &uabi.Regs{RAX: 1, RBX: 2, RCX: 3, RDX: 4, RSI: 5, RDI: 6, RBP: 7, RSP: 8, R8: 9, R9: 10, R10: 11, R11: 12, R12: 13,
		R13: 14, R14: 15, R15: 16, RIP: 17, Flags: 0x246}
	frame, fx := Place(0x7fff0000, false)
	if frame%16 != 8 || fx%fpAlign != 0 || frame+FrameSize > fx {
		t.Fatalf("frame %#x fx %#x", frame, fx)
	}
	var b [FrameSize]byte
	f.Encode(&b, fx)
	r := uabi.Regs{Flags: 0x202}
	mask, st, gotFX := DecodeContext((*[ContextSize]byte)(b[FrameContext:]), &r)
	if mask != f.Mask || st != f.Stack || gotFX != fx || r != *f.Regs {
		t.Errorf("mask %#x stack %+v fx %#x regs %+v", mask, st, gotFX, r)
	}
}

func TestEveryErrorHasAnErrno(t *testing.T) {
	for e := uabi.ErrCall; e.Error() != "unknown error"; e++ {
		if int(e) >= len(errnos) || errnos[e] == 0 {
			t.Errorf("%v has none", e)
		}
	}
	if Errno(uabi.OK) != 0 || Errno(999) != unix.EIO {
		t.Error("Errno at its ends")
	}
}

func TestNamesOfSystemCalls(t *testing.T) {
	for nr, want := range map[uint64]string{0: "read", 59: "execve", 257: "openat", 435: "clone3", 400: "syscall_400", 1 << 40: "syscall_1099511627776"} {
		if Name(nr) != want {
			t.Errorf("%d: %s", nr, Name(nr))
		}
	}
}

func decode(t *testing.T, b []byte, v any) {
	t.Helper()
	if _, err := binary.Decode(b, le, v); err != nil {
		t.Fatal(err)
	}
}

func TestSecondsBeyondWhatNanosecondsHoldAreCut(t *testing.T) {
	const end = 1<<63 - 1
	for _, c := range []struct{ sec, nsec, want int64 }{
		{0, 0, 0}, {1, 5, Second + 5}, {-1, 5, 5 - Second}, {end / Second, 0, end}, {end/Second - 1, 999_999_999, end/Second*Second - 1},
		{end, 0, end}, {-end, 0, -end - 1}, {-end / Second, 0, -end - 1}, {-end/Second + 1, 0, (-end/Second + 1) * Second},
	} {
		if got := Nanoseconds(c.sec, c.nsec); got != c.want {
			t.Errorf("%d s %d ns are %d, must be %d", c.sec, c.nsec, got, c.want)
		}
	}
}
