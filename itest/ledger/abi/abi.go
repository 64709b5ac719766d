package abi

import (
	pb "aramid/itest/ledger/proto"
	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// System calls: number in RAX, arguments in RDI, RSI, RDX.
const (
	SysNone      = iota // () → trap count
	SysOpen             // (name, len) → fd
	SysDeposit          // (fd, amount) → balance
	SysDepositF         // the same, forwarded
	SysWithdraw         // (fd, amount) → balance; waits; ErrInterrupted
	SysWithdrawF        // the same, forwarded
	SysDrain            // (fd, amount) → amount, or less after an interrupt; waits
	SysTransfer         // (fd, fd, amount) → balance
	SysMove             // (fd, fd) → fd
	SysClose            // (fd) → fd
	SysExport           // (fd, buffer, len) → bytes; forwarded
	SysBalance          // (fd) → balance
	SysSleep            // (ns) → 0; ErrInterrupted
	SysFind             // (name, len) → fd
)

// Words of a record.
const (
	recStep  = iota // the step that was sent last; 0: none
	recDone         // SysDrain: amount taken by the steps before
	recUntil        // SysSleep: deadline
)

// Handler is one lane.
type Handler struct {
	k       uk.Kernel
	lane    ipc.Lane
	ledger  uabi.Handle
	auditor pb.AuditorClient
	name    [maxName]byte
	closing []uabi.Handle // once the answer is sent
}

// maxName is the longest account name.
const maxName = 64

// New makes the lane of the current thread, whose buffer is attached.
func New(k uk.Kernel, ledger, auditor uabi.Handle) *Handler {
	return &Handler{k: k, lane: ipc.Lane{K: k, Rank: uabi.RankLinux}, ledger: ledger, auditor: pb.AuditorClient{H: auditor}}
}

// Run answers traps for ever; it returns why it cannot. A successor first closes the handles that its predecessor left.
func (h *Handler) Run() uabi.Error {
	for at := uabi.Handle(uabi.BootFirst - 1); ; {
		next, err := h.k.HandleNext(at)
		if err != uabi.OK || next == 0 {
			break
		}
		h.k.Close(next)
		at = next
	}
	b := h.k.Buf()
	b.Out.Kind = uabi.AnswerNone
	for {
		if err := h.next(b); err != uabi.OK {
			return err
		}
		if b.In.Kind != uabi.KindTrap {
			b.Out.Kind = uabi.AnswerNone
			continue
		}
		h.lane.Begin()
		h.trap(b)
	}
}

// next answers, closes what the answer still needed, and receives.
func (h *Handler) next(b *uk.Buffer) uabi.Error {
	if len(h.closing) == 0 {
		return h.k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline)
	}
	h.k.Reply()
	for _, x := range h.closing {
		h.k.Close(x)
	}
	h.closing = h.closing[:0]
	b.Out.Kind = uabi.AnswerNone
	return h.k.Receive(uabi.BootEndpoint, uabi.NoDeadline)
}

// trap leaves the answer in Out.
func (h *Handler) trap(b *uk.Buffer) {
	in := b.In
	if in.Flags&uabi.FlagQuarantine != 0 {
		h.result(0, uabi.ErrIO)
		return
	}
	if in.Trap == uabi.TrapInterrupt {
		// A real handler would build a signal frame; the alien's handler is its own affair here.
		*h.regs(b) = in.Regs
		h.answer(uabi.AnswerRegs)
		return
	}
	if in.Flags&uabi.FlagFailed != 0 {
		h.result(0, uabi.Error(-in.Status))
		return
	}
	h.syscall(in)
}

// answer fills Out's header.
func (h *Handler) answer(kind uabi.Kind) {
	out := h.k.Buf().Out
	out.Kind = kind
	out.Flags, out.Status, out.Len, out.NHandles, out.NGrants = 0, 0, 0, 0, 0
}

// result answers the call.
func (h *Handler) result(v uint64, err uabi.Error) {
	h.answer(uabi.AnswerResult)
	if err != uabi.OK {
		v = uint64(-int64(err))
	}
	h.k.Buf().Out.W[0] = v
}

func interrupted(in *uabi.Msg) bool { return in.Flags&uabi.FlagInterrupt != 0 }

// wait answers what a server's ErrWait means for the alien (R11, R12).
func (h *Handler) wait(in *uabi.Msg) {
	w := h.lane.LastWait()
	if interrupted(in) {
		h.k.Close(w.Event)
		h.result(0, uabi.ErrInterrupted)
		return
	}
	h.answer(uabi.AnswerWait)
	out := h.k.Buf().Out
	out.Wait = w
	out.Flags = uabi.FlagCloseEvent
}

// look resolves a descriptor, or takes what the record has in that slot.
func (h *Handler) look(in *uabi.Msg, slot int, fd uint64) (uabi.Handle, uabi.Error) {
	if in.Record[recStep] != 0 {
		return in.RecordHandle[slot], uabi.OK
	}
	var out pb.SlotReply
	err := h.auditor.Look(&h.lane, &pb.SlotRequest{Table: in.ID.Origin, Slot: fd}, &out)
	return uabi.Handle(out.File), err
}

// save has the next request save that its step is under way, with the handles it means.
func (h *Handler) save(done uint64, handles ...uabi.Handle) {
	h.lane.Save = true
	h.lane.Record = [uabi.RecordWords]uint64{recStep: uint64(h.lane.Step) + 1, recDone: done}
	h.lane.RecordHandle = [uabi.MaxHandles]uabi.Handle{}
	copy(h.lane.RecordHandle[:], handles)
}

// drop has handles that a look-up gave closed once the trap is answered; those of a record are the kernel's to close.
func (h *Handler) drop(in *uabi.Msg, handles ...uabi.Handle) {
	for _, x := range handles {
		if in.Record[recStep] == 0 && x != 0 {
			h.closing = append(h.closing, x)
		}
	}
}
