package kcheck

import (
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"fmt"
	"path"
	"sort"
	"strings"
)

// Func is one function of the linked kernel.
type Func struct {
	Name string // the linker's symbol, e.g. aramid/ukernel/vm.(*Space).Map
	Addr uint64 // its first byte
	Size uint64 // bytes, padding excluded
	Asm  bool   // written in assembly
	Pkg  string // import path; empty for functions that the linker or compiler made for no package
}

// contains reports whether addr lies in f.
func (f *Func) contains(addr uint64) bool { return addr >= f.Addr && addr-f.Addr < f.Size }

// symbol is a named piece of static data. Pieces between symbols get a name of their own, so that every address has one.
type symbol struct {
	name       string
	start, end uint64
}

// section is a part of the image that is loaded.
type section struct {
	name     string
	start    uint64
	end      uint64
	data     []byte // nil for zero-filled sections
	writable bool
}

// image is a linked kernel, parsed.
type image struct {
	entry    uint64
	text     section
	sections []section // data, sorted by address
	funcs    []*Func   // sorted by address
	byName   map[string]*Func
	symbols  []symbol // data, sorted by address, gapless per section
	named    map[string]symbol
	lines    *gosym.Table
}

// loadImage reads an ELF file.
func loadImage(name string) (*image, error) {
	file, err := elf.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if file.Machine != elf.EM_X86_64 {
		return nil, fmt.Errorf("%s: machine %v, not x86-64", name, file.Machine)
	}
	img := &image{entry: file.Entry, byName: map[string]*Func{}, named: map[string]symbol{}}
	for _, s := range file.Sections {
		if err := img.addSection(s); err != nil {
			return nil, fmt.Errorf("%s: section %s: %w", name, s.Name, err)
		}
	}
	if img.text.data == nil {
		return nil, fmt.Errorf("%s: no .text section", name)
	}
	sort.Slice(img.sections, func(i, j int) bool { return img.sections[i].start < img.sections[j].start })
	syms, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w (link without -s)", name, err)
	}
	img.addSymbols(syms)
	if err := img.addLines(file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return img, nil
}

func (img *image) addSection(s *elf.Section) error {
	if s.Flags&elf.SHF_ALLOC == 0 || s.Addr == 0 || s.Size == 0 {
		return nil
	}
	sec := section{name: s.Name, start: s.Addr, end: s.Addr + s.Size, writable: s.Flags&elf.SHF_WRITE != 0}
	if s.Type != elf.SHT_NOBITS {
		data, err := s.Data()
		if err != nil {
			return err
		}
		sec.data = data
	}
	switch {
	case s.Flags&elf.SHF_EXECINSTR == 0:
		img.sections = append(img.sections, sec)
	case img.text.data != nil:
		return fmt.Errorf("a second section with code")
	default:
		img.text = sec
	}
	return nil
}

// addSymbols sorts the symbols into functions and data, and names the gaps between data symbols. Symbols without a size are
// the linker's marks where a kind of data starts (go:funcdesc, type:*); they name the gap behind them.
func (img *image) addSymbols(syms []elf.Symbol) {
	var data []symbol
	for _, s := range syms {
		typ := elf.ST_TYPE(s.Info)
		if typ == elf.STT_FUNC && img.isText(s.Value) && s.Size > 0 {
			f := &Func{Name: s.Name, Addr: s.Value, Size: s.Size, Pkg: packageOf(s.Name)}
			img.funcs = append(img.funcs, f)
			img.byName[s.Name] = f
			continue
		}
		sec := img.section(s.Value)
		if typ != elf.STT_OBJECT && typ != elf.STT_NOTYPE || sec == nil || s.Size == 0 && sec.name != ".rodata" {
			continue
		}
		sym := symbol{s.Name, s.Value, s.Value + s.Size}
		img.named[s.Name] = sym
		data = append(data, sym)
	}
	sort.Slice(img.funcs, func(i, j int) bool { return img.funcs[i].Addr < img.funcs[j].Addr })
	sort.SliceStable(data, func(i, j int) bool { return data[i].start < data[j].start })
	for _, sec := range img.sections {
		for len(data) > 0 && data[0].start < sec.start {
			data = data[1:]
		}
		n := sort.Search(len(data), func(i int) bool { return data[i].start >= sec.end })
		img.fill(sec, data[:n])
		data = data[n:]
	}
}

