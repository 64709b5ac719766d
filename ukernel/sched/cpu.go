package sched

import (
	"math/bits"

	"aramid/ukernel/arch"
	"aramid/ukernel/ktrace"
	"aramid/ukernel/vm"
)

// Slice is how long a thread runs before others of its priority get a turn, ns.
const Slice = 10_000_000

// Granule is how long a thread runs at least before one of its priority that wakes up ends its slice, ns.
const Granule = 1_000_000

const (
	maxCPUs  = 8
	prioMask = prioCount - 1 // for shifts that need no check
)

// cpu is what the scheduler knows of one CPU.
type cpu struct {
	current  *Thread
	space    *vm.Space // loaded last
	since    uint64    // when current got the CPU, ns
	sliceEnd uint64
	armed    uint64 // the time that arch.Arm was given; 0: none
	resched  bool   // Next must look at the ready queues although current could go on
}

var (
	cpus  [maxCPUs]cpu
	ready [prioCount]Queue
	mask  uint32 // bit p: ready[p] is not empty
	idle  uint32 // bit c: CPU c idles and was not kicked since
)

// Reset forgets everything: for host tests.
func Reset() {
	cpus = [maxCPUs]cpu{}
	ready = [prioCount]Queue{}
	mask, idle = 0, 0
	timers = nil
}

// Current is the thread that this CPU runs, or nil when it idled.
func Current() *Thread { return cpus[arch.CPU()].current }

// CPU is the number of the CPU that runs t, or ran it last.
func (t *Thread) CPU() uint64 { return uint64(t.cpu) }

// Busy reports whether t is some CPU's current, so that its memory must stay although it is Gone.
func Busy(t *Thread) bool { return cpus[t.cpu].current == t }

// MakeReady lets a blocked thread run: it is in no queue. It kicks a CPU that should take it.
//
//go:noinline
func MakeReady(t *Thread) {
	t.State = Ready
	p := t.Prio & prioMask
	ready[p].Push(t)
	mask |= 1 << p
	place(p)
}

// place finds a CPU for a new ready thread of priority p: an idle one, or the one with the lowest priority below p, or one with
// priority p whose thread has run for a while: who slept is let in before who computes.
func place(p uint8) {
	me := arch.CPU()
	if t := cpus[me].current; t == nil || t.State != Running {
		if q := &ready[p&prioMask]; q.head == q.tail && mask == 1<<(p&prioMask) {
			return // the only one: this CPU is about to be free
		}
	}
	if idle != 0 && kickIdle(me) {
		return
	}
	low, at := p+1, -1
	for c := range arch.CPUs() {
		x := &cpus[c&(maxCPUs-1)]
		if t := x.current; t != nil && t.State == Running && !x.resched && t.Prio < low {
			low, at = t.Prio, c
		}
	}
	if at < 0 {
		return
	}
	x := &cpus[at&(maxCPUs-1)]
	if low == p && !x.cutShort() {
		return
	}
	x.resched = true
	if at != me {
		arch.Kick(at)
	}
}

// cutShort ends the slice of a thread that has run for Granule; false if it has not.
func (c *cpu) cutShort() bool {
	now := arch.Now()
	if now+Slice < c.sliceEnd+Granule {
		return false
	}
	c.sliceEnd = min(c.sliceEnd, now)
	return true
}

// kickIdle kicks an idle CPU other than me, if there is one.
func kickIdle(me int) bool {
	others := idle &^ (1 << me)
	if others == 0 {
		return false
	}
	c := bits.TrailingZeros32(others)
	idle &^= 1 << c
	arch.Kick(c)
	return true
}

// Block takes t off its CPU, or out of the ready queue: it does not run until MakeReady or SwitchTo. A thread that another
// CPU runs is kicked out of user mode.
func Block(t *Thread) { stop(t, Blocked) }

// Kill is Block for ever.
func Kill(t *Thread) {
	t.Timer.Stop()
	stop(t, Gone)
}

