package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

// si_code values (asm-generic/siginfo.h).
const (
	siUser    = 0
	siTkill   = -6
	siKernel  = 0x80
	segvMap   = 1
	segvAcc   = 2
	fpeIntDiv = 1
	illOpcode = 2
	trapBrkpt = 1
	busAlign  = 1
	busAddr   = 2
)

// recordStops is the record word that counts how often this trap was parked by a stop and went on.
const recordStops = recordKind - 1

// interrupted, in that word, says that NextSignal was sent: it may have lowered the interrupt level, but whoever handles the trap again
// must come to it again (R12), or the signal that it took is lost.
const interrupted = 1 << 63

const syscallLen = 2 // bytes of the SYSCALL instruction: how far back a restart goes

// deliver answers the trap with registers r after all deliverable signals have had their frames. A system call's result is in
// r.RAX and its number in r.OrigRAX.
func (t *Trap) deliver(r uabi.Regs) {
	if s := t.nextSignal(); s != nil {
		t.deliverFrom(s, r)
		return
	}
	if t.in.Trap == uabi.TrapSyscall {
		t.restartUnhandled(&r)
	}
	t.setRegs(&r)
}

// nextSignal asks for the next signal; nil: there is none.
func (t *Trap) nextSignal() *proc.SignalReply {
	t.Record[recordStops] |= interrupted
	t.Save = true
	if err := t.l.proc.NextSignal(t, &proc.EmptyRequest{}, &t.signal); err != uabi.OK || t.signal.Signal == 0 {
		return nil
	}
	return &t.signal
}

// deliverFrom is deliver with the first signal known.
func (t *Trap) deliverFrom(s *proc.SignalReply, r uabi.Regs) {
	handled := false
	for stops := uint64(0); s != nil; {
		if s.Handler == 0 { // the process is stopped
			if stops++; stops > t.Record[recordStops]&^interrupted {
				t.Record[recordStops] = stops | interrupted
				t.answer(uabi.AnswerStop, 0)
				return
			}
			s = t.nextSignal() // continued since
			continue
		}
		if t.in.Trap == uabi.TrapSyscall && !handled {
			t.restart(&r, s.Flags&abi.SARestart != 0)
		}
		handled = true
		more := s.More
		if !t.pushFrame(&r, s) {
			segv := uint32(unix.SIGSEGV)
			t.l.proc.Fault(t, &proc.FaultRequest{Signal: segv, Code: siKernel, Fatal: s.Signal == segv}, &proc.EmptyReply{})
			more = true
		}
		if s = nil; more {
			s = t.nextSignal()
		}
	}
	if t.in.Trap == uabi.TrapSyscall && !handled {
		t.restartUnhandled(&r)
	}
	t.setRegs(&r)
}

// restarts reports whether a return value is one that only a signal explains: one that the call itself has brought on (SIGTTIN).
func restarts(v int64) bool { return v == restartSys || v == restartNoHand || v == restartBlock }

// restart decides what an interrupted call returns when a handler runs (signal(7), "Interruption of system calls").
func (t *Trap) restart(r *uabi.Regs, saRestart bool) {
	switch int64(r.RAX) {
	case restartSys:
		if saRestart {
			r.RAX, r.RIP = r.OrigRAX, r.RIP-syscallLen
			return
		}
		r.RAX = uint64(errno(unix.EINTR))
	case restartNoHand, restartBlock:
		r.RAX = uint64(errno(unix.EINTR))
	}
}

// restartUnhandled is restart where no handler runs: the call goes on as if nothing had been.
func (t *Trap) restartUnhandled(r *uabi.Regs) {
	switch int64(r.RAX) {
	case restartSys, restartNoHand, restartBlock:
		r.RAX, r.RIP = r.OrigRAX, r.RIP-syscallLen
	}
}

// pushFrame builds the frame for signal s and points r at its handler. It is false if the stack cannot take the frame.
func (t *Trap) pushFrame(r *uabi.Regs, s *proc.SignalReply) bool {
	f := abi.Frame{Regs: r, Mask: s.OldMask, Restorer: s.Restorer, Info: abi.Siginfo{Signal: s.Signal, Code: s.Code, PID: s.Pid,
		UID: s.Uid, Status: s.Status, Addr: s.Addr, Value: s.Value, FaultTrap: s.Trap, FaultError: s.Error}}
	sp, fresh := r.RSP, false
	onAlt := s.AltSize != 0 && r.RSP > s.AltSp && r.RSP <= s.AltSp+s.AltSize
	f.Stack = abi.StackT{SP: s.AltSp, Size: s.AltSize, Flags: altFlags(s.AltSize, onAlt)}
	if s.Flags&abi.SAOnstack != 0 && s.AltSize != 0 && !onAlt {
		sp, fresh = s.AltSp+s.AltSize, true
	}
	frame, fx := abi.Place(sp, fresh)
	if (fresh || onAlt) && frame < s.AltSp {
		return false
	}
	b := t.bytes(abi.FrameSize)
	f.Encode((*[abi.FrameSize]byte)(b), fx)
	if t.write(frame, b) != 0 || t.K.AlienState(fx, false) != uabi.OK {
		return false
	}
	r.RSP, r.RIP = frame, s.Handler
	r.RDI, r.RSI, r.RDX, r.RAX = uint64(s.Signal), frame+abi.FrameInfo, frame+abi.FrameContext, 0
	r.Flags &^= flagDF | flagTF | flagRF
	return true
}

