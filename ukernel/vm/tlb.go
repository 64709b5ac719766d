package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
)

// pending is what the operation in progress has made stale; flush settles it before the kernel is left.
var pending struct {
	cpus  uint64 // CPUs that have an affected space loaded
	count uint64 // translations taken away
	va    uint64 // one of them
}

// stale notes that a translation of va in s was taken away or reduced.
func (s *Space) stale(va uint64) {
	if s.cpus != 0 {
		pending.cpus |= s.cpus
		pending.count++
		pending.va = va
	}
}

// drop drops a reference to a frame that may just have been unmapped: call stale first.
func drop(pa uint64) {
	if pending.cpus&^(1<<arch.CPU()) == 0 {
		object.DropFrame(pa)
	} else {
		object.RetireFrame(pa)
	}
}

// flush ends an operation: no CPU uses a stale translation after its next return to user mode, and dropped frames become
// free when every CPU concerned has flushed.
func flush() {
	if pending.count == 0 {
		return
	}
	self := uint64(1) << arch.CPU()
	if pending.cpus&self != 0 {
		if pending.count == 1 {
			arch.FlushPage(pending.va)
		} else {
			arch.FlushAll()
		}
	}
	if others := pending.cpus &^ self; others != 0 {
		frame.Seal(arch.Shoot(others))
	}
	pending.cpus, pending.count = 0, 0
}
