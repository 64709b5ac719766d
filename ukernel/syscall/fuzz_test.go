package syscall

import (
	"math/rand/v2"
	"slices"
	"testing"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/ipc"
	"aramid/ukernel/uabi"
)

// fuzzCalls is the number of random calls of the host fuzz; itest/kernel/fuzz makes millions on the real machine.
const fuzzCalls = 200_000

// enders are calls that end the caller or the machine: not for a fuzz that goes on.
var enders = map[uint64]bool{
	uabi.CallProcessExit: true, uabi.CallPowerOff: true, uabi.CallPanic: true,
	sysExit: true, sysExitGroup: true, sysRtSigreturn: true, sysKill: true, sysTgkill: true,
}

// fuzzer makes random calls as rootd's only native thread.
type fuzzer struct {
	*world
	rng   *rand.Rand
	boot  uint64         // bit h: boot handle h was there at the start
	done  map[uint64]int // calls that succeeded
	names []string       // of the calls table, sorted
}

// value is an argument: a handle more often than not, else a number that has broken kernels before.
func (f *fuzzer) value() uint64 {
	switch f.rng.IntN(8) {
	case 0, 1, 2:
		h := uint64(0)
		for range f.rng.IntN(40) {
			next := uint64(f.thread().Proc.Table.Next(handle(h)))
			if next == 0 {
				break
			}
			h = next
		}
		return h
	case 3:
		return f.rng.Uint64N(64)
	case 4:
		return scratchVA + f.rng.Uint64N(scratch)
	case 5:
		return arch.PageSize * f.rng.Uint64N(1<<f.rng.IntN(36))
	case 6:
		odd := []uint64{0, 1, ^uint64(0), 1 << 63, 1<<63 - 1, 1 << 32, 1<<32 - 1, kernelVA, uabi.MaxUser, uabi.MaxUser - 1, 1 << 47, nowhereVA, bufferVA, 4095, 4097, 1 << 20, 1 << 40}
		return odd[f.rng.IntN(len(odd))]
	}
	return f.rng.Uint64() >> f.rng.IntN(64)
}

// wild is any call with any arguments.
func (f *fuzzer) wild() (number uint64, args []uint64) {
	number = uabi.CallBase + f.rng.Uint64N(uabi.CallCount+2)
	if f.rng.IntN(3) == 0 {
		number = f.rng.Uint64N(340)
	}
	args = make([]uint64, 6)
	for i := range args {
		args[i] = f.value()
	}
	return number, args
}

// likely is a call with arguments that fit, but for one in ten.
func (f *fuzzer) likely() (number uint64, args []uint64) {
	c := calls[f.names[f.rng.IntN(len(f.names))]]
	args = make([]uint64, 6)
	for i := range args {
		switch {
		case f.rng.IntN(10) == 0 || i >= len(c.args):
			args[i] = f.value()
		case c.args[i].typ != uabi.TypeNone && c.args[i].v == 0:
			args[i] = f.handleOf(c.args[i].typ)
		case c.args[i].v == nowhereVA:
			args[i] = scratchVA + arch.PageSize*f.rng.Uint64N(2*scratch/arch.PageSize)
		case f.rng.IntN(3) == 0:
			args[i] = f.rng.Uint64N(16)
		default:
			args[i] = c.args[i].v
		}
	}
	if c.number == uabi.CallProcessStart && f.rng.IntN(2) == 0 {
		args = []uint64{f.handleOf(uabi.TypeProcess), uint64(uabi.BootArchive), rootd.off, rootd.len, 0, 0}
	}
	return c.number, args
}

// handleOf is some handle of that type, or 0.
func (f *fuzzer) handleOf(typ uabi.Type) uint64 {
	table := &f.thread().Proc.Table
	var found []uint64
	for h := table.Next(0); h != 0; h = table.Next(h) {
		if e, err := table.Lookup(h); err == uabi.OK && e.Obj.Type == typ {
			found = append(found, uint64(h))
		}
	}
	if len(found) == 0 {
		return 0
	}
	return found[f.rng.IntN(len(found))]
}

