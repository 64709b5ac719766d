package main

import (
	"slices"

	"aramid/ukernel/uabi"
)

// shape describes a call's arguments for likely ones.
type shape struct {
	number uint64
	args   []arg
	makes  uabi.Type // of the handle that RAX returns
}

// arg is a handle of a type, or a kind of value.
type arg struct {
	typ  uabi.Type
	kind kind
}

type kind int

const (
	aHandle kind = iota
	aSmall       // below 64
	aPage        // a page-aligned user address in a small range
	aLen         // a few pages
	aBuf         // a pointer to good memory
	aSize        // up to a page
	aProt
	aSoon // a deadline not far away
)

func h(t uabi.Type) arg { return arg{typ: t} }
func a(k kind) arg      { return arg{kind: k} }

var (
	account  = h(uabi.TypeAccount)
	endpoint = h(uabi.TypeEndpoint)
	event    = h(uabi.TypeEvent)
	waitSet  = h(uabi.TypeWaitSet)
	timer    = h(uabi.TypeTimer)
	memory   = h(uabi.TypeMemory)
	space    = h(uabi.TypeSpace)
	thread   = h(uabi.TypeThread)
	process  = h(uabi.TypeProcess)
	irq      = h(uabi.TypeIRQ)
	right    = h(uabi.TypePort)
)

