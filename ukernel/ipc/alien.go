package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// alien is the part of a thread that only aliens use.
type alien struct {
	handler   *Endpoint // where traps go, with a reference
	badge     *Badge    // through which handle, counted; or nil
	traps     uint64    // trap count (R1)
	cause     uint32    // uabi.Trap… of the current or last trap
	flags     uint32    // of the trap's deliveries: FlagTimeout (a level), FlagEvent, FlagFailed
	status    int32     // with FlagFailed
	open      bool      // a trap is not answered yet
	delivered bool      // and was delivered before
	firm      bool      // waits through interrupt levels (FlagFirm)
	kept      keeps     // what of record, recRef and pins is not empty
	forgot    bool      // gone, and acknowledged by all
	context   [uabi.ContextWords]uint64
	record    [uabi.RecordWords]uint64 // R2
	recRef    [uabi.MaxHandles]ref     // R4
	aim       uint32                   // with keepsTarget: the rights of recRef[0] to be
	pins      [pinSlots]ref            // R5; more are in morePins
	morePins  *pinNode
	gone      *Event // raised with goneBits when the thread is gone; with a reference
	goneBits  uint32
	goneAt    *Endpoint // whose acknowledgement is due (R13)
	hashNext  *Thread
	handles   uint32  // that name it, wherever they are
	orphaned  bool    // in orphans
	orphan    *Thread // next in orphans
	fwd       forward
}

// keeps says what an alien holds until its trap is answered.
type keeps uint8

const (
	keepsWords  keeps = 1 << iota // record
	keepsRefs                     // recRef or pins
	keepsTarget                   // the first record handle is the target of the forwarded call, which holds it as long as it lasts
	keepsRegs                     // fwd.regs, for when the forwarded request has succeeded
)

const alienBuckets = 1024

var alienHash [alienBuckets]*Thread

// findAlien is the alien with that id, alive or not yet acknowledged as gone by all (R13); nil if there is none.
func findAlien(origin uint64) *Thread {
	t := alienHash[origin%alienBuckets]
	for t != nil && t.ID != origin {
		t = t.al.hashNext
	}
	return t
}

// NewAlien makes a parked alien whose traps go to e (through badge b, or nil), with one reference for the caller. It lives until
// it is killed, or its last handle is closed, and every subscriber has acknowledged it (R13). ErrNoMem, ErrDead.
func NewAlien(a *object.Account, s *vm.Space, e *Endpoint, b *Badge) (*Thread, uabi.Error) {
	if e.dead {
		return nil, uabi.ErrDead
	}
	t := threads.Get(a)
	if t == nil {
		return nil, uabi.ErrNoMem
	}
	t.Header.Start(uabi.TypeThread, a)
	t.Refs++ // its own, until it is forgotten
	t.Kind = Alien
	t.Base, t.Prio = sched.PrioAlien, sched.PrioAlien
	t.block = BlockParked
	t.Ctx.ResetFX()
	s.Ref()
	t.Space = s
	e.Refs++
	t.al.handler, t.al.badge = e, b
	if b != nil {
		b.Refs++
		b.count()
	}
	at := &alienHash[t.ID%alienBuckets]
	t.al.hashNext = *at
	*at = t
	return t, uabi.OK
}

// die ends an alien that is in no queue: at the end of its trap, at a wait, or in user mode. Servers hear of it highest rank
// first (R13); what it keeps for them stays until they have acknowledged.
func (t *Thread) die() {
	sched.Kill(&t.Thread)
	t.block = BlockGone
	t.pend = 0
	mourn(t)
	if e := t.al.gone; e != nil {
		t.al.gone = nil
		e.Update(t.al.goneBits, 0, 0)
		bury(&e.Header)
	}
	t.passOn()
}

// forget lets go of an alien that is gone and acknowledged by all: pins and record fall (R5).
func (t *Thread) forget() {
	t.al.forgot = true
	t.al.clear()
	at := &alienHash[t.ID%alienBuckets]
	for *at != t {
		at = &(*at).al.hashNext
	}
	*at = t.al.hashNext
	t.al.hashNext = nil
	e, b := t.al.handler, t.al.badge
	t.al.badge = nil
	if b != nil {
		b.uncount()
		bury(&b.Header)
	}
	bury(&e.Header)
	bury(&t.Header)
}

// SetRegs is CallThreadSetRegs. ErrBusy: not parked; ErrArg: no user-mode state; ErrDead.
func (t *Thread) SetRegs(r *uabi.Regs) uabi.Error {
	if err := t.parked(); err != uabi.OK {
		return err
	}
	return t.setRegs(r)
}

// parked says whether the alien may be changed from outside.
func (t *Thread) parked() uabi.Error {
	switch {
	case t.Kind != Alien:
		return uabi.ErrType
	case t.block == BlockGone:
		return uabi.ErrDead
	case t.block != BlockParked:
		return uabi.ErrBusy
	}
	return uabi.OK
}

// userFlags are the RFLAGS bits that ring 3 may choose: CF PF AF ZF SF TF DF OF RF AC; always are bit 1 and IF.
const (
	userFlags  = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 0x800 | 0x10000 | 0x40000
	fixedFlags = 0x202
)

// setRegs loads user state into an alien that is not running. ErrArg: RIP, FSBase or GSBase are no user addresses.
func (t *Thread) setRegs(r *uabi.Regs) uabi.Error {
	x := *r // it lies in a buffer that other threads can write
	if !userRegs(&x) {
		return uabi.ErrArg
	}
	t.loadRegs(x)
	return uabi.OK
}

