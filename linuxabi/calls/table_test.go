package calls

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/ukernel/uabi"
)

func TestEveryRowOfTheTableSaysWhatItIs(t *testing.T) {
	for nr, r := range rows {
		name := abi.Name(uint64(nr))
		switch {
		case !abi.Known(uint64(nr)):
			t.Errorf("row %d is no system call of Linux", nr)
		case r.level == Absent && (r.run != nil || r.errno == 0):
			t.Errorf("%s is absent but has a handler, or no errno", name)
		case r.level == Partial && (r.run == nil || r.gap == ""):
			t.Errorf("%s is partial but has no handler, or does not say what is missing", name)
		case r.level == Full && (r.run == nil || r.gap != "" || r.errno != 0):
			t.Errorf("%s is full but has no handler, or names a gap", name)
		}
	}
}

func TestWhatAnInterruptedCallReturns(t *testing.T) {
	const call, rip = 35, 0x1002
	for _, c := range []struct {
		code      int64
		saRestart bool
		handled   bool
		again     bool // the SYSCALL instruction runs again
	}{
		{restartSys, true, true, true}, {restartSys, false, true, false}, {restartSys, false, false, true},
		{restartNoHand, true, true, false}, {restartNoHand, false, false, true},
		{restartBlock, true, true, false}, {restartBlock, false, false, true},
	} {
		r := uabi.Regs{RAX: uint64(c.code), OrigRAX: call, RIP: rip}
		tr := &Trap{}
		if c.handled {
			tr.restart(&r, c.saRestart)
		} else {
			tr.restartUnhandled(&r)
		}
		if c.again && (r.RAX != call || r.RIP != rip-syscallLen) || !c.again && (int64(r.RAX) != errno(unix.EINTR) || r.RIP != rip) {
			t.Errorf("%+v: RAX %d RIP %#x", c, int64(r.RAX), r.RIP)
		}
	}
	r := uabi.Regs{RAX: 5, OrigRAX: call, RIP: rip}
	(&Trap{}).restartUnhandled(&r)
	if r.RAX != 5 || r.RIP != rip {
		t.Errorf("a result is taken for a restart: %+v", r)
	}
}

func TestIoctlArgumentsHaveTheSizesOfTheHeaders(t *testing.T) {
	for cmd, want := range map[uint32][2]int{
		unix.TCGETS: {0, 36}, unix.TCSETSW: {36, 0}, unix.TIOCGWINSZ: {0, 8}, unix.TIOCSPGRP: {4, 0}, unix.TIOCGPGRP: {0, 4},
		abi.FIONREAD: {0, 4}, 0x802c542a: {0, 44}, 0x402c542b: {44, 0}, unix.BLKGETSIZE64: {0, 8}, unix.TIOCSCTTY: {0, 0},
	} {
		if in, out := ioctlSize(cmd); in != want[0] || out != want[1] {
			t.Errorf("%#x: %d in, %d out, want %v", cmd, in, out, want)
		}
	}
}

func TestWhereAProgramIsLookedFor(t *testing.T) {
	for _, c := range []struct {
		init Init
		want string
	}{
		{Init{Argv: []string{"/x"}, Search: true}, "/x"},
		{Init{Argv: []string{"a/x"}, Search: true}, "a/x"},
		{Init{Argv: []string{"x"}}, "x"},
		{Init{Argv: []string{"x"}, Search: true, Env: []string{"A=b", "PATH=/one:/two"}}, "/one/x"},
	} {
		if got := c.init.paths(); got[0] != c.want {
			t.Errorf("%+v: %v", c.init, got)
		}
	}
}
