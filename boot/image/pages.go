package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"

	"aramid/ukernel/arch/hw"
)

// Page-table bits that hw does not name.
const (
	pteLarge  = 1 << 7
	pteTable  = hw.PTEPresent | hw.PTEWrite | hw.PTEAccessed
	pteData   = hw.PTEPresent | hw.PTEWrite | hw.PTEAccessed | hw.PTEDirty | hw.PTENoExec
	pteRead   = hw.PTEPresent | hw.PTEAccessed | hw.PTEGlobal
	entrySize = 8
	entries   = 512
)

// Slots of the two roots.
const (
	slotDirect    = entries / 2
	slotHigh      = entries - 1
	slotKernelGiB = entries - 2 // in the PDPT: hw.KernelVirtual
	slotStackGiB  = entries - 1 // hw.StackVirtual
)

// bootSegment lays out what hw's Off… constants say.
func bootSegment(h *hw.ImageHeader, k *kernel) ([]byte, error) {
	pieces := roundUp(k.end, hw.LargePage)/hw.LargePage - 1
	b := make([]byte, hw.OffKernelPT+pieces*hw.PageSize)
	if uint64(hw.ImageBase+len(b)) > hw.KernelBase {
		return nil, fmt.Errorf("the kernel is too large: %d bytes", k.end-hw.KernelBase)
	}
	trampoline := trampoline()
	h.TrampolineLen = uint64(len(trampoline))
	var head bytes.Buffer
	binary.Write(&head, binary.LittleEndian, h) // into a Buffer: cannot fail
	for _, part := range []struct {
		off, limit int
		data       []byte
	}{{hw.OffHeader, hw.OffGDT, head.Bytes()}, {hw.OffGDT, hw.OffStub, bootGDT()}, {hw.OffStub, hw.OffTrampoline, stub(k.entry)}, {hw.OffTrampoline, hw.OffBootPML4, trampoline}} {
		if part.off+len(part.data) > part.limit {
			return nil, fmt.Errorf("boot segment: the part at %#x does not fit", part.off)
		}
		copy(b[part.off:], part.data)
	}
	put := func(table, slot int, v uint64) { binary.LittleEndian.PutUint64(b[table+slot*entrySize:], v) }
	link := func(table, slot, to int) { put(table, slot, hw.ImageBase+uint64(to)|pteTable) }
	link(hw.OffBootPML4, 0, hw.OffIdentPDPT)
	link(hw.OffBootPML4, slotDirect, hw.OffDirectPDPT)
	link(hw.OffBootPML4, slotHigh, hw.OffHighPDPT)
	link(hw.OffKernelPML4, slotHigh, hw.OffHighPDPT)
	link(hw.OffIdentPDPT, 0, hw.OffIdentPD)
	put(hw.OffIdentPD, 0, pteLarge|pteTable) // where the stub runs
	link(hw.OffDirectPDPT, 0, hw.OffDirectPD)
	for i := range entries {
		put(hw.OffDirectPD, i, uint64(i)*hw.LargePage|pteLarge|pteData)
	}
	link(hw.OffHighPDPT, slotKernelGiB, hw.OffHighPD)
	link(hw.OffHighPDPT, slotStackGiB, hw.OffStackPD)
	link(hw.OffStackPD, 0, hw.OffStackPT)
	for i := range int(pieces) {
		link(hw.OffHighPD, i+1, hw.OffKernelPT+i*hw.PageSize)
	}
	for _, s := range k.segments {
		flags, err := kernelFlags(s.flags)
		if err != nil {
			return nil, err
		}
		for pa := s.base; pa < s.base+s.size; pa += hw.PageSize {
			put(hw.OffKernelPT, int((pa-hw.KernelBase)/hw.PageSize), pa|flags)
		}
	}
	return b, nil
}

// kernelFlags is W^X: a page of the kernel is never writable and executable.
func kernelFlags(f elf.ProgFlag) (uint64, error) {
	switch f {
	case elf.PF_R | elf.PF_X:
		return pteRead, nil
	case elf.PF_R:
		return pteRead | hw.PTENoExec, nil
	case elf.PF_R | elf.PF_W:
		return pteData | hw.PTEGlobal, nil
	}
	return 0, fmt.Errorf("kernel segment with access %v", f)
}

