package syscall

import (
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
)

// need says what a native call needs of one of its arguments: a handle on an object of a type, with rights. The zero need is a plain
// value, which the call itself checks.
type need uint16

// The parts of a need: rights in the low byte, the object's type above them, and
const (
	needType     = 8 // shift of the type; TypeNone with needAny: an object of any type
	needTypeMask = 1<<4 - 1
	needAny      = 1 << 12
	needRoom     = 1 << 13 // room in the caller's table for the handle that the call makes
	needBuffer   = 1 << 14 // the caller's message buffer
)

// Objects, to be combined with rights.
const (
	aSpace    = need(uabi.TypeSpace) << needType
	aThread   = need(uabi.TypeThread)<<needType | uabi.RightManage
	aReceiver = need(uabi.TypeEndpoint)<<needType | uabi.RightReceive
	anEvent   = need(uabi.TypeEvent) << needType
	aWaitSet  = need(uabi.TypeWaitSet) << needType
	aTimer    = need(uabi.TypeTimer) << needType
	aMemory   = need(uabi.TypeMemory) << needType
	anIRQ     = need(uabi.TypeIRQ) << needType
	aPort     = need(uabi.TypePort) << needType
	aProcess  = need(uabi.TypeProcess) << needType
	anAccount = need(uabi.TypeAccount) << needType
	anObject  = need(needAny)
	aPayer    = anAccount | needRoom // what a new object is charged to
)

const (
	mayRead   = uabi.RightRead
	mayWrite  = uabi.RightWrite
	mayMap    = uabi.RightMap
	mayManage = uabi.RightManage
)

