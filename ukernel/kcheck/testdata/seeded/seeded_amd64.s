#include "textflag.h"

// A vector instruction behind no feature variable.
TEXT ·badAVX(SB), NOSPLIT, $0-0
	VPXOR Y0, Y0, Y0
	RET

// A jump to where a caller says.
TEXT ·badJump(SB), NOSPLIT, $0-0
	JMP AX

// A return to a pushed address. (The assembler refuses an unbalanced PUSHQ.)
TEXT ·badReturn(SB), NOSPLIT|NOFRAME, $0-0
	BYTE $0x50 // PUSHQ AX
	RET

// Bytes that are no instruction in 64-bit mode.
TEXT ·badBytes(SB), NOSPLIT|NOFRAME, $0-0
	BYTE $0x06
	RET

// A function that runs into the next one.
TEXT ·badEnd(SB), NOSPLIT|NOFRAME, $0-0
	XORL AX, AX

// A loop that eats the stack.
TEXT ·badPush(SB), NOSPLIT|NOFRAME, $0-0
again:
	BYTE $0x50 // PUSHQ AX
	JMP  again

// A stack that comes from anywhere, in a package that may not switch stacks (the test names another arch package).
TEXT ·badSwitch(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ AX, SP
	JMP  -1(PC)

// A call of compiled Go, from an entry, without g in R14.
TEXT ·badABI(SB), NOSPLIT, $0-0
	XORPS X15, X15
	MOVQ  ·steady(SB), DX
	MOVQ  (DX), CX
	CALL  CX
	RET

// The same without a zero X15 on one of two paths.
TEXT ·badABIPath(SB), NOSPLIT, $0-0
	MOVQ  -8(GS), R14
	TESTQ AX, AX
	JZ    dirty
	XORPS X15, X15
dirty:
	MOVQ  ·steady(SB), DX
	MOVQ  (DX), CX
	CALL  CX
	RET