// Flags that a handler starts without: direction, trap, resume.
const (
	flagDF = 1 << 10
	flagTF = 1 << 8
	flagRF = 1 << 16
)

// Flags of a stack_t.
const (
	ssOnstack = 1
	ssDisable = 2
)

func altFlags(size uint64, on bool) uint32 {
	switch {
	case size == 0:
		return ssDisable
	case on:
		return ssOnstack
	}
	return 0
}

// rtSigreturn takes the state back from the frame that the handler returned to.
func rtSigreturn(t *Trap) int64 {
	b := t.bytes(abi.ContextSize)
	r := t.in.Regs
	if t.read(r.RSP, b) != 0 {
		return t.badFrame()
	}
	mask, alt, fx := abi.DecodeContext((*[abi.ContextSize]byte)(b), &r)
	if fx != 0 && t.K.AlienState(fx, true) != uabi.OK {
		return t.badFrame()
	}
	in := proc.SigReturnRequest{Mask: mask, Sp: alt.SP, Size: alt.Size, Flags: alt.Flags &^ ssOnstack, CurrentSp: r.RSP}
	if t.forwardable && r.RIP <= uabi.MaxUser {
		return t.forwardedWith(&r, t.l.proc.ForwardSigReturn(t, &in))
	}
	if err := t.l.proc.SigReturn(t, &in, &proc.EmptyReply{}); err != uabi.OK {
		return t.badFrame()
	}
	if t.in.Flags&uabi.FlagInterrupt != 0 {
		r.OrigRAX = 0
		t.deliverResumed(r)
		return pending
	}
	t.setRegs(&r)
	return pending
}

// forwardedWith is forwarded for a call after which the caller goes on with registers r.
func (t *Trap) forwardedWith(r *uabi.Regs, e uabi.Error) int64 {
	if e != uabi.OK {
		return t.status(e)
	}
	*t.buf.ArgRegs() = *r
	t.buf.Out.Flags |= uabi.FlagRegs
	return pending
}

func sigreturnFailed(t *Trap, _ uabi.Error) int64 { return t.badFrame() }

// deliverResumed is deliver for registers that are no system call's result.
func (t *Trap) deliverResumed(r uabi.Regs) {
	t.in.Trap = uabi.TrapInterrupt
	t.deliver(r)
}

// astray delivers the SIGSEGV of registers that the processor cannot take.
func (t *Trap) astray(r uabi.Regs) {
	t.l.proc.Fault(t, &proc.FaultRequest{Signal: uint32(unix.SIGSEGV), Code: siKernel}, &proc.EmptyReply{})
	t.deliverResumed(r)
}

// badFrame answers rt_sigreturn on what is no frame: SIGSEGV, as Linux.
func (t *Trap) badFrame() int64 {
	t.l.proc.Fault(t, &proc.FaultRequest{Signal: uint32(unix.SIGSEGV), Code: siKernel}, &proc.EmptyReply{})
	t.deliverResumed(t.in.Regs)
	return pending
}

// fault turns a processor exception of the alien into its signal.
func (t *Trap) fault() {
	r := t.in.Regs
	in := proc.FaultRequest{Addr: r.RIP, Trap: r.Vector, Error: r.Code}
	sig, code := unix.SIGSEGV, int32(siKernel)
	switch r.Vector {
	case hw.VecPageFault:
		in.Addr, in.Error = r.Addr, r.Code&processorCode
		code = segvMap
		switch {
		case r.Code&uabi.FaultNoMem != 0:
			if t.outOfMemory() {
				return
			}
			sig, code = unix.SIGKILL, siKernel
		case r.Code&uabi.FaultBus != 0:
			sig, code = unix.SIGBUS, busAddr
		case r.Code&hw.FaultPresent != 0 || t.isMapped(r.Addr):
			code = segvAcc
		}
	case hw.VecDivide:
		sig, code = unix.SIGFPE, fpeIntDiv
	case hw.VecInvalidOp:
		sig, code = unix.SIGILL, illOpcode
	case hw.VecBreakpoint:
		sig, code, in.Addr = unix.SIGTRAP, siKernel, 0
	case hw.VecDebug:
		sig, code = unix.SIGTRAP, trapBrkpt
	case hw.VecAlignment:
		sig, code = unix.SIGBUS, busAlign
	case hw.VecX87, hw.VecSIMD:
		sig, code = unix.SIGFPE, siKernel
	default:
		in.Addr = 0
	}
	in.Signal, in.Code = uint32(sig), code
	t.l.proc.Fault(t, &in, &proc.EmptyReply{})
	t.deliver(r)
}

