package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"

	"aramid/itest/kernel/kit"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Offsets and numbers that loop_amd64.s uses.
const (
	inLen            = uabi.BufIn + lenOffset
	outLen           = uabi.BufOut + lenOffset
	lenOffset        = 96
	callReplyReceive = uabi.CallReplyReceive
	callEventUpdate  = uabi.CallEventUpdate
	callEventWait    = uabi.CallEventWait
)

//go:noescape
func timed(num, a0, a1, a2, a3 uintptr) (ticks, r0 uintptr)
func frame() (ticks uintptr)
func touch(p uintptr) (ticks uintptr)
func stamp() (t uintptr)
func raiseWait(raise, wait, since uintptr) (start, r0 uintptr)
func serve(endpoint, buffer uintptr)

const (
	samples    = 2000
	warmUp     = 100
	childArg   = "client"
	threads    = 4
	kilobytes4 = 4096
)

func main() {
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(threads)
	k, err := uk.NewThread()
	kit.Check("attach", err)
	if len(os.Args) > 1 && os.Args[1] == childArg {
		client(k)
		return
	}
	report("null_call", collect(samples, func() uintptr {
		ticks, _ := timed(uabi.CallNull, 0, 0, 0, 0)
		return ticks
	}))
	report("clock_call", collect(samples, func() uintptr {
		ticks, _ := timed(uabi.CallClock, uabi.ClockMonotonic, 0, 0, 0)
		return ticks
	}))
	faults(k)
	events(k)
	aliens(k)
	server(k)
}

// overhead is what the measuring frame itself costs.
var overhead = slices.Min(collectRaw(warmUp, frame))

func collectRaw(n int, f func() uintptr) []uintptr {
	t := make([]uintptr, n)
	for i := range t {
		t[i] = f()
	}
	return t
}

// collect takes n samples after a warm-up, without the frame.
func collect(n int, f func() uintptr) []uintptr {
	t := collectRaw(n+warmUp, f)[warmUp:]
	for i := range t {
		t[i] -= overhead
	}
	return t
}

func report(name string, t []uintptr) {
	slices.Sort(t)
	fmt.Printf("figure %s %d %d %d\n", name, t[len(t)/2], t[0], len(t))
}

// faults measures a store to an untouched anonymous page, and one to a page shared with a clone of this space.
func faults(k *uk.Real) {
	const pages = 512
	va, err := k.SpaceGap(uabi.BootSpace, pages*kilobytes4, uabi.MinUser, uabi.MaxUser, 0)
	kit.Check("gap", err)
	_, err = k.SpaceMap(uabi.BootSpace, uabi.MapArgs{Va: va, Len: pages * kilobytes4, Flags: uabi.ProtRead | uabi.ProtWrite})
	kit.Check("map", err)
	all := func() []uintptr {
		t := make([]uintptr, pages)
		for i := range t {
			t[i] = touch(uintptr(va)+uintptr(i)*kilobytes4) - overhead
		}
		return t
	}
	report("anonymous_fault", all())
	c, err := k.SpaceClone(uabi.BootSpace, uabi.BootAccount)
	kit.Check("clone", err)
	report("cow_fault", all())
	kit.Check("close", k.Close(c))
	kit.Check("unmap", k.SpaceUnmap(uabi.BootSpace, va, pages*kilobytes4))
}

// events measures from before the raise of an event to the waiter's first instruction, between two threads.
func events(k *uk.Real) {
	a, err := k.EventCreate(uabi.BootAccount)
	kit.Check("event", err)
	b, err := k.EventCreate(uabi.BootAccount)
	kit.Check("event", err)
	var starts, ends [samples + warmUp]uintptr
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		for i := range ends {
			_, r0 := timed(uabi.CallEventWait, uintptr(a), 1, uintptr(i), ^uintptr(0))
			ends[i] = stamp()
			if int(r0) < 0 {
				break
			}
			uk.Raw(uabi.CallEventUpdate, uintptr(b), 0, 0, 1, 0, 0)
		}
		close(done)
	}()
	for i := range starts {
		starts[i], _ = raiseWait(uintptr(a), uintptr(b), uintptr(i))
	}
	<-done
	t := make([]uintptr, samples)
	for i := range t {
		t[i] = ends[i+warmUp] - starts[i+warmUp]
	}
	report("event_wake", t)
}

// alienCode makes calls for ever, and stores how many instructions each took: R13 results from address RBX on, then one call
// numbered lastCall.
var alienCode = []byte{
	0x0f, 0x31, // rdtsc
	0x48, 0xc1, 0xe2, 0x20, // shl rdx, 32
	0x48, 0x09, 0xc2, // or rdx, rax
	0x49, 0x89, 0xd4, // mov r12, rdx
	0xb8, 0x27, 0x00, 0x00, 0x00, // mov eax, 39
	0x0f, 0x05, // syscall
	0x0f, 0x31, // rdtsc
	0x48, 0xc1, 0xe2, 0x20, // shl rdx, 32
	0x48, 0x09, 0xc2, // or rdx, rax
	0x4c, 0x29, 0xe2, // sub rdx, r12
	0x48, 0x89, 0x13, // mov [rbx], rdx
	0x48, 0x83, 0xc3, 0x08, // add rbx, 8
	0x49, 0xff, 0xcd, // dec r13
	0x75, 0xd5, // jnz start
	0xb8, lastCall, 0x00, 0x00, 0x00, // mov eax, lastCall
	0x0f, 0x05, // syscall
}