func stop(t *Thread, s State) {
	switch t.State {
	case Ready:
		unready(t)
	case Running:
		if int(t.cpu) != arch.CPU() {
			arch.Kick(int(t.cpu))
		}
	}
	t.State = s
}

// unready takes t out of its ready queue.
func unready(t *Thread) {
	t.Unlink()
	if ready[t.Prio].Empty() {
		mask &^= 1 << t.Prio
	}
}

// KickOut makes the CPU that runs t enter the kernel; nothing if none does.
func KickOut(t *Thread) {
	if t.State == Running && int(t.cpu) != arch.CPU() {
		arch.Kick(int(t.cpu))
	}
}

// Donate raises t to at least priority p until Undonate. t is blocked or running, not ready.
func Donate(t *Thread, p uint8) {
	if p > t.Prio {
		t.Prio = p
	}
}

// Undonate gives t its own priority back. t is not ready.
func Undonate(t *Thread) { t.Prio = t.Base }

// SwitchTo makes the blocked thread t this CPU's current at once, on the slice of the one that ran: which has blocked, is
// gone, or else becomes ready, first in its queue. It reports whether t certainly is what Next would say.
func SwitchTo(t *Thread) bool {
	now := arch.Now() // first, so that nothing must be saved across it
	me := arch.CPU()
	c := &cpus[me]
	old := c.current
	if old == nil || old.State == Running {
		c.displace(old, now)
	} else {
		old.UserNS += now - c.since
	}
	if ktrace.Mask&ktrace.BitSwitch != 0 {
		c.trace(t, me)
	}
	c.since = now
	c.current = t
	t.State = Running
	t.cpu = uint8(me)
	if mask>>(t.Prio&prioMask+1) != 0 {
		c.resched = true
	}
	quiet := !c.resched
	s, was := t.Space, c.space
	if s != was {
		c.space = s
		if was != nil && s != nil {
			vm.SwitchOn(me, was, s)
		} else {
			vm.Switch(was, s)
		}
	}
	return quiet
}

// Defer is SwitchTo for a thread t that would not run, since a more urgent one is ready: t keeps the rest of the slice for later. Who ran
// before has blocked. false: there is none, and nothing was done.
func Defer(t *Thread) bool {
	if mask>>(t.Prio&prioMask+1) == 0 {
		return false
	}
	c, now := &cpus[arch.CPU()], arch.Now()
	t.slice = 0
	if now < c.sliceEnd {
		t.slice = c.sliceEnd - now
	}
	requeue(t, t.slice != 0)
	return true
}

// displace is SwitchTo when the CPU idled, or old could go on.
func (c *cpu) displace(old *Thread, now uint64) {
	if old == nil {
		c.newSlice(now, Slice)
		return
	}
	old.UserNS += now - c.since
	requeue(old, true)
}

// trace records a switch to t.
func (c *cpu) trace(t *Thread, me int) {
	from := uint64(0)
	if c.current != nil {
		from = c.current.ID
	}
	ktrace.Put(ktrace.EvSwitch, t.ID, from, uint64(me), 0)
}

// load makes t current on CPU me, which c describes.
func (c *cpu) load(t *Thread, me int, now uint64) {
	if ktrace.Mask&ktrace.BitSwitch != 0 {
		c.trace(t, me)
	}
	c.since = now
	c.current = t
	t.State = Running
	t.cpu = uint8(me)
	if old := c.space; t.Space != old {
		c.space = t.Space
		vm.Switch(old, t.Space)
	}
}

// requeue puts a thread that could go on into its ready queue.
func requeue(t *Thread, front bool) {
	t.State = Ready
	if front {
		ready[t.Prio].PushFront(t)
	} else {
		ready[t.Prio].Push(t)
	}
	mask |= 1 << t.Prio
}

// run is load with the accounting of the thread that ran.
func (c *cpu) run(t *Thread, me int, now uint64) {
	if old := c.current; old != nil {
		old.UserNS += now - c.since
	}
	c.load(t, me, now)
}

