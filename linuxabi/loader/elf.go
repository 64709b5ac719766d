package loader

import (
	"encoding/binary"
	"math"

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
	Segments  []Segment // later ones cover earlier ones; at least one unless Broken
	HasInterp bool
	Interp    string // meaningless without HasInterp; may be ""
	Align     uint64 // of the strictest segment, a power of two, at least a page
	ExecStack bool
	Broken    bool // a segment contradicts itself, or there is none: Linux notices when it has given up the old image
}

// Low is where the lowest segment's first page begins.
func (m *Image) Low() uint64 {
	low := uint64(maxUserAddr)
	for i := range m.Segments {
		low = min(low, m.Segments[i].Addr)
	}
	return low &^ (pageSize - 1)
}

// End is where the highest segment ends.
func (m *Image) End() (end uint64) {
	for i := range m.Segments {
		end = max(end, m.Segments[i].Addr+m.Segments[i].MemSize)
	}
	return end
}

// High is the end of the highest segment's last page.
func (m *Image) High() uint64 {
	return (m.End() + pageSize - 1) &^ (pageSize - 1)
}

// ReadAt fills b from offset off of the file and reports whether all of it was there.
type ReadAt func(off uint64, b []byte) bool

var le = binary.LittleEndian

// ParseELF reads the headers of a program. It answers ErrNoExec (ENOEXEC) for what is no x86-64 executable; ErrIO (EIO) and ErrRange
// (EINVAL) for an interpreter's name that lies beyond the file, or beyond what a file can have.
func ParseELF(read ReadAt) (*Image, uabi.Error) {
	m, table, err := parseHeaders(read)
	if err != uabi.OK {
		return nil, err
	}
	for p := table; len(p) > 0 && !m.HasInterp; p = p[phdrSize:] {
		if le.Uint32(p) == ptInterp {
			if err := m.setInterp(le.Uint64(p[8:]), le.Uint64(p[32:]), read); err != uabi.OK {
				return nil, err
			}
		}
	}
	return m, uabi.OK
}

// ParseInterpreter is ParseELF for a program's interpreter: whether that asks for one itself does not matter.
func ParseInterpreter(read ReadAt) (*Image, uabi.Error) {
	m, _, err := parseHeaders(read)
	return m, err
}

// parseHeaders reads all but an interpreter's name, and gives the table of program headers.
func parseHeaders(read ReadAt) (*Image, []byte, uabi.Error) {
	var h [HeaderSize]byte
	if !read(0, h[:]) || string(h[:len(magic)]) != magic {
		return nil, nil, uabi.ErrNoExec
	}
	typ, machine := le.Uint16(h[16:]), le.Uint16(h[18:])
	n, entSize := int(le.Uint16(h[56:])), le.Uint16(h[54:])
	if typ != typeExec && typ != typeDyn || machine != machineX86 || entSize != phdrSize || n == 0 || n > maxPhdrs {
		return nil, nil, uabi.ErrNoExec
	}
	m := &Image{Align: pageSize, PIE: typ == typeDyn, Entry: le.Uint64(h[24:]), PhdrCount: uint64(n)}
	phoff := le.Uint64(h[32:])
	table := make([]byte, n*phdrSize)
	if !read(phoff, table) {
		return nil, nil, uabi.ErrNoExec
	}
	for p := table; len(p) > 0; p = p[phdrSize:] {
		m.addHeader(p, phoff)
	}
	m.Broken = m.Broken || len(m.Segments) == 0
	return m, table, uabi.OK
}

// addHeader takes one program header in.
func (m *Image) addHeader(p []byte, phoff uint64) {
	flags := le.Uint32(p[4:])
	off, addr, fileSize, memSize := le.Uint64(p[8:]), le.Uint64(p[16:]), le.Uint64(p[32:]), le.Uint64(p[40:])
	switch le.Uint32(p) {
	case ptLoad:
		if align := le.Uint64(p[48:]); align&(align-1) == 0 {
			m.Align = max(m.Align, align)
		}
		if !m.addSegment(Segment{Addr: addr, Off: off, FileSize: fileSize, MemSize: memSize, Prot: prot(flags)}, phoff) {
			m.Broken = true
		}
	case ptPhdr:
		m.Phdr = addr
	case ptGNUStack:
		m.ExecStack = flags&flagExec != 0
	}
}

// setInterp reads the name of the interpreter.
func (m *Image) setInterp(off, size uint64, read ReadAt) uabi.Error {
	if size < 2 || size > maxInterp {
		return uabi.ErrNoExec
	}
	b := make([]byte, size)
	switch {
	case off > math.MaxInt64:
		return uabi.ErrRange
	case !read(off, b):
		return uabi.ErrIO
	case b[size-1] != 0:
		return uabi.ErrNoExec
	}
	m.HasInterp, m.Interp = true, cString(b)
	return uabi.OK
}

// addSegment takes a segment in unless it contradicts itself.
func (m *Image) addSegment(s Segment, phoff uint64) bool {
	if s.MemSize == 0 {
		return true
	}
	end := s.Addr + s.MemSize
	if s.FileSize > s.MemSize || end < s.Addr || end > maxUserAddr || s.Off+s.FileSize < s.Off ||
		(s.Addr-s.Off)%pageSize != 0 {
		return false
	}
	if m.Phdr == 0 && phoff >= s.Off && phoff+m.PhdrCount*phdrSize <= s.Off+s.FileSize {
		m.Phdr = phoff - s.Off + s.Addr
	}
	m.Segments = append(m.Segments, s)
	return true
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
