package kcheck

import (
	"fmt"
	"sort"

	"golang.org/x/arch/x86/x86asm"
)

// flow is the interpretation of one function.
type flow struct {
	f      *Func
	seeds  map[uint64]ready // addresses in f that are entered from outside, with what holds then
	in     map[uint64]state // what holds before each reachable instruction
	uneven map[uint64]bool  // instructions that are reached with different amounts of stack in use
	queued bool
}

// transfer is where an instruction goes.
type transfer struct {
	falls  bool     // to the next instruction
	inside []uint64 // to these in the same function
	calls  []uint64 // calls these
	jumps  []uint64 // jumps to these in other functions, keeping the stack
	method int64    // offset in an itab whose function it calls or jumps to; 0: none
	jumped bool     // the method is jumped to
	broken string   // why it cannot be followed
}

// interpret runs f until nothing new is learned.
func (a *analysis) interpret(fl *flow) {
	fl.in, fl.uneven = map[uint64]state{}, map[uint64]bool{}
	var work []uint64
	visit := func(addr uint64, s state) {
		old, seen := fl.in[addr]
		if seen {
			if old.depth.hasRel && s.depth.hasRel && old.depth.rel != s.depth.rel {
				fl.uneven[addr] = true
			}
			s = old.join(s)
			if s == old {
				return
			}
		}
		fl.in[addr] = s
		work = append(work, addr)
	}
	for addr, ready := range fl.seeds {
		visit(addr, state{depth: depth{hasRel: true}, ready: ready})
	}
	for len(work) > 0 {
		addr := work[len(work)-1]
		work = work[:len(work)-1]
		s := fl.in[addr]
		in, err := a.decode(addr)
		if err != nil || s.depth.rel > maxDepth || s.depth.abs > maxDepth {
			continue // reported by collect
		}
		t := a.transfer(fl.f, &s, in)
		after := s.step(a, in)
		if len(t.calls) > 0 || t.method != 0 {
			after = s
			after.forget()
		}
		if t.falls && fl.f.contains(in.next()) {
			visit(in.next(), after)
		}
		for _, to := range t.inside {
			if in.Op == x86asm.LEA { // a label that is entered later, by a far return
				after = state{depth: s.depth, ready: s.ready}
			}
			visit(to, after)
		}
	}
}

// holds is what every way into the function guarantees.
func (fl *flow) holds() ready {
	all := readyGo
	for _, r := range fl.seeds {
		all &= r
	}
	return all
}

