package kcheck

import "golang.org/x/arch/x86/x86asm"

// word is the size in bytes of what PUSH, POP, CALL and RET move.
const word = 8

// stack executes the instructions that move the stack pointer and reports whether in was one. Whatever else writes SP leaves
// both depths unknown, which flow reports.
func (s *state) stack(data statics, in *inst) bool {
	switch in.Op {
	case x86asm.PUSH, x86asm.PUSHFQ, x86asm.PUSHF:
		s.depth = s.depth.plus(word)
		return true
	case x86asm.POP:
		s.depth = s.depth.plus(-word)
		if isSP(in.Args[0]) {
			s.depth = switched()
		} else {
			s.assign(in.Args[0], value{})
		}
		return true
	case x86asm.POPFQ, x86asm.POPF:
		s.depth = s.depth.plus(-word)
		s.flags = flags{}
		return true
	case x86asm.LEAVE:
		s.moveTo(s.regs[regBP])
		s.depth = s.depth.plus(-word)
		s.regs[regBP] = value{}
		return true
	case x86asm.MOV:
		if r, ok := in.Args[1].(x86asm.Reg); ok && r == x86asm.RSP {
			s.assign(in.Args[0], value{kind: stackp, depth: s.depth})
			return true
		}
	case x86asm.CMP, x86asm.TEST:
		return false
	}
	if !isSP(in.Args[0]) {
		return false
	}
	s.writeSP(data, in)
	return true
}

// writeSP executes an instruction whose destination is the stack pointer.
func (s *state) writeSP(data statics, in *inst) {
	switch in.Op {
	case x86asm.ADD, x86asm.SUB, x86asm.AND:
		imm, ok := in.Args[1].(x86asm.Imm)
		if !ok {
			s.depth = depth{}
			break
		}
		switch in.Op {
		case x86asm.SUB:
			s.depth = s.depth.plus(int32(imm))
		case x86asm.ADD:
			s.depth = s.depth.plus(int32(-imm))
		case x86asm.AND: // aligns down by at most that much
			s.depth = s.depth.plus(int32(-imm) - word)
		}
		s.flags = flags{}
	case x86asm.LEA:
		v := value{}
		if m, ok := in.Args[1].(x86asm.Mem); ok {
			v = s.address(in, m)
		}
		s.moveTo(v)
	case x86asm.MOV:
		s.moveTo(s.operand(data, in, in.Args[1], word))
	default:
		s.moveTo(value{})
	}
}

// moveTo loads the stack pointer.
func (s *state) moveTo(v value) {
	if v.kind == stackp {
		s.depth = v.depth
		return
	}
	s.depth = switched()
}

// switched is the depth on a stack just switched to.
func switched() depth { return depth{hasAbs: true} }

func isSP(arg x86asm.Arg) bool {
	r, ok := arg.(x86asm.Reg)
	if !ok {
		return false
	}
	n, width, ok := register(r)
	return ok && n == regSP && width != 0
}
