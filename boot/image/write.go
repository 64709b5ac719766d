package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"

	"aramid/ukernel/arch/hw"
)

// The PVH note (Xen public/elfnote.h): XEN_ELFNOTE_PHYS32_ENTRY with the 32-bit physical entry point.
const (
	noteEntry = 18
	noteAlign = 4
)

// writeELF makes an executable whose PT_LOADs are the segments, at physical addresses.
func writeELF(segments []segment, entry uint64) []byte {
	note := binary.LittleEndian.AppendUint32(nil, 4)
	note = binary.LittleEndian.AppendUint32(note, 8)
	note = binary.LittleEndian.AppendUint32(note, noteEntry)
	note = append(note, "Xen\x00"...)
	note = binary.LittleEndian.AppendUint64(note, entry)

	var loads []segment
	for _, s := range segments {
		if s.size > 0 {
			loads = append(loads, s)
		}
	}
	ehSize, phSize := uint64(binary.Size(elf.Header64{})), uint64(binary.Size(elf.Prog64{}))
	noteOff := ehSize + uint64(len(loads)+1)*phSize
	off := roundUp(noteOff+uint64(len(note)), hw.PageSize)

	eh := elf.Header64{
		Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Entry: entry, Phoff: ehSize,
		Ehsize: uint16(ehSize), Phentsize: uint16(phSize), Phnum: uint16(len(loads) + 1),
	}
	copy(eh.Ident[:], elf.ELFMAG)
	eh.Ident[elf.EI_CLASS], eh.Ident[elf.EI_DATA], eh.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	progs := []elf.Prog64{{Type: uint32(elf.PT_NOTE), Flags: uint32(elf.PF_R), Off: noteOff, Filesz: uint64(len(note)), Memsz: uint64(len(note)), Align: noteAlign}}
	for _, s := range loads {
		progs = append(progs, elf.Prog64{
			Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_W | elf.PF_X), Off: off, Vaddr: s.base, Paddr: s.base,
			Filesz: uint64(len(s.data)), Memsz: s.size, Align: hw.PageSize,
		})
		off = roundUp(off+uint64(len(s.data)), hw.PageSize)
	}
	var out bytes.Buffer
	binary.Write(&out, binary.LittleEndian, eh) // into a Buffer: cannot fail
	binary.Write(&out, binary.LittleEndian, progs)
	out.Write(note)
	for i, s := range loads {
		out.Write(make([]byte, progs[i+1].Off-uint64(out.Len())))
		out.Write(s.data)
	}
	return out.Bytes()
}
