package main

import (
	"encoding/binary"

	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Bits of a robust futex's word (linux/futex.h), and how many locks a thread may hold.
const (
	futexWaiters   = 0x80000000
	futexOwnerDied = 0x40000000
	futexTidMask   = 0x3fffffff
	robustLimit    = 2048
	robustHeadSize = 24
)

// releaseRobust marks the robust locks that a thread held as its owner's legacy (set_robust_list(2), "A description of what
// robust futexes are" in Linux's documentation). The list is user memory: whatever it says, this ends.
func (h *Procd) releaseRobust(c *server.Ctx, t *state.Thread, p *state.Process) {
	m := h.mms.Get(p.Mm)
	if t.Robust == 0 || m == nil {
		return
	}
	space := uabi.Handle(m.Space)
	head, ok := words(c, space, t.Robust, robustHeadSize)
	if !ok {
		return
	}
	const inherits = 1 // the low bit of a pointer says that the futex inherits priorities
	offset, pending := head[1], head[2]&^inherits
	entry := head[0]
	for range robustLimit {
		if entry&^inherits == t.Robust {
			break
		}
		next, ok := words(c, space, entry&^inherits, 8)
		if entry&^inherits != pending {
			h.ownerDied(c, space, t, entry&^inherits+offset)
		}
		if !ok {
			break
		}
		entry = next[0]
	}
	if pending != 0 {
		h.ownerDied(c, space, t, pending+offset)
	}
}

// words reads user memory as 8-byte words.
func words(c *server.Ctx, space uabi.Handle, va uint64, n int) (w [robustHeadSize / 8]uint64, ok bool) {
	var b [robustHeadSize]byte
	if got, err := c.SpaceRead(space, va, b[:n]); err != uabi.OK || got < n {
		return w, false
	}
	for i := range n / 8 {
		w[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return w, true
}

// ownerDied takes a lock from the thread that is gone and wakes one that waits for it.
func (h *Procd) ownerDied(c *server.Ctx, space uabi.Handle, t *state.Thread, va uint64) {
	var b [4]byte
	if n, err := c.SpaceRead(space, va, b[:]); err != uabi.OK || n < len(b) {
		return
	}
	v := binary.LittleEndian.Uint32(b[:])
	if v&futexTidMask != uint32(t.Tid) {
		return
	}
	binary.LittleEndian.PutUint32(b[:], v&futexWaiters|futexOwnerDied)
	if _, err := c.SpaceWrite(space, va, b[:]); err == uabi.OK && v&futexWaiters != 0 {
		h.wake(c, space, va)
	}
}

// wake wakes one waiter of a futex, whether it shares the word between processes or not.
func (h *Procd) wake(c *server.Ctx, space uabi.Handle, va uint64) {
	const anyBit = ^uint32(0)
	c.FutexWake(space, va, 1, anyBit, false)
	c.FutexWake(space, va, 1, anyBit, true)
}
