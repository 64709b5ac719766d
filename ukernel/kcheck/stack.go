package kcheck

import (
	"fmt"
	"sort"
	"strings"
)

// hardwareFrame is what the processor pushes before an exception's stub runs: SS, RSP, flags, CS, RIP, error code and
// up to 8 bytes of alignment (SDM Vol. 3A §6.14.2).
const hardwareFrame = 7 * word

// depths is the deepest use of stack in one function and everything that it calls, on one stack.
type depths struct {
	bytes int
	via   *edge // the call or jump that it comes from; nil: the function itself
}

// stacks computes depths over the call graph.
type stacks struct {
	a     *analysis
	out   map[*Func][]edge
	frame map[*Func]frame
	rel   map[*Func]depths
	guard map[*Func]int
}

// frame is the deepest use of stack in a function itself: on the stack that it is entered on, and on one that it switches to.
type frame struct {
	rel, abs int
	switches bool
}

// newStacks prepares the computation.
func newStacks(a *analysis) *stacks {
	s := &stacks{a: a, out: map[*Func][]edge{}, frame: map[*Func]frame{}, guard: map[*Func]int{}}
	for _, e := range a.edges {
		s.out[e.from] = append(s.out[e.from], e)
	}
	for _, edges := range s.out {
		sort.Slice(edges, func(i, j int) bool { return edges[i].site < edges[j].site })
	}
	for f := range a.flows {
		s.frame[f] = s.own(f)
	}
	s.solve(0)
	if a.cfg.Trap != "" {
		s.solve(word + s.rel[a.named(a.cfg.Trap)].bytes)
	}
	return s
}

// solve computes the deepest use from each function's entry on, on the stack that it is entered on. trap is what an overwritten
// runtime function needs. Rounds are bounded, since recursion, which is reported elsewhere, would never settle.
func (s *stacks) solve(trap int) {
	s.rel = map[*Func]depths{}
	for f := range s.a.leaves {
		s.rel[f] = depths{bytes: trap}
	}
	for f := range s.a.flows {
		s.rel[f] = depths{bytes: s.frame[f].rel}
	}
	for range len(s.a.flows) {
		changed := false
		for _, f := range s.a.img.funcs { // in order, so that equals are decided the same way each time
			d := s.rel[f]
			for i := range s.out[f] {
				if e := &s.out[f][i]; e.depth.hasRel {
					d.consider(e, int(e.depth.rel), s.rel[e.to])
				}
			}
			changed = changed || d != s.rel[f]
			s.rel[f] = d
		}
		if !changed {
			return
		}
	}
}

// own finds the deepest use in f itself.
func (s *stacks) own(f *Func) (out frame) {
	fl := s.a.flows[f]
	for addr, st := range fl.in {
		in := s.a.decoded[addr]
		if in == nil {
			continue
		}
		for _, d := range []depth{st.depth, st.step(s.a, in).depth} {
			if d.hasRel {
				out.rel = max(out.rel, int(d.rel))
			}
			if d.hasAbs {
				out.abs, out.switches = max(out.abs, int(d.abs)), true
			}
		}
	}
	return out
}

// absolute is the deepest use on the stacks that f itself switches to.
func (s *stacks) absolute(f *Func) (depths, bool) {
	d := depths{bytes: s.frame[f].abs}
	for i := range s.out[f] {
		e := &s.out[f][i]
		if e.depth.hasAbs {
			d.consider(e, int(e.depth.abs), s.rel[e.to])
		}
	}
	return d, s.frame[f].switches
}

// consider takes an edge into account.
func (d *depths) consider(e *edge, at int, to depths) {
	n := at + to.bytes
	if e.call {
		n += word
	}
	if n > d.bytes {
		d.bytes, d.via = n, e
	}
}

// path spells out where a depth comes from.
func (s *stacks) path(f *Func, d depths) []Frame {
	var out []Frame
	for range len(s.a.reached) {
		if d.via == nil {
			return append(out, Frame{Name: f.Name, Bytes: d.bytes})
		}
		next := s.rel[d.via.to]
		out = append(out, Frame{Name: f.Name, Bytes: d.bytes - next.bytes})
		f, d = d.via.to, next
	}
	return out
}

// entries computes the deepest stack of every entry: of roots that nothing calls, and of every function that switches stacks.
func (s *stacks) entries() (entries []Entry, arrival int) {
	called := map[*Func]bool{}
	for _, e := range s.a.edges {
		called[e.to] = true
	}
	for _, r := range s.a.roots {
		if s.a.flows[r.f] == nil || called[r.f] && r.why != "ELF entry" {
			continue
		}
		rel := s.rel[r.f]
		entry := Entry{Name: r.f.Name, Why: r.why, Arrival: rel.bytes}
		if best, top := s.switched(r.f); best != nil {
			entry.Stack, entry.Path = top.bytes, s.path(best, top)
		} else {
			entry.Stack, entry.Path = rel.bytes, s.path(r.f, rel)
		}
		if r.why != "ELF entry" {
			arrival = max(arrival, rel.bytes)
		}
		entries = append(entries, entry)
	}
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].Stack > entries[j].Stack })
	return entries, arrival
}

// switched finds the deepest use of a stack that something reachable from f switches to.
func (s *stacks) switched(f *Func) (best *Func, top depths) {
	seen := map[*Func]bool{f: true}
	for todo := []*Func{f}; len(todo) > 0; todo = todo[1:] {
		g := todo[0]
		if d, ok := s.absolute(g); ok && (best == nil || d.bytes > top.bytes) {
			best, top = g, d
		}
		for _, e := range s.out[g] {
			if !seen[e.to] && s.a.flows[e.to] != nil {
				seen[e.to] = true
				todo = append(todo, e.to)
			}
		}
	}
	return best, top
}

