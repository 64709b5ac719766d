package server

import (
	"math"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// mode is how a handler is being run.
type mode uint8

const (
	modeLive   mode = iota // journalled
	modeLookup             // nothing is logged, nothing may change
	modeReplay             // inputs come from the log, effects are not done
)

// Ctx is everything a handler may know and do beyond its state. It is valid until the handler returns.
type Ctx struct {
	s    *server
	k    uk.Kernel
	b    *uk.Buffer // the request and reply that the dispatch sees
	mode mode

	// What reset clears lies together.
	intent bool   // the record is open (R8)
	full   bool   // no room for further inputs
	orphan bool   // finishing without the request: its grants are gone
	calls  uint16 // mutating nested calls so far (R7)
	nested uint16 // of them: answered OK, so committed below
	own    bool   // the handler runs for no request, so there is no answer
	marks  bool   // each input has its mark: the record is open, or there are fault points

	rec    record // at, end, open: the record that is written or replayed
	tail   int    // live: where the next input goes
	quick  int    // live, and inputs not refused: the last tail with room for one word; else −1
	cursor int    // replay: the next input

	id    uabi.ID
	badge uint64
	later uabi.EventUpdate // goes with the answer

	wait     uabi.WaitSpec
	lastWait uabi.WaitSpec

	minted  []minted
	got     []uabi.Handle // brought or created: closed when the handler fails
	closing []uabi.Handle // Close: after the commit
	weak    []owned       // arrived handles of our own badges
	word    [8]byte
}

// minted is a handle of one of our badges made for this request's reply (or a nested call).
type minted struct {
	h      uabi.Handle
	rights uint32
	badge  uint64
}

// owned is a weak handle that arrived, with the badge number it stands for.
type owned struct {
	h     uabi.Handle
	badge uint64
}

// reset prepares for the next handler.
func (c *Ctx) reset(m mode, b *uk.Buffer, id uabi.ID, badge uint64) {
	c.b = b
	c.mode, c.intent, c.full, c.orphan, c.calls, c.nested, c.own = m, false, false, false, 0, 0, false
	c.marks = c.s.fault.on
	c.quick = c.s.quick[m]
	c.id, c.badge = id, badge
	c.later = uabi.EventUpdate{}
	c.minted = c.minted[:0]
	c.got = c.got[:0]
	c.closing = c.closing[:0]
	c.weak = c.weak[:0]
}

// arrive takes note of the handles of the request in b.In.
func (c *Ctx) arrive(m *uabi.Msg) {
	for i := 0; i < int(m.NHandles) && i < uabi.MaxHandles; i++ {
		c.came(m.Handle[i], m.Record[i])
	}
}

func (c *Ctx) came(h uabi.Handle, badge uint64) {
	switch {
	case h == 0:
	case badge != 0:
		c.weak = append(c.weak, owned{h, badge})
	default:
		c.got = append(c.got, h)
	}
}

// goLive ends the replay of an open intent: from here on inputs and effects are real.
func (c *Ctx) goLive() {
	if c.s.host {
		panic(errIntentEnds)
	}
	c.mode = modeLive
	c.intent, c.marks = true, true
	c.quick = c.s.quick[modeLive]
	c.tail = c.rec.end
	c.s.step(stepFinish)
}

// Badge is the badge of the handle that was called; 0: the plain endpoint.
func (c *Ctx) Badge() uint64 { return c.badge }

// ID is the request's id; of a look-up zero.
func (c *Ctx) ID() uabi.ID { return c.id }

// Origin is the alien, or the originator, that the request belongs to; 0 in a look-up.
func (c *Ctx) Origin() uint64 { return c.id.Origin }

// Replaying reports whether the handler runs for its effect on the state only. It is for log lines, never for decisions.
func (c *Ctx) Replaying() bool { return c.mode == modeReplay }

// Mutating reports whether the handler may change state: it does not run as a look-up.
func (c *Ctx) Mutating() bool { return c.mode != modeLookup }

// BadgeOf is the number behind a handle of this server's own that came with the request or a nested reply, else 0.
func (c *Ctx) BadgeOf(h uabi.Handle) uint64 {
	for i := range c.weak {
		if c.weak[i].h == h {
			return c.weak[i].badge
		}
	}
	return 0
}

// Context is context word i of the alien that the request belongs to (proto/ctx names them).
func (c *Ctx) Context(i int) uint64 {
	if c.mode == modeLookup {
		return c.b.In.Context[i]
	}
	if c.tail <= c.quick && !c.orphan {
		v := c.s.b.In.Context[i]
		c.put1(inHead(inContext, uint8(i), uabi.OK, wordSize), v)
		c.advance(c.tail)
		return v
	}
	return c.contextElse(i)
}

// contextElse is Context in replay, of no alien, or where there may be no room.
func (c *Ctx) contextElse(i int) uint64 {
	if head, p, ok := c.replaying(inContext); ok {
		v, _ := c.regave(head, p)
		return v
	}
	v := c.s.b.In.Context[i]
	if c.orphan {
		v = 0
	}
	if !c.note(inContext, uint8(i), v) {
		return 0
	}
	return v
}

// Interrupted reports the alien's interrupt level (R12).
func (c *Ctx) Interrupted() bool {
	if head, p, ok := c.replaying(inInterrupted); ok {
		v, _ := c.regave(head, p)
		return v != 0
	}
	v := uint64(c.s.b.In.Flags & uabi.FlagInterrupt)
	if c.orphan {
		v = 0
	}
	return c.note(inInterrupted, 0, v) && v != 0
}

// Now is the monotonic clock, ns since boot.
func (c *Ctx) Now() uint64 { return c.clock(uabi.ClockMonotonic) }

// Realtime is ns since 1970.
func (c *Ctx) Realtime() uint64 { return c.clock(uabi.ClockRealtime) }

// MaxTime is the latest time that a timer can be set to, as Linux's KTIME_MAX: ns.
const MaxTime = math.MaxInt64

// Later is t + d, at most MaxTime.
func Later(t, d uint64) uint64 {
	if d > MaxTime-min(t, MaxTime) {
		return MaxTime
	}
	return t + d
}

// OnMonotonic is the monotonic time at which the real time will be at, or now if it is past. The monotonic clock is read last: at the deadline
// CLOCK_REALTIME is there too.
func (c *Ctx) OnMonotonic(at uint64) uint64 {
	left := at - min(at, c.Realtime())
	return Later(c.Now(), left)
}

func (c *Ctx) clock(which uint32) uint64 {
	if head, p, ok := c.replaying(inClock); ok {
		v, _ := c.regave(head, p)
		return v
	}
	if !c.room(wordSize) {
		return 0
	}
	ns, err := c.k.Clock(which)
	c.log1(inClock, uint8(which), err, ns)
	return ns
}

// Rand64 is random.
func (c *Ctx) Rand64() uint64 {
	if head, p, ok := c.replaying(inRandom); ok {
		v, _ := c.regave(head, p)
		return v
	}
	if !c.room(wordSize) {
		return 0
	}
	c.k.Random(c.word[:])
	var v uint64
	for i, x := range c.word {
		v |= uint64(x) << (8 * i)
	}
	c.log1(inRandom, 0, uabi.OK, v)
	return v
}

// Wait is a handler's last word when it would block: `return c.Wait(…)`. The event's bits are waited for from raise number since on
// (uabi.WaitSpec). It commits nothing (R11).
func (c *Ctx) Wait(ev uabi.Handle, mask uint32, since, deadline uint64) uabi.Error {
	c.wait = uabi.WaitSpec{Event: ev, Mask: mask, Since: since, Deadline: deadline}
	return uabi.ErrWait
}

// Close closes a handle that the state no longer names, once the request is committed.
func (c *Ctx) Close(h uabi.Handle) uabi.Error {
	if h == 0 {
		return uabi.ErrHandle
	}
	for i := range c.got {
		if c.got[i] == h {
			c.got = append(c.got[:i], c.got[i+1:]...)
			break
		}
	}
	c.closing = append(c.closing, h)
	return uabi.OK
}

// mintRights are those of the handles that Mint makes.
const mintRights = uabi.RightCall | uabi.RightTransfer | uabi.RightRead

// Mint makes a handle of the server's own endpoint with that badge, for a reply or a nested call. The library closes it once
// the reply is sent, and makes it again when the reply is.
func (c *Ctx) Mint(badge uint64) (uabi.Handle, uabi.Error) {
	if head, p, ok := c.replaying(inMint); ok {
		h, n, err := c.regave2(head, p)
		if err == uabi.OK {
			c.minted = append(c.minted, minted{uabi.Handle(h), mintRights, n})
		}
		return uabi.Handle(h), err
	}
	if !c.room(2 * wordSize) {
		return 0, uabi.ErrNoMem
	}
	h, err := c.k.Mint(uabi.BootEndpoint, badge, mintRights)
	c.log2(inMint, err, uint64(h), badge)
	if err == uabi.OK {
		c.minted = append(c.minted, minted{h, mintRights, badge})
	}
	return h, err
}

// effect makes the record an open intent (R8), before the first effect or nested mutating call. It refuses in a look-up, which may
// change nothing.
func (c *Ctx) effect(bytes int) uabi.Error {
	if c.mode == modeLookup {
		return uabi.ErrPerm
	}
	if !c.room(bytes) {
		return uabi.ErrNoMem
	}
	if !c.intent {
		if c.s.fault.on {
			c.s.step(stepIntent)
		}
		c.intent, c.marks = true, true
		c.s.kept.w[headReceipt+receiptFor] = 0
		c.s.kept.mark(c.rec.at, c.tail, markOpen)
	}
	if c.s.fault.on {
		c.s.step(stepEffect)
	}
	return uabi.OK
}
