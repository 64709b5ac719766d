package uksim

import "aramid/ukernel/uabi"

// Endpoint is where calls, traps and notices arrive.
type Endpoint struct {
	object
	rank       uint32
	owner      *Process // the process that receives here
	queue      []*request
	badges     map[uint64]*Badge
	order      []*Badge // of badges, oldest first
	bindings   []*binding
	subscribed bool
	receivers  []*Native // blocked in receive
	gone       []*Alien  // R13: thread-gone notices to deliver here, unacknowledged
	undone     []*Badge  // R6: told an image that ended before it received again
}

// Badge is one badge number of an endpoint.
type Badge struct {
	ep    *Endpoint
	num   uint64
	count int  // counted handles, wherever they are
	gone  bool // NoticeGone is pending
	// out: a handle was once in another process's table or pinned for an alien. A badge that never was is not reported gone when its
	// owner closes what it minted: the reply with it was lost with its caller, whose successor will ask again.
	out  bool
	dead bool // told or acknowledged: the number is never used again
}

// binding makes raises of an event notices of an endpoint.
type binding struct {
	ep      *Endpoint
	ev      *Event
	key     uint64
	mask    uint32
	pending uint32
}

// notice is a delivered notice.
type notice struct {
	kind  uint64
	badge *Badge
	bind  *binding
	bits  uint32
	alien *Alien
}

func (e *Endpoint) kind() uabi.Type { return uabi.TypeEndpoint }

func (e *Endpoint) free() {
	for _, r := range e.queue {
		r.fail(uabi.ErrDead)
	}
	e.queue = nil
	for _, b := range e.bindings {
		b.drop()
	}
	e.bindings = nil
}

func (b *binding) drop() {
	for i, x := range b.ev.bound {
		if x == b {
			b.ev.bound = append(b.ev.bound[:i], b.ev.bound[i+1:]...)
			break
		}
	}
	unref(b.ev)
}

func (s *Sim) newEndpoint(rank uint32, owner *Process) *Endpoint {
	e := &Endpoint{rank: rank, owner: owner, badges: map[uint64]*Badge{}}
	return e
}

// receives says whether the process receives on e.
func (p *Process) receives(e *Endpoint) bool { return e.owner == p }

// push queues a request, at the front if it was delivered before.
func (e *Endpoint) push(r *request) {
	if r.resend {
		i := 0
		for i < len(e.queue) && e.queue[i].resend {
			i++
		}
		e.queue = append(e.queue, nil)
		copy(e.queue[i+1:], e.queue[i:])
		e.queue[i] = r
	} else {
		e.queue = append(e.queue, r)
	}
	r.state = queued
	e.poke()
}

// remove takes a queued request out.
func (e *Endpoint) remove(r *request) {
	for i, x := range e.queue {
		if x == r {
			e.queue = append(e.queue[:i], e.queue[i+1:]...)
			return
		}
	}
}

// poke wakes one receiver to look again.
func (e *Endpoint) poke() {
	if len(e.receivers) == 0 {
		return
	}
	k := e.receivers[0]
	e.receivers = e.receivers[1:]
	k.waiting = nil
	k.wake()
}

// pendingNotices lists what could be delivered beside requests.
func (e *Endpoint) pendingNotices() []*notice {
	var n []*notice
	for _, b := range e.bindings {
		if b.pending != 0 {
			n = append(n, &notice{kind: uabi.NoticeEvent, bind: b})
		}
	}
	for _, b := range e.order {
		if b.gone && !b.dead {
			n = append(n, &notice{kind: uabi.NoticeGone, badge: b})
		}
	}
	for _, a := range e.gone {
		n = append(n, &notice{kind: uabi.NoticeThread, alien: a})
	}
	return n
}

// number finds or makes a badge. nil: the number died.
func (e *Endpoint) number(n uint64) *Badge {
	b := e.badges[n]
	if b == nil {
		b = &Badge{ep: e, num: n}
		e.badges[n] = b
		e.order = append(e.order, b)
	}
	if b.dead {
		return nil
	}
	return b
}

// unlist forgets a badge.
func (e *Endpoint) unlist(b *Badge) {
	b.gone = false
	delete(e.badges, b.num)
	for i, x := range e.order {
		if x == b {
			e.order = append(e.order[:i], e.order[i+1:]...)
			return
		}
	}
}