// Keep is the current thread of this CPU if it goes on without a look at the ready queues, else nil: then ask Next.
func Keep() *Thread {
	c := &cpus[arch.CPU()]
	if t := c.current; t != nil && t.State == Running && !c.resched {
		return t
	}
	return nil
}

// Next says which thread this CPU runs now: the current one if it can go on and nothing speaks against it, else the best
// ready one. nil: nothing is ready, the CPU idles.
func Next() *Thread {
	me := arch.CPU()
	c := &cpus[me]
	t := c.current
	now := arch.Now()
	runs := t != nil && t.State == Running
	if runs {
		if !c.resched {
			return t
		}
		if c.goesOn(t, now) {
			return t
		}
	}
	c.resched = false
	idle &^= 1 << me
	if mask == 0 {
		c.idle(me, now)
		return nil
	}
	p := uint(bits.Len32(mask)-1) & prioMask
	q := &ready[p]
	n := q.Pop()
	if q.Empty() {
		mask &^= 1 << p
	}
	left := n.slice
	if left == 0 {
		left = Slice
	}
	n.slice = 0
	c.run(n, me, now)
	c.newSlice(now, left)
	return n
}

// goesOn decides whether the running thread t keeps the CPU, although something asked for a look; else it is put into its ready
// queue: at the front if its slice is not used up.
func (c *cpu) goesOn(t *Thread, now uint64) bool {
	c.resched = false
	best := bits.Len32(mask) - 1
	used := now >= c.sliceEnd
	if best < int(t.Prio) || best == int(t.Prio) && !used {
		if used {
			c.newSlice(now, Slice)
		}
		return true
	}
	t.slice = 0
	if !used {
		t.slice = c.sliceEnd - now
	}
	requeue(t, !used)
	return false
}

// idle leaves CPU me without a thread.
func (c *cpu) idle(me int, now uint64) {
	if old := c.current; old != nil {
		old.UserNS += now - c.since
		c.current = nil
	}
	if c.space != nil {
		vm.Switch(c.space, nil)
		c.space = nil
	}
	idle |= 1 << me
	if at := NextDeadline(); at != 0 && (c.armed == 0 || at < c.armed) {
		c.armed = at
		arch.Arm(at)
	}
}

// newSlice starts a slice of ns nanoseconds at now.
func (c *cpu) newSlice(now, ns uint64) {
	c.sliceEnd = now + ns
	if c.armed == 0 || c.sliceEnd < c.armed {
		c.armSlice()
	}
}

// armSlice makes sure that the CPU is interrupted at the end of its slice.
func (c *cpu) armSlice() {
	c.armed = c.sliceEnd
	arch.Arm(c.sliceEnd)
}

// armBy makes sure that this CPU is interrupted at time at.
func armBy(at uint64) {
	c := &cpus[arch.CPU()]
	if c.armed == 0 || at < c.armed {
		c.armed = max(at, 1)
		arch.Arm(c.armed)
	}
}

// Tick is called for this CPU's timer interrupt, after the expired timers were handled: it arms the next one and ends the
// slice if it is used up.
func Tick(now uint64) {
	c := &cpus[arch.CPU()]
	c.armed = 0
	at := NextDeadline()
	if t := c.current; t != nil && t.State == Running {
		if now >= c.sliceEnd {
			c.resched = true
		} else if at == 0 || c.sliceEnd < at {
			at = c.sliceEnd
		}
	}
	if at != 0 {
		c.armed = at
		arch.Arm(at)
	}
}

// Resched makes Next look at the ready queues on this CPU: for VecKick.
func Resched() { cpus[arch.CPU()].resched = true }

// Yield lets others of its priority run before t, this CPU's current.
func Yield(t *Thread) {
	c := &cpus[arch.CPU()]
	c.sliceEnd = 0
	c.resched = true
}

// SpaceChanged loads t's space again after its field was changed; t may be anyone's.
func SpaceChanged(t *Thread) {
	if t.State != Running || int(t.cpu) != arch.CPU() {
		return
	}
	c := &cpus[arch.CPU()]
	vm.Switch(c.space, t.Space)
	c.space = t.Space
}
