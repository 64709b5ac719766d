package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

const maxName = 15

// processCreate is CallProcessCreate.
func processCreate(t *ipc.Thread, r *uabi.Regs, a *object.Account) (uint64, uabi.Error) {
	if r.RSI > uabi.RankClient || r.RDX&^uabi.ProcessServer != 0 || r.R8 == 0 || r.R8 > maxName {
		return 0, uabi.ErrArg
	}
	var name [maxName]byte
	n, err := t.Space.Read(r.R10, name[:r.R8])
	if err != uabi.OK || n != int(r.R8) {
		return 0, uabi.ErrFault
	}
	for _, c := range name[:n] {
		if c <= ' ' || c > '~' {
			return 0, uabi.ErrArg
		}
	}
	p, err := ipc.NewProcess(a, uint32(r.RSI), uint32(r.RDX), name[:n])
	if err != uabi.OK {
		return 0, err
	}
	return give(t, &p.Header, uabi.RightsAll)
}

// processGive is CallProcessGive.
func processGive(t *ipc.Thread, r *uabi.Regs, p *ipc.Process) (uint64, uabi.Error) {
	e, err := t.Proc.Get(handle(r.RDX), uabi.TypeNone, 0)
	if err != uabi.OK {
		return 0, err
	}
	if r.RSI == 0 || r.RSI >= uint64(uabi.BootFirst) || r.R10>>32 != 0 {
		return 0, uabi.ErrArg
	}
	rights := uint32(r.R10)
	if rights&^e.Rights != 0 {
		return 0, uabi.ErrRights
	}
	return 0, p.InstallAt(uabi.Handle(r.RSI), e.Obj, badgeOf(e.Badge), rights)
}

// processStart is CallProcessStart.
func processStart(t *ipc.Thread, r *uabi.Regs, p *ipc.Process, m *vm.Memory) (uint64, uabi.Error) {
	var args *vm.Memory
	if r.R8 != 0 {
		var err uabi.Error
		if args, err = t.Proc.GetMemory(handle(r.R8), uabi.RightRead); err != uabi.OK {
			return 0, err
		}
	}
	return 0, startImage(p, m, r.RDX, r.R10, args)
}

// processKill is CallProcessKill.
func processKill(t *ipc.Thread, r *uabi.Regs, p *ipc.Process) (uint64, uabi.Error) {
	flushLine(p)
	ktrace.Rare(ktrace.EvProcessDeath, t.TraceID(), p.ID, r.RSI, 0)
	p.Die(r.RSI, false)
	return 0, uabi.OK
}

// processEvent is CallProcessEvent.
func processEvent(t *ipc.Thread, p *ipc.Process) (uint64, uabi.Error) {
	h, err := t.Proc.Install(&p.Event().Header, nil, uabi.RightsAll)
	return uint64(h), err
}

// processInfo is CallProcessInfo.
func processInfo(t *ipc.Thread, r *uabi.Regs, p *ipc.Process) (uint64, uabi.Error) {
	p.Info(argProcess(t.Buf))
	r.RDX = p.Starts
	return uint64(p.State), uabi.OK
}

// accountCreate is CallAccountCreate. Only rootd's accounts may use the frames that are kept for servers; those that a server
// makes for aliens may not.
func accountCreate(t *ipc.Thread, r *uabi.Regs, parent *object.Account) (uint64, uabi.Error) {
	a := object.NewAccount(parent, r.RSI, r.RDX)
	if a == nil {
		return 0, uabi.ErrNoMem
	}
	a.Reserve = a.Reserve && t.Proc.Rank == uabi.RankRoot
	return give(t, &a.Header, uabi.RightsAll)
}

// accountInfo is CallAccountInfo.
func accountInfo(r *uabi.Regs, a *object.Account) (uint64, uabi.Error) {
	r.RDX = a.ObjectsUsed
	return a.FramesUsed, uabi.OK
}
