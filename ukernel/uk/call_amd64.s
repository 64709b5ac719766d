#include "textflag.h"

// func native(num, a0, a1, a2, a3, a4, a5 uintptr) (r0, r1 uintptr)
//
// nosplit: it runs between entersyscall and exitsyscall, where the stack must not grow. ABI0 lets it clobber every register
// but SP; SYSCALL clobbers RCX and R11 only.
TEXT ·native(SB), NOSPLIT|NOFRAME, $0-72
	MOVQ num+0(FP), AX
	MOVQ a0+8(FP), DI
	MOVQ a1+16(FP), SI
	MOVQ a2+24(FP), DX
	MOVQ a3+32(FP), R10
	MOVQ a4+40(FP), R8
	MOVQ a5+48(FP), R9
	SYSCALL
	MOVQ AX, r0+56(FP)
	MOVQ DX, r1+64(FP)
	RET
