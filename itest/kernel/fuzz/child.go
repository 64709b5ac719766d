package main

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"

	"aramid/itest/kernel/kit"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

const threads = 4

// caller is one thread of the child.
type caller struct {
	k       *uk.Real
	rng     *rand.Rand
	scratch uint64 // its memory for good pointers
	savage  bool   // nothing is held back
	handles *pool
	service uint64 // the endpoint that thread 0 answers on
}

// pool is what all callers share: handles that calls returned, by type.
// A handle that is being added may be picked as zero.
type pool struct {
	of [uabi.TypeCount]struct {
		n    atomic.Uint64 // handles that were added; the last of them are kept
		last [keptHandles]atomic.Uint64
	}
}

const keptHandles = 200 // of each type

// child makes n calls and stays alive, so that its memory can still be read.
func child(k *uk.Real, seed, n uint64) {
	runtime.GOMAXPROCS(threads + 2)
	progress, err := k.MapSelf(uabi.BootKept, 0, progressSize)
	kit.Check("map progress", err)
	kit.Check("close progress", k.Close(uabi.BootKept))
	counters := counters(progress)
	p := &pool{}
	p.add(uabi.TypeAccount, uint64(uabi.BootAccount))
	p.add(uabi.TypeEndpoint, uint64(uabi.BootEndpoint))
	p.add(uabi.TypeProcess, uint64(uabi.BootProcess))
	p.add(uabi.TypeSpace, uint64(uabi.BootSpace))
	p.add(uabi.TypePort, uint64(uabi.BootIRQ))
	p.add(uabi.TypePort, uint64(uabi.BootPower))
	p.add(uabi.TypeMemory, uint64(uabi.BootArchive))
	service, err := k.EndpointCreate(uabi.BootAccount, uabi.RankNet)
	kit.Check("service", err)
	var wg, ready sync.WaitGroup
	ready.Add(threads)
	for i := range threads {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c := newCaller(p, uint64(service), seed, uint64(i))
			// The first calls may close what the others still need to come as far as this.
			ready.Done()
			ready.Wait()
			c.run(uint64(i), (n+threads-1)/threads, &counters[i])
		}()
	}
	wg.Wait() // for ever: thread 0 goes on answering
}

// newCaller makes the goroutine's thread a caller.
func newCaller(p *pool, service, seed, id uint64) *caller {
	k, err := uk.NewThread()
	kit.Check("attach", err)
	return &caller{k: k, rng: rand.New(rand.NewPCG(seed, id)), savage: seed%10 == 0, handles: p, service: service, scratch: room(k)}
}

// run is one thread's life.
func (c *caller) run(id, n uint64, done *atomic.Uint64) {
	for i := uint64(0); i < n || id == 0; i++ { // thread 0 answers for ever
		if id == 0 && c.rng.IntN(4) != 0 {
			c.serve()
		} else if id != 0 && c.rng.IntN(8) == 0 {
			c.ask()
		} else {
			c.step()
		}
		if i < n {
			done.Add(1)
		}
	}
}

// ask calls the service with a message at random.
func (c *caller) ask() {
	c.fill()
	uk.Raw(uabi.CallCall, uintptr(c.service), 0, 0, 0, 0, 0)
}

// serve answers what it has, mostly with a result, and takes the next request.
func (c *caller) serve() {
	c.fill()
	m := c.k.Buf().Out
	if c.rng.IntN(4) != 0 {
		m.Kind = uabi.AnswerResult
	}
	if c.rng.IntN(2) == 0 {
		m.Len, m.NHandles, m.NGrants = uint32(c.rng.IntN(uabi.MaxBytes)), 0, 0
	}
	uk.Raw(uabi.CallReplyReceive, uintptr(c.service), uintptr(c.soon()), 0, 0, 0, 0)
}

const (
	scratchSize = 16 * 4096
	guardSize   = 4 << 20 // more than one call can copy: calls that run over the end must not hit the runtime's memory
)

// room maps scratch memory between guards.
func room(k *uk.Real) uint64 {
	for {
		va, err := k.SpaceGap(uabi.BootSpace, scratchSize+2*guardSize, uabi.MinUser, uabi.MaxUser, 0)
		kit.Check("gap", err)
		_, err = k.SpaceMap(uabi.BootSpace, uabi.MapArgs{Va: va, Len: scratchSize + 2*guardSize, Flags: uabi.MapGuard})
		if err == uabi.ErrExists {
			continue // another thread took the gap
		}
		kit.Check("guard", err)
		_, err = k.SpaceMap(uabi.BootSpace, uabi.MapArgs{Va: va + guardSize, Len: scratchSize, Flags: uabi.ProtRead | uabi.ProtWrite | uabi.MapFixed})
		kit.Check("map", err)
		return va + guardSize
	}
}

