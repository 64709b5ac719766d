package vm

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/frame"
	"aramid/ukernel/object"
)

// pending is what the operation in progress has made stale; flush settles it before the kernel is left.
var pending struct {
	cpus    uint64 // CPUs that have an affected space loaded
	count   uint64 // translations taken away
	va      uint64 // one of them
	retired bool   // frames are in the quarantine's open batch
}

// lastShot is the newest generation of arch.Shoot that was not acknowledged when last looked at; 0 none. A frame's last
// reference may go long after a CPU's stale translation of it (by fork's child, say), so what is freed meanwhile waits for it.
var lastShot uint64

// stale notes that a translation of va in s was taken away or reduced.
//
//go:noinline
func (s *Space) stale(va uint64) {
	if s.cpus != 0 {
		pending.cpus |= s.cpus
		pending.count++
		pending.va = va
	}
}

// drop drops a reference to a frame that may just have been unmapped: call stale first, and flush in the end.
func drop(pa uint64) {
	if lastShot|pending.cpus == 0 || lastShot == 0 && pending.cpus&^(1<<arch.CPU()) == 0 {
		object.DropFrame(pa)
		return
	}
	object.RetireFrame(pa)
	pending.retired = true
}

// flush ends an operation: no CPU uses a stale translation after its next return to user mode, and dropped frames become
// free when every CPU concerned has flushed.
func flush() {
	if pending.count == 0 && !pending.retired {
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
		lastShot = arch.Shoot(others)
	} else if lastShot != 0 && arch.Acked(lastShot) {
		lastShot = 0
	}
	frame.Seal(lastShot)
	pending.cpus, pending.count, pending.retired = 0, 0, false
}