// step makes one random call and brings the thread back if it blocked.
func (f *fuzzer) step() {
	number, args := f.wild()
	if f.rng.IntN(4) != 0 {
		number, args = f.likely()
	}
	self := args[0] == uint64(uabi.BootProcess) || f.isSelf(args[0])
	if enders[number] || f.forbidden(number, args[0]) || self && (number == uabi.CallProcessKill || number == uabi.CallProcessStart) {
		return
	}
	if b := f.thread().Buf; b != nil {
		for i := 0; i < len(b.Arg); i += 8 {
			put64(b.Arg[i:], f.value())
		}
		f.message(&b.Out)
	}
	rax, _, running := f.enter(number, args...)
	if int64(rax) >= 0 {
		f.done[number]++
	}
	f.resume(running)
}

// isSelf reports whether h names the fuzzer's own process.
func (f *fuzzer) isSelf(h uint64) bool {
	p, err := f.thread().Proc.GetProcess(handle(h), 0)
	return err == uabi.OK && p == f.thread().Proc
}

// message fills a header at random.
func (f *fuzzer) message(m *uabi.Msg) {
	*m = uabi.Msg{
		Kind: uabi.Kind(f.rng.IntN(24)), Flags: f.rng.Uint32() & f.rng.Uint32() & f.rng.Uint32(), Len: uint32(f.value()), NHandles: uint32(f.rng.IntN(6)),
		NGrants: uint32(f.rng.IntN(6)), Target: uabi.Handle(f.value()), ID: uabi.ID{Origin: f.value(), Trap: f.value(), Path: f.value()},
		Wait: uabi.WaitSpec{Event: uabi.Handle(f.value()), Mask: uint32(f.value()), Since: f.value(), Deadline: f.value()},
	}
	for i := range m.Handle {
		m.Handle[i] = uabi.Handle(f.value())
		m.RecordHandle[i] = uabi.Handle(f.value())
		m.Grant[i] = uabi.Grant{Addr: f.value(), Len: f.value(), Rights: uint32(f.rng.IntN(4)), Flags: uint32(f.rng.IntN(3))}
	}
}

// resume lets time pass, and other threads run and trap, until the fuzzer's thread is on the CPU again.
func (f *fuzzer) resume(running bool) {
	t := f.thread()
	for range 1000 {
		if running {
			return
		}
		c := leave()
		switch {
		case c == f.c:
			running = true
		case c != nil && threadOf(c).Kind == ipc.Alien:
			c.Regs.Vector, c.Regs.RAX = hw.VecSyscall, f.rng.Uint64N(400)
			Enter(c)
		case c != nil: // another native thread: a clone of this one, or of a process that was started
			c.Regs.Vector, c.Regs.RAX = hw.VecSyscall, sysExit
			Enter(c)
		case t.Break(0):
		default:
			fake.M.NS += 10 * millisecond
			f.c.Regs.Vector = hw.VecTimer
			Enter(f.c)
		}
	}
	f.t.Fatalf("the thread does not come back: it is blocked for reason %d", t.Blocked())
}

// forbidden are calls that would only make the rest of the fuzz pointless: closing a boot handle, a limit on the root account,
// lasting notices on the boot endpoint.
func (f *fuzzer) forbidden(number, h uint64) bool {
	p := f.thread().Proc
	switch number {
	case uabi.CallClose:
		return h < uint64(uabi.BootFirst)
	case uabi.CallAccountLimit:
		a, err := p.GetAccount(handle(h), 0)
		return err == uabi.OK && a == p.Acct
	case uabi.CallSubscribe, uabi.CallMint, uabi.CallBind: // their notices stay until they are acknowledged
		e, _, err := p.Endpoint(handle(h), 0)
		own, _, _ := p.Endpoint(uabi.BootEndpoint, 0)
		return err == uabi.OK && e == own
	}
	return false
}

