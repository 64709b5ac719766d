#include "textflag.h"
#include "go_asm.h"

// Single instructions for Go. All are leaf functions without frames.

// func Now() uint64: (TSC − tscStart) × nsMult / 2^32. Assembly, since each switch of threads asks for the time.
TEXT ·Now(SB), NOSPLIT|NOFRAME, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	SUBQ ·tscStart(SB), AX
	MULQ ·nsMult(SB)
	SHRQ $32, DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func SwitchSpace(root uint64)
TEXT ·SwitchSpace(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ root+0(FP), AX
	CMPQ AX, (percpu_root-8)(GS)
	JEQ  loaded
	MOVQ AX, (percpu_root-8)(GS)
	MOVQ AX, CR3
loaded:
	RET

// func rdmsr(msr uint32) uint64
TEXT ·rdmsr(SB), NOSPLIT, $0-16
	MOVL msr+0(FP), CX
	RDMSR
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+8(FP)
	RET

// func wrmsr0(msr uint32, v uint64)
TEXT ·wrmsr0(SB), NOSPLIT, $0-16
	MOVL msr+0(FP), CX
	MOVQ v+8(FP), AX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	RET

// func rdtsc() uint64
TEXT ·rdtsc(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func rdrand() (v uint64, ok bool)
TEXT ·rdrand(SB), NOSPLIT, $0-9
	RDRANDQ AX
	SETCS ok+8(FP)
	MOVQ AX, v+0(FP)
	RET

// func cpuid(leaf, sub uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL sub+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func inb0(port uint16) uint8
TEXT ·inb0(SB), NOSPLIT, $0-9
	MOVWLZX port+0(FP), DX
	INB
	MOVB AX, ret+8(FP)
	RET

// func inw(port uint16) uint16
TEXT ·inw(SB), NOSPLIT, $0-10
	MOVWLZX port+0(FP), DX
	INW
	MOVW AX, ret+8(FP)
	RET

// func inl(port uint16) uint32
TEXT ·inl(SB), NOSPLIT, $0-12
	MOVWLZX port+0(FP), DX
	INL
	MOVL AX, ret+8(FP)
	RET

// func outb0(port uint16, v uint8)
TEXT ·outb0(SB), NOSPLIT, $0-3
	MOVWLZX port+0(FP), DX
	MOVBLZX v+2(FP), AX
	OUTB
	RET

// func outw(port, v uint16)
TEXT ·outw(SB), NOSPLIT, $0-4
	MOVWLZX port+0(FP), DX
	MOVWLZX v+2(FP), AX
	OUTW
	RET

// func outl(port uint16, v uint32)
TEXT ·outl(SB), NOSPLIT, $0-8
	MOVWLZX port+0(FP), DX
	MOVL v+4(FP), AX
	OUTL
	RET

// func readCR3() uint64
TEXT ·readCR3(SB), NOSPLIT, $0-8
	MOVQ CR3, AX
	MOVQ AX, ret+0(FP)
	RET

// func writeCR3(v uint64)
TEXT ·writeCR3(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), AX
	MOVQ AX, CR3
	RET

// func readCR4() uint64
TEXT ·readCR4(SB), NOSPLIT, $0-8
	MOVQ CR4, AX
	MOVQ AX, ret+0(FP)
	RET

// func writeCR4(v uint64)
TEXT ·writeCR4(SB), NOSPLIT, $0-8
	MOVQ v+0(FP), AX
	MOVQ AX, CR4
	RET

// func invlpg(va uint64)
TEXT ·invlpg(SB), NOSPLIT, $0-8
	MOVQ va+0(FP), AX
	INVLPG (AX)
	RET

// func loadTables(gdt, idt *pseudo, tss uint16): GDT, IDT, task register; reloads CS and the data segments.
TEXT ·loadTables(SB), NOSPLIT, $0-18
	MOVQ gdt+0(FP), AX
	LGDT 6(AX)
	MOVQ idt+8(FP), AX
	LIDT 6(AX)
	MOVWLZX tss+16(FP), AX
	LTR  AX
	MOVL $const_selKernelData, AX
	MOVW AX, SS
	XORL AX, AX
	MOVW AX, DS
	MOVW AX, ES
	RET

// func pause()
TEXT ·pause(SB), NOSPLIT, $0-0
	PAUSE
	RET

// func halt(): never returns.
TEXT ·halt(SB), NOSPLIT, $0-0
	CLI
	HLT
	JMP -1(PC)

// func breakpoint()
TEXT ·breakpoint(SB), NOSPLIT, $8-0 // a frame, so that backtraces show the caller
	INT $3
	RET

// func testDoubleFault(): faults with a stack pointer at which not even the page fault can be reported.
TEXT ·testDoubleFault(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $const_testAddress, AX
	MOVQ AX, SP
	PUSHQ $0
hang:
	HLT
	JMP hang

// func testStack(): runs over the lower end of the kernel stack.
TEXT ·testStack(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ (percpu_stackLo-8)(GS), SP
	ADDQ $8, SP
	PUSHQ $0
	PUSHQ $0
hang:
	HLT
	JMP hang