const lastCall = 60

// aliens measures an alien's call, answered by this thread at once.
func aliens(k *uk.Real) {
	const code, data, size = 0x10000, 0x20000, (samples + warmUp) * 8
	s, err := k.SpaceCreate(uabi.BootAccount)
	kit.Check("space", err)
	_, err = k.SpaceMap(s, uabi.MapArgs{Va: code, Len: kilobytes4, Flags: uabi.ProtRead | uabi.ProtWrite})
	kit.Check("map", err)
	_, err = k.SpaceWrite(s, code, alienCode)
	kit.Check("write", err)
	kit.Check("protect", k.SpaceProtect(s, code, kilobytes4, uabi.ProtRead|uabi.ProtExec))
	_, err = k.SpaceMap(s, uabi.MapArgs{Va: data, Len: (size + kilobytes4) &^ (kilobytes4 - 1), Flags: uabi.ProtRead | uabi.ProtWrite})
	kit.Check("map", err)
	t, _, err := k.ThreadCreate(uabi.BootAccount, s, uabi.BootEndpoint)
	kit.Check("thread", err)
	kit.Check("regs", k.ThreadSetRegs(t, &uabi.Regs{RIP: code, RBX: data, R13: samples + warmUp, Flags: 0x202}))
	kit.Check("start", k.ThreadStart(t))
	b := k.Buf()
	b.Out.Kind = uabi.AnswerNone
	kit.Check("receive", k.Receive(uabi.BootEndpoint, uabi.NoDeadline))
	for b.In.Kind == uabi.KindTrap && b.In.Trap == uabi.TrapSyscall && b.In.Regs.RAX != lastCall {
		b.Out.Kind, b.Out.Flags = uabi.AnswerResult, 0
		b.Out.W[0] = 1
		kit.Check("reply", k.ReplyReceive(uabi.BootEndpoint, uabi.NoDeadline))
	}
	if b.In.Kind != uabi.KindTrap || b.In.Regs.RAX != lastCall {
		fmt.Printf("bench: alien ended with kind %d trap %d vector %d RIP %#x\n", b.In.Kind, b.In.Trap, b.In.Regs.Vector, b.In.Regs.RIP)
		kit.Check("alien", uabi.ErrIO)
	}
	out := make([]byte, size)
	n, err := k.SpaceRead(s, data, out)
	kit.Check("read", err)
	ticks := make([]uintptr, 0, samples)
	for i := warmUp * 8; i+8 <= n; i += 8 {
		ticks = append(ticks, uintptr(out[i])|uintptr(out[i+1])<<8|uintptr(out[i+2])<<16-overhead)
	}
	report("alien_call", ticks)
	b.Out.Kind = uabi.AnswerStop
	kit.Check("reply", k.Reply())
	kit.Check("kill", k.ThreadKill(t))
	k.Close(t)
	k.Close(s)
}

// server starts this program again as a client and serves it for ever.
func server(k *uk.Real) {
	c := kit.Child{Name: "bench", Rank: uabi.RankClient, Account: uabi.BootAccount, Args: []string{childArg}, Give: []kit.Give{
		{Slot: uabi.BootAccount, Handle: uabi.BootAccount, Rights: uabi.RightManage},
		{Slot: uabi.BootRoot, Handle: uabi.BootEndpoint, Rights: uabi.RightCall},
		{Slot: uabi.BootPower, Handle: uabi.BootPower},
	}}
	c.Start(k)
	b := k.Buf()
	b.Out.Kind = uabi.AnswerNone
	for {
		kit.Check("receive", k.Receive(uabi.BootEndpoint, uabi.NoDeadline))
		b.Out.Kind, b.Out.Flags = uabi.AnswerResult, 0
		serve(uintptr(uabi.BootEndpoint), bufferAddress(b)) // until a signal of the runtime ends a wait
	}
}

// client measures calls to rootd.
func client(k *uk.Real) {
	call := func(n uint32) func() uintptr {
		out := k.Buf().Out
		return func() uintptr {
			*out = uabi.Msg{Len: n}
			ticks, r0 := timed(uabi.CallCall, uintptr(uabi.BootRoot), 0, 0, 0)
			if r0 != 0 || out.Kind != uabi.KindReply || out.Len != n {
				fmt.Printf("bench: call: %d, kind %d, %d bytes\n", int(r0), out.Kind, out.Len)
				kit.Check("call", uabi.ErrIO)
			}
			return ticks
		}
	}
	report("call_reply", collect(samples, call(0)))
	report("call_reply_4k", collect(samples, call(kilobytes4)))
	report("call_reply_64k", collect(warmUp, call(uabi.MaxBytes)))
	fmt.Println("bench: all measured")
	kit.PowerOff()
}