// userRegs reports that the addresses in r are user addresses.
func userRegs(r *uabi.Regs) bool {
	return r.RIP <= uabi.MaxUser && r.FSBase <= uabi.MaxUser && r.GSBase <= uabi.MaxUser
}

// loadRegs is setRegs with what userRegs has passed.
func (t *Thread) loadRegs(x uabi.Regs) {
	to := &t.Ctx.Regs
	x.Vector, x.Code, x.Addr, x.OrigRAX = to.Vector, to.Code, to.Addr, to.OrigRAX
	x.Flags = x.Flags&userFlags | fixedFlags
	*to = x
	t.Ctx.Full = 1
}

// GetRegs is CallThreadGetRegs. ErrBusy: in user mode.
func (t *Thread) GetRegs(r *uabi.Regs) uabi.Error {
	if t.Kind != Alien {
		return uabi.ErrType
	}
	if t.block == BlockNone {
		return uabi.ErrBusy
	}
	*r = t.Ctx.Regs
	return uabi.OK
}

// CopyState is CallThreadCopyState. ErrBusy: t is not parked, or from is in user mode; ErrDead.
func (t *Thread) CopyState(from *Thread) uabi.Error {
	if err := t.parked(); err != uabi.OK {
		return err
	}
	if from.Kind != Alien {
		return uabi.ErrType
	}
	if from.block == BlockNone {
		return uabi.ErrBusy
	}
	t.Ctx = from.Ctx
	t.Ctx.Full = 1
	return uabi.OK
}

// SetContext is CallThreadContext.
func (t *Thread) SetContext(w *[uabi.ContextWords]uint64) uabi.Error {
	if t.Kind != Alien {
		return uabi.ErrType
	}
	t.al.context = *w
	return uabi.OK
}

// Start is CallThreadStart: a parked alien runs; a trap that AnswerStop left open is answered by it. ErrDead.
func (t *Thread) Start() uabi.Error {
	if t.Kind != Alien {
		return uabi.ErrType
	}
	if t.block == BlockGone {
		return uabi.ErrDead
	}
	if t.block == BlockParked {
		t.finish()
		t.Ctx.Full = 1
		wake(t.resume())
	}
	return uabi.OK
}

// SetSpace is CallThreadSpace. ErrBusy: in user mode; ErrDead.
func (t *Thread) SetSpace(s *vm.Space) uabi.Error {
	switch {
	case t.Kind != Alien:
		return uabi.ErrType
	case t.block == BlockGone:
		return uabi.ErrDead
	case t.block == BlockNone:
		return uabi.ErrBusy
	}
	s.Ref()
	t.Space.Release()
	more, untidy = true, true
	t.Space = s
	t.Ctx.ResetFX()
	return uabi.OK
}

// Interrupt is CallThreadInterrupt: the level (R12). ErrDead.
func (t *Thread) Interrupt(on bool) uabi.Error {
	if t.Kind != Alien {
		return uabi.ErrType
	}
	if t.block == BlockGone {
		return uabi.ErrDead
	}
	if !on {
		t.pend &^= pendIntr
		return uabi.OK
	}
	t.pend |= pendIntr
	switch t.block {
	case BlockNone:
		sched.KickOut(&t.Thread)
	case BlockEvent, BlockFutex:
		if !t.al.firm {
			t.leaveWait()
			t.redeliver(0, uabi.OK)
		}
	case BlockParked:
		if t.al.open {
			t.redeliver(0, uabi.OK)
		}
	}
	return uabi.OK
}

// Kill is CallThreadKill.
func (t *Thread) Kill() uabi.Error {
	if t.Kind != Alien {
		return uabi.ErrType
	}
	if t.block == BlockGone {
		return uabi.OK
	}
	t.pend |= pendKill
	switch t.block {
	case BlockNone:
		if t.State == sched.Running {
			sched.KickOut(&t.Thread)
			return uabi.OK
		}
		sched.Block(&t.Thread)
	case BlockEvent, BlockFutex:
		t.leaveWait()
	case BlockTrap:
		if t.al.delivered || t.call.state != callQueued {
			return uabi.OK
		}
		t.Unlink()
		t.endCall()
	case BlockForward:
		return uabi.OK
	}
	t.die()
	return uabi.OK
}

// SetGone is CallThreadEvent. A thread that is gone raises it at once.
func (t *Thread) SetGone(e *Event, bits uint32) uabi.Error {
	if t.Kind != Alien {
		return uabi.ErrType
	}
	if t.block == BlockGone {
		e.Update(bits, 0, 0)
		return uabi.OK
	}
	e.Refs++
	if old := t.al.gone; old != nil {
		bury(&old.Header)
	}
	t.al.gone, t.al.goneBits = e, bits
	return uabi.OK
}

// Info is CallThreadInfo: state (uabi.Thread…), user and system ns (not told apart: system is 0), traps.
func (t *Thread) Info() (state uint32, user, system, traps uint64) {
	state = uabi.ThreadRunning
	switch t.block {
	case BlockParked:
		state = uabi.ThreadParked
	case BlockTrap, BlockForward, BlockCall:
		state = uabi.ThreadTrapped
	case BlockEvent, BlockFutex, BlockReceive, BlockSleep:
		state = uabi.ThreadWaiting
	case BlockGone:
		state = uabi.ThreadGone
	}
	return state, t.UserNS, 0, t.al.traps
}