func (p *pool) add(t uabi.Type, h uint64) {
	of := &p.of[t]
	of.last[(of.n.Add(1)-1)%keptHandles].Store(h)
}

func (p *pool) pick(rng *rand.Rand, t uabi.Type) uint64 {
	of := &p.of[t]
	n := min(of.n.Load(), keptHandles)
	if n == 0 {
		return rng.Uint64N(64)
	}
	return of.last[rng.Uint64N(n)].Load()
}

// value is an argument at random: numbers that have broken kernels before.
func (c *caller) value() uint64 {
	switch c.rng.IntN(8) {
	case 0, 1, 2:
		return c.handles.pick(c.rng, uabi.Type(c.rng.IntN(int(uabi.TypeCount))))
	case 3:
		return c.rng.Uint64N(64)
	case 4:
		return c.scratch + c.rng.Uint64N(scratchSize)
	case 5:
		return 4096 * c.rng.Uint64N(1<<c.rng.IntN(36))
	case 6:
		return odd[c.rng.IntN(len(odd))]
	}
	return c.rng.Uint64() >> c.rng.IntN(64)
}

var odd = []uint64{
	0, 1, ^uint64(0), 1 << 63, 1<<63 - 1, 1 << 32, 1<<32 - 1, 0xffffffff80201000, 0xffff800000000000, uabi.MaxUser, uabi.MaxUser - 1,
	1 << 47, 4095, 4097, 1 << 20, 1 << 40, 0x400000, 0xc000000000,
}

// step makes one call.
func (c *caller) step() {
	number, args := c.wild()
	if !c.savage && c.rng.IntN(4) != 0 {
		number, args = c.likely()
	}
	if held(number) || !c.savage && c.tooRough(number, &args) {
		return
	}
	c.fill()
	r0, _ := uk.Raw(uintptr(number), uintptr(args[0]), uintptr(args[1]), uintptr(args[2]), uintptr(args[3]), uintptr(args[4]), uintptr(args[5]))
	if t := makes[number]; t != uabi.TypeNone && int(r0) > 0 {
		c.handles.add(t, uint64(r0))
	}
}

// wild is any call with any arguments.
func (c *caller) wild() (number uint64, args [6]uint64) {
	number = uabi.CallBase + c.rng.Uint64N(uabi.CallCount+2)
	if c.rng.IntN(3) == 0 {
		number = c.rng.Uint64N(340)
	}
	for i := range args {
		args[i] = c.value()
	}
	return number, args
}

// fill scribbles over parts of what a call reads from the message buffer: over all of it would cost more than the call.
func (c *caller) fill() {
	b := c.k.Buf()
	for range 4 {
		i := 8 * c.rng.IntN(256/8)
		binary.LittleEndian.PutUint64(b.Arg[i:i+8], c.value())
	}
	m := b.Out
	m.Kind = uabi.Kind(c.rng.IntN(24))
	m.Flags = c.rng.Uint32() & c.rng.Uint32() & c.rng.Uint32()
	m.NHandles, m.NGrants = uint32(c.rng.IntN(6)), uint32(c.rng.IntN(6))
	m.Len, m.Target = uint32(c.value()), uabi.Handle(c.value())
	switch c.rng.IntN(4) {
	case 0:
		m.ID = uabi.ID{Origin: c.value(), Trap: c.value(), Path: c.value()}
	case 1:
		m.Wait = uabi.WaitSpec{Event: uabi.Handle(c.value()), Mask: uint32(c.value()), Since: c.value(), Deadline: c.value()}
	}
	i := c.rng.IntN(len(m.Handle))
	m.Handle[i] = uabi.Handle(c.value())
	m.RecordHandle[i] = uabi.Handle(c.value())
	m.Grant[c.rng.IntN(len(m.Grant))] = uabi.Grant{Addr: c.value(), Len: c.value(), Rights: uint32(c.rng.IntN(4)), Flags: uint32(c.rng.IntN(3))}
}
