package syscall

import (
	"fmt"
	"testing"

	"aramid/ukernel/arch"
	"aramid/ukernel/uabi"
)

// A want describes one argument of a call: a handle of a type with a right, or a value that is fine.
type want struct {
	typ   uabi.Type // TypeNone: a plain value
	right uint32
	v     uint64 // the value, or a boot handle to use instead of a fresh object
	ptr   bool   // v is a user address that the call reads or writes
}

func h(typ uabi.Type, right uint32) want { return want{typ: typ, right: right} }
func boot(typ uabi.Type, b uabi.Handle) want {
	return want{typ: typ, v: uint64(b)}
}
func v(n uint64) want { return want{v: n} }
func ptr() want       { return want{v: scratchVA, ptr: true} }

// calls lists the arguments of every call that takes a handle or a pointer. The rights are those of uabi/calls.go.
var calls = map[string]struct {
	number uint64
	args   []want
	buffer bool // needs an attached message buffer
	// pure says that good arguments would change nothing outside the call, so that it can be tried with one bad argument after
	// the handles as well; all calls are tried with bad handles.
	pure bool
}{
	"Call":            {uabi.CallCall, []want{h(uabi.TypeEndpoint, uabi.RightCall)}, true, false},
	"Receive":         {uabi.CallReceive, []want{h(uabi.TypeEndpoint, uabi.RightReceive)}, true, false},
	"ReplyReceive":    {uabi.CallReplyReceive, []want{h(uabi.TypeEndpoint, uabi.RightReceive)}, true, false},
	"Close":           {uabi.CallClose, []want{h(uabi.TypeNone, 0)}, false, false},
	"Dup":             {uabi.CallDup, []want{h(uabi.TypeNone, 0), v(0)}, false, false},
	"HandleInfo":      {uabi.CallHandleInfo, []want{h(uabi.TypeNone, 0)}, false, false},
	"EndpointCreate":  {uabi.CallEndpointCreate, []want{h(uabi.TypeAccount, 0), v(0)}, false, false},
	"Bind":            {uabi.CallBind, []want{h(uabi.TypeEndpoint, uabi.RightReceive), h(uabi.TypeEvent, uabi.RightRead), v(1), v(1)}, false, false},
	"Mint":            {uabi.CallMint, []want{h(uabi.TypeEndpoint, uabi.RightReceive), v(1), v(uabi.RightCall)}, false, false},
	"BadgeAck":        {uabi.CallBadgeAck, []want{h(uabi.TypeEndpoint, uabi.RightReceive), v(1)}, false, false},
	"Subscribe":       {uabi.CallSubscribe, []want{h(uabi.TypeEndpoint, uabi.RightReceive)}, false, false},
	"ThreadAck":       {uabi.CallThreadAck, []want{h(uabi.TypeEndpoint, uabi.RightReceive), v(1)}, false, false},
	"EventCreate":     {uabi.CallEventCreate, []want{h(uabi.TypeAccount, 0)}, false, false},
	"EventUpdate":     {uabi.CallEventUpdate, []want{h(uabi.TypeEvent, uabi.RightWrite), v(0), v(0), v(0)}, false, false},
	"EventRead":       {uabi.CallEventRead, []want{h(uabi.TypeEvent, uabi.RightRead)}, false, false},
	"EventWait":       {uabi.CallEventWait, []want{h(uabi.TypeEvent, uabi.RightRead), v(1), v(0), v(0)}, false, false},
	"WaitSetCreate":   {uabi.CallWaitSetCreate, []want{h(uabi.TypeAccount, 0)}, false, false},
	"WaitSetAdd":      {uabi.CallWaitSetAdd, []want{h(uabi.TypeWaitSet, uabi.RightWrite), h(uabi.TypeEvent, uabi.RightRead), v(1), v(1)}, false, false},
	"WaitSetModify":   {uabi.CallWaitSetModify, []want{h(uabi.TypeWaitSet, uabi.RightWrite)}, false, false},
	"WaitSetRemove":   {uabi.CallWaitSetRemove, []want{h(uabi.TypeWaitSet, uabi.RightWrite)}, false, false},
	"WaitSetTake":     {uabi.CallWaitSetTake, []want{h(uabi.TypeWaitSet, uabi.RightRead), v(1)}, true, false},
	"WaitSetEvent":    {uabi.CallWaitSetEvent, []want{h(uabi.TypeWaitSet, uabi.RightRead)}, false, false},
	"TimerCreate":     {uabi.CallTimerCreate, []want{h(uabi.TypeAccount, 0), h(uabi.TypeEvent, uabi.RightWrite), v(1)}, false, false},
	"TimerSet":        {uabi.CallTimerSet, []want{h(uabi.TypeTimer, 0), v(uabi.NoDeadline)}, false, false},
	"MemoryCreate":    {uabi.CallMemoryCreate, []want{h(uabi.TypeAccount, 0), v(4096), v(0)}, false, false},
	"MemoryResize":    {uabi.CallMemoryResize, []want{h(uabi.TypeMemory, uabi.RightWrite), v(8192)}, false, false},
	"MemorySize":      {uabi.CallMemorySize, []want{h(uabi.TypeMemory, 0)}, false, false},
	"MemoryRead":      {uabi.CallMemoryRead, []want{h(uabi.TypeMemory, uabi.RightRead), v(0), ptr(), v(16)}, false, true},
	"MemoryWrite":     {uabi.CallMemoryWrite, []want{h(uabi.TypeMemory, uabi.RightWrite), v(0), ptr(), v(16)}, false, false},
	"MemoryClone":     {uabi.CallMemoryClone, []want{h(uabi.TypeMemory, uabi.RightRead), h(uabi.TypeAccount, 0), v(0), v(4096)}, false, false},
	"MemoryCopy":      {uabi.CallMemoryCopy, []want{h(uabi.TypeMemory, uabi.RightWrite), v(0), h(uabi.TypeMemory, uabi.RightRead), v(0), v(16)}, false, false},
	"MemoryZero":      {uabi.CallMemoryZero, []want{h(uabi.TypeMemory, uabi.RightWrite), v(0), v(4096)}, false, false},
	"SpaceCreate":     {uabi.CallSpaceCreate, []want{h(uabi.TypeAccount, 0)}, false, false},
	"SpaceClone":      {uabi.CallSpaceClone, []want{h(uabi.TypeSpace, uabi.RightMap), h(uabi.TypeAccount, 0)}, false, false},
	"SpaceMap":        {uabi.CallSpaceMap, []want{h(uabi.TypeSpace, uabi.RightMap)}, true, false},
	"SpaceUnmap":      {uabi.CallSpaceUnmap, []want{h(uabi.TypeSpace, uabi.RightMap), v(nowhereVA), v(4096)}, false, false},
	"SpaceProtect":    {uabi.CallSpaceProtect, []want{h(uabi.TypeSpace, uabi.RightMap), v(nowhereVA), v(4096), v(uabi.ProtRead)}, false, false},
	"SpaceMove":       {uabi.CallSpaceMove, []want{h(uabi.TypeSpace, uabi.RightMap), v(nowhereVA), v(4096), v(2 * nowhereVA), v(4096)}, false, false},
	"SpaceTag":        {uabi.CallSpaceTag, []want{h(uabi.TypeSpace, uabi.RightMap), v(nowhereVA), v(4096), v(7)}, false, false},
	"SpaceQuery":      {uabi.CallSpaceQuery, []want{h(uabi.TypeSpace, uabi.RightRead), v(0)}, true, false},
	"SpaceGap":        {uabi.CallSpaceGap, []want{h(uabi.TypeSpace, uabi.RightRead), v(4096), v(0), v(uabi.MaxUser)}, false, false},
	"SpaceDiscard":    {uabi.CallSpaceDiscard, []want{h(uabi.TypeSpace, uabi.RightMap), v(nowhereVA), v(4096)}, false, false},
	"SpacePunch":      {uabi.CallSpacePunch, []want{h(uabi.TypeSpace, uabi.RightMap), v(nowhereVA), v(4096)}, false, false},
	"SpaceTouch":      {uabi.CallSpaceTouch, []want{h(uabi.TypeSpace, uabi.RightMap), v(nowhereVA), v(4096), v(0)}, false, false},
	"SpacePresent":    {uabi.CallSpacePresent, []want{h(uabi.TypeSpace, uabi.RightRead), v(nowhereVA)}, false, false},
	"SpaceInfo":       {uabi.CallSpaceInfo, []want{h(uabi.TypeSpace, uabi.RightRead)}, false, false},
	"SpaceRead":       {uabi.CallSpaceRead, []want{boot(uabi.TypeSpace, uabi.BootSpace), ptr(), ptr(), v(16)}, false, true},
	"SpaceWrite":      {uabi.CallSpaceWrite, []want{boot(uabi.TypeSpace, uabi.BootSpace), ptr(), ptr(), v(16)}, false, true},
	"ThreadCreate":    {uabi.CallThreadCreate, []want{h(uabi.TypeAccount, 0), h(uabi.TypeSpace, uabi.RightManage), h(uabi.TypeEndpoint, uabi.RightCall)}, false, false},
	"ThreadSetRegs":   {uabi.CallThreadSetRegs, []want{h(uabi.TypeThread, uabi.RightManage)}, true, false},
	"ThreadGetRegs":   {uabi.CallThreadGetRegs, []want{h(uabi.TypeThread, uabi.RightManage)}, true, false},
	"ThreadCopyState": {uabi.CallThreadCopyState, []want{h(uabi.TypeThread, uabi.RightManage), h(uabi.TypeThread, uabi.RightManage)}, false, false},
	"ThreadContext":   {uabi.CallThreadContext, []want{h(uabi.TypeThread, uabi.RightManage)}, true, false},
	"ThreadStart":     {uabi.CallThreadStart, []want{h(uabi.TypeThread, uabi.RightManage)}, false, false},
	"ThreadSpace":     {uabi.CallThreadSpace, []want{h(uabi.TypeThread, uabi.RightManage), h(uabi.TypeSpace, uabi.RightManage)}, false, false},
	"ThreadInterrupt": {uabi.CallThreadInterrupt, []want{h(uabi.TypeThread, uabi.RightManage), v(0)}, false, false},
	"ThreadKill":      {uabi.CallThreadKill, []want{h(uabi.TypeThread, uabi.RightManage)}, false, false},
	"ThreadEvent":     {uabi.CallThreadEvent, []want{h(uabi.TypeThread, uabi.RightManage), h(uabi.TypeEvent, uabi.RightWrite), v(1)}, false, false},
	"ThreadInfo":      {uabi.CallThreadInfo, []want{h(uabi.TypeThread, uabi.RightManage)}, true, false},
	"FutexWake":       {uabi.CallFutexWake, []want{boot(uabi.TypeSpace, uabi.BootSpace), ptr(), v(1), v(1), v(0)}, false, false},
	"ProcessCreate":   {uabi.CallProcessCreate, []want{h(uabi.TypeAccount, uabi.RightManage), v(1), v(0), ptr(), v(5)}, false, true},
	"ProcessGive":     {uabi.CallProcessGive, []want{h(uabi.TypeProcess, uabi.RightManage), v(9), h(uabi.TypeNone, 0), v(0)}, false, false},
	"ProcessStart":    {uabi.CallProcessStart, []want{h(uabi.TypeProcess, uabi.RightManage), h(uabi.TypeMemory, uabi.RightRead), v(0), v(4096), v(0)}, false, false},
	"ProcessKill":     {uabi.CallProcessKill, []want{h(uabi.TypeProcess, uabi.RightManage)}, false, false},
	"ProcessEvent":    {uabi.CallProcessEvent, []want{h(uabi.TypeProcess, uabi.RightManage)}, false, false},
	"ProcessInfo":     {uabi.CallProcessInfo, []want{h(uabi.TypeProcess, uabi.RightRead)}, true, false},
	"AccountCreate":   {uabi.CallAccountCreate, []want{h(uabi.TypeAccount, uabi.RightManage)}, false, false},
	"AccountLimit":    {uabi.CallAccountLimit, []want{h(uabi.TypeAccount, uabi.RightManage)}, false, false},
	"AccountInfo":     {uabi.CallAccountInfo, []want{h(uabi.TypeAccount, uabi.RightManage)}, false, false},
	"IRQCreate":       {uabi.CallIRQCreate, []want{boot(uabi.TypePort, uabi.BootIRQ), v(5), h(uabi.TypeEvent, uabi.RightWrite), v(1)}, false, false},
	"IRQAck":          {uabi.CallIRQAck, []want{h(uabi.TypeIRQ, 0)}, false, false},
	"PortIn":          {uabi.CallPortIn, []want{boot(uabi.TypePort, uabi.BootPorts), v(0x70), v(1)}, false, false},
	"PortOut":         {uabi.CallPortOut, []want{boot(uabi.TypePort, uabi.BootPorts), v(0x70), v(1), v(0)}, false, false},
	"PortInBuf":       {uabi.CallPortInBuf, []want{boot(uabi.TypePort, uabi.BootPorts), v(0x70), ptr(), v(16)}, false, true},
	"PortOutBuf":      {uabi.CallPortOutBuf, []want{boot(uabi.TypePort, uabi.BootPorts), v(0x70), ptr(), v(16)}, false, true},
	"ClockSet":        {uabi.CallClockSet, []want{boot(uabi.TypePort, uabi.BootPower), v(0)}, false, false},
	"Random":          {uabi.CallRandom, []want{ptr(), v(16)}, false, true},
	"Log":             {uabi.CallLog, []want{ptr(), v(16)}, false, true},
	"Trace":           {uabi.CallTrace, []want{boot(uabi.TypePort, uabi.BootPower), v(0), ptr(), v(4096)}, false, true},
	"PowerOff":        {uabi.CallPowerOff, []want{boot(uabi.TypePort, uabi.BootPower), v(0)}, false, false},
	"Panic":           {uabi.CallPanic, []want{boot(uabi.TypePort, uabi.BootPower), v(0)}, false, false},
	"System":          {uabi.CallSystem, nil, true, false},
	"AlienRead":       {uabi.CallAlienRead, []want{ptr(), ptr(), v(16)}, false, false},
	"GrantRead":       {uabi.CallGrantRead, []want{v(0), v(0), ptr(), v(16)}, false, false},
}

