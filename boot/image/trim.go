package image

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/arch/x86/x86asm"
)

// TrimStackChecks removes the stack checks that the compiler puts at the start of functions from the linked kernel at path: the functions
// start behind them. kcheck proves that the kernel stack suffices, guard pages stand behind that, and growing a stack is not possible in
// ring 0. That is 2 instructions less in each call and a tenth less code. It must run before kcheck, which then proves what really runs.
//
// A function's symbol, the direct calls to it and the pointers to it in data move; what the check had occupied belongs to no function any more.
func TrimStackChecks(path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	t := trimmer{file: file, elf: f, moved: map[uint64]uint64{}}
	if t.text = f.Section(".text"); t.text == nil {
		return fmt.Errorf("%s has no .text", path)
	}
	if err := t.moveSymbols(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, s := range t.funcs {
		t.moveCalls(s)
	}
	t.movePointers()
	return os.WriteFile(path, file, 0o755)
}

// trimmer holds the file being changed.
type trimmer struct {
	file  []byte
	elf   *elf.File
	text  *elf.Section
	moved map[uint64]uint64 // old start → new start
	funcs []fn              // all functions, where they were
}

// code returns the file's bytes of text from va to the end of text.
func (t *trimmer) code(va uint64) []byte {
	return t.file[t.text.Offset+va-t.text.Addr : t.text.Offset+t.text.Size]
}

// checkLen returns the length of the stack check at the start of b, or 0: an optional LEAQ -n(SP), R12 for larger frames, CMPQ with
// 16(R14) (runtime.g.stackguard0), JBE.
func checkLen(b []byte) int {
	n := 0
	has := func(code string) bool {
		if len(b) < n+len(code) || string(b[n:n+len(code)]) != code {
			return false
		}
		n += len(code)
		return true
	}
	switch {
	case has("\x49\x3b\x66\x10"): // CMPQ SP, 16(R14)
	case has("\x4c\x8d\x64\x24"): // LEAQ disp8(SP), R12
		n++
		if !has("\x4d\x3b\x66\x10") { // CMPQ R12, 16(R14)
			return 0
		}
	case has("\x4c\x8d\xa4\x24"): // LEAQ disp32(SP), R12
		n += 4
		if !has("\x4d\x3b\x66\x10") {
			return 0
		}
	default:
		return 0
	}
	switch {
	case has("\x76"): // JBE rel8
		return n + 1
	case has("\x0f\x86"): // JBE rel32
		return n + 4
	}
	return 0
}

// Offsets in elf.Sym64, bytes.
const (
	symInfo  = 4
	symValue = 8
	symSize  = 16
	symLen   = elf.Sym64Size
)

// moveSymbols finds the functions with a check and moves their symbols.
func (t *trimmer) moveSymbols() error {
	table := t.elf.SectionByType(elf.SHT_SYMTAB)
	if table == nil {
		return elf.ErrNoSymbols
	}
	for at := table.Offset; at+symLen <= table.Offset+table.Size; at += symLen {
		s := t.file[at : at+symLen]
		va, size := binary.LittleEndian.Uint64(s[symValue:]), binary.LittleEndian.Uint64(s[symSize:])
		if elf.ST_TYPE(s[symInfo]) != elf.STT_FUNC || va < t.text.Addr || va+size > t.text.Addr+t.text.Size {
			continue
		}
		t.funcs = append(t.funcs, fn{addr: va, size: size})
		n := uint64(checkLen(t.code(va)))
		if n == 0 || n >= size {
			continue
		}
		t.moved[va] = va + n
		binary.LittleEndian.PutUint64(s[symValue:], va+n)
		binary.LittleEndian.PutUint64(s[symSize:], size-n)
	}
	return nil
}

// moveCalls changes the targets of the direct calls and jumps in one function. It stops at what it cannot decode; kcheck refuses a kernel
// that can come to a call left behind.
func (t *trimmer) moveCalls(f fn) {
	const call, jump, length, mode = 0xe8, 0xe9, 5, 64
	for va := f.addr; va < f.addr+f.size; {
		b := t.code(va)
		in, err := x86asm.Decode(b[:min(uint64(len(b)), f.addr+f.size-va)], mode)
		if err != nil {
			return
		}
		if in.Len == length && (b[0] == call || b[0] == jump) {
			rel := int32(binary.LittleEndian.Uint32(b[1:]))
			if to, ok := t.moved[va+length+uint64(int64(rel))]; ok {
				binary.LittleEndian.PutUint32(b[1:], uint32(to-va-length))
			}
		}
		va += uint64(in.Len)
	}
}

// movePointers changes the words of data that are addresses of functions: function values and method tables. (A constant that happens to be the
// address of a function moves with it; no such constant has a meaning in the kernel.)
func (t *trimmer) movePointers() {
	const word = 8
	for _, s := range t.elf.Sections {
		if s.Type != elf.SHT_PROGBITS || s.Flags&elf.SHF_ALLOC == 0 || s.Flags&elf.SHF_EXECINSTR != 0 || s.Name == ".gopclntab" {
			continue
		}
		data := t.file[s.Offset : s.Offset+s.Size]
		for i := int(-s.Addr % word); i+word <= len(data); i += word {
			if to, ok := t.moved[binary.LittleEndian.Uint64(data[i:])]; ok {
				binary.LittleEndian.PutUint64(data[i:], to)
			}
		}
	}
}
