package sched

import "aramid/ukernel/uabi"

// TimerKind says whose a Timer is.
type TimerKind uint8

// The kinds.
const (
	TimerThread TimerKind = iota // Thread.Timer
	TimerObject                  // inside a timer object
	TimerWatchdog
)

// Timer is a node of the timer queue. It must not move while it is set.
type Timer struct {
	at          uint64 // ns
	child, next *Timer // first child; next sibling
	prev        *Timer // previous sibling, or the parent if it is the first child; nil for the root
	set         bool
	Kind        TimerKind
}

var timers *Timer // root of the pairing heap

// Set reports whether the timer is in the queue.
func (t *Timer) Set() bool { return t.set }

// At is the time it was last set to, ns.
func (t *Timer) At() uint64 { return t.at }

// Start puts t into the queue for time at (ns); a set timer is moved. uabi.NoDeadline only stops it.
func (t *Timer) Start(at uint64) {
	if t.set {
		t.Stop()
	}
	if at == uabi.NoDeadline {
		return
	}
	t.at, t.set = at, true
	t.child, t.next, t.prev = nil, nil, nil
	timers = meld(timers, t)
	armBy(at)
}

// Stop takes t out of the queue if it is in it.
func (t *Timer) Stop() {
	if !t.set {
		return
	}
	t.set = false
	sub := pairs(t.child)
	t.child = nil
	if t == timers {
		timers = sub
		return
	}
	if t.prev.child == t {
		t.prev.child = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.next, t.prev = nil, nil
	timers = meld(timers, sub)
}

// Expired takes the earliest timer whose time is not after now out of the queue; nil if there is none.
func Expired(now uint64) *Timer {
	t := timers
	if t == nil || t.at > now {
		return nil
	}
	t.Stop()
	return t
}

// NextDeadline is the time of the earliest timer, ns; 0 if none is set.
func NextDeadline() uint64 {
	if timers == nil {
		return 0
	}
	return max(timers.at, 1)
}

// meld joins two heaps, each given by its root (no siblings); either may be nil.
func meld(a, b *Timer) *Timer {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	if b.at < a.at {
		a, b = b, a
	}
	b.next = a.child
	if b.next != nil {
		b.next.prev = b
	}
	b.prev = a
	a.child = b
	return a
}

// pairs melds a list of siblings into one heap: pairs from left to right, then the results from right to left.
func pairs(first *Timer) *Timer {
	var done *Timer // melded pairs, last one first, linked by next
	for first != nil {
		a, b := first, first.next
		if b == nil {
			first = nil
		} else {
			first = b.next
			b.next, b.prev = nil, nil
		}
		a.next, a.prev = nil, nil
		m := meld(a, b)
		m.next = done
		done = m
	}
	var root *Timer
	for done != nil {
		m := done
		done = m.next
		m.next = nil
		root = meld(root, m)
	}
	return root
}
