package ipc

import (
	"sync/atomic"

	"aramid/ukernel/sched"
	"aramid/ukernel/uabi"
	"aramid/ukernel/vm"
)

// futexBuckets is the size of the hash of waiters. A bucket's queue holds the waiters of all words that fall into it, each
// word's in the order in which they came.
const futexBuckets = 512

var futexes [futexBuckets]sched.Queue

// bucket is where the waiters of word k are.
func bucket(k vm.Key) *sched.Queue {
	h := (k.ID*0x9e3779b97f4a7c15 ^ k.Off>>2) * 0x9e3779b97f4a7c15
	return &futexes[h>>(64-9)]
}

// load reads the word at va of s. ErrArg: unaligned; ErrFault, ErrNoMem, ErrAgain.
//
//go:noinline
func load(s *vm.Space, va uint64) (uint32, uabi.Error) {
	if va&3 != 0 {
		return 0, uabi.ErrArg
	}
	pa, err := s.Resolve(va, false)
	if err != uabi.OK {
		return 0, err
	}
	return atomic.LoadUint32(wordAt(pa)), uabi.OK
}

// futexCheck is the key of the word at va if it holds value. ErrAgain: it does not, or its page must be fetched.
//
//go:noinline
func futexCheck(s *vm.Space, va uint64, value uint32, shared bool) (vm.Key, uabi.Error) {
	v, err := load(s, va)
	if err != uabi.OK {
		return vm.Key{}, err
	}
	if v != value {
		return vm.Key{}, uabi.ErrAgain
	}
	return s.FutexKey(va, shared)
}

// waitFutex parks the blocked thread t on word k.
func (t *Thread) waitFutex(k vm.Key, bitset uint32, deadline uint64) {
	t.key, t.fbits = k, bitset
	t.block = BlockFutex
	bucket(k).Push(&t.Thread)
	if deadline != uabi.NoDeadline {
		t.Timer.Start(deadline)
	}
}

// wakeFutex ends t's wait on a futex.
func (t *Thread) wakeFutex() {
	if t.Kind == Native {
		t.wakeWait(0)
		return
	}
	t.leaveWait()
	t.redeliver(uabi.FlagEvent, uabi.OK)
}

// FutexWait parks the running native thread t while the word at va of its space holds value. RAX: 0 when woken; −ErrAgain: it
// differs; −ErrArg: unaligned or an empty bitset; −ErrFault, −ErrNoMem; onTimeout when the deadline (ns) passes.
func FutexWait(t *Thread, va uint64, value, bitset uint32, shared bool, deadline, onTimeout uint64) {
	if bitset == 0 {
		t.fail(uabi.ErrArg)
		return
	}
	k, err := futexCheck(t.Space, va, value, shared)
	if err != uabi.OK {
		t.fail(err)
		return
	}
	sched.Block(&t.Thread)
	t.onTimeout = onTimeout
	t.waitFutex(k, bitset, deadline)
}

// answerFutex parks the alien a, whose trap s handles, on a futex word. If the word differs or cannot be read, the trap comes back
// at once with Status −ErrAgain (−ErrFault, …).
func (s *Thread) answerFutex(a *Thread, out *uabi.Msg) (next *Thread, err uabi.Error) {
	f := &out.Futex
	if f.Bitset == 0 {
		return nil, uabi.ErrArg
	}
	k, check := futexCheck(a.Space, f.Addr, f.Value, f.Shared != 0)
	if check == uabi.ErrArg {
		return nil, check
	}
	if err := s.record(a, out); err != uabi.OK {
		return nil, err
	}
	bits, deadline := f.Bitset, out.Wait.Deadline
	s.release()
	a.endCall()
	switch {
	case a.pend&pendKill != 0:
		a.die()
	case a.levels():
		return a.trapAgain(0, uabi.OK), uabi.OK
	case check != uabi.OK:
		return a.trapAgain(0, check), uabi.OK
	default:
		a.al.flags = 0
		a.waitFutex(k, bits, deadline)
	}
	return nil, uabi.OK
}

// FutexWake wakes up to count waiters of the word at va of s whose bitset meets bits; returns how many. ErrArg: unaligned or an
// empty bitset; ErrFault.
func FutexWake(s *vm.Space, va uint64, count, bits uint32, shared bool) (uint32, uabi.Error) {
	if va&3 != 0 || bits == 0 {
		return 0, uabi.ErrArg
	}
	k, err := s.FutexKey(va, shared)
	if err != uabi.OK {
		return 0, err
	}
	return wakeKey(k, count, bits), uabi.OK
}

