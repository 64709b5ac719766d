package ipc

import (
	"aramid/ukernel/object"
	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// ProcWords is the number of words that package syscall may keep in a process.
const ProcWords = 320

// Process is a process image with its handle table and threads: the unit that is replaced on restart. A running image has a
// reference of its own.
type Process struct {
	node
	Table      object.Table
	Rank       uint32
	Flags      uint32 // uabi.ProcessServer
	State      uint32 // uabi.Process…
	Starts     uint64 // images so far
	ExitStatus uint64
	Name       [16]byte
	Sys        [ProcWords]uint64 // package syscall's own words: zero when an image starts
	Space      *vm.Space         // with a reference; nil while there is no image
	known      [knownEndpoints]known
	seen       [seenHandles]seen
	event      *Event  // with a reference
	threads    *Thread // linked by procNext
	nthreads   uint64
	userNS     uint64 // of threads that are gone
	allNext    *Process
	allPrev    *Process
}

var (
	processes    object.Pool[Process]
	allProcesses *Process
)

// NewProcess makes a process with no image and one reference, charged to a. ErrArg: a name longer than 15 bytes; ErrNoMem.
func NewProcess(a *object.Account, rank, flags uint32, name []byte) (*Process, uabi.Error) {
	if len(name) >= len(Process{}.Name) {
		return nil, uabi.ErrArg
	}
	ev, err := NewEvent(a)
	if err != uabi.OK {
		return nil, err
	}
	p := processes.Get(a)
	if p == nil {
		bury(&ev.Header)
		return nil, uabi.ErrNoMem
	}
	p.Header.Start(uabi.TypeProcess, a)
	p.Table.Init(a)
	p.Rank, p.Flags = rank, flags
	copy(p.Name[:], name)
	p.event = ev
	p.State = uabi.ProcessEmpty
	p.allNext = allProcesses
	if allProcesses != nil {
		allProcesses.allPrev = p
	}
	allProcesses = p
	if flags&uabi.ProcessServer != 0 {
		startWatchdog()
	}
	return p, uabi.OK
}

// Replace puts a fresh image in place: the old one, if any, ends with its unanswered calls given back, and p runs in space s
// (whose reference is taken over) with the same handles. The caller then makes its first thread.
func (p *Process) Replace(s *vm.Space) {
	if p.State == uabi.ProcessRunning {
		p.endImage(false)
	}
	p.event.Update(0, uabi.ProcessDied|uabi.ProcessHung, 0)
	p.Refs++
	p.State = uabi.ProcessRunning
	p.Starts++
	p.Sys = [ProcWords]uint64{}
	p.Space = s
}

// Die ends the image, if there is one. Its delivered, unanswered calls go back to the front of their endpoints as RESENDs, its
// endpoints stay and callers go on waiting; crashed says that the image did it itself, which counts for the poison rule.
func (p *Process) Die(status uint64, crashed bool) {
	if p.State != uabi.ProcessRunning {
		return
	}
	p.endImage(crashed)
	p.ExitStatus = status
	p.event.Update(uabi.ProcessDied, uabi.ProcessHung, 0)
}

// endImage ends the threads of the image and gives back what they were executing.
func (p *Process) endImage(crashed bool) {
	for t := p.threads; t != nil; t = t.procNext {
		sched.Block(&t.Thread)
		t.endWaiting()
	}
	for t := p.threads; t != nil; t = t.procNext {
		t.unheard()
	}
	for t := p.newest(); t != nil; t = p.newest() {
		t.giveBack(crashed || t.hung())
	}
	for e := allEndpoints; e != nil; e = e.allNext {
		if e.owner == p {
			e.restart()
		}
	}
	for p.threads != nil {
		p.threads.end()
	}
	p.State = uabi.ProcessDead
	p.Space.Release()
	p.Space = nil
	more, untidy = true, true
	bury(&p.Header)
}

// newest is the thread of p whose current request was delivered last, or nil.
func (p *Process) newest() *Thread {
	var n *Thread
	for t := p.threads; t != nil; t = t.procNext {
		if t.cur != nil && (n == nil || t.cur.call.seq > n.cur.call.seq) {
			n = t
		}
	}
	return n
}

// giveBack puts s's current request back at the front of its endpoint as a RESEND; it is dropped if its caller is gone.
func (s *Thread) giveBack(crashed bool) {
	t := s.cur
	c := &t.call
	if c.dead {
		s.discard(t)
		return
	}
	s.release()
	e := c.ep
	if e.dead {
		e.calls.Push(&t.Thread)
		t.refuse(uabi.ErrDead)
		return
	}
	c.resend, c.extra = true, true
	if crashed && c.crashes < uabi.QuarantineTry {
		c.crashes++
	}
	c.state = callQueued
	e.calls.PushFront(&t.Thread)
	if q := e.receivers.Pop(); q != nil { // another lane, or another process
		of(e.calls.Pop()).deliver(of(q))
		sched.MakeReady(q)
	}
}

// Event is the event with the bits ProcessDied and ProcessHung.
func (p *Process) Event() *Event { return p.event }

// Threads is the number of native threads.
func (p *Process) Threads() uint64 { return p.nthreads }

// Next is the process made before p; First the newest. For listings.
func (p *Process) Next() *Process { return p.allNext }

// First is the newest process, or nil.
func First() *Process { return allProcesses }

// Info fills i.
func (p *Process) Info(i *uabi.ProcessInfo) {
	*i = uabi.ProcessInfo{ID: p.ID, State: uint64(p.State), Rank: uint64(p.Rank), Starts: p.Starts, Threads: p.nthreads,
		Handles: uint64(p.Table.Count()), UserNS: p.userNS, ExitStatus: p.ExitStatus, Name: p.Name}
	for t := p.threads; t != nil; t = t.procNext {
		i.UserNS += t.UserNS
		if t.cur != nil {
			i.DeliveredCalls++
		}
	}
	if p.Space != nil {
		_, i.Frames = p.Space.Info()
	}
	for e := allEndpoints; e != nil; e = e.allNext {
		if e.owner != p {
			continue
		}
		for t := e.calls.Head(); t != nil; t = t.Next() {
			i.QueuedCalls++
		}
	}
}

// destroy ends a process that nothing names and that has no image. A large handle table is closed piece by piece.
func (p *Process) destroy() {
	h := p.Table.Next(0)
	for n := 0; h != 0; n++ {
		if n == handleBudget {
			p.Refs++
			bury(&p.Header)
			return
		}
		next := p.Table.Next(h)
		p.Close(h)
		h = next
	}
	p.Table.Destroy()
	if p.allPrev == nil {
		allProcesses = p.allNext
	} else {
		p.allPrev.allNext = p.allNext
	}
	if p.allNext != nil {
		p.allNext.allPrev = p.allPrev
	}
	for e := allEndpoints; e != nil; e = e.allNext {
		if e.owner == p {
			e.owner = nil
		}
	}
	ev := p.event
	p.event = nil
	processes.Put(p, p.Stop())
	bury(&ev.Header)
}
