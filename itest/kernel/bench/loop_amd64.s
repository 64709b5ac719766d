#include "go_asm.h"
#include "textflag.h"

// STAMP leaves the time-stamp counter in reg. Clobbers AX, DX.
#define STAMP(reg) \
	RDTSC; \
	SHLQ $32, DX; \
	ORQ  AX, DX; \
	MOVQ DX, reg

// func timed(num, a0, a1, a2, a3 uintptr) (ticks, r0 uintptr)
TEXT ·timed(SB), NOSPLIT|NOFRAME, $0-56
	MOVQ a0+8(FP), DI
	MOVQ a1+16(FP), SI
	MOVQ a3+32(FP), R10
	STAMP(R12)
	MOVQ num+0(FP), AX
	MOVQ a2+24(FP), DX
	SYSCALL
	MOVQ AX, R13
	STAMP(R15)
	SUBQ R12, R15
	MOVQ R15, ticks+40(FP)
	MOVQ R13, r0+48(FP)
	RET

// func frame() (ticks uintptr): timed without the SYSCALL
TEXT ·frame(SB), NOSPLIT|NOFRAME, $0-8
	STAMP(R12)
	MOVQ ticks+0(FP), AX
	MOVQ ticks+0(FP), DX
	MOVQ AX, R13
	STAMP(R15)
	SUBQ R12, R15
	MOVQ R15, ticks+0(FP)
	RET

// func touch(p uintptr) (ticks uintptr): one store
TEXT ·touch(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ p+0(FP), DI
	STAMP(R12)
	MOVQ R12, (DI)
	STAMP(R15)
	SUBQ R12, R15
	MOVQ R15, ticks+8(FP)
	RET

// func stamp() (t uintptr)
TEXT ·stamp(SB), NOSPLIT|NOFRAME, $0-8
	STAMP(AX)
	MOVQ AX, t+0(FP)
	RET

// func raiseWait(raise, wait, since uintptr) (start, r0 uintptr): CallEventUpdate(raise, 0, 0, 1), then
// CallEventWait(wait, 1, since, never)
TEXT ·raiseWait(SB), NOSPLIT|NOFRAME, $0-40
	MOVQ raise+0(FP), DI
	XORL SI, SI
	XORL R10, R10
	INCQ R10
	STAMP(R12)
	XORL DX, DX
	MOVQ $const_callEventUpdate, AX
	SYSCALL
	MOVQ wait+8(FP), DI
	MOVQ $1, SI
	MOVQ since+16(FP), DX
	MOVQ $-1, R10
	MOVQ $const_callEventWait, AX
	SYSCALL
	MOVQ R12, start+24(FP)
	MOVQ AX, r0+32(FP)
	RET

// func serve(endpoint, buffer uintptr): answers for ever with as many bytes as it got
TEXT ·serve(SB), NOSPLIT|NOFRAME, $0-16
	MOVQ endpoint+0(FP), BX
	MOVQ buffer+8(FP), R12
again:
	MOVL const_inLen(R12), AX
	MOVL AX, const_outLen(R12)
	MOVQ $const_callReplyReceive, AX
	MOVQ BX, DI
	MOVQ $-1, SI
	SYSCALL
	TESTQ AX, AX
	JZ   again
	RET
