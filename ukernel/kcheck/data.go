package kcheck

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// funcDescs is the linker's container of func values: each is one word, the address of the code.
const funcDescs = "go:funcdesc"

// static implements statics: read-only data, and variables that are assumed not to change.
func (a *analysis) static(addr uint64, size int) (v uint64, soft, ok bool) {
	sec := a.img.section(addr)
	if sec == nil {
		return 0, false, false
	}
	v, ok = a.img.load(addr, size)
	if !ok || !sec.writable {
		return v, false, ok
	}
	sym, ok := a.img.symbol(addr)
	if !ok || addr+uint64(size) > sym.end || a.changes[sym.start] != "" {
		return 0, false, false
	}
	a.assumed[sym.start] = true
	return v, !isRuntime(packageOf(sym.name)), true
}

// Instructions that only read their first operand, so that a memory operand there is no store.
var readsFirst = map[x86asm.Op]bool{
	x86asm.CMP: true, x86asm.TEST: true, x86asm.PUSH: true, x86asm.CALL: true, x86asm.JMP: true, x86asm.BT: true, x86asm.NOP: true,
	x86asm.MUL: true, x86asm.DIV: true, x86asm.IDIV: true, x86asm.LGDT: true, x86asm.LIDT: true, x86asm.LLDT: true, x86asm.LTR: true,
	x86asm.LMSW: true, x86asm.INVLPG: true, x86asm.LDMXCSR: true, x86asm.FXRSTOR: true, x86asm.FXRSTOR64: true, x86asm.PREFETCHT0: true,
	x86asm.PREFETCHT1: true, x86asm.PREFETCHT2: true, x86asm.PREFETCHNTA: true, x86asm.PREFETCHW: true,
}

// saveArea is the size in bytes of the largest store of one instruction, XSAVE's, rounded up.
const saveArea = 4096

// references notes what an instruction's operands name: data, code addresses, variables that it stores to.
func (a *analysis) references(f *Func, s *state, in *inst) {
	if in.Shim {
		return
	}
	if _, ok := in.Args[0].(x86asm.Rel); ok {
		return
	}
	for i, arg := range in.Args {
		switch arg := arg.(type) {
		case x86asm.Imm:
			a.mention(f, in, uint64(arg))
		case x86asm.Mem:
			a.mentionMem(f, s, in, arg, i == 0 && !readsFirst[in.Op] || in.Op == x86asm.XCHG)
		}
	}
	a.loadedCode(f, s, in)
}

// mention notes that reachable code holds the number v, which may be an address.
func (a *analysis) mention(f *Func, in *inst, v uint64) {
	switch {
	case a.img.isText(v):
		if to := a.img.function(v); to != nil && to.Addr == v {
			a.addRoot(v, "address taken at "+a.img.line(in.Addr))
		}
	case a.img.section(v) != nil:
		a.takeAddress(v, fmt.Sprintf("its address is taken by %s at %s", f.Name, a.img.line(in.Addr)))
		a.reachData(v)
	}
}

// mentionMem notes a memory operand. stores says that it may be written.
func (a *analysis) mentionMem(f *Func, s *state, in *inst, m x86asm.Mem, stores bool) {
	if m.Segment == x86asm.FS || m.Segment == x86asm.GS {
		return
	}
	if in.Op == x86asm.LEA {
		a.mentionLEA(f, s, in, m)
		return
	}
	at := s.address(in, m)
	if at.kind != known {
		// table(index*8) with an absolute table, as the assembler writes it
		if m.Base != x86asm.RIP && a.img.section(uint64(m.Disp)) != nil {
			a.mention(f, in, uint64(m.Disp))
		}
		return
	}
	for _, addr := range at.list() {
		if a.img.isText(addr) {
			if stores {
				a.violate(RuleIndirect, in.Addr, f, "%s writes to the text section", in.Name)
			}
			continue
		}
		if a.img.section(addr) == nil {
			continue
		}
		a.reachData(addr)
		if !stores {
			continue
		}
		size := uint64(max(in.MemBytes, 1))
		if strings.Contains(in.Name, "SAVE") {
			size = saveArea
		}
		a.store(addr, size, fmt.Sprintf("it is written by %s at %s", f.Name, a.img.line(in.Addr)))
	}
}

// mentionLEA notes an address that is computed. LEA of a code address makes that code an entry: this is how handlers
// get into the IDT and LSTAR.
func (a *analysis) mentionLEA(f *Func, s *state, in *inst, m x86asm.Mem) {
	at := s.address(in, m)
	if at.kind != known {
		if m.Base != x86asm.RIP {
			a.mention(f, in, uint64(m.Disp))
		}
		return
	}
	for _, v := range at.list() {
		to := a.img.function(v)
		switch {
		case to != nil && (to != f || v == f.Addr):
			a.addRoot(v, "address taken at "+a.img.line(in.Addr))
		case to == nil:
			a.mention(f, in, v)
		}
	}
}

// loadedCode notes a code address that is loaded from data into a register, unless the register is only called.
func (a *analysis) loadedCode(f *Func, s *state, in *inst) {
	if in.Op != x86asm.MOV {
		return
	}
	m, ok := in.Args[1].(x86asm.Mem)
	if !ok {
		return
	}
	v := s.load(a, in, m, width(in))
	if v.kind != known {
		return
	}
	for _, x := range v.list() {
		if to := a.img.function(x); to != nil && to.Addr == x && width(in) == word {
			a.addRoot(x, "address loaded at "+a.img.line(in.Addr))
		}
	}
}

// store notes that a variable is written.
func (a *analysis) store(addr, size uint64, why string) {
	for at := addr; at < addr+size; {
		sym, ok := a.img.symbol(at)
		if !ok {
			return
		}
		if a.broken[sym.start] == "" {
			a.broken[sym.start] = why
		}
		at = sym.end
	}
}

// takeAddress notes that something may hold a variable's address.
func (a *analysis) takeAddress(addr uint64, why string) {
	if sec := a.img.section(addr); sec == nil || !sec.writable {
		return
	}
	a.store(addr, 1, why)
}

// reachData makes the piece of data around addr reachable, with everything that it points to: code that data names
// becomes an entry, variables that data points to may be written through that pointer.
func (a *analysis) reachData(addr uint64) {
	sym, ok := a.img.symbol(addr)
	if !ok {
		return
	}
	start, end := sym.start, sym.end
	if sym.name == funcDescs {
		start, end = addr&^(word-1), addr&^(word-1)+word
	}
	if a.data[start] {
		return
	}
	a.data[start] = true
	if strings.HasPrefix(sym.name, "go:itab.") {
		a.itabs = append(a.itabs, sym)
	}
	if opaque(sym.name) {
		return
	}
	if sec := a.img.section(addr); sec.data == nil {
		return
	}
	for at := (start + word - 1) &^ (word - 1); at+word <= end; at += word {
		v, _ := a.img.load(at, word)
		switch {
		case a.img.isText(v):
			if f := a.img.function(v); f != nil && f.Addr == v {
				a.addRoot(v, "named by data "+sym.name)
			}
		case a.img.section(v) != nil:
			a.takeAddress(v, "its address is in data "+sym.name)
			a.reachData(v)
		}
	}
}
