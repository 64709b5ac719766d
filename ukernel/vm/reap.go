package vm

import "aramid/ukernel/arch"

// What waits to be destroyed, newest first.
var (
	deadSpaces   *Space
	emptySpaces  *Space // destroyed but for the root, which some CPU has loaded
	deadMemories *Memory
)

// Reap does a bounded piece of destroying dead spaces and memory objects; more: there is more that can be done now. Release
// does one piece; whoever has time (an idle CPU) or needs memory calls again. A dead space that a CPU has loaded keeps its
// page-table root until that CPU has switched; Reap kicks it.
func Reap() (more bool) {
	if deadSpaces == nil && deadMemories == nil && emptySpaces == nil {
		return false
	}
	budget := uint64(piece)
	for s := deadSpaces; s != nil && s.destroy(&budget); s = deadSpaces {
		deadSpaces = s.nextDead
		s.nextDead = emptySpaces
		emptySpaces = s
	}
	for at := &emptySpaces; *at != nil; {
		s := *at
		if !s.unload() {
			at = &s.nextDead
			continue
		}
		*at = s.nextDead
		spaces.Put(s, s.Stop())
	}
	for m := deadMemories; m != nil && m.destroy(&budget); m = deadMemories {
		deadMemories = m.nextDead
		memories.Put(m, m.Stop())
	}
	flush()
	return deadMemories != nil || deadSpaces != nil
}

// destroy frees regions and pages within the budget; true: there are none left.
func (s *Space) destroy(budget *uint64) bool {
	for r := s.first; r != nil; r = s.first {
		if *budget == 0 {
			return false
		}
		before := r.resident
		if s.zap(r, r.va, r.end, *budget) != r.end {
			*budget = 0
			return false
		}
		*budget -= min(before+1, *budget)
		s.mapped -= r.end - r.va
		s.discardNode(r)
	}
	return true
}

// unload frees the page-table root of an empty dead space; false: a CPU has it loaded still. That may be this one: what it
// loads next is the scheduler's business, and Switch comes back here.
func (s *Space) unload() bool {
	if s.cpus != 0 {
		for c := range arch.CPUs() {
			if s.cpus>>c&1 != 0 && c != arch.CPU() {
				arch.Kick(c)
			}
		}
		return false
	}
	root := s.pt.root
	s.pt = radix{}
	freeRoot(root)
	return true
}

// destroy frees frames within the budget; true: there are none left.
func (m *Memory) destroy(budget *uint64) bool {
	n := m.pages()
	for i := uint64(0); m.index.root != 0; {
		if *budget == 0 {
			return false
		}
		leaf, at := m.index.next(i, n)
		if leaf == 0 {
			break
		}
		i = leafEnd(at, n)
		m.dropLeaf(leaf, at, i)
		*budget -= min(i-at, *budget)
	}
	return true
}
