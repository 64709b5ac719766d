package syscall

import (
	"testing"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/fake"
	"aramid/ukernel/arch/hw"
	"aramid/ukernel/frame"
	"aramid/ukernel/ipc"
	"aramid/ukernel/object"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// world is a booted fake machine with rootd's first thread on the CPU and a message buffer attached.
type world struct {
	t *testing.T
	c *arch.Context // of the thread that makes the calls
}

const (
	ramSize   = 64 << 20
	bufferVA  = 0x10000000
	scratchVA = 0x20000000 // rootd's own memory, scratchLen bytes, readable and writable
	scratch   = 16 * arch.PageSize
	nowhereVA = 0x30000000 // not mapped
	kernelVA  = 0xffffffff80201000
)

// bootImage places an archive at the end of RAM and a command line below it.
func bootImage(archive []byte, line string) *hw.BootInfo {
	fake.Reset(ramSize, 2)
	base := (ramSize - uint64(len(archive))) &^ (arch.PageSize - 1)
	copy(fake.M.RAM[base:], archive)
	at := base - arch.PageSize
	copy(fake.M.RAM[at:], line)
	bi := &hw.BootInfo{NFree: 1, Top: ramSize, CmdLine: hw.Range{Base: at, Len: uint64(len(line))}, Archive: hw.Range{Base: base, Len: uint64(len(archive))}}
	bi.Free[0] = hw.Range{Len: at}
	rootd.p, rootd.deaths, rootd.lastStart = nil, 0, 0
	if !frame.Init(bi) {
		panic("no room for frame metadata")
	}
	object.Init()
	ipc.Init()
	return bi
}

// rootdArchive is an archive with a sound rootd.
func rootdArchive() []byte {
	a := cpioEntry(nil, rootdName, 0o100755, goodELF().bytes(), arch.PageSize)
	return cpioEntry(a, cpioTrailer, 0, nil, 4)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	Boot(bootImage(rootdArchive(), ""))
	if fake.M.Off {
		t.Fatalf("the machine is off: %s", fake.M.Log)
	}
	w := &world{t: t, c: leave()}
	if w.c == nil {
		t.Fatal("rootd does not run")
	}
	w.must("attach", uabi.CallAttach, bufferVA)
	*argMap(w.thread().Buf) = uabi.MapArgs{Va: scratchVA, Len: scratch, Flags: uabi.ProtRead | uabi.ProtWrite}
	w.must("map", uabi.CallSpaceMap, uint64(uabi.BootSpace))
	return w
}

func (w *world) thread() *ipc.Thread { return threadOf(w.c) }

// enter makes a call and returns RAX and RDX, and whether the thread is still the one that runs.
func (w *world) enter(number uint64, args ...uint64) (rax, rdx uint64, running bool) {
	r := &w.c.Regs
	for i, p := range []*uint64{&r.RDI, &r.RSI, &r.RDX, &r.R10, &r.R8, &r.R9} {
		*p = 0
		if i < len(args) {
			*p = args[i]
		}
	}
	r.RAX, r.OrigRAX, r.Vector, r.RIP = number, number, hw.VecSyscall, 0x401002
	w.c.Full = 0
	next := Enter(w.c)
	return r.RAX, r.RDX, next == w.c
}

// call makes a call that does not block.
func (w *world) call(number uint64, args ...uint64) (uint64, uabi.Error) {
	w.t.Helper()
	for {
		rax, _, running := w.enter(number, args...)
		if !running {
			w.t.Fatalf("call %#x: the thread does not run any more", number)
		}
		if w.c.Regs.RIP == 0x401000 { // a piece: the SYSCALL instruction is executed again
			continue
		}
		if int64(rax) < 0 {
			return 0, uabi.Error(-int64(rax))
		}
		return rax, uabi.OK
	}
}

// must is call for what has to work.
func (w *world) must(what string, number uint64, args ...uint64) uint64 {
	w.t.Helper()
	v, err := w.call(number, args...)
	if err != uabi.OK {
		w.t.Fatalf("%s: %v", what, err)
	}
	return v
}

// counts is what a refused call may not change.
type counts struct {
	free, kernel, handles uint64
	live                  [uabi.TypeCount]uint64
}

func count() (c counts) {
	c.free, c.kernel, c.handles = frame.FreeCount()+frame.Quarantined(), frame.Kernel(), object.Handles()
	for i := range c.live {
		c.live[i] = object.Live(uabi.Type(i))
	}
	return c
}

// settle destroys what died, and acknowledges shootdowns.
func settle() {
	for range 10000 {
		for i := range fake.M.Acks {
			fake.M.Acks[i] = fake.M.ShootGen
		}
		if ipc.Tidy() && !vm.Reap() {
			break
		}
	}
	frame.Trim()
}

// objects makes one object of each type that rootd can have, and returns their handles.
func (w *world) objects() map[uabi.Type]uint64 {
	w.t.Helper()
	a := uint64(uabi.BootAccount)
	h := map[uabi.Type]uint64{
		uabi.TypeAccount:  w.must("account", uabi.CallAccountCreate, a, 0, 0),
		uabi.TypeEndpoint: w.must("endpoint", uabi.CallEndpointCreate, a, 0),
		uabi.TypeEvent:    w.must("event", uabi.CallEventCreate, a),
		uabi.TypeWaitSet:  w.must("wait set", uabi.CallWaitSetCreate, a),
		uabi.TypeMemory:   w.must("memory", uabi.CallMemoryCreate, a, 2*arch.PageSize, 0),
		uabi.TypeSpace:    w.must("space", uabi.CallSpaceCreate, a),
	}
	copy(fake.M.RAM[w.phys(scratchVA):], "child")
	h[uabi.TypeProcess] = w.must("process", uabi.CallProcessCreate, a, uabi.RankMM, uabi.ProcessServer, scratchVA, 5)
	h[uabi.TypeTimer] = w.must("timer", uabi.CallTimerCreate, a, h[uabi.TypeEvent], 1)
	h[uabi.TypeIRQ] = w.must("irq", uabi.CallIRQCreate, uint64(uabi.BootIRQ), 4, h[uabi.TypeEvent], 1)
	h[uabi.TypeThread] = w.must("thread", uabi.CallThreadCreate, a, h[uabi.TypeSpace], h[uabi.TypeEndpoint])
	h[uabi.TypePort] = uint64(uabi.BootPorts)
	return h
}

// phys is where a page of rootd's memory lies.
func (w *world) phys(va uint64) uint64 {
	w.t.Helper()
	pa, err := w.thread().Space.Resolve(va, true)
	if err != uabi.OK {
		w.t.Fatalf("resolve %#x: %v", va, err)
	}
	return pa
}
