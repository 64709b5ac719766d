package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// native handles a native call but CallNull, and the Linux calls below CallBase. Calls that may block, or end the caller,
// leave RAX to ipc; the others return a value and an error to done.
func native(t *ipc.Thread, number uint64) *arch.Context {
	if !ipc.Alive(t) {
		return leave()
	}
	r := &t.Ctx.Regs
	if ktrace.Mask&ktrace.BitCall != 0 {
		ktrace.Put(ktrace.EvCall, t.ID, number, r.RDI, r.RSI)
	}
	switch number {
	case uabi.CallReplyReceive:
		return replyReceive(t, r)
	case uabi.CallCall:
		return doCall(t, r)
	case uabi.CallReceive:
		return receive(t, r)
	case uabi.CallEventWait:
		return eventWait(t, r)
	case uabi.CallProcessExit:
		t.Proc.Die(r.RDI, true)
		return leave()
	}
	if number < uabi.CallBase {
		return linux(t, number)
	}
	v, err := invoke(t, r, number)
	if err == again {
		return leave()
	}
	return done(t, v, err)
}

// again is what a long call returns that has done a piece: it has arranged to be made once more with the same or adapted
// arguments. It is no error of the contract.
const again uabi.Error = -1

// syscallLen is the length of the SYSCALL instruction, bytes.
const syscallLen = 2

// restart makes t execute its SYSCALL instruction again, so that others and interrupts get their turn between the pieces.
func restart(r *uabi.Regs) uabi.Error {
	r.RIP -= syscallLen
	return again
}

// done puts a result into the registers and ends the entry.
func done(t *ipc.Thread, v uint64, err uabi.Error) *arch.Context {
	r := &t.Ctx.Regs
	if err != uabi.OK {
		v = negative(err)
	}
	if ktrace.Mask&ktrace.BitCall != 0 {
		ktrace.Put(ktrace.EvReturn, t.ID, r.RAX, v, r.RDX)
	}
	r.RAX = v
	return leave()
}

// negative is −err as RAX returns it.
func negative(err uabi.Error) uint64 { return uint64(-int64(err)) }

// invoke is the jump table of the calls that do not block.
func invoke(t *ipc.Thread, r *uabi.Regs, number uint64) (uint64, uabi.Error) {
	switch number {
	case uabi.CallNull:
		return 0, uabi.OK
	case uabi.CallAttach:
		return 0, t.Attach(r.RDI)
	case uabi.CallDetach:
		return 0, t.Detach()
	case uabi.CallReply:
		return reply(t)

	case uabi.CallClose:
		return 0, t.Proc.Close(handle(r.RDI))
	case uabi.CallDup:
		return dup(t, r)
	case uabi.CallHandleInfo:
		return handleInfo(t, r)
	case uabi.CallHandleNext:
		return uint64(t.Proc.Table.Next(handle(r.RDI))), uabi.OK

	case uabi.CallEndpointCreate:
		return endpointCreate(t, r)
	case uabi.CallBind:
		return bind(t, r)
	case uabi.CallMint:
		return mint(t, r)
	case uabi.CallBadgeAck:
		return badgeAck(t, r)
	case uabi.CallSubscribe:
		return subscribe(t, r)
	case uabi.CallThreadAck:
		return threadAck(t, r)

	case uabi.CallEventCreate:
		return eventCreate(t, r)
	case uabi.CallEventUpdate:
		return eventUpdate(t, r)
	case uabi.CallEventRead:
		return eventRead(t, r)
	case uabi.CallWaitSetCreate:
		return waitSetCreate(t, r)
	case uabi.CallWaitSetAdd:
		return waitSetAdd(t, r)
	case uabi.CallWaitSetModify:
		return waitSetModify(t, r)
	case uabi.CallWaitSetRemove:
		return waitSetRemove(t, r)
	case uabi.CallWaitSetTake:
		return waitSetTake(t, r)
	case uabi.CallWaitSetEvent:
		return waitSetEvent(t, r)
	case uabi.CallTimerCreate:
		return timerCreate(t, r)
	case uabi.CallTimerSet:
		return timerSet(t, r)

	case uabi.CallMemoryCreate:
		return memoryCreate(t, r)
	case uabi.CallMemoryResize:
		return memoryResize(t, r)
	case uabi.CallMemorySize:
		return memorySize(t, r)
	case uabi.CallMemoryRead:
		return memoryRead(t, r)
	case uabi.CallMemoryWrite:
		return memoryWrite(t, r)
	case uabi.CallMemoryClone:
		return memoryClone(t, r)
	case uabi.CallMemoryCopy:
		return memoryCopy(t, r)
	case uabi.CallMemoryZero:
		return memoryZero(t, r)

	case uabi.CallSpaceCreate:
		return spaceCreate(t, r)
	case uabi.CallSpaceClone:
		return spaceClone(t, r)
	case uabi.CallSpaceMap:
		return spaceMap(t, r)
	case uabi.CallSpaceUnmap:
		return spaceUnmap(t, r)
	case uabi.CallSpaceProtect:
		return spaceProtect(t, r)
	case uabi.CallSpaceMove:
		return spaceMove(t, r)
	case uabi.CallSpaceTag:
		return spaceTag(t, r)
	case uabi.CallSpaceQuery:
		return spaceQuery(t, r)
	case uabi.CallSpaceGap:
		return spaceGap(t, r)
	case uabi.CallSpaceDiscard:
		return spaceDiscard(t, r)
	case uabi.CallSpaceInfo:
		return spaceInfo(t, r)
	case uabi.CallSpaceRead:
		return spaceRead(t, r)
	case uabi.CallSpaceWrite:
		return spaceWrite(t, r)

	case uabi.CallThreadCreate:
		return threadCreate(t, r)
	case uabi.CallThreadSetRegs:
		return threadSetRegs(t, r)
	case uabi.CallThreadGetRegs:
		return threadGetRegs(t, r)
	case uabi.CallThreadCopyState:
		return threadCopyState(t, r)
	case uabi.CallThreadContext:
		return threadContext(t, r)
	case uabi.CallThreadStart:
		return threadStart(t, r)
	case uabi.CallThreadSpace:
		return threadSpace(t, r)
	case uabi.CallThreadInterrupt:
		return threadInterrupt(t, r)
	case uabi.CallThreadKill:
		return threadKill(t, r)
	case uabi.CallThreadEvent:
		return threadEvent(t, r)
	case uabi.CallThreadInfo:
		return threadInfo(t, r)

	case uabi.CallAlienRead:
		return alienCopy(t, r, false)
	case uabi.CallAlienWrite:
		return alienCopy(t, r, true)
	case uabi.CallAlienString:
		return alienString(t, r)
	case uabi.CallAlienState:
		return alienState(t, r)
	case uabi.CallGrantRead:
		return grantCopy(t, r, false)
	case uabi.CallGrantWrite:
		return grantCopy(t, r, true)
	case uabi.CallGrantToMemory:
		return grantMemory(t, r, false)
	case uabi.CallMemoryToGrant:
		return grantMemory(t, r, true)
	case uabi.CallFutexWake:
		return futexWake(t, r)
	case uabi.CallFutexRequeue:
		return futexRequeue(t, r)
	case uabi.CallFutexOp:
		return futexOp(t, r)

	case uabi.CallProcessCreate:
		return processCreate(t, r)
	case uabi.CallProcessGive:
		return processGive(t, r)
	case uabi.CallProcessStart:
		return processStart(t, r)
	case uabi.CallProcessKill:
		return processKill(t, r)
	case uabi.CallProcessEvent:
		return processEvent(t, r)
	case uabi.CallProcessInfo:
		return processInfo(t, r)
	case uabi.CallAccountCreate:
		return accountCreate(t, r)
	case uabi.CallAccountLimit:
		return accountLimit(t, r)
	case uabi.CallAccountInfo:
		return accountInfo(t, r)

	case uabi.CallIRQCreate:
		return irqCreate(t, r)
	case uabi.CallIRQAck:
		return irqAck(t, r)
	case uabi.CallPortIn:
		return portIn(t, r)
	case uabi.CallPortOut:
		return portOut(t, r)
	case uabi.CallPortInBuf:
		return portBuffer(t, r, false)
	case uabi.CallPortOutBuf:
		return portBuffer(t, r, true)

	case uabi.CallClock:
		return clock(r)
	case uabi.CallClockSet:
		return clockSet(t, r)
	case uabi.CallRandom:
		return random(t, r)
	case uabi.CallLog:
		return logLine(t, r)
	case uabi.CallSystem:
		return system(t)
	case uabi.CallTrace:
		return trace(t, r)
	case uabi.CallPowerOff:
		return powerOff(t, r)
	case uabi.CallPanic:
		return crash(t, r)

	case uabi.CallMemoryPager:
		gap(t, number)
		return 0, uabi.ErrUnsupported
	}
	gap(t, number)
	return 0, uabi.ErrCall
}

