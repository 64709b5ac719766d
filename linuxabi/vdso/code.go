package vdso

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"aramid/ukernel/uabi"
)

// asm is machine code while it is put together. Instructions are the bytes that an assembler makes of what stands beside them.
type asm struct {
	b []byte
	// at is where the code begins in the image, bytes behind the clock page's end.
	at int
}

func (a *asm) put(code ...byte) { a.b = append(a.b, code...) }

func (a *asm) long(v uint32) { a.b = binary.LittleEndian.AppendUint32(a.b, v) }

// jump puts a short jump with opcode op and returns its place, for land.
func (a *asm) jump(op byte) int {
	a.put(op, 0)
	return len(a.b)
}

// land lets jumps come out here.
func (a *asm) land(from ...int) {
	for _, f := range from {
		a.b[f-1] = byte(len(a.b) - f)
	}
}

// Opcodes of short jumps.
const (
	jz  = 0x74
	jnz = 0x75
	ja  = 0x77
	jmp = 0xeb
)

// page: LEA R8, the clock page.
func (a *asm) page() {
	a.put(0x4c, 0x8d, 0x05)
	a.long(uint32(-(a.at + len(a.b) + 4 + pageSize)))
}

// now: RAX = ns since boot. Clobbers RDX; R8 is the clock page.
func (a *asm) now() {
	a.put(0x0f, 0xae, 0xe8)                        // LFENCE: not before what stands before
	a.put(0x0f, 0x31)                              // RDTSC
	a.put(0x48, 0xc1, 0xe2, 0x20)                  // SHL RDX, 32
	a.put(0x48, 0x09, 0xd0)                        // OR RAX, RDX
	a.put(0x49, 0x2b, 0x40, uabi.ClockPageStart*8) // SUB RAX, [R8+start]
	a.put(0x49, 0xf7, 0x60, uabi.ClockPageMult*8)  // MUL QWORD [R8+mult]
	a.put(0x48, 0x0f, 0xac, 0xd0, 0x20)            // SHRD RAX, RDX, 32
}

// real: RAX = ns since 1970.
func (a *asm) real() {
	a.now()
	a.put(0x49, 0x03, 0x40, uabi.ClockPageReal*8) // ADD RAX, [R8+real]
}

// seconds: RAX = RAX / 10^9, RDX the rest. Clobbers RCX.
func (a *asm) seconds() {
	a.put(0x31, 0xd2, 0xb9) // XOR EDX, EDX; MOV ECX, 10^9
	a.long(1e9)
	a.put(0x48, 0xf7, 0xf1) // DIV RCX
}

// done: return 0.
func (a *asm) done() { a.put(0x31, 0xc0, 0xc3) } // XOR EAX, EAX; RET

// syscall: makes the call itself.
func (a *asm) syscall(nr uint32) {
	a.put(0xb8) // MOV EAX, nr
	a.long(nr)
	a.put(0x0f, 0x05, 0xc3) // SYSCALL; RET
}

// bits is a set of clocks.
func bits(clocks ...int) (m uint32) {
	for _, c := range clocks {
		m |= 1 << c
	}
	return m
}

// The clocks that are answered here.
var (
	realClocks   = bits(unix.CLOCK_REALTIME, unix.CLOCK_REALTIME_COARSE, unix.CLOCK_TAI)
	bootClocks   = bits(unix.CLOCK_MONOTONIC, unix.CLOCK_MONOTONIC_RAW, unix.CLOCK_MONOTONIC_COARSE, unix.CLOCK_BOOTTIME)
	coarseClocks = bits(unix.CLOCK_REALTIME_COARSE, unix.CLOCK_MONOTONIC_COARSE)
)

// clock: R9D = the bit of the clock in EDI; a jump from the place that it returns goes to who has none.
func (a *asm) clock() (none int) {
	a.put(0x83, 0xff, unix.CLOCK_TAI) // CMP EDI, CLOCK_TAI
	none = a.jump(ja)
	a.put(0x89, 0xf9)                               // MOV ECX, EDI
	a.put(0x41, 0xb9, 1, 0, 0, 0, 0x41, 0xd3, 0xe1) // MOV R9D, 1; SHL R9D, CL
	return none
}

