package vm

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// Result is what became of a page fault.
type Result uint32

// Results of Fault.
const (
	Solved    Result = iota // run the instruction again
	Segv                    // no such mapping, or it does not allow the access
	Bus                     // beyond the end of the memory object
	NoMem                   // no frame, or an account's limit (Account.Hit says which)
	NeedPager               // the page must come from the memory object's pager
)

// Space is an address space.
type Space struct {
	object.Header
}

// Region is a run of addresses in a space.
type Region struct{}

// Memory is a memory object.
type Memory struct {
	object.Header
}

// MapArgs asks for a mapping; see uabi.MapArgs for the fields of the same name. Va 0 (which no user can map) takes the highest
// free range.
type MapArgs struct {
	Va, Len, Off, Tag uint64
	Memory            *Memory // nil: anonymous
	Flags             uint32  // uabi.Prot… | uabi.Map…
	Max               uint32  // uabi.Prot… bits that Protect may ever give a shared mapping (from the handle's rights)
}

// Key identifies a futex word: an object id (memory or space) and an offset or address in it.
type Key struct{ ID, Off uint64 }

// Place is one end of a copy: an address in a space or an offset in a memory object.
type Place struct {
	Space  *Space // one of the two
	Memory *Memory
	At     uint64
}

// Init makes the kernel's own space, which Switch loads for nil. Once, after frame.Init.
func Init() uabi.Error { return uabi.ErrUnsupported }

// NewSpace makes an empty space with one reference, charged to a.
func NewSpace(a *object.Account) (*Space, uabi.Error) { return nil, uabi.ErrUnsupported }

// Clone is fork.
func (s *Space) Clone(a *object.Account) (*Space, uabi.Error) { return nil, uabi.ErrUnsupported }

// Release drops a reference; the last one leaves the space to Reap.
func (s *Space) Release() {}

// Reap does a bounded piece of destroying dead spaces and memory objects; more: call again soon (each entry, or idle).
func Reap() (more bool) { return false }

// Switch loads new (nil: the kernel's own space) on this CPU, where old (or nil) was.
func Switch(old, new *Space) {}

// Map makes a mapping and returns its address.
func (s *Space) Map(m *MapArgs) (uint64, uabi.Error) { return 0, uabi.ErrUnsupported }

// Unmap removes what is mapped in [va, va+n). It does a bounded piece; more: call again with the same arguments.
func (s *Space) Unmap(va, n uint64) (more bool, err uabi.Error) { return false, uabi.ErrUnsupported }

// Discard is CallSpaceDiscard; more as in Unmap.
func (s *Space) Discard(va, n uint64) (more bool, err uabi.Error) { return false, uabi.ErrUnsupported }

// Protect is CallSpaceProtect.
func (s *Space) Protect(va, n uint64, prot uint32) uabi.Error { return uabi.ErrUnsupported }

// Move is CallSpaceMove.
func (s *Space) Move(old, oldLen, new, newLen uint64) uabi.Error { return uabi.ErrUnsupported }

// Tag is CallSpaceTag.
func (s *Space) Tag(va, n, tag uint64) uabi.Error { return uabi.ErrUnsupported }

// Query fills ri with the first region that ends above va; false when there is none.
func (s *Space) Query(va uint64, ri *uabi.RegionInfo) bool { return false }

// Gap is CallSpaceGap.
func (s *Space) Gap(n, low, high uint64, flags uint32) (uint64, uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// Info returns the mapped bytes and the resident frames.
func (s *Space) Info() (mapped, resident uint64) { return 0, 0 }

// Fault solves a page fault at va; code is the processor's error code (hw.Fault…).
func (s *Space) Fault(va, code uint64) Result { return Segv }

// Resolve returns the physical address of va, faulting the page in for reading or writing. ErrFault, ErrNoMem, ErrAgain (pager).
func (s *Space) Resolve(va uint64, write bool) (uint64, uabi.Error) { return 0, uabi.ErrUnsupported }

// FutexKey is the identity of the word at va. Not shared: the space and the address.
func (s *Space) FutexKey(va uint64, shared bool) (Key, uabi.Error) { return Key{}, uabi.ErrUnsupported }

// Read copies from user memory; n is short at a fault, and the error is set only if n is 0.
func (s *Space) Read(va uint64, p []byte) (n int, err uabi.Error) { return 0, uabi.ErrUnsupported }

// Write copies to user memory; n as in Read.
func (s *Space) Write(va uint64, p []byte) (n int, err uabi.Error) { return 0, uabi.ErrUnsupported }

// Copy copies n bytes; done is short at a fault, and the error is set only if it is 0.
func Copy(dst, src Place, n uint64) (done uint64, err uabi.Error) { return 0, uabi.ErrUnsupported }

// NewMemory makes a memory object with one reference, charged to a; flags: uabi.MemoryContiguous.
func NewMemory(a *object.Account, size uint64, flags uint32) (*Memory, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// NewPhys makes a read-only memory object that is a window of physical memory (boot archive, initrd).
func NewPhys(a *object.Account, base, n uint64) (*Memory, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Release drops a reference; the last one leaves the object to Reap.
func (m *Memory) Release() {}

// Size returns the size in bytes and the resident frames.
func (m *Memory) Size() (size, resident uint64) { return 0, 0 }

// Phys is the physical address of a contiguous object or window; ok is false for others.
func (m *Memory) Phys() (pa uint64, ok bool) { return 0, false }

// Resize is CallMemoryResize.
func (m *Memory) Resize(size uint64) uabi.Error { return uabi.ErrUnsupported }

// Read copies from the object; n is short at its end.
func (m *Memory) Read(off uint64, p []byte) (n int, err uabi.Error) { return 0, uabi.ErrUnsupported }

// Write copies to the object; n is short at its end or without memory.
func (m *Memory) Write(off uint64, p []byte) (n int, err uabi.Error) {
	return 0, uabi.ErrUnsupported
}

// Clone is CallMemoryClone.
func (m *Memory) Clone(a *object.Account, off, n uint64) (*Memory, uabi.Error) {
	return nil, uabi.ErrUnsupported
}

// Zero is CallMemoryZero.
func (m *Memory) Zero(off, n uint64) uabi.Error { return uabi.ErrUnsupported }
