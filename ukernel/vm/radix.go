package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
)

const (
	pageShift = 12
	pageMask  = arch.PageSize - 1
	nodeBits  = 9 // log2 of the words of a node
	nodeWords = 1 << nodeBits
	nodeMask  = nodeWords - 1
	ptLevels  = 4  // levels of a page table
	shiftMask = 63 // all shifts are below: said to the compiler, so that it need not check
	nodeLink  = arch.PTEPresent | arch.PTEWrite | arch.PTEUser
)

// radix maps page numbers to words: a page table (4 levels) or the index of a memory object (as many as it needs). A leaf
// is a node of level 1. A node's frame has 1 + (words in use) references.
type radix struct {
	root   uint64 // physical address of the top node; 0 none
	levels uint   // nodes on the way from the root to a leaf, both included
	near   uint64 // which pages the leaf found last is for: their number >> nodeBits, plus 1; 0 none
	found  uint64 // that leaf
}

// covers reports whether page number i fits the present height.
func (t *radix) covers(i uint64) bool { return t.root != 0 && i>>(t.levels*nodeBits&shiftMask) == 0 }

// leaf returns the leaf for page i, or 0.
func (t *radix) leaf(i uint64) uint64 {
	if i>>nodeBits+1 == t.near {
		return t.found
	}
	return t.descend(i)
}

// descend is leaf from the root down.
func (t *radix) descend(i uint64) uint64 {
	if !t.covers(i) {
		return 0
	}
	n := t.root
	for sh := (t.levels - 1) * nodeBits; sh > 0; sh -= nodeBits {
		n = frame.Words(n)[i>>(sh&shiftMask)&nodeMask] & arch.PTEFrame
		if n == 0 {
			return 0
		}
	}
	t.near, t.found = i>>nodeBits+1, n
	return n
}

// get returns the word of page i, or nil when its leaf does not exist.
func (t *radix) get(i uint64) *uint64 {
	n := t.leaf(i)
	if n == 0 {
		return nil
	}
	return &frame.Words(n)[i&nodeMask]
}

// need returns the leaf for page i, making it if needed; 0 when there is no memory. A new leaf is empty: the caller uses it at
// once, or prunes, as it does after a 0.
func (t *radix) need(i uint64, a *object.Account) uint64 {
	if !t.raise(i, a) {
		return 0
	}
	n := t.root
	for sh := (t.levels - 1) * nodeBits; sh > 0; sh -= nodeBits {
		w := &frame.Words(n)[i>>sh&nodeMask]
		if *w == 0 {
			pa, ok := a.AllocKernelFrame()
			if !ok {
				return 0
			}
			*w = pa | nodeLink
			frame.AddRefs(n, 1)
		}
		n = *w & arch.PTEFrame
	}
	return n
}

// raise adds levels on top until page i is covered.
func (t *radix) raise(i uint64, a *object.Account) bool {
	for !t.covers(i) {
		pa, ok := a.AllocKernelFrame()
		if !ok {
			return false
		}
		if t.root != 0 {
			frame.Words(pa)[0] = t.root | nodeLink
			frame.AddRefs(pa, 1)
			t.root = pa
			t.levels++
			continue
		}
		t.root, t.levels = pa, 1
		for i>>(t.levels*nodeBits) != 0 {
			t.levels++
		}
	}
	return true
}

// prune frees the empty nodes on the way to page i and reports whether there were any. The root of a page table never
// counts as empty (NewSpace gives it one reference more).
func (t *radix) prune(i uint64) bool {
	pruned := false
	for t.covers(i) {
		var up *uint64 // the word that leads to n
		parent, n := uint64(0), t.root
		for sh := (t.levels - 1) * nodeBits; sh > 0; sh -= nodeBits {
			w := &frame.Words(n)[i>>sh&nodeMask]
			if *w == 0 {
				break
			}
			up, parent, n = w, n, *w&arch.PTEFrame
		}
		if frame.Refs(n) != 1 {
			return pruned
		}
		pruned = true
		t.near = 0
		drop(n)
		if up == nil {
			t.root, t.levels = 0, 0
			return true
		}
		*up = 0
		frame.Unref(parent)
	}
	return pruned
}

// next returns the first leaf that exists for a page in [i, end), and the first such page; 0 when there is none. Absent
// subtrees are skipped whole.
func (t *radix) next(i, end uint64) (leaf, at uint64) {
	for i < end && t.covers(i) {
		n := t.root
		sh := (t.levels - 1) * nodeBits
		for sh > 0 {
			w := frame.Words(n)[i>>sh&nodeMask]
			if w == 0 {
				break
			}
			n = w & arch.PTEFrame
			sh -= nodeBits
		}
		if sh == 0 {
			return n, i
		}
		i = (i>>sh + 1) << sh
	}
	return 0, end
}

// leafEnd is the end of the pages that the leaf of page i holds, or end if that comes first.
func leafEnd(i, end uint64) uint64 { return min(i|nodeMask+1, end) }
