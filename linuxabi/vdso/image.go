package vdso

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
)

const (
	pageSize = 4096
	// Size of the image, bytes: a page.
	Size = pageSize

	soname  = "linux-vdso.so.1"
	version = "LINUX_2.6"
)

// functions are the symbols, as vdso(7) names them.
var functions = []struct {
	name string
	put  func(*asm)
}{
	{"__vdso_clock_gettime", (*asm).clockGettime},
	{"__vdso_gettimeofday", (*asm).gettimeofday},
	{"__vdso_time", (*asm).time},
	{"__vdso_getcpu", (*asm).getcpu},
	{"__vdso_clock_getres", (*asm).clockGetres},
}

// Sizes of what the image consists of (System V gABI, and the GNU symbol versions of the LSB).
const (
	headerSize = 64
	phdrSize   = 56
	phdrs      = 2
	symSize    = 24
	dynSize    = 16
	codeAlign  = 16
)

// image is the shared object while it is put together.
type image struct {
	b    []byte
	strs []byte
	le   binary.ByteOrder
}

// Build makes the image. Addresses in it begin at 0.
func Build() []byte {
	m := &image{le: binary.LittleEndian, strs: []byte{0}, b: make([]byte, headerSize+phdrs*phdrSize)}
	nameAt := make([]uint32, len(functions))
	for i, f := range functions {
		nameAt[i] = m.text(f.name)
	}
	so, ver := m.text(soname), m.text(version)

	code := &asm{}
	const codeAt = pageSize / 2 // what stands before has room
	code.at = codeAt
	symbols := make([]elf.Sym64, 1, len(functions)+1)
	for i, f := range functions {
		for len(code.b)%codeAlign != 0 {
			code.put(0xcc)
		}
		start := len(code.b)
		f.put(code)
		symbols = append(symbols, elf.Sym64{Name: nameAt[i], Info: byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC), Shndx: 1,
			Value: uint64(codeAt + start), Size: uint64(len(code.b) - start)})
	}
	dyn := []elf.Dyn64{
		{Tag: int64(elf.DT_SONAME), Val: uint64(so)},
		{Tag: int64(elf.DT_HASH), Val: m.add(hash(len(symbols)))},
		{Tag: int64(elf.DT_SYMTAB), Val: m.add(symbols)},
		{Tag: int64(elf.DT_STRTAB), Val: m.add(m.strs)},
		{Tag: int64(elf.DT_STRSZ), Val: uint64(len(m.strs))},
		{Tag: int64(elf.DT_SYMENT), Val: symSize},
		{Tag: int64(elf.DT_VERSYM), Val: m.add(versyms(len(symbols)))},
		{Tag: int64(elf.DT_VERDEF), Val: m.add(verdefs(so, ver))},
		{Tag: int64(elf.DT_VERDEFNUM), Val: 2},
		{},
	}
	dynAt := m.add(dyn)
	if len(m.b) > codeAt || codeAt+len(code.b) > pageSize {
		panic("vdso: the image is larger than a page")
	}
	out := append(append(m.b, make([]byte, codeAt-len(m.b))...), code.b...)
	out = append(out, make([]byte, pageSize-len(out))...)
	m.headers(out, dynAt, uint64(len(dyn)*dynSize))
	return out
}

// text adds a string to the string table and returns its place there.
func (m *image) text(s string) uint32 {
	at := len(m.strs)
	m.strs = append(append(m.strs, s...), 0)
	return uint32(at)
}

// add appends a table, aligned to 8, and returns its address.
func (m *image) add(table any) uint64 {
	m.b = append(m.b, make([]byte, -len(m.b)&7)...)
	at := len(m.b)
	var w bytes.Buffer
	if err := binary.Write(&w, m.le, table); err != nil {
		panic(err)
	}
	m.b = append(m.b, w.Bytes()...)
	return uint64(at)
}

// headers writes the ELF header and the program headers over the first bytes of out.
func (m *image) headers(out []byte, dynAt, dynLen uint64) {
	h := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Phoff: headerSize,
		Ehsize: headerSize, Phentsize: phdrSize, Phnum: phdrs}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	p := [phdrs]elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Filesz: pageSize, Memsz: pageSize, Align: pageSize},
		{Type: uint32(elf.PT_DYNAMIC), Flags: uint32(elf.PF_R), Off: dynAt, Vaddr: dynAt, Paddr: dynAt, Filesz: dynLen, Memsz: dynLen, Align: 8},
	}
	w := bytes.NewBuffer(out[:0])
	binary.Write(w, m.le, h)
	binary.Write(w, m.le, p)
}

// hash is a System V hash table of n symbols with one bucket: a list.
func hash(n int) []uint32 {
	h := []uint32{1, uint32(n), 1, 0}
	for i := 1; i < n; i++ {
		h = append(h, uint32((i+1)%n))
	}
	return h
}

// versyms gives each symbol but the first the version 2.
func versyms(n int) []uint16 {
	v := make([]uint16, n)
	for i := 1; i < n; i++ {
		v[i] = 2
	}
	return v
}

// verdef is Elf64_Verdef with its one Elf64_Verdaux.
type verdef struct {
	Version, Flags, Ndx, Cnt uint16
	Hash, Aux, Next          uint32
	Name, AuxNext            uint32
}

// verdefs defines the version 1, which is the object's name, and 2.
func verdefs(so, ver uint32) []verdef {
	const (
		size, aux = 28, 20
		base      = 1
	)
	return []verdef{
		{Version: 1, Flags: base, Ndx: 1, Cnt: 1, Hash: nameHash(soname), Aux: aux, Next: size, Name: so},
		{Version: 1, Ndx: 2, Cnt: 1, Hash: nameHash(version), Aux: aux, Name: ver},
	}
}

// nameHash is the System V hash of a name.
func nameHash(s string) uint32 {
	var h uint32
	for _, c := range []byte(s) {
		h = h<<4 + uint32(c)
		g := h & 0xf0000000
		h = (h ^ g>>24) &^ g
	}
	return h
}
