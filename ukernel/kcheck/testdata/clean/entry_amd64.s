#include "textflag.h"

// kentry is the ELF entry: takes a stack, sets up the g that compiled Go expects, calls Go.
TEXT ·kentry(SB), NOSPLIT|NOFRAME, $0
	CLI
	LEAQ ·stack+8192(SB), SP
	LEAQ ·g0(SB), R14
	XORPS X15, X15
	LEAQ ·trapEntry(SB), AX
	MOVQ AX, ·idt(SB)
	LEAQ ·stubs(SB), AX
	MOVQ AX, ·idt+8(SB)
	MOVQ ·enter(SB), DX
	MOVQ (DX), CX
	CALL CX
halt:
	HLT
	JMP halt

// trapEntry is what the interrupt table would name.
TEXT ·trapEntry(SB), NOSPLIT|NOFRAME, $0
	SWAPGS
	PUSHQ AX
	LEAQ ·g0(SB), R14
	XORPS X15, X15
	MOVQ ·enter(SB), DX
	MOVQ (DX), CX
	CALL CX
	POPQ AX
	SWAPGS
	IRETQ

// stubs are two entry points, 16 bytes apart.
TEXT ·stubs(SB), NOSPLIT|NOFRAME, $0
	PCALIGN $16
	PUSHQ $0
	JMP ·trapEntry(SB)
	PCALIGN $16
	PUSHQ $1
	JMP ·trapEntry(SB)
	PCALIGN $16
	INT $3