// refused makes the call with these arguments and checks the error and that nothing has changed.
func (w *world) refused(name string, number uint64, args []uint64, errs ...uabi.Error) {
	w.t.Helper()
	settle()
	before := count()
	_, got := w.call(number, args...)
	settle()
	if after := count(); after != before {
		w.t.Errorf("%s(%#x) = %v changed\n%+v to\n%+v", name, args, got, before, after)
	}
	for _, e := range errs {
		if got == e {
			return
		}
	}
	w.t.Errorf("%s(%#x) = %v, want %v", name, args, got, errs)
}

// good gives arguments that decode accepts.
func good(objs map[uabi.Type]uint64, args []want) []uint64 {
	out := make([]uint64, len(args))
	for i, a := range args {
		switch {
		case a.typ != uabi.TypeNone && a.v == 0:
			out[i] = objs[a.typ]
		default:
			out[i] = a.v
		}
	}
	return out
}

func TestEveryCallRefusesBadHandlesTypesAndRightsAndChangesNothing(t *testing.T) {
	w := newWorld(t)
	objs := w.objects()
	for name, c := range calls {
		args := good(objs, c.args)
		for i, a := range c.args {
			isHandle := a.typ != uabi.TypeNone || i == 0 && (name == "Close" || name == "Dup" || name == "HandleInfo") || name == "ProcessGive" && i == 2
			if !isHandle {
				continue
			}
			for _, bad := range []uint64{0, 31, 0xfffff, 0xffffffff, 1 << 32, args[i] | 1<<63, args[i] ^ 1<<20} {
				if bad == 0 && (name == "FutexWake" || name == "ProcessStart" && i == 4) {
					continue // 0 has a meaning there
				}
				w.refused(fmt.Sprint(name, " bad handle"), c.number, with(args, i, bad), uabi.ErrHandle)
			}
			if a.typ == uabi.TypeNone {
				continue
			}
			for typ, other := range objs {
				if typ == a.typ || name == "WaitSetAdd" && typ == uabi.TypeWaitSet && i == 1 {
					continue
				}
				w.refused(fmt.Sprint(name, " wrong type ", typ), c.number, with(args, i, other), uabi.ErrType)
			}
			if a.right != 0 {
				less := w.must("dup", uabi.CallDup, args[i], uabi.RightsAll&^uint64(a.right))
				w.refused(fmt.Sprint(name, " without the right"), c.number, with(args, i, less), uabi.ErrRights)
				w.must("close", uabi.CallClose, less)
			}
		}
	}
}

