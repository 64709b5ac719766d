package amd64

import (
	"unsafe"

	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

// MaxCPUs is how many CPUs run; more are left halted.
const MaxCPUs = 8

// fakeG is what compiled Go believes to be its goroutine: only the stack bounds (runtime.g: stack.lo, stack.hi, stackguard0,
// stackguard1) are ever read.
type fakeG struct {
	lo, hi, guard0, guard1 uint64
	rest                   [64]uint64
}

// stackGuard is the runtime's distance of stackguard0 from stack.lo (internal/abi.StackGuard).
const stackGuard = 928

// percpu is the area that GS points to: GS base is its address + gsBias, so that g is at GS:-8. Entry code uses the fields up
// to crash by offset (go_asm.h).
type percpu struct {
	gp       *fakeG
	current  *hw.Context // thread whose state entry code saves: running, or idleCtx
	scratch  uint64
	scratch2 uint64
	stackTop uint64 // start of the empty kernel stack
	panicTop uint64 // the stack of panic reports
	curFS    uint64 // user FS base in the MSR, as far as the kernel wrote it
	curGS    uint64
	want     uint64 // newest shootdown generation asked of this CPU (kernel lock)
	done     uint64 // newest one served
	idle     *hw.Context
	root     uint64 // page-table root loaded
	armed    uint64 // deadline in the timer
	index    uint64
	apicID   uint32
	online   uint32
	crash    uabi.Regs
	stackLo  uint64
	stopped  uint32
	_        uint32
	idleCtx  hw.Context
	g        fakeG
	tss      [tssSize / 4]uint32
}

// gsBias is GS base − &percpu.
const gsBias = 8

var (
	cpus     [MaxCPUs]percpu
	cpuCount int
	// klock is the kernel lock: 0 free, 1 held.
	klock uint32
	// bootStack carries the boot CPU until its mapped stack exists.
	bootStack [8192]byte
	// startup is the area of the CPU that starts next; assembly reads it.
	startup *percpu
)

// Offsets in hw.Context that assembly uses.
const (
	ctxRAX    = 0
	ctxRBX    = 8
	ctxRCX    = 16
	ctxRDX    = 24
	ctxRSI    = 32
	ctxRDI    = 40
	ctxRBP    = 48
	ctxRSP    = 56
	ctxR8     = 64
	ctxR9     = 72
	ctxR10    = 80
	ctxR11    = 88
	ctxR12    = 96
	ctxR13    = 104
	ctxR14    = 112
	ctxR15    = 120
	ctxRIP    = 128
	ctxFlags  = 136
	ctxFSBase = 144
	ctxGSBase = 152
	ctxVector = 160
	ctxCode   = 168
	ctxAddr   = 176
	ctxOrig   = 184
	ctxFX     = 192
	ctxFull   = 704
)

// The build fails if hw.Context or uabi.Regs moves.
var (
	_ [ctxR15 - unsafe.Offsetof(uabi.Regs{}.R15)]struct{}
	_ [unsafe.Offsetof(uabi.Regs{}.OrigRAX) - ctxOrig]struct{}
	_ [ctxOrig - unsafe.Offsetof(uabi.Regs{}.OrigRAX)]struct{}
	_ [unsafe.Offsetof(hw.Context{}.FX) - ctxFX]struct{}
	_ [ctxFX - unsafe.Offsetof(hw.Context{}.FX)]struct{}
	_ [unsafe.Offsetof(hw.Context{}.Full) - ctxFull]struct{}
	_ [ctxFull - unsafe.Offsetof(hw.Context{}.Full)]struct{}
)

// Selectors and register values that assembly uses.
const (
	selKernelCode = 0x08
	selKernelData = 0x10
	selUserData   = 0x1b
	selUserCode   = 0x23
	selTSS        = 0x28 // + 16 × CPU

	// userFlags are the flags a thread may have (SDM Vol. 1 §3.4.3): CF PF AF ZF SF TF DF OF RF AC ID.
	userFlags  = 0x250dd5
	fixedFlags = 0x202 // IF and the always-one bit

	vecSyscall = hw.VecSyscall
	vecBanned  = 512 // crash cause: a runtime function that must not run was called
	vecNMI     = hw.VecNMI
	vecKick    = hw.VecKick
	vecMachine = hw.VecMachine
	vecDouble  = hw.VecDoubleFault
	vecCanon   = hw.VecGP
)

// stackSpan is log2 of the address space that a CPU's stacks take.
const stackSpan = 17

// The build fails if stackSpan does not match the layout in mem.go, or CPU's mask MaxCPUs.
var (
	_ [stackSlot*hw.PageSize - 1<<stackSpan]struct{}
	_ [1<<stackSpan - stackSlot*hw.PageSize]struct{}
	_ [-(hw.StackVirtual >> stackSpan & (MaxCPUs - 1))]struct{}
)

// CPU returns this CPU's index. It comes from the address of the stack, which is three instructions without a call; not to be used on the boot
// stack.
func CPU() int {
	var here byte
	return int(uint64(uintptr(unsafe.Pointer(&here))) >> stackSpan & (MaxCPUs - 1))
}

// self is this CPU's area.
func self() *percpu { return &cpus[CPU()] }

// CPUs returns how many CPUs run.
func CPUs() int { return cpuCount }