// needs has what each call needs of its first three arguments. What is not here is looked up by the call itself: endpoints that may
// be badged, and handles that may be 0.
var needs = [uabi.CallCount][3]need{
	uabi.CallEndpointCreate - uabi.CallBase: {aPayer},
	uabi.CallBind - uabi.CallBase:           {aReceiver, anEvent | mayRead},
	uabi.CallMint - uabi.CallBase:           {aReceiver},
	uabi.CallBadgeAck - uabi.CallBase:       {aReceiver},
	uabi.CallSubscribe - uabi.CallBase:      {aReceiver},
	uabi.CallThreadAck - uabi.CallBase:      {aReceiver},

	uabi.CallEventCreate - uabi.CallBase:   {aPayer},
	uabi.CallEventRead - uabi.CallBase:     {anEvent | mayRead},
	uabi.CallWaitSetCreate - uabi.CallBase: {aPayer},
	uabi.CallWaitSetAdd - uabi.CallBase:    {aWaitSet | mayWrite, anObject | mayRead},
	uabi.CallWaitSetModify - uabi.CallBase: {aWaitSet | mayWrite},
	uabi.CallWaitSetRemove - uabi.CallBase: {aWaitSet | mayWrite},
	uabi.CallWaitSetTake - uabi.CallBase:   {aWaitSet | mayRead | needBuffer},
	uabi.CallWaitSetEvent - uabi.CallBase:  {aWaitSet | mayRead},
	uabi.CallTimerCreate - uabi.CallBase:   {aPayer, anEvent | mayWrite},
	uabi.CallTimerSet - uabi.CallBase:      {aTimer},

	uabi.CallMemoryCreate - uabi.CallBase: {aPayer},
	uabi.CallMemoryResize - uabi.CallBase: {aMemory | mayWrite},
	uabi.CallMemorySize - uabi.CallBase:   {aMemory},
	uabi.CallMemoryRead - uabi.CallBase:   {aMemory | mayRead},
	uabi.CallMemoryWrite - uabi.CallBase:  {aMemory | mayWrite},
	uabi.CallMemoryClone - uabi.CallBase:  {aMemory | mayRead, aPayer},
	uabi.CallMemoryCopy - uabi.CallBase:   {aMemory | mayWrite, 0, aMemory | mayRead},
	uabi.CallMemoryZero - uabi.CallBase:   {aMemory | mayWrite},

	uabi.CallSpaceCreate - uabi.CallBase:  {aPayer},
	uabi.CallSpaceClone - uabi.CallBase:   {aSpace | mayMap, aPayer},
	uabi.CallSpaceMap - uabi.CallBase:     {aSpace | mayMap | needBuffer},
	uabi.CallSpaceUnmap - uabi.CallBase:   {aSpace | mayMap},
	uabi.CallSpaceProtect - uabi.CallBase: {aSpace | mayMap},
	uabi.CallSpaceMove - uabi.CallBase:    {aSpace | mayMap},
	uabi.CallSpaceTag - uabi.CallBase:     {aSpace | mayMap},
	uabi.CallSpaceQuery - uabi.CallBase:   {aSpace | mayRead | needBuffer},
	uabi.CallSpaceGap - uabi.CallBase:     {aSpace | mayRead},
	uabi.CallSpaceDiscard - uabi.CallBase: {aSpace | mayMap},
	uabi.CallSpacePunch - uabi.CallBase:   {aSpace | mayMap},
	uabi.CallSpaceTouch - uabi.CallBase:   {aSpace | mayMap},
	uabi.CallSpacePresent - uabi.CallBase: {aSpace | mayRead},
	uabi.CallSpaceInfo - uabi.CallBase:    {aSpace | mayRead},
	uabi.CallSpaceRead - uabi.CallBase:    {aSpace | mayRead},
	uabi.CallSpaceWrite - uabi.CallBase:   {aSpace | mayWrite},

	uabi.CallThreadCreate - uabi.CallBase:    {aPayer, aSpace | mayManage},
	uabi.CallThreadSetRegs - uabi.CallBase:   {aThread | needBuffer},
	uabi.CallThreadGetRegs - uabi.CallBase:   {aThread | needBuffer},
	uabi.CallThreadCopyState - uabi.CallBase: {aThread, aThread},
	uabi.CallThreadContext - uabi.CallBase:   {aThread | needBuffer},
	uabi.CallThreadStart - uabi.CallBase:     {aThread},
	uabi.CallThreadSpace - uabi.CallBase:     {aThread, aSpace | mayManage},
	uabi.CallThreadInterrupt - uabi.CallBase: {aThread},
	uabi.CallThreadKill - uabi.CallBase:      {aThread},
	uabi.CallThreadEvent - uabi.CallBase:     {aThread, anEvent | mayWrite},
	uabi.CallThreadInfo - uabi.CallBase:      {aThread | needBuffer},

	uabi.CallGrantToMemory - uabi.CallBase: {0, 0, aMemory | mayWrite},
	uabi.CallMemoryToGrant - uabi.CallBase: {0, 0, aMemory | mayRead},

	uabi.CallProcessCreate - uabi.CallBase: {aPayer | mayManage},
	uabi.CallProcessGive - uabi.CallBase:   {aProcess | mayManage},
	uabi.CallProcessStart - uabi.CallBase:  {aProcess | mayManage, aMemory | mayRead},
	uabi.CallProcessKill - uabi.CallBase:   {aProcess | mayManage},
	uabi.CallProcessEvent - uabi.CallBase:  {aProcess | mayManage},
	uabi.CallProcessInfo - uabi.CallBase:   {aProcess | mayRead | needBuffer},
	uabi.CallAccountCreate - uabi.CallBase: {aPayer | mayManage},
	uabi.CallAccountLimit - uabi.CallBase:  {anAccount | mayManage},
	uabi.CallAccountInfo - uabi.CallBase:   {anAccount | mayManage},

	uabi.CallIRQCreate - uabi.CallBase:  {aPort | needRoom, 0, anEvent | mayWrite},
	uabi.CallIRQAck - uabi.CallBase:     {anIRQ},
	uabi.CallPortIn - uabi.CallBase:     {aPort},
	uabi.CallPortOut - uabi.CallBase:    {aPort},
	uabi.CallPortInBuf - uabi.CallBase:  {aPort},
	uabi.CallPortOutBuf - uabi.CallBase: {aPort},

	uabi.CallClockSet - uabi.CallBase: {aPort},
	uabi.CallSystem - uabi.CallBase:   {needBuffer},
	uabi.CallTrace - uabi.CallBase:    {aPort},
	uabi.CallPowerOff - uabi.CallBase: {aPort},
	uabi.CallPanic - uabi.CallBase:    {aPort},
}

// object is the object that argument v of a call by t names, which needs n; nil when it needs none.
func (n need) object(t *ipc.Thread, v uint64) (*object.Header, uabi.Error) {
	if n == 0 {
		return nil, uabi.OK
	}
	return n.find(t, v)
}

// find is object for an n that is not zero. ErrArg: t has no message buffer.
func (n need) find(t *ipc.Thread, v uint64) (*object.Header, uabi.Error) {
	var obj *object.Header
	if n&(needTypeMask<<needType|needAny) != 0 {
		x, err := t.Proc.Get(handle(v), uabi.Type(n>>needType&needTypeMask), uint32(n&uabi.RightsAll))
		if err != uabi.OK {
			return nil, err
		}
		obj = x.Obj
	}
	if n&needBuffer != 0 && t.Buf == nil {
		return nil, uabi.ErrArg
	}
	if n&needRoom != 0 {
		return obj, t.Proc.Table.Room(1)
	}
	return obj, uabi.OK
}
