package kcheck

import (
	"fmt"
	"sort"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// Rule names what a violation breaks.
type Rule string

// The rules (DESIGN §3).
const (
	RuleForbidden  Rule = "forbidden-runtime" // allocator, channels, maps, scheduler, … or a package that is not the kernel's
	RuleRecursion  Rule = "recursion"
	RuleIndirect   Rule = "indirect"   // a call, jump or return whose target is not known
	RulePrivileged Rule = "privileged" // a privileged instruction outside the arch package
	RuleStack      Rule = "stack"      // deeper than the kernel stack, or not computable
	RuleAVX        Rule = "avx"        // VEX or EVEX code that is not proven unreachable
	RuleInit       Rule = "init"       // a package initialiser with code
	RuleABI        Rule = "abi"        // assembly calls Go, or returns to it, without the registers that Go relies on
	RuleText       Rule = "text"       // too much reachable code
	RuleDecode     Rule = "decode"     // bytes that are no known instruction, or a function without an end
)

// Violation is one broken rule.
type Violation struct {
	Rule Rule
	Func string   // the function
	Addr uint64   // the instruction
	Line string   // dir/file.go:line of it
	Path []string // from an entry to the function, outermost first
	Msg  string
}

func (v Violation) String() string {
	text := fmt.Sprintf("%s: %s: %s: %s", v.Rule, v.Line, v.Func, v.Msg)
	for _, p := range v.Path {
		text += "\n\tvia " + p
	}
	return text
}

// Frame is one function on a deepest path with the bytes that it holds there, its callee's return address included.
type Frame struct {
	Name  string
	Bytes int
}

// Entry is one way into the kernel.
type Entry struct {
	Name    string
	Why     string  // how it is entered
	Arrival int     // bytes used on the stack that it is entered on
	Stack   int     // bytes used on the deepest stack that it runs on
	Path    []Frame // where those come from
}

// Range is a piece of text.
type Range struct {
	Addr uint64
	Len  int
}

// Block is code inside a reachable function that cannot be reached, such as the AVX part of memmove.
type Block struct {
	Range
	Func string
	AVX  bool // has VEX or EVEX instructions
}

// Report is what Check found.
type Report struct {
	Reachable   []*Func // functions that can run, by address
	Unreachable []*Func // functions that cannot
	TrapLeaves  []*Func // runtime functions that can be called; boot/image puts a CALL of the trap function at their start
	Blocks      []Block // unreachable code inside reachable functions
	Entries     []Entry // deepest first
	Deepest     int     // bytes of kernel stack needed, an exception on top of the deepest entry included
	StackLimit  int
	Live        int // bytes of reachable instructions; the limit is about them
	Bytes       int // size of the reachable functions, their unreachable blocks included
	LiveLimit   int
	Text        int      // size of the text section
	Insts       int      // reachable instructions
	Constant    []string // variables that the proof relies on never to be written
	Switches    []string // places that load the stack pointer afresh
	Excused     []string // functions that break the machine on purpose and were let off
	Violations  []Violation

	patches []Range
}

// report draws up the report; it applies the rules about the whole.
func (a *analysis) report() *Report {
	r := &Report{StackLimit: a.cfg.Stack, LiveLimit: a.cfg.Text, Text: int(a.img.text.end - a.img.text.start)}
	s := newStacks(a)
	s.recursion()
	var arrival int
	r.Entries, arrival = s.entries()
	r.Deepest = s.check(r.Entries, arrival)
	s.checkGuard()
	var all []Range
	for _, f := range a.img.funcs {
		switch fl := a.flows[f]; {
		case a.leaves[f]:
			r.TrapLeaves = append(r.TrapLeaves, f)
		case fl == nil:
			r.Unreachable = append(r.Unreachable, f)
		default:
			r.Reachable = append(r.Reachable, f)
			r.Bytes += int(f.Size)
			r.Insts += len(fl.in)
			live := a.liveRanges(fl)
			all = append(all, live...)
			r.Blocks = append(r.Blocks, a.deadBlocks(f, live)...)
		}
	}
	r.addPatches(a.img, a.flows, all)
	for _, l := range all {
		r.Live += l.Len
	}
	if r.Live > r.LiveLimit {
		f := a.roots[0].f
		a.violate(RuleText, f.Addr, f, "%d bytes of code are reachable, more than %d; the largest: %s", r.Live, r.LiveLimit, r.largest())
	}
	for addr := range a.assumed {
		if sym, ok := a.img.symbol(addr); ok && a.changes[addr] == "" {
			r.Constant = append(r.Constant, sym.name)
		}
	}
	sort.Strings(r.Constant)
	for addr := range a.switches {
		r.Switches = append(r.Switches, fmt.Sprintf("%s %s", a.img.function(addr).Name, a.img.line(addr)))
	}
	sort.Strings(r.Switches)
	for f := range a.excused {
		r.Excused = append(r.Excused, f.Name)
	}
	sort.Strings(r.Excused)
	r.Violations = a.sortedViolations()
	return r
}

// Largest lists the n largest reachable functions.
func (r *Report) Largest(n int) []*Func {
	sorted := append([]*Func(nil), r.Reachable...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Size > sorted[j].Size })
	return sorted[:min(n, len(sorted))]
}

