// Package arch is the kernel's only view of the machine. With the build tag ukernel every function is arch/amd64's; without it
// (host tests) arch/fake's. Both sides have exactly these functions:
//
//	Ptr(pa) unsafe.Pointer      direct map: the kernel address of physical address pa
//	Phys(p) uint64              its inverse
//	CPU() int, CPUs() int       this CPU's index, and how many run (≤ 8)
//	Lock(), Unlock()            the kernel lock; spinning serves TLB shootdowns. Held during every kernel entry
//	Now() uint64                ns since boot, monotonic on all CPUs
//	Arm(deadline)               this CPU's one-shot timer, absolute ns; 0 disarms. Raises VecTimer
//	Kick(cpu)                   interrupts another CPU with VecKick
//	SwitchSpace(root)           loads a page-table root (physical address) on this CPU if it is not loaded
//	FlushPage(va), FlushAll()   this CPU's TLB
//	Shoot(mask) gen             asks the CPUs in mask (but this one) to flush everything; returns at once
//	Acked(gen) bool             whether all have done so
//	KernelRoot(root)            fills the upper half of a new page-table root with the kernel's mappings
//	Random64()                  a random number (RDRAND, else TSC and a hash)
//	LogByte(b)                  one byte to the log port
//	In/Out(port, width, v)      port I/O, width 1, 2 or 4 bytes
//	IRQMask(line, on), IRQEnd   interrupt lines 0…15: mask or unmask, end of interrupt
//	PowerOff(status)            ends the machine; does not return
//	Crash(kind)                 provokes the panic uabi.Panic…; for tests
//	StackMax(cpu) uint64        deepest use of a CPU's kernel stack so far, bytes
//	TSCHz() uint64              frequency of the time-stamp counter
//	ClockParams()               how Now comes from the TSC: (TSC − start) × mult / 2^32; and whether RDTSCP says which CPU runs
//	Features() uint32           CPUID leaf 1, EDX
package arch

import "aramid/ukernel/arch/hw"

// The shared layouts, under the names that the rest of the kernel uses.
const (
	PageSize    = hw.PageSize
	PTEPresent  = hw.PTEPresent
	PTEWrite    = hw.PTEWrite
	PTEUser     = hw.PTEUser
	PTEAccessed = hw.PTEAccessed
	PTEDirty    = hw.PTEDirty
	PTENoExec   = hw.PTENoExec
	PTESoft0    = hw.PTESoft0
	PTESoft1    = hw.PTESoft1
	PTESoft2    = hw.PTESoft2
	PTEFrame    = hw.PTEFrame
)

// Context is the saved state of a thread; see hw.Context.
type Context = hw.Context
