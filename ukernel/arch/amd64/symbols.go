package amd64

import (
	"unsafe"

	"aramid/ukernel/arch/hw"
)

// The symbol table that boot/image put behind the kernel; see hw.SymHeader. It is read only by panic reports.

func symHeader() *hw.SymHeader { return (*hw.SymHeader)(Ptr(header().SymBase)) }

// find returns the last of n entries of 8 bytes from p whose first word, an offset in text, is not above off. The first is if all are.
//
//go:noinline
func find(p unsafe.Pointer, n, off uint32) unsafe.Pointer {
	const size = uint32(unsafe.Sizeof(hw.SymLine{}))
	lo, hi := uint32(0), n
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; *(*uint32)(unsafe.Add(p, mid*size)) <= off {
			lo = mid
		} else {
			hi = mid
		}
	}
	return unsafe.Add(p, lo*size)
}

// The build fails if SymFunc and SymLine are not alike.
var _ [unsafe.Sizeof(hw.SymFunc{}) - unsafe.Sizeof(hw.SymLine{})]struct{}

// symString returns the string at a byte offset of the table.
func symString(off uint32) []byte {
	p := Ptr(header().SymBase + uint64(off))
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return unsafe.Slice((*byte)(p), n)
}

// textOffset returns pc relative to the kernel's text.
func textOffset(pc uint64) (uint32, bool) {
	h := header()
	return uint32(pc - h.TextStart), pc >= h.TextStart && pc < h.TextEnd && h.SymLen != 0
}

// symbol returns the name of the function at pc, or nothing.
func symbol(pc uint64) []byte {
	off, ok := textOffset(pc)
	h := symHeader()
	if !ok || h.Funcs == 0 {
		return nil
	}
	f := (*hw.SymFunc)(find(unsafe.Add(unsafe.Pointer(h), unsafe.Sizeof(*h)), h.Funcs, off))
	return symString(f.Name)
}

// where prints one line of a backtrace: the address pc, and function, file and line of the instruction at look.
func where(pc, look uint64) {
	text("  0x")
	hex(pc)
	off, ok := textOffset(look)
	if !ok {
		text(" not in the kernel\n")
		return
	}
	LogByte(' ')
	bytes(symbol(look))
	h := symHeader()
	lines := unsafe.Add(unsafe.Pointer(h), unsafe.Sizeof(*h)+uintptr(h.Funcs)*unsafe.Sizeof(hw.SymFunc{}))
	files := unsafe.Add(lines, uintptr(h.Lines)*unsafe.Sizeof(hw.SymLine{}))
	if l := (*hw.SymLine)(find(lines, h.Lines, off)); h.Lines != 0 && uint32(l.File) < h.Files {
		LogByte(' ')
		bytes(symString(*(*uint32)(unsafe.Add(files, uintptr(l.File)*unsafe.Sizeof(uint32(0))))))
		LogByte(':')
		dec(uint64(l.Line))
	}
	LogByte('\n')
}

//go:noinline
func bytes(b []byte) {
	for _, c := range b {
		LogByte(c)
	}
}

func equal(b []byte, s string) bool { return string(b) == s }
