package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// doCall is CallCall. That there is a message buffer is checked by ipc.
func doCall(t *ipc.Thread) *arch.Context {
	e, b, err := t.Proc.Endpoint(handle(t.Ctx.Regs.RDI), uabi.RightCall)
	if err != uabi.OK {
		return done(t, 0, err)
	}
	if next := ipc.Call(t, e, b); next != nil && !signalled(next) {
		return &next.Ctx
	}
	return leave()
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

// replyReceive is CallReplyReceive; see doCall.
func replyReceive(t *ipc.Thread) *arch.Context {
	e, _, err := t.Proc.Endpoint(handle(t.Ctx.Regs.RDI), uabi.RightReceive)
	if err != uabi.OK {
		return done(t, 0, err)
	}
	if next := ipc.ReplyReceive(t, e, t.Ctx.Regs.RSI); next != nil && !signalled(next) {
		return &next.Ctx
	}
	return leave()
}

// reply is CallReply.
func reply(t *ipc.Thread) (uint64, uabi.Error) {
	if t.Buf == nil {
		return 0, uabi.ErrArg
	}
	return 0, ipc.Reply(t)
}

// endpointCreate is CallEndpointCreate.
func endpointCreate(t *ipc.Thread, r *uabi.Regs, a *object.Account) (uint64, uabi.Error) {
	if r.RSI > uabi.RankClient {
		return 0, uabi.ErrArg
	}
	rank := uint32(r.RSI)
	if rank != t.Proc.Rank {
		if _, err := t.Proc.GetAccount(handle(r.RDI), uabi.RightManage); err != uabi.OK {
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
func bind(r *uabi.Regs, e *ipc.Endpoint, ev *ipc.Event) (uint64, uabi.Error) {
	mask, err := word(r.R10)
	if err != uabi.OK {
		return 0, err
	}
	return 0, e.Bind(ev, r.RDX, mask)
}

// mint is CallMint.
func mint(t *ipc.Thread, r *uabi.Regs, e *ipc.Endpoint) (uint64, uabi.Error) {
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
