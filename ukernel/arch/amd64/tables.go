package amd64

import (
	"unsafe"

	"aramid/ukernel/arch/hw"
)

// tssSize is the size of a 64-bit TSS without an I/O bitmap, bytes (SDM Vol. 3A §8.7).
const tssSize = 104

// 32-bit word indexes in the TSS.
const (
	tssRSP0   = 1
	tssIST1   = 9
	tssIOBase = 25
)

// IST slots.
const (
	istNMI = 1 + iota
	istDouble
	istMachine
	istDebug
	istCount = istDebug
)

// Descriptors (SDM Vol. 3A §3.4.5): base 0, limit 4 GiB, ring in bits 45–46.
const (
	descKernelCode = 0x00af9b000000ffff
	descKernelData = 0x00cf93000000ffff
	descUserData   = 0x00cff3000000ffff
	descUserCode   = 0x00affb000000ffff
	descTSS        = 0x0000890000000000
	gateInterrupt  = 0x8e
	gateUser       = 0x60 // DPL 3: INT3 and INTO
)

const vectorCount = 64

// pseudo is the operand of LGDT and LIDT: a 16-bit limit in the upper half of the first word, then the base.
type pseudo struct {
	_     [3]uint16
	limit uint16
	base  uint64
}

var (
	gdt [5 + 2*MaxCPUs]uint64
	idt [vectorCount][2]uint64
)

// buildTables fills the GDT's common part and the IDT; without stacks, before those of the IST exist.
func buildTables(stacks bool) {
	gdt[1], gdt[2], gdt[3], gdt[4] = descKernelCode, descKernelData, descUserData, descUserCode
	for v := range vectorCount {
		ist, kind := uint64(0), uint64(gateInterrupt)
		switch v {
		case hw.VecNMI:
			ist = istNMI
		case hw.VecDoubleFault:
			ist = istDouble
		case hw.VecMachine:
			ist = istMachine
		case hw.VecDebug:
			// MOV SS; SYSCALL with a watchpoint raises #DB in ring 0 on the user's stack.
			ist = istDebug
		case hw.VecBreakpoint, hw.VecBreakpoint + 1:
			kind |= gateUser
		}
		if !stacks {
			ist = 0
		}
		pc := vectorsPC + uint64(v)*stubSize
		idt[v][0] = pc&0xffff | selKernelCode<<16 | ist<<32 | kind<<40 | pc>>16&0xffff<<48
		idt[v][1] = pc >> 32
	}
}

// stubSize is the distance of two vectors' stubs in vectors_amd64.s, bytes.
const stubSize = 16

// useTables fills this CPU's TSS and loads GDT, IDT and TSS.
func useTables(p *percpu) {
	setTSS(p, tssRSP0, p.stackTop)
	for i := range istCount {
		setTSS(p, tssIST1+2*i, istTop(int(p.index), i))
	}
	p.tss[tssIOBase] = tssSize << 16 // beyond the limit: no I/O bitmap
	base := uint64(uintptr(unsafe.Pointer(&p.tss)))
	slot := selTSS/8 + 2*p.index
	gdt[slot] = tssSize - 1 | base&0xffffff<<16 | descTSS | base>>24&0xff<<56
	gdt[slot+1] = base >> 32
	g := pseudo{limit: uint16(unsafe.Sizeof(gdt) - 1), base: uint64(uintptr(unsafe.Pointer(&gdt)))}
	i := pseudo{limit: uint16(unsafe.Sizeof(idt) - 1), base: uint64(uintptr(unsafe.Pointer(&idt)))}
	loadTables(&g, &i, uint16(selTSS+16*p.index))
}

func setTSS(p *percpu, word int, v uint64) { p.tss[word], p.tss[word+1] = uint32(v), uint32(v>>32) }
