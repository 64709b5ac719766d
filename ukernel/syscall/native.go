package syscall

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/ipc"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// native handles a native call but CallNull, and the Linux calls below CallBase. Calls that may block, or
// end the caller, leave RAX to ipc; the others return a value and an error to done.
func native(t *ipc.Thread, number uint64) *arch.Context {
	if !ipc.Alive(t) {
		return leave()
	}
	r := &t.Ctx.Regs
	if ktrace.Mask&ktrace.BitCall != 0 {
		ktrace.Put(ktrace.EvCall, t.TraceID(), number, r.RDI, r.RSI)
	}
	switch number {
	case uabi.CallReplyReceive:
		return replyReceive(t)
	case uabi.CallCall:
		return doCall(t)
	case uabi.CallReceive:
		return receive(t, r)
	case uabi.CallEventWait:
		return eventWait(t, r)
	case uabi.CallProcessExit:
		endImage(t.Proc, r.RDI)
		return leave()
	}
	if number < uabi.CallBase {
		return linux(t, number)
	}
	if number&uabi.CallReceipt != 0 {
		return receipted(t, r, number&^uabi.CallReceipt)
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
		ktrace.Put(ktrace.EvReturn, t.TraceID(), r.RAX, v, r.RDX)
	}
	r.RAX = v
	return leave()
}

// receiptWords is the receipt that is being written; guarded by the kernel lock.
var receiptWords [uabi.ReceiptAlign]byte

// receipted makes a call with a receipt: it runs to completion in this entry, so that no kill comes between the two.
func receipted(t *ipc.Thread, r *uabi.Regs, number uint64) *arch.Context {
	at := r.R9
	if at%uabi.ReceiptAlign != 0 || userRange(at, uabi.ReceiptAlign) != uabi.OK {
		return done(t, 0, uabi.ErrFault)
	}
	takes := number == uabi.CallWaitSetTake
	if takes && at%arch.PageSize > arch.PageSize-uabi.ReceiptSize {
		return done(t, 0, uabi.ErrFault)
	}
	if _, err := t.Space.Resolve(at, true); err != uabi.OK {
		return done(t, 0, err)
	}
	v, err := invoke(t, r, number)
	if err == again {
		return leave()
	}
	if takes && err == uabi.OK {
		t.Space.Write(at+uabi.ReceiptAlign, t.Buf.Arg[:v*uabi.ReadySize])
	}
	if err != uabi.OK {
		v = negative(err)
	}
	put64(receiptWords[:8], v)
	put64(receiptWords[8:], r.RDX)
	t.Space.Write(at, receiptWords[:])
	return done(t, v, uabi.OK)
}

// negative is −err as RAX returns it.
func negative(err uabi.Error) uint64 { return uint64(-int64(err)) }

