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
	FXSize       = 512
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
	Regs     *uabi.Regs
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
	fx = (sp - FXSize) &^ (fpAlign - 1)
	return (fx-FrameSize)&^15 - 8, fx
}

// Encode lays the frame out in the first FrameSize bytes of b, which are zero, with its FX area at address fx.
func (f *Frame) Encode(b []byte, fx uint64) {
	b = b[:FrameSize]
	put := le.PutUint64
	put(b, f.Restorer)
	put(b[FrameContext:], ucFlags)
	uc := b[FrameContext:]
	put(uc[ucStack:], f.Stack.SP)
	le.PutUint32(uc[ucStack+8:], f.Stack.Flags)
	put(uc[ucStack+16:], f.Stack.Size)
	r, c := f.Regs, uc[ucContext:ucMask]
	put(c, r.R8)
	put(c[8:], r.R9)
	put(c[16:], r.R10)
	put(c[24:], r.R11)
	put(c[32:], r.R12)
	put(c[40:], r.R13)
	put(c[48:], r.R14)
	put(c[56:], r.R15)
	put(c[64:], r.RDI)
	put(c[72:], r.RSI)
	put(c[80:], r.RBP)
	put(c[88:], r.RBX)
	put(c[96:], r.RDX)
	put(c[104:], r.RAX)
	put(c[112:], r.RCX)
	put(c[120:], r.RSP)
	put(c[128:], r.RIP)
	put(c[136:], r.Flags)
	put(c[144:], userCS|userSS<<48)
	put(c[152:], f.Info.FaultError)
	put(c[160:], f.Info.FaultTrap)
	put(c[168:], f.Mask)
	put(c[176:], f.Info.Addr)
	put(c[fpstateField:], fx)
	put(uc[ucMask:], f.Mask)
	w := Writer{B: b[:FrameInfo]}
	w.Siginfo(&f.Info)
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
	c, get := b[ucContext:ucMask], le.Uint64
	regs.R8 = get(c)
	regs.R9 = get(c[8:])
	regs.R10 = get(c[16:])
	regs.R11 = get(c[24:])
	regs.R12 = get(c[32:])
	regs.R13 = get(c[40:])
	regs.R14 = get(c[48:])
	regs.R15 = get(c[56:])
	regs.RDI = get(c[64:])
	regs.RSI = get(c[72:])
	regs.RBP = get(c[80:])
	regs.RBX = get(c[88:])
	regs.RDX = get(c[96:])
	regs.RAX = get(c[104:])
	regs.RCX = get(c[112:])
	regs.RSP = get(c[120:])
	regs.RIP = get(c[128:])
	flags := le.Uint64(c[(contextRegs-1)*8:])
	regs.Flags = regs.Flags&^flagsKept | flags&flagsKept
	return le.Uint64(b[ucMask:]), ParseStackT(b[ucStack:]), le.Uint64(c[fpstateField:])
}
