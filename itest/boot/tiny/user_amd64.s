#include "textflag.h"

// Ring-3 programs. The kernel copies them to a user page, so they must not refer to anything by address.

#define ALL(OP) \
	OP(BX); OP(BP); OP(SI); OP(DX); OP(R8); OP(R9); OP(R10); OP(R12); OP(R13); OP(R14)
#define ALLX(OP) \
	OP(X0); OP(X1); OP(X2); OP(X3); OP(X4); OP(X5); OP(X6); OP(X7); OP(X8); OP(X9); OP(X10); OP(X11); OP(X12); OP(X13); OP(X14); OP(X15)
#define SET(r) MOVQ R15, r
#define CHECK(r) CMPQ r, R15; JNE bad
#define CHECKX(r) MOVQ r, DI; CMPQ DI, R15; JNE bad

// program keeps its thread's number, given in RDI, in every register and looks whether system calls, faults and preemption keep them; likewise the
// FS and GS bases, which point to words that hold it. It also reads a page that the kernel remaps all the time. UD2 tells of a loss.
TEXT ·program(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ DI, R15
	MOVL $1, AX
	SYSCALL // a "U" on the log
again:
	ALL(SET)
	ALLX(SET)
	XORL AX, AX
	SYSCALL
	ALL(CHECK)
	ALLX(CHECKX)
	TESTQ AX, AX
	JNE  bad
	MOVQ R15, CX
	MOVQ R15, R11
	BYTE $0x8b; BYTE $0x00 // mov eax, [rax]: address 0; the kernel steps over it
	ALL(CHECK)
	CHECK(CX)
	CHECK(R11)
	ALLX(CHECKX)
	MOVQ R15, AX
	MOVL $0x8000, DI
spin:
	DECL DI
	JNZ  spin
	ALL(CHECK)
	CHECK(AX)
	CHECK(CX)
	CHECK(R11)
	ALLX(CHECKX)
	MOVQ $0x420000, AX // epochVA
	MOVL $0x1000, DI
look:
	MOVQ (AX), CX
	CMPQ CX, $-1 // a frame that was taken away: the TLB is stale
	JEQ  bad
	DECL DI
	JNZ  look
	BYTE $0x64; BYTE $0x48; BYTE $0x8b; BYTE $0x04; BYTE $0x25; LONG $0 // mov rax, fs:[0]
	CHECK(AX)
	BYTE $0x65; BYTE $0x48; BYTE $0x8b; BYTE $0x04; BYTE $0x25; LONG $0 // mov rax, gs:[0]
	CHECK(AX)
	JMP  again
bad:
	UD2
	RET

// nosy reads the kernel's text.
TEXT ·nosy(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $0xffffffff80200000, AX
	MOVQ (AX), AX
	UD2
	RET

// proud tries a privileged instruction.
TEXT ·proud(SB), NOSPLIT|NOFRAME, $0-0
	HLT
	UD2
	RET

DATA ·programs+0(SB)/8, $·program(SB)
DATA ·programs+8(SB)/8, $·nosy(SB)
DATA ·programs+16(SB)/8, $·proud(SB)
GLOBL ·programs(SB), NOPTR|RODATA, $24