// largest names the five largest functions.
func (r *Report) largest() string {
	const count = 5
	var parts []string
	for _, f := range r.Largest(count) {
		parts = append(parts, fmt.Sprintf("%s %d", f.Name, f.Size))
	}
	return strings.Join(parts, ", ")
}

// byPackage sums the functions' sizes, largest package first.
func byPackage(funcs []*Func) []string {
	sizes := map[string]int{}
	var names []string
	for _, f := range funcs {
		if sizes[f.Pkg] == 0 {
			names = append(names, f.Pkg)
		}
		sizes[f.Pkg] += int(f.Size)
	}
	sort.SliceStable(names, func(i, j int) bool { return sizes[names[i]] > sizes[names[j]] })
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = fmt.Sprintf("%s %d", name, sizes[name])
	}
	return out
}

// liveRanges merges the reachable instructions of a function.
func (a *analysis) liveRanges(fl *flow) []Range {
	var out []Range
	for _, addr := range fl.addrs() {
		in := a.decoded[addr]
		if in == nil {
			continue
		}
		if last := len(out) - 1; last >= 0 && out[last].Addr+uint64(out[last].Len) >= addr {
			out[last].Len = max(out[last].Len, int(in.next()-out[last].Addr))
			continue
		}
		out = append(out, Range{addr, in.Len})
	}
	return out
}

// deadBlocks lists what lies between the live ranges of f. A deferred call leaves a mark there: the block that recover
// would continue at.
func (a *analysis) deadBlocks(f *Func, live []Range) []Block {
	var out []Block
	at, end := f.Addr, f.Addr+f.Size
	for _, r := range append(live, Range{Addr: end}) {
		if r.Addr > at {
			b := Block{Range: Range{at, int(r.Addr - at)}, Func: f.Name}
			a.scanDead(f, &b)
			out = append(out, b)
		}
		at = max(at, r.Addr+uint64(r.Len))
	}
	return out
}

// scanDead looks through a dead block from its start on.
func (a *analysis) scanDead(f *Func, b *Block) {
	for at := b.Addr; at < b.Addr+uint64(b.Len); {
		in, err := decode(a.img.code(at), at)
		if err != nil {
			return
		}
		b.AVX = b.AVX || in.Vector
		if to, ok := rel32At(a.img.code(at), at); ok && in.Op == x86asm.CALL && a.cfg.isKernel(f.Pkg) {
			if g := a.img.function(to); g != nil && strings.HasPrefix(g.Name, "runtime.defer") {
				a.violate(RuleForbidden, at, f, "%s: defer", g.Name)
			}
		}
		at = in.next()
	}
}

