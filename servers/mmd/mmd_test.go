package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/ipc"
	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/server"
	"aramid/servers/server/servertest"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

const (
	page     = layout.PageSize
	keptSize = server.MinKept + page&^(server.MinKept%page)
	anon     = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
	rw       = unix.PROT_READ | unix.PROT_WRITE
)

// client uses one mm.
type client struct {
	w     *uksim.Sim
	k     *uksim.Native
	t     *ipc.Thread
	mm    mm.Client
	space uabi.Handle
}

func (c *client) want(what string, got, want uabi.Error) {
	if got != want {
		c.w.Fail("%s: %v, want %v", what, got, want)
	}
}

func (c *client) mapped(addr, n uint64, flags uint32, want uabi.Error) uint64 {
	var out mm.MapReply
	c.want("map", c.mm.Map(c.t, &mm.MapRequest{Addr: addr, Len: n, Prot: rw, Flags: flags}, &out), want)
	return out.Addr
}

func (c *client) brk(addr uint64) uint64 {
	var out mm.MapReply
	c.want("brk", c.mm.Brk(c.t, &mm.BrkRequest{Addr: addr}, &out), uabi.OK)
	return out.Addr
}

func (c *client) advise(addr, n uint64, advice uint32, want uabi.Error) {
	c.want("advise", c.mm.Advise(c.t, &mm.AdviseRequest{Addr: addr, Len: n, Advice: advice}, &mm.EmptyReply{}), want)
}

func (c *client) put(va uint64, s string) {
	if n, err := c.k.SpaceWrite(c.space, va, []byte(s)); err != uabi.OK || n != len(s) {
		c.w.Fail("write at %#x: %d %v", va, n, err)
	}
}

func (c *client) has(va uint64, want string) {
	b := make([]byte, len(want))
	if _, err := c.k.SpaceRead(c.space, va, b); err != uabi.OK || string(b) != want {
		c.w.Fail("at %#x there is %q (%v), want %q", va, b, err, want)
	}
}

// sweep runs a program over a fresh mm once without a crash and then with mmd crashing at each step.
func sweep(t *testing.T, f func(c *client)) {
	t.Helper()
	one := func(cfg uksim.Config) int {
		cfg.Trace = 100
		w := uksim.New(cfg)
		defer w.Close()
		w.Register("mmd", func(k *uksim.Native, args, env []string) {
			k.Attach(0)
			k.ProcessExit(uint64(server.ExitStatus(server.Run(k, servertest.Watch(Spec(testMemory))))))
		})
		w.Register("client", func(k *uksim.Native, args, env []string) {
			k.Attach(0)
			th, err := ipc.NewThread(k, 0)
			if err != uabi.OK {
				w.Fail("%v", err)
			}
			var out mm.CreateReply
			err = mm.Client{H: uabi.BootMM}.Create(th, &mm.CreateRequest{}, &out)
			c := &client{w, k, th, mm.Client{H: uabi.Handle(out.Mm)}, uabi.Handle(out.Space)}
			c.want("create", err, uabi.OK)
			f(c)
			k.Close(c.mm.H)
			k.Close(c.space)
			k.ProcessExit(0)
		})
		p := w.Spawn(uksim.Spec{Name: "mmd", Rank: uabi.RankMM, Server: true, Binary: "mmd", Kept: keptSize})
		control := w.NewEvent()
		p.Endpoint().Bind(control, server.ControlKey, server.ControlSnapshot)
		for range 3 {
			w.After(w.Rand().Uint64N(500*uksim.StepNS), func() { control.Update(0, 0, server.ControlSnapshot) })
		}
		w.Spawn(uksim.Spec{Name: "client", Rank: uabi.RankClient, Binary: "client", Below: []string{"mmd"}})
		if err := w.Run(); err != nil {
			t.Fatalf("%v\n%s", err, w.TraceText())
		}
		// The two processes have one each.
		if n := w.Live(uabi.TypeSpace); n != 2 {
			t.Fatalf("%d spaces are left\n%s", n, w.TraceText())
		}
		return w.Process("mmd").Steps()
	}
	steps := one(uksim.Config{Seed: 1})
	for at := 1; at <= steps; at++ {
		one(uksim.Config{Seed: uint64(at), Crashes: []uksim.Crash{{Process: "mmd", Step: at}}})
	}
	for seed := range uint64(randomRuns) {
		one(uksim.Config{Seed: 1000 + seed, CrashEvery: 60, MaxCrashes: 12, Crashable: []string{"mmd"}, RestartDelay: 50_000})
	}
	t.Logf("%d steps", steps)
}

// randomRuns is how often each program runs with many crashes at random steps.
const randomRuns = 15

