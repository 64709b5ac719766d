#include "textflag.h"
#include "go_asm.h"

// Entry is the linked kernel's entry point: boot/image's stub jumps here in 64-bit mode on the boot page tables. RBX is the physical
// address of hvm_start_info on the boot CPU, 0 on a CPU that the trampoline started.
TEXT ·Entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	CLI
	CLD
	TESTQ BX, BX
	JZ   other
	LEAQ ·banned(SB), AX // keeps the linker from dropping it
	LEAQ ·cpus(SB), DI
	MOVQ DI, ·startup(SB)
	LEAQ ·bootStack(SB), AX
	MOVQ AX, percpu_stackLo(DI)
	ADDQ $(8192-const_spillSpace), AX
	MOVQ AX, percpu_stackTop(DI)
	SUBQ $(8192/2), AX // a panic this early keeps the upper half for its backtrace
	MOVQ AX, percpu_panicTop(DI)
other:
	MOVQ ·startup(SB), DI
	LEAQ percpu_g(DI), R14
	MOVQ R14, percpu_gp(DI)
	MOVQ percpu_stackLo(DI), AX
	MOVQ AX, fakeG_lo(R14)
	ADDQ $const_stackGuard, AX
	MOVQ AX, fakeG_guard0(R14)
	MOVQ AX, fakeG_guard1(R14)
	LEAQ percpu_idleCtx(DI), AX
	MOVQ AX, percpu_idle(DI)
	MOVQ AX, percpu_current(DI)
	LEAQ const_gsBias(DI), AX
	MOVQ AX, DX
	SHRQ $32, DX
	MOVL $const_msrGSBase, CX
	WRMSR
	MOVQ percpu_stackTop(DI), SP
	MOVQ SP, fakeG_hi(R14)
	XORPS X15, X15
	PUSHQ BP
	XORL BP, BP
	TESTQ BX, BX
	JZ   ap
	MOVQ BX, AX
	MOVQ ·prepareFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	// The mapped stack with its guard pages exists now.
	MOVQ (percpu_stackTop-8)(GS), SP
	MOVQ SP, fakeG_hi(R14)
	MOVQ (percpu_stackLo-8)(GS), AX
	MOVQ AX, fakeG_lo(R14)
	ADDQ $const_stackGuard, AX
	MOVQ AX, fakeG_guard0(R14)
	MOVQ AX, fakeG_guard1(R14)
	CALL ·Lock(SB) // before any other CPU starts: they wait for it until bootFn is done
	MOVQ ·startFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	MOVQ ·bootFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	JMP  first
ap:
	// Boot tables map no stacks below the kernel's root; both share the upper half, so this stack is good on either.
	MOVQ DI, AX
	MOVQ ·joinFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	MOVL $1, (percpu_online-8)(GS)
	CALL ·Lock(SB)
first:
	// The first entry: this CPU's idle context, as if another CPU had kicked it.
	MOVQ (percpu_idle-8)(GS), AX
	MOVQ $const_vecKick, const_ctxVector(AX)
	MOVQ ·enterFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	JMP  ·exit(SB)
