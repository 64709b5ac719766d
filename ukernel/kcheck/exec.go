package kcheck

import "golang.org/x/arch/x86/x86asm"

// statics answers what static data is known to hold; soft is as in value.
type statics interface {
	static(addr uint64, size int) (v uint64, soft, ok bool)
}

// maxDepth bounds the stack depth that is followed, so that a loop that pushes comes to an end.
const maxDepth = 1 << 20

// address evaluates a memory operand's address.
func (s *state) address(in *inst, m x86asm.Mem) value {
	if m.Segment == x86asm.FS || m.Segment == x86asm.GS || m.Index != 0 {
		return value{}
	}
	if m.Base == x86asm.RIP {
		return constant(in.next() + uint64(m.Disp))
	}
	if m.Base == 0 {
		return constant(uint64(m.Disp))
	}
	n, width, ok := register(m.Base)
	if !ok || width != 8 {
		return value{}
	}
	if n == regSP {
		return value{kind: stackp, depth: s.depth.plus(int32(-m.Disp))}
	}
	base := s.regs[n]
	if base.kind == stackp {
		base.depth = base.depth.plus(int32(-m.Disp))
		return base
	}
	return base.mapped(func(v uint64) (uint64, bool) { return v + uint64(m.Disp), true })
}

// load evaluates a read of size bytes from a memory operand.
func (s *state) load(data statics, in *inst, m x86asm.Mem, size int) value {
	at := s.address(in, m)
	if at.kind == known {
		soft := at.soft
		v := at.mapped(func(addr uint64) (uint64, bool) {
			v, fromKernel, ok := data.static(addr, size)
			soft = soft || fromKernel
			return v, ok
		})
		v.soft = v.kind == known && soft
		if v.kind == known {
			return v
		}
	}
	if size == 8 && at.kind != stackp && m.Index == 0 && m.Segment != x86asm.FS && m.Segment != x86asm.GS {
		if m.Base == x86asm.RIP || m.Base == 0 {
			return value{}
		}
		return value{kind: slot, off: m.Disp}
	}
	return value{}
}

// operand evaluates an operand that is read with the given width in bytes.
func (s *state) operand(data statics, in *inst, arg x86asm.Arg, width int) value {
	switch a := arg.(type) {
	case x86asm.Imm:
		return constant(truncate(uint64(a), width))
	case x86asm.Mem:
		return s.load(data, in, a, width)
	case x86asm.Reg:
		n, w, ok := register(a)
		if !ok || w == 0 || n == regSP {
			return value{}
		}
		if w == 8 && !s.regs[n].low {
			return s.regs[n]
		}
		return s.regs[n].narrow(w)
	}
	return value{}
}

// assign writes a register operand.
func (s *state) assign(arg x86asm.Arg, v value) {
	r, ok := arg.(x86asm.Reg)
	if !ok {
		return
	}
	n, width, ok := register(r)
	if !ok {
		return
	}
	switch {
	case width == 1: // the other bytes keep what they had
		v = v.narrow(width)
		v.low = v.kind == known
	case width < 4: // a high byte or a word
		v = value{}
	case width == 4:
		v = v.mapped(func(x uint64) (uint64, bool) { return truncate(x, width), true })
	}
	s.regs[n] = v
}

// width is the operand width in bytes of a two-operand instruction.
func width(in *inst) int {
	for _, arg := range in.Args {
		if r, ok := arg.(x86asm.Reg); ok {
			if _, w, ok := register(r); ok {
				return w
			}
		}
	}
	if in.MemBytes != 0 {
		return in.MemBytes
	}
	return in.DataSize / 8
}

// step gives the state behind an instruction that is no transfer of control.
func (s state) step(data statics, in *inst) state {
	s.prepare(in)
	if in.Shim {
		s.regs[regAX], s.regs[regCX], s.regs[regDX] = value{}, value{}, value{}
		if in.Name == "RDRAND" || in.Name == "RDSEED" || in.Name == "RDPID" || in.Name == "ADCX" || in.Name == "ADOX" {
			s.forget() // the operand is not decoded; any register may have been written
			s.regs[regBP] = value{}
		}
		s.flags = flags{}
		return s
	}
	if s.stack(data, in) {
		return s
	}
	if _, jumps := in.Args[0].(x86asm.Rel); jumps {
		if in.Op == x86asm.LOOP || in.Op == x86asm.LOOPE || in.Op == x86asm.LOOPNE {
			s.regs[regCX] = value{}
		}
		return s
	}
	switch in.Op {
	case x86asm.NOP, x86asm.PAUSE, x86asm.LFENCE, x86asm.MFENCE, x86asm.SFENCE, x86asm.PREFETCHT0, x86asm.PREFETCHT1,
		x86asm.PREFETCHT2, x86asm.PREFETCHNTA, x86asm.PREFETCHW, x86asm.CLI, x86asm.STI, x86asm.HLT, x86asm.CLD, x86asm.STD:
	case x86asm.CMP, x86asm.TEST:
		s.compare(data, in)
	case x86asm.MOV:
		s.assign(in.Args[0], s.operand(data, in, in.Args[1], width(in)))
	case x86asm.MOVZX:
		s.assign(in.Args[0], s.operand(data, in, in.Args[1], sourceWidth(in)))
	case x86asm.LEA:
		v := value{}
		if m, ok := in.Args[1].(x86asm.Mem); ok {
			v = s.address(in, m)
		}
		s.assign(in.Args[0], v)
	case x86asm.XOR:
		v := value{}
		if in.Args[0] == in.Args[1] {
			v = constant(0)
		}
		s.assign(in.Args[0], v)
		s.flags = flags{}
	case x86asm.ADD, x86asm.SUB:
		s.sum(data, in)
	case x86asm.XCHG:
		if in.Args[0] != in.Args[1] {
			s.assign(in.Args[0], value{})
			s.assign(in.Args[1], value{})
		}
	default:
		s.clobber(in)
	}
	return s
}