// shapes are the calls that likely makes.
var shapes = []shape{
	{uabi.CallReceive, []arg{endpoint, a(aSoon)}, 0},
	{uabi.CallReplyReceive, []arg{endpoint, a(aSoon)}, 0},
	{uabi.CallReply, nil, 0},
	{uabi.CallDup, []arg{h(uabi.TypeEvent), a(aSmall)}, uabi.TypeEvent},
	{uabi.CallDup, []arg{h(uabi.TypeEndpoint), a(aSmall)}, uabi.TypeEndpoint},
	{uabi.CallHandleNext, []arg{a(aSmall)}, 0},
	{uabi.CallEndpointCreate, []arg{account, a(aSmall)}, uabi.TypeEndpoint},
	{uabi.CallBind, []arg{endpoint, event, a(aSmall), a(aSmall)}, 0},
	{uabi.CallMint, []arg{endpoint, a(aSmall), a(aSmall)}, uabi.TypeEndpoint},
	{uabi.CallBadgeAck, []arg{endpoint, a(aSmall)}, 0},
	{uabi.CallSubscribe, []arg{endpoint}, 0},
	{uabi.CallThreadAck, []arg{endpoint, a(aSmall)}, 0},
	{uabi.CallEventCreate, []arg{account}, uabi.TypeEvent},
	{uabi.CallEventUpdate, []arg{event, a(aSmall), a(aSmall), a(aSmall)}, 0},
	{uabi.CallEventRead, []arg{event}, 0},
	{uabi.CallEventWait, []arg{event, a(aSmall), a(aSmall), a(aSoon)}, 0},
	{uabi.CallWaitSetCreate, []arg{account}, uabi.TypeWaitSet},
	{uabi.CallWaitSetAdd, []arg{waitSet, event, a(aSmall), a(aSmall), a(aSmall), a(aSmall)}, 0},
	{uabi.CallWaitSetAdd, []arg{waitSet, waitSet, a(aSmall), a(aSmall), a(aSmall), a(aSmall)}, 0},
	{uabi.CallWaitSetModify, []arg{waitSet, a(aSmall), a(aSmall), a(aSmall), a(aSmall), a(aSmall)}, 0},
	{uabi.CallWaitSetRemove, []arg{waitSet, a(aSmall)}, 0},
	{uabi.CallWaitSetTake, []arg{waitSet, a(aSmall)}, 0},
	{uabi.CallWaitSetEvent, []arg{waitSet}, uabi.TypeEvent},
	{uabi.CallTimerCreate, []arg{account, event, a(aSmall)}, uabi.TypeTimer},
	{uabi.CallTimerSet, []arg{timer, a(aSoon), a(aSize)}, 0},
	{uabi.CallMemoryCreate, []arg{account, a(aLen), a(aSmall)}, uabi.TypeMemory},
	{uabi.CallMemoryResize, []arg{memory, a(aLen)}, 0},
	{uabi.CallMemorySize, []arg{memory}, 0},
	{uabi.CallMemoryRead, []arg{memory, a(aSize), a(aBuf), a(aSize)}, 0},
	{uabi.CallMemoryWrite, []arg{memory, a(aSize), a(aBuf), a(aSize)}, 0},
	{uabi.CallMemoryClone, []arg{memory, account, a(aLen), a(aLen)}, uabi.TypeMemory},
	{uabi.CallMemoryCopy, []arg{memory, a(aSize), memory, a(aSize), a(aSize)}, 0},
	{uabi.CallMemoryZero, []arg{memory, a(aLen), a(aLen)}, 0},
	{uabi.CallSpaceCreate, []arg{account}, uabi.TypeSpace},
	{uabi.CallSpaceClone, []arg{space, account}, uabi.TypeSpace},
	{uabi.CallSpaceMap, []arg{space}, 0},
	{uabi.CallSpaceUnmap, []arg{space, a(aPage), a(aLen)}, 0},
	{uabi.CallSpaceProtect, []arg{space, a(aPage), a(aLen), a(aProt)}, 0},
	{uabi.CallSpaceMove, []arg{space, a(aPage), a(aLen), a(aPage), a(aLen)}, 0},
	{uabi.CallSpaceTag, []arg{space, a(aPage), a(aLen), a(aSmall)}, 0},
	{uabi.CallSpaceQuery, []arg{space, a(aPage)}, 0},
	{uabi.CallSpaceGap, []arg{space, a(aLen), a(aPage), a(aPage)}, 0},
	{uabi.CallSpaceDiscard, []arg{space, a(aPage), a(aLen)}, 0},
	{uabi.CallSpacePunch, []arg{space, a(aPage), a(aLen)}, 0},
	{uabi.CallSpaceTouch, []arg{space, a(aPage), a(aLen), a(aSmall)}, 0},
	{uabi.CallSpacePresent, []arg{space, a(aPage)}, 0},
	{uabi.CallSpaceInfo, []arg{space}, 0},
	{uabi.CallSpaceRead, []arg{space, a(aPage), a(aBuf), a(aSize)}, 0},
	{uabi.CallSpaceWrite, []arg{space, a(aPage), a(aBuf), a(aSize)}, 0},
	{uabi.CallThreadCreate, []arg{account, space, endpoint}, uabi.TypeThread},
	{uabi.CallThreadSetRegs, []arg{thread}, 0},
	{uabi.CallThreadGetRegs, []arg{thread}, 0},
	{uabi.CallThreadCopyState, []arg{thread, thread}, 0},
	{uabi.CallThreadContext, []arg{thread}, 0},
	{uabi.CallThreadStart, []arg{thread}, 0},
	{uabi.CallThreadSpace, []arg{thread, space}, 0},
	{uabi.CallThreadInterrupt, []arg{thread, a(aSmall)}, 0},
	{uabi.CallThreadKill, []arg{thread}, 0},
	{uabi.CallThreadEvent, []arg{thread, event, a(aSmall)}, 0},
	{uabi.CallThreadInfo, []arg{thread}, 0},
	{uabi.CallAlienRead, []arg{a(aPage), a(aBuf), a(aSize)}, 0},
	{uabi.CallAlienWrite, []arg{a(aPage), a(aBuf), a(aSize)}, 0},
	{uabi.CallAlienString, []arg{a(aPage), a(aBuf), a(aSize)}, 0},
	{uabi.CallGrantRead, []arg{a(aSmall), a(aSmall), a(aBuf), a(aSize)}, 0},
	{uabi.CallGrantWrite, []arg{a(aSmall), a(aSmall), a(aBuf), a(aSize)}, 0},
	{uabi.CallFutexWake, []arg{space, a(aPage), a(aSmall), a(aSmall), a(aSmall)}, 0},
	{uabi.CallProcessCreate, []arg{account, a(aSmall), a(aSmall), a(aBuf), a(aSmall)}, uabi.TypeProcess},
	{uabi.CallProcessGive, []arg{process, a(aSmall), event, a(aSmall)}, 0},
	{uabi.CallProcessStart, []arg{process, memory, a(aLen), a(aLen), a(aSmall)}, 0},
	{uabi.CallProcessEvent, []arg{process}, uabi.TypeEvent},
	{uabi.CallProcessInfo, []arg{process}, 0},
	{uabi.CallAccountCreate, []arg{account, a(aSize), a(aSize)}, uabi.TypeAccount},
	{uabi.CallAccountInfo, []arg{account}, 0},
	{uabi.CallIRQCreate, []arg{right, a(aSmall), event, a(aSmall)}, uabi.TypeIRQ},
	{uabi.CallIRQAck, []arg{irq}, 0},
	{uabi.CallBarrier, []arg{a(aSmall)}, 0},
	{uabi.CallRandom, []arg{a(aBuf), a(aSmall)}, 0},
	{uabi.CallSystem, nil, 0},
	{uabi.CallTrace, []arg{right, a(aSize), a(aBuf), a(aSize)}, 0},
	{uabi.CallClose, []arg{event}, 0}, {uabi.CallClose, []arg{memory}, 0}, {uabi.CallClose, []arg{space}, 0}, {uabi.CallClose, []arg{thread}, 0},
	{uabi.CallClose, []arg{endpoint}, 0}, {uabi.CallClose, []arg{waitSet}, 0}, {uabi.CallClose, []arg{timer}, 0}, {uabi.CallClose, []arg{process}, 0},
	{uabi.CallClose, []arg{irq}, 0}, {uabi.CallClose, []arg{account}, 0},
}

