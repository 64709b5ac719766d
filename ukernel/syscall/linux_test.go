package syscall

import (
	"strings"
	"testing"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

// linux makes a Linux call and returns RAX as Linux does: a value, or −errno.
func (w *world) linux(number uint64, args ...uint64) int64 {
	w.t.Helper()
	for {
		rax, _, running := w.enter(number, args...)
		if !running {
			w.t.Fatalf("Linux call %d: the thread does not run any more", number)
		}
		if w.c.Regs.RIP != 0x401000 {
			return int64(rax)
		}
	}
}

// poke writes words to rootd's scratch memory and returns their address.
func (w *world) poke(off uint64, words ...uint64) uint64 {
	w.t.Helper()
	var b [8]byte
	for i, v := range words {
		put64(b[:], v)
		if n, err := w.thread().Space.Write(scratchVA+off+uint64(i)*8, b[:]); err != uabi.OK || n != 8 {
			w.t.Fatal(n, err)
		}
	}
	return scratchVA + off
}

func (w *world) peek(va uint64) uint64 {
	w.t.Helper()
	var b [8]byte
	if n, err := w.thread().Space.Read(va, b[:]); err != uabi.OK || n != 8 {
		w.t.Fatalf("read %#x: %d, %v", va, n, err)
	}
	return le64(b[:])
}

func TestAnonymousMemoryIsMappedWhereTheRuntimeWantsIt(t *testing.T) {
	w := newWorld(t)
	const hint, size = 0xc000000000, 64 << 20
	if got := w.linux(sysMmap, hint, size, 0, mapPrivate|mapAnonymous, ^uint64(0), 0); got != hint {
		t.Fatalf("reservation at %#x", got)
	}
	if got := w.linux(sysMmap, hint, arch.PageSize, 0, mapPrivate|mapAnonymous, ^uint64(0), 0); got == hint || got < 0 {
		t.Fatalf("a hint that is taken gives %#x", got)
	}
	var b [1]byte
	if _, err := w.thread().Space.Read(hint, b[:]); err == uabi.OK {
		t.Error("reserved memory can be read")
	}
	if got := w.linux(sysMmap, hint, 1<<20, protRead|protWrite, mapPrivate|mapAnonymous|mapFixed, ^uint64(0), 0); got != hint {
		t.Fatalf("fixed mapping at %#x", got)
	}
	if n, err := w.thread().Space.Write(hint+100, []byte{7}); err != uabi.OK || n != 1 {
		t.Fatal("mapped memory cannot be written")
	}
	if got := w.linux(sysMadvise, hint, 1<<20, madvDontNeed); got != 0 {
		t.Errorf("madvise: %d", got)
	}
	if _, err := w.thread().Space.Read(hint+100, b[:]); err != uabi.OK || b[0] != 0 {
		t.Error("MADV_DONTNEED left the old contents")
	}
	if got := w.linux(sysMunmap, hint, size); got != 0 {
		t.Errorf("munmap: %d", got)
	}
	for _, c := range [][]uint64{
		{0, 0, protRead, mapPrivate | mapAnonymous},                     // no length
		{0, 1 << 60, protRead, mapPrivate | mapAnonymous},               // too long
		{0, 4096, protRead, mapPrivate},                                 // a file
		{0, 4096, protRead, 1 | mapAnonymous},                           // shared
		{1, 4096, protRead, mapPrivate | mapAnonymous | mapFixed},       // not aligned
		{1 << 47, 4096, protRead, mapPrivate | mapAnonymous | mapFixed}, // no user address
		{0, 4096, protWrite | protExec, mapPrivate | mapAnonymous},      // W^X
		{0, 4096, protRead | 1<<20, mapPrivate | mapAnonymous},          // unknown protection
	} {
		if got := w.linux(sysMmap, c...); got != -einval && got != -enomem {
			t.Errorf("mmap(%#x) = %#x", c, got)
		}
	}
}

func TestWhatAProgramWritesBecomesLinesWithItsName(t *testing.T) {
	w := newWorld(t)
	fake.M.Log = nil
	write := func(s string) {
		if n, err := w.thread().Space.Write(scratchVA, []byte(s)); err != uabi.OK || n != len(s) {
			t.Fatal(n, err)
		}
		if got := w.linux(sysWrite, 2, scratchVA, uint64(len(s))); got != int64(len(s)) {
			t.Fatalf("write: %d", got)
		}
	}
	write("hel")
	write("lo\nsecond ")
	if got := string(fake.M.Log); got != "rootd: hello\n" {
		t.Errorf("log %q", got)
	}
	write(strings.Repeat("x", lineSize))
	write("\n\x1b[31m\n")
	want := "rootd: hello\nrootd: second " + strings.Repeat("x", lineSize-7) + "\nrootd: xxxxxxx\nrootd: ?[31m\n"
	if got := string(fake.M.Log); got != want {
		t.Errorf("log %q\nwant %q", got, want)
	}
	for args, want := range map[[3]uint64]int64{{1, nowhereVA, 5}: -efault, {9, scratchVA, 5}: -ebadf, {1, scratchVA, 0}: 0} {
		if got := w.linux(sysWrite, args[0], args[1], args[2]); got != want {
			t.Errorf("write%v = %d, want %d", args, got, want)
		}
	}
}

func TestTheRuntimesCallsAnswerAsLinuxDoes(t *testing.T) {
	w := newWorld(t)
	fake.M.NS = 5_000_000_123
	for name, c := range map[string]struct {
		number uint64
		args   []uint64
		want   int64
	}{
		"gettid":            {sysGettid, nil, int64(w.thread().ID)},
		"getpid":            {sysGetpid, nil, int64(w.thread().Proc.ID)},
		"yield":             {sysSchedYield, nil, 0},
		"clock":             {sysClockGettime, []uint64{clockMonotonic, scratchVA}, 0},
		"clock unknown":     {sysClockGettime, []uint64{99, scratchVA}, -einval},
		"clock fault":       {sysClockGettime, []uint64{clockMonotonic, nowhereVA}, -efault},
		"affinity":          {sysSchedGetaffin, []uint64{0, 8192, scratchVA + 64}, 8},
		"affinity short":    {sysSchedGetaffin, []uint64{0, 4, scratchVA}, -einval},
		"open":              {sysOpenat, []uint64{0, scratchVA, 0}, -enoent},
		"close":             {sysClose, []uint64{77}, -ebadf},
		"fcntl F_GETFD":     {sysFcntl, []uint64{2, fGetFD}, 0},
		"fcntl closed":      {sysFcntl, []uint64{50, fGetFD}, -ebadf},
		"prctl":             {sysPrctl, []uint64{1}, -einval},
		"getrandom":         {sysGetrandom, []uint64{scratchVA + 512, 16}, 16},
		"limit":             {sysPrlimit64, []uint64{0, rlimitNofile, 0, scratchVA + 128}, 0},
		"limit set":         {sysPrlimit64, []uint64{0, rlimitNofile, scratchVA, 0}, -eperm},
		"set FS to kernel":  {sysArchPrctl, []uint64{archSetFS, kernelVA}, -eperm},
		"unknown call":      {41, nil, -enosys},
		"read stdin":        {sysRead, []uint64{0, scratchVA, 10}, 0},
		"fork":              {sysClone, []uint64{17}, -einval},
		"futex unknown":     {sysFutex, []uint64{scratchVA, 9}, -enosys},
		"futex differs":     {sysFutex, []uint64{scratchVA + 256, futexPrivateFlag, 1}, -eagain},
		"futex fault":       {sysFutex, []uint64{nowhereVA, futexPrivateFlag, 1}, -efault},
		"futex wake nobody": {sysFutex, []uint64{scratchVA, futexPrivateFlag | futexWakeOp, 1}, 0},
		"tgkill nobody":     {sysTgkill, []uint64{w.thread().Proc.ID, 1 << 40, 23}, -esrch},
	} {
		if got := w.linux(c.number, c.args...); got != c.want {
			t.Errorf("%s = %d, want %d", name, got, c.want)
		}
	}
	if sec, ns := w.peek(scratchVA), w.peek(scratchVA+8); sec != 5 || ns != 123 {
		t.Errorf("clock %d s %d ns", sec, ns)
	}
	if mask := w.peek(scratchVA + 64); mask != 3 {
		t.Errorf("CPU mask %#x", mask)
	}
}

func TestAThreadSharesMemoryAndStartsOnItsOwnStack(t *testing.T) {
	w := newWorld(t)
	w.c.Regs.RBX = 1234
	id := w.linux(sysClone, cloneThread|cloneSetTLS, scratchVA+0x8000, 0, 0, scratchVA+0x100)
	if id <= 0 {
		t.Fatalf("clone: %d", id)
	}
	n := w.thread().Proc.FindThread(uint64(id))
	if n == nil || n.Space != w.thread().Space {
		t.Fatal("the thread is not one of the image's")
	}
	r := &n.Ctx.Regs
	if r.RAX != 0 || r.RSP != scratchVA+0x8000 || r.FSBase != scratchVA+0x100 || r.RBX != 1234 || r.RIP != 0x401002 {
		t.Errorf("registers %+v", *r)
	}
	// The futex that the first thread sleeps on is woken by the second.
	w.poke(512, 42)
	if _, _, running := w.enter(sysFutex, scratchVA+512, futexPrivateFlag, 42, 0); running {
		t.Fatal("the first thread did not sleep")
	}
	second := &world{t: t, c: &n.Ctx}
	if got := second.linux(sysFutex, scratchVA+512, futexPrivateFlag|futexWakeOp, 1); got != 1 || w.c.Regs.RAX != 0 {
		t.Errorf("woken %d, RAX %d", got, int64(w.c.Regs.RAX))
	}
}

func TestAFutexWaitEndsAtItsDeadline(t *testing.T) {
	w := newWorld(t)
	w.poke(512, 42)
	w.poke(0, 0, 5*millisecond)
	if _, _, running := w.enter(sysFutex, scratchVA+512, futexPrivateFlag, 42, scratchVA); running {
		t.Fatal("it did not sleep")
	}
	fake.M.NS += 4 * millisecond
	if c := idleTick(); c != nil {
		t.Fatal("it woke too early")
	}
	fake.M.NS += 2 * millisecond
	if c := idleTick(); c != w.c || int64(c.Regs.RAX) != -etimedout {
		t.Fatalf("it did not time out: %v", c)
	}
}

// handler registers a signal handler on an alternate stack.
func (w *world) handler(sig uint64) {
	w.t.Helper()
	if got := w.linux(sysRtSigaction, sig, w.poke(0, 0x401100, saOnStack|saRestorer|saSiginfo, 0x401200, ^uint64(0)), 0, sigsetSize); got != 0 {
		w.t.Fatalf("rt_sigaction: %d", got)
	}
	if got := w.linux(sysSigaltstack, w.poke(64, scratchVA+0x4000, 0, 0x4000), 0); got != 0 {
		w.t.Fatalf("sigaltstack: %d", got)
	}
}

func TestAFaultRunsTheHandlerAndSigreturnGoesBack(t *testing.T) {
	w := newWorld(t)
	w.handler(sigSEGV)
	r := &w.c.Regs
	r.RSP, r.RIP, r.RBX, r.Vector, r.Code, r.Addr, r.RAX = stackTop-64, 0x401050, 77, hw.VecPageFault, hw.FaultUser, 8, 99
	before := *r
	if Enter(w.c) != w.c {
		t.Fatal("the image is gone")
	}
	if r.RIP != 0x401100 || r.RDI != sigSEGV || r.RSP < scratchVA+0x4000 || r.RSP > scratchVA+0x8000 {
		t.Fatalf("not in the handler: %+v", *r)
	}
	if addr := w.peek(r.RSI + 16); addr != 8 {
		t.Errorf("si_addr %#x", addr)
	}
	if threadState(w.thread()).mask&^neverBlocked != ^uint64(0)&^neverBlocked {
		t.Errorf("mask %#x in the handler", threadState(w.thread()).mask)
	}
	r.RSP += 8 // the handler's RET to the restorer
	r.RAX, r.RBX, r.Vector = sysRtSigreturn, 0, hw.VecSyscall
	if Enter(w.c) != w.c {
		t.Fatal("sigreturn ended the image")
	}
	if r.RIP != before.RIP || r.RSP != before.RSP || r.RBX != 77 || r.RAX != 99 || w.c.Full != 1 || threadState(w.thread()).mask != 0 {
		t.Errorf("after sigreturn %+v", *r)
	}
}

func TestASignalReachesAThreadWhenItNextRuns(t *testing.T) {
	w := newWorld(t)
	w.handler(sigURG)
	id := w.linux(sysClone, cloneThread, scratchVA+0xf000, 0, 0, 0)
	if got := w.linux(sysTgkill, w.thread().Proc.ID, uint64(id), sigURG); got != 0 {
		t.Fatalf("tgkill: %d", got)
	}
	if w.c.Regs.RIP == 0x401100 {
		t.Fatal("the sender got the signal")
	}
	w.poke(512, 1)
	w.enter(sysFutex, scratchVA+512, futexPrivateFlag, 1, 0) // sleeps, and the other thread runs
	n := w.thread().Proc.FindThread(uint64(id))
	if n.Ctx.Regs.RIP != 0x401100 || n.Ctx.Regs.RDI != sigURG {
		t.Fatalf("the receiver is at %#x", n.Ctx.Regs.RIP)
	}
}

func TestAnUnhandledExceptionEndsTheImageWithALineAndStatus(t *testing.T) {
	w := newWorld(t)
	p := w.thread().Proc
	fake.M.Log = nil
	r := &w.c.Regs
	r.RIP, r.Vector, r.Code, r.Addr = 0x401050, hw.VecPageFault, hw.FaultUser|hw.FaultWrite, 0x10
	Enter(w.c)
	want := "rootd: unhandled exception 14 at 0x401050, address 0x10, code 0x6\n"
	if !strings.Contains(string(fake.M.Log), want) || p.ExitStatus != deathVector+hw.VecPageFault {
		t.Errorf("status %d, log %q", p.ExitStatus, fake.M.Log)
	}
}

func TestThePollerSleepsUntilItsEventDescriptorIsWritten(t *testing.T) {
	w := newWorld(t)
	if ep, ev := w.linux(sysEpollCreate1, 0), w.linux(sysEventfd2, 0, 0); ep != fdEpoll || ev != fdEvent {
		t.Fatalf("descriptors %d and %d", ep, ev)
	}
	w.poke(0, epollIn|0xabcd<<32, 0x1234) // packed: events, then data
	if got := w.linux(sysEpollCtl, fdEpoll, epollCtlAdd, fdEvent, scratchVA); got != 0 {
		t.Fatalf("epoll_ctl: %d", got)
	}
	if got := w.linux(sysEpollPwait, fdEpoll, scratchVA+256, 8, 0); got != 0 {
		t.Fatalf("nothing is ready, but epoll_pwait gives %d", got)
	}
	id := uint64(w.linux(sysClone, cloneThread, scratchVA+0xf000, 0, 0, 0))
	w.enter(sysEpollPwait, fdEpoll, scratchVA+256, 8, ^uint64(0))
	second := &world{t: t, c: &w.thread().Proc.FindThread(id).Ctx}
	one := second.poke(128, 1)
	if got := second.linux(sysWrite, fdEvent, one, 8); got != 8 {
		t.Fatalf("write: %d", got)
	}
	if w.c.Regs.RAX != 1 || w.peek(scratchVA+256)&(1<<32-1) != epollIn || w.peek(scratchVA+260) != 0xabcd|0x1234<<32 {
		t.Errorf("RAX %d, event %#x %#x", w.c.Regs.RAX, w.peek(scratchVA+256), w.peek(scratchVA+260))
	}
	if got := second.linux(sysRead, fdEvent, scratchVA+128, 8); got != 8 {
		t.Errorf("read: %d", got)
	}
	if got := second.linux(sysRead, fdEvent, scratchVA+128, 8); got != -eagain {
		t.Errorf("second read: %d", got)
	}
	// With a timeout.
	second.enter(sysEpollPwait, fdEpoll, scratchVA+256, 8, 3)
	fake.M.NS += 4 * millisecond
	second.c.Regs.RAX = 99
	idleTick()
	if second.c.Regs.RAX != 0 {
		t.Errorf("timeout: RAX %d", int64(second.c.Regs.RAX))
	}
}
