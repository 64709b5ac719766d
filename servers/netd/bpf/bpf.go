// Package bpf runs classic BPF programs over packets (SO_ATTACH_FILTER; Linux's Documentation/networking/filter.rst). A program is an
// array of struct sock_filter as user space gives it.
package bpf

import "encoding/binary"

// InsnSize is sizeof(struct sock_filter): code, jt, jf, k.
const InsnSize = 8

// MaxInsns is how long a program may be (BPF_MAXINSNS).
const MaxInsns = 4096

// memWords is the size of the scratch memory (BPF_MEMWORDS).
const memWords = 16

// Classes, in the low three bits of a code.
const (
	classLd = iota
	classLdx
	classSt
	classStx
	classAlu
	classJmp
	classRet
	classMisc
)

// Sizes and modes of loads.
const (
	sizeMask, sizeW, sizeH, sizeB                                  = 0x18, 0x00, 0x08, 0x10
	modeMask, modeImm, modeAbs, modeInd, modeMem, modeLen, modeMsh = 0xe0, 0x00, 0x20, 0x40, 0x60, 0x80, 0xa0
)

// Operations of ALU and JMP, and where their second operand comes from.
const (
	opMask                                                                                = 0xf0
	aluAdd, aluSub, aluMul, aluDiv, aluOr, aluAnd, aluLsh, aluRsh, aluNeg, aluMod, aluXor = 0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0x90, 0xa0
	jmpJa, jmpJeq, jmpJgt, jmpJge, jmpJset                                                = 0x00, 0x10, 0x20, 0x30, 0x40
	srcX                                                                                  = 0x08
	retA                                                                                  = 0x10
	miscTxa                                                                               = 0x80
)

type insn struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

func at(program []byte, i int) insn {
	b := program[i*InsnSize:]
	return insn{binary.LittleEndian.Uint16(b), b[2], b[3], binary.LittleEndian.Uint32(b[4:])}
}

// Valid reports a program that Run can run: known instructions, jumps forward and inside, a return at the end. Loads of Linux's
// ancillary data (negative offsets) are not known.
func Valid(program []byte) bool {
	n := len(program) / InsnSize
	if n == 0 || n > MaxInsns || len(program)%InsnSize != 0 {
		return false
	}
	for i := range n {
		if !valid(at(program, i), n-i-1) {
			return false
		}
	}
	return at(program, n-1).code&7 == classRet
}

// valid checks one instruction with that many behind it.
func valid(in insn, behind int) bool {
	const negative = 1 << 31
	switch class := in.code & 7; class {
	case classLd, classLdx:
		switch in.code & modeMask {
		case modeImm, modeLen:
			return in.code&sizeMask == sizeW
		case modeMem:
			return in.code&sizeMask == sizeW && in.k < memWords
		case modeAbs:
			return class == classLd && in.code&sizeMask <= sizeB && in.k < negative
		case modeInd:
			return class == classLd && in.code&sizeMask <= sizeB
		case modeMsh:
			return class == classLdx && in.code&sizeMask == sizeB && in.k < negative
		}
		return false
	case classSt, classStx:
		return in.code&^7 == 0 && in.k < memWords
	case classAlu:
		op := in.code & opMask
		if (op == aluDiv || op == aluMod) && in.code&srcX == 0 && in.k == 0 || (op == aluLsh || op == aluRsh) && in.code&srcX == 0 && in.k >= 32 {
			return false
		}
		return op <= aluXor && in.code < 0x100
	case classJmp:
		op := in.code & opMask
		if op == jmpJa {
			return in.code == classJmp && in.k < uint32(behind)
		}
		return op <= jmpJset && in.code < 0x100 && int(in.jt) < behind && int(in.jf) < behind
	case classRet:
		return in.code == classRet || in.code == classRet|retA
	}
	return in.code == classMisc || in.code == classMisc|miscTxa
}

// machine is one run.
type machine struct {
	a, x uint32
	mem  [memWords]uint32
	pkt  []byte
}

// Run gives how many bytes of the packet a valid program takes, at most all; 0: it drops the packet, as it does with a load beyond the end or
// a division by 0.
func Run(program, packet []byte) int {
	m := machine{pkt: packet}
	for pc := 0; ; pc++ {
		in := at(program, pc)
		switch in.code & 7 {
		case classRet:
			v := in.k
			if in.code&retA != 0 {
				v = m.a
			}
			return int(min(uint64(v), uint64(len(packet))))
		case classJmp:
			pc += m.jump(in)
		default:
			if !m.step(in) {
				return 0
			}
		}
	}
}

// step runs an instruction that goes on to the next; false ends the run.
func (m *machine) step(in insn) bool {
	switch in.code & 7 {
	case classLd:
		v, ok := m.load(in)
		m.a = v
		return ok
	case classLdx:
		v, ok := m.load(in)
		m.x = v
		return ok
	case classSt:
		m.mem[in.k] = m.a
	case classStx:
		m.mem[in.k] = m.x
	case classAlu:
		return m.alu(in)
	case classMisc:
		if in.code&miscTxa != 0 {
			m.a = m.x
		} else {
			m.x = m.a
		}
	}
	return true
}

func (m *machine) load(in insn) (uint32, bool) {
	off := uint64(in.k)
	switch in.code & modeMask {
	case modeImm:
		return in.k, true
	case modeLen:
		return uint32(len(m.pkt)), true
	case modeMem:
		return m.mem[in.k], true
	case modeInd:
		off = uint64(m.x + in.k)
	case modeMsh:
		if off >= uint64(len(m.pkt)) {
			return 0, false
		}
		return uint32(m.pkt[off]&0xf) * 4, true
	}
	size := uint64(4)
	switch in.code & sizeMask {
	case sizeH:
		size = 2
	case sizeB:
		size = 1
	}
	if off+size > uint64(len(m.pkt)) {
		return 0, false
	}
	v := uint32(0)
	for _, b := range m.pkt[off : off+size] {
		v = v<<8 | uint32(b)
	}
	return v, true
}

func (m *machine) alu(in insn) bool {
	v := in.k
	if in.code&srcX != 0 {
		v = m.x
	}
	switch in.code & opMask {
	case aluAdd:
		m.a += v
	case aluSub:
		m.a -= v
	case aluMul:
		m.a *= v
	case aluDiv, aluMod:
		if v == 0 {
			return false
		}
		if in.code&opMask == aluDiv {
			m.a /= v
		} else {
			m.a %= v
		}
	case aluOr:
		m.a |= v
	case aluAnd:
		m.a &= v
	case aluLsh:
		m.a <<= v & 31
	case aluRsh:
		m.a >>= v & 31
	case aluNeg:
		m.a = -m.a
	case aluXor:
		m.a ^= v
	}
	return true
}

// jump is how many instructions are passed over.
func (m *machine) jump(in insn) int {
	v := in.k
	if in.code&srcX != 0 {
		v = m.x
	}
	taken := false
	switch in.code & opMask {
	case jmpJa:
		return int(in.k)
	case jmpJeq:
		taken = m.a == v
	case jmpJgt:
		taken = m.a > v
	case jmpJge:
		taken = m.a >= v
	case jmpJset:
		taken = m.a&v != 0
	}
	if taken {
		return int(in.jt)
	}
	return int(in.jf)
}
