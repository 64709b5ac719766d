//go:build ukernel

// Tiny is the smallest kernel on arch/amd64: ring-3 threads that share code, a round-robin over all CPUs, and the panics. The boot tests
// use it to test the machine layer alone.
//
// It ends with status 0 and the line "tiny: done" once all threads have made system calls, been preempted by the timer and faulted, and
// every CPU has run one of them. The command-line word panic=KIND provokes a panic instead.
package main

import (
	"unsafe"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/amd64"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

//go:linkname bootFn aramid/ukernel/arch/amd64.bootFn
var bootFn = boot

//go:linkname enterFn aramid/ukernel/arch/amd64.enterFn
var enterFn = enter

func main() {}

// User memory of both threads.
const (
	codeVA  = 0x400000
	quantum = 1e6 // ns
	threads = amd64.MaxCPUs + 1
	enough  = 20 // preemptions of each thread
)

// program: call 1 with 'U'; then for ever: call 0, read address 0, spin.
var program = [...]byte{
	0xb8, 1, 0, 0, 0, // mov eax, 1
	0xbf, 'U', 0, 0, 0, // mov edi, 'U'
	0x0f, 0x05, // syscall
	0x31, 0xc0, // again: xor eax, eax
	0x0f, 0x05, // syscall
	0x8b, 0x04, 0x25, 0, 0, 0, 0, // mov eax, [0]: the kernel steps over it
	0xb9, 0x00, 0x00, 0x02, 0x00, // mov ecx, 0x20000
	0xff, 0xc9, // spin: dec ecx
	0x75, 0xfc, // jnz spin
	0xeb, 0xec, // jmp again
}

// faultLen is the length of the instruction that faults.
const faultLen = 7

type thread struct {
	ctx                    hw.Context
	calls, faults, preempt uint64
	running                bool
}

var (
	pool  [threads]thread
	on    [amd64.MaxCPUs]*thread
	seen  uint64 // CPUs that ran a thread, as bits
	next  int
	pages uint64
	root  uint64
)

func page() uint64 {
	pa := pages
	pages += hw.PageSize
	clear((*[hw.PageSize]byte)(arch.Ptr(pa))[:])
	return pa
}

func boot() {
	amd64.BootLine()
	provoke()
	pages = amd64.Info().Free[0].Base
	root = page()
	arch.KernelRoot(root)
	code := page()
	copy((*[hw.PageSize]byte)(arch.Ptr(code))[:], program[:])
	t := root
	for shift := 39; shift > 12; shift -= 9 {
		n := page()
		(*[512]uint64)(arch.Ptr(t))[uint64(codeVA)>>uint(shift)&511] = n | hw.PTEPresent | hw.PTEWrite | hw.PTEUser
		t = n
	}
	(*[512]uint64)(arch.Ptr(t))[codeVA>>12&511] = code | hw.PTEPresent | hw.PTEUser
	for i := range pool {
		c := &pool[i].ctx
		c.Regs.RIP, c.Regs.Flags, c.Full = codeVA, 0x202, 1
		c.FX[0], c.FX[1], c.FX[24], c.FX[25] = 0x7f, 0x03, 0x80, 0x1f
	}
}

// provoke makes the panic that the command line asks for.
func provoke() {
	c := amd64.Info().CmdLine
	line := unsafe.Slice((*byte)(arch.Ptr(c.Base)), c.Len)
	kind := line
	for i := range line {
		if line[i] == '=' {
			kind = line[i+1:]
		}
	}
	switch string(kind) {
	case "nmi":
		amd64.Crash(uabi.PanicNMI)
	case "double":
		amd64.Crash(uabi.PanicDoubleFault)
	case "fault":
		amd64.Crash(uabi.PanicKernelFault)
	case "stack":
		amd64.Crash(uabi.PanicStack)
	case "gostack":
		deep(int(c.Len))
	case "explicit":
		amd64.Crash(uabi.PanicExplicit)
	case "bounds":
		pool[0].calls = uint64(pool[0].ctx.FX[:][int(c.Len)+512])
	case "nil":
		pages = *(*uint64)(unsafe.Add(unsafe.Pointer(nil), c.Len))
	case "alloc":
		escaped = new([100]uint64)
	case "text":
		// The kernel's text through its own mapping: write-protected.
		*(*byte)(unsafe.Add(unsafe.Pointer(nil), amd64.TextStart())) = 0
	}
}

var escaped *[100]uint64

// deep recurses with a Go frame until the stack check strikes.
//
//go:noinline
func deep(n int) int {
	var pad [200]byte
	pad[n%len(pad)] = byte(n)
	return deep(n+1) + int(pad[n%7])
}

func enter(c *hw.Context) *hw.Context {
	me := arch.CPU()
	t := on[me]
	switch c.Regs.Vector {
	case hw.VecSyscall:
		t.calls++
		if c.Regs.RAX == 1 {
			arch.LogByte(byte(c.Regs.RDI))
		}
		c.Regs.RAX = 0
		return c
	case hw.VecPageFault:
		t.faults++
		if c.Regs.Addr != 0 || c.Regs.Code != hw.FaultUser {
			amd64.Panic("tiny: not the fault of the program")
		}
		c.Regs.RIP += faultLen
		return c
	case hw.VecTimer, hw.VecKick:
	default:
		amd64.Panic("tiny: unexpected vector")
	}
	if t != nil {
		t.running = false
		if c.Regs.Vector == hw.VecTimer {
			t.preempt++
		}
	}
	if finished() {
		for i := range amd64.CPUs() {
			if i != me {
				arch.Kick(i)
			}
		}
		arch.LogByte('\n')
		stacks()
		for _, b := range []byte("tiny: done\n") {
			arch.LogByte(b)
		}
		arch.PowerOff(0)
	}
	on[me] = nil
	for range pool {
		next = (next + 1) % threads
		if t := &pool[next]; !t.running {
			t.running = true
			on[me] = t
			seen |= 1 << uint(me)
			break
		}
	}
	arch.Arm(arch.Now() + quantum)
	if on[me] == nil {
		return nil
	}
	arch.SwitchSpace(root)
	return &on[me].ctx
}

func finished() bool {
	for i := range pool {
		t := &pool[i]
		if t.calls < 2 || t.faults < 1 || t.preempt < enough {
			return false
		}
	}
	return seen == 1<<uint(amd64.CPUs())-1
}

// stacks fails if a kernel stack was never used or is full.
func stacks() {
	for i := range amd64.CPUs() {
		if n := amd64.StackMax(i); n < 64 || n > amd64.StackSize-1024 {
			amd64.Panic("tiny: stack watermark is wrong")
		}
	}
}
