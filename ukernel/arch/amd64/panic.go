package amd64

import (
	"sync/atomic"
	"unsafe"

	"aramid/ukernel/arch/hw"
	"aramid/ukernel/uabi"
)

// panicking is 0, or 1 + the index of the CPU that reports.
var panicking uint32

// why is what Panic was called with.
var why string

const (
	maxFrames   = 24
	stopTimeout = 20e6 // ns that a report waits for the other CPUs
	callSize    = 1    // a return address − 1 is inside the call
)

// Panic ends the machine with a report. It never returns.
func Panic(reason string) {
	why = reason
	breakpoint()
}

// Crash provokes a panic of the kind; for tests.
func Crash(what uint64) {
	switch what {
	case uabi.PanicNMI:
		command(cpus[CPU()].apicID, icrNMI)
		spin(stopTimeout)
	case uabi.PanicDoubleFault:
		testDoubleFault()
	case uabi.PanicKernelFault:
		*(*uint64)(at(testAddress)) = 1
	case uabi.PanicStack:
		testStack()
	}
	Panic("asked for by CallPanic")
}

// testAddress is nowhere mapped.
const testAddress = 0xffffa00000000000

// report runs on the panic stack of the CPU that crashed; its registers are in crash. p comes from GS: the stack may be the boot stack.
func report(p *percpu) {
	me := uint32(p.index) + 1
	r := &p.crash
	if !atomic.CompareAndSwapUint32(&panicking, 0, me) {
		if panicking == me {
			text("\nukernel: fault while reporting a panic, at ")
			hex(r.RIP)
			LogByte('\n')
			PowerOff(statusPanic)
		}
		atomic.StoreUint32(&p.stopped, 1)
		halt()
	}
	stopOthers(p)
	text("\nukernel: panic on CPU ")
	dec(p.index)
	text(": ")
	cause(p, r)
	LogByte('\n')
	registers(r)
	backtrace(r)
	for c := range cpuCount {
		o := &cpus[c]
		if o != p {
			text("  CPU ")
			dec(o.index)
			if atomic.LoadUint32(&o.stopped) == 0 {
				text(" did not stop\n")
				continue
			}
			text(" stopped at ")
			where(o.crash.RIP, o.crash.RIP)
		}
	}
	PowerOff(statusPanic)
}

// stopOthers sends an NMI to all other CPUs and waits a little for them.
func stopOthers(p *percpu) {
	if cpuCount < 2 {
		return
	}
	for c := range cpuCount { // not the shorthand: it would reach CPUs that never started, and have no handler
		if &cpus[c] != p {
			command(cpus[c].apicID, icrNMI)
		}
	}
	end := Now() + stopTimeout
	for Now() < end {
		running := 0
		for c := range cpuCount {
			if &cpus[c] != p && atomic.LoadUint32(&cpus[c].stopped) == 0 {
				running++
			}
		}
		if running == 0 {
			return
		}
		pause()
	}
}

var vectorNames = [...]string{
	"divide error", "debug exception", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode", "no x87", "double fault",
	"coprocessor overrun", "invalid TSS", "segment not present", "stack segment fault", "general protection fault", "page fault", "reserved",
	"x87 error", "alignment check", "machine check", "SIMD error",
}

func cause(p *percpu, r *uabi.Regs) {
	lo, hi := p.stackLo-hw.PageSize, p.stackLo
	switch {
	case r.Vector == hw.VecBreakpoint && len(why) != 0:
		text(why)
	case r.Vector == hw.VecBreakpoint && r.OrigRAX&3 == 0:
		text("ran into code that kcheck found unreachable: ")
		bytes(symbol(r.RIP - 1))
	case r.Vector == vecBanned:
		bannedCall(r.RIP)
	case (r.Vector == hw.VecDoubleFault || r.Vector == hw.VecPageFault) && (r.Addr >= lo && r.Addr < hi || r.RSP >= lo && r.RSP <= hi):
		text("kernel stack overflow (")
		text(vectorNames[r.Vector])
		text("), address 0x")
		hex(r.Addr)
	case r.Vector == hw.VecPageFault:
		if r.Addr < hw.PageSize {
			text("nil dereference, ")
		}
		text("page fault in ring 0, address 0x")
		hex(r.Addr)
		text(", code ")
		dec(r.Code)
	case r.Vector < uint64(len(vectorNames)):
		text(vectorNames[r.Vector])
		if r.OrigRAX&3 != 0 {
			text(" in ring 3")
		}
		text(", code ")
		dec(r.Code)
	default:
		text("vector ")
		dec(r.Vector)
	}
}