func TestMappingsArePlacedReplacedAndRemovedAtEveryCrash(t *testing.T) {
	sweep(t, func(c *client) {
		a := c.mapped(0, 3*page, anon, uabi.OK)
		b := c.mapped(0, page, anon, uabi.OK)
		if b >= a {
			c.w.Fail("the second mapping %#x is not below the first %#x", b, a)
		}
		c.put(a, "first")
		c.mapped(a+page, page, anon|unix.MAP_FIXED_NOREPLACE, uabi.ErrExists)
		if got := c.mapped(a, page, anon, uabi.OK); got == a {
			c.w.Fail("a hint replaced a mapping")
		}
		c.mapped(a, page, anon|unix.MAP_FIXED, uabi.OK)
		c.has(a, "\x00\x00\x00")
		if got := c.mapped(a-64*page, page, anon, uabi.OK); got != a-64*page {
			c.w.Fail("a free hint gave %#x", got)
		}
		c.want("unmap", c.mm.Unmap(c.t, &mm.RangeRequest{Addr: a + page, Len: 1}, &mm.EmptyReply{}), uabi.OK)
		c.want("unmap nothing", c.mm.Unmap(c.t, &mm.RangeRequest{Addr: a, Len: 0}, &mm.EmptyReply{}), uabi.ErrArg)
		protect := mm.ProtectRequest{Addr: a, Len: 3 * page, Prot: unix.PROT_READ}
		c.want("protect over a hole", c.mm.Protect(c.t, &protect, &mm.EmptyReply{}), uabi.ErrNoMem)
		if r, _, _ := c.k.SpaceQuery(c.space, a); r.Flags&uabi.ProtMask != uabi.ProtRead {
			c.w.Fail("what lies before the hole has the rights %x", r.Flags)
		}
		protect.Len = page
		c.want("protect", c.mm.Protect(c.t, &protect, &mm.EmptyReply{}), uabi.OK)
		shared := c.mapped(0, page, unix.MAP_SHARED|unix.MAP_ANONYMOUS, uabi.OK)
		c.put(shared, "before")
		var child mm.ForkReply
		c.want("fork", c.mm.Fork(c.t, &mm.ForkRequest{}, &child), uabi.OK)
		c.put(shared, "after!")
		b2 := make([]byte, 6)
		if _, err := c.k.SpaceRead(uabi.Handle(child.Space), shared, b2); err != uabi.OK || string(b2) != "after!" {
			c.w.Fail("the child sees %q (%v)", b2, err)
		}
		c.k.Close(uabi.Handle(child.Space))
		c.k.Close(uabi.Handle(child.Mm))
	})
}

func TestTheHeapGrowsAndShrinksAtEveryCrash(t *testing.T) {
	sweep(t, func(c *client) {
		if b := c.brk(0); b != 0 {
			c.w.Fail("a break before SetBrk: %#x", b)
		}
		c.want("set", c.mm.SetBrk(c.t, &mm.BrkRequest{Addr: 0x500123}, &mm.EmptyReply{}), uabi.OK)
		start := c.brk(0)
		if start < 0x501000 || start%page != 0 {
			c.w.Fail("the heap starts at %#x", start)
		}
		if b := c.brk(start + 5); b != start+5 {
			c.w.Fail("brk gives %#x", b)
		}
		c.put(start+4000, "heap")
		if b := c.brk(start - 1); b != start+5 {
			c.w.Fail("below the start: %#x", b)
		}
		c.mapped(start+4*page, page, anon|unix.MAP_FIXED, uabi.OK)
		if b := c.brk(start + 4*page); b != start+5 {
			c.w.Fail("into a mapping: %#x", b)
		}
		if b := c.brk(start + 3*page); b != start+3*page {
			c.w.Fail("up to a page below a mapping: %#x", b)
		}
		c.brk(start)
		c.brk(start + page)
		c.has(start+4000, "\x00\x00\x00\x00")
	})
}

