package ipc

import (
	"testing"

	"aramid/ukernel/uabi"
)

// badgeForHandler gives the handler a handle through a badge of the server and leaves the server none.
func (x *lx) badgeForHandler() (uabi.Handle, *Badge) {
	h, err := x.ve.Mint(x.v, 7, uabi.RightsAll)
	x.check(err)
	e, err := x.v.Get(h, uabi.TypeEndpoint, 0)
	x.check(err)
	b := badgeOf(e.Badge)
	lh, err := x.l.Install(e.Obj, b, uabi.RightCall|uabi.RightTransfer)
	x.check(err)
	x.check(x.v.Close(h))
	return lh, b
}

func TestAForwardedRequestsTargetIsARecordHandleLikeAnother(t *testing.T) { // R2, R4
	const done, failed, waits, dropped, dead = 0, 1, 2, 3, 4
	for how := range dead + 1 {
		x := newLX(t)
		ev, evh := x.event(x.v)
		th, b := x.badgeForHandler()
		x.trapped()
		o := x.forward()
		o.Target, o.Flags = th, uabi.FlagSaveRecord
		o.Record[2], o.RecordHandle[0] = 9, th
		eq(t, "forward", x.reply(x.lt), uabi.OK)
		x.check(x.l.Close(th))
		if how == dead {
			x.ve.close()
			x.idle()
		} else {
			x.receive(x.vt, x.ve)
			o = out(x.vt, uabi.AnswerResult)
			switch how {
			case failed:
				o.Status = -int32(uabi.ErrAgain)
			case waits:
				o.Kind, o.Wait = uabi.AnswerWait, uabi.WaitSpec{Event: evh, Mask: 1, Deadline: uabi.NoDeadline}
			case dropped:
				o.Kind = uabi.AnswerNone
			}
			eq(t, "answer", x.reply(x.vt), uabi.OK)
			ev.Update(1, 0, 0)
		}
		if how == done {
			eq(t, "kept", x.a.al.kept, 0)
			eq(t, "record", x.a.al.record[2], 0)
			eq(t, "handles of the badge", b.handles, 0)
			x.end()
			continue
		}
		in := x.handle()
		eq(t, "record", in.Record[2], 9)
		_, got, err := x.l.Endpoint(in.RecordHandle[0], uabi.RightCall)
		if how != dead {
			x.check(err)
			eq(t, "record handle", got, b)
		}
		eq(t, "handles of the badge", b.handles, 1)
		out(x.lt, uabi.AnswerResult)
		eq(t, "answer", x.reply(x.lt), uabi.OK)
		eq(t, "handles of the badge", b.handles, 0)
		x.end()
	}
}

func TestAForwardedRequestsSuccessMayLoadAllRegisters(t *testing.T) {
	for _, status := range []uabi.Error{uabi.OK, uabi.ErrAgain} {
		x := newLX(t)
		x.a.Ctx.Regs.RAX, x.a.Ctx.Regs.RBX = 15, 1
		x.trapped()
		x.forward().Flags = uabi.FlagRegs
		r := x.lt.Buf.ArgRegs()
		*r = uabi.Regs{RIP: 0xffff800000000000}
		eq(t, "kernel address", x.reply(x.lt), uabi.ErrArg)
		*r = uabi.Regs{RIP: 0x4000, RBX: 5, Flags: ^uint64(0)}
		eq(t, "forward", x.reply(x.lt), uabi.OK)
		*r = uabi.Regs{}
		x.receive(x.vt, x.ve)
		o := out(x.vt, uabi.AnswerResult)
		o.Status, o.W[0] = -int32(status), 77
		eq(t, "answer", x.reply(x.vt), uabi.OK)
		regs := &x.a.Ctx.Regs
		if status == uabi.OK {
			eq(t, "RBX", regs.RBX, 5)
			eq(t, "RIP", regs.RIP, 0x4000)
			eq(t, "RAX", regs.RAX, 0)
			eq(t, "IOPL and NT", regs.Flags&0x7000, 0)
			eq(t, "full", x.a.Ctx.Full, 1)
			x.end()
			continue
		}
		in := x.handle()
		eq(t, "RAX", in.Regs.RAX, 15)
		eq(t, "RBX", in.Regs.RBX, 1)
		out(x.lt, uabi.AnswerResult).W[0] = 3
		eq(t, "answer", x.reply(x.lt), uabi.OK)
		eq(t, "RBX", regs.RBX, 1)
		eq(t, "RAX", regs.RAX, 3)
		x.end()
	}
}
