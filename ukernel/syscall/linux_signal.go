package syscall

import (
	"math/bits"

	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

const (
	sigsetSize = 8
	actionSize = 32
	sigBlock   = 0
	sigUnblock = 1
	sigSetmask = 2
	handlerDfl = 0
	handlerIgn = 1

	// neverBlocked are SIGKILL and SIGSTOP.
	neverBlocked = 1<<(sigKILL-1) | 1<<(sigSTOP-1)
	// ignoredByDefault are SIGCHLD, SIGURG, SIGWINCH, SIGCONT (signal(7)).
	ignoredByDefault = 1<<(17-1) | 1<<(sigURG-1) | 1<<(28-1) | 1<<(18-1)

	// deathSignal is added to the number of a signal that ends an image, as a shell's $? would be.
	deathSignal = 128
	// deathVector is added to the vector of an exception that ends an image (uabi.ProcessInfo.ExitStatus).
	deathVector = 256
)

// sigaction is rt_sigaction(2).
func sigaction(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	if r.RDI == 0 || r.RDI > numSigs || r.R10 != sigsetSize {
		return 0, einval
	}
	if r.RSI != 0 && neverBlocked>>(r.RDI-1)&1 != 0 {
		return 0, einval
	}
	a := &processState(t.Proc).action[r.RDI-1]
	var in, out [actionSize]byte
	if r.RSI != 0 {
		if n, err := t.Space.Read(r.RSI, in[:]); err != uabi.OK || n != actionSize {
			return 0, efault
		}
	}
	if r.RDX != 0 {
		put64(out[0:], a.handler)
		put64(out[8:], a.flags)
		put64(out[16:], a.restorer)
		put64(out[24:], a.mask)
		if errno := put(t, r.RDX, out[:]); errno != 0 {
			return 0, errno
		}
	}
	if r.RSI != 0 {
		*a = sigAction{handler: le64(in[0:]), flags: le64(in[8:]), restorer: le64(in[16:]), mask: le64(in[24:]) &^ neverBlocked}
	}
	return 0, 0
}

// sigprocmask is rt_sigprocmask(2).
func sigprocmask(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	if r.R10 != sigsetSize {
		return 0, einval
	}
	s := threadState(t)
	var b [sigsetSize]byte
	next := s.mask
	if r.RSI != 0 {
		if n, err := t.Space.Read(r.RSI, b[:]); err != uabi.OK || n != sigsetSize {
			return 0, efault
		}
		set := le64(b[:]) &^ neverBlocked
		switch r.RDI {
		case sigBlock:
			next |= set
		case sigUnblock:
			next &^= set
		case sigSetmask:
			next = set
		default:
			return 0, einval
		}
	}
	if r.RDX != 0 {
		put64(b[:], s.mask)
		if errno := put(t, r.RDX, b[:]); errno != 0 {
			return 0, errno
		}
	}
	s.mask = next
	return 0, 0
}

const stackTSize = 24 // struct sigaltstack: sp, flags, size

// sigaltstack is sigaltstack(2).
func sigaltstack(t *ipc.Thread, r *uabi.Regs) (v, errno uint64) {
	s := threadState(t)
	var in, out [stackTSize]byte
	if r.RDI != 0 {
		if n, err := t.Space.Read(r.RDI, in[:]); err != uabi.OK || n != stackTSize {
			return 0, efault
		}
		if s.alt.holds(r.RSP) {
			return 0, eperm
		}
	}
	if r.RSI != 0 {
		flags := uint32(0)
		switch {
		case s.alt.size == 0:
			flags = ssDisable
		case s.alt.holds(r.RSP):
			flags = ssOnStack
		}
		put64(out[0:], s.alt.base)
		put32(out[8:], flags)
		put64(out[16:], s.alt.size)
		if errno := put(t, r.RSI, out[:]); errno != 0 {
			return 0, errno
		}
	}
	if r.RDI == 0 {
		return 0, 0
	}
	next := altStack{base: le64(in[0:]), size: le64(in[16:])}
	switch flags := le32(in[8:]); {
	case flags&ssDisable != 0:
		next = altStack{}
	case flags&^ssOnStack != 0:
		return 0, einval
	case next.size < sigFrameSize+fxSize+fxAlign:
		return 0, enomem
	case userRange(next.base, next.size) != uabi.OK:
		return 0, efault
	}
	s.alt = next
	return 0, 0
}

// tgkill is tgkill(2) and kill(2) inside the caller's own image.
func tgkill(t *ipc.Thread, pid, tid, sig uint64) (v, errno uint64) {
	if sig > numSigs {
		return 0, einval
	}
	n := t.Proc.FindThread(tid)
	if pid != t.Proc.ID || n == nil {
		return 0, esrch
	}
	if sig == 0 {
		return 0, 0
	}
	s := threadState(n)
	s.pending |= 1 << (sig - 1)
	s.sender = t.Proc.ID
	sched.KickOut(&n.Thread) // leave delivers when it next goes to user mode
	n.Hurry()
	return 0, 0
}

// deliver acts on t's pending signals, which are not all blocked. t is about to go to user mode.
func deliver(t *ipc.Thread) {
	s := threadState(t)
	for s.pending&^s.mask != 0 {
		sig := uint32(bits.TrailingZeros64(s.pending&^s.mask)) + 1
		s.pending &^= 1 << (sig - 1)
		act := &processState(t.Proc).action[sig-1]
		if act.handler == handlerIgn || act.handler == handlerDfl && ignoredByDefault>>(sig-1)&1 != 0 {
			continue
		}
		why := sigCause{sig: sig, code: siTKill, addr: s.sender}
		if act.handler == handlerDfl || !pushFrame(t, act, &why) {
			ktrace.Text("ukernel: ")
			ktrace.Bytes(nameOf(t.Proc))
			ktrace.Text(" was ended by signal ")
			ktrace.Dec(uint64(sig))
			ktrace.Newline()
			endImage(t.Proc, deathSignal+uint64(sig))
		}
		return // one frame at a time: its mask decides about the others
	}
}

// frameScratch and fxScratch hold a frame while it is built; guarded by the kernel lock.
var (
	frameScratch [sigFrameSize]byte
	fxScratch    [fxSize]byte
)

// pushFrame makes t run act's handler. false: its stack cannot be written; nothing but memory has changed.
func pushFrame(t *ipc.Thread, act *sigAction, why *sigCause) bool {
	s := threadState(t)
	c := &t.Ctx
	fx, frame := frameAddr(c.Regs.RSP, &s.alt, act)
	buildFrame(&frameScratch, &c.Regs, &s.alt, act, why, s.mask, fx)
	if put(t, fx, c.FX[:]) != 0 || put(t, frame, frameScratch[:]) != 0 {
		return false
	}
	ktrace.Rare(ktrace.EvSignal, t.TraceID(), uint64(why.sig), c.Regs.RIP, act.handler)
	enterHandler(&c.Regs, act, why.sig, frame)
	c.Full = 1
	s.mask |= act.mask
	if act.flags&saNoDefer == 0 {
		s.mask |= 1 << (why.sig - 1)
	}
	return true
}

// sigreturn is rt_sigreturn(2): the state before the handler comes back from its frame.
func sigreturn(t *ipc.Thread) *arch.Context {
	c := &t.Ctx
	if n, err := t.Space.Read(c.Regs.RSP-wordSize, frameScratch[:]); err != uabi.OK || n != sigFrameSize {
		endException(t)
		return leave()
	}
	regs := c.Regs
	mask, fx, ok := readFrame(&frameScratch, &regs)
	if ok && fx != 0 {
		n, err := t.Space.Read(fx, fxScratch[:])
		ok = err == uabi.OK && n == fxSize
	}
	if !ok {
		endException(t)
		return leave()
	}
	if fx != 0 {
		cleanFX(&fxScratch, le32(c.FX[fxMXCSRMask:]))
		c.FX = fxScratch
	}
	c.Regs = regs
	c.Full = 1
	threadState(t).mask = mask &^ neverBlocked
	return leave()
}

// exception turns an exception of the native thread t into its signal, or ends its image. fault is what vm said of a page
// fault.
func exception(t *ipc.Thread, fault uabi.Error) {
	r := &t.Ctx.Regs
	ktrace.Rare(ktrace.EvException, t.TraceID(), r.Vector, r.RIP, r.Addr)
	why, ok := causeOf(r, fault)
	if ok {
		act := &processState(t.Proc).action[why.sig-1]
		blocked := threadState(t).mask>>(why.sig-1)&1 != 0
		if !blocked && act.handler > handlerIgn && pushFrame(t, act, &why) {
			return
		}
	}
	endException(t)
}

// endException ends t's image for an exception that it does not handle.
func endException(t *ipc.Thread) {
	r := &t.Ctx.Regs
	flushLine(t.Proc)
	ktrace.Text("ukernel: ")
	ktrace.Bytes(nameOf(t.Proc))
	ktrace.Text(": unhandled exception ")
	ktrace.Dec(r.Vector)
	ktrace.Text(" at ")
	ktrace.Hex(r.RIP)
	ktrace.Text(", address ")
	ktrace.Hex(r.Addr)
	ktrace.Text(", code ")
	ktrace.Hex(r.Code)
	ktrace.Newline()
	endImage(t.Proc, deathVector+r.Vector)
}

// endImage ends p's image because of what it did itself.
func endImage(p *ipc.Process, status uint64) {
	flushLine(p)
	ktrace.Rare(ktrace.EvProcessDeath, 0, p.ID, status, 0)
	p.Die(status, true)
}