// wakeKey wakes up to count waiters of word k.
//
//go:noinline
func wakeKey(k vm.Key, count, bits uint32) (n uint32) {
	for t := bucket(k).Head(); t != nil && n < count; {
		next := t.Next()
		if w := of(t); w.key == k && w.fbits&bits != 0 {
			w.wakeFutex()
			n++
		}
		t = next
	}
	return n
}

// FutexRequeue is CallFutexRequeue in space s: with FutexCompare, ErrAgain if the word at va is not value; wakes up to wake
// waiters, and moves up to requeue others to va2. Returns how many were woken or moved.
func FutexRequeue(s *vm.Space, va uint64, wake uint32, va2 uint64, requeue, value, flags uint32) (uint32, uabi.Error) {
	if (va|va2)&3 != 0 || flags&^(uabi.FutexCompare|uabi.FutexShared) != 0 {
		return 0, uabi.ErrArg
	}
	shared := flags&uabi.FutexShared != 0
	if flags&uabi.FutexCompare != 0 {
		if _, err := futexCheck(s, va, value, shared); err != uabi.OK {
			return 0, err
		}
	}
	k, err := s.FutexKey(va, shared)
	if err != uabi.OK {
		return 0, err
	}
	k2, err := s.FutexKey(va2, shared)
	if err != uabi.OK {
		return 0, err
	}
	n := wakeKey(k, wake, allBits)
	to := bucket(k2)
	for t := bucket(k).Head(); t != nil && requeue > 0; {
		next := t.Next()
		if w := of(t); w.key == k {
			if k != k2 {
				t.Unlink()
				w.key = k2
				to.Push(t)
			}
			n++
			requeue--
		}
		t = next
	}
	return n, uabi.OK
}

// allBits is FUTEX_BITSET_MATCH_ANY.
const allBits = ^uint32(0)

// The encoding of FutexOp's op: futex(2), FUTEX_WAKE_OP.
const (
	opShift    = 28
	opMask     = 7
	opArgShift = 8 // the operand is a bit number
	cmpShift   = 24
	cmpMask    = 15
	argShift   = 12
	argBits    = 12
)

const (
	opSet = iota
	opAdd
	opOr
	opAndNot
	opXor
)

const (
	cmpEqual = iota
	cmpNot
	cmpLess
	cmpLessEqual
	cmpGreater
	cmpGreaterEqual
)

// FutexOp is CallFutexOp in space s: changes the word at va2 atomically, wakes up to wake waiters of va, and if the old value
// compares as op says up to wake2 of va2. ErrArg, ErrFault, ErrNoMem; ErrUnsupported: an unknown operation.
func FutexOp(s *vm.Space, va uint64, wake uint32, va2 uint64, wake2, op uint32, shared bool) (uint32, uabi.Error) {
	if (va|va2)&3 != 0 {
		return 0, uabi.ErrArg
	}
	k, err := s.FutexKey(va, shared)
	if err != uabi.OK {
		return 0, err
	}
	k2, err := s.FutexKey(va2, shared)
	if err != uabi.OK {
		return 0, err
	}
	if op>>opShift&opMask > opXor || op>>cmpShift&cmpMask > cmpGreaterEqual {
		return 0, uabi.ErrUnsupported
	}
	pa, err := s.Resolve(va2, true)
	if err != uabi.OK {
		return 0, err
	}
	old := modify(wordAt(pa), op)
	n := wakeKey(k, wake, allBits)
	if compares(int32(old), op) {
		n += wakeKey(k2, wake2, allBits)
	}
	return n, uabi.OK
}

// signed is the 12-bit operand in the low bits of v.
func signed(v uint32) int32 { return int32(v<<(32-argBits)) >> (32 - argBits) }

// modify does op's operation on the word that programs may change meanwhile, and returns its old value.
func modify(w *uint32, op uint32) uint32 {
	arg := uint32(signed(op >> argShift))
	if op>>opShift&opArgShift != 0 {
		arg = 1 << (arg & 31)
	}
	for {
		old := atomic.LoadUint32(w)
		v := old
		switch op >> opShift & opMask {
		case opSet:
			v = arg
		case opAdd:
			v += arg
		case opOr:
			v |= arg
		case opAndNot:
			v &^= arg
		case opXor:
			v ^= arg
		}
		if atomic.CompareAndSwapUint32(w, old, v) {
			return old
		}
	}
}

// compares does op's comparison.
func compares(old int32, op uint32) bool {
	arg := signed(op)
	switch op >> cmpShift & cmpMask {
	case cmpEqual:
		return old == arg
	case cmpNot:
		return old != arg
	case cmpLess:
		return old < arg
	case cmpLessEqual:
		return old <= arg
	case cmpGreater:
		return old > arg
	}
	return old >= arg
}
