package kcheck

import "golang.org/x/arch/x86/x86asm"

// kind says what is known of a value.
type kind uint8

const (
	unknown kind = iota
	known        // one of set[:n]
	slot         // eight bytes loaded from off bytes behind an unknown pointer
	stackp       // the stack pointer's value when depth bytes were in use
)

// maxSet bounds how many alternatives a known value keeps.
const maxSet = 8

// value is one register's contents as the interpreter knows them. Comparable, so that states are.
type value struct {
	kind  kind
	n     uint8
	soft  bool // depends on a variable that only the kernel's own packages could write: names targets, decides no branch
	low   bool // only the lowest byte is known
	off   int64
	depth depth
	set   [maxSet]uint64
}

func constant(v uint64) value {
	return value{kind: known, n: 1, set: [maxSet]uint64{v}}
}

// list gives the alternatives of a known value.
func (v value) list() []uint64 { return v.set[:v.n] }

// narrow gives the byte, or all of v, that an operand of width bytes reads; unknown if v does not reach so far.
func (v value) narrow(width int) value {
	if v.low && width > 1 {
		return value{}
	}
	out := v.mapped(func(x uint64) (uint64, bool) { return truncate(x, width), true })
	return out
}

// single gives the value if there is exactly one.
func (v value) single() (uint64, bool) { return v.set[0], v.kind == known && v.n == 1 }

// add puts one more alternative into a known value, sorted; it becomes unknown when there are too many.
func (v value) add(x uint64) value {
	at := 0
	for at < int(v.n) && v.set[at] < x {
		at++
	}
	if at < int(v.n) && v.set[at] == x {
		return v
	}
	if v.n == maxSet {
		return value{}
	}
	copy(v.set[at+1:], v.set[at:v.n])
	v.set[at] = x
	v.n++
	return v
}

// mapped applies f to every alternative; unknown if v is not known or f refuses one.
func (v value) mapped(f func(uint64) (uint64, bool)) value {
	if v.kind != known {
		return value{}
	}
	out := value{kind: known, soft: v.soft}
	for _, x := range v.list() {
		y, ok := f(x)
		if !ok {
			return value{}
		}
		if out = out.add(y); out.kind != known {
			return value{}
		}
	}
	return out
}

// join is the least value that covers both.
func (v value) join(w value) value {
	switch {
	case v == w:
		return v
	case v.kind != known || w.kind != known || v.low != w.low:
		return value{}
	}
	v.soft = v.soft || w.soft
	for _, x := range w.list() {
		if v = v.add(x); v.kind != known {
			return value{}
		}
	}
	return v
}

// depth says how many bytes of stack are in use at a point: rel on the stack that the function was entered on (return
// address excluded), abs on one that arch code has switched to since. Both can hold where paths meet.
type depth struct {
	rel, abs       int32
	hasRel, hasAbs bool
}

// plus is d with n more bytes in use.
func (d depth) plus(n int32) depth {
	if d.hasRel {
		d.rel += n
	}
	if d.hasAbs {
		d.abs += n
	}
	return d
}

// join is the deeper of both, each kind of stack for itself.
func (d depth) join(e depth) depth {
	if e.hasRel && (!d.hasRel || e.rel > d.rel) {
		d.rel, d.hasRel = e.rel, true
	}
	if e.hasAbs && (!d.hasAbs || e.abs > d.abs) {
		d.abs, d.hasAbs = e.abs, true
	}
	return d
}

// flags are the operands that the last comparison saw.
type flags struct {
	known bool
	test  bool // TEST, else CMP
	width uint8
	a, b  uint64
}

// ready says what of the register conventions of compiled Go holds (ABIInternal, cmd/compile/abi-internal.md).
type ready uint8

const (
	readyZero ready = 1 << iota // X15 is zero
	readyG                      // R14 points to the g
	readyGo   = readyZero | readyG
)

// state is everything known before an instruction.
type state struct {
	regs  [16]value
	flags flags
	depth depth
	ready ready
}

// Numbers of the registers that matter here (SDM Vol. 2A table 2-2).
const (
	regAX = 0
	regCX = 1
	regDX = 2
	regSP = 4
	regBP = 5
	regSI = 6
	regDI = 7
	regG  = 14
)

func (s state) join(t state) state {
	for i := range s.regs {
		s.regs[i] = s.regs[i].join(t.regs[i])
	}
	if s.flags != t.flags {
		s.flags = flags{}
	}
	s.depth = s.depth.join(t.depth)
	s.ready &= t.ready
	return s
}

// forget drops all registers but the frame pointer, which Go functions restore (ABI0 and ABIInternal alike).
func (s *state) forget() {
	bp := s.regs[regBP]
	s.regs = [16]value{}
	s.regs[regBP] = bp
	s.flags = flags{}
}

// register maps a general register to its number and width in bytes; ok is false for all others.
func register(r x86asm.Reg) (n int, width int, ok bool) {
	switch {
	case r >= x86asm.RAX && r <= x86asm.R15:
		return int(r - x86asm.RAX), 8, true
	case r >= x86asm.EAX && r <= x86asm.R15L:
		return int(r - x86asm.EAX), 4, true
	case r >= x86asm.AX && r <= x86asm.R15W:
		return int(r - x86asm.AX), 2, true
	case r >= x86asm.AL && r <= x86asm.BL:
		return int(r - x86asm.AL), 1, true
	case r >= x86asm.AH && r <= x86asm.BH: // the second byte of the first four: writes are treated as writes of them
		return int(r - x86asm.AH), 0, true
	case r >= x86asm.SPB && r <= x86asm.R15B:
		return int(r-x86asm.SPB) + regSP, 1, true
	}
	return 0, 0, false
}

// truncate cuts v to width bytes.
func truncate(v uint64, width int) uint64 {
	if width >= 8 {
		return v
	}
	return v & (1<<(8*width) - 1)
}

// signed reads the width-byte number v as signed.
func signed(v uint64, width int) int64 {
	shift := 64 - 8*width
	return int64(v<<shift) >> shift
}

// decided evaluates a conditional jump from the flags; ok is false where they do not say.
func (f flags) decided(op x86asm.Op) (taken, ok bool) {
	if !f.known {
		return false, false
	}
	w := int(f.width)
	a, b := truncate(f.a, w), truncate(f.b, w)
	if f.test {
		r := a & b
		a, b = r, 0
	}
	sa, sb := signed(a, w), signed(b, w)
	switch op {
	case x86asm.JE:
		return a == b, true
	case x86asm.JNE:
		return a != b, true
	case x86asm.JB:
		return a < b, true
	case x86asm.JAE:
		return a >= b, true
	case x86asm.JBE:
		return a <= b, true
	case x86asm.JA:
		return a > b, true
	case x86asm.JL:
		return sa < sb, true
	case x86asm.JGE:
		return sa >= sb, true
	case x86asm.JLE:
		return sa <= sb, true
	case x86asm.JG:
		return sa > sb, true
	}
	return false, false
}
