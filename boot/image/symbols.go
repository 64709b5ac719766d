package image

import (
	"bytes"
	"debug/gosym"
	"encoding/binary"
	"math"
	"sort"
	"strings"

	"aramid/ukernel/arch/hw"
)

// linePrefix: functions of the kernel's own packages get a line for each instruction, others one for the whole function.
const linePrefix = "aramid/"

// noFile marks a line whose source is unknown.
const noFile = math.MaxUint16

// symbolTable builds the table of hw.SymHeader from pclntab. An unreadable pclntab gives a table of names only.
func (k *kernel) symbolTable() []byte {
	b := symbolBuilder{files: map[string]uint16{}}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(k.pclntab, k.textStart))
	if err != nil {
		table = &gosym.Table{}
	}
	for _, f := range k.funcs {
		b.addFunc(f, k.textStart, table)
	}
	sort.SliceStable(b.lines, func(i, j int) bool { return b.lines[i].Off < b.lines[j].Off })
	return b.bytes()
}

type symbolBuilder struct {
	funcs   []hw.SymFunc
	lines   []hw.SymLine
	files   map[string]uint16
	names   []string // of files, by number
	strings bytes.Buffer
}

func (b *symbolBuilder) addFunc(f fn, start uint64, t *gosym.Table) {
	off := uint32(f.addr - start)
	if n := len(b.funcs); n > 0 && b.funcs[n-1].Off == off {
		return
	}
	b.funcs = append(b.funcs, hw.SymFunc{Off: off, Name: b.text(strings.TrimSuffix(f.name, ".abi0"))})
	if t.Funcs == nil {
		return
	}
	end := f.addr + f.size
	if !strings.HasPrefix(f.name, linePrefix) && !strings.HasPrefix(f.name, "main.") {
		end = f.addr + 1
	}
	var last hw.SymLine
	for pc := f.addr; pc < end; pc++ {
		l := hw.SymLine{Off: uint32(pc - start), File: noFile}
		if file, line, fun := t.PCToLine(pc); fun != nil && line > 0 {
			l.File, l.Line = b.file(file), uint16(min(line, math.MaxUint16))
		}
		if pc == f.addr || l.File != last.File || l.Line != last.Line {
			b.lines = append(b.lines, l)
			last = l
		}
	}
}

func (b *symbolBuilder) file(name string) uint16 {
	n, ok := b.files[name]
	if !ok {
		n = uint16(len(b.names))
		b.files[name] = n
		b.names = append(b.names, name)
	}
	return n
}

// text adds a string and returns its offset in the string part.
func (b *symbolBuilder) text(s string) uint32 {
	off := uint32(b.strings.Len())
	b.strings.WriteString(s)
	b.strings.WriteByte(0)
	return off
}

func (b *symbolBuilder) bytes() []byte {
	files := make([]uint32, len(b.names))
	for i, n := range b.names {
		files[i] = b.text(n)
	}
	h := hw.SymHeader{Funcs: uint32(len(b.funcs)), Lines: uint32(len(b.lines)), Files: uint32(len(files)), Strings: uint32(b.strings.Len())}
	base := uint32(binary.Size(h) + binary.Size(b.funcs) + binary.Size(b.lines) + binary.Size(files))
	for i := range b.funcs {
		b.funcs[i].Name += base
	}
	for i := range files {
		files[i] += base
	}
	var out bytes.Buffer
	for _, part := range []any{h, b.funcs, b.lines, files, b.strings.Bytes()} {
		binary.Write(&out, binary.LittleEndian, part) // into a Buffer: cannot fail
	}
	return out.Bytes()
}