// addrs lists the reachable instructions in order.
func (fl *flow) addrs() []uint64 {
	out := make([]uint64, 0, len(fl.in))
	for addr := range fl.in {
		out = append(out, addr)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// transfer finds out where in goes from state s.
func (a *analysis) transfer(f *Func, s *state, in *inst) transfer {
	switch in.Op {
	case x86asm.CALL:
		return a.transferCall(s, in)
	case x86asm.JMP:
		return a.transferJump(f, s, in)
	case x86asm.RET, x86asm.LRET, x86asm.IRET, x86asm.IRETD, x86asm.IRETQ, x86asm.SYSRET, x86asm.SYSEXIT, x86asm.UD2, x86asm.UD1, x86asm.UD0:
		return transfer{}
	case x86asm.INT, x86asm.ICEBP:
		return transfer{} // INT3: a trap. Other vectors are refused as privileged
	case x86asm.LCALL, x86asm.XBEGIN:
		return transfer{broken: "far call or transaction"}
	case x86asm.LJMP:
		return transfer{broken: "far jump"}
	case x86asm.LEA:
		t := transfer{falls: true}
		if m, ok := in.Args[1].(x86asm.Mem); ok && m.Base == x86asm.RIP {
			if to := in.next() + uint64(m.Disp); f.contains(to) && to != f.Addr {
				t.inside = []uint64{to}
			}
		}
		return t
	}
	rel, ok := in.Args[0].(x86asm.Rel)
	if !ok {
		return transfer{falls: true}
	}
	to := in.next() + uint64(int64(rel))
	if taken, ok := s.flags.decided(in.Op); ok {
		if !taken {
			return transfer{falls: true}
		}
		return goTo(f, to)
	}
	t := goTo(f, to)
	t.falls = true
	return t
}

// goTo is a jump to a fixed address.
func goTo(f *Func, to uint64) transfer {
	if f.contains(to) {
		return transfer{inside: []uint64{to}}
	}
	return transfer{jumps: []uint64{to}}
}

func (a *analysis) transferCall(s *state, in *inst) transfer {
	if rel, ok := in.Args[0].(x86asm.Rel); ok {
		to := in.next() + uint64(int64(rel))
		return transfer{falls: !a.ends(to), calls: []uint64{to}}
	}
	v := s.target(a, in)
	switch {
	case v.kind == known && a.allFunctions(v):
		return transfer{falls: true, calls: append([]uint64(nil), v.list()...)}
	case v.kind == slot && v.off >= itabFun && !a.img.function(in.Addr).Asm:
		return transfer{falls: true, method: v.off}
	}
	return transfer{falls: true, broken: "indirect call that cannot be resolved" + describe(v)}
}

func (a *analysis) transferJump(f *Func, s *state, in *inst) transfer {
	if rel, ok := in.Args[0].(x86asm.Rel); ok {
		return goTo(f, in.next()+uint64(int64(rel)))
	}
	if m, ok := in.Args[0].(x86asm.Mem); ok && m.Index != 0 {
		if to := a.jumpTable(f, s, m); len(to) > 0 {
			return transfer{inside: to}
		}
		return transfer{broken: "jump through a table that cannot be resolved"}
	}
	v := s.target(a, in)
	switch {
	case v.kind == known && a.allFunctions(v):
		t := transfer{}
		for _, to := range v.list() {
			if f.contains(to) {
				t.inside = append(t.inside, to)
			} else {
				t.jumps = append(t.jumps, to)
			}
		}
		return t
	case v.kind == slot && v.off >= itabFun && !f.Asm:
		return transfer{method: v.off, jumped: true}
	}
	return transfer{broken: "indirect jump that cannot be resolved" + describe(v)}
}

// target evaluates the operand of an indirect call or jump.
func (s *state) target(data statics, in *inst) value { return s.operand(data, in, in.Args[0], word) }

// describe says what little is known of a target.
func describe(v value) string {
	switch v.kind {
	case known:
		return fmt.Sprintf(" (the target would be %#x)", v.set[0])
	case slot:
		return fmt.Sprintf(" (the target is loaded from offset %d of an unknown pointer)", v.off)
	}
	return ""
}

// allFunctions reports whether every alternative is an address in a function.
func (a *analysis) allFunctions(v value) bool {
	for _, x := range v.list() {
		if a.img.function(x) == nil {
			return false
		}
	}
	return true
}

// jumpTable reads the targets of a compiler's switch: JMP (table)(index*8). The table is read-only data and ends at the
// first word that does not point into f; the compiler emits the bounds check before the jump.
func (a *analysis) jumpTable(f *Func, s *state, m x86asm.Mem) []uint64 {
	const maxTable = 4096
	var table uint64
	switch n, width, ok := register(m.Base); {
	case ok && width == word:
		base, one := s.regs[n].single()
		if !one {
			return nil
		}
		table = base + uint64(m.Disp)
	case m.Base == 0:
		table = uint64(m.Disp)
	default:
		return nil
	}
	sec := a.img.section(table)
	if m.Scale != word || sec == nil || sec.writable {
		return nil
	}
	var to []uint64
	for i := range uint64(maxTable) {
		target, ok := a.img.load(table+i*word, word)
		if !ok || !f.contains(target) {
			break
		}
		to = append(to, target)
	}
	return to
}

// ends reports whether a call of addr never comes back.
func (a *analysis) ends(addr uint64) bool {
	f := a.img.function(addr)
	if f == nil {
		return false
	}
	v, _ := a.cfg.policy(f)
	return v == trapLeaf || endless[baseName(f.Name)]
}