// test: TEST R9D, set.
func (a *asm) test(set uint32) {
	a.put(0x41, 0xf7, 0xc1)
	a.long(set)
}

// clockGettime is clock_gettime(EDI, RSI).
func (a *asm) clockGettime() {
	none := a.clock()
	a.page()
	a.test(realClocks)
	isReal := a.jump(jnz)
	a.test(bootClocks)
	other := a.jump(jz)
	a.now()
	store := a.jump(jmp)
	a.land(isReal)
	a.real()
	a.land(store)
	a.seconds()
	a.put(0x48, 0x89, 0x06, 0x48, 0x89, 0x56, 0x08) // MOV [RSI], RAX; MOV [RSI+8], RDX
	a.done()
	a.land(none, other)
	a.syscall(unix.SYS_CLOCK_GETTIME)
}

// clockGetres is clock_getres(EDI, RSI).
func (a *asm) clockGetres() {
	none := a.clock()
	a.test(realClocks | bootClocks)
	other := a.jump(jz)
	a.put(0x48, 0x85, 0xf6) // TEST RSI, RSI
	null := a.jump(jz)
	a.put(0xb8, 1, 0, 0, 0) // MOV EAX, 1
	a.test(coarseClocks)
	fine := a.jump(jz)
	a.put(0xb8) // MOV EAX, a tick of 250 Hz
	a.long(1e9 / 250)
	a.land(fine)
	a.put(0x48, 0xc7, 0x06, 0, 0, 0, 0) // MOV QWORD [RSI], 0
	a.put(0x48, 0x89, 0x46, 0x08)       // MOV [RSI+8], RAX
	a.land(null)
	a.done()
	a.land(none, other)
	a.syscall(unix.SYS_CLOCK_GETRES)
}

// gettimeofday is gettimeofday(RDI, RSI).
func (a *asm) gettimeofday() {
	a.put(0x48, 0x85, 0xff) // TEST RDI, RDI
	null := a.jump(jz)
	a.page()
	a.real()
	a.seconds()
	a.put(0x48, 0x89, 0x07) // MOV [RDI], RAX
	a.put(0x89, 0xd0)       // MOV EAX, EDX
	a.put(0x31, 0xd2, 0xb9) // XOR EDX, EDX; MOV ECX, 1000
	a.long(1000)
	a.put(0xf7, 0xf1)             // DIV ECX
	a.put(0x48, 0x89, 0x47, 0x08) // MOV [RDI+8], RAX
	a.land(null)
	a.put(0x48, 0x85, 0xf6) // TEST RSI, RSI
	noZone := a.jump(jz)
	a.put(0x48, 0xc7, 0x06, 0, 0, 0, 0) // MOV QWORD [RSI], 0: UTC
	a.land(noZone)
	a.done()
}

// time is time(RDI).
func (a *asm) time() {
	a.page()
	a.real()
	a.seconds()
	a.put(0x48, 0x85, 0xff) // TEST RDI, RDI
	null := a.jump(jz)
	a.put(0x48, 0x89, 0x07) // MOV [RDI], RAX
	a.land(null)
	a.put(0xc3) // RET
}

// getcpu is getcpu(RDI, RSI): one node.
func (a *asm) getcpu() {
	a.page()
	a.put(0x49, 0x83, 0x78, uabi.ClockPageNumbered*8, 0) // CMP QWORD [R8+numbered], 0
	none := a.jump(jz)
	a.put(0x0f, 0x01, 0xf9, 0x48, 0x85, 0xff) // RDTSCP; TEST RDI, RDI
	noCPU := a.jump(jz)
	a.put(0x89, 0x0f) // MOV [RDI], ECX
	a.land(noCPU)
	a.put(0x48, 0x85, 0xf6) // TEST RSI, RSI
	noNode := a.jump(jz)
	a.put(0xc7, 0x06, 0, 0, 0, 0) // MOV DWORD [RSI], 0
	a.land(noNode)
	a.done()
	a.land(none)
	a.syscall(unix.SYS_GETCPU)
}
