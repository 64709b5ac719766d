package kcheck

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// inst is one decoded instruction. Op is 0 for those that the shim decodes itself; Name then says what it is.
type inst struct {
	x86asm.Inst
	Addr       uint64
	Name       string
	Vector     bool // VEX or EVEX encoded: needs the AVX state
	Privileged bool // faults, or may fault, outside ring 0, or has no business in portable kernel code
	Shim       bool // decoded by the shim: Args are not filled in
}

// next is the address of the instruction behind i.
func (i *inst) next() uint64 { return i.Addr + uint64(i.Len) }

// Opcode maps of the encoding (SDM Vol. 2A §2.1.2).
const (
	mapOne  = 1 // one opcode byte
	map0F   = 2
	map0F38 = 3
	map0F3A = 4
)

// form is an instruction's encoding taken apart as far as the shim needs it.
type form struct {
	opsize, rep, repne bool // prefixes 66, F3, F2
	rexW               bool
	opmap              int
	opcode             byte
	at                 int // offset of the byte behind the opcode: ModRM, if it has one
	modrm              byte
}

func (f form) mod() byte { return f.modrm >> 6 }
func (f form) reg() byte { return f.modrm >> 3 & 7 }

// parse splits prefixes and opcode off src. ok is false when src ends too early.
func parse(src []byte) (f form, ok bool) {
	i := 0
prefixes:
	for ; i < len(src); i++ {
		switch src[i] {
		case 0x66:
			f.opsize = true
		case 0xF3:
			f.rep = true
		case 0xF2:
			f.repne = true
		case 0x67, 0xF0, 0x2E, 0x36, 0x3E, 0x26, 0x64, 0x65:
		default:
			break prefixes
		}
	}
	if i < len(src) && src[i]&0xF0 == 0x40 {
		f.rexW = src[i]&8 != 0
		i++
	}
	f.opmap = mapOne
	if i+1 < len(src) && src[i] == 0x0F {
		f.opmap = map0F
		i++
		switch {
		case src[i] == 0x38 && i+1 < len(src):
			f.opmap = map0F38
			i++
		case src[i] == 0x3A && i+1 < len(src):
			f.opmap = map0F3A
			i++
		}
	}
	if i >= len(src) {
		return f, false
	}
	f.opcode, f.at = src[i], i+1
	if f.at < len(src) {
		f.modrm = src[f.at]
	}
	return f, true
}

// modrmLen is the length of ModRM, SIB and displacement at src (64-bit addressing).
func modrmLen(src []byte) int {
	if len(src) == 0 {
		return 1
	}
	mod, rm := src[0]>>6, src[0]&7
	n := 1
	if mod == 3 {
		return n
	}
	if rm == 4 {
		n++
		if mod == 0 && len(src) > 1 && src[1]&7 == 5 {
			return n + 4
		}
	}
	switch {
	case mod == 0 && rm == 5, mod == 2:
		n += 4
	case mod == 1:
		n++
	}
	return n
}

// decode decodes the instruction at addr.
func decode(src []byte, addr uint64) (*inst, error) {
	if len(src) == 0 {
		return nil, fmt.Errorf("the text ends")
	}
	in := &inst{Addr: addr}
	if n := vectorLen(src); n > 0 {
		if n > len(src) {
			return nil, fmt.Errorf("the text ends inside an instruction")
		}
		in.Len, in.Vector, in.Shim, in.Name = n, true, true, vectorName(src)
		return in, nil
	}
	f, ok := parse(src)
	if !ok {
		return nil, fmt.Errorf("the text ends inside an instruction")
	}
	in.Privileged = privileged(f)
	if name, operands := shimmed(f); name != "" {
		in.Name, in.Shim, in.Len = name, true, f.at
		if operands {
			in.Len += modrmLen(src[f.at:])
		}
		if in.Len > len(src) {
			return nil, fmt.Errorf("the text ends inside an instruction")
		}
		return in, nil
	}
	x, err := x86asm.Decode(src, 64)
	if err != nil {
		return nil, err
	}
	if x.Op == 0 || x.Len < f.at {
		return nil, fmt.Errorf("bytes % x are not an instruction", src[:min(len(src), 8)])
	}
	in.Inst, in.Name = x, x.Op.String()
	return in, nil
}

