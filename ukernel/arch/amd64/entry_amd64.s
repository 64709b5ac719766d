#include "textflag.h"
#include "go_asm.h"

// GS-relative offsets are field offsets − 8, since GS base is &percpu + 8.

// SAVE stores what a thread's registers hold but RAX, RSP, RIP and flags into the hw.Context at base.
#define SAVE(base) \
	MOVQ BX, const_ctxRBX(base); \
	MOVQ CX, const_ctxRCX(base); \
	MOVQ DX, const_ctxRDX(base); \
	MOVQ SI, const_ctxRSI(base); \
	MOVQ DI, const_ctxRDI(base); \
	MOVQ BP, const_ctxRBP(base); \
	MOVQ R8, const_ctxR8(base); \
	MOVQ R9, const_ctxR9(base); \
	MOVQ R10, const_ctxR10(base); \
	MOVQ R11, const_ctxR11(base); \
	MOVQ R12, const_ctxR12(base); \
	MOVQ R13, const_ctxR13(base); \
	MOVQ R14, const_ctxR14(base); \
	MOVQ R15, const_ctxR15(base); \
	FXSAVE64 const_ctxFX(base)

// LOAD is its inverse for all but RAX, RCX, R11, RSP; base is AX.
#define LOAD \
	MOVQ const_ctxRBX(AX), BX; \
	MOVQ const_ctxRDX(AX), DX; \
	MOVQ const_ctxRSI(AX), SI; \
	MOVQ const_ctxRDI(AX), DI; \
	MOVQ const_ctxRBP(AX), BP; \
	MOVQ const_ctxR8(AX), R8; \
	MOVQ const_ctxR9(AX), R9; \
	MOVQ const_ctxR10(AX), R10; \
	MOVQ const_ctxR12(AX), R12; \
	MOVQ const_ctxR13(AX), R13; \
	MOVQ const_ctxR14(AX), R14; \
	MOVQ const_ctxR15(AX), R15

// GOSTATE is what compiled Go expects: an empty stack, g, a zero X15, the end of the frame chain.
#define GOSTATE \
	MOVQ (percpu_stackTop-8)(GS), SP; \
	MOVQ -8(GS), R14; \
	XORPS X15, X15; \
	XORL BP, BP

// LOCK takes the kernel lock and serves a pending shootdown. Clobbers CX, DX; keeps AX.
#define LOCK_KERNEL \
	MOVL $1, CX; \
	XCHGL CX, ·klock(SB); \
	TESTL CX, CX; \
	JNZ 4(PC); \
	MOVQ (percpu_want-8)(GS), CX; \
	CMPQ CX, (percpu_done-8)(GS); \
	JEQ 2(PC); \
	CALL ·lockSlow(SB)

// lockSlow is reached with the lock held and a shootdown pending, or with the lock not held (CX = 1 in that case, a generation ≥ 2 in
// the other). It returns with the lock held and nothing pending.
TEXT ·lockSlow(SB), NOSPLIT|NOFRAME, $0-0
	CMPQ CX, $1
	JNE  serve
spin:
	MOVQ (percpu_want-8)(GS), CX
	CMPQ CX, (percpu_done-8)(GS)
	JEQ  try
	MOVQ CR3, DX
	MOVQ DX, CR3
	MOVQ CX, (percpu_done-8)(GS)
try:
	PAUSE
	CMPL ·klock(SB), $0
	JNE  spin
	MOVL $1, CX
	XCHGL CX, ·klock(SB)
	TESTL CX, CX
	JNZ  spin
serve:
	MOVQ (percpu_want-8)(GS), CX
	CMPQ CX, (percpu_done-8)(GS)
	JEQ  held
	MOVQ CR3, DX
	MOVQ DX, CR3
	MOVQ CX, (percpu_done-8)(GS)
held:
	RET

