package ktrace

import (
	"aramid/ukernel/arch"
	"aramid/ukernel/uabi"
)

// Events of a TraceRecord, with what A, B and C hold. Thread is the thread's id (0: none);
// Process is not set by EvSwitch.
const (
	EvCall         = 1 + iota // native call entry: number, first argument, second argument
	EvReturn                  // native call exit: number, RAX, RDX
	EvLinux                   // a Linux call of the Go runtime's subset: number, first argument, RAX
	EvGap                     // a Linux call or native call that is not built: number, RIP, times seen
	EvSend                    // message queued: endpoint id, method (0: a trap), trap count of its id
	EvDeliver                 // message delivered: endpoint id, 1 a call, 2 a trap, 3 a forwarded request; badge
	EvReply                   // answer: kind, status, first word
	EvTrap                    // alien trap: cause, RAX or vector, RIP
	EvFault                   // page fault that the kernel solved or not: address, code, 0 or the error
	EvException               // exception of a native thread: vector, RIP, address
	EvSignal                  // signal frame built for a native thread: signal, RIP, handler
	EvSwitch                  // switch to Thread: from thread id, CPU, 0
	EvIRQ                     // interrupt line: line, 0, 0
	EvProcessStart            // process id, starts so far, entry point
	EvProcessDeath            // process id, exit status, 0
	EvRestart                 // rootd started again by the kernel: tries, delay ns, 0
	EvCount
)

// Masks for Mask: which events are recorded.
const (
	BitCall    = 1<<EvCall | 1<<EvReturn
	BitLinux   = 1 << EvLinux
	BitMessage = 1<<EvSend | 1<<EvDeliver | 1<<EvReply
	BitTrap    = 1 << EvTrap
	BitFault   = 1 << EvFault
	BitSwitch  = 1 << EvSwitch
	BitIRQ     = 1 << EvIRQ
	// BitsRare are recorded always: they are seldom, and are what a post-mortem needs first.
	BitsRare = 1<<EvGap | 1<<EvException | 1<<EvProcessStart | 1<<EvProcessDeath | 1<<EvRestart
	// BitsAll is what trace=on records.
	BitsAll = 1<<EvCount - 2
)

// RingLen is the number of records that each CPU's ring keeps (a power of two).
const RingLen = 512

// MaxCPUs is the number of rings; arch.CPUs is never larger.
const MaxCPUs = 8

type ring struct {
	next uint64 // records ever written
	rec  [RingLen]uabi.TraceRecord
}

var (
	rings [MaxCPUs]ring
	seq   uint64 // newest sequence number given

	// Mask has bit e set when event e is recorded. Changed only at boot and by tests.
	Mask uint32 = BitsRare
)

// ProcessShift is where the process id is in the thread words that Put takes: above the thread's id.
const ProcessShift = 48

// Put appends a record to this CPU's ring, whatever Mask says: the caller tests Mask, so that a place that is not traced
// pays for no call.
func Put(event uint32, thread, a, b, c uint64) {
	cpu := arch.CPU() & (MaxCPUs - 1)
	r := &rings[cpu]
	p := &r.rec[r.next&(RingLen-1)]
	r.next++
	seq++
	p.Seq, p.NS, p.Event, p.CPU, p.A, p.B, p.C = seq, arch.Now(), event, uint16(cpu), a, b, c
	p.Thread, p.Process = thread&(1<<ProcessShift-1), uint16(thread>>ProcessShift)
}

// Rare records an event of BitsRare (or any other) if it is switched on.
//
//go:noinline
func Rare(event uint32, thread, a, b, c uint64) {
	if Mask>>event&1 != 0 {
		Put(event, thread, a, b, c)
	}
}

// Seq returns the newest sequence number given.
func Seq() uint64 { return seq }

// Cursor walks the records of all CPUs in the order of their sequence numbers.
type Cursor struct {
	pos [MaxCPUs]uint64 // next record index per ring
}

// Seek puts the cursor at the oldest kept record whose Seq is at least from.
func (k *Cursor) Seek(from uint64) {
	for i := range k.pos {
		r := &rings[i]
		lo := uint64(0)
		if r.next > RingLen {
			lo = r.next - RingLen
		}
		hi := r.next
		for lo < hi {
			mid := lo + (hi-lo)/2
			if r.rec[mid&(RingLen-1)].Seq < from {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		k.pos[i] = lo
	}
}

// Next returns the next record and moves on, or nil at the end. The record stays valid until the next Put.
func (k *Cursor) Next() *uabi.TraceRecord {
	best := -1
	var low uint64
	for i := range k.pos {
		r := &rings[i]
		if k.pos[i] >= r.next {
			continue
		}
		s := r.rec[k.pos[i]&(RingLen-1)].Seq
		if best < 0 || s < low {
			best, low = i, s
		}
	}
	if best < 0 {
		return nil
	}
	p := &rings[best].rec[k.pos[best]&(RingLen-1)]
	k.pos[best]++
	return p
}