func with(args []uint64, i int, v uint64) []uint64 {
	out := append([]uint64(nil), args...)
	out[i] = v
	return out
}

func TestEveryCallRefusesPointersThatAreNoUserMemory(t *testing.T) {
	w := newWorld(t)
	objs := w.objects()
	for name, c := range calls {
		if !c.pure {
			continue
		}
		for i, a := range c.args {
			if !a.ptr {
				continue
			}
			for _, bad := range []uint64{0, nowhereVA, kernelVA, uabi.MaxUser, ^uint64(0), 1 << 47} {
				w.refused(name, c.number, with(good(objs, c.args), i, bad), uabi.ErrFault)
			}
		}
	}
}

func TestCallsThatNeedAMessageBufferSayErrArgWithoutOne(t *testing.T) {
	w := newWorld(t)
	objs := w.objects()
	w.must("detach", uabi.CallDetach)
	for name, c := range calls {
		if c.buffer {
			w.refused(name, c.number, good(objs, c.args), uabi.ErrArg)
		}
	}
	w.refused("Reply", uabi.CallReply, nil, uabi.ErrArg)
}

func TestPlainArgumentsOutOfRangeAreRefused(t *testing.T) {
	w := newWorld(t)
	objs := w.objects()
	mem, space, event := objs[uabi.TypeMemory], objs[uabi.TypeSpace], objs[uabi.TypeEvent]
	account, power, ports := uint64(uabi.BootAccount), uint64(uabi.BootPower), uint64(uabi.BootPorts)
	const page, huge = arch.PageSize, ^uint64(0)
	for _, c := range []struct {
		name   string
		number uint64
		args   []uint64
		err    uabi.Error
	}{
		{"Attach twice", uabi.CallAttach, []uint64{2 * bufferVA}, uabi.ErrExists},
		{"EndpointCreate rank", uabi.CallEndpointCreate, []uint64{account, uabi.RankClient + 1}, uabi.ErrArg},
		{"EventWait mask", uabi.CallEventWait, []uint64{event, 0, 0, 0}, uabi.ErrArg},
		{"EventUpdate bits", uabi.CallEventUpdate, []uint64{event, 1 << 32, 0, 0}, uabi.ErrArg},
		{"Mint badge", uabi.CallMint, []uint64{objs[uabi.TypeEndpoint], 0, uabi.RightCall}, uabi.ErrArg},
		{"MemoryCreate size", uabi.CallMemoryCreate, []uint64{account, huge, 0}, uabi.ErrArg},
		{"MemoryCreate flags", uabi.CallMemoryCreate, []uint64{account, page, 2}, uabi.ErrArg},
		{"MemoryRead offset", uabi.CallMemoryRead, []uint64{mem, huge, scratchVA, 1}, uabi.ErrArg},
		{"MemoryRead length", uabi.CallMemoryRead, []uint64{mem, page, scratchVA, huge}, uabi.ErrArg},
		{"MemoryResize", uabi.CallMemoryResize, []uint64{mem, huge}, uabi.ErrArg},
		{"SpaceUnmap unaligned", uabi.CallSpaceUnmap, []uint64{space, page + 1, page}, uabi.ErrArg},
		{"SpaceUnmap kernel", uabi.CallSpaceUnmap, []uint64{space, kernelVA, page}, uabi.ErrArg},
		{"SpaceUnmap wraps", uabi.CallSpaceUnmap, []uint64{space, page, huge &^ (page - 1)}, uabi.ErrArg},
		{"SpaceProtect W^X", uabi.CallSpaceProtect, []uint64{uint64(uabi.BootSpace), page, page, uabi.ProtWrite | uabi.ProtExec}, uabi.ErrArg},
		{"SpaceProtect hole", uabi.CallSpaceProtect, []uint64{space, page, page, uabi.ProtRead}, uabi.ErrNoMem},
		{"SpaceGap too long", uabi.CallSpaceGap, []uint64{space, huge, 0, uabi.MaxUser, 0}, uabi.ErrArg},
		{"SpaceGap none", uabi.CallSpaceGap, []uint64{space, 2 * page, page, 2 * page, 0}, uabi.ErrNoMem},
		{"ThreadInterrupt", uabi.CallThreadInterrupt, []uint64{objs[uabi.TypeThread], 2}, uabi.ErrArg},
		{"FutexWake unaligned", uabi.CallFutexWake, []uint64{uint64(uabi.BootSpace), scratchVA + 1, 1, 1, 0}, uabi.ErrArg},
		{"FutexWake bitset", uabi.CallFutexWake, []uint64{uint64(uabi.BootSpace), scratchVA, 1, 0, 0}, uabi.ErrArg},
		{"ProcessCreate rank", uabi.CallProcessCreate, []uint64{account, uabi.RankClient + 1, 0, scratchVA, 5}, uabi.ErrArg},
		{"ProcessCreate name", uabi.CallProcessCreate, []uint64{account, 1, 0, scratchVA, maxName + 1}, uabi.ErrArg},
		{"ProcessGive slot", uabi.CallProcessGive, []uint64{objs[uabi.TypeProcess], uint64(uabi.BootFirst), event, 0}, uabi.ErrArg},
		{"ProcessStart range", uabi.CallProcessStart, []uint64{objs[uabi.TypeProcess], mem, page, huge, 0}, uabi.ErrArg},
		{"ProcessStart no ELF", uabi.CallProcessStart, []uint64{objs[uabi.TypeProcess], mem, 0, page, 0}, uabi.ErrNoExec},
		{"IRQCreate line", uabi.CallIRQCreate, []uint64{uint64(uabi.BootIRQ), irqLines, event, 1}, uabi.ErrArg},
		{"IRQCreate taken", uabi.CallIRQCreate, []uint64{uint64(uabi.BootIRQ), 4, event, 1}, uabi.ErrExists},
		{"IRQCreate with the wrong right", uabi.CallIRQCreate, []uint64{ports, 5, event, 1}, uabi.ErrType},
		{"PortIn width", uabi.CallPortIn, []uint64{ports, 0x70, 3}, uabi.ErrArg},
		{"PortIn beyond", uabi.CallPortIn, []uint64{ports, 0xffff, 2}, uabi.ErrArg},
		{"PortIn with the power right", uabi.CallPortIn, []uint64{power, 0x70, 1}, uabi.ErrArg},
		{"Clock", uabi.CallClock, []uint64{7}, uabi.ErrArg},
		{"Random length", uabi.CallRandom, []uint64{scratchVA, maxRandom + 1}, uabi.ErrArg},
		{"Log length", uabi.CallLog, []uint64{scratchVA, maxLog + 1}, uabi.ErrArg},
		{"Panic kind", uabi.CallPanic, []uint64{power, uabi.PanicStack + 1}, uabi.ErrArg},
		{"no such call", uabi.CallBase + uabi.CallCount, nil, uabi.ErrCall},
		{"no such call, huge", 1 << 63, nil, uabi.ErrCall},
		{"MemoryPager", uabi.CallMemoryPager, []uint64{mem}, uabi.ErrUnsupported},
		{"AlienRead without a trap", uabi.CallAlienRead, []uint64{scratchVA, scratchVA, 8}, uabi.ErrStale},
		{"GrantRead index", uabi.CallGrantRead, []uint64{uabi.MaxGrants, 0, scratchVA, 8}, uabi.ErrArg},
	} {
		w.refused(c.name, c.number, c.args, c.err)
	}
}

