package ipc

import (
	"testing"

	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// lx is linuxabi, a server below it, and an alien.
type lx struct {
	*world
	l, v, d *Process // handler, server, and procd, which owns the alien's handle
	lt, vt  *Thread
	le, ve  *Endpoint
	vh      uabi.Handle // ve in l, RightCall
	a       *Thread
	ah      uabi.Handle
}

func newLX(t fataler) *lx {
	w := newWorld(t)
	x := &lx{world: w}
	x.l = w.process(uabi.RankLinux, uabi.ProcessServer)
	x.v = w.process(uabi.RankVFS, uabi.ProcessServer)
	x.d = w.process(uabi.RankProc, uabi.ProcessServer)
	x.lt, x.vt = w.native(x.l), w.native(x.v)
	x.le, _ = w.endpoint(x.l)
	x.ve, _ = w.endpoint(x.v)
	var err uabi.Error
	x.vh, err = x.l.Install(&x.ve.Header, nil, uabi.RightCall|uabi.RightTransfer)
	w.check(err)
	x.a, x.ah = w.alien(x.d, x.le)
	return x
}

// end kills the alien, wherever it is, and checks that nothing is left.
func (x *lx) end() {
	x.t.Helper()
	x.a.Kill()
	x.idle()
	x.leak()
	eq(x.t, "aliens", findAlien(x.a.ID), nil)
}

// trapped makes the alien trap and its handler receive it.
func (x *lx) trapped() *uabi.Msg {
	x.t.Helper()
	x.trap(x.a)
	return x.handle()
}

// handle lets the handler receive the next message.
func (x *lx) handle() *uabi.Msg {
	x.t.Helper()
	if x.lt.block != BlockReceive && x.lt.cur == nil {
		x.receive(x.lt, x.le)
	}
	if x.lt.cur == nil {
		x.t.Fatalf("the handler has no trap")
	}
	return &x.lt.Buf.In
}

// forward sends the current trap on to the server with id step 1.
func (x *lx) forward() *uabi.Msg {
	o := out(x.lt, uabi.AnswerForward)
	o.Target = x.vh
	o.Method = 5
	o.ID = x.lt.Buf.In.ID
	o.ID.Path = 1 << uabi.PathShift(5)
	return o
}

func TestATrapIsAMessageAndItsAnswerGoesOn(t *testing.T) {
	x := newLX(t)
	x.receive(x.lt, x.le)
	x.on(x.a)
	x.a.Ctx.Regs.RAX, x.a.Ctx.Regs.RDI = 39, 7
	w := [uabi.ContextWords]uint64{1, 2, 3}
	x.a.SetContext(&w)
	in := &x.lt.Buf.In
	in.W[0] = 99
	x.trap(x.a)
	eq(t, "current", Current(), x.lt)
	eq(t, "CPU", in.W[0], 0)
	eq(t, "kind", in.Kind, uabi.KindTrap)
	eq(t, "flags", in.Flags, 0)
	eq(t, "id", in.ID, uabi.ID{Origin: x.a.ID, Trap: 1})
	eq(t, "cause", in.Trap, uabi.TrapSyscall)
	eq(t, "RAX", in.Regs.RAX, 39)
	eq(t, "RDI", in.Regs.RDI, 7)
	eq(t, "context", in.Context, w)
	out(x.lt, uabi.AnswerResult).W[0] = 1234
	x.replyReceive(x.lt, x.le)
	eq(t, "current", Current(), x.a)
	eq(t, "RAX", x.a.Ctx.Regs.RAX, 1234)
	x.end()
}

func TestAnAnswerMayLoadAllRegistersButNotPrivilege(t *testing.T) {
	x := newLX(t)
	x.trapped()
	r := x.lt.Buf.ArgRegs()
	*r = uabi.Regs{RIP: 0x4000, RSP: 0x8000, RCX: 5, Flags: ^uint64(0)}
	out(x.lt, uabi.AnswerRegs)
	r.RIP = 0xffff800000000000
	eq(t, "kernel address", x.reply(x.lt), uabi.ErrArg)
	r.RIP = 0x4000
	eq(t, "reply", x.reply(x.lt), uabi.OK)
	eq(t, "RCX", x.a.Ctx.Regs.RCX, 5)
	eq(t, "IOPL and NT", x.a.Ctx.Regs.Flags&0x7000, 0)
	eq(t, "IF", x.a.Ctx.Regs.Flags&0x200, 0x200)
	eq(t, "full", x.a.Ctx.Full, 1)
	x.end()
}

func TestAWaitParksTheAlienUntilTheEventAndRedeliversWithItsRecord(t *testing.T) { // R1, R2, R4, R11
	x := newLX(t)
	ev, h := x.event(x.l)
	x.trapped()
	o := out(x.lt, uabi.AnswerWait)
	o.Flags = uabi.FlagSaveRecord
	o.Record[3] = 77
	o.RecordHandle[1] = h
	o.Wait = uabi.WaitSpec{Event: h, Mask: 1, Deadline: uabi.NoDeadline}
	eq(t, "reply", x.reply(x.lt), uabi.OK)
	eq(t, "parked", x.a.block, BlockEvent)
	x.check(x.l.Close(h))
	ev.Update(2, 0, 0)
	eq(t, "another bit", x.a.block, BlockEvent)
	ev.Update(1, 0, 0)
	in := x.handle()
	eq(t, "flags", in.Flags, uabi.FlagEvent|uabi.FlagRedeliver)
	eq(t, "trap count", in.ID.Trap, 1)
	eq(t, "record", in.Record[3], 77)
	got, err := x.l.GetEvent(in.RecordHandle[1], uabi.RightRead)
	x.check(err)
	eq(t, "record handle", got, ev)
	rh := in.RecordHandle[1]
	out(x.lt, uabi.AnswerResult)
	eq(t, "reply", x.reply(x.lt), uabi.OK)
	_, err = x.l.GetEvent(rh, 0)
	eq(t, "the kernel closed it", err, uabi.ErrHandle)
	in = x.trapped()
	eq(t, "R2", in.Record[3], 0)
	eq(t, "R1", in.ID.Trap, 2)
	x.end()
}

func TestAWaitEndsAtOnceIfSomethingWasRaisedSince(t *testing.T) {
	x := newLX(t)
	ev, h := x.event(x.l)
	seq := ev.Update(0, 0, 1)
	for _, c := range []struct {
		since uint64
		want  Block
	}{{seq, BlockEvent}, {seq - 1, BlockTrap}} {
		x.trapped()
		out(x.lt, uabi.AnswerWait).Wait = uabi.WaitSpec{Event: h, Mask: 1, Since: c.since, Deadline: uabi.NoDeadline}
		eq(t, "reply", x.reply(x.lt), uabi.OK)
		eq(t, "alien", x.a.block, c.want)
		ev.Update(0, 0, 1)
		x.handle()
		out(x.lt, uabi.AnswerResult)
		x.reply(x.lt)
	}
	x.end()
}

func TestATimeoutIsALevelOfTheTrap(t *testing.T) { // R12
	x := newLX(t)
	x.trapped()
	out(x.lt, uabi.AnswerWait).Wait = uabi.WaitSpec{Deadline: 500}
	x.reply(x.lt)
	x.tick(500)
	in := x.handle()
	eq(t, "flags", in.Flags, uabi.FlagTimeout|uabi.FlagRedeliver)
	_, h := x.event(x.l)
	out(x.lt, uabi.AnswerWait).Wait = uabi.WaitSpec{Event: h, Mask: 1, Deadline: uabi.NoDeadline}
	x.reply(x.lt)
	in = x.handle()
	eq(t, "wait returns at once", in.Flags, uabi.FlagTimeout|uabi.FlagRedeliver)
	x.forward()
	eq(t, "not forwarded", x.reply(x.lt), uabi.ErrInterrupted)
	out(x.lt, uabi.AnswerResult)
	x.reply(x.lt)
	in = x.trapped()
	eq(t, "the next trap has none", in.Flags, 0)
	x.end()
}

func TestAnInterruptIsALevelUntilItIsLowered(t *testing.T) { // R12
	x := newLX(t)
	_, h := x.event(x.l)
	x.trapped()
	out(x.lt, uabi.AnswerWait).Wait = uabi.WaitSpec{Event: h, Mask: 1, Deadline: uabi.NoDeadline}
	x.reply(x.lt)
	x.check(x.a.Interrupt(true))
	in := x.handle()
	eq(t, "flags", in.Flags, uabi.FlagInterrupt|uabi.FlagRedeliver)
	eq(t, "R1", in.ID.Trap, 1)
	x.forward()
	eq(t, "not forwarded", x.reply(x.lt), uabi.ErrInterrupted)
	out(x.lt, uabi.AnswerResult)
	x.reply(x.lt)
	for Leave() != nil && x.a.block == BlockNone { // the alien runs into the level
		x.on(x.a)
	}
	in = x.handle()
	eq(t, "cause", in.Trap, uabi.TrapInterrupt)
	eq(t, "R1", in.ID.Trap, 2)
	x.check(x.a.Interrupt(false))
	rax := x.a.Ctx.Regs.RAX
	out(x.lt, uabi.AnswerResult).W[0] = 99
	x.reply(x.lt)
	eq(t, "an interrupt has no result", x.a.Ctx.Regs.RAX, rax)
	eq(t, "runs", x.a.runnable(), true)
	x.end()
}

func TestAFirmWaitLastsThroughAnInterruptLevel(t *testing.T) {
	x := newLX(t)
	ev, h := x.event(x.l)
	for range 2 { // the level comes up during the wait; it is up before
		x.trapped()
		o := out(x.lt, uabi.AnswerWait)
		o.Flags, o.Wait = uabi.FlagFirm, uabi.WaitSpec{Event: h, Mask: 1, Since: uabi.NoDeadline, Deadline: uabi.NoDeadline}
		x.reply(x.lt)
		eq(t, "waits", x.a.block, BlockEvent)
		x.check(x.a.Interrupt(true))
		eq(t, "waits on", x.a.block, BlockEvent)
		ev.Update(1, 0, 0)
		in := x.handle()
		eq(t, "flags", in.Flags, uabi.FlagEvent|uabi.FlagInterrupt|uabi.FlagRedeliver)
		ev.Update(0, 1, 0)
		x.check(x.a.Interrupt(false))
		out(x.lt, uabi.AnswerResult).Flags = 0
		x.reply(x.lt)
	}
	x.trapped()
	out(x.lt, uabi.AnswerWait).Wait = uabi.WaitSpec{Event: h, Mask: 1, Since: uabi.NoDeadline, Deadline: uabi.NoDeadline}
	x.lt.Buf.Out.Flags = 0
	x.reply(x.lt)
	x.check(x.a.Interrupt(true))
	eq(t, "an ordinary wait ends", x.handle().Flags, uabi.FlagInterrupt|uabi.FlagRedeliver)
	x.end()
}

func TestAThreadThatYieldsGoesBehindTheOthers(t *testing.T) {
	x := newLX(t)
	b, _ := x.alien(x.d, x.le)
	for _, c := range []struct {
		flags uint32
		next  *Thread
	}{{0, x.a}, {uabi.FlagYield, b}} {
		x.trapped()
		x.on(x.lt)
		sched.Block(&b.Thread)
		sched.MakeReady(&b.Thread)
		out(x.lt, uabi.AnswerResult).Flags = c.flags
		x.replyReceive(x.lt, x.le)
		eq(t, "current", Current(), c.next)
		eq(t, "the trap is answered", x.a.block, BlockNone)
	}
	sched.Block(&b.Thread)
	eq(t, "behind it", x.leave(), x.a)
	b.Kill()
	x.end()
}

func TestForwardedSuccessGoesStraightToTheAlien(t *testing.T) { // R3
	x := newLX(t)
	x.receive(x.vt, x.ve)
	x.trapped()
	o := x.forward()
	o.W[0], o.Len = 11, 2
	copy(x.lt.Buf.OutBytes[:], "hi")
	x.replyReceive(x.lt, x.le)
	eq(t, "current", Current(), x.vt)
	eq(t, "handler is free", x.lt.block, BlockReceive)
	in := &x.vt.Buf.In
	eq(t, "kind", in.Kind, uabi.KindCall)
	eq(t, "flags", in.Flags, uabi.FlagForwarded)
	eq(t, "id", in.ID, uabi.ID{Origin: x.a.ID, Trap: 1, Path: 1 << uabi.PathShift(5)})
	eq(t, "bytes", string(x.vt.Buf.InBytes[:in.Len]), "hi")
	out(x.vt, uabi.AnswerResult).W[0] = 5
	x.replyReceive(x.vt, x.ve)
	eq(t, "current", Current(), x.a)
	eq(t, "RAX", x.a.Ctx.Regs.RAX, 5)
	x.end()
}

func TestAForwardedErrorBringsTheTrapBackWithItsRecord(t *testing.T) { // R3
	x := newLX(t)
	x.trapped()
	o := x.forward()
	o.Flags = uabi.FlagSaveRecord
	o.Record[0] = 3
	x.reply(x.lt)
	x.receive(x.vt, x.ve)
	out(x.vt, uabi.AnswerResult).Status = -int32(uabi.ErrPipe)
	eq(t, "reply", x.reply(x.vt), uabi.OK)
	in := x.handle()
	eq(t, "flags", in.Flags, uabi.FlagFailed|uabi.FlagRedeliver)
	eq(t, "status", in.Status, -int32(uabi.ErrPipe))
	eq(t, "record", in.Record[0], 3)
	x.end()
}

func TestAForwardedWaitParksTheAlienAndKeepsTheHandlersRecord(t *testing.T) { // R3
	x := newLX(t)
	ev, h := x.event(x.v)
	x.trapped()
	o := x.forward()
	o.Flags, o.Record[0] = uabi.FlagSaveRecord, 3
	x.reply(x.lt)
	x.receive(x.vt, x.ve)
	o = out(x.vt, uabi.AnswerWait)
	o.Flags, o.Record[0] = uabi.FlagSaveRecord, 4
	o.Wait = uabi.WaitSpec{Event: h, Mask: 1, Deadline: uabi.NoDeadline}
	x.reply(x.vt)
	eq(t, "parked", x.a.block, BlockEvent)
	ev.Update(1, 0, 0)
	in := x.handle()
	eq(t, "flags", in.Flags, uabi.FlagEvent|uabi.FlagRedeliver)
	eq(t, "the handler's record", in.Record[0], 3)
	x.end()
}

func TestAForwardedTrapDoesNotComeBackWithTheHandlersSuccessor(t *testing.T) { // R3
	x := newLX(t)
	x.trapped()
	x.forward()
	x.reply(x.lt)
	x.l.Die(1, true)
	x.image(x.l)
	x.lt = x.native(x.l)
	x.receive(x.lt, x.le)
	eq(t, "nothing to handle", x.lt.block, BlockReceive)
	x.receive(x.vt, x.ve)
	out(x.vt, uabi.AnswerResult).W[0] = 8
	x.reply(x.vt)
	eq(t, "RAX", x.a.Ctx.Regs.RAX, 8)
	x.end()
}

func TestAForwardedRequestKeepsItsTargetBadge(t *testing.T) { // R4
	x := newLX(t)
	h, err := x.ve.Mint(x.l, 6, uabi.RightCall)
	x.check(err)
	x.trapped()
	o := x.forward()
	o.Target = h
	x.reply(x.lt)
	x.check(x.l.Close(h))
	b := x.ve.find(6)
	eq(t, "kept", b.handles, 1)
	x.receive(x.vt, x.ve)
	eq(t, "badge", x.vt.Buf.In.Badge, 6)
	out(x.vt, uabi.AnswerResult)
	x.replyReceive(x.vt, x.ve)
	eq(t, "then gone", x.vt.Buf.In.W, [6]uint64{uabi.NoticeGone, 6})
	x.end()
}

func TestTheHandlersSuccessorGetsTheTrapAgain(t *testing.T) {
	x := newLX(t)
	x.trapped()
	x.l.Die(1, true)
	x.image(x.l)
	x.lt = x.native(x.l)
	in := x.handle()
	eq(t, "flags", in.Flags, uabi.FlagRedeliver|uabi.FlagResend)
	eq(t, "R1", in.ID.Trap, 1)
	x.end()
}

func TestTheHandlerMayUseOnlyTheIdOfTheTrapItHandles(t *testing.T) { // R13
	x := newLX(t)
	id := func(i uabi.ID) uabi.Error {
		out(x.lt, 0).ID = i
		x.call(x.lt, x.ve, nil)
		if x.lt.block == BlockCall {
			x.receive(x.vt, x.ve)
			out(x.vt, uabi.AnswerResult)
			x.reply(x.vt)
			return uabi.OK
		}
		return status(x.lt)
	}
	eq(t, "no trap", id(uabi.ID{Origin: x.a.ID, Trap: 0, Path: 1}), uabi.ErrStale)
	x.trapped()
	eq(t, "this trap", id(uabi.ID{Origin: x.a.ID, Trap: 1, Path: 1}), uabi.OK)
	eq(t, "another trap", id(uabi.ID{Origin: x.a.ID, Trap: 2, Path: 1}), uabi.ErrStale)
	eq(t, "another alien", id(uabi.ID{Origin: x.a.ID + 1, Trap: 1, Path: 1}), uabi.ErrStale)
	eq(t, "its own", id(uabi.ID{Origin: uabi.OriginProcess | x.l.ID, Trap: 1}), uabi.OK)
	x.end()
}

func TestContextWordsComeWithNestedCalls(t *testing.T) {
	x := newLX(t)
	w := [uabi.ContextWords]uint64{4, 5, 6}
	x.a.SetContext(&w)
	pe, _ := x.endpoint(x.d)
	dt := x.native(x.d)
	x.trapped()
	out(x.lt, 0)
	x.call(x.lt, x.ve, nil)
	x.receive(x.vt, x.ve)
	eq(t, "of the call", x.vt.Buf.In.Context, w)
	out(x.vt, 0)
	x.call(x.vt, pe, nil)
	x.receive(dt, pe)
	eq(t, "of the nested call", dt.Buf.In.Context, w)
	x.end()
}

func TestHandlesInRepliesArePinnedUntilTheTrapIsAnswered(t *testing.T) { // R5
	x := newLX(t)
	h, err := x.ve.Mint(x.v, 6, uabi.RightCall|uabi.RightTransfer)
	x.check(err)
	b := x.ve.find(6)
	x.trapped()
	o := out(x.lt, 0)
	o.ID = uabi.ID{Origin: x.a.ID, Trap: 1, Path: 1}
	x.call(x.lt, x.ve, nil)
	x.receive(x.vt, x.ve)
	x.l.Die(1, true) // the caller is gone
	o = out(x.vt, uabi.AnswerResult)
	o.NHandles, o.Handle[0] = 1, h
	eq(t, "discarded", x.reply(x.vt), uabi.ErrStale)
	x.check(x.v.Close(h))
	eq(t, "pinned", b.handles, 1)
	x.image(x.l)
	x.lt = x.native(x.l)
	x.handle()
	out(x.lt, uabi.AnswerResult)
	x.reply(x.lt)
	eq(t, "pins fall", b.handles, 0)
	x.end()
}

func TestMoreHandlesThanTheThreadHasPinSlotsArePinnedToo(t *testing.T) { // R5
	x := newLX(t)
	x.trapped()
	const n = 3 * uabi.MaxHandles
	for i := range 3 {
		out(x.lt, 0).ID = uabi.ID{Origin: x.a.ID, Trap: 1, Path: uint64(i + 1)}
		x.call(x.lt, x.ve, nil)
		x.receive(x.vt, x.ve)
		o := out(x.vt, uabi.AnswerResult)
		o.NHandles = uabi.MaxHandles
		for j := range uabi.MaxHandles {
			h, err := x.ve.Mint(x.v, uint64(i*uabi.MaxHandles+j+1), uabi.RightCall|uabi.RightTransfer)
			x.check(err)
			o.Handle[j] = h
		}
		eq(t, "reply", x.reply(x.vt), uabi.OK)
		for j := range uabi.MaxHandles {
			x.check(x.v.Close(o.Handle[j]))
			x.check(x.l.Close(x.lt.Buf.Out.Handle[j]))
		}
	}
	for i := range uint64(n) {
		eq(t, "pinned", x.ve.find(i+1).handles, 1)
	}
	eq(t, "nodes", pinNodes.Live(), n-pinSlots)
	out(x.lt, uabi.AnswerResult)
	x.reply(x.lt)
	for i := range uint64(n) {
		eq(t, "fallen", x.ve.find(i+1).handles, 0)
	}
	x.end()
}

func TestAKillTakesEffectWhenTheTrapEndsAtAWaitOrInUserMode(t *testing.T) {
	for name, end := range map[string]func(x *lx){
		"user mode": func(x *lx) { x.check(x.a.Kill()) },
		"queued":    func(x *lx) { x.trap(x.a); x.check(x.a.Kill()) },
		"answered": func(x *lx) {
			x.trapped()
			x.a.Kill()
			eq(x.t, "lives", x.a.block, BlockTrap)
			out(x.lt, uabi.AnswerResult)
			x.reply(x.lt)
		},
		"while waiting": func(x *lx) { x.trapped(); out(x.lt, uabi.AnswerWait).Wait.Deadline = 900; x.reply(x.lt); x.a.Kill() },
		"at a wait":     func(x *lx) { x.trapped(); x.a.Kill(); out(x.lt, uabi.AnswerWait).Wait.Deadline = 900; x.reply(x.lt) },
		"at a stop":     func(x *lx) { x.trapped(); x.a.Kill(); out(x.lt, uabi.AnswerStop); x.reply(x.lt) },
		"stopped":       func(x *lx) { x.trapped(); out(x.lt, uabi.AnswerStop); x.reply(x.lt); x.a.Kill() },
		"forwarded": func(x *lx) {
			x.trapped()
			x.forward()
			x.reply(x.lt)
			x.a.Kill()
			x.receive(x.vt, x.ve)
			eq(x.t, "lives", x.a.block, BlockForward)
			out(x.vt, uabi.AnswerResult)
			x.reply(x.vt)
		},
		"handler gone": func(x *lx) {
			x.trapped()
			x.a.Kill()
			x.l.Die(0, false)
			for h := x.l.Table.Next(0); h != 0; h = x.l.Table.Next(0) {
				x.l.Close(h)
			}
		},
		"running on another CPU": func(x *lx) { x.on(x.a); x.check(x.a.Kill()) },
	} {
		x := newLX(t)
		ev, _ := x.event(x.d)
		x.check(x.a.SetGone(ev, 4))
		end(x)
		x.leave()
		if x.a.block != BlockGone {
			t.Fatalf("%s: the alien lives: %d", name, x.a.block)
		}
		level, _ := ev.Read()
		eq(t, name, level, 4)
		x.leak()
	}
}

func TestThreadGoneGoesToTheHighestRankFirstAndPinsFallAtTheLastAcknowledgement(t *testing.T) { // R5, R13
	x := newLX(t)
	de, _ := x.endpoint(x.d)
	dt := x.native(x.d)
	x.check(de.Subscribe())
	x.check(x.ve.Subscribe())
	h, err := x.ve.Mint(x.v, 6, uabi.RightCall|uabi.RightTransfer)
	x.check(err)
	x.trapped()
	out(x.lt, 0).ID = uabi.ID{Origin: x.a.ID, Trap: 1, Path: 1}
	x.call(x.lt, x.ve, nil)
	x.receive(x.vt, x.ve)
	o := out(x.vt, uabi.AnswerResult)
	o.NHandles, o.Handle[0] = 1, h
	x.reply(x.vt)
	x.check(x.v.Close(h))
	x.check(x.l.Close(x.lt.Buf.Out.Handle[0]))
	origin := x.a.ID
	x.a.Kill()
	eq(t, "alive: cannot be acknowledged", x.ve.ThreadAck(origin), uabi.ErrBusy)
	out(x.lt, uabi.AnswerWait).Wait.Deadline = 9 // where the kill takes effect, the trap unanswered
	x.reply(x.lt)
	eq(t, "gone", x.a.block, BlockGone)
	x.receive(dt, de)
	eq(t, "lower rank waits", dt.block, BlockReceive)
	eq(t, "not due there", de.ThreadAck(origin), uabi.ErrNotFound)
	x.receive(x.vt, x.ve)
	eq(t, "notice", x.vt.Buf.In.W, [6]uint64{uabi.NoticeThread, origin})
	nested := func(p *Process) uabi.Error {
		_, err := p.threads.checkID(uabi.ID{Origin: origin, Trap: 1, Path: 1})
		return err
	}
	eq(t, "nested calls pass", nested(x.v), uabi.OK)
	eq(t, "the handler's are refused", nested(x.l), uabi.ErrStale)
	eq(t, "ack", x.ve.ThreadAck(origin), uabi.OK)
	eq(t, "refused after the acknowledgement", nested(x.v), uabi.ErrDead)
	eq(t, "again", x.ve.ThreadAck(origin), uabi.OK)
	eq(t, "now below", dt.Buf.In.W, [6]uint64{uabi.NoticeThread, origin})
	eq(t, "ack", de.ThreadAck(origin), uabi.OK)
	eq(t, "forgotten", findAlien(origin), nil)
	x.receive(x.vt, x.ve)
	eq(t, "only now the pin falls", x.vt.Buf.In.W, [6]uint64{uabi.NoticeGone, 6})
	eq(t, "refused for ever", nested(x.d), uabi.ErrStale)
	x.end()
}

func TestAThreadGoneNoticeIsGivenAgainToASuccessor(t *testing.T) { // R13
	x := newLX(t)
	x.check(x.ve.Subscribe())
	origin := x.a.ID
	x.check(x.a.Kill())
	x.receive(x.vt, x.ve)
	x.v.Die(0, true)
	x.image(x.v)
	x.vt = x.native(x.v)
	x.receive(x.vt, x.ve)
	eq(t, "notice", x.vt.Buf.In.W, [6]uint64{uabi.NoticeThread, origin})
	x.check(x.ve.ThreadAck(origin))
	x.end()
}

func TestAParkedAlienTakesRegistersAndSpaceFromOutside(t *testing.T) {
	x := newLX(t)
	r := uabi.Regs{RIP: 0x1000, RAX: 9}
	eq(t, "running", x.a.SetRegs(&r), uabi.ErrBusy)
	x.trapped()
	out(x.lt, uabi.AnswerStop)
	x.reply(x.lt)
	x.check(x.a.SetRegs(&r))
	var got uabi.Regs
	x.check(x.a.GetRegs(&got))
	eq(t, "RAX", got.RAX, 9)
	s, err := vm.NewSpace(x.acct)
	x.check(err)
	x.a.Ctx.FX[100] = 9 // of the program before
	x.check(x.a.SetSpace(s))
	s.Release()
	fx := &x.a.Ctx.FX
	eq(t, "x87 control word", uint16(fx[1])<<8|uint16(fx[0]), 0x37f)
	eq(t, "MXCSR", uint16(fx[25])<<8|uint16(fx[24]), 0x1f80)
	eq(t, "register", fx[100], 0)
	child, err := NewAlien(x.acct, s, x.le, nil)
	x.check(err)
	x.check(child.CopyState(x.a))
	eq(t, "copied", child.Ctx.Regs.RAX, 9)
	eq(t, "copied x87 control word", child.Ctx.FX[0], 0x7f)
	x.check(x.a.Start())
	x.check(x.a.Start())
	x.on(x.a)
	eq(t, "loaded", vm.Loaded(), s)
	state, _, _, traps := x.a.Info()
	eq(t, "state", state, uabi.ThreadRunning)
	eq(t, "traps", traps, 1)
	child.Kill()
	Drop(&child.Header)
	x.end()
}

func TestAnAlienRunsNoFurtherThanItsInterrupt(t *testing.T) {
	x := newLX(t)
	x.check(x.a.Interrupt(true))
	for n := Leave(); n != nil; n = Leave() {
		if n == x.a {
			t.Fatalf("the alien runs in user mode")
		}
		sched.Block(&n.Thread)
	}
	eq(t, "trapped", x.a.block, BlockTrap)
	eq(t, "cause", x.a.al.cause, uabi.TrapInterrupt)
	x.end()
}