// Distances of the stack check that compiled Go makes on entry (internal/abi: StackGuard, StackSmall): a function that
// checks must find its frame, but for the last 128 bytes, 928 bytes above the stack's lower end.
const (
	stackGuard = 928
	stackSmall = 128
)

// unguarded is how deep the stack may be, at most, where a function reachable from f by calls checks it; -1 if none does.
func (s *stacks) unguarded(f *Func) int {
	if d, ok := s.guard[f]; ok {
		return d
	}
	s.guard[f] = -1 // cuts cycles
	deepest := -1
	for i := range s.out[f] {
		e := &s.out[f][i]
		if strings.HasPrefix(e.to.Name, "runtime.morestack") {
			deepest = max(deepest, s.frame[f].rel-stackSmall, 0)
			continue
		}
		if below := s.unguarded(e.to); below >= 0 && e.depth.hasRel {
			deepest = max(deepest, int(e.depth.rel)+word+below)
		}
	}
	s.guard[f] = deepest
	return deepest
}

// checkGuard refuses calls so deep that a stack check would fail although there is room.
func (s *stacks) checkGuard() {
	for f := range s.a.flows {
		depth, from := s.unguarded(f), f
		for i := range s.out[f] { // on stacks that f switches to
			e := &s.out[f][i]
			if below := s.unguarded(e.to); below >= 0 && e.depth.hasAbs {
				depth = max(depth, int(e.depth.abs)+word+below)
			}
		}
		if depth >= s.a.cfg.Stack-stackGuard {
			s.a.violateOnce(RuleStack, from.Addr, from, "calls %d bytes deep into a function that checks its stack, which fails within %d bytes of the %d",
				depth, stackGuard, s.a.cfg.Stack)
		}
	}
}

// check applies the stack limit: the deepest entry plus an exception on top of it, which finds its own stack later.
func (s *stacks) check(entries []Entry, arrival int) (deepest int) {
	exception := 0
	if arrival > 0 {
		exception = hardwareFrame + arrival
	}
	for _, e := range entries {
		need := e.Stack + exception
		deepest = max(deepest, need)
		if need > s.a.cfg.Stack {
			f := s.a.named(e.Name)
			s.a.violate(RuleStack, f.Addr, f, "needs %d bytes of stack (%d with an exception on top), more than %d: %s",
				e.Stack, need, s.a.cfg.Stack, formatFrames(e.Path))
		}
	}
	return deepest
}

func formatFrames(path []Frame) string {
	parts := make([]string, len(path))
	for i, f := range path {
		parts[i] = fmt.Sprintf("%s %d", f.Name, f.Bytes)
	}
	return strings.Join(parts, " → ")
}

// recursion refuses cycles in the call graph (Tarjan's components). Jumps between assembly functions may form loops as long as they
// leave the stack where it was.
func (s *stacks) recursion() {
	t := &tarjan{s: s, index: map[*Func]int{}, low: map[*Func]int{}, on: map[*Func]bool{}, component: map[*Func]int{}}
	for _, f := range s.a.img.funcs {
		if s.a.flows[f] != nil && t.index[f] == 0 {
			t.visit(f)
		}
	}
	var bad []edge
	for _, e := range s.a.edges {
		if s.a.cfg.crashes(e.from) {
			continue
		}
		grows := e.call || e.depth.hasRel && e.depth.rel != 0
		if grows && t.component[e.from] != 0 && t.component[e.from] == t.component[e.to] {
			bad = append(bad, e)
		}
	}
	sort.Slice(bad, func(i, j int) bool { return bad[i].site < bad[j].site })
	done := map[int]bool{}
	for _, e := range bad {
		if c := t.component[e.from]; !done[c] {
			done[c] = true
			s.a.violate(RuleRecursion, e.site, e.from, "recursion: %s", strings.Join(t.cycle(e), " → "))
		}
	}
}

// tarjan finds strongly connected components.
type tarjan struct {
	s         *stacks
	index     map[*Func]int
	low       map[*Func]int
	on        map[*Func]bool
	stack     []*Func
	component map[*Func]int
	count     int
}

func (t *tarjan) visit(f *Func) {
	n := len(t.index) + 1
	t.index[f], t.low[f], t.on[f] = n, n, true
	t.stack = append(t.stack, f)
	for _, e := range t.s.out[f] {
		if t.s.a.flows[e.to] == nil {
			continue
		}
		if t.index[e.to] == 0 {
			t.visit(e.to)
			t.low[f] = min(t.low[f], t.low[e.to])
		} else if t.on[e.to] {
			t.low[f] = min(t.low[f], t.index[e.to])
		}
	}
	if t.low[f] != t.index[f] {
		return
	}
	t.count++
	for {
		g := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.on[g], t.component[g] = false, t.count
		if g == f {
			return
		}
	}
}

// cycle finds a shortest way back from e's target to its source, inside their component.
func (t *tarjan) cycle(e edge) []string {
	from := map[*Func]*Func{e.to: nil}
	for todo := []*Func{e.to}; len(todo) > 0; todo = todo[1:] {
		for _, next := range t.s.out[todo[0]] {
			if _, seen := from[next.to]; !seen && t.component[next.to] == t.component[e.to] {
				from[next.to] = todo[0]
				todo = append(todo, next.to)
			}
		}
	}
	var names []string
	for f := e.from; f != nil; f = from[f] {
		names = append([]string{f.Name}, names...)
	}
	return append([]string{e.from.Name}, names...)
}
