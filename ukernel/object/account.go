package object

import (
	"aramid/ukernel/frame"
	"aramid/ukernel/uabi"
)

// NoLimit as a limit is none of its own: the parent's holds.
const NoLimit = ^uint64(0)

// Account is what frames and objects are charged to: use and limits, in frames and objects, of itself and everything below.
type Account struct {
	Header
	Parent                    *Account // with a reference; nil: the root
	FramesUsed, FramesLimit   uint64
	ObjectsUsed, ObjectsLimit uint64
	Reserve                   bool    // may use the frames that frame.SetReserve keeps: servers
	Hit                       bool    // a charge failed here since it was last cleared (by ipc, which raises the event)
	Event                     *Header // ipc's: raised when Hit
}

var accounts Pool[Account]

// Init forgets all objects: once at boot, after frame.Init (and in each host test).
func Init() {
	accounts = Pool[Account]{}
	live = [uabi.TypeCount]uint64{}
	handles = 0
}

// NewAccount makes an account below parent (nil: a root), charged as one object to parent. A limit of 0 or NoLimit is none.
// The result is nil when there is no memory or parent's limit is reached.
func NewAccount(parent *Account, frames, objects uint64) *Account {
	a := accounts.Get(parent)
	if a == nil {
		return nil
	}
	a.Start(uabi.TypeAccount, parent)
	a.Parent = parent
	if parent != nil {
		a.Reserve = parent.Reserve
	}
	a.SetLimit(frames, objects)
	return a
}

// SetLimit replaces the limits; what is used already stays. A limit of 0 or NoLimit is none.
func (a *Account) SetLimit(frames, objects uint64) {
	if frames == 0 {
		frames = NoLimit
	}
	if objects == 0 {
		objects = NoLimit
	}
	a.FramesLimit, a.ObjectsLimit = frames, objects
}

// ChargeFrames charges n frames to a and its ancestors, all or none. A nil account is the kernel: always true.
func (a *Account) ChargeFrames(n uint64) bool {
	for p := a; p != nil; p = p.Parent {
		if p.FramesUsed+n > p.FramesLimit {
			p.Hit = true
			for q := a; q != p; q = q.Parent {
				q.FramesUsed -= n
			}
			return false
		}
		p.FramesUsed += n
	}
	return true
}

// UnchargeFrames takes n frames off; it may end an account that nothing else needs.
func (a *Account) UnchargeFrames(n uint64) {
	for p := a; p != nil; p = p.Parent {
		p.FramesUsed -= n
	}
	if a != nil && a.Refs == 0 {
		a.reap()
	}
}

// ChargeObjects charges n objects to a and its ancestors, all or none.
func (a *Account) ChargeObjects(n uint64) bool {
	for p := a; p != nil; p = p.Parent {
		if p.ObjectsUsed+n > p.ObjectsLimit {
			p.Hit = true
			for q := a; q != p; q = q.Parent {
				q.ObjectsUsed -= n
			}
			return false
		}
		p.ObjectsUsed += n
	}
	return true
}

// UnchargeObjects takes n objects off; it may end an account that nothing else needs.
func (a *Account) UnchargeObjects(n uint64) {
	for p := a; p != nil; p = p.Parent {
		p.ObjectsUsed -= n
	}
	if a != nil && a.Refs == 0 {
		a.reap()
	}
}

// Release drops a reference; the account ends when nothing is charged to it either. Event must be nil or dropped by the
// caller (ipc) before the last reference goes.
func (a *Account) Release() {
	a.Refs--
	a.reap()
}

// reap ends a, and then its ancestors, while nothing needs them.
func (a *Account) reap() {
	for a != nil && a.Refs == 0 && a.FramesUsed == 0 && a.ObjectsUsed == 0 {
		parent := a.Stop()
		a.Parent = nil
		accounts.back(a)
		for p := parent; p != nil; p = p.Parent {
			p.ObjectsUsed--
		}
		a = parent
	}
}

// mayReserve reports whether a may use the reserved frames.
func (a *Account) mayReserve() bool { return a == nil || a.Reserve }

// AllocFrame hands out a frame with undefined contents, count 1, charged to a.
func (a *Account) AllocFrame() (pa uint64, ok bool) {
	if !a.ChargeFrames(1) {
		return 0, false
	}
	pa, ok = frame.Alloc(a.mayReserve())
	if !ok {
		a.UnchargeFrames(1)
		return 0, false
	}
	setOwner(pa, a)
	return pa, true
}

// AllocKernelFrame hands out a zeroed frame for kernel data, charged to a.
func (a *Account) AllocKernelFrame() (pa uint64, ok bool) {
	if !a.ChargeFrames(1) {
		return 0, false
	}
	pa, ok = frame.AllocKernel(a.mayReserve())
	if !ok {
		a.UnchargeFrames(1)
		return 0, false
	}
	setOwner(pa, a)
	return pa, true
}

// AllocRun hands out n neighbouring zeroed frames, each with count 1 and charged to a.
func (a *Account) AllocRun(n int) (pa uint64, ok bool) {
	if !a.ChargeFrames(uint64(n)) {
		return 0, false
	}
	pa, ok = frame.AllocRun(n, a.mayReserve())
	if !ok {
		a.UnchargeFrames(uint64(n))
		return 0, false
	}
	for i := range uint64(n) {
		frame.Zero(pa + i*frame.Size)
		setOwner(pa+i*frame.Size, a)
	}
	return pa, true
}

// DropFrame drops a reference to a frame; the last one uncharges and frees it. No CPU may have it mapped then.
func DropFrame(pa uint64) {
	if frame.Unref(pa) {
		a := owner(pa)
		frame.Free(pa)
		a.UnchargeFrames(1)
	}
}

// RetireFrame drops a reference to a frame that CPUs may still have in their TLB; the last one uncharges it and puts it in
// the open batch of frame's quarantine, which the caller seals.
func RetireFrame(pa uint64) {
	if frame.Unref(pa) {
		a := owner(pa)
		frame.Retire(pa)
		a.UnchargeFrames(1)
	}
}
