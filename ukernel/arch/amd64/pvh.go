package amd64

import (
	"unsafe"

	"aramid/ukernel/arch/hw"
)

// The PVH start information (Xen public/arch-x86/hvm/start_info.h), version 1.
type startInfo struct {
	magic, version, flags, modules uint32
	modlist, cmdline, rsdp, memmap uint64
	memmapEntries, reserved        uint32
}

type startModule struct{ paddr, size, cmdline, reserved uint64 }

type mapEntry struct {
	addr, size     uint64
	kind, reserved uint32
}

const (
	startMagic  = 0x336ec578
	mapRAM      = 1
	lowMemory   = 1 << 20 // never given out: firmware, real-mode code
	maxCmdLine  = 4096
	minFree     = 16 << 20 // bytes of RAM that must be free for the kernel to start
	bootMapped  = gib      // what the boot page tables map
	maxRAMPiece = 64
)

var (
	ram  [maxRAMPiece]hw.Range // RAM as the loader says, whole
	nRAM int
	info hw.BootInfo
	rsdp uint64
)

// Info is what the loader handed over.
func Info() *hw.BootInfo { return &info }

// readStart copies what is needed from the loader's structures, which lie below 1 GiB. It reports false if they are unusable.
func readStart(pa uint64) bool {
	if pa == 0 || pa+uint64(unsafe.Sizeof(startInfo{})) > bootMapped {
		return false
	}
	s := (*startInfo)(Ptr(pa))
	if s.magic != startMagic || s.version == 0 || s.memmap == 0 || s.memmap > bootMapped {
		return false
	}
	rsdp = s.rsdp
	for i := range min(uint64(s.memmapEntries), 4*maxRAMPiece) {
		e := (*mapEntry)(Ptr(s.memmap + i*uint64(unsafe.Sizeof(mapEntry{}))))
		if e.kind == mapRAM && e.size != 0 && nRAM < maxRAMPiece && e.addr+e.size <= entries*gib {
			ram[nRAM] = hw.Range{Base: e.addr, Len: e.size}
			nRAM++
			info.Top = max(info.Top, e.addr+e.size)
		}
	}
	if s.cmdline != 0 && s.cmdline < bootMapped-maxCmdLine {
		info.CmdLine.Base = s.cmdline
		for info.CmdLine.Len < maxCmdLine && *(*byte)(Ptr(s.cmdline + info.CmdLine.Len)) != 0 {
			info.CmdLine.Len++
		}
	}
	if s.modules > 0 && s.modlist != 0 && s.modlist < bootMapped {
		m := (*startModule)(Ptr(s.modlist))
		info.Initrd = hw.Range{Base: m.paddr, Len: m.size}
	}
	return nRAM > 0
}

// inRAM reports whether [base, end) is inside one piece of RAM.
func inRAM(base, end uint64) bool {
	for i := range nRAM {
		if base >= ram[i].Base && end <= ram[i].Base+ram[i].Len {
			return true
		}
	}
	return false
}

// freeRAM fills info.Free: RAM without low memory, the image and what lies behind it up to bump, the initrd and the command line. It
// returns the number of free bytes.
func freeRAM() (total uint64) {
	taken := [3]hw.Range{
		{Base: 0, Len: bump},
		{Base: info.Initrd.Base, Len: info.Initrd.Len},
		{Base: info.CmdLine.Base, Len: info.CmdLine.Len},
	}
	info.NFree = 0
	for i := range nRAM {
		info.Free[info.NFree] = ram[i]
		last := info.NFree + 1
		for j := info.NFree; j < last; j++ {
			for k := range taken {
				if rest, ok := cut(&info.Free[j], &taken[k]); ok && last < len(info.Free) {
					info.Free[last] = rest
					last++
				}
			}
		}
		for j := info.NFree; j < last; j++ {
			r := info.Free[j]
			lo := (r.Base + hw.PageSize - 1) &^ (hw.PageSize - 1)
			hi := (r.Base + r.Len) &^ (hw.PageSize - 1)
			if hi > lo {
				info.Free[info.NFree] = hw.Range{Base: lo, Len: hi - lo}
				info.NFree++
				total += hi - lo
			}
		}
		if info.NFree == len(info.Free) {
			break
		}
	}
	return total
}

// cut removes t, rounded outward to pages, from r; what is left behind t is returned as a second range.
func cut(r, t *hw.Range) (rest hw.Range, ok bool) {
	if t.Len == 0 || r.Len == 0 {
		return rest, false
	}
	lo := t.Base &^ (hw.PageSize - 1)
	hi := (t.Base + t.Len + hw.PageSize - 1) &^ (hw.PageSize - 1)
	end := r.Base + r.Len
	if hi <= r.Base || lo >= end {
		return rest, false
	}
	if hi < end {
		rest, ok = hw.Range{Base: hi, Len: end - hi}, true
	}
	if lo > r.Base {
		r.Len = lo - r.Base
		return rest, ok
	}
	if ok {
		*r = rest
	} else {
		r.Len = 0
	}
	return rest, false
}

// ringThree begins the words of ring 3: from the first of them on, the line is none of the kernel's business (package syscall).
const ringThree = " aramid."

// kernelWords is the kernel's part of the command line.
//
//go:noinline
func kernelWords() []byte {
	line := unsafe.Slice((*byte)(Ptr(info.CmdLine.Base)), info.CmdLine.Len)
	for i := range line {
		if startsAt(line, i, ringThree) || i == 0 && startsAt(line, i, ringThree[1:]) {
			return line[:i]
		}
	}
	return line
}

//go:noinline
func startsAt(line []byte, i int, s string) bool {
	return i+len(s) <= len(line) && string(line[i:i+len(s)]) == s
}

// wordAt reports whether a word that begins with s starts at i.
//
//go:noinline
func wordAt(line []byte, i int, s string) bool {
	return (i == 0 || line[i-1] == ' ') && startsAt(line, i, s)
}

// cmdlineHas reports whether word is on the command line; package syscall is who refuses unknown words.
func cmdlineHas(word string) bool {
	line := kernelWords()
	for i := range line {
		if end := i + len(word); wordAt(line, i, word) && (end == len(line) || line[end] == ' ') {
			return true
		}
	}
	return false
}

// cmdlineNumber returns the value of a "name=N" word, or 0.
func cmdlineNumber(prefix string) (n uint64) {
	line := kernelWords()
	for i := range line {
		if wordAt(line, i, prefix) {
			for i += len(prefix); i < len(line) && line[i] >= '0' && line[i] <= '9' && n < 1e9; i++ {
				n = n*10 + uint64(line[i]-'0')
			}
			return n
		}
	}
	return 0
}
