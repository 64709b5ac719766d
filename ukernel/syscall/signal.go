package syscall

import (
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

// Signal frames as Linux lays them out on x86-64 (arch/x86/include/uapi/asm/sigcontext.h, ucontext.h; sigaction(2)). A stock Go
// runtime needs them for preemption (SIGURG), for nil dereferences that become panics, and for its crash reports.
//
//	frame + 0    return address: the restorer
//	frame + 8    ucontext: flags, link, stack (24), sigcontext (256), mask
//	frame + 312  siginfo (128)
//	             FXSAVE area, 64-byte aligned, above
const (
	sigUC        = 8
	ucStack      = sigUC + 16
	ucRegs       = sigUC + 40
	ucMask       = ucRegs + 256
	sigInfo      = ucMask + 8
	sigInfoSize  = 128
	sigFrameSize = sigInfo + sigInfoSize
	fxSize       = 512
	fxAlign      = 64
	redZone      = 128 // System V ABI, AMD64 supplement §3.2.2

	// sigcontext, words from ucRegs; segments are one word of four 16-bit values.
	scR8, scR9, scR10, scR11, scR12, scR13, scR14, scR15 = 0, 1, 2, 3, 4, 5, 6, 7
	scRDI, scRSI, scRBP, scRBX, scRDX, scRAX, scRCX      = 8, 9, 10, 11, 12, 13, 14
	scRSP, scRIP, scFlags, scSegs, scErr, scTrap         = 15, 16, 17, 18, 19, 20
	scMask, scCR2, scFP                                  = 21, 22, 23

	userCS, userSS = 0x23, 0x1b
	segsWord       = userCS | userSS<<48

	// FXSAVE area offsets (SDM Vol. 1 §10.5.1).
	fxMXCSR      = 24
	fxMXCSRMask  = 28
	mxcsrDefault = 0xffbf // the mask when the processor reports 0
)

// Signals and codes that the kernel itself sends (signal(7), sigaction(2)).
const (
	sigILL  = 4
	sigTRAP = 5
	sigBUS  = 7
	sigFPE  = 8
	sigKILL = 9
	sigSEGV = 11
	sigSTOP = 19
	sigURG  = 23
	numSigs = 64

	siKernel   = 0x80
	siTKill    = -6
	segvMapErr = 1
	segvAccErr = 2
	fpeIntDiv  = 1
	fpeFltInv  = 7
	illOpn     = 2
	busAdrAln  = 1
	busAdrErr  = 2
	trapTrace  = 2

	saSiginfo  = 0x4
	saOnStack  = 0x08000000
	saRestorer = 0x04000000
	saNoDefer  = 0x40000000
	ssDisable  = 2
	ssOnStack  = 1

	// Flags of RFLAGS that a program may set itself: CF PF AF ZF SF TF DF OF RF AC ID.
	userFlags   = 1<<0 | 1<<2 | 1<<4 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<11 | 1<<16 | 1<<18 | 1<<21
	forcedFlags = 1<<1 | 1<<9 // reserved one; interrupts on
	flagTF      = 1 << 8
	flagDF      = 1 << 10
	flagRF      = 1 << 16
)

// sigAction is one entry of a process's table.
type sigAction struct {
	handler, flags, restorer, mask uint64
}

// altStack is a thread's alternate signal stack; size 0: none.
type altStack struct {
	base, size uint64
}

func (a *altStack) holds(sp uint64) bool { return a.size != 0 && sp > a.base && sp-a.base <= a.size }

// sigCause is what siginfo says.
type sigCause struct {
	sig   uint32
	code  int32
	addr  uint64 // faults: si_addr; tgkill: si_pid and si_uid
	trap  uint64
	error uint64
}

// frameAddr returns where the FXSAVE area and the frame of a new signal go.
func frameAddr(sp uint64, a *altStack, act *sigAction) (fx, frame uint64) {
	if act.flags&saOnStack != 0 && a.size != 0 && !a.holds(sp) {
		sp = a.base + a.size
	} else {
		sp -= redZone
	}
	fx = (sp - fxSize) &^ (fxAlign - 1)
	// At the handler's first instruction the stack is as after a CALL: 8 below a multiple of 16.
	frame = (fx-sigFrameSize)&^(stackAlign-1) - wordSize
	return fx, frame
}

// buildFrame fills b with the frame for the state r.
func buildFrame(b *[sigFrameSize]byte, r *uabi.Regs, a *altStack, act *sigAction, why *sigCause, mask, fx uint64) {
	clear(b[:])
	put64(b[:], act.restorer)
	put64(b[ucStack:], a.base)
	flags := uint32(0)
	switch {
	case a.size == 0:
		flags = ssDisable
	case a.holds(r.RSP):
		flags = ssOnStack
	}
	put32(b[ucStack+8:], flags)
	put64(b[ucStack+16:], a.size)
	sc := regsOf(b)
	regWords(sc, r)
	put64(sc[8*scSegs:], segsWord)
	put64(sc[8*scErr:], why.error)
	put64(sc[8*scTrap:], why.trap)
	put64(sc[8*scMask:], mask)
	put64(sc[8*scCR2:], r.Addr)
	put64(sc[8*scFP:], fx)
	put64(b[ucMask:], mask)
	info := b[sigInfo:]
	put32(info, why.sig)
	put32(info[8:], uint32(why.code))
	put64(info[16:], why.addr)
}

// regsOf is the sigcontext of a frame.
func regsOf(b *[sigFrameSize]byte) *[ucMask - ucRegs]byte {
	return (*[ucMask - ucRegs]byte)(b[ucRegs:])
}

// regWords writes the registers.
func regWords(sc *[ucMask - ucRegs]byte, r *uabi.Regs) {
	put64(sc[8*scR8:], r.R8)
	put64(sc[8*scR9:], r.R9)
	put64(sc[8*scR10:], r.R10)
	put64(sc[8*scR11:], r.R11)
	put64(sc[8*scR12:], r.R12)
	put64(sc[8*scR13:], r.R13)
	put64(sc[8*scR14:], r.R14)
	put64(sc[8*scR15:], r.R15)
	put64(sc[8*scRDI:], r.RDI)
	put64(sc[8*scRSI:], r.RSI)
	put64(sc[8*scRBP:], r.RBP)
	put64(sc[8*scRBX:], r.RBX)
	put64(sc[8*scRDX:], r.RDX)
	put64(sc[8*scRAX:], r.RAX)
	put64(sc[8*scRCX:], r.RCX)
	put64(sc[8*scRSP:], r.RSP)
	put64(sc[8*scRIP:], r.RIP)
	put64(sc[8*scFlags:], r.Flags)
}

// enterHandler changes r to the handler's first instruction.
func enterHandler(r *uabi.Regs, act *sigAction, sig uint32, frame uint64) {
	r.RSP, r.RIP = frame, act.handler
	r.RDI, r.RSI, r.RDX = uint64(sig), frame+sigInfo, frame+sigUC
	r.RAX = 0
	r.Flags &^= flagTF | flagDF | flagRF
}

// readFrame is buildFrame's inverse for rt_sigreturn: it takes the registers from the frame b, and returns the mask and
// where the FXSAVE area lies (0: none). ok is false, and nothing changed, when the frame asks for what no program may have.
func readFrame(b *[sigFrameSize]byte, r *uabi.Regs) (mask, fx uint64, ok bool) {
	sc := regsOf(b)
	rip := le64(sc[8*scRIP:])
	if rip >= uabi.MaxUser {
		return 0, 0, false
	}
	r.R8, r.R9, r.R10, r.R11 = le64(sc[8*scR8:]), le64(sc[8*scR9:]), le64(sc[8*scR10:]), le64(sc[8*scR11:])
	r.R12, r.R13, r.R14, r.R15 = le64(sc[8*scR12:]), le64(sc[8*scR13:]), le64(sc[8*scR14:]), le64(sc[8*scR15:])
	r.RDI, r.RSI, r.RBP, r.RBX = le64(sc[8*scRDI:]), le64(sc[8*scRSI:]), le64(sc[8*scRBP:]), le64(sc[8*scRBX:])
	r.RDX, r.RAX, r.RCX, r.RSP = le64(sc[8*scRDX:]), le64(sc[8*scRAX:]), le64(sc[8*scRCX:]), le64(sc[8*scRSP:])
	r.RIP = rip
	r.Flags = le64(sc[8*scFlags:])&userFlags | forcedFlags
	return le64(b[ucMask:]), le64(sc[8*scFP:]), true
}

// cleanFX makes a user's FXSAVE area safe to load: FXRSTOR faults on reserved MXCSR bits (SDM Vol. 1 §11.6.6). valid is the
// mask that the processor reports in each area it saved itself.
func cleanFX(fx *[fxSize]byte, valid uint32) {
	if valid == 0 {
		valid = mxcsrDefault
	}
	put32(fx[fxMXCSR:], le32(fx[fxMXCSR:])&valid)
}

// causeOf says which signal an exception becomes. fault is the error of a page fault that the kernel could not solve.
func causeOf(r *uabi.Regs, fault uabi.Error) (why sigCause, ok bool) {
	why = sigCause{addr: r.RIP, trap: r.Vector, error: r.Code}
	switch r.Vector {
	case hw.VecDivide:
		why.sig, why.code = sigFPE, fpeIntDiv
	case hw.VecX87, hw.VecSIMD:
		why.sig, why.code = sigFPE, fpeFltInv
	case hw.VecInvalidOp:
		why.sig, why.code = sigILL, illOpn
	case hw.VecDebug:
		why.sig, why.code = sigTRAP, trapTrace
	case hw.VecBreakpoint:
		why.sig, why.code, why.addr = sigTRAP, siKernel, 0
	case hw.VecAlignment:
		why.sig, why.code = sigBUS, busAdrAln
	case hw.VecPageFault:
		why.sig, why.code, why.addr = sigSEGV, segvMapErr, r.Addr
		if r.Code&hw.FaultPresent != 0 || fault == uabi.ErrRights {
			why.code = segvAccErr
		}
		if fault == uabi.ErrNoMem || fault == uabi.ErrAgain {
			why.sig, why.code = sigBUS, busAdrErr
		}
	case hw.VecGP:
		why.sig, why.code, why.addr = sigSEGV, siKernel, 0
	default:
		return why, false
	}
	return why, true
}
