package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
)

// doCall is CallCall.
func doCall(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	if t.Buf == nil {
		return done(t, 0, uabi.ErrArg)
	}
	e, b, err := t.Proc.Endpoint(handle(r.RDI), uabi.RightCall)
	if err != uabi.OK {
		return done(t, 0, err)
	}
	return direct(ipc.Call(t, e, b))
}

// receive is CallReceive.
func receive(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	if t.Buf == nil {
		return done(t, 0, uabi.ErrArg)
	}
	e, _, err := t.Proc.Endpoint(handle(r.RDI), uabi.RightReceive)
	if err != uabi.OK {
		return done(t, 0, err)
	}
	ipc.Receive(t, e, r.RSI)
	return leave()
}

// replyReceive is CallReplyReceive.
func replyReceive(t *ipc.Thread, r *uabi.Regs) *arch.Context {
	if t.Buf == nil {
		return done(t, 0, uabi.ErrArg)
	}
	e, _, err := t.Proc.Endpoint(handle(r.RDI), uabi.RightReceive)
	if err != uabi.OK {
		return done(t, 0, err)
	}
	return direct(ipc.ReplyReceive(t, e, r.RSI))
}

// reply is CallReply.
func reply(t *ipc.Thread) (uint64, uabi.Error) {
	if t.Buf == nil {
		return 0, uabi.ErrArg
	}
	return 0, ipc.Reply(t)
}

// receiver looks up an endpoint that the caller receives on.
func receiver(t *ipc.Thread, h uint64) (*ipc.Endpoint, uabi.Error) {
	e, _, err := t.Proc.Endpoint(handle(h), uabi.RightReceive)
	return e, err
}

// endpointCreate is CallEndpointCreate.
func endpointCreate(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	a, err := account(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	if r.RSI > uabi.RankClient {
		return 0, uabi.ErrArg
	}
	rank := uint32(r.RSI)
	if rank != t.Proc.Rank {
		if _, err = t.Proc.GetAccount(handle(r.RDI), uabi.RightManage); err != uabi.OK {
			return 0, err
		}
	}
	e, err := ipc.NewEndpoint(a, rank)
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &e.Header, uabi.RightsAll)
}

// bind is CallBind.
func bind(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	e, err := receiver(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	ev, err := t.Proc.GetEvent(handle(r.RSI), uabi.RightRead)
	if err != uabi.OK {
		return 0, err
	}
	mask, err := word(r.R10)
	if err != uabi.OK {
		return 0, err
	}
	return 0, e.Bind(ev, r.RDX, mask)
}

// mint is CallMint.
func mint(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	e, err := receiver(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	rights, err := word(r.RDX)
	if err != uabi.OK {
		return 0, err
	}
	if r.RSI == 0 || rights&^(uabi.RightsAll|uabi.RightWeak) != 0 {
		return 0, uabi.ErrArg
	}
	h, err := e.Mint(t.Proc, r.RSI, rights)
	return uint64(h), err
}

// badgeAck is CallBadgeAck.
func badgeAck(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	e, err := receiver(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	return 0, e.BadgeAck(r.RSI)
}

// subscribe is CallSubscribe.
func subscribe(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	e, err := receiver(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	return 0, e.Subscribe()
}

// threadAck is CallThreadAck.
func threadAck(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	e, err := receiver(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	return 0, e.ThreadAck(r.RSI)
}

// dup is CallDup.
func dup(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	rights, err := word(r.RSI)
	if err != uabi.OK {
		return 0, err
	}
	h, err := t.Proc.Dup(handle(r.RDI), rights)
	return uint64(h), err
}

// handleInfo is CallHandleInfo.
func handleInfo(t *ipc.Thread, r *uabi.Regs) (uint64, uabi.Error) {
	typ, rights, badge, err := t.Proc.HandleInfo(handle(r.RDI))
	if err != uabi.OK {
		return 0, err
	}
	r.RDX = badge
	return uint64(typ)<<32 | uint64(rights), uabi.OK
}
