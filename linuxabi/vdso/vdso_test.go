package vdso

import (
	"bytes"
	"debug/elf"
	"testing"

	"golang.org/x/arch/x86/x86asm"
)

func TestTheImageIsASharedObjectWithVersionedFunctions(t *testing.T) {
	b := Build()
	if len(b) != Size {
		t.Fatalf("%d bytes", len(b))
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if f.Type != elf.ET_DYN || f.Machine != elf.EM_X86_64 || len(f.Progs) != phdrs {
		t.Errorf("%v", f.FileHeader)
	}
	dyn := map[elf.DynTag]uint64{}
	data := f.Progs[1].Open()
	for {
		var d [dynSize]byte
		if _, err := data.Read(d[:]); err != nil {
			break
		}
		dyn[elf.DynTag(f.ByteOrder.Uint64(d[:]))] = f.ByteOrder.Uint64(d[8:])
	}
	name := func(off uint32) string {
		s := b[dyn[elf.DT_STRTAB]+uint64(off):]
		return string(s[:bytes.IndexByte(s, 0)])
	}
	if got := name(uint32(dyn[elf.DT_SONAME])); got != soname {
		t.Errorf("its name is %q", got)
	}
	// As a loader does: along the hash chain.
	h := func(i int) int { return int(f.ByteOrder.Uint32(b[int(dyn[elf.DT_HASH])+4*i:])) }
	found := 0
	for i := h(2); i != 0; i = h(3 + i) {
		s := b[int(dyn[elf.DT_SYMTAB])+i*symSize:]
		start, size := f.ByteOrder.Uint64(s[8:]), f.ByteOrder.Uint64(s[16:])
		if got := name(f.ByteOrder.Uint32(s)); got != functions[i-1].name {
			t.Errorf("symbol %d is %q", i, got)
		}
		if v := f.ByteOrder.Uint16(b[int(dyn[elf.DT_VERSYM])+2*i:]); v != 2 {
			t.Errorf("symbol %d has version %d", i, v)
		}
		decodes(t, functions[i-1].name, b[start:start+size])
		found++
	}
	if found != len(functions) {
		t.Errorf("%d symbols", found)
	}
	if nameHash(version) != 61765110 {
		t.Errorf("the version's hash is %d", nameHash(version))
	}
}

// decodes wants whole instructions, jumps that stay inside, and a RET at the end.
func decodes(t *testing.T, name string, code []byte) {
	starts := map[int]bool{}
	var jumps []int
	last := x86asm.Op(0)
	for at := 0; at < len(code); {
		in, err := x86asm.Decode(code[at:], 64)
		if err != nil && !bytes.HasPrefix(code[at:], []byte{0x0f, 0x01, 0xf9}) {
			t.Fatalf("%s+%#x: %v (% x)", name, at, err, code[at:])
		}
		starts[at] = true
		n := max(in.Len, 3*map[bool]int{true: 1}[err != nil])
		if rel, ok := in.Args[0].(x86asm.Rel); ok {
			jumps = append(jumps, at+n+int(rel))
		}
		at, last = at+n, in.Op
	}
	if last != x86asm.RET {
		t.Errorf("%s ends with %v", name, last)
	}
	for _, j := range jumps {
		if !starts[j] {
			t.Errorf("%s: a jump to %#x", name, j)
		}
	}
}