// invoke looks up the objects of a call that does not block, and then does it.
func invoke(t *ipc.Thread, r *uabi.Regs, number uint64) (uint64, uabi.Error) {
	if number-uabi.CallBase >= uabi.CallCount {
		gap(t, number)
		return 0, uabi.ErrCall
	}
	n := &needs[number-uabi.CallBase]
	a, err := n[0].object(t, r.RDI)
	if err != uabi.OK {
		return 0, err
	}
	b, err := n[1].object(t, r.RSI)
	if err != uabi.OK {
		return 0, err
	}
	c, err := n[2].object(t, r.RDX)
	if err != uabi.OK {
		return 0, err
	}
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
		return endpointCreate(t, r, accountOf(a))
	case uabi.CallBind:
		return bind(r, endpointOf(a), eventOf(b))
	case uabi.CallMint:
		return mint(t, r, endpointOf(a))
	case uabi.CallBadgeAck:
		return 0, endpointOf(a).BadgeAck(r.RSI)
	case uabi.CallSubscribe:
		return 0, endpointOf(a).Subscribe()
	case uabi.CallThreadAck:
		return 0, endpointOf(a).ThreadAck(r.RSI)

	case uabi.CallEventCreate:
		return eventCreate(t, accountOf(a))
	case uabi.CallEventUpdate:
		return eventUpdate(t, r)
	case uabi.CallEventRead:
		return eventRead(r, eventOf(a))
	case uabi.CallWaitSetCreate:
		return waitSetCreate(t, accountOf(a))
	case uabi.CallWaitSetAdd:
		return waitSetAdd(r, waitSetOf(a), b)
	case uabi.CallWaitSetModify:
		return waitSetModify(r, waitSetOf(a))
	case uabi.CallWaitSetRemove:
		return 0, waitSetOf(a).Remove(r.RSI)
	case uabi.CallWaitSetTake:
		return waitSetTake(t, r, waitSetOf(a))
	case uabi.CallWaitSetEvent:
		return waitSetEvent(t, waitSetOf(a))
	case uabi.CallTimerCreate:
		return timerCreate(t, r, accountOf(a), eventOf(b))
	case uabi.CallTimerSet:
		timerOf(a).Set(r.RSI, r.RDX)
		return 0, uabi.OK

	case uabi.CallMemoryCreate:
		return memoryCreate(t, r, accountOf(a))
	case uabi.CallMemoryResize:
		return memoryResize(r, memoryOf(a))
	case uabi.CallMemorySize:
		return memorySize(r, memoryOf(a))
	case uabi.CallMemoryRead:
		return memoryMove(t, r, memoryOf(a), false)
	case uabi.CallMemoryWrite:
		return memoryMove(t, r, memoryOf(a), true)
	case uabi.CallMemoryClone:
		return memoryClone(t, r, memoryOf(a), accountOf(b))
	case uabi.CallMemoryCopy:
		return memoryCopy(r, memoryOf(a), memoryOf(c))
	case uabi.CallMemoryZero:
		return memoryZero(r, memoryOf(a))

	case uabi.CallSpaceCreate:
		return spaceCreate(t, accountOf(a))
	case uabi.CallSpaceClone:
		return spaceClone(t, spaceOf(a), accountOf(b))
	case uabi.CallSpaceMap:
		return spaceMap(t, spaceOf(a))
	case uabi.CallSpaceUnmap:
		return spaceUnmap(r, spaceOf(a))
	case uabi.CallSpaceProtect:
		return spaceProtect(t, r, spaceOf(a))
	case uabi.CallSpaceMove:
		return spaceMove(r, spaceOf(a))
	case uabi.CallSpaceTag:
		return spaceTag(r, spaceOf(a))
	case uabi.CallSpaceQuery:
		return spaceQuery(t, r, spaceOf(a))
	case uabi.CallSpaceGap:
		return spaceGap(r, spaceOf(a))
	case uabi.CallSpaceDiscard:
		return spaceDiscard(r, spaceOf(a))
	case uabi.CallSpacePunch:
		return 0, spaceOf(a).Punch(r.RSI, r.RDX)
	case uabi.CallSpaceTouch:
		return spaceOf(a).Touch(r.RSI, r.RDX, r.R10 != 0)
	case uabi.CallSpacePresent:
		r.RDX = spaceOf(a).Present(r.RSI)
		return 0, uabi.OK
	case uabi.CallSpaceInfo:
		return spaceInfo(r, spaceOf(a))
	case uabi.CallSpaceRead:
		return spaceMemory(t, r, spaceOf(a), false)
	case uabi.CallSpaceWrite:
		return spaceMemory(t, r, spaceOf(a), true)

	case uabi.CallThreadCreate:
		return threadCreate(t, r, accountOf(a), spaceOf(b))
	case uabi.CallThreadSetRegs:
		return threadSetRegs(t, alienOf(a))
	case uabi.CallThreadGetRegs:
		return 0, alienOf(a).GetRegs(t.Buf.ArgRegs())
	case uabi.CallThreadCopyState:
		return 0, alienOf(a).CopyState(alienOf(b))
	case uabi.CallThreadContext:
		return threadContext(t, alienOf(a))
	case uabi.CallThreadStart:
		return 0, alienOf(a).Start()
	case uabi.CallThreadSpace:
		return 0, alienOf(a).SetSpace(spaceOf(b))
	case uabi.CallThreadInterrupt:
		return threadInterrupt(r, alienOf(a))
	case uabi.CallThreadKill:
		return 0, alienOf(a).Kill()
	case uabi.CallThreadEvent:
		return threadEvent(r, alienOf(a), eventOf(b))
	case uabi.CallThreadInfo:
		return threadInfo(t, r, alienOf(a))

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
		return grantMemory(t, r, memoryOf(c), false)
	case uabi.CallMemoryToGrant:
		return grantMemory(t, r, memoryOf(c), true)
	case uabi.CallFutexWake:
		return futexWake(t, r)
	case uabi.CallFutexRequeue:
		return futexRequeue(t, r)
	case uabi.CallFutexOp:
		return futexOp(t, r)

	case uabi.CallProcessCreate:
		return processCreate(t, r, accountOf(a))
	case uabi.CallProcessGive:
		return processGive(t, r, processOf(a))
	case uabi.CallProcessStart:
		return processStart(t, r, processOf(a), memoryOf(b))
	case uabi.CallProcessKill:
		return processKill(t, r, processOf(a))
	case uabi.CallProcessEvent:
		return processEvent(t, processOf(a))
	case uabi.CallProcessInfo:
		return processInfo(t, r, processOf(a))
	case uabi.CallAccountCreate:
		return accountCreate(t, r, accountOf(a))
	case uabi.CallAccountLimit:
		accountOf(a).SetLimit(r.RSI, r.RDX)
		return 0, uabi.OK
	case uabi.CallAccountInfo:
		return accountInfo(r, accountOf(a))

	case uabi.CallIRQCreate:
		return irqCreate(t, r, portOf(a), eventOf(c))
	case uabi.CallIRQAck:
		irqOf(a).Ack()
		return 0, uabi.OK
	case uabi.CallPortIn:
		return portIn(r, portOf(a))
	case uabi.CallPortOut:
		return portOut(r, portOf(a))
	case uabi.CallPortInBuf:
		return portBuffer(t, r, portOf(a), false)
	case uabi.CallPortOutBuf:
		return portBuffer(t, r, portOf(a), true)

	case uabi.CallClock:
		return clock(r)
	case uabi.CallClockSet:
		return clockSet(r, portOf(a))
	case uabi.CallBarrier:
		return barrier(r.RDI), uabi.OK
	case uabi.CallRandom:
		return random(t, r)
	case uabi.CallLog:
		return logLine(t, r)
	case uabi.CallSystem:
		return system(t)
	case uabi.CallTrace:
		return trace(t, r, portOf(a))
	case uabi.CallPowerOff:
		return powerOff(r, portOf(a))
	case uabi.CallPanic:
		return crash(r, portOf(a))

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

// give installs a handle with all rights for an object that was just made, and passes the maker's reference on to it. Room
// was made by needRoom, so it does not fail; if it did the object would go.
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
	ktrace.Rare(ktrace.EvGap, t.TraceID(), number, t.Ctx.Regs.RIP, gaps)
}
