//go:build ukernel

// Tiny is the smallest kernel on arch/amd64: ring-3 threads that share code, a round-robin over all CPUs, and the panics. The boot tests
// use it to test the machine layer alone.
//
// It ends with status 0 and the line "tiny: done" once all threads have made system calls, been preempted by the timer and faulted, every CPU
// has run one of them, bad threads got the trap that they deserve, interrupt line 0 came, and
// no CPU ever used a stale translation. The command-line word panic=KIND provokes a panic instead; panic=never runs for ever.
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

// User memory: each program has a page of code; one page of data holds each thread's number twice, where FS and GS point.
const (
	codeVA     = 0x400000
	dataVA     = 0x410000
	slotSize   = 16
	epochVA    = 0x420000 // a page whose frame changes
	poison     = ^uint64(0)
	quantum    = 1e6  // ns
	enough     = 20   // preemptions of each good thread
	faultLen   = 2    // bytes of the instruction of program that faults
	programMax = 2048 // bytes
)

// Indexes of programs, see user_amd64.s, and how many good threads run the first.
const (
	good = iota
	nosy
	proud
	programCount
	goodThreads = amd64.MaxCPUs + 1
	threads     = goodThreads + len(badThreads)
)

// programs are their addresses in the kernel's text.
var programs [programCount]uint64

// badThreads each do one thing that must end in a certain trap of theirs.
var badThreads = [...]struct {
	rip, full             uint64
	vector, code, address uint64
}{
	{codeVA + nosy*hw.PageSize, 1, hw.VecPageFault, hw.FaultUser | hw.FaultPresent, 0xffffffff80200000},
	{codeVA + proud*hw.PageSize, 1, hw.VecGP, 0, 0},
	{1 << 47, 0, hw.VecGP, 0, 0},                                                         // SYSRET to a non-canonical address
	{1 << 47, 1, hw.VecGP, 0, 0},                                                         // IRET to one
	{dataVA, 1, hw.VecPageFault, hw.FaultUser | hw.FaultPresent | hw.FaultFetch, dataVA}, // NX
}

type thread struct {
	ctx                    hw.Context
	calls, faults, preempt uint64
	running, ended         bool
}

var (
	pool        [threads]thread
	on          [amd64.MaxCPUs]*thread
	seen        uint64 // CPUs that ran a thread, as bits
	next        int
	pages       uint64
	root        uint64
	lines       uint64 // interrupts of line 0
	kernelPages int
)

func page() uint64 {
	pa := pages
	pages += hw.PageSize
	clear((*[hw.PageSize]byte)(arch.Ptr(pa))[:])
	return pa
}

func boot() {
	amd64.BootLine()
	pages = amd64.Info().Free[0].Base
	root = page()
	arch.KernelRoot(root)
	for i, pc := range programs {
		code := page()
		copy((*[hw.PageSize]byte)(arch.Ptr(code))[:], unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), pc)), programMax))
		mapPage(codeVA+uint64(i)*hw.PageSize, code|hw.PTEPresent|hw.PTEUser)
	}
	data := page()
	mapPage(dataVA, data|hw.PTEPresent|hw.PTEUser|hw.PTEWrite|hw.PTENoExec)
	for i := range pool {
		c := &pool[i].ctx
		c.Regs.RIP, c.Regs.Flags, c.Full = codeVA, 0x202, 1
		c.Regs.RDI = uint64(i) * 0x0101010101010101
		c.Regs.FSBase, c.Regs.GSBase = dataVA+uint64(i)*slotSize, dataVA+uint64(i)*slotSize+8
		words := (*[2]uint64)(arch.Ptr(data + uint64(i)*slotSize))
		words[0], words[1] = c.Regs.RDI, c.Regs.RDI
		c.FX[0], c.FX[1], c.FX[24], c.FX[25] = 0x7f, 0x03, 0x80, 0x1f
		if i >= goodThreads {
			c.Regs.RIP, c.Full = badThreads[i-goodThreads].rip, badThreads[i-goodThreads].full
		}
	}
	epoch.frames[0], epoch.frames[1] = page(), page()
	mapPage(epochVA, epoch.frames[0]|hw.PTEPresent|hw.PTEUser|hw.PTENoExec)
	checkRights()
	// Line 0: the 8254's channel 0 at 1 kHz.
	arch.Out(0x43, 1, 0x34)
	arch.Out(0x40, 1, pitDivisor&0xff)
	arch.Out(0x40, 1, pitDivisor>>8)
	arch.IRQMask(0, false)
	provoke()
}

// pitDivisor divides 1193182 Hz by.
const pitDivisor = 1193

// epoch is the remapped page: number of the current frame's value, its two frames, the shootdown under way.
var epoch struct {
	value  uint64
	frames [2]uint64
	gen    uint64
	swaps  int
}

