package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// The Linux calls (x86-64 numbers) that a stock Go 1.26 runtime makes in a program that opens no file and no socket, and
// what each is here. Everything else is ENOSYS and a counted gap. These numbers and errors are for the Go runtime of servers
// only: unmodified Linux programs are aliens, and their calls go to linuxabi.
const (
	sysRead          = 0
	sysWrite         = 1
	sysClose         = 3
	sysMmap          = 9
	sysMprotect      = 10
	sysMunmap        = 11
	sysRtSigaction   = 13
	sysRtSigprocmask = 14
	sysRtSigreturn   = 15
	sysPread64       = 17
	sysSchedYield    = 24
	sysMadvise       = 28
	sysNanosleep     = 35
	sysGetpid        = 39
	sysClone         = 56
	sysExit          = 60
	sysKill          = 62
	sysFcntl         = 72
	sysReadlink      = 89
	sysSigaltstack   = 131
	sysPrctl         = 157
	sysArchPrctl     = 158
	sysGettid        = 186
	sysFutex         = 202
	sysSchedGetaffin = 204
	sysClockGettime  = 228
	sysExitGroup     = 231
	sysEpollCtl      = 233
	sysTgkill        = 234
	sysOpenat        = 257
	sysReadlinkat    = 267
	sysFaccessat     = 269
	sysEpollPwait    = 281
	sysEventfd2      = 290
	sysEpollCreate1  = 291
	sysPrlimit64     = 302
	sysGetrandom     = 318
)

// errno values of Linux (errno(3)) that these calls return.
const (
	eperm     = 1
	enoent    = 2
	esrch     = 3
	ebadf     = 9
	eagain    = 11
	enomem    = 12
	efault    = 14
	eexist    = 17
	einval    = 22
	enosys    = 38
	etimedout = 110
)

// errnoOf is the errno that Linux would give for what vm and ipc say.
//
//go:noinline
func errnoOf(err uabi.Error) uint64 {
	switch err {
	case uabi.OK:
		return 0
	case uabi.ErrNoMem, uabi.ErrLimit:
		return enomem
	case uabi.ErrFault:
		return efault
	case uabi.ErrAgain:
		return eagain
	case uabi.ErrExists:
		return eexist
	case uabi.ErrRights:
		return eperm
	}
	return einval
}

// linuxThread is the state of a native thread that only this package knows. It lies in ipc.Thread.Sys.
type linuxThread struct {
	mask    uint64   // blocked signals: bit s−1
	pending uint64   // signals to be delivered
	sender  uint64   // process id behind the last tgkill
	alt     altStack // sigaltstack(2)
	polling uint64   // 1: sleeps in epoll_pwait
	pollBuf uint64   // where its event goes
}

// linuxProcess is the state of an image that only this package knows. It lies in ipc.Process.Sys, which is zero at the start.
type linuxProcess struct {
	action [numSigs]sigAction // of signal i+1
	poll   poller
	lines  uint64 // bytes in line
	line   [lineSize]byte
}

const lineSize = 256

// linux handles a call below CallBase.
func linux(t *ipc.Thread, number uint64) *arch.Context {
	r := &t.Ctx.Regs
	switch number {
	case sysFutex:
		return futex(t, r)
	case sysNanosleep:
		return nanosleep(t, r)
	case sysEpollPwait:
		return epollWait(t, r)
	case sysRtSigreturn:
		return sigreturn(t)
	case sysExit:
		t.Exit()
		return leave()
	case sysExitGroup:
		endImage(t.Proc, r.RDI&exitMask)
		return leave()
	}
	v, errno := linuxInvoke(t, r, number)
	if errno == linuxAgain {
		return leave()
	}
	if errno != 0 {
		v = neg(errno)
	}
	if ktrace.Mask&ktrace.BitLinux != 0 {
		ktrace.Put(ktrace.EvLinux, t.TraceID(), number, r.RDI, v)
	}
	r.RAX = v
	return leave()
}

// linuxAgain is again for linuxInvoke.
const linuxAgain = 1 << 32

// exitMask is what wait(2) keeps of an exit status.
const exitMask = 0xff