// BadgesAlive counts the badges that have a counted handle or an unacknowledged end.
func (e *Endpoint) BadgesAlive() int {
	n := 0
	for _, b := range e.order {
		if b.count > 0 || b.gone {
			n++
		}
	}
	return n
}

// EndpointCreate is uk.Kernel's.
func (k *Native) EndpointCreate(account uabi.Handle, rank uint32) (uabi.Handle, uabi.Error) {
	k.enter("endpoint.create")
	if rank != k.p.rank {
		if _, e := get[*Account](k, account, uabi.RightManage); e != uabi.OK {
			return 0, e
		}
	}
	return k.made(account, k.sim.newEndpoint(rank, k.p))
}

// Bind is uk.Kernel's.
func (k *Native) Bind(endpoint, event uabi.Handle, key uint64, mask uint32) uabi.Error {
	k.enter("bind")
	e, err := get[*Endpoint](k, endpoint, uabi.RightReceive)
	if err != uabi.OK {
		return err
	}
	ev, err := get[*Event](k, event, uabi.RightRead)
	if err != uabi.OK {
		return err
	}
	for i, b := range e.bindings {
		if b.ev == ev && b.key == key {
			if mask == 0 {
				e.bindings = append(e.bindings[:i], e.bindings[i+1:]...)
				b.drop()
			} else {
				b.mask = mask
				b.pending &= mask
			}
			return uabi.OK
		}
	}
	if mask == 0 {
		return uabi.OK
	}
	e.Bind(ev, key, mask)
	return uabi.OK
}

// Mint is uk.Kernel's.
func (k *Native) Mint(endpoint uabi.Handle, badge uint64, rights uint32) (uabi.Handle, uabi.Error) {
	k.enter("mint")
	e, err := get[*Endpoint](k, endpoint, uabi.RightReceive)
	if err != uabi.OK {
		return 0, err
	}
	if badge == 0 || rights&^uint32(uabi.RightsAll|uabi.RightWeak) != 0 {
		return 0, uabi.ErrArg
	}
	b := e.number(badge)
	if b == nil {
		return 0, uabi.ErrStale
	}
	if k.p != e.owner {
		b.out = true
	}
	return k.p.table.insert(capability{e, b, rights &^ uabi.RightReceive})
}

// BadgeAck is uk.Kernel's.
func (k *Native) BadgeAck(endpoint uabi.Handle, badge uint64) uabi.Error {
	k.enter("badge.ack")
	e, err := get[*Endpoint](k, endpoint, uabi.RightReceive)
	if err != uabi.OK {
		return err
	}
	b := e.badges[badge]
	switch {
	case b == nil:
		return uabi.ErrNotFound
	case b.dead:
		return uabi.OK
	case b.count > 0:
		return uabi.ErrBusy
	}
	b.die()
	return uabi.OK
}

// die makes b's number dead.
func (b *Badge) die() {
	b.dead = true
	b.ep.unlist(b)
	b.ep.badges[b.num] = b
}

// doneNotice forgets the current notice of that kind: it was acknowledged.
func (k *Native) doneNotice(kind uint64) {
	if k.notice != nil && k.notice.kind == kind {
		k.notice = nil
	}
}

// Subscribe is uk.Kernel's.
func (k *Native) Subscribe(endpoint uabi.Handle) uabi.Error {
	k.enter("subscribe")
	e, err := get[*Endpoint](k, endpoint, uabi.RightReceive)
	if err == uabi.OK {
		e.subscribed = true
	}
	return err
}

// ThreadAck is uk.Kernel's.
func (k *Native) ThreadAck(endpoint uabi.Handle, origin uint64) uabi.Error {
	k.enter("thread.ack")
	e, err := get[*Endpoint](k, endpoint, uabi.RightReceive)
	if err != uabi.OK {
		return err
	}
	for i, a := range e.gone {
		if a.origin == origin {
			e.gone = append(e.gone[:i], e.gone[i+1:]...)
			k.doneNotice(uabi.NoticeThread)
			k.sim.threadAcked(a, e)
			break
		}
	}
	return uabi.OK
}