func TestMappingNeedsTheRightsThatItsUseWouldHave(t *testing.T) {
	w := newWorld(t)
	objs := w.objects()
	mem := objs[uabi.TypeMemory]
	try := func(rights, flags uint64) uabi.Error {
		less := w.must("dup", uabi.CallDup, mem, rights)
		defer w.must("close", uabi.CallClose, less)
		*argMap(w.thread().Buf) = uabi.MapArgs{Va: nowhereVA, Len: arch.PageSize, Memory: uabi.Handle(less), Flags: uint32(flags | uabi.MapFixed)}
		_, err := w.call(uabi.CallSpaceMap, objs[uabi.TypeSpace])
		return err
	}
	for _, c := range []struct {
		rights, flags uint64
		err           uabi.Error
	}{
		{uabi.RightRead, uabi.ProtRead, uabi.ErrRights},
		{uabi.RightMap, uabi.ProtRead, uabi.ErrRights},
		{uabi.RightMap | uabi.RightRead, uabi.ProtRead, uabi.OK},
		{uabi.RightMap | uabi.RightRead, uabi.ProtRead | uabi.ProtWrite, uabi.OK}, // private: a copy
		{uabi.RightMap | uabi.RightRead, uabi.ProtRead | uabi.ProtWrite | uabi.MapShared, uabi.ErrRights},
		{uabi.RightMap | uabi.RightRead | uabi.RightWrite, uabi.ProtRead | uabi.ProtWrite | uabi.MapShared, uabi.OK},
		{uabi.RightsAll, uabi.ProtWrite | uabi.ProtExec, uabi.OK}, // W^X is for images: a Linux program may have both
	} {
		if err := try(c.rights, c.flags); err != c.err {
			t.Errorf("rights %#x flags %#x: %v, want %v", c.rights, c.flags, err, c.err)
		}
	}
	// What was mapped shared and read-only through a handle without RightWrite can never be made writable.
	if err := try(uabi.RightMap|uabi.RightRead, uabi.ProtRead|uabi.MapShared); err != uabi.OK {
		t.Fatal(err)
	}
	if _, err := w.call(uabi.CallSpaceProtect, objs[uabi.TypeSpace], nowhereVA, arch.PageSize, uabi.ProtRead|uabi.ProtWrite); err != uabi.ErrRights {
		t.Errorf("protect: %v", err)
	}
}
