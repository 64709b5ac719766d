package abi

import (
	pb "aramid/itest/ledger/proto"
	"aramid/ukernel/uabi"
)

// syscall executes the call of the current trap.
func (h *Handler) syscall(in *uabi.Msg) {
	r := &in.Regs
	switch r.RAX {
	case SysNone:
		h.result(in.ID.Trap, uabi.OK)
	case SysOpen, SysFind:
		h.open(in, r.RAX, r.RDI, r.RSI)
	case SysDeposit, SysDepositF, SysWithdraw, SysWithdrawF, SysBalance:
		h.amount(in, r.RAX, r.RDI, r.RSI)
	case SysDrain:
		h.drain(in, r.RDI, r.RSI)
	case SysTransfer:
		h.transfer(in, r.RDI, r.RSI, r.RDX)
	case SysMove:
		var out pb.NumberReply
		err := h.auditor.Move(&h.lane, &pb.MoveRequest{Table: in.ID.Origin, Slot: r.RDI, To: r.RSI}, &out)
		h.result(out.Number, err)
	case SysClose:
		var out pb.NumberReply
		err := h.auditor.Drop(&h.lane, &pb.SlotRequest{Table: in.ID.Origin, Slot: r.RDI}, &out)
		h.result(out.Number, err)
	case SysExport:
		h.export(in, r.RDI, r.RSI, r.RDX)
	case SysSleep:
		h.sleepFor(in, r.RDI)
	default:
		h.result(0, uabi.ErrCall)
	}
}

// open is two steps: make the account, install its handle. The handle in the first reply is pinned by the kernel (R5), so that the
// second can be sent again by a successor, which asks the first again.
func (h *Handler) open(in *uabi.Msg, nr, va, n uint64) {
	name := h.name[:min(n, maxName)]
	if _, err := h.k.AlienRead(va, name); err != uabi.OK {
		h.result(0, err)
		return
	}
	var acc pb.AccountReply
	h.save(0)
	var err uabi.Error
	if l := (pb.LedgerClient{H: h.ledger}); nr == SysOpen {
		err = l.Open(&h.lane, &pb.OpenRequest{Name: string(name)}, &acc)
	} else {
		err = l.Find(&h.lane, &pb.FindRequest{Name: string(name)}, &acc)
	}
	if err != uabi.OK {
		h.result(0, err)
		return
	}
	var fd pb.NumberReply
	err = h.auditor.Install(&h.lane, &pb.InstallRequest{Table: in.ID.Origin, File: acc.Account}, &fd)
	h.k.Close(uabi.Handle(acc.Account))
	h.result(fd.Number, err)
}

// amount is every call with a descriptor and an amount.
func (h *Handler) amount(in *uabi.Msg, nr, fd, amount uint64) {
	acc, err := h.look(in, 0, fd)
	if err != uabi.OK {
		h.result(0, err)
		return
	}
	defer h.drop(in, acc)
	l, req := pb.LedgerClient{H: acc}, &pb.AmountRequest{Amount: amount}
	var out pb.BalanceReply
	if nr == SysBalance {
		err = l.Balance(&h.lane, &pb.EmptyRequest{}, &out)
		h.result(out.Balance, err)
		return
	}
	h.save(0, acc)
	if forwarded := nr == SysDepositF || nr == SysWithdrawF; forwarded && in.Flags&(uabi.FlagInterrupt|uabi.FlagTimeout) == 0 {
		if nr == SysDepositF {
			err = l.ForwardDeposit(&h.lane, req)
		} else {
			err = l.ForwardWithdraw(&h.lane, req)
		}
		if err != uabi.OK {
			h.result(0, err)
		}
		return
	}
	if nr == SysDeposit || nr == SysDepositF {
		err = l.Deposit(&h.lane, req, &out)
	} else {
		err = l.Withdraw(&h.lane, req, &out)
	}
	if err == uabi.ErrWait {
		h.wait(in)
		return
	}
	h.result(out.Balance, err)
}

// drain is a chain of steps, each recorded with what the earlier ones took (R11).
func (h *Handler) drain(in *uabi.Msg, fd, total uint64) {
	acc, err := h.look(in, 0, fd)
	if err != uabi.OK {
		h.result(0, err)
		return
	}
	defer h.drop(in, acc)
	done := in.Record[recDone]
	if step := in.Record[recStep]; step != 0 {
		h.lane.Step = uint16(step) - 1
	}
	for done < total {
		var out pb.BalanceReply
		h.save(done, acc)
		err = pb.LedgerClient{H: acc}.Drain(&h.lane, &pb.AmountRequest{Amount: total - done}, &out)
		switch {
		case err == uabi.ErrWait && interrupted(in) && done > 0:
			h.k.Close(h.lane.LastWait().Event)
			h.result(done, uabi.OK)
			return
		case err == uabi.ErrWait:
			h.wait(in)
			return
		case err != uabi.OK:
			h.result(0, err)
			return
		}
		done += out.Balance
	}
	h.result(done, uabi.OK)
}

func (h *Handler) transfer(in *uabi.Msg, fd, fd2, amount uint64) {
	from, err := h.look(in, 0, fd)
	if err != uabi.OK {
		h.result(0, err)
		return
	}
	defer h.drop(in, from)
	to, err := h.look(in, 1, fd2)
	if err != uabi.OK {
		h.result(0, err)
		return
	}
	defer h.drop(in, to)
	h.save(0, from, to)
	var out pb.BalanceReply
	err = pb.LedgerClient{H: from}.Transfer(&h.lane, &pb.TransferRequest{Amount: amount, To: uint32(to)}, &out)
	h.result(out.Balance, err)
}

// export has the ledger write into the alien's own memory.
func (h *Handler) export(in *uabi.Msg, fd, va, n uint64) {
	acc, err := h.look(in, 0, fd)
	if err != uabi.OK {
		h.result(0, err)
		return
	}
	defer h.drop(in, acc)
	h.save(0, acc)
	g := uabi.Grant{Addr: va, Len: n, Rights: uabi.RightWrite, Flags: uabi.GrantAlien}
	l := pb.LedgerClient{H: acc}
	if in.Flags&(uabi.FlagInterrupt|uabi.FlagTimeout) == 0 {
		if err := l.ForwardExport(&h.lane, &pb.EmptyRequest{}, g); err != uabi.OK {
			h.result(0, err)
		}
		return
	}
	var out pb.BalanceReply
	err = l.Export(&h.lane, &pb.EmptyRequest{}, &out, g)
	h.result(out.Balance, err)
}

// sleepFor records its deadline, so that being delivered again does not make it longer.
func (h *Handler) sleepFor(in *uabi.Msg, ns uint64) {
	until := in.Record[recUntil]
	if in.Record[recStep] == 0 {
		now, _ := h.k.Clock(uabi.ClockMonotonic)
		until = now + ns
	}
	switch {
	case in.Flags&uabi.FlagTimeout != 0:
		h.result(0, uabi.OK)
		return
	case interrupted(in):
		h.result(0, uabi.ErrInterrupted)
		return
	}
	h.answer(uabi.AnswerWait)
	out := h.k.Buf().Out
	out.Wait = uabi.WaitSpec{Deadline: until}
	out.Flags = uabi.FlagSaveRecord
	out.Record = [uabi.RecordWords]uint64{recStep: 1, recUntil: until}
	out.RecordHandle = [uabi.MaxHandles]uabi.Handle{}
}