// shimmed names the instructions that x86asm refuses or takes for something else, and says whether a ModRM operand
// follows the opcode. Source: SDM Vol. 2, opcode maps of appendix A; the list is facts/ring0-go.md's and its neighbours.
func shimmed(f form) (name string, operands bool) {
	switch f.opmap {
	case map0F:
		switch f.opcode {
		case 0x01:
			return shimmed0F01(f), f.mod() == 3
		case 0x1E:
			if f.rep && (f.modrm == 0xFA || f.modrm == 0xFB) {
				return "ENDBR", true
			}
		case 0xAE:
			return shimmed0FAE(f), true
		case 0xC7:
			return shimmed0FC7(f), true
		}
	case map0F38:
		switch {
		case f.opcode == 0xF6 && f.opsize:
			return "ADCX", true
		case f.opcode == 0xF6 && f.rep:
			return "ADOX", true
		case f.opcode == 0x82 && f.opsize:
			return "INVPCID", true
		}
	}
	return "", false
}

// shimmed0F01 names the register forms of group 7, of which x86asm knows few.
func shimmed0F01(f form) string {
	if f.mod() != 3 || f.reg() == 4 || f.reg() == 6 { // SMSW and LMSW have register forms that x86asm knows
		return ""
	}
	if name := group7[f.modrm]; name != "" {
		return name
	}
	return "GROUP7"
}

var group7 = map[byte]string{
	0xC1: "VMCALL", 0xC2: "VMLAUNCH", 0xC3: "VMRESUME", 0xC4: "VMXOFF", 0xC8: "MONITOR", 0xC9: "MWAIT", 0xCA: "CLAC",
	0xCB: "STAC", 0xD0: "XGETBV", 0xD1: "XSETBV", 0xD8: "VMRUN", 0xD9: "VMMCALL", 0xE8: "SERIALIZE", 0xEE: "RDPKRU", 0xEF: "WRPKRU",
	0xF8: "SWAPGS", 0xF9: "RDTSCP",
}

// shimmed0FAE names the members of group 15 with an operand-size prefix.
func shimmed0FAE(f form) string {
	switch {
	case f.opsize && f.mod() == 3 && f.reg() == 6:
		return "TPAUSE"
	case f.opsize && f.mod() != 3 && f.reg() == 6:
		return "CLWB"
	case f.opsize && f.mod() != 3 && f.reg() == 7:
		return "CLFLUSHOPT"
	case f.rep && f.mod() == 3 && f.reg() == 6:
		return "UMONITOR"
	case f.repne && f.mod() == 3 && f.reg() == 6:
		return "UMWAIT"
	}
	return ""
}

// shimmed0FC7 names the members of group 9 but CMPXCHG8B/16B.
func shimmed0FC7(f form) string {
	switch {
	case f.mod() == 3 && f.reg() == 6:
		return "RDRAND"
	case f.mod() == 3 && f.reg() == 7 && f.rep:
		return "RDPID"
	case f.mod() == 3 && f.reg() == 7:
		return "RDSEED"
	case f.mod() != 3 && f.reg() == 3:
		return "XRSTORS"
	case f.mod() != 3 && f.reg() == 4:
		return "XSAVEC"
	case f.mod() != 3 && f.reg() == 5:
		return "XSAVES"
	case f.mod() != 3 && f.reg() >= 6:
		return "VMXON"
	}
	return ""
}

