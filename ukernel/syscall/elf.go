package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/uabi"
)

// Layout of the parts of an ELF file that a loader reads (System V ABI, chapters 4 and 5; AMD64 supplement).
const (
	elfHeaderSize = 64
	elfPhdrSize   = 56

	elfClass64   = 2
	elfLittle    = 1
	elfVersion   = 1
	elfExec      = 2 // ET_EXEC
	elfDyn       = 3 // ET_DYN: a static PIE relocates itself
	elfMachine   = 62
	elfLoad      = 1 // PT_LOAD
	elfInterp    = 3 // PT_INTERP: needs a dynamic linker, so no native image
	elfX         = 1 // PF_X
	elfW         = 2 // PF_W
	elfR         = 4 // PF_R
	maxPhdrs     = 32
	maxSegments  = 8
	maxUserImage = uint64(stackLow) - imageRoom

	// imageRoom is what is left free between an image and the stack, bytes.
	imageRoom = 1 << 30
	// pieBase is where the lowest address of a position-independent image goes.
	pieBase = 0x555555554000
)

// segment is one PT_LOAD: all checked, addresses final.
type segment struct {
	va      uint64 // not rounded
	memLen  uint64
	fileOff uint64 // from the start of the file
	fileLen uint64 // ≤ memLen
	prot    uint32 // uabi.Prot…
	_       uint32
}

// end returns the page-rounded end.
func (s *segment) end() uint64 { return pageUp(s.va + s.memLen) }

// imagePlan is what a file asks for, checked: nothing of a plan that elfHeader and elfSegment accepted can be refused later but
// for want of memory.
type imagePlan struct {
	entry    uint64
	base     uint64 // added to the file's addresses
	phoff    uint64
	phnum    uint64
	phdrVA   uint64 // 0: not mapped
	nseg     int
	seg      [maxSegments]segment
	entryOK  bool
	fileSize uint64
}

// elfHeader checks the file header h and starts a plan for a file of size bytes.
func (p *imagePlan) elfHeader(h *[elfHeaderSize]byte, size uint64) uabi.Error {
	*p = imagePlan{fileSize: size}
	kind := le16(h[16:])
	switch {
	case h[0] != 0x7f || h[1] != 'E' || h[2] != 'L' || h[3] != 'F',
		h[4] != elfClass64 || h[5] != elfLittle || h[6] != elfVersion,
		kind != elfExec && kind != elfDyn,
		le16(h[18:]) != elfMachine,
		le32(h[20:]) != elfVersion,
		le16(h[54:]) != elfPhdrSize:
		return uabi.ErrNoExec
	}
	p.entry = le64(h[24:])
	p.phoff = le64(h[32:])
	p.phnum = uint64(le16(h[56:]))
	if p.phnum == 0 || p.phnum > maxPhdrs || p.phoff > size || p.phnum*elfPhdrSize > size-p.phoff {
		return uabi.ErrNoExec
	}
	if kind == elfDyn {
		p.base = pieBase
	}
	if p.entry >= maxUserImage {
		return uabi.ErrNoExec
	}
	p.entry += p.base
	return uabi.OK
}

// elfSegment checks one program header and, when it is a PT_LOAD, adds it.
func (p *imagePlan) elfSegment(h *[elfPhdrSize]byte) uabi.Error {
	switch le32(h[0:]) {
	case elfInterp:
		return uabi.ErrNoExec
	case elfLoad:
	default:
		return uabi.OK
	}
	flags := le32(h[4:])
	off, va := le64(h[8:]), le64(h[16:])
	fileLen, memLen := le64(h[32:]), le64(h[40:])
	if memLen == 0 {
		return uabi.OK
	}
	switch {
	case p.nseg == maxSegments,
		flags&(elfW|elfX) == elfW|elfX, // W^X
		fileLen > memLen,
		off > p.fileSize || fileLen > p.fileSize-off,
		va >= maxUserImage || memLen > maxUserImage-va,
		off%arch.PageSize != va%arch.PageSize:
		return uabi.ErrNoExec
	}
	va += p.base
	if va < uabi.MinUser || pageUp(va+memLen) > maxUserImage {
		return uabi.ErrNoExec
	}
	// Segments ascend (gABI: "in ascending order, sorted on p_vaddr") and share no page.
	if p.nseg > 0 && pageDown(va) < p.seg[p.nseg-1].end() {
		return uabi.ErrNoExec
	}
	s := &p.seg[p.nseg]
	p.nseg++
	*s = segment{va: va, memLen: memLen, fileOff: off, fileLen: fileLen, prot: elfProt(flags)}
	if flags&elfX != 0 && p.entry >= va && p.entry < va+fileLen {
		p.entryOK = true
	}
	if p.phoff >= off && p.phoff-off < fileLen && p.phnum*elfPhdrSize <= fileLen-(p.phoff-off) {
		p.phdrVA = va + (p.phoff - off)
	}
	return uabi.OK
}

// elfDone checks what only the whole plan can tell.
func (p *imagePlan) elfDone() uabi.Error {
	if p.nseg == 0 || !p.entryOK {
		return uabi.ErrNoExec
	}
	return uabi.OK
}

func elfProt(flags uint32) (prot uint32) {
	if flags&elfR != 0 {
		prot |= uabi.ProtRead
	}
	if flags&elfW != 0 {
		prot |= uabi.ProtWrite
	}
	if flags&elfX != 0 {
		prot |= uabi.ProtExec
	}
	return prot
}

// pageBytes is the page size as AT_PAGESZ says it.
const pageBytes = arch.PageSize

func pageUp(n uint64) uint64   { return (n + arch.PageSize - 1) &^ (arch.PageSize - 1) }
func pageDown(n uint64) uint64 { return n &^ (arch.PageSize - 1) }
