package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// node starts every object of this package but Thread: its header, and the link in the graveyard.
type node struct {
	object.Header
	grave *node
}

// ref is a counted handle that the kernel itself keeps: in a message, a record, a pin.
type ref struct {
	obj    *object.Header // nil: none
	badge  *Badge
	rights uint32
}

// graveyard holds objects and threads whose last reference is gone, until reap destroys them; dying the threads that are gone
// but may still be some CPU's current.
var (
	graves      *node
	deadThreads *Thread // linked by procNext
	dying       *Thread // linked by procNext
	doomed      *Thread // stranded aliens to be killed, by procNext
	closing     *node   // dead endpoints whose waiters must be told, by grave, each with a reference
	orphans     *Thread // aliens whose last handle went, by al.orphan, each with a reference
)

// reapBudget is the number of objects that one entry destroys, and the handles of a process that count as one object.
const (
	reapBudget   = 64
	handleBudget = 64
)

// hold takes the references of one handle.
func hold(obj *object.Header, b *Badge, rights uint32) {
	obj.Refs++
	if b != nil {
		b.Refs++
		if rights&uabi.RightWeak == 0 {
			b.count()
		}
	} else if rights&uabi.RightReceive != 0 && obj.Type == uabi.TypeEndpoint {
		endpointOf(obj).receiving++
	} else if obj.Type == uabi.TypeThread {
		threadOf(obj).al.handles++
	}
}

// unhold drops the references of one handle.
func unhold(obj *object.Header, b *Badge, rights uint32) {
	if b != nil {
		if rights&uabi.RightWeak == 0 {
			b.uncount()
		}
		bury(&b.Header)
		bury(obj) // the endpoint
		return
	}
	if rights&uabi.RightReceive != 0 && obj.Type == uabi.TypeEndpoint {
		e := endpointOf(obj)
		if e.receiving--; e.receiving == 0 {
			e.close()
		}
	} else if obj.Type == uabi.TypeThread {
		threadOf(obj).disown()
	}
	Drop(obj)
}

// disown counts a handle that is gone. An alien that nobody names any more could never be ended: Leave kills it. So a server
// that dies between making a thread and saying so leaves nothing behind.
func (t *Thread) disown() {
	t.al.handles--
	if t.al.handles != 0 || t.block == BlockGone || t.al.orphaned {
		return
	}
	t.Refs++
	t.al.orphaned = true
	t.al.orphan = orphans
	orphans = t
	untidy = true
}

// name makes r say what entry x does, without a reference; weak handles too: the kernel's own always count.
func (r *ref) name(x *object.Entry) {
	r.obj, r.rights, r.badge = x.Obj, x.Rights&^uabi.RightWeak, nil
	if x.Badge != nil {
		r.badge = badgeOf(x.Badge)
	}
}

// take makes r hold the handle of entry x.
func (r *ref) take(x *object.Entry) {
	r.name(x)
	hold(r.obj, r.badge, r.rights)
}

// drop empties r.
func (r *ref) drop() {
	if r.obj == nil {
		return
	}
	obj, b, rights := r.obj, r.badge, r.rights
	*r = ref{}
	unhold(obj, b, rights)
}

// Drop drops a reference to any object. The last one leaves it to Leave, or package vm's Reap.
func Drop(h *object.Header) {
	switch h.Type {
	case uabi.TypeSpace:
		spaceOf(h).Release()
		more, untidy = true, true
	case uabi.TypeMemory:
		memoryOf(h).Release()
		more, untidy = true, true
	case uabi.TypeAccount:
		a := accountOf(h)
		if a.Refs == 1 && a.Event != nil {
			bury(a.Event)
			a.Event = nil
		}
		a.Release()
	default:
		bury(h)
	}
}

// bury drops a reference to an object of this package; the last one puts it into the graveyard.
func bury(h *object.Header) {
	if h.Refs--; h.Refs == 0 {
		inter(h)
	}
}

// inter puts an object into the graveyard.
//
//go:noinline
func inter(h *object.Header) {
	untidy = true
	if h.Type == uabi.TypeThread {
		t := threadOf(h)
		t.procNext = deadThreads
		deadThreads = t
		return
	}
	n := nodeOf(h)
	n.grave = graves
	graves = n
}

// reap destroys what is in the graveyard, at most budget objects; it reports whether something is left.
func reap(budget int) bool {
	for n := closing; n != nil; n = closing {
		closing = n.grave
		n.grave = nil
		endpointOf(&n.Header).die()
		bury(&n.Header)
	}
	for t := doomed; t != nil; t = doomed {
		doomed = t.procNext
		t.procNext = nil
		t.die()
	}
	// After the doomed: an alien can be both, and dies once.
	for t := orphans; t != nil; t = orphans {
		orphans = t.al.orphan
		t.al.orphan, t.al.orphaned = nil, false
		if t.al.handles == 0 {
			t.Kill()
		}
		bury(&t.Header)
	}
	for ; budget > 0; budget-- {
		if t := deadThreads; t != nil {
			deadThreads = t.procNext
			t.destroy()
			continue
		}
		n := graves
		if n == nil {
			break
		}
		graves = n.grave
		n.grave = nil
		destroy(&n.Header)
	}
	return graves != nil || deadThreads != nil || closing != nil || orphans != nil || doomed != nil
}

// destroy ends an object whose last reference is gone. It never destroys another one: see Drop.
func destroy(h *object.Header) {
	switch h.Type {
	case uabi.TypeProcess:
		processOf(h).destroy()
	case uabi.TypeEndpoint:
		endpointOf(h).destroy()
	case uabi.TypeBadge:
		badgeOf(h).destroy()
	case uabi.TypeEvent:
		eventOf(h).destroy()
	case uabi.TypeWaitSet:
		waitSetOf(h).destroy()
	case uabi.TypeTimer:
		timerOf(h).destroy()
	case uabi.TypeIRQ:
		irqOf(h).destroy()
	case uabi.TypePort:
		portOf(h).destroy()
	}
}

// mourn puts a thread that is gone on the dying list, with a reference: its CPU, if it has one, still uses its memory and space.
func mourn(t *Thread) {
	t.Refs++
	t.procNext = dying
	dying = t
	untidy = true
}

// lastRites releases the spaces of dying threads that no CPU runs any more.
func lastRites() {
	var keep *Thread
	for t := dying; t != nil; {
		next := t.procNext
		if sched.Busy(&t.Thread) {
			t.procNext = keep
			keep = t
		} else {
			t.procNext = nil
			if t.Space != nil {
				t.Space.Release()
				t.Space = nil
				more, untidy = true, true
			}
			bury(&t.Header)
		}
		t = next
	}
	dying = keep
}