// prepare keeps track of Go's register conventions.
func (s *state) prepare(in *inst) {
	switch in.Op {
	case x86asm.FXRSTOR, x86asm.FXRSTOR64, x86asm.XRSTOR, x86asm.XRSTOR64:
		s.ready &^= readyZero
		return
	case x86asm.CMP, x86asm.TEST, x86asm.PUSH:
		return
	}
	r, _ := in.Args[0].(x86asm.Reg)
	if r == x86asm.X15 {
		s.ready &^= readyZero
		if in.Args[1] == r && (in.Op == x86asm.XORPS || in.Op == x86asm.PXOR) {
			s.ready |= readyZero
		}
	}
	if n, width, ok := register(r); r != 0 && ok && n == regG {
		s.ready &^= readyG
		if width == word && (in.Op == x86asm.MOV || in.Op == x86asm.LEA) {
			s.ready |= readyG
		}
	}
}

// sourceWidth is the width in bytes of MOVZX's second operand.
func sourceWidth(in *inst) int {
	if r, ok := in.Args[1].(x86asm.Reg); ok {
		_, w, _ := register(r)
		return w
	}
	return in.MemBytes
}

// compare records what CMP or TEST compared.
func (s *state) compare(data statics, in *inst) {
	w := width(in)
	s.flags = flags{}
	if w == 0 {
		return
	}
	va, vb := s.operand(data, in, in.Args[0], w), s.operand(data, in, in.Args[1], w)
	a, okA := va.single()
	b, okB := vb.single()
	if okA && okB && !va.soft && !vb.soft {
		s.flags = flags{known: true, test: in.Op == x86asm.TEST, width: uint8(w), a: a, b: b}
	}
}

// sum executes ADD and SUB of a known constant to a register.
func (s *state) sum(data statics, in *inst) {
	s.flags = flags{}
	if _, ok := in.Args[0].(x86asm.Reg); !ok {
		return
	}
	w := width(in)
	by, ok := s.operand(data, in, in.Args[1], w).single()
	if !ok || w != 8 {
		s.assign(in.Args[0], value{})
		return
	}
	if in.Op == x86asm.SUB {
		by = -by
	}
	s.assign(in.Args[0], s.operand(data, in, in.Args[0], w).mapped(func(v uint64) (uint64, bool) { return v + by, true }))
}

// Instructions that write their first operand and nothing else but the flags.
var writesFirstOnly = map[x86asm.Op]bool{
	x86asm.ADC: true, x86asm.AND: true, x86asm.BSF: true, x86asm.BSR: true, x86asm.BSWAP: true, x86asm.BT: true, x86asm.BTC: true,
	x86asm.BTR: true, x86asm.BTS: true, x86asm.CMOVA: true, x86asm.CMOVAE: true, x86asm.CMOVB: true, x86asm.CMOVBE: true,
	x86asm.CMOVE: true, x86asm.CMOVG: true, x86asm.CMOVGE: true, x86asm.CMOVL: true, x86asm.CMOVLE: true, x86asm.CMOVNE: true,
	x86asm.CMOVNS: true, x86asm.CMOVS: true, x86asm.DEC: true, x86asm.INC: true, x86asm.LZCNT: true, x86asm.MOVAPS: true,
	x86asm.MOVBE: true, x86asm.MOVDQA: true, x86asm.MOVDQU: true, x86asm.MOVD: true, x86asm.MOVNTI: true, x86asm.MOVQ: true,
	x86asm.MOVSX: true, x86asm.MOVSXD: true, x86asm.MOVUPS: true, x86asm.NEG: true, x86asm.NOT: true, x86asm.OR: true,
	x86asm.PCMPEQB: true, x86asm.PMOVMSKB: true, x86asm.POPCNT: true, x86asm.POR: true, x86asm.PXOR: true, x86asm.RCL: true,
	x86asm.RCR: true, x86asm.ROL: true, x86asm.ROR: true, x86asm.SAR: true, x86asm.SBB: true, x86asm.SETA: true, x86asm.SETAE: true,
	x86asm.SETB: true, x86asm.SETBE: true, x86asm.SETE: true, x86asm.SETG: true, x86asm.SETGE: true, x86asm.SETL: true,
	x86asm.SETLE: true, x86asm.SETNE: true, x86asm.SETNO: true, x86asm.SETNS: true, x86asm.SETO: true, x86asm.SETS: true,
	x86asm.SHL: true, x86asm.SHLD: true, x86asm.SHR: true, x86asm.SHRD: true, x86asm.TZCNT: true, x86asm.XORPS: true,
}

// clobber executes what the interpreter does not model. Whatever is not listed may write any register.
func (s *state) clobber(in *inst) {
	s.flags = flags{}
	switch {
	case writesFirstOnly[in.Op], in.Op == x86asm.IMUL && in.Args[1] != nil:
		s.assign(in.Args[0], value{})
	case in.Op == x86asm.XADD:
		s.assign(in.Args[0], value{})
		s.assign(in.Args[1], value{})
	case in.Op == x86asm.CDQ, in.Op == x86asm.CQO, in.Op == x86asm.CWD:
		s.regs[regDX] = value{}
	case in.Op == x86asm.MUL, in.Op == x86asm.IMUL, in.Op == x86asm.DIV, in.Op == x86asm.IDIV:
		s.regs[regAX], s.regs[regDX] = value{}, value{}
	default:
		s.forget()
		s.regs[regBP] = value{}
	}
}
