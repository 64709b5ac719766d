package kcheck

import (
	"fmt"
	"sort"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// itabFun is the offset of an itab's first method (internal/abi.ITab.Fun).
const itabFun = 24

// edge is a way from one function to another.
type edge struct {
	from, to *Func
	site     uint64 // the instruction
	call     bool   // pushes a return address
	depth    depth  // at the instruction
}

// step is how a function was first reached.
type step struct {
	from *Func
	site uint64
	why  string // for roots
}

// root is a function that something outside compiled code can enter.
type root struct {
	f   *Func
	why string
}

// methodCall is an indirect call through an itab.
type methodCall struct {
	from *Func
	site uint64
	off  int64
	call bool
	at   depth
}

// analysis is one Check.
type analysis struct {
	img     *image
	cfg     *Config
	decoded map[uint64]*inst
	// changes names the variables that are not constant, by start address, with the reason. It grows from round to round.
	changes map[uint64]string
	round
}

// round is what one exploration under the present assumptions found.
type round struct {
	flows      map[*Func]*flow
	queue      []*Func
	reached    map[*Func]step
	roots      []root
	edges      map[edgeKey]edge
	leaves     map[*Func]bool // trap leaves that are called
	assumed    map[uint64]bool
	broken     map[uint64]string // variables that turned out to change
	data       map[uint64]bool   // pieces of data that are reachable
	itabs      []symbol
	methods    []methodCall
	violations map[violationKey]Violation
	switches   map[uint64]bool // instructions that load the stack pointer afresh
	excused    map[*Func]bool  // functions that break the machine on purpose and were let off a rule
}

type edgeKey struct {
	site uint64
	to   *Func
}

type violationKey struct {
	rule Rule
	addr uint64
}

// Check verifies the linked kernel at elfPath. The report is there even if rules are broken; the error then is the report's
// Err. A file that cannot be read gives no report.
func Check(elfPath string, config Config) (*Report, error) {
	img, err := loadImage(elfPath)
	if err != nil {
		return nil, err
	}
	cfg := config.withDefaults()
	a := &analysis{img: img, cfg: &cfg, decoded: map[uint64]*inst{}, changes: map[uint64]string{}}
	for {
		if err := a.explore(); err != nil {
			return nil, fmt.Errorf("%s: %w", elfPath, err)
		}
		known := len(a.changes)
		for addr, why := range a.broken {
			if a.assumed[addr] {
				a.changes[addr] = why
			}
		}
		if len(a.changes) == known {
			break
		}
	}
	a.checkInits()
	report := a.report()
	return report, report.Err()
}

// explore visits everything reachable under the present assumptions.
func (a *analysis) explore() error {
	a.round = round{
		flows: map[*Func]*flow{}, reached: map[*Func]step{}, edges: map[edgeKey]edge{}, leaves: map[*Func]bool{}, assumed: map[uint64]bool{},
		broken: map[uint64]string{}, data: map[uint64]bool{}, violations: map[violationKey]Violation{},
		switches: map[uint64]bool{}, excused: map[*Func]bool{},
	}
	if err := a.addEntries(); err != nil {
		return err
	}
	for done := map[[2]uint64]bool{}; ; {
		for len(a.queue) > 0 {
			f := a.queue[0]
			a.queue = a.queue[1:]
			a.flows[f].queued = false
			a.interpret(a.flows[f])
			a.collect(a.flows[f])
		}
		if !a.callMethods(done) {
			return nil
		}
	}
}

// addEntries makes the configured entries roots.
func (a *analysis) addEntries() error {
	entry := a.img.function(a.img.entry)
	if a.cfg.Entry != "" {
		entry = a.named(a.cfg.Entry)
	}
	if entry == nil {
		return fmt.Errorf("no function at the entry point %#x %s", a.img.entry, a.cfg.Entry)
	}
	a.addRoot(entry.Addr, "ELF entry")
	for _, name := range a.cfg.Entries {
		f := a.named(name)
		if f == nil {
			return fmt.Errorf("no entry function %s", name)
		}
		a.addRoot(f.Addr, "named entry")
	}
	if a.cfg.Trap != "" {
		f := a.named(a.cfg.Trap)
		if f == nil {
			return fmt.Errorf("no trap function %s", a.cfg.Trap)
		}
		a.addRoot(f.Addr, trapRoot)
	}
	return nil
}

// trapRoot is why the trap function is an entry.
const trapRoot = "called by overwritten runtime functions"

// named finds a function, preferring the assembly behind a wrapper.
func (a *analysis) named(name string) *Func {
	if f := a.img.byName[name+".abi0"]; f != nil {
		return f
	}
	return a.img.byName[name]
}

// addRoot makes the code at addr an entry. A table of stubs gets all of its addresses.
func (a *analysis) addRoot(addr uint64, why string) {
	f := a.img.function(addr)
	known := false
	for _, r := range a.roots {
		known = known || r.f == f
	}
	if !known {
		a.roots = append(a.roots, root{f, why})
	}
	a.enter(f, addr, step{why: why}, 0)
	for _, t := range a.cfg.Stubs {
		if baseName(f.Name) == t.Symbol && addr == f.Addr {
			if rest := int(f.Size) - t.Stride*t.Count; rest < 0 || rest >= t.Stride {
				a.violate(RuleIndirect, f.Addr, f, "%d stubs of %d bytes are configured, but the table has %d bytes", t.Count, t.Stride, f.Size)
				return
			}
			for i := range t.Count {
				a.enter(f, f.Addr+uint64(i*t.Stride), step{why: why}, 0)
			}
		}
	}
}

// enter makes f reachable at addr, unless policy stops there. Nothing is ready in code that the hardware enters; compiled Go
// takes it for granted, which addEdge checks.
func (a *analysis) enter(f *Func, addr uint64, by step, holds ready) {
	if !f.Asm {
		holds = readyGo
	}
	if _, ok := a.reached[f]; !ok {
		a.reached[f] = by
	}
	switch v, why := a.cfg.policy(f); v {
	case trapLeaf:
		a.leaves[f] = true
		return
	case forbidden:
		a.violate(RuleForbidden, f.Addr, f, "%s: %s", f.Name, why)
		return
	}
	fl := a.flows[f]
	if fl == nil {
		fl = &flow{f: f, seeds: map[uint64]ready{}}
		a.flows[f] = fl
	}
	if old, seeded := fl.seeds[addr]; !seeded || old&holds != old {
		if seeded {
			holds &= old
		}
		fl.seeds[addr] = holds
		if !fl.queued {
			fl.queued = true
			a.queue = append(a.queue, f)
		}
	}
}

// decode decodes the instruction at addr, once.
func (a *analysis) decode(addr uint64) (*inst, error) {
	if in := a.decoded[addr]; in != nil {
		return in, nil
	}
	in, err := decode(a.img.code(addr), addr)
	if err == nil {
		a.decoded[addr] = in
	}
	return in, err
}

// collect draws the conclusions from an interpreted function.
func (a *analysis) collect(fl *flow) {
	for _, addr := range fl.addrs() {
		s := fl.in[addr]
		in, err := a.decode(addr)
		if err != nil {
			a.violate(RuleDecode, addr, fl.f, "cannot be decoded: %v", err)
			continue
		}
		if fl.uneven[addr] {
			a.violateOnce(RuleStack, addr, fl.f, "paths meet here with different amounts of stack in use")
		}
		a.checkInst(fl.f, &s, in)
		a.references(fl.f, &s, in)
		a.follow(fl.f, &s, in)
	}
}

// checkInst applies the rules about single instructions.
func (a *analysis) checkInst(f *Func, s *state, in *inst) {
	if in.Vector {
		a.violateOnce(RuleAVX, in.Addr, f, "AVX instruction %s is reachable%s", in.Name, a.guards(f))
	}
	if in.Privileged && !a.cfg.isArch(f.Pkg) {
		a.violate(RulePrivileged, in.Addr, f, "privileged instruction %s outside %s", in.Name, a.cfg.Arch)
	}
	if !s.depth.hasRel && !s.depth.hasAbs {
		a.violate(RuleStack, in.Addr, f, "the stack pointer is not known here")
	}
	if s.depth.rel > maxDepth || s.depth.abs > maxDepth {
		a.violate(RuleStack, in.Addr, f, "the stack grows in a loop")
	}
	if s.depth.hasRel && s.depth.rel < 0 && !a.cfg.isArch(f.Pkg) {
		a.violate(RuleStack, in.Addr, f, "the stack pointer is above the return address")
	}
	probe := *s
	probe.depth = depth{hasRel: true}
	if probe.step(a, in).depth.hasAbs {
		a.switches[in.Addr] = true
		if !a.cfg.isArch(f.Pkg) {
			a.violate(RuleStack, in.Addr, f, "switches the stack outside %s", a.cfg.Arch)
		}
	}
	if abi0 := strings.HasSuffix(f.Name, ".abi0"); in.Op == x86asm.RET && f.Asm && !abi0 && a.flows[f].holds()&^s.ready != 0 {
		a.violate(RuleABI, in.Addr, f, "returns to Go with another X15 or R14")
	}
	if in.Op == x86asm.RET && (s.depth.rel != 0 || s.depth.hasAbs) {
		a.violate(RuleIndirect, in.Addr, f, "RET does not return to the caller: the stack pointer has moved")
	}
}

// guards names the variables that would keep f's AVX blocks shut, had nothing written them.
func (a *analysis) guards(f *Func) string {
	text := ""
	for _, addr := range a.flows[f].addrs() {
		in := a.decoded[addr]
		if in == nil || in.Shim {
			continue
		}
		for _, arg := range in.Args {
			m, ok := arg.(x86asm.Mem)
			if !ok || m.Base != x86asm.RIP {
				continue
			}
			sym, _ := a.img.symbol(in.next() + uint64(m.Disp))
			if why := a.changes[sym.start]; why != "" && text == "" {
				text = fmt.Sprintf(": its guard %s is not constant, %s", sym.name, why)
			}
		}
	}
	return text
}

// follow adds what in transfers control to.
func (a *analysis) follow(f *Func, s *state, in *inst) {
	t := a.transfer(f, s, in)
	if t.broken != "" {
		a.violate(RuleIndirect, in.Addr, f, "%s: %s", in.Name, t.broken)
	}
	if t.falls && !f.contains(in.next()) {
		a.violate(RuleDecode, in.Addr, f, "runs off the end of the function")
	}
	for _, to := range t.calls {
		a.addEdge(f, s, in.Addr, to, true)
	}
	for _, to := range t.jumps {
		a.addEdge(f, s, in.Addr, to, false)
	}
	if t.method != 0 {
		a.methods = append(a.methods, methodCall{f, in.Addr, t.method, !t.jumped, s.depth})
	}
}

// addEdge records a transfer to another function (or a recursive one) and makes that reachable.
func (a *analysis) addEdge(from *Func, s *state, site, to uint64, call bool) {
	f := a.img.function(to)
	if f == nil {
		a.violate(RuleIndirect, site, from, "leaves the text section for %#x", to)
		return
	}
	a.edges[edgeKey{site, f}] = edge{from, f, site, call, s.depth}
	if v, _ := a.cfg.policy(f); from.Asm && !f.Asm && s.ready != readyGo && v == ordinary {
		a.violate(RuleABI, site, from, "%s is compiled Go and wants X15 zero and g in R14; not both are set on every path here", f.Name)
	}
	a.enter(f, to, step{from: from, site: site}, s.ready)
}

// callMethods resolves calls through itabs over the itabs that are reachable, and reports whether that led anywhere new.
func (a *analysis) callMethods(done map[[2]uint64]bool) bool {
	found := false
	for i := 0; i < len(a.methods); i++ {
		m := a.methods[i]
		for _, itab := range a.itabs {
			key := [2]uint64{m.site, itab.start}
			if done[key] || itab.start+uint64(m.off)+word > itab.end {
				continue
			}
			done[key], found = true, true
			if to, _ := a.img.load(itab.start+uint64(m.off), word); a.img.function(to) != nil {
				a.addEdge(m.from, &state{depth: m.at, ready: readyGo}, m.site, to, m.call)
			}
		}
	}
	return found
}

// violate records a broken rule once per place.
func (a *analysis) violate(rule Rule, addr uint64, f *Func, format string, args ...any) {
	if a.cfg.crashes(f) && (rule == RuleRecursion || rule == RuleStack || rule == RuleIndirect) {
		a.excused[f] = true
		return
	}
	key := violationKey{rule, addr}
	if _, ok := a.violations[key]; ok {
		return
	}
	a.violations[key] = Violation{Rule: rule, Func: f.Name, Addr: addr, Msg: fmt.Sprintf(format, args...)}
}

// violateOnce records a broken rule for the first place in a function.
func (a *analysis) violateOnce(rule Rule, addr uint64, f *Func, format string, args ...any) {
	for key := range a.violations {
		if key.rule == rule && f.contains(key.addr) {
			return
		}
	}
	a.violate(rule, addr, f, format, args...)
}

// path gives the way from an entry to f, outermost first.
func (a *analysis) path(f *Func) []string {
	var out []string
	for f != nil {
		by, ok := a.reached[f]
		switch {
		case !ok:
			out = append(out, f.Name)
		case by.from == nil:
			out = append(out, fmt.Sprintf("%s (%s)", f.Name, by.why))
		default:
			out = append(out, fmt.Sprintf("%s (called at %s)", f.Name, a.img.line(by.site)))
		}
		f = by.from
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// checkInits refuses package initialisers of the kernel's packages: nothing runs them in ring 0.
func (a *analysis) checkInits() {
	tasks, ok := a.img.named["go:main.inittasks"]
	if !ok {
		return
	}
	const header = 8 // internal/runtime: state uint32, nfns uint32, then the functions
	for at := tasks.start; at < tasks.end; at += word {
		task, _ := a.img.load(at, word)
		n, ok := a.img.load(task+header/2, header/2)
		for i := range n {
			pc, _ := a.img.load(task+header+i*word, word)
			f := a.img.function(pc)
			if ok && f != nil && a.cfg.isKernel(f.Pkg) {
				a.violate(RuleInit, f.Addr, f, "package %s has an initialiser with code, which nothing runs in ring 0", f.Pkg)
			}
		}
	}
}

// sortedViolations lists the violations in the order of their rules and addresses, with paths.
func (a *analysis) sortedViolations() []Violation {
	var out []Violation
	for _, v := range a.violations {
		v.Path, v.Line = a.path(a.img.function(v.Addr)), a.img.line(v.Addr)
		out = append(out, v)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Rule != out[j].Rule {
			return out[i].Rule < out[j].Rule
		}
		return out[i].Addr < out[j].Addr
	})
	return out
}
