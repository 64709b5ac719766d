// Package hw holds the x86-64 layouts that the real machine (arch/amd64) and its twin for host tests (arch/fake)
// share: page-table entry bits and the saved state of a thread. No code with side effects.
package hw

import "aramid/ukernel/uabi"

// PageSize is the size of a frame in bytes.
const PageSize = 4096

// Page-table entry bits (SDM Vol. 3A §4.5). Soft bits are ignored by the processor.
const (
	PTEPresent  = 1 << 0
	PTEWrite    = 1 << 1
	PTEUser     = 1 << 2
	PTEAccessed = 1 << 5
	PTEDirty    = 1 << 6
	PTEGlobal   = 1 << 8
	PTESoft0    = 1 << 9
	PTESoft1    = 1 << 10
	PTESoft2    = 1 << 11
	PTENoExec   = 1 << 63
	PTEFrame    = 0x000ffffffffff000
)

// Exception vectors (SDM Vol. 3A table 6-1) and the vectors that arch/amd64 assigns.
const (
	VecDivide      = 0
	VecDebug       = 1
	VecNMI         = 2
	VecBreakpoint  = 3
	VecInvalidOp   = 6
	VecDoubleFault = 8
	VecGP          = 13
	VecPageFault   = 14
	VecX87         = 16
	VecAlignment   = 17
	VecMachine     = 18
	VecSIMD        = 19
	VecIRQ         = 32 // + line 0…15
	VecTimer       = 48 // this CPU's one-shot timer
	VecKick        = 49 // another CPU's Kick
	VecSpurious    = 63
	VecSyscall     = 256 // not a vector: SYSCALL
)

// Page-fault error code bits (SDM Vol. 3A §4.7).
const (
	FaultPresent = 1 << 0
	FaultWrite   = 1 << 1
	FaultUser    = 1 << 2
	FaultFetch   = 1 << 4
)

// Context is the whole saved state of a thread that is not on a CPU; entry code stores into it, exit code loads it.
// Regs.Vector, Code and Addr say why the thread entered last. FX must stay 16-byte aligned: Contexts live at addresses
// that are multiples of 16, and the size of Regs is one too.
type Context struct {
	Regs uabi.Regs
	FX   [512]byte // FXSAVE64 area
	// Full asks the exit path for IRETQ with every register; SYSRETQ (RCX and R11 clobbered) is used when 0. Entry
	// sets it to 0 for SYSCALL and 1 otherwise; whoever edits RIP, RSP, RCX or R11 sets it to 1.
	Full uint64
	_    uint64
}

// Range is a run of physical memory, in bytes.
type Range struct{ Base, Len uint64 }

// BootInfo is what the loader handed over (PVH hvm_start_info). All addresses are physical; Free excludes everything
// that the kernel image, the archive, the initrd, page tables and per-CPU areas use.
type BootInfo struct {
	Free    [32]Range
	NFree   int
	Top     uint64 // end of the highest RAM, bytes
	CmdLine Range  // without a terminating NUL
	Archive Range  // cpio of the boot archive, page-aligned
	Initrd  Range  // PVH module 0; Len 0 if absent
}

// Where FXSAVE64 puts the control words, and what a program finds in them (System V ABI, AMD64 supplement §3.4.1): all exceptions masked,
// x87 with its whole precision.
const (
	fxFCW     = 0
	fxMXCSR   = 24
	fcwInit   = 0x37f
	mxcsrInit = 0x1f80
)

// ResetFX gives the x87 and SSE registers what a program starts with.
func (c *Context) ResetFX() {
	clear(c.FX[:])
	c.FX[fxFCW], c.FX[fxFCW+1] = fcwInit&0xff, fcwInit>>8
	c.FX[fxMXCSR], c.FX[fxMXCSR+1] = mxcsrInit&0xff, mxcsrInit>>8
}
