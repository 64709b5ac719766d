// Package uabi is the contract between ring 0 and ring 3: native call numbers, wire structures, rights and errors.
//
// It imports nothing. The kernel, the real user side (ukernel/uk) and the simulated kernel (ukernel/uksim) all
// implement exactly this page.
//
// # Native calls
//
// A native thread enters with SYSCALL: number in RAX, arguments in RDI, RSI, RDX, R10, R8, R9. RAX returns a value ≥ 0
// or −Error; RDX returns a second value where a call documents one. RCX and R11 are clobbered, all other registers
// are kept. Numbers below CallBase are the few Linux calls that a stock Go runtime makes.
//
// # The message buffer
//
// A native thread that sends or receives messages first attaches a message buffer (CallAttach): BufSize bytes of
// pinned, zeroed memory that the kernel maps at an address the thread chooses, readable and writable. The kernel
// reaches it by its own mapping, so no message transfer can fault. Its layout:
//
//	offset        size      name  written by
//	BufIn         MsgSize   In    kernel: the received message, or the reply to a call
//	BufOut        MsgSize   Out   thread: the call or the reply to be sent
//	BufArg        ArgSize   Arg   both: structures too large for registers (MapArgs, Regs, …)
//	BufInBytes    MaxBytes  bytes of a received request
//	BufOutBytes   MaxBytes  bytes of a call or reply to be sent; and the bytes of the reply to a call
//
// A server that calls down while it executes a request keeps that request: the header of a reply to CallCall lands in Out and
// its bytes in OutBytes; In and InBytes change only by CallReceive and CallReplyReceive.
package uabi