// func Lock(), Unlock(): for callers outside an entry.
TEXT ·Lock(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $1, CX
	CALL ·lockSlow(SB)
	RET

TEXT ·Unlock(SB), NOSPLIT|NOFRAME, $0-0
	MOVL $0, ·klock(SB)
	RET

// syscallEntry is LSTAR: SYSCALL in ring 3 (SDM Vol. 2 SYSCALL). RCX = RIP, R11 = flags, SFMASK cleared IF, DF, TF, AC.
TEXT ·syscallEntry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	SWAPGS
	MOVQ SP, (percpu_scratch-8)(GS)
	MOVQ (percpu_current-8)(GS), SP
	MOVQ AX, const_ctxRAX(SP)
	MOVQ AX, const_ctxOrig(SP)
	SAVE(SP)
	MOVQ (percpu_scratch-8)(GS), AX
	MOVQ AX, const_ctxRSP(SP)
	MOVQ CX, const_ctxRIP(SP)
	MOVQ R11, const_ctxFlags(SP)
	MOVQ $const_vecSyscall, const_ctxVector(SP)
	MOVQ $0, const_ctxFull(SP)
	MOVQ SP, AX
	GOSTATE
	LOCK_KERNEL
	MOVQ ·enterFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	JMP  ·exit(SB)

// exit leaves the kernel to the context in AX, or idles if it is nil. The kernel lock is held.
TEXT ·exit(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
again:
	CMPQ AX, (percpu_current-8)(GS)
	JNE  switch
	MOVQ const_ctxFSBase(AX), CX
	CMPQ CX, (percpu_curFS-8)(GS)
	JNE  switch
	MOVQ const_ctxGSBase(AX), CX
	CMPQ CX, (percpu_curGS-8)(GS)
	JNE  switch
loaded:
	MOVL $0, ·klock(SB)
	FXRSTOR64 const_ctxFX(AX)
	MOVQ const_ctxRIP(AX), CX
	MOVQ const_ctxFlags(AX), R11
	ANDL $const_userFlags, R11
	ORL  $const_fixedFlags, R11
	CMPQ const_ctxFull(AX), $0
	JNE  full
	MOVQ CX, DX
	SHRQ $47, DX
	JNZ  noncanonical // SYSRET would fault in ring 0 on the user's stack
	LOAD
	MOVQ const_ctxRSP(AX), SP
	MOVQ const_ctxRAX(AX), AX
	SWAPGS
	BYTE $0x48; SYSRET // SYSRETQ

full:
	MOVQ CX, DX
	SHLQ $16, DX
	SARQ $16, DX
	CMPQ CX, DX
	JNE  noncanonical
	MOVQ (percpu_stackTop-8)(GS), SP
	PUSHQ $const_selUserData
	PUSHQ const_ctxRSP(AX)
	PUSHQ R11
	PUSHQ $const_selUserCode
	PUSHQ CX
	MOVQ const_ctxRCX(AX), CX
	MOVQ const_ctxR11(AX), R11
	LOAD
	MOVQ const_ctxRAX(AX), AX
	SWAPGS
	IRETQ

switch:
	TESTQ AX, AX
	JZ   idle
	MOVQ AX, (percpu_current-8)(GS)
	MOVQ AX, BX
	MOVQ const_ctxFSBase(BX), AX
	MOVQ AX, (percpu_curFS-8)(GS)
	MOVQ AX, DX
	SHRQ $32, DX
	MOVL $const_msrFSBase, CX
	WRMSR
	MOVQ const_ctxGSBase(BX), AX
	MOVQ AX, CX
	ORQ  (percpu_curGS-8)(GS), CX
	JZ   switched // 0 before and after: no selector a thread can load makes the base anything else
	MOVQ AX, (percpu_curGS-8)(GS)
	MOVQ AX, DX
	SHRQ $32, DX
	MOVL $const_msrKernelGSBase, CX
	WRMSR
switched:
	MOVQ BX, AX
	JMP  loaded

noncanonical:
	// The thread gets the #GP that the instruction at such an address would raise.
	MOVQ $const_vecCanon, const_ctxVector(AX)
	MOVQ $0, const_ctxCode(AX)
	MOVQ $0, const_ctxAddr(AX)
	MOVQ $1, const_ctxFull(AX)
	GOSTATE
	LOCK_KERNEL
	MOVQ ·enterFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	JMP  again

idle:
	MOVQ (percpu_idle-8)(GS), AX
	MOVQ AX, (percpu_current-8)(GS)
	MOVQ (percpu_stackTop-8)(GS), SP
	MOVL $0, ·klock(SB)
halt:
	STI
	HLT // an interrupt enters by trapCommon and never comes back here
	JMP halt

// trapCommon is the second half of every vector's stub. Stack: vector, code, RIP, CS, flags, RSP, SS.
TEXT ·trapCommon(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	TESTB $3, 24(SP)
	JZ    kernel
	SWAPGS
	MOVQ AX, (percpu_scratch-8)(GS)
	MOVQ (percpu_current-8)(GS), AX
	SAVE(AX)
	MOVQ (percpu_scratch-8)(GS), CX
	MOVQ CX, const_ctxRAX(AX)
	MOVQ CX, const_ctxOrig(AX)
	MOVQ 0(SP), BX
	MOVQ BX, const_ctxVector(AX)
	MOVQ 8(SP), CX
	MOVQ CX, const_ctxCode(AX)
	MOVQ 16(SP), CX
	MOVQ CX, const_ctxRIP(AX)
	MOVQ 32(SP), CX
	MOVQ CX, const_ctxFlags(AX)
	MOVQ 40(SP), CX
	MOVQ CX, const_ctxRSP(AX)
	MOVQ CR2, CX
	MOVQ CX, const_ctxAddr(AX)
	MOVQ $1, const_ctxFull(AX)
	CMPQ BX, $const_vecNMI
	JEQ  kernel2
	CMPQ BX, $const_vecMachine
	JEQ  kernel2
	CMPQ BX, $const_vecDouble
	JEQ  kernel2
entered:
	GOSTATE
	PUSHQ $2 // an interrupt leaves the user's AC and DF on: off, or SMAP is void and Go's string instructions run backwards
	POPFQ
	LOCK_KERNEL
	CMPQ BX, $32
	JAE  interrupt
call:
	MOVQ ·enterFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	JMP  ·exit(SB)

interrupt:
	PUSHQ AX
	MOVQ ·interruptFn(SB), DX
	MOVQ (DX), CX
	CALL CX
	TESTB AX, AX
	POPQ AX
	JNZ  call
	CMPQ AX, (percpu_idle-8)(GS) // spurious: as if nothing had happened
	JNE  2(PC)
	XORL AX, AX
	JMP  ·exit(SB)

kernel:
	CMPQ 0(SP), $32
	JAE  2(PC)
	JMP  ·crash(SB)
	MOVQ 0(SP), BX
	MOVQ (percpu_idle-8)(GS), AX
	MOVQ BX, const_ctxVector(AX)
	JMP  entered

kernel2: // NMI, #MC and #DF from ring 3 end the machine as well; GS is the kernel's already
	MOVQ const_ctxRAX(AX), CX
	MOVQ CX, (percpu_scratch-8)(GS)
	MOVQ AX, BX
	MOVQ const_ctxRBX(AX), BX
	MOVQ const_ctxRCX(AX), CX
	MOVQ const_ctxRAX(AX), AX
	JMP  ·crash(SB)

// crash ends the machine with a report. Stack as in trapCommon. GS may be the user's: a fault can hit between SWAPGS and IRETQ.
TEXT ·crash(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	PUSHQ AX
	PUSHQ CX
	PUSHQ DX
	MOVL $const_msrGSBase, CX
	RDMSR
	TESTL DX, DX
	JS   2(PC)
	SWAPGS
	POPQ DX
	POPQ CX
	POPQ AX
	MOVQ AX, (percpu_crash-8+const_ctxRAX)(GS)
	MOVQ BX, (percpu_crash-8+const_ctxRBX)(GS)
	MOVQ CX, (percpu_crash-8+const_ctxRCX)(GS)
	MOVQ DX, (percpu_crash-8+const_ctxRDX)(GS)
	MOVQ SI, (percpu_crash-8+const_ctxRSI)(GS)
	MOVQ DI, (percpu_crash-8+const_ctxRDI)(GS)
	MOVQ BP, (percpu_crash-8+const_ctxRBP)(GS)
	MOVQ R8, (percpu_crash-8+const_ctxR8)(GS)
	MOVQ R9, (percpu_crash-8+const_ctxR9)(GS)
	MOVQ R10, (percpu_crash-8+const_ctxR10)(GS)
	MOVQ R11, (percpu_crash-8+const_ctxR11)(GS)
	MOVQ R12, (percpu_crash-8+const_ctxR12)(GS)
	MOVQ R13, (percpu_crash-8+const_ctxR13)(GS)
	MOVQ R14, (percpu_crash-8+const_ctxR14)(GS)
	MOVQ R15, (percpu_crash-8+const_ctxR15)(GS)
	MOVQ 0(SP), AX
	MOVQ AX, (percpu_crash-8+const_ctxVector)(GS)
	MOVQ 8(SP), AX
	MOVQ AX, (percpu_crash-8+const_ctxCode)(GS)
	MOVQ 16(SP), AX
	MOVQ AX, (percpu_crash-8+const_ctxRIP)(GS)
	MOVQ 24(SP), AX
	MOVQ AX, (percpu_crash-8+const_ctxOrig)(GS) // CS: tells ring 0 from ring 3
	MOVQ 32(SP), AX
	MOVQ AX, (percpu_crash-8+const_ctxFlags)(GS)
	MOVQ 40(SP), AX
	MOVQ AX, (percpu_crash-8+const_ctxRSP)(GS)
	MOVQ CR2, AX
	MOVQ AX, (percpu_crash-8+const_ctxAddr)(GS)
	MOVQ (percpu_panicTop-8)(GS), SP
	MOVQ -8(GS), R14
	XORPS X15, X15
	XORL BP, BP
	PUSHQ $2
	POPFQ
	MOVQ (percpu_idle-8)(GS), AX
	SUBQ $percpu_idleCtx, AX // &percpu
	MOVQ ·reportFn(SB), DX
	MOVQ (DX), CX
	CALL CX
hang:
	HLT
	JMP hang

// banned is where boot/image redirects every function that must never run in ring 0 to: 0(SP) is 5 bytes into the culprit.
TEXT ·banned(SB), NOSPLIT|NOFRAME|TOPFRAME, $0-0
	SUBQ  $5, 0(SP)
	POPQ  (percpu_scratch-8)(GS)
	MOVQ  SP, (percpu_scratch2-8)(GS)
	PUSHQ $const_selKernelData
	PUSHQ (percpu_scratch2-8)(GS)
	PUSHFQ
	PUSHQ $const_selKernelCode
	PUSHQ (percpu_scratch-8)(GS)
	PUSHQ $0
	PUSHQ $const_vecBanned
	JMP   ·crash(SB)
