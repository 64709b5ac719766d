package loader

import (
	"encoding/binary"

	"aramid/ukernel/uabi"
)

const pageSize = 4096

// Sizes and limits of what is read of a file. Linux refuses program header tables over 64 KiB (fs/binfmt_elf.c); ours fit one page.
const (
	HeaderSize  = 64
	phdrSize    = 56
	maxPhdrs    = (pageSize - HeaderSize) / phdrSize
	maxInterp   = 4096 // PATH_MAX, with the NUL
	maxUserAddr = 0x7ffffffff000
)

// ELF constants (System V gABI chapter 4 and 5, AMD64 supplement).
const (
	typeExec   = 2
	typeDyn    = 3
	machineX86 = 62
	ptLoad     = 1
	ptInterp   = 3
	ptPhdr     = 6
	ptGNUStack = 0x6474e551
	flagExec   = 1
	flagWrite  = 2
	flagRead   = 4
	magic      = "\x7fELF" // class and data encoding do not count for Linux either
)

// Prot bits of a segment: PROT_READ, PROT_WRITE, PROT_EXEC of mmap(2).
const (
	ProtRead  = 1
	ProtWrite = 2
	ProtExec  = 4
)

// Segment is one PT_LOAD. Addr and Off agree modulo the page size; addresses are before relocation of a PIE.
type Segment struct {
	Addr, Off         uint64
	FileSize, MemSize uint64
	Prot              uint32
}

// Image is what an ELF file asks for.
type Image struct {
	PIE       bool
	Entry     uint64
	Phdr      uint64 // address of the program headers; 0 when no segment has them
	PhdrCount uint64
	Segments  []Segment // ascending addresses, at least one
	Interp    string    // "" when static
	Align     uint64    // of the strictest segment, a power of two, at least a page
	ExecStack bool
}

// Low and High bound all segments in whole pages.
func (m *Image) Low() uint64 { return m.Segments[0].Addr &^ (pageSize - 1) }

// End is where the last segment ends.
func (m *Image) End() uint64 {
	s := m.Segments[len(m.Segments)-1]
	return s.Addr + s.MemSize
}

// High is the end of the last segment's last page.
func (m *Image) High() uint64 {
	return (m.End() + pageSize - 1) &^ (pageSize - 1)
}

// ReadAt fills b from offset off of the file and reports whether all of it was there.
type ReadAt func(off uint64, b []byte) bool

var le = binary.LittleEndian

// ParseELF reads the headers of a file. It answers ErrNoExec (ENOEXEC) for what is no x86-64 executable and ErrArg
// (EINVAL) for one whose program headers contradict themselves, as Linux does.
func ParseELF(read ReadAt) (*Image, uabi.Error) {
	var h [HeaderSize]byte
	if !read(0, h[:]) || string(h[:len(magic)]) != magic {
		return nil, uabi.ErrNoExec
	}
	typ, machine := le.Uint16(h[16:]), le.Uint16(h[18:])
	n, entSize := int(le.Uint16(h[56:])), le.Uint16(h[54:])
	if typ != typeExec && typ != typeDyn || machine != machineX86 || entSize != phdrSize || n == 0 || n > maxPhdrs {
		return nil, uabi.ErrNoExec
	}
	m := &Image{Align: pageSize, PIE: typ == typeDyn, Entry: le.Uint64(h[24:]), PhdrCount: uint64(n)}
	phoff := le.Uint64(h[32:])
	table := make([]byte, n*phdrSize)
	if !read(phoff, table) {
		return nil, uabi.ErrNoExec
	}
	for i := range n {
		if err := m.addHeader(table[i*phdrSize:], phoff, read); err != uabi.OK {
			return nil, err
		}
	}
	if len(m.Segments) == 0 {
		return nil, uabi.ErrNoExec
	}
	return m, uabi.OK
}

// addHeader takes one program header in.
func (m *Image) addHeader(p []byte, phoff uint64, read ReadAt) uabi.Error {
	flags := le.Uint32(p[4:])
	off, addr, fileSize, memSize := le.Uint64(p[8:]), le.Uint64(p[16:]), le.Uint64(p[32:]), le.Uint64(p[40:])
	switch le.Uint32(p) {
	case ptLoad:
		if align := le.Uint64(p[48:]); align&(align-1) == 0 {
			m.Align = max(m.Align, align)
		}
		return m.addSegment(Segment{Addr: addr, Off: off, FileSize: fileSize, MemSize: memSize, Prot: prot(flags)}, phoff)
	case ptInterp:
		if fileSize < 2 || fileSize > maxInterp {
			return uabi.ErrNoExec
		}
		b := make([]byte, fileSize)
		if !read(off, b) || b[fileSize-1] != 0 {
			return uabi.ErrNoExec
		}
		m.Interp = cString(b)
	case ptPhdr:
		m.Phdr = addr
	case ptGNUStack:
		m.ExecStack = flags&flagExec != 0
	}
	return uabi.OK
}

func (m *Image) addSegment(s Segment, phoff uint64) uabi.Error {
	if s.MemSize == 0 {
		return uabi.OK
	}
	end := s.Addr + s.MemSize
	if s.FileSize > s.MemSize || end < s.Addr || end > maxUserAddr || s.Off+s.FileSize < s.Off ||
		(s.Addr-s.Off)%pageSize != 0 {
		return uabi.ErrArg
	}
	if k := len(m.Segments); k > 0 && s.Addr < m.Segments[k-1].Addr+m.Segments[k-1].MemSize {
		return uabi.ErrArg
	}
	if m.Phdr == 0 && phoff >= s.Off && phoff+m.PhdrCount*phdrSize <= s.Off+s.FileSize {
		m.Phdr = phoff - s.Off + s.Addr
	}
	m.Segments = append(m.Segments, s)
	return uabi.OK
}

// prot turns PF_ flags into PROT_ bits.
func prot(f uint32) (p uint32) {
	if f&flagRead != 0 {
		p |= ProtRead
	}
	if f&flagWrite != 0 {
		p |= ProtWrite
	}
	if f&flagExec != 0 {
		p |= ProtExec
	}
	return p
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
