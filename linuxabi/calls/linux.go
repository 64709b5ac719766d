package calls

import (
	"log"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/gaps"
	"aramid/proto/mm"
	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Linux is the personality over one kernel. All its state is cache.
type Linux struct {
	k       uk.Kernel
	proc    proc.Client
	vfs     vfs.Client
	net     net.Client
	mm      mm.Client // the plain endpoint: Create only
	fds     fdCache
	mms     map[uint64]uabi.Handle // tgid → weak mm handle
	locks   lockState
	gaps    *gaps.Table
	hwcap   uint64 // AT_HWCAP: CPUID's features
	vdsoMem uabi.Handle
	trace   tracing
	trap    Trap
}

// New makes the personality. k's thread has its message buffer attached; the servers are at their boot handles.
func New(k uk.Kernel) *Linux {
	l := &Linux{k: k, proc: proc.Client{H: uabi.BootProc}, vfs: vfs.Client{H: uabi.BootVFS}, net: net.Client{H: uabi.BootNet}, mm: mm.Client{H: uabi.BootMM},
		mms: map[uint64]uabi.Handle{}}
	l.fds.k = k
	l.fds.tables = map[uint64][]fdEntry{}
	if kept, err := k.MapSelf(uabi.BootKept, 0, gaps.TableSize); err == uabi.OK {
		l.gaps = gaps.Open(kept)
	} else {
		l.gaps = gaps.Open(make([]byte, gaps.TableSize)) // counted as long as this image lives
	}
	var i uabi.SystemInfo
	if err := k.SystemInfo(&i); err == uabi.OK {
		l.hwcap = i.Features
	}
	l.trap.l, l.trap.K, l.trap.Rank, l.trap.buf = l, k, uabi.RankLinux, k.Buf()
	return l
}

// closeInherited closes the handles that a predecessor had open when it ended. Those that traps still need are the kernel's (R4, R5); a
// handle of a pipe's end that stayed here would keep its reader waiting for ever. Those of a Start that was cut off are nobody else's:
// they must last until a successor has been through it.
func closeInherited(k uk.Kernel) {
	for h, err := k.HandleNext(uabi.BootFirst - 1); err == uabi.OK && h != 0; {
		next, nextErr := k.HandleNext(h)
		k.Close(h)
		h, err = next, nextErr
	}
}

// Serve handles traps for ever. Start has come to its end.
func (l *Linux) Serve() {
	t := &l.trap
	closeInherited(l.k)
	l.vdsoMem = 0
	t.buf.Out.Kind = uabi.AnswerNone
	for {
		if l.next(t) == uabi.OK {
			l.handle(t)
		} else {
			t.buf.Out.Kind = uabi.AnswerNone
		}
	}
}

// next sends the answer to the current trap, if there is one, and receives the next. Handles that the trap brought are closed behind
// the answer, which may name them.
func (l *Linux) next(t *Trap) uabi.Error {
	if n := len(t.temps); n > uabi.MaxClose {
		if t.buf.Out.Kind != uabi.AnswerNone {
			l.k.Reply()
		}
		t.end()
		t.buf.Out.Kind = uabi.AnswerNone
	} else if n > 0 {
		t.buf.Out.NClose = uint32(copy(t.buf.Out.Close[:], t.temps))
		t.temps = t.temps[:0]
	} else if t.buf.Out.Kind == uabi.AnswerNone {
		return l.k.Receive(uabi.BootEndpoint, uabi.NoDeadline)
	}
	return l.k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline)
}

// maxProcesses is of how many processes something is cached. Those that were killed are forgotten with all others.
const maxProcesses = 256

// forget bounds the caches. Between traps nobody uses their handles.
func (l *Linux) forget() {
	if max(len(l.fds.tables), len(l.mms)) > maxProcesses {
		l.forgetAll()
	}
}

func (l *Linux) forgetAll() {
	if len(l.fds.tables) > maxProcesses {
		for files := range l.fds.tables {
			l.fds.dropTable(files)
		}
	}
	if len(l.mms) > maxProcesses {
		for tgid := range l.mms {
			l.dropMM(tgid)
		}
	}
}

// handle takes one message and leaves its answer in Out.
func (l *Linux) handle(t *Trap) {
	if t.buf.In.Kind != uabi.KindTrap {
		t.buf.Out.Kind = uabi.AnswerResult
		t.buf.Out.Status = -int32(uabi.ErrCall)
		return
	}
	l.forget()
	t.begin()
	switch t.in.Trap {
	case uabi.TrapSyscall:
		if v := l.syscall(t); v != pending {
			t.finish(v)
		}
	case uabi.TrapFault:
		t.fault()
	default:
		t.deliver(t.in.Regs)
	}
}

// syscall runs the handler of a system call.
func (l *Linux) syscall(t *Trap) int64 {
	nr := t.regs.RAX
	if nr >= uint64(len(table)) || table[nr].run == nil {
		v := t.absent(nr)
		if l.trace.on {
			l.traceCall(t, nr, v)
		}
		return v
	}
	row := &table[nr]
	if t.in.Flags&uabi.FlagFailed != 0 {
		return t.failed(row)
	}
	v := row.run(t)
	if l.trace.on {
		l.traceCall(t, nr, v)
	}
	return v
}

// failed answers a trap whose forwarded request came back with an error.
func (t *Trap) failed(row *row) int64 {
	e := uabi.Error(-t.in.Status)
	if e == uabi.ErrStale {
		t.l.fds.drop(t.files0(), t.arg32(0))
		return row.run(t) // the cached descriptor's file is gone: look it up again
	}
	if row.failed != nil {
		return row.failed(t, e)
	}
	return t.result(0, e)
}

// finish ends a system call with v, through the delivery of signals where one interrupts.
func (t *Trap) finish(v int64) {
	if t.in.Flags&uabi.FlagInterrupt == 0 && !t.masked && !restarts(v) {
		t.reply(v)
		return
	}
	r := t.in.Regs
	r.OrigRAX = r.RAX
	r.RAX = uint64(v)
	t.deliver(r)
}

// absent answers a system call that has no handler, and counts it.
func (t *Trap) absent(nr uint64) int64 {
	t.gap(nr, "absent")
	if nr < uint64(len(table)) && table[nr].errno != 0 {
		return errno(table[nr].errno)
	}
	return errno(unix.ENOSYS)
}

// gap counts a use that Linux would serve and we do not. The first of each kind is logged.
func (t *Trap) gap(nr uint64, what string) {
	if t.l.gaps.Count(abi.Name(nr), what) {
		log.Printf("gap: %s: %s", abi.Name(nr), what)
	}
}