func TestRemapMovesAndAdviceIsTakenAtEveryCrash(t *testing.T) {
	sweep(t, func(c *client) {
		a := c.mapped(0, 2*page, anon, uabi.OK)
		c.put(a+page, "moves")
		var out mm.MapReply
		req := mm.RemapRequest{Old: a, OldLen: 2 * page, NewLen: 5 * page}
		if a+2*page < uabi.MaxUser {
			c.mapped(a+2*page, page, anon|unix.MAP_FIXED, uabi.OK)
		}
		c.want("grow in place", c.mm.Remap(c.t, &req, &out), uabi.ErrNoMem)
		req.Flags = unix.MREMAP_MAYMOVE
		c.want("move", c.mm.Remap(c.t, &req, &out), uabi.OK)
		b := out.Addr
		c.has(b+page, "moves")
		c.put(b+4*page, "new")
		req = mm.RemapRequest{Old: b, OldLen: 5 * page, NewLen: 2 * page}
		c.want("shrink", c.mm.Remap(c.t, &req, &out), uabi.OK)
		req = mm.RemapRequest{Old: b, OldLen: 3 * page, NewLen: 4 * page, Flags: unix.MREMAP_MAYMOVE}
		c.want("over a hole", c.mm.Remap(c.t, &req, &out), uabi.ErrFault)
		c.advise(b, 2*page, unix.MADV_DONTNEED, uabi.OK)
		c.has(b+page, "\x00\x00\x00\x00\x00")
		c.advise(b, 2*page, 99, uabi.ErrArg)
		c.advise(b+1, page, unix.MADV_DONTNEED, uabi.ErrArg)
		c.advise(b, 4*page, unix.MADV_WILLNEED, uabi.ErrNoMem)
		c.put(b, "keep")
		c.advise(b, page, unix.MADV_WIPEONFORK, uabi.OK)
		c.advise(b+page, page, unix.MADV_DONTFORK, uabi.OK)
		var child mm.ForkReply
		c.want("fork", c.mm.Fork(c.t, &mm.ForkRequest{}, &child), uabi.OK)
		x := make([]byte, 4)
		if _, err := c.k.SpaceRead(uabi.Handle(child.Space), b, x); err != uabi.OK || string(x) != "\x00\x00\x00\x00" {
			c.w.Fail("wiped memory has %q (%v)", x, err)
		}
		if _, err := c.k.SpaceRead(uabi.Handle(child.Space), b+page, x); err != uabi.ErrFault {
			c.w.Fail("what is not to be forked is there: %v", err)
		}
		c.has(b, "keep")
		c.k.Close(uabi.Handle(child.Space))
		c.k.Close(uabi.Handle(child.Mm))
		var regions mm.RegionsReply
		c.want("regions", c.mm.Regions(c.t, &mm.RegionsRequest{}, &regions), uabi.OK)
		if len(regions.Regions) != 3 {
			c.w.Fail("%d regions: %v", len(regions.Regions), regions.Regions)
		}
	})
}

func TestAFileThatMayOnlyBeReadIsNotWrittenByItsMappings(t *testing.T) {
	sweep(t, func(c *client) {
		file, err := c.k.MemoryCreate(uabi.BootAccount, 2*page, 0)
		c.want("file", err, uabi.OK)
		weak, err := c.k.Dup(file, uabi.RightRead|uabi.RightMap|uabi.RightTransfer)
		c.want("dup", err, uabi.OK)
		maps := func(addr uint64, prot, flags uint32, want uabi.Error) uint64 {
			var out mm.MapReply
			c.want("map", c.mm.Map(c.t, &mm.MapRequest{Addr: addr, Len: page, Prot: prot, Flags: flags, Memory: uint32(weak)}, &out), want)
			return out.Addr
		}
		maps(0, rw, unix.MAP_SHARED, uabi.ErrAccess)
		copied := maps(0, rw, unix.MAP_PRIVATE, uabi.OK)
		c.put(copied, "a copy")
		shared := c.mapped(0, 3*page, anon, uabi.OK) + page
		maps(shared, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_FIXED, uabi.OK)
		protect := func(addr, n uint64, prot uint32, want uabi.Error) {
			c.want("protect", c.mm.Protect(c.t, &mm.ProtectRequest{Addr: addr, Len: n, Prot: prot}, &mm.EmptyReply{}), want)
		}
		protect(shared, page, rw, uabi.ErrAccess)
		protect(shared-page, 3*page, unix.PROT_READ, uabi.OK)
		// What lies before it is changed nevertheless.
		protect(shared-page, 3*page, rw, uabi.ErrAccess)
		for i, want := range []uint32{uabi.ProtRead | uabi.ProtWrite, uabi.ProtRead, uabi.ProtRead} {
			if r, _, _ := c.k.SpaceQuery(c.space, shared+uint64(i)*page-page); r.Flags&uabi.ProtMask != want {
				c.w.Fail("page %d has the rights %x", i, r.Flags&uabi.ProtMask)
			}
		}
		c.want("unmap", c.mm.Unmap(c.t, &mm.RangeRequest{Addr: shared - page, Len: 3 * page}, &mm.EmptyReply{}), uabi.OK)
		c.k.Close(weak)
		c.k.Close(file)
	})
}

