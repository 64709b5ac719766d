package image

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"aramid/ukernel/arch/hw"
	"aramid/ukernel/kcheck"
)

// segment is what a PT_LOAD holds: size bytes at physical address base, of which data are in the file.
type segment struct {
	base  uint64
	data  []byte
	size  uint64
	flags elf.ProgFlag // of kernel segments
}

// kernel is the linked kernel, its segments copied for patching.
type kernel struct {
	entry              uint64
	segments           []segment
	textStart, textEnd uint64 // virtual
	end                uint64 // physical end of the last segment
	pclntab            []byte
	funcs              []fn // sorted by address
}

// fn is a function of the ELF symbol table.
type fn struct {
	name       string
	addr, size uint64
}

// trapSymbol is the assembly that reports the call of a function that must not run.
const trapSymbol = "aramid/ukernel/arch/amd64.banned"

func readKernel(path string) (*kernel, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	k := &kernel{entry: f.Entry}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		base := p.Vaddr - hw.KernelVirtual
		if base < hw.KernelBase || base%hw.PageSize != 0 || base >= 1<<30 {
			return nil, fmt.Errorf("segment at %#x is not where a kernel is linked to", p.Vaddr)
		}
		data := make([]byte, p.Filesz)
		if _, err := io.ReadFull(p.Open(), data); err != nil {
			return nil, err
		}
		k.segments = append(k.segments, segment{base: base, data: data, size: p.Memsz, flags: p.Flags})
		k.end = max(k.end, base+p.Memsz)
	}
	text, tab := f.Section(".text"), f.Section(".gopclntab")
	if text == nil || tab == nil {
		return nil, errors.New("no .text or .gopclntab")
	}
	k.textStart, k.textEnd = text.Addr, text.Addr+text.Size
	if k.pclntab, err = tab.Data(); err != nil {
		return nil, err
	}
	return k, k.readFuncs(f)
}

func (k *kernel) readFuncs(f *elf.File) error {
	syms, err := f.Symbols()
	if err != nil {
		return err
	}
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value >= k.textStart && s.Value < k.textEnd && s.Size > 0 {
			k.funcs = append(k.funcs, fn{s.Name, s.Value, s.Size})
		}
	}
	sort.Slice(k.funcs, func(i, j int) bool {
		a, b := k.funcs[i], k.funcs[j]
		return a.addr < b.addr || a.addr == b.addr && a.name < b.name
	})
	return nil
}

// text returns n bytes of the kernel at a virtual address.
func (k *kernel) text(va, n uint64) ([]byte, error) {
	pa := va - hw.KernelVirtual
	for _, s := range k.segments {
		if pa >= s.base && pa+n <= s.base+uint64(len(s.data)) {
			return s.data[pa-s.base:][:n], nil
		}
	}
	return nil, fmt.Errorf("address %#x is not in the kernel's file", va)
}

// patchTLS turns each "MOVQ FS:-8, reg" (64 REX 8B modrm 25 F8FFFFFF) into GS:-8, so that SWAPGS alone switches Go's g and the user's FS
// base is never touched. It returns how many there were.
func (k *kernel) patchTLS() (n int) {
	const fs, gs, length = 0x64, 0x65, 9
	text, err := k.text(k.textStart, k.textEnd-k.textStart)
	if err != nil {
		return 0
	}
	for i := 0; i+length <= len(text); i++ {
		b := text[i : i+length]
		if b[0] == fs && b[1]&0xf8 == 0x48 && b[2] == 0x8b && b[3]&0xc7 == 0x04 && string(b[4:]) == "\x25\xf8\xff\xff\xff" {
			b[0] = gs
			n++
		}
	}
	return n
}

// callLen is the length of CALL rel32.
const callLen = 5

// patch is a piece of text to overwrite with INT3s, behind a CALL of the trap function if call is set.
type patch struct {
	addr, size uint64
	call       bool
}

// patchTraps overwrites the pieces.
func (k *kernel) patchTraps(patches []patch) error {
	const call, int3 = 0xe8, 0xcc
	var banned uint64
	for _, f := range k.funcs {
		if f.name == trapSymbol || f.name == trapSymbol+".abi0" {
			banned = f.addr
		}
	}
	if banned == 0 {
		return errors.New("no " + trapSymbol)
	}
	for _, p := range patches {
		b, err := k.text(p.addr, p.size)
		if err != nil {
			return err
		}
		for i := range b {
			b[i] = int3
		}
		if p.call && len(b) >= callLen {
			b[0] = call
			binary.LittleEndian.PutUint32(b[1:], uint32(banned-p.addr-callLen))
		}
	}
	return nil
}

// verified runs kcheck and turns its report into patches.
func verified(path string) ([]patch, error) {
	r, err := kcheck.Check(path, kcheck.Aramid())
	if err != nil {
		return nil, err
	}
	var patches []patch
	for _, p := range kcheck.Patches(r) { // trap leaves are among them
		patches = append(patches, patch{p.Addr, uint64(p.Len), true})
	}
	return patches, nil
}

// What of the runtime may run in ring 0, when no list from kcheck is given: leaf functions without state.
var (
	allowedPrefixes = []string{"aramid/", "main.", "math/bits.", "internal/bytealg.", "sync/atomic.", "internal/runtime/atomic.", "type:.eq.",
		"internal/runtime/sys.", "go:"}
	allowedNames = map[string]bool{"memeqbody": true, "cmpbody": true, "runtime.memmove": true, "runtime.memclrNoHeapPointers": true,
		"runtime.memequal": true, "runtime.memequal_varlen": true, "runtime.duffzero": true, "runtime.duffcopy": true, "runtime.cmpstring": true,
		"runtime.memequal8": true, "runtime.memequal16": true, "runtime.memequal32": true, "runtime.memequal64": true, "runtime.memequal128": true,
		"runtime.strequal": true, "runtime.f64equal": true}
)

// defaultTraps is every function but those.
func (k *kernel) defaultTraps() (traps []patch) {
next:
	for i, f := range k.funcs {
		if i > 0 && f.addr < k.funcs[i-1].addr+k.funcs[i-1].size {
			continue // an alias
		}
		for _, p := range allowedPrefixes {
			if strings.HasPrefix(f.name, p) {
				continue next
			}
		}
		if !allowedNames[strings.TrimSuffix(f.name, ".abi0")] {
			traps = append(traps, patch{f.addr, f.size, true})
		}
	}
	return traps
}