// linuxInvoke is the table of the calls that do not block.
func linuxInvoke(t *ipc.Thread, r *uabi.Regs, number uint64) (v, errno uint64) {
	switch number {
	case sysMmap:
		return mmap(t, r)
	case sysMunmap:
		return munmap(t, r)
	case sysMprotect:
		return mprotect(t, r)
	case sysMadvise:
		return madvise(t, r)
	case sysClone:
		return clone(t, r)
	case sysRtSigaction:
		return sigaction(t, r)
	case sysRtSigprocmask:
		return sigprocmask(t, r)
	case sysSigaltstack:
		return sigaltstack(t, r)
	case sysTgkill:
		return tgkill(t, r.RDI, r.RSI, r.RDX)
	case sysKill:
		return tgkill(t, r.RDI, t.ID, r.RSI)
	case sysClockGettime:
		return clockGettime(t, r)
	case sysSchedYield:
		sched.Yield(&t.Thread)
		return 0, 0
	case sysGettid:
		return t.ID, 0
	case sysGetpid:
		return t.Proc.ID, 0
	case sysArchPrctl:
		return archPrctl(t, r)
	case sysSchedGetaffin:
		return schedAffinity(t, r)
	case sysPrlimit64:
		return prlimit(t, r)
	case sysGetrandom:
		n, err := fillRandom(t, r.RDI, min(r.RSI, maxRandom))
		return n, errnoOf(err)
	case sysWrite:
		return write(t, r)
	case sysRead:
		return read(t, r)
	case sysFcntl:
		return fcntl(r)
	case sysEpollCreate1:
		return epollCreate(t)
	case sysEventfd2:
		return eventfd(t, r)
	case sysEpollCtl:
		return epollCtl(t, r)
	case sysOpenat, sysReadlink, sysReadlinkat, sysFaccessat:
		return 0, enoent // there is no file system on this side
	case sysClose, sysPread64:
		return 0, ebadf
	case sysPrctl:
		return 0, einval // as a kernel without CONFIG_ANON_VMA_NAME
	}
	gap(t, number)
	return 0, enosys
}

// timespec reads one from user memory as ns.
func timespec(t *ipc.Thread, va uint64) (ns, errno uint64) {
	var b [2 * wordSize]byte
	if n, err := t.Space.Read(va, b[:]); err != uabi.OK || n != len(b) {
		return 0, efault
	}
	sec, nsec := le64(b[:]), le64(b[wordSize:])
	const second = 1_000_000_000
	if nsec >= second || sec>>63 != 0 {
		return 0, einval
	}
	if sec >= uabi.NoDeadline/second-1 {
		return uabi.NoDeadline, 0
	}
	return sec*second + nsec, 0
}

// after is the absolute time ns from now.
//
//go:noinline
//go:noinline
func after(ns uint64) uint64 {
	at := arch.Now() + ns
	if at < ns {
		return uabi.NoDeadline
	}
	return at
}

const (
	futexWaitOp      = 0
	futexWakeOp      = 1
	futexPrivateFlag = 128
	anyBitset        = ^uint32(0)
)

// futex is futex(2): FUTEX_WAIT and FUTEX_WAKE, private.
func futex(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	switch r.RSI &^ futexPrivateFlag {
	case futexWakeOp:
		n, err := ipc.FutexWake(t.Space, r.RDI, uint32(min(r.RDX, uint64(anyBitset))), anyBitset, false)
		r.RAX = uint64(n)
		if err != uabi.OK {
			r.RAX = neg(errnoOf(err))
		}
	case futexWaitOp:
		deadline := uabi.NoDeadline
		if r.R10 != 0 {
			ns, errno := timespec(t, r.R10)
			if errno != 0 {
				r.RAX = neg(errno)
				return leave()
			}
			deadline = after(ns)
		}
		ipc.FutexWait(t, r.RDI, uint32(r.RDX), anyBitset, false, deadline, neg(etimedout))
		if t.State == sched.Running && r.RAX != 0 && r.RAX != neg(etimedout) {
			r.RAX = neg(errnoOf(uabi.Error(-int64(r.RAX)))) // refused at once: the word differs, or is no memory
		}
	default:
		gap(t, sysFutex)
		r.RAX = neg(enosys)
	}
	return leave()
}

// shortSleep is the least that nanosleep sleeps, ns: the slack of its timer (prctl(2), PR_SET_TIMERSLACK). The Go runtime makes this call
// for its monitor only, which would wake every 20 µs in a process whose one thread waits in the kernel.
const shortSleep = 1_000_000

// nanosleep is nanosleep(2). Nothing interrupts it, so the remaining time is never written.
func nanosleep(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	ns, errno := timespec(t, r.RDI)
	if errno != 0 {
		r.RAX = neg(errno)
		return leave()
	}
	threadState(t).polling = 0
	ipc.Sleep(t, after(max(ns, shortSleep)), 0)
	return leave()
}

// Linux's clocks (clock_gettime(2)).
const (
	clockRealtime       = 0
	clockMonotonic      = 1
	clockRealtimeCoarse = 5
	clockMonotonicRaw   = 4
	clockMonotonicCrs   = 6
	clockBoottime       = 7
)

