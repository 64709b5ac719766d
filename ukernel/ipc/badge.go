package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// Badge is a number that an endpoint's owner gave to handles. The number lives from its first Mint to the notice that its last handle is
// gone (R6), or to the end of the endpoint.
type Badge struct {
	node
	ep       *Endpoint // with a reference
	Number   uint64
	handles  uint32 // counted handles, wherever they are (R6)
	gone     bool   // in the endpoint's gone list
	listed   bool   // in the hash table: the number is alive. It owns a reference, and after it the notice does, until that is done
	out      bool   // once in another process's table, or pinned
	hashNext *Badge // same bucket
	gnext    *Badge // gone list
	gprev    *Badge
}

// badgeList is a doubly linked list of badges.
type badgeList struct{ head, tail *Badge }

const badgeBuckets = 4096

var (
	badges    object.Pool[Badge]
	badgeHash [badgeBuckets]*Badge
)

// bucketOf spreads numbers of an endpoint over the buckets (Knuth's multiplicative hash).
func bucketOf(e *Endpoint, n uint64) uint64 {
	return (n + e.ID<<20) * 0x9e3779b97f4a7c15 >> (64 - 12)
}

// header is b's header, nil for nil.
func (b *Badge) header() *object.Header {
	if b == nil {
		return nil
	}
	return &b.Header
}

// find is the live badge with number n, or nil.
func (e *Endpoint) find(n uint64) *Badge {
	for b := badgeHash[bucketOf(e, n)]; b != nil; b = b.hashNext {
		if b.Number == n && b.ep == e {
			return b
		}
	}
	return nil
}

// Mint is CallMint for process p. ErrArg, ErrStale: the number died; ErrDead, ErrNoMem, ErrLimit.
func (e *Endpoint) Mint(p *Process, n uint64, rights uint32) (uabi.Handle, uabi.Error) {
	if n == 0 {
		return 0, uabi.ErrArg
	}
	if e.dead {
		return 0, uabi.ErrDead
	}
	if err := p.Table.Room(1); err != uabi.OK {
		return 0, err
	}
	b := e.find(n)
	if b == nil {
		if err := e.tombs.reserve(n, e.Acct); err != uabi.OK {
			return 0, err
		}
		if b = badges.Get(e.Acct); b == nil {
			return 0, uabi.ErrNoMem
		}
		b.Header.Start(uabi.TypeBadge, e.Acct)
		b.ep, b.Number = e, n
		e.Refs++
		at := bucketOf(e, n)
		b.hashNext = badgeHash[at]
		badgeHash[at] = b
		b.listed = true
	}
	if p != e.owner {
		b.out = true
	}
	h, err := p.Install(&e.Header, b, rights&^(uabi.RightReceive|uabi.RightManage))
	if b.handles == 0 && !b.gone {
		b.lastGone()
	}
	return h, err
}

// count adds a handle: a pending notice is void (R6).
//
//go:noinline
func (b *Badge) count() {
	b.handles++
	if b.handles == 1 && b.gone {
		b.ungone()
	}
}

// uncount takes one away; the last one raises the level (R6).
//
//go:noinline
func (b *Badge) uncount() {
	b.handles--
	if b.handles == 0 && b.listed {
		b.lastGone()
	}
}

// lastGone raises the level: a notice, or the end of the badge when nobody can receive it any more. A badge that was never outside
// its owner is as if it had not been minted: the owner ended before its commit, or the reply with it was lost with the caller's
// image, whose successor will ask again (R9) and must not find the number dead.
func (b *Badge) lastGone() {
	e := b.ep
	if e.dead || !b.out {
		b.unlist()
		return
	}
	b.gone = true
	e.gone.push(b)
	e.notices++
	e.poke()
}

// ungone lowers the level.
func (b *Badge) ungone() {
	b.ep.gone.remove(b)
	b.ep.notices--
	b.gone = false
}

// tell makes the notice that b's last handle is gone r's current one: with that the number is dead (R6).
func (b *Badge) tell(r *Thread) {
	b.ungone()
	if b.listed { // not: an earlier image was told, too
		b.ep.tombs.set(b.Number, b.ep.Acct)
		b.unhash()
	}
	r.told = b
}

// heard is for t's next Receive: what it was told is done.
//
//go:noinline
func (t *Thread) heard() {
	b := t.told
	t.told = nil
	if b.Refs--; b.Refs == 0 {
		b.destroy()
	}
}

// unheard makes the notice that t, which ends, has not done due again, before all others.
func (t *Thread) unheard() {
	b := t.told
	if b == nil {
		return
	}
	t.told = nil
	e := b.ep
	if e.dead {
		bury(&b.Header)
		return
	}
	b.gone = true
	e.gone.pushFront(b)
	e.notices++
	e.poke()
}

// BadgeAck is CallBadgeAck: the number dies without a notice. ErrBusy: a handle exists; ErrNotFound: never minted. A number that
// is dead already is OK: a successor may ask again.
func (e *Endpoint) BadgeAck(n uint64) uabi.Error {
	b := e.find(n)
	if b == nil {
		if e.tombs.has(n) {
			return uabi.OK
		}
		return uabi.ErrNotFound
	}
	if b.handles != 0 {
		return uabi.ErrBusy
	}
	e.tombs.set(n, e.Acct)
	b.unlist()
	return uabi.OK
}

// unlist takes b out of the hash table and the gone list and drops the reference that they owned.
func (b *Badge) unlist() {
	if b.gone {
		b.ungone()
	}
	if b.listed {
		b.unhash()
	}
	bury(&b.Header)
}

// unhash takes b out of the hash table; the reference is the caller's.
func (b *Badge) unhash() {
	at := &badgeHash[bucketOf(b.ep, b.Number)]
	for *at != b {
		at = &(*at).hashNext
	}
	*at = b.hashNext
	b.hashNext = nil
	b.listed = false
}

// destroy frees a badge that nothing names.
func (b *Badge) destroy() {
	e := b.ep
	b.ep = nil
	badges.Put(b, b.Stop())
	bury(&e.Header)
}

func (l *badgeList) push(b *Badge) {
	b.gnext, b.gprev = nil, l.tail
	if l.tail == nil {
		l.head = b
	} else {
		l.tail.gnext = b
	}
	l.tail = b
}

func (l *badgeList) pushFront(b *Badge) {
	b.gnext, b.gprev = l.head, nil
	if l.head == nil {
		l.tail = b
	} else {
		l.head.gprev = b
	}
	l.head = b
}

func (l *badgeList) remove(b *Badge) {
	if b.gprev == nil {
		l.head = b.gnext
	} else {
		b.gprev.gnext = b.gnext
	}
	if b.gnext == nil {
		l.tail = b.gprev
	} else {
		b.gnext.gprev = b.gprev
	}
	b.gnext, b.gprev = nil, nil
}