// processorCode is the part of a page fault's code that the processor gave.
const processorCode = 1<<32 - 1

const sigsetSize = 8

func rtSigaction(t *Trap) int64 {
	if t.arg(3) != sigsetSize {
		return errno(unix.EINVAL)
	}
	const actionSize = 32
	in := proc.ActionRequest{Signal: uint32(t.arg(0))}
	if va := t.arg(1); va != 0 {
		b := t.bytes(actionSize)
		if e := t.read(va, b[:]); e != 0 {
			return e
		}
		in.Set, in.Handler, in.Flags = true, le.Uint64(b[:]), le.Uint64(b[8:])
		in.Restorer, in.Mask = le.Uint64(b[16:]), le.Uint64(b[24:])
	}
	if va := t.arg(2); va != 0 {
		if e := t.writable(va, actionSize); e != 0 {
			return e
		}
	}
	var out proc.ActionReply
	if err := t.l.proc.Action(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if va := t.arg(2); va != 0 {
		var w abi.Writer
		for _, v := range [...]uint64{out.Handler, out.Flags, out.Restorer, out.Mask} {
			w.U64(v)
		}
		return t.write(va, w.B)
	}
	return 0
}

func rtSigprocmask(t *Trap) int64 {
	if t.arg(3) != sigsetSize {
		return errno(unix.EINVAL)
	}
	in := proc.MaskRequest{How: uint32(t.arg(0))}
	if va := t.arg(1); va != 0 {
		var e int64
		if in.Mask, e = t.sigset(va); e != 0 {
			return e
		}
		in.Set = true
		if in.How > unix.SIG_SETMASK {
			return errno(unix.EINVAL)
		}
	}
	if va := t.arg(2); va != 0 {
		if e := t.writable(va, sigsetSize); e != 0 {
			return e
		}
	}
	var out proc.MaskReply
	if err := t.l.proc.Mask(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.putSigset(t.arg(2), out.Mask)
}

// sigset reads a signal set.
func (t *Trap) sigset(va uint64) (uint64, int64) {
	b := t.bytes(sigsetSize)
	e := t.read(va, b[:])
	return le.Uint64(b[:]), e
}

func (t *Trap) putSigset(va, mask uint64) int64 {
	if va == 0 {
		return 0
	}
	return t.write(va, le.AppendUint64(nil, mask))
}

func rtSigpending(t *Trap) int64 {
	if t.arg(1) > sigsetSize {
		return errno(unix.EINVAL)
	}
	var out proc.MaskReply
	if err := t.l.proc.Pending(t, &proc.EmptyRequest{}, &out); err != uabi.OK {
		return t.status(err)
	}
	if t.arg(0) == 0 {
		return errno(unix.EFAULT)
	}
	return t.putSigset(t.arg(0), out.Mask)
}

func rtSigsuspend(t *Trap) int64 {
	if t.arg(1) != sigsetSize {
		return errno(unix.EINVAL)
	}
	mask, e := t.sigset(t.arg(0))
	if e != 0 {
		return e
	}
	if err := t.l.proc.Suspend(t, &proc.SuspendRequest{Mask: mask}, &proc.EmptyReply{}); err != uabi.OK {
		return t.status(err)
	}
	return t.untilSignal()
}

func pause(t *Trap) int64 { return t.untilSignal() }

// untilSignal waits for a handler to run.
func (t *Trap) untilSignal() int64 {
	if v := t.sleep(uabi.NoDeadline); v != restartSys {
		return v
	}
	return restartNoHand
}

func rtSigtimedwait(t *Trap) int64 {
	if t.arg(3) != sigsetSize {
		return errno(unix.EINVAL)
	}
	mask, e := t.sigset(t.arg(0))
	if e != 0 {
		return e
	}
	deadline := uint64(uabi.NoDeadline)
	if va := t.arg(2); va != 0 {
		ns, e := t.timespec(va, 0)
		if e != 0 {
			return e
		}
		deadline = t.deadline(ns)
	}
	var s proc.SignalReply
	err := t.l.proc.TimedWait(t, &proc.TimedWaitRequest{Mask: mask, Deadline: deadline}, &s)
	if err == uabi.ErrTimeout {
		return errno(unix.EAGAIN)
	}
	if err != uabi.OK {
		v := t.status(err)
		if v == restartSys {
			return errno(unix.EINTR)
		}
		if v == errno(unix.ETIMEDOUT) {
			return errno(unix.EAGAIN)
		}
		return v
	}
	if va := t.arg(1); va != 0 {
		var w abi.Writer
		w.Siginfo(&abi.Siginfo{Signal: s.Signal, Code: s.Code, PID: s.Pid, UID: s.Uid, Status: s.Status, Addr: s.Addr, Value: s.Value})
		if e := t.write(va, w.B); e != 0 {
			return e
		}
	}
	return int64(s.Signal)
}

func kill(t *Trap) int64 {
	return t.kill(&proc.KillRequest{Pid: t.arg32(0), Signal: uint32(t.arg(1)), Code: siUser})
}

func tkill(t *Trap) int64 {
	if t.arg32(0) <= 0 {
		return errno(unix.EINVAL)
	}
	return t.kill(&proc.KillRequest{Tid: t.arg32(0), Signal: uint32(t.arg(1)), Code: siTkill})
}

func tgkill(t *Trap) int64 {
	if t.arg32(0) <= 0 || t.arg32(1) <= 0 {
		return errno(unix.EINVAL)
	}
	return t.kill(&proc.KillRequest{Pid: t.arg32(0), Tid: t.arg32(1), Signal: uint32(t.arg(2)), Code: siTkill})
}

func (t *Trap) kill(in *proc.KillRequest) int64 {
	self := in.Pid == int32(t.tgid()) && in.Tid == 0 || in.Tid == int32(t.tid())
	if self && in.Signal != 0 {
		return t.raise(in)
	}
	return t.status(t.l.proc.Kill(t, in, &proc.EmptyReply{}))
}

// raise sends the caller a signal, which it takes at once if it may.
func (t *Trap) raise(in *proc.KillRequest) int64 {
	r := proc.RaiseRequest{Pid: in.Pid, Tid: in.Tid, Signal: in.Signal, Code: in.Code, Value: in.Value}
	if err := t.l.proc.Raise(t, &r, &t.signal); err != uabi.OK {
		return t.status(err)
	}
	if t.signal.Signal == 0 {
		return 0
	}
	regs := t.in.Regs
	regs.OrigRAX, regs.RAX = regs.RAX, 0
	t.deliverFrom(&t.signal, regs)
	return pending
}

// rt_sigqueueinfo and rt_tgsigqueueinfo: the caller makes the siginfo; only a process itself may feign what the kernel sends.
func rtSigqueueinfo(t *Trap) int64 {
	return t.queueInfo(&proc.KillRequest{Pid: t.arg32(0), Signal: uint32(t.arg(1))}, t.arg32(0), t.arg(2))
}

func rtTgsigqueueinfo(t *Trap) int64 {
	return t.queueInfo(&proc.KillRequest{Pid: t.arg32(0), Tid: t.arg32(1), Signal: uint32(t.arg(2))}, t.arg32(1), t.arg(3))
}

// queueInfo sends a signal with the siginfo at va. Only to itself (its thread id) may a thread pretend that the kernel sent it.
func (t *Trap) queueInfo(in *proc.KillRequest, to int32, va uint64) int64 {
	b := t.bytes(abi.SiginfoSize)
	if e := t.read(va, b[:]); e != 0 {
		return e
	}
	if t.regs.RAX == unix.SYS_RT_TGSIGQUEUEINFO && (in.Pid <= 0 || in.Tid <= 0) {
		return errno(unix.EINVAL)
	}
	in.Code, in.Value = int32(le.Uint32(b[8:])), le.Uint64(b[24:])
	if (in.Code >= 0 || in.Code == siTkill) && uint64(to) != t.tid() {
		return errno(unix.EPERM)
	}
	return t.kill(in)
}

func sigaltstack(t *Trap) int64 {
	in := proc.AltStackRequest{CurrentSp: t.regs.RSP}
	if va := t.arg(0); va != 0 {
		b := t.bytes(abi.StackTSize)
		if e := t.read(va, b[:]); e != 0 {
			return e
		}
		s := abi.ParseStackT(b[:])
		in.Set, in.Sp, in.Size, in.Flags = true, s.SP, s.Size, s.Flags
	}
	var out proc.AltStackReply
	if err := t.l.proc.AltStack(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if va := t.arg(1); va != 0 {
		var w abi.Writer
		w.StackT(&abi.StackT{SP: out.Sp, Flags: out.Flags, Size: out.Size})
		return t.write(va, w.B)
	}
	return 0
}