// closeAll closes every handle but the first boot handles, ends what runs and unmaps everything.
func (f *fuzzer) closeAll() {
	f.t.Helper()
	p := f.thread().Proc
	if t := f.thread(); t.Serving() {
		if t.Buf == nil {
			f.t.Fatal("the buffer is gone while a request is current")
		}
		t.Buf.Out = uabi.Msg{Kind: uabi.AnswerStop}
		if ipc.Reply(t) != uabi.OK {
			t.Buf.Out = uabi.Msg{Kind: uabi.AnswerResult, Status: -int32(uabi.ErrIO)}
			if err := ipc.Reply(t); err != uabi.OK && err != uabi.ErrStale {
				f.t.Fatalf("the current request cannot be answered: %v", err)
			}
		}
	}
	for h := p.Table.Next(0); h != 0; {
		next := p.Table.Next(h)
		if h >= uabi.BootFirst || f.boot>>h&1 == 0 {
			if q, err := p.GetProcess(h, uabi.RightManage); err == uabi.OK && q != p {
				q.Die(0, false)
			}
			if err := p.Close(h); err != uabi.OK {
				f.t.Fatalf("close %#x: %v", h, err)
			}
		}
		h = next
	}
	f.c.Regs.Vector = hw.VecKick
	f.resume(Enter(f.c) == f.c)
	for t := p.FirstThread(); t != nil; t = t.NextThread() {
		if t != f.thread() {
			f.t.Fatalf("thread %d still lives", t.ID)
		}
	}
	f.enter(uabi.CallDetach)
	if kept, err := p.GetMemory(uabi.BootKept, 0); err == uabi.OK {
		kept.Resize(keptSize)
		kept.Zero(0, keptSize)
	}
	for more := true; more; {
		more, _ = f.thread().Space.Unmap(uabi.MinUser, uabi.MaxUser-uabi.MinUser)
	}
	settle()
}

// open gives the fuzzer a message buffer and memory of its own.
func (f *fuzzer) open() {
	f.t.Helper()
	f.enter(uabi.CallDetach)
	f.must("attach", uabi.CallAttach, bufferVA)
	*argMap(f.thread().Buf) = uabi.MapArgs{Va: scratchVA, Len: scratch, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapFixed}
	f.must("map", uabi.CallSpaceMap, uint64(uabi.BootSpace))
	f.objects()
}

// round makes n random calls and returns the counts when everything is closed again.
func (f *fuzzer) round(n int) counts {
	f.t.Helper()
	f.open()
	for i := range n {
		f.step()
		if i%fuzzHandles == 0 {
			f.closeAll()
			f.open()
		}
	}
	f.closeAll()
	return count()
}

// fuzzHandles is how many calls are made before the handles they left are closed.
const fuzzHandles = 500

// spareSlabs is the number of object pools.
const spareSlabs = 16

func TestRandomCallsNeitherBreakTheKernelNorLeakAnything(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := &fuzzer{world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 1)), done: map[uint64]int{}}
	for h := uabi.Handle(1); h < uabi.BootFirst; h++ {
		if _, err := f.thread().Proc.Table.Lookup(h); err == uabi.OK {
			f.boot |= 1 << h
		}
	}
	for name := range calls {
		f.names = append(f.names, name)
	}
	slices.Sort(f.names)
	before := f.round(fuzzCalls / 10) // slabs and table pages that stay are there from now on
	after := f.round(fuzzCalls)
	// Each pool of objects may keep an empty slab, or give one back.
	spread := int64(before.free-after.free) + spareSlabs
	before.free, before.kernel = after.free, after.kernel
	if after != before || spread < 0 || spread > 2*spareSlabs {
		t.Errorf("leaked:\n%+v before\n%+v after", before, after)
	}
	if len(f.done) < uabi.CallCount/2 {
		t.Errorf("only %d calls ever succeeded: the fuzz shows little", len(f.done))
	}
}
