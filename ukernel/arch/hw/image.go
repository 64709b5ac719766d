package hw

import "math/bits"

// Where the boot image puts things (physical, bytes), and where the kernel sees them (virtual). boot/image writes these, arch/amd64
// reads them; docs/boot.md draws the map.
const (
	ImageBase      = 0x100000           // boot segment: header, stub, page tables
	KernelBase     = 0x200000           // the linked kernel
	KernelVirtual  = 0xffffffff80000000 // virtual − physical of the kernel image
	DirectVirtual  = 0xffff800000000000 // virtual − physical of the direct map
	StackVirtual   = 0xffffffffc0000000 // kernel stacks and the APIC page: one page table, 2 MiB
	TrampolineBase = 0x8000             // where the real-mode part of the AP start code runs
	LargePage      = 2 << 20
	ImageMagic     = 0x31676d6964617261 // "aramidg1", little-endian
)

// Offsets of the parts of the boot segment from ImageBase, bytes. The page tables from OffKernelPT on are as many as the kernel
// image has pieces of 2 MiB.
const (
	OffHeader     = 0
	OffGDT        = 0x200
	OffStub       = 0x300
	OffTrampoline = 0x500
	OffBootPML4   = 0x1000 // identity, direct map, kernel: used until every CPU has started
	OffIdentPDPT  = 0x2000
	OffIdentPD    = 0x3000
	OffDirectPDPT = 0x4000
	OffDirectPD   = 0x5000 // the first GiB
	OffHighPDPT   = 0x6000
	OffHighPD     = 0x7000
	OffStackPD    = 0x8000
	OffStackPT    = 0x9000
	OffKernelPML4 = 0xa000 // no identity: the root that the kernel runs on
	OffKernelPT   = 0xb000
)

// ImageHeader starts the boot segment. All fields are physical addresses and byte counts unless they say otherwise.
type ImageHeader struct {
	Magic         uint64
	KernelEnd     uint64 // first byte behind the kernel's bss
	TextStart     uint64 // virtual
	TextEnd       uint64 // virtual
	SymBase       uint64 // SymTable for panics
	SymLen        uint64
	ArchiveBase   uint64 // page-aligned
	ArchiveLen    uint64
	ArchiveSum    uint64 // Sum64 of the archive
	ImageEnd      uint64 // page-aligned end of everything loaded
	TrampolineLen uint64
}

// Sum64 is the checksum of the archive: each little-endian word is added after rotating the sum by 1. A word at a time: the boot waits
// for it. len(words) is the archive's length / 8, which is whole because archives are padded to pages.
func Sum64(words []uint64) uint64 {
	sum := uint64(ImageMagic)
	for ; len(words) >= 4; words = words[4:] {
		sum = bits.RotateLeft64(sum, 1) + words[0]
		sum = bits.RotateLeft64(sum, 1) + words[1]
		sum = bits.RotateLeft64(sum, 1) + words[2]
		sum = bits.RotateLeft64(sum, 1) + words[3]
	}
	for _, w := range words {
		sum = bits.RotateLeft64(sum, 1) + w
	}
	return sum
}

// The symbol table for panics, all little-endian 32-bit words: SymHeader, then Funcs of SymFunc sorted by address, then Lines of SymLine
// sorted by address, then Files word offsets of file names, then NUL-terminated strings. Name and file offsets count from the table's start.
type (
	// SymHeader counts the parts.
	SymHeader struct{ Funcs, Lines, Files, Strings uint32 }
	// SymFunc starts at Off bytes behind TextStart.
	SymFunc struct{ Off, Name uint32 }
	// SymLine holds from Off bytes behind TextStart to the next SymLine; File 0xffff is unknown.
	SymLine struct {
		Off        uint32
		File, Line uint16
	}
)
