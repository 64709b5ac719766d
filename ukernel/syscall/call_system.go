package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// realtimeBase is CLOCK_REALTIME at boot, ns since 1970.
var realtimeBase uint64

// clockPage is the frame of the clock page.
var clockPage uint64

// makeClockPage makes what BootClock names.
func makeClockPage(a *object.Account) (*vm.Memory, uabi.Error) {
	pa, ok := frame.AllocKernel(true)
	if !ok {
		return nil, uabi.ErrNoMem
	}
	clockPage = pa
	w := frame.Words(pa)
	start, mult, numbered := arch.ClockParams()
	w[uabi.ClockPageStart], w[uabi.ClockPageMult], w[uabi.ClockPageReal] = start, mult, realtimeBase
	if numbered {
		w[uabi.ClockPageNumbered] = 1
	}
	return vm.NewPhys(a, pa, arch.PageSize)
}

// clock is CallClock.
func clock(r *uabi.Regs) (uint64, uabi.Error) {
	switch r.RDI {
	case uabi.ClockMonotonic:
		return arch.Now(), uabi.OK
	case uabi.ClockRealtime:
		return arch.Now() + realtimeBase, uabi.OK
	}
	return 0, uabi.ErrArg
}

// clockSet is CallClockSet.
func clockSet(r *uabi.Regs, right *port) (uint64, uabi.Error) {
	if right != &powerRight {
		return 0, uabi.ErrType
	}
	if r.RSI>>63 != 0 {
		return 0, uabi.ErrArg
	}
	realtimeBase = r.RSI - arch.Now()
	if clockPage != 0 {
		frame.Words(clockPage)[uabi.ClockPageReal] = realtimeBase
	}
	return 0, uabi.OK
}

const maxRandom = 256

// barrier is CallBarrier: a CPU acknowledges a shootdown when it enters the kernel, with a serializing instruction.
func barrier(gen uint64) uint64 {
	if gen == 0 {
		return arch.Shoot(^uint64(0))
	}
	if arch.Acked(gen) {
		return 0
	}
	return gen
}

// random is CallRandom.
func random(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	if r.RSI > maxRandom {
		return 0, uabi.ErrArg
	}
	return fillRandom(t, r.RDI, r.RSI)
}

// fillRandom writes n ≤ maxRandom random bytes to user memory.
func fillRandom(t *ipc.Thread, va, n uint64) (uint64, uabi.Error) {
	if err := userRange(va, n); err != uabi.OK || n == 0 {
		return 0, err
	}
	var b [maxRandom]byte
	for i := 0; i < maxRandom; i += wordSize {
		put64(b[i:], arch.Random64())
	}
	done, err := t.Space.Write(va, b[:n])
	return uint64(done), err
}

// maxLog is the longest line of CallLog, bytes.
const maxLog = 1024

// logScratch carries it; guarded by the kernel lock.
var logScratch [maxLog]byte

// logLine is CallLog.
func logLine(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	if r.RSI > maxLog {
		return 0, uabi.ErrArg
	}
	if err := userRange(r.RDI, r.RSI); err != uabi.OK {
		return 0, err
	}
	b := logScratch[:r.RSI]
	if len(b) > 0 {
		if n, err := t.Space.Read(r.RDI, b); err != uabi.OK || n != len(b) {
			return 0, uabi.ErrFault
		}
	}
	if len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	processLine(t.Proc, b)
	return r.RSI, uabi.OK
}

// processLine writes "name: b" and a newline to the log.
func processLine(p *ipc.Process, b []byte) {
	ktrace.Bytes(nameOf(p))
	ktrace.Text(": ")
	ktrace.Bytes(b)
	ktrace.Newline()
}

// nameOf is p's name.
//
//go:noinline
func nameOf(p *ipc.Process) []byte {
	n := 0
	for n < len(p.Name) && p.Name[n] != 0 {
		n++
	}
	return p.Name[:n]
}

// system is CallSystem.
func system(t *ipc.Thread) (uint64, uabi.Error) {
	s := argSystem(t.Buf)
	*s = uabi.SystemInfo{
		FramesTotal:  frame.Total(),
		FramesFree:   frame.FreeCount(),
		KernelFrames: frame.Kernel(),
		CPUs:         uint64(arch.CPUs()),
		Handles:      object.Handles(),
		UptimeNS:     arch.Now(),
		TSCHz:        arch.TSCHz(),
		Features:     uint64(arch.Features()),
	}
	for i := range min(arch.CPUs(), len(s.StackMax)) {
		s.StackMax[i] = arch.StackMax(i)
	}
	for i := range uabi.Type(uabi.TypeCount) {
		s.Objects[i] = object.Live(i)
	}
	return 0, uabi.OK
}

// maxTrace bounds the bytes of trace that one call copies.
const maxTrace = 64 << 10

// trace is CallTrace.
func trace(t *ipc.Thread, r *uabi.Regs, right *port) (uint64, uabi.Error) {
	if right != &powerRight {
		return 0, uabi.ErrType
	}
	if err := userRange(r.RDX, r.R10); err != uabi.OK {
		return 0, err
	}
	room := min(r.R10, maxTrace)
	va, next := r.RDX, r.RSI
	var k ktrace.Cursor
	k.Seek(next)
	for room >= traceSize {
		p := k.Next()
		if p == nil {
			break
		}
		if n, err := t.Space.Write(va, traceBytes(p)); err != uabi.OK || uint64(n) != traceSize {
			return 0, uabi.ErrFault
		}
		va, room, next = va+traceSize, room-traceSize, p.Seq+1
	}
	n := va - r.RDX
	r.RDX = next
	return n, uabi.OK
}

// powerOff is CallPowerOff.
func powerOff(r *uabi.Regs, right *port) (uint64, uabi.Error) {
	if right != &powerRight {
		return 0, uabi.ErrType
	}
	endMachine(uint32(r.RSI))
	return 0, uabi.OK
}

// endMachine writes the log's last line and powers off.
//
//go:noinline
func endMachine(status uint32) {
	arch.PowerOff(status)
}

// crash is CallPanic.
func crash(r *uabi.Regs, right *port) (uint64, uabi.Error) {
	if right != &powerRight {
		return 0, uabi.ErrType
	}
	if r.RSI > uabi.PanicStack {
		return 0, uabi.ErrArg
	}
	arch.Crash(uint32(r.RSI))
	return 0, uabi.OK
}
