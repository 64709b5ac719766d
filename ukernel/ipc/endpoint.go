package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
)

// Endpoint is where calls arrive.
type Endpoint struct {
	node
	Rank       uint32
	receiving  uint32 // handles with RightReceive; when the last is closed the endpoint is dead
	notices    uint32 // undelivered notices of all kinds
	dead       bool
	subscribed bool        // wants thread-gone notices (R13)
	owner      *Process    // that received on it last; not referenced
	calls      sched.Queue // senders: RESENDs first, then in order of arrival
	receivers  sched.Queue // native threads that wait for a message
	gone       badgeList   // R6: to be delivered
	threads    sched.Queue // R13: aliens that are gone, to be delivered
	mourned    sched.Queue // R13: delivered to the current image, not acknowledged
	bindings   *binding    // all, by allNext
	raised     *binding    // with pending bits, by raisedNext, oldest first
	raisedEnd  *binding
	tombs      tombs
	allNext    *Endpoint // all endpoints
	allPrev    *Endpoint
}

var (
	endpoints    object.Pool[Endpoint]
	allEndpoints *Endpoint
)

// NewEndpoint makes an endpoint of that rank with one reference. ErrNoMem.
func NewEndpoint(a *object.Account, rank uint32) (*Endpoint, uabi.Error) {
	e := endpoints.Get(a)
	if e == nil {
		return nil, uabi.ErrNoMem
	}
	e.Header.Start(uabi.TypeEndpoint, a)
	e.Rank = rank
	e.allNext = allEndpoints
	if allEndpoints != nil {
		allEndpoints.allPrev = e
	}
	allEndpoints = e
	return e, uabi.OK
}

// close makes an endpoint dead on which nobody can receive any more; Leave tells those who wait.
func (e *Endpoint) close() {
	if e.dead {
		return
	}
	e.dead = true
	e.Refs++
	e.grave = closing
	closing = &e.node
	untidy = true
}

// die ends a dead endpoint: whoever waits on it gets ErrDead, and its notices are void.
func (e *Endpoint) die() {
	e.dead = true
	e.subscribed = false
	for t := e.calls.Head(); t != nil; t = e.calls.Head() {
		of(t).refuse(uabi.ErrDead)
	}
	for t := e.receivers.Head(); t != nil; t = e.receivers.Head() {
		of(t).wakeWait(rax(uabi.ErrDead))
	}
	for e.gone.head != nil {
		e.gone.head.unlist()
	}
	for e.bindings != nil {
		e.bindings.unbind()
	}
	for t := e.threads.Head(); t != nil; t = e.threads.Head() {
		of(t).passOn()
	}
	for t := e.mourned.Head(); t != nil; t = e.mourned.Head() {
		of(t).passOn()
	}
}

// destroy frees an endpoint that nothing names.
func (e *Endpoint) destroy() {
	e.die()
	if e.allPrev == nil {
		allEndpoints = e.allNext
	} else {
		e.allPrev.allNext = e.allNext
	}
	if e.allNext != nil {
		e.allNext.allPrev = e.allPrev
	}
	e.tombs.clear(e.Acct)
	endpoints.Put(e, e.Stop())
}

// restart makes what was delivered to the image that just ended due again: notices that were not acknowledged.
func (e *Endpoint) restart() {
	for t := e.mourned.Head(); t != nil; t = e.mourned.Head() {
		t.Unlink()
		e.threads.Push(t)
		e.notices++
	}
	for b := e.bindings; b != nil; b = b.allNext {
		if b.last != 0 {
			b.raise(b.last)
		}
	}
	for e.notices != 0 && !e.receivers.Empty() { // of another process
		e.poke()
	}
}