// Boot GDT selectors.
const (
	selCode64 = 0x08
	selData   = 0x10
	selCode32 = 0x18
)

// bootGDT is a GDT with its LGDT operand behind it.
func bootGDT() []byte {
	gdt := []uint64{0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff}
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, gdt)
	b.Write(gdtOperand())
	return b.Bytes()
}

const gdtLen = 4 * 8

func gdtOperand() []byte {
	return binary.LittleEndian.AppendUint32([]byte{gdtLen - 1, 0}, hw.ImageBase+hw.OffGDT)
}

// code assembles a few instructions: bytes, and 32-bit immediates.
type code struct{ b []byte }

func (c *code) op(b ...byte)  { c.b = append(c.b, b...) }
func (c *code) imm(v uint32)  { c.b = binary.LittleEndian.AppendUint32(c.b, v) }
func (c *code) quad(v uint64) { c.b = binary.LittleEndian.AppendUint64(c.b, v) }

// stubCommon is where CPUs that the trampoline starts enter the stub: behind its LGDT.
const stubCommon = hw.ImageBase + hw.OffStub + 7

// Register bits that the stub sets (SDM Vol. 3A §2.5, Vol. 4 IA32_EFER).
const (
	cr4Boot  = 0x620      // PAE, OSFXSR, OSXMMEXCPT
	eferBoot = 0x901      // SCE, LME, NXE
	cr0Boot  = 0x80050023 // PE, MP, NE, WP, AM, PG
	cr0Keep  = 0x9ffffff3 // not EM, TS, NW, CD
	msrEFER  = 0xc0000080
)

// stub is the 32-bit code that PVH enters, with EBX = hvm_start_info: paging and long mode on, jump to the kernel (SDM Vol. 3A §9.8.5).
func stub(entry uint64) []byte {
	var c code
	c.op(0x0f, 0x01, 0x15) // lgdt [operand]
	c.imm(hw.ImageBase + hw.OffGDT + gdtLen)
	c.op(0x66, 0xb8, selData, 0)                            // common: mov ax, data
	c.op(0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0)                // mov ds, es, ss
	c.op(0x0f, 0x20, 0xe0, 0x0d)                            // mov eax, cr4; or eax,
	c.imm(cr4Boot)                                          //
	c.op(0x0f, 0x22, 0xe0, 0xb8)                            // mov cr4, eax; mov eax,
	c.imm(hw.ImageBase + hw.OffBootPML4)                    //
	c.op(0x0f, 0x22, 0xd8, 0xb9)                            // mov cr3, eax; mov ecx,
	c.imm(msrEFER)                                          //
	c.op(0x0f, 0x32, 0x0d)                                  // rdmsr; or eax,
	c.imm(eferBoot)                                         //
	c.op(0x0f, 0x30, 0x0f, 0x20, 0xc0, 0x25)                // wrmsr; mov eax, cr0; and eax,
	c.imm(cr0Keep)                                          //
	c.op(0x0d)                                              // or eax,
	c.imm(cr0Boot)                                          //
	c.op(0x0f, 0x22, 0xc0, 0xea)                            // mov cr0, eax; jmp code64:
	c.imm(uint32(hw.ImageBase + hw.OffStub + len(c.b) + 6)) // the next instruction
	c.op(selCode64, 0)                                      //
	c.op(0x89, 0xdb, 0x48, 0xb8)                            // mov ebx, ebx; mov rax,
	c.quad(entry)                                           //
	c.op(0xff, 0xe0)                                        // jmp rax
	return c.b
}

// trampoline is the real-mode code at hw.TrampolineBase that a SIPI starts: protected mode, EBX = 0, on to the stub.
func trampoline() []byte {
	const operandAt = 0x40
	var c code
	c.op(0xfa, 0x31, 0xc0, 0x8e, 0xd8)                                                 // cli; xor ax, ax; mov ds, ax
	c.op(0x66, 0x0f, 0x01, 0x16, operandAt, byte(hw.TrampolineBase>>8))                // lgdt [operand]
	c.op(0x66, 0x31, 0xdb, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x66, 0xea) // xor ebx, ebx; cr0 |= PE; jmp dword code32:
	c.imm(stubCommon)
	c.op(selCode32, 0)
	b := make([]byte, operandAt)
	copy(b, c.b)
	return append(b, gdtOperand()...)
}