// handle is a handle argument; a value that is none becomes 0, which no table has.
func handle(v uint64) uabi.Handle {
	if v>>32 != 0 {
		return 0
	}
	return uabi.Handle(v)
}

// word is a 32-bit argument. ErrArg: it is larger.
func word(v uint64) (uint32, uabi.Error) {
	if v>>32 != 0 {
		return 0, uabi.ErrArg
	}
	return uint32(v), uabi.OK
}

// words is word for two.
//
//go:noinline
func words(a, b uint64) (uint32, uint32, uabi.Error) {
	if (a|b)>>32 != 0 {
		return 0, 0, uabi.ErrArg
	}
	return uint32(a), uint32(b), uabi.OK
}

// buffer is t's message buffer. ErrArg: not attached.
//
//go:noinline
func buffer(t *ipc.Thread) (*ipc.Buffer, uabi.Error) {
	if t.Buf == nil {
		return nil, uabi.ErrArg
	}
	return t.Buf, uabi.OK
}

// userRange checks that [va, va+n) lies in user space. ErrFault.
//
//go:noinline
func userRange(va, n uint64) uabi.Error {
	if va < uabi.MinUser || va > uabi.MaxUser || n > uabi.MaxUser-va {
		return uabi.ErrFault
	}
	return uabi.OK
}

// maxCopy bounds the bytes that one call copies, so that an entry stays short; the call's result is short then.
const maxCopy = 1 << 20

// account looks up the account that a new object is to be charged to, and makes sure that its handle will fit. It is the
// decode half of every call that creates.
func account(t *ipc.Thread, h uint64) (*object.Account, uabi.Error) {
	a, err := t.Proc.GetAccount(handle(h), 0)
	if err != uabi.OK {
		return nil, err
	}
	return a, t.Proc.Table.Room(1)
}

// give installs a handle with all rights for an object that was just made, and passes the maker's reference on to it. Room
// was made by account, so it does not fail; if it did the object would go.
//
//go:noinline
func give(t *ipc.Thread, obj *object.Header, rights uint32) (uint64, uabi.Error) {
	h, err := t.Proc.InstallNew(obj, rights)
	return uint64(h), err
}

// gaps counts calls that are not built.
var gaps uint64

// gap notes one.
func gap(t *ipc.Thread, number uint64) {
	gaps++
	ktrace.Rare(ktrace.EvGap, t.ID, number, t.Ctx.Regs.RIP, gaps)
}
