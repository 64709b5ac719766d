package abi

import "aramid/ukernel/uabi"

// Layout of struct rt_sigframe on x86-64 (asm/sigframe.h, asm/ucontext.h, asm/sigcontext.h): offsets in bytes.
const (
	FrameContext = 8   // behind pretcode
	ucStack      = 16  // stack_t
	ucContext    = 40  // struct sigcontext
	ucMask       = 296 // behind 256 bytes of sigcontext
	ucSize       = ucMask + 8
	FrameInfo    = FrameContext + ucSize
	FrameSize    = FrameInfo + SiginfoSize
	FXSize       = 512
	redZone      = 128
	ucFlags      = 2 | 4 // UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
	userCS       = 0x33
	userSS       = 0x2b
	fpAlign      = 64
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

// Siginfo appends a siginfo_t of SiginfoSize bytes.
func (w *Writer) Siginfo(s *Siginfo) {
	start := len(w.B)
	w.Pad(SiginfoSize)
	s.encode((*[SiginfoSize]byte)(w.B[start:]))
}

// encode lays out what is not zero of a siginfo_t (asm-generic/siginfo.h) in b, which is.
func (s *Siginfo) encode(b *[SiginfoSize]byte) {
	le.PutUint32(b[0:], s.Signal)
	le.PutUint32(b[8:], uint32(s.Code))
	if s.Addr != 0 || s.FaultTrap != 0 {
		le.PutUint64(b[16:], s.Addr)
		return
	}
	le.PutUint32(b[16:], uint32(s.PID))
	le.PutUint32(b[20:], s.UID)
	if s.Signal == sigchld && s.Code > 0 {
		le.PutUint32(b[24:], uint32(s.Status))
		le.PutUint64(b[32:], s.UTime)
		le.PutUint64(b[40:], s.STime)
		return
	}
	le.PutUint64(b[24:], s.Value)
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

// Encode lays the frame out in b, which is zero, with its FX area at address fx.
func (f *Frame) Encode(b *[FrameSize]byte, fx uint64) {
	le.PutUint64(b[0:], f.Restorer)
	uc := (*[ucSize]byte)(b[FrameContext:])
	le.PutUint64(uc[0:], ucFlags)
	le.PutUint64(uc[ucStack:], f.Stack.SP)
	le.PutUint32(uc[ucStack+8:], f.Stack.Flags)
	le.PutUint64(uc[ucStack+16:], f.Stack.Size)
	r, c := f.Regs, (*[ucMask - ucContext]byte)(uc[ucContext:])
	le.PutUint64(c[0:], r.R8)
	le.PutUint64(c[8:], r.R9)
	le.PutUint64(c[16:], r.R10)
	le.PutUint64(c[24:], r.R11)
	le.PutUint64(c[32:], r.R12)
	le.PutUint64(c[40:], r.R13)
	le.PutUint64(c[48:], r.R14)
	le.PutUint64(c[56:], r.R15)
	le.PutUint64(c[64:], r.RDI)
	le.PutUint64(c[72:], r.RSI)
	le.PutUint64(c[80:], r.RBP)
	le.PutUint64(c[88:], r.RBX)
	le.PutUint64(c[96:], r.RDX)
	le.PutUint64(c[104:], r.RAX)
	le.PutUint64(c[112:], r.RCX)
	le.PutUint64(c[120:], r.RSP)
	le.PutUint64(c[128:], r.RIP)
	le.PutUint64(c[136:], r.Flags)
	le.PutUint64(c[144:], userCS|userSS<<48)
	le.PutUint64(c[152:], f.Info.FaultError)
	le.PutUint64(c[160:], f.Info.FaultTrap)
	le.PutUint64(c[168:], f.Mask)
	le.PutUint64(c[176:], f.Info.Addr)
	le.PutUint64(c[fpstateField:], fx)
	le.PutUint64(uc[ucMask:], f.Mask)
	f.Info.encode((*[SiginfoSize]byte)(b[FrameInfo:]))
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
const ContextSize = ucSize

// DecodeContext reads a ucontext back into regs, which keeps what sigcontext does not hold (FS and GS base). fx is the address of
// the FX area, 0 for none.
func DecodeContext(b *[ContextSize]byte, regs *uabi.Regs) (mask uint64, stack StackT, fx uint64) {
	c := (*[ucMask - ucContext]byte)(b[ucContext:])
	regs.R8 = le.Uint64(c[0:])
	regs.R9 = le.Uint64(c[8:])
	regs.R10 = le.Uint64(c[16:])
	regs.R11 = le.Uint64(c[24:])
	regs.R12 = le.Uint64(c[32:])
	regs.R13 = le.Uint64(c[40:])
	regs.R14 = le.Uint64(c[48:])
	regs.R15 = le.Uint64(c[56:])
	regs.RDI = le.Uint64(c[64:])
	regs.RSI = le.Uint64(c[72:])
	regs.RBP = le.Uint64(c[80:])
	regs.RBX = le.Uint64(c[88:])
	regs.RDX = le.Uint64(c[96:])
	regs.RAX = le.Uint64(c[104:])
	regs.RCX = le.Uint64(c[112:])
	regs.RSP = le.Uint64(c[120:])
	regs.RIP = le.Uint64(c[128:])
	flags := le.Uint64(c[136:])
	regs.Flags = regs.Flags&^flagsKept | flags&flagsKept
	return le.Uint64(b[ucMask:]), ParseStackT(b[ucStack:ucContext]), le.Uint64(c[fpstateField:])
}
