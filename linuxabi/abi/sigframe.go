package abi

import "aramid/ukernel/uabi"

// Layout of struct rt_sigframe on x86-64 (asm/sigframe.h, asm/ucontext.h, asm/sigcontext.h): offsets in bytes.
const (
	FrameContext = 8   // behind pretcode
	ucStack      = 16  // stack_t
	ucContext    = 40  // struct sigcontext
	ucMask       = 296 // behind 256 bytes of sigcontext
	FrameInfo    = FrameContext + ucMask + 8
	FrameSize    = FrameInfo + SiginfoSize
	fxSize       = 512
	redZone      = 128
	ucFlags      = 2 | 4 // UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
	userCS       = 0x33
	userSS       = 0x2b
	fpAlign      = 64
	contextRegs  = 18 // 64-bit registers at the start of sigcontext: r8 … eflags
	fpstateField = 184
)

// flagsKept are the flags a program may set through sigreturn (FIX_EFLAGS of Linux): AC OF DF TF SF ZF AF PF CF RF.
const flagsKept = 0x50dd5

// StackT is a stack_t.
type StackT struct {
	SP    uint64
	Flags uint32
	Size  uint64
}

// Siginfo is a siginfo_t with the fields of every kind we send; which of them are laid out depends on signal and code.
type Siginfo struct {
	Signal     uint32
	Code       int32
	PID        int32
	UID        uint32
	Status     int32
	Addr       uint64
	Value      uint64
	Overrun    int32
	TimerID    int32
	Band       int64
	FD         int32
	UTime      uint64
	STime      uint64
	FaultTrap  uint64
	FaultError uint64
}

// Siginfo appends a siginfo_t of SiginfoSize bytes (asm-generic/siginfo.h).
func (w *Writer) Siginfo(s *Siginfo) {
	start := len(w.B)
	w.U32(s.Signal)
	w.U32(0) // si_errno
	w.U32(uint32(s.Code))
	w.U32(0)
	switch {
	case s.Addr != 0 || s.FaultTrap != 0:
		w.U64(s.Addr)
	case s.Signal == sigchld && s.Code > 0:
		w.U32(uint32(s.PID))
		w.U32(s.UID)
		w.U32(uint32(s.Status))
		w.U32(0)
		w.U64(s.UTime)
		w.U64(s.STime)
	default:
		w.U32(uint32(s.PID))
		w.U32(s.UID)
		w.U64(s.Value)
	}
	w.Pad(SiginfoSize - (len(w.B) - start))
}

const sigchld = 17

// Frame is what goes onto a handler's stack and what comes back from it.
type Frame struct {
	Regs     uabi.Regs
	FX       [fxSize]byte
	Mask     uint64
	Stack    StackT
	Info     Siginfo
	Restorer uint64
}

// Place gives the address of the frame (where RSP points at the handler's first instruction) and of the FX area, for a stack
// that grows down from sp. The red zone is skipped unless the handler starts a fresh alternate stack.
func Place(sp uint64, fresh bool) (frame, fx uint64) {
	if !fresh {
		sp -= redZone
	}
	fx = (sp - fxSize) &^ (fpAlign - 1)
	return (fx-FrameSize)&^15 - 8, fx
}

// Encode lays the frame out for address frame, with its FX area at fx.
func (f *Frame) Encode(fx uint64) []byte {
	w := Writer{B: make([]byte, 0, FrameSize)}
	w.U64(f.Restorer)
	w.U64(ucFlags)
	w.U64(0) // uc_link
	w.StackT(&f.Stack)
	r := &f.Regs
	for _, v := range [contextRegs]uint64{r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15, r.RDI, r.RSI, r.RBP, r.RBX,
		r.RDX, r.RAX, r.RCX, r.RSP, r.RIP, r.Flags} {
		w.U64(v)
	}
	w.U64(userCS | userSS<<48)
	w.U64(f.Info.FaultError)
	w.U64(f.Info.FaultTrap)
	w.U64(f.Mask)
	w.U64(f.Info.Addr)
	w.U64(fx)
	w.Pad(64)
	w.U64(f.Mask)
	w.Siginfo(&f.Info)
	return w.B
}

// StackT appends a stack_t.
func (w *Writer) StackT(s *StackT) {
	w.U64(s.SP)
	w.U32(s.Flags)
	w.U32(0)
	w.U64(s.Size)
}

// ParseStackT reads a stack_t of StackTSize bytes.
func ParseStackT(b []byte) StackT {
	return StackT{SP: le.Uint64(b), Flags: le.Uint32(b[8:]), Size: le.Uint64(b[16:])}
}

// ContextSize is how many bytes of ucontext rt_sigreturn reads. They are at RSP: the handler's RET has popped pretcode.
const ContextSize = ucMask + 8

// DecodeContext reads a ucontext back into regs, which keeps what sigcontext does not hold (FS and GS base). fx is the address of
// the FX area, 0 for none.
func DecodeContext(b []byte, regs *uabi.Regs) (mask uint64, stack StackT, fx uint64) {
	c := b[ucContext:]
	for i, p := range [contextRegs - 1]*uint64{&regs.R8, &regs.R9, &regs.R10, &regs.R11, &regs.R12, &regs.R13, &regs.R14,
		&regs.R15, &regs.RDI, &regs.RSI, &regs.RBP, &regs.RBX, &regs.RDX, &regs.RAX, &regs.RCX, &regs.RSP, &regs.RIP} {
		*p = le.Uint64(c[i*8:])
	}
	flags := le.Uint64(c[(contextRegs-1)*8:])
	regs.Flags = regs.Flags&^flagsKept | flags&flagsKept
	return le.Uint64(b[ucMask:]), ParseStackT(b[ucStack:]), le.Uint64(c[fpstateField:])
}
