package ipc

import (
	"testing"

	"aramid/ukernel/uabi"
)

func TestAnEventIsUpdatedInTheStepThatAnswers(t *testing.T) {
	x := newLX(t)
	ev, h := x.event(x.l)
	x.receive(x.lt, x.le)
	update := func(set, clear, raise uint32) *uabi.Msg {
		o := out(x.lt, uabi.AnswerResult)
		o.Update = uabi.EventUpdate{Event: h, Set: set, Clear: clear, Raise: raise}
		return o
	}
	x.trapped()
	update(6, 0, 0)
	x.replyReceive(x.lt, x.le)
	eq(t, "the alien goes on", Current(), x.a)
	eq(t, "level", ev.level, 6)
	x.trapped()
	o := update(1, 2, 4)
	o.NClose, o.Close[0] = 1, h
	x.replyReceive(x.lt, x.le)
	eq(t, "level of the event that was closed with it", ev.level, 5)
	eq(t, "raises", ev.seq, 2)
	eq(t, "done once", o.Update.Event, 0)
	_, h = x.event(x.l)
	x.trapped()
	o = update(1, 0, 0)
	o.Kind, o.Target = uabi.AnswerForward, h // no endpoint
	eq(t, "an answer that fails", x.reply(x.lt), uabi.ErrType)
	ev, err := x.l.GetEvent(h, uabi.RightWrite)
	x.check(err)
	eq(t, "changes no event", ev.level, 0)
	o.Kind, o.Update.Event = uabi.AnswerResult, x.vh // no event
	eq(t, "what is no event", x.reply(x.lt), uabi.OK)
	x.end()
}