// fill covers a section with its symbols and the gaps between them.
func (img *image) fill(sec section, data []symbol) {
	at, name := sec.start, ""
	gap := func(end uint64) {
		if end > at {
			if name == "" {
				name = fmt.Sprintf("unnamed.%x", at)
			}
			img.symbols = append(img.symbols, symbol{name, at, end})
			at = end
		}
		name = ""
	}
	for _, s := range data {
		if s.end < at || s.end == at && s.start < at { // inside one that is larger
			continue
		}
		gap(s.start)
		if s.start == s.end {
			name = s.name
			continue
		}
		s.start, s.end = max(s.start, at), min(s.end, sec.end)
		img.symbols = append(img.symbols, s)
		at = s.end
	}
	gap(sec.end)
}

// addLines opens the line table and learns from it which functions are assembly.
func (img *image) addLines(file *elf.File) error {
	s := file.Section(".gopclntab")
	if s == nil {
		return fmt.Errorf("no .gopclntab section")
	}
	data, err := s.Data()
	if err != nil {
		return err
	}
	img.lines, err = gosym.NewTable(nil, gosym.NewLineTable(data, img.text.start))
	if err != nil {
		return err
	}
	img.addSources()
	return nil
}

// addSources learns which functions are assembly, and the package of those that the assembler keeps local to a file: it
// is the package of the other functions from the same folder.
func (img *image) addSources() {
	folders := map[string]string{}
	folder := map[*Func]string{}
	for _, f := range img.funcs {
		name, _, _ := img.lines.PCToLine(f.Addr)
		f.Asm = strings.HasSuffix(name, ".s")
		dir := path.Dir(name)
		folder[f] = dir
		if f.Pkg != "" && (folders[dir] == "" || strings.HasSuffix("/"+dir, "/"+f.Pkg)) {
			folders[dir] = f.Pkg
		}
	}
	for _, f := range img.funcs {
		if f.Pkg == "" && f.Asm {
			f.Pkg = folders[folder[f]]
		}
	}
}

// line gives the source position of the instruction at addr as "dir/file.go:12".
func (img *image) line(addr uint64) string {
	file, line, _ := img.lines.PCToLine(addr)
	if file == "" {
		return "?"
	}
	parts := strings.Split(file, "/")
	return fmt.Sprintf("%s:%d", strings.Join(parts[max(0, len(parts)-2):], "/"), line)
}

// function gives the function that addr lies in, or nil.
func (img *image) function(addr uint64) *Func {
	i := sort.Search(len(img.funcs), func(i int) bool { return img.funcs[i].Addr > addr }) - 1
	if i < 0 || !img.funcs[i].contains(addr) {
		return nil
	}
	return img.funcs[i]
}

// section gives the data section that addr lies in, or nil.
func (img *image) section(addr uint64) *section {
	for i := range img.sections {
		if s := &img.sections[i]; addr >= s.start && addr < s.end {
			return s
		}
	}
	return nil
}

// symbol gives the data symbol that addr lies in.
func (img *image) symbol(addr uint64) (symbol, bool) {
	i := sort.Search(len(img.symbols), func(i int) bool { return img.symbols[i].start > addr }) - 1
	if i < 0 || addr >= img.symbols[i].end {
		return symbol{}, false
	}
	return img.symbols[i], true
}

// isText reports whether addr lies in the text section.
func (img *image) isText(addr uint64) bool { return addr >= img.text.start && addr < img.text.end }

// load reads size (1, 2, 4 or 8) bytes of static data, little-endian, as they are in the file.
func (img *image) load(addr uint64, size int) (uint64, bool) {
	s := img.section(addr)
	if s == nil || s.end-addr < uint64(size) {
		return 0, false
	}
	var word [8]byte
	if s.data != nil {
		copy(word[:size], s.data[addr-s.start:])
	}
	return binary.LittleEndian.Uint64(word[:]), true
}

// code gives the bytes of text from addr to its end.
func (img *image) code(addr uint64) []byte { return img.text.data[addr-img.text.start:] }

// packageOf extracts the import path from a linker symbol: "a/b.(*T[go.shape.int]).f" gives "a/b". Dots in the path's last
// element are written %2e by the compiler.
func packageOf(name string) string {
	if strings.HasPrefix(name, "type:") || strings.HasPrefix(name, "go:") {
		return ""
	}
	if i := strings.IndexAny(name, "[("); i >= 0 {
		name = name[:i]
	}
	slash := strings.LastIndexByte(name, '/') + 1
	dot := strings.IndexByte(name[slash:], '.')
	if dot < 0 {
		return ""
	}
	return strings.ReplaceAll(name[:slash+dot], "%2e", ".")
}