func TestAProgramWithAFixedLayoutLiesAtTheSameAddressesEachTime(t *testing.T) {
	sweep(t, func(c *client) {
		plain := mm.Client{H: uabi.BootMM}
		in := mm.LoadRequest{End: 0x405123, Span1: 4 * page, Fixed: true, Areas: []*mm.Area{
			{Addr: 0x404000, Len: 2 * page, Prot: rw},
			{Addr: 0x7ffff0000000, Len: uabi.MaxUser - 0x7ffff0000000, Prot: rw, Stack: true}, // more than the room that there always is
		}}
		for range 2 {
			var out mm.LoadReply
			c.want("load", plain.LoadProgram(c.t, &in, &out), uabi.OK)
			var down mm.MapReply
			own := mm.Client{H: uabi.Handle(out.Mm)}
			c.want("map", own.Map(c.t, &mm.MapRequest{Len: page, Prot: rw, Flags: anon | unix.MAP_GROWSDOWN}, &down), uabi.OK)
			if out.Base1 != 0x7fffefefc000 || out.Brk != 0x406000 || down.Addr != 0x7fffefeff000 {
				c.w.Fail("base %#x, break %#x, a map that grows down %#x", out.Base1, out.Brk, down.Addr)
			}
			c.k.Close(uabi.Handle(out.Space))
			c.k.Close(uabi.Handle(out.Mm))
		}
	})
}

func TestAHeapThatIsNotLeftToChanceStartsOnTheNextPage(t *testing.T) {
	sweep(t, func(c *client) {
		var out mm.LoadReply
		in := mm.LoadRequest{End: 0x405123, CloseHeap: true, Areas: []*mm.Area{{Addr: 0x404000, Len: 2 * page, Prot: rw}}}
		c.want("load", mm.Client{H: uabi.BootMM}.LoadProgram(c.t, &in, &out), uabi.OK)
		if out.Brk != 0x406000 {
			c.w.Fail("break %#x", out.Brk)
		}
		c.k.Close(uabi.Handle(out.Space))
		c.k.Close(uabi.Handle(out.Mm))
	})
}

func TestAProgramIsLoadedInOneStepAtEveryCrash(t *testing.T) {
	sweep(t, func(c *client) {
		file, err := c.k.MemoryCreate(uabi.BootAccount, 2*page, 0)
		c.want("file", err, uabi.OK)
		c.k.MemoryWrite(file, page, []byte("text"))
		plain := mm.Client{H: uabi.BootMM}
		in := mm.LoadRequest{End: 0x405123, Span1: 4 * page, Span2: page, Memory2: uint32(file), Areas: []*mm.Area{
			{Addr: 0x400000, Len: 4 * page, Prot: rw, Memory: 2, Tag: 5},
			{Addr: 0x402000, Len: 4 * page, Prot: rw},
			{Addr: page, Len: 2 * page, Prot: unix.PROT_READ, Memory: 2, Base: 1},
			{Len: page, Prot: unix.PROT_READ, Memory: 2, Offset: page, Base: 2},
			{Addr: 0x7fff00000000, Len: 16 * page, Prot: rw, Stack: true},
		}}
		var out mm.LoadReply
		c.want("load", plain.LoadProgram(c.t, &in, &out), uabi.OK)
		first := c.space
		c.space = uabi.Handle(out.Space)
		c.has(0x401000, "text")
		c.has(out.Base1+2*page, "text")
		c.has(out.Base2, "text")
		c.put(0x401000, "data")
		c.has(out.Base2, "text")
		var heap mm.MapReply
		c.want("brk", mm.Client{H: uabi.Handle(out.Mm)}.Brk(c.t, &mm.BrkRequest{}, &heap), uabi.OK)
		if out.Base2 != out.Base1-page || heap.Addr != out.Brk || out.Brk < 0x406000 {
			c.w.Fail("bases %#x, %#x, break %#x, %#x", out.Base1, out.Base2, out.Brk, heap.Addr)
		}
		for _, bad := range []*mm.Area{{Addr: 0x400001, Len: page}, {Addr: 0x400000, Len: page, Memory: 1}, {Addr: 0x400000, Len: page, Base: 3}, {Len: page}} {
			fails := mm.LoadRequest{Areas: []*mm.Area{in.Areas[1], bad}}
			if err := plain.LoadProgram(c.t, &fails, &mm.LoadReply{}); err != uabi.ErrArg && err != uabi.ErrPerm {
				c.w.Fail("%v: %v", bad, err)
			}
		}
		in.Span1 = 1 << 60
		c.want("too large", plain.LoadProgram(c.t, &in, &mm.LoadReply{}), uabi.ErrNoMem)
		c.k.Close(uabi.Handle(out.Mm))
		c.k.Close(uabi.Handle(out.Space))
		c.k.Close(file)
		c.space = first
	})
}