// remap gives the page its other frame; once every CPU has flushed, the old frame is poisoned and the next change can come.
func remap() {
	e := &epoch
	if e.gen != 0 {
		if arch.Acked(e.gen) {
			*(*uint64)(arch.Ptr(e.frames[(e.value+1)&1])) = poison
			e.gen = 0
			e.swaps++
		}
		return
	}
	e.value++
	pa := e.frames[e.value&1]
	*(*uint64)(arch.Ptr(pa)) = e.value
	mapPage(epochVA, pa|hw.PTEPresent|hw.PTEUser|hw.PTENoExec)
	arch.FlushPage(epochVA)
	e.gen = arch.Shoot(1<<uint(arch.CPUs()) - 1)
}

// checkRights looks at every page of the kernel's half: none may be writable and executable, or the user's.
func checkRights() {
	tables, at := [5]uint64{4: root}, [5]int{4: 256}
	for level := 4; level <= 4; {
		if at[level] == 512 {
			level++
			continue
		}
		e := (*[512]uint64)(arch.Ptr(tables[level]))[at[level]]
		at[level]++
		const large = 1 << 7
		switch {
		case e&hw.PTEPresent == 0:
		case level > 1 && e&large == 0:
			level--
			tables[level], at[level] = e&hw.PTEFrame, 0
		case e&hw.PTEUser != 0 || e&hw.PTEWrite != 0 && e&hw.PTENoExec == 0:
			amd64.Panic("tiny: a page of the kernel has too many rights")
		default:
			kernelPages++
		}
	}
	if kernelPages < 100 {
		amd64.Panic("tiny: too few pages of the kernel found")
	}
}

func mapPage(va, entry uint64) {
	t := root
	for shift := uint(39); shift > 12; shift -= 9 {
		e := &(*[512]uint64)(arch.Ptr(t))[va>>shift&511]
		if *e == 0 {
			*e = page() | hw.PTEPresent | hw.PTEWrite | hw.PTEUser
		}
		t = *e & hw.PTEFrame
	}
	(*[512]uint64)(arch.Ptr(t))[va>>12&511] = entry
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
	case "never":
		hold = true
	case "smap":
		arch.SwitchSpace(root)
		pages = *(*uint64)(unsafe.Add(unsafe.Pointer(nil), uint64(codeVA)))
	case "smep":
		arch.SwitchSpace(root)
		programs := [1]uint64{codeVA}
		entry := &programs
		(*(*func())(unsafe.Pointer(&entry)))()
	case "text":
		// The kernel's text through its own mapping: write-protected.
		*(*byte)(unsafe.Add(unsafe.Pointer(nil), amd64.TextStart())) = 0
	}
}

var (
	escaped *[100]uint64
	hold    bool // never finish
)

// deep recurses with a Go frame until the stack check strikes.
//
//go:noinline
func deep(n int) int {
	var pad [700]byte
	pad[n%len(pad)] = byte(n)
	return deep(n+1) + int(pad[n%7])
}

func enter(c *hw.Context) *hw.Context {
	me := arch.CPU()
	t := on[me]
	if t != nil && t.isBad() && c.Regs.Vector < hw.VecIRQ {
		t.caught(c)
		return pick(me)
	}
	switch c.Regs.Vector {
	case hw.VecSyscall:
		t.calls++
		if c.Regs.RAX == 1 {
			arch.LogByte('U')
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
	case hw.VecIRQ:
		lines++
		arch.IRQEnd(0)
		if t != nil {
			return c
		}
	case hw.VecTimer, hw.VecKick:
	default:
		amd64.Panic("tiny: a good thread's unexpected trap")
	}
	if c.Regs.Vector == hw.VecTimer {
		remap()
	}
	if t != nil {
		t.running = false
		if c.Regs.Vector == hw.VecTimer {
			t.preempt++
		}
	}
	if finished() && !hold {
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
	return pick(me)
}

// pick chooses the next thread in turn.
func pick(me int) *hw.Context {
	on[me] = nil
	for range pool {
		next = (next + 1) % threads
		if t := &pool[next]; !t.running && !t.ended {
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

func (t *thread) isBad() bool {
	for i := goodThreads; i < threads; i++ {
		if t == &pool[i] {
			return true
		}
	}
	return false
}

// caught looks whether a bad thread's trap is the one that it must get.
func (t *thread) caught(c *hw.Context) {
	for i := range badThreads {
		if b := &badThreads[i]; t == &pool[goodThreads+i] {
			r := &c.Regs
			if r.Vector != b.vector || r.Code != b.code || b.address != 0 && r.Addr != b.address || r.RIP != b.rip && b.vector == hw.VecGP {
				amd64.Panic("tiny: a bad thread got the wrong trap")
			}
		}
	}
	t.ended = true
}

func finished() bool {
	for i := range pool {
		t := &pool[i]
		if t.isBad() {
			if !t.ended {
				return false
			}
			continue
		}
		if t.calls < 2 || t.faults < 1 || t.preempt < enough {
			return false
		}
	}
	return lines >= enough && epoch.swaps >= enough && seen == 1<<uint(amd64.CPUs())-1
}

// stacks fails if a kernel stack was never used or is full.
func stacks() {
	for i := range amd64.CPUs() {
		if n := amd64.StackMax(i); n < 64 || n > amd64.StackSize-1024 {
			amd64.Panic("tiny: stack watermark is wrong")
		}
	}
}