// clockGettime is clock_gettime(2).
func clockGettime(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	now := arch.Now()
	switch r.RDI {
	case clockRealtime, clockRealtimeCoarse:
		now += realtimeBase
	case clockMonotonic, clockMonotonicRaw, clockMonotonicCrs, clockBoottime:
	default:
		return 0, einval
	}
	const second = 1_000_000_000
	var b [2 * wordSize]byte
	put64(b[:], now/second)
	put64(b[wordSize:], now%second)
	return 0, put(t, r.RSI, b[:])
}

// put writes b to user memory, whole. EFAULT.
func put(t *ipc.Thread, va uint64, b []byte) (errno uint64) {
	if n, err := t.Space.Write(va, b); err != uabi.OK || n != len(b) {
		return efault
	}
	return 0
}

const (
	archSetFS = 0x1002
	archGetFS = 0x1003
)

// archPrctl is arch_prctl(2).
func archPrctl(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	switch r.RDI {
	case archSetFS:
		if r.RSI >= uabi.MaxUser {
			return 0, eperm
		}
		r.FSBase = r.RSI
		return 0, 0
	case archGetFS:
		var b [wordSize]byte
		put64(b[:], r.FSBase)
		return 0, put(t, r.RSI, b[:])
	}
	return 0, einval
}

// schedAffinity is sched_getaffinity(2): all CPUs.
func schedAffinity(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	if r.RSI < wordSize {
		return 0, einval
	}
	var b [wordSize]byte
	put64(b[:], 1<<arch.CPUs()-1)
	return wordSize, put(t, r.RDX, b[:])
}

const (
	rlimitNofile = 7
	rlimitStack  = 3
	maxFiles     = 1024
)

// prlimit is prlimit64(2): looks only.
func prlimit(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	if r.RDX != 0 {
		return 0, eperm
	}
	limit := ^uint64(0)
	switch r.RSI {
	case rlimitNofile:
		limit = maxFiles
	case rlimitStack:
		limit = stackSize
	}
	var b [2 * wordSize]byte
	put64(b[:], limit)
	put64(b[wordSize:], limit)
	return 0, put(t, r.R10, b[:])
}

// What a server's file descriptors are: the standard three, and the network poller's two.
const (
	fdMax      = 2 // stdin, stdout, stderr
	fdEpoll    = 3
	fdEvent    = 4
	fGetFD     = 1
	fGetFL     = 3
	openRdWr   = 2
	nonblock   = 0o4000
	maxWriting = 1 << 16
)

// fcntl is fcntl(2): what the runtime asks of its standard descriptors.
func fcntl(r *uabi.Regs) (v, errno uint64) {
	if r.RDI > fdEvent {
		return 0, ebadf
	}
	switch r.RSI {
	case fGetFD:
		return 0, 0
	case fGetFL:
		return openRdWr, 0
	}
	return 0, einval
}

// read is read(2): the event descriptor, and the end of standard input.
func read(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	switch r.RDI {
	case 0:
		return 0, 0
	case fdEvent:
		return eventRead8(t, r)
	}
	return 0, ebadf
}

// write is write(2): standard output and error become lines of the log; the event descriptor wakes the poller.
func write(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	switch r.RDI {
	case 1, 2:
		return writeLog(t, r.RSI, min(r.RDX, maxWriting))
	case fdEvent:
		return eventWrite8(t, r)
	}
	return 0, ebadf
}

// writeLog appends n bytes of user memory to the image's line.
func writeLog(t *ipc.Thread, va, n uint64) (v, errno uint64) {
	b := logScratch[:]
	for v < n {
		got, err := t.Space.Read(va+v, b[:min(n-v, maxLog)])
		if err != uabi.OK {
			if v == 0 {
				return 0, efault
			}
			return v, 0
		}
		for _, c := range b[:got] {
			lineByte(t.Proc, c)
		}
		v += uint64(got)
	}
	return v, 0
}

// lineByte adds one byte to p's line, and writes the line when it is complete or full, so that lines of different processes
// do not mix.
func lineByte(p *ipc.Process, c byte) {
	s := processState(p)
	if c == '\n' {
		processLine(p, s.line[:s.lines])
		s.lines = 0
		return
	}
	if s.lines == lineSize {
		processLine(p, s.line[:])
		s.lines = 0
	}
	s.line[s.lines] = c
	s.lines++
}

// flushLine writes what is left of p's line.
//
//go:noinline
func flushLine(p *ipc.Process) {
	if processState(p).lines > 0 {
		lineByte(p, '\n')
	}
}

// neg is −errno as RAX returns it.
func neg(errno uint64) uint64 { return -errno }