// bannedCall names a runtime function that must not run in ring 0; those of failed checks by what failed.
func bannedCall(pc uint64) {
	name := symbol(pc)
	for i := range checks {
		if equal(name, checks[i].name) {
			text(checks[i].what)
			return
		}
	}
	text("call of ")
	bytes(name)
	text(", which must not run in ring 0")
}

var checks = [...]struct{ name, what string }{
	{"runtime.panicBounds", "index or slice bounds out of range"},
	{"runtime.panicdivide", "integer divide by zero"},
	{"runtime.panicshift", "negative shift"},
	{"runtime.panicwrap", "nil receiver of a value method"},
	{"runtime.panicdottypeE", "failed type assertion"},
	{"runtime.panicdottypeI", "failed type assertion"},
	{"runtime.panicnil", "panic(nil)"},
	{"runtime.gopanic", "panic call"},
	{"runtime.morestack_noctxt", "kernel stack overflow"},
	{"runtime.morestack", "kernel stack overflow"},
	{"runtime.newobject", "allocation (runtime.newobject)"},
}

// regNames are in the order of uabi.Regs; four letters each.
const regNames = "RAX RBX RCX RDX RSI RDI RBP RSP R8  R9  R10 R11 R12 R13 R14 R15 RIP FLG "

// Layout of the register table.
const (
	regNameLen = 4
	regColumns = 3
)

// registers prints the integer registers, CR2, CR3 and CS.
func registers(r *uabi.Regs) {
	regs := (*[len(regNames) / regNameLen]uint64)(unsafe.Pointer(r))
	for i := range regs {
		register(regNames[i*regNameLen:][:regNameLen], regs[i], i%regColumns == regColumns-1)
	}
	register("CR2 ", r.Addr, false)
	register("CR3 ", readCR3(), false)
	register("CS  ", r.OrigRAX, true)
}

//go:noinline
func register(name string, v uint64, last bool) {
	LogByte(' ')
	text(name)
	hex(v)
	if last {
		LogByte('\n')
	}
}

// backtrace walks the frame pointers of the kernel stack: RBP points to the caller's RBP, with the return address behind it.
func backtrace(r *uabi.Regs) {
	where(r.RIP, r.RIP)
	if r.OrigRAX&3 != 0 {
		return
	}
	if r.Vector == vecBanned && onStack(r.RSP) {
		// The culprit has no frame yet: its caller's return address is on top.
		pc := *(*uint64)(at(r.RSP))
		where(pc, pc-callSize)
	}
	bp := r.RBP
	for range maxFrames {
		if !onStack(bp) || !onStack(bp+8) {
			return
		}
		pc := *(*uint64)(at(bp + 8))
		next := *(*uint64)(at(bp))
		if pc == 0 {
			return
		}
		where(pc, pc-callSize)
		if next <= bp {
			return
		}
		bp = next
	}
	text("  …\n")
}

// onStack reports whether 8 bytes at a are on a mapped kernel stack.
//
//go:noinline
func onStack(a uint64) bool {
	if a&7 != 0 || a < hw.StackVirtual || a >= apicWindow {
		lo := uint64(uintptr(unsafe.Pointer(&bootStack)))
		return a&7 == 0 && a >= lo && a < lo+uint64(len(bootStack))
	}
	return tableAt(hw.ImageBase + hw.OffStackPT)[(a-hw.StackVirtual)/hw.PageSize] != 0
}