// Err is nil if no rule is broken; else it names every violation.
func (r *Report) Err() error {
	if len(r.Violations) == 0 {
		return nil
	}
	parts := make([]string, len(r.Violations))
	for i, v := range r.Violations {
		parts[i] = v.String()
	}
	return fmt.Errorf("%d violations of ring-0 rules\n%s", len(parts), strings.Join(parts, "\n"))
}

// Patches lists the pieces of text that boot/image overwrites, each with a CALL of the trap function at its start (if that fits) and
// INT3 behind: every unreachable function, every trap leaf, every unreachable block of a reachable function, and the padding
// after functions. Sorted by address; pieces do not overlap.
func Patches(r *Report) []Range { return r.patches }

// addPatches computes Patches.
func (r *Report) addPatches(img *image, flows map[*Func]*flow, live []Range) {
	at, end := img.text.start, img.text.end
	piece := func(to uint64) {
		if to > at {
			r.patches = append(r.patches, Range{at, int(to - at)})
			at = to
		}
	}
	for i, f := range img.funcs {
		if f.Addr < at { // an alias, or a label in another function
			continue
		}
		next := end
		if i+1 < len(img.funcs) {
			next = img.funcs[i+1].Addr
		}
		piece(f.Addr)
		for ; len(live) > 0 && live[0].Addr < f.Addr+f.Size; live = live[1:] {
			piece(live[0].Addr)
			at = max(at, live[0].Addr+uint64(live[0].Len))
		}
		if flows[f] != nil {
			piece(f.Addr + f.Size)
		}
		piece(next)
	}
	piece(end)
}

// String prints the report for `make kcheck`.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "functions reachable %d, trapped runtime functions %d, unreachable %d\n", len(r.Reachable), len(r.TrapLeaves), len(r.Unreachable))
	fmt.Fprintf(&b, "reachable code %d bytes of %d allowed (%d instructions in functions of %d bytes; text section %d bytes)\n",
		r.Live, r.LiveLimit, r.Insts, r.Bytes, r.Text)
	fmt.Fprintf(&b, "functions by package: %s\n", strings.Join(byPackage(r.Reachable), ", "))
	fmt.Fprintf(&b, "kernel stack needed %d bytes of %d, an exception on top included\n", r.Deepest, r.StackLimit)
	for _, e := range r.Entries {
		fmt.Fprintf(&b, "entry %s (%s): %d bytes", e.Name, e.Why, e.Stack)
		if e.Arrival != e.Stack {
			fmt.Fprintf(&b, ", %d on the stack it arrives on", e.Arrival)
		}
		fmt.Fprintf(&b, "\n\t%s\n", formatFrames(e.Path))
	}
	for _, name := range r.Constant {
		fmt.Fprintf(&b, "never written: %s\n", name)
	}
	for _, s := range r.Switches {
		fmt.Fprintf(&b, "switches stack: %s\n", s)
	}
	for _, s := range r.Excused {
		fmt.Fprintf(&b, "breaks the machine on purpose: %s\n", s)
	}
	for _, f := range r.TrapLeaves {
		fmt.Fprintf(&b, "trapped: %s\n", f.Name)
	}
	blocks, bytes := 0, 0
	for _, d := range r.Blocks {
		blocks, bytes = blocks+1, bytes+d.Len
		if d.AVX {
			fmt.Fprintf(&b, "AVX block overwritten: %s %#x +%d\n", d.Func, d.Addr, d.Len)
		}
	}
	patched := 0
	for _, p := range Patches(r) {
		patched += p.Len
	}
	fmt.Fprintf(&b, "overwritten with traps: %d bytes, of them %d in %d blocks of reachable functions\n", patched, bytes, blocks)
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "VIOLATION %s\n", v)
	}
	return b.String()
}