// vectorLen is the length of a VEX or EVEX instruction, 0 if src does not start one. In 64-bit mode C4, C5 and 62
// always are such prefixes; legacy prefixes before them other than segment overrides fault.
func vectorLen(src []byte) int {
	at := 0
	for at < len(src) && (src[at] == 0x64 || src[at] == 0x65 || src[at] == 0x67) {
		at++
	}
	if at >= len(src) {
		return 0
	}
	opmap, n := byte(1), 0
	switch src[at] {
	case 0xC5:
		n = at + 2
	case 0xC4:
		if at+1 < len(src) {
			opmap = src[at+1] & 0x1F
		}
		n = at + 3
	case 0x62:
		if at+1 < len(src) {
			opmap = src[at+1] & 7
		}
		n = at + 4
	default:
		return 0
	}
	if n >= len(src) {
		return n + 1
	}
	opcode := src[n]
	n++
	if opmap == 1 && opcode == 0x77 { // VZEROUPPER, VZEROALL
		return n
	}
	n += modrmLen(src[min(n, len(src)):])
	if opmap == 3 || opmap == 1 && (opcode >= 0x70 && opcode <= 0x73 || opcode == 0xC2 || opcode >= 0xC4 && opcode <= 0xC6) {
		n++
	}
	return n
}

// vectorName asks x86asm for the mnemonic; its tables do not have them all.
func vectorName(src []byte) string {
	if x, err := x86asm.Decode(src, 64); err == nil && x.Op != 0 {
		return x.Op.String()
	}
	return "AVX"
}

// privileged reports whether the instruction belongs in arch/amd64 only: the privileged ones (SDM Vol. 3A §5.9), those
// that IOPL, UMIP or CR4 gate, and far transfers.
func privileged(f form) bool {
	switch f.opmap {
	case mapOne:
		switch f.opcode {
		case 0xF4, 0xFA, 0xFB, 0xCF, 0xCA, 0xCB, 0x9D, // HLT CLI STI IRET RETF RETF POPF
			0xE4, 0xE5, 0xE6, 0xE7, 0xEC, 0xED, 0xEE, 0xEF, // IN OUT
			0x6C, 0x6D, 0x6E, 0x6F, // INS OUTS
			0xCD, 0xF1, 0x8E: // INT n, INT1, MOV to a segment register
			return true
		case 0xFF: // far CALL and JMP
			return f.reg() == 3 || f.reg() == 5
		}
	case map0F:
		switch f.opcode {
		case 0x00: // SLDT STR LLDT LTR VERR VERW
			return f.reg() < 4
		case 0x01:
			return f.mod() != 3 || f.reg() == 4 || f.reg() == 6 || !unprivileged7[f.modrm]
		case 0x05, 0x34: // SYSCALL SYSENTER
			return true
		case 0x06, 0x07, 0x08, 0x09, 0x20, 0x21, 0x22, 0x23, 0x30, 0x32, 0x33, 0x35, // CLTS SYSRET INVD WBINVD MOV CR/DR WRMSR RDMSR RDPMC SYSEXIT
			0x78, 0x79, 0xA1, 0xA9, 0xB2, 0xB4, 0xB5: // VMREAD VMWRITE POP FS/GS LSS LFS LGS
			return true
		case 0xAE: // RDFSBASE … WRGSBASE: CR4.FSGSBASE
			return f.rep && f.mod() == 3 && f.reg() < 4
		case 0xC7:
			return f.mod() != 3 && f.reg() != 1 && f.reg() != 4
		}
	case map0F38:
		return f.opcode >= 0x80 && f.opcode <= 0x82 // INVEPT INVVPID INVPCID
	}
	return false
}

// unprivileged7 lists the register forms of group 7 that any ring may use.
var unprivileged7 = map[byte]bool{0xD0: true, 0xE8: true, 0xEE: true, 0xEF: true, 0xF9: true}

// rel32At gives the target of a direct 5-byte CALL at src, if it is one.
func rel32At(src []byte, addr uint64) (uint64, bool) {
	const callRel32, length = 0xE8, 5
	if len(src) < length || src[0] != callRel32 {
		return 0, false
	}
	return addr + length + uint64(int64(int32(binary.LittleEndian.Uint32(src[1:])))), true
}
