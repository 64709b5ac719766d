package amd64

import (
	"unsafe"

	"aramid/ukernel/arch/hw"
)

// The symbol table that boot/image put behind the kernel; see hw.SymHeader. It is read only by panic reports.

func symHeader() *hw.SymHeader { return (*hw.SymHeader)(Ptr(header().SymBase)) }

func symFuncs() []hw.SymFunc {
	h := symHeader()
	return unsafe.Slice((*hw.SymFunc)(unsafe.Add(unsafe.Pointer(h), unsafe.Sizeof(*h))), h.Funcs)
}

func symLines() []hw.SymLine {
	h := symHeader()
	off := unsafe.Sizeof(*h) + uintptr(h.Funcs)*unsafe.Sizeof(hw.SymFunc{})
	return unsafe.Slice((*hw.SymLine)(unsafe.Add(unsafe.Pointer(h), off)), h.Lines)
}

func symFiles() []uint32 {
	h := symHeader()
	off := unsafe.Sizeof(*h) + uintptr(h.Funcs)*unsafe.Sizeof(hw.SymFunc{}) + uintptr(h.Lines)*unsafe.Sizeof(hw.SymLine{})
	return unsafe.Slice((*uint32)(unsafe.Add(unsafe.Pointer(h), off)), h.Files)
}

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
	f := symFuncs()
	if !ok || len(f) == 0 {
		return nil
	}
	lo, hi := 0, len(f)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; f[mid].Off <= off {
			lo = mid
		} else {
			hi = mid
		}
	}
	return symString(f[lo].Name)
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
	l := symLines()
	lo, hi := 0, len(l)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; l[mid].Off <= off {
			lo = mid
		} else {
			hi = mid
		}
	}
	if files := symFiles(); len(l) != 0 && int(l[lo].File) < len(files) {
		LogByte(' ')
		bytes(symString(files[l[lo].File]))
		LogByte(':')
		dec(uint64(l[lo].Line))
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