// makes is the type of handle that a call returns.
var makes = func() map[uint64]uabi.Type {
	m := map[uint64]uabi.Type{}
	for _, s := range shapes {
		if s.makes != 0 && s.number != uabi.CallDup {
			m[s.number] = s.makes
		}
	}
	return m
}()

// likely is a call with arguments that fit, but for one in ten.
func (c *caller) likely() (number uint64, args [6]uint64) {
	s := &shapes[c.rng.IntN(len(shapes))]
	for i := range args {
		if i >= len(s.args) || c.rng.IntN(10) == 0 {
			args[i] = c.value()
			continue
		}
		args[i] = c.fitting(s.args[i])
	}
	return s.number, args
}

const pageSize = 4096

// fitting is a value that decode should accept.
func (c *caller) fitting(x arg) uint64 {
	switch x.kind {
	case aHandle:
		return c.handles.pick(c.rng, x.typ)
	case aPage:
		return pageSize * (16 + c.rng.Uint64N(64))
	case aLen:
		return pageSize * c.rng.Uint64N(16)
	case aBuf:
		return c.scratch + c.rng.Uint64N(scratchSize-pageSize)
	case aSize:
		return c.rng.Uint64N(pageSize)
	case aProt:
		return c.rng.Uint64N(8)
	case aSoon:
		return c.soon()
	}
	return c.rng.Uint64N(64)
}

// soon is up to 50 µs from now, ns.
func (c *caller) soon() uint64 {
	now, _ := c.k.Clock(uabi.ClockMonotonic)
	return now + c.rng.Uint64N(50_000)
}

// Linux calls of the Go runtime's subset, by their numbers on x86-64, that would end or stop the thread that makes them, or pull
// its runtime's memory, stack or signals from under it.
var ownRuntime = []uint64{9, 10, 11, 13, 14, 15, 24, 28, 35, 56, 60, 62, 131, 158, 202, 231, 234, 281}

// held are calls that no thread makes: they end the machine.
func held(number uint64) bool {
	return number == uabi.CallPowerOff || number == uabi.CallPanic || number == uabi.CallClockSet
}

// tooRough reports whether a call would only end or stop this child. It makes deadlines short.
func (c *caller) tooRough(number uint64, args *[6]uint64) bool {
	switch number {
	case uabi.CallProcessExit, uabi.CallCall, uabi.CallDetach, uabi.CallAttach:
		return true
	case uabi.CallReceive, uabi.CallReplyReceive:
		args[1] = c.soon()
	case uabi.CallEventWait:
		args[3] = c.soon()
	case uabi.CallClose, uabi.CallAccountLimit:
		return args[0] < uint64(uabi.BootFirst)
	case uabi.CallProcessKill, uabi.CallProcessStart:
		return args[0] == uint64(uabi.BootProcess)
	case uabi.CallSpaceMap, uabi.CallSpaceUnmap, uabi.CallSpaceProtect, uabi.CallSpaceMove, uabi.CallSpaceDiscard, uabi.CallSpacePunch,
		uabi.CallSpaceWrite:
		return args[0] == uint64(uabi.BootSpace)
	}
	return slices.Contains(ownRuntime, number)
}
