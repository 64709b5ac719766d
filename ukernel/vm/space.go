package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// maxCPUs is the number of CPUs that arch supports.
const maxCPUs = 8

// Space is an address space: user addresses [MinUser, MaxUser).
type Space struct {
	object.Header
	pt       radix
	tree     *region // treap by address
	first    *region // in address order
	last     *region
	hint     *region // where the last fault was
	cpus     uint64  // CPUs that have it loaded
	mapped   uint64  // bytes
	resident uint64  // page-table entries in use
	nextDead *Space
}

var (
	spaces Pool[Space]
	loaded [maxCPUs]*Space // per CPU; nil before the first Switch
	kernel *Space          // no user mappings
)

// Pool is object.Pool.
type Pool[T any] = object.Pool[T]

// Init makes the kernel's own space, which Switch loads for nil. Once, after frame.Init and object.Init. ErrNoMem.
func Init() uabi.Error {
	spaces, memories, regions = Pool[Space]{}, Pool[Memory]{}, Pool[region]{}
	loaded = [maxCPUs]*Space{}
	deadSpaces, emptySpaces, deadMemories, lastShot = nil, nil, nil, 0
	s, err := NewSpace(nil)
	kernel = s
	return err
}

// NewSpace makes an empty space with one reference, charged to a. ErrNoMem.
func NewSpace(a *object.Account) (*Space, uabi.Error) {
	s := spaces.Get(a)
	if s == nil {
		return nil, uabi.ErrNoMem
	}
	root, ok := a.AllocKernelFrame()
	if !ok {
		spaces.Put(s, a)
		return nil, uabi.ErrNoMem
	}
	frame.AddRefs(root, 1) // never pruned
	arch.KernelRoot(root)
	s.pt = radix{root: root, levels: ptLevels}
	s.Start(uabi.TypeSpace, a)
	return s, uabi.OK
}

// Release drops a reference; the last one leaves the space to Reap.
//
//go:noinline
func (s *Space) Release() {
	if s.Unref() {
		s.nextDead = deadSpaces
		deadSpaces = s
		Reap()
	}
}

// Switch loads new (nil: the kernel's own space) on this CPU, where old (or nil) was; it is cheap when new is loaded already.
// A dead space ends here at the latest, so afterwards old may not exist any more.
func Switch(old, new *Space) {
	if new == nil {
		new = kernel
	}
	cpu := arch.CPU()
	was := loaded[cpu]
	if was == new {
		return
	}
	if was != nil {
		was.cpus &^= 1 << cpu
	}
	new.cpus |= 1 << cpu
	loaded[cpu] = new
	arch.SwitchSpace(new.pt.root)
	if was != nil && was.Refs == 0 {
		Reap()
	}
}

// SwitchOn is Switch on this CPU, whose index is cpu, from old, which is loaded, to another space; neither is nil.
func SwitchOn(cpu int, old, new *Space) {
	cpu &= maxCPUs - 1
	bit := uint64(1) << cpu
	old.cpus &^= bit
	new.cpus |= bit
	loaded[cpu] = new
	arch.SwitchSpace(new.pt.root)
	if old.Refs == 0 {
		Reap()
	}
}

// Loaded is the space that this CPU has loaded; nil before the first Switch.
func Loaded() *Space { return loaded[arch.CPU()] }

// Dead reports whether the last reference is gone: a CPU that is idle with it loaded should Switch to nil.
func (s *Space) Dead() bool { return s.Refs == 0 }

// Info returns the mapped bytes and the resident pages.
func (s *Space) Info() (mapped, resident uint64) { return s.mapped, s.resident }

// freeRoot frees the root of an empty page table that no CPU has loaded.
func freeRoot(root uint64) {
	frame.SubRefs(root, 1)
	drop(root)
}
