package uksim

import (
	"encoding/binary"

	"aramid/ukernel/uabi"
)

// futexKey names a futex word: by space and address, or by memory object and offset.
type futexKey struct {
	obj  Object
	addr uint64
}

// futexWait is one parked alien's place in the queue.
type futexWait struct {
	key    futexKey
	bitset uint32
}

// Encoding of FUTEX_WAKE_OP's operation word (futex(2)).
const (
	futexOpShift  = 28
	futexCmpShift = 24
	futexArgShift = 12
	futexArgMask  = 0xfff
	futexOpArgShl = 8
)

func word(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// futexKey resolves an address.
func (sp *Space) futexKey(addr uint64, shared bool) (futexKey, uabi.Error) {
	r := sp.find(addr)
	if r == nil || addr%4 != 0 {
		return futexKey{}, uabi.ErrFault
	}
	if shared && r.mem != nil && r.flags&uabi.MapShared != 0 {
		return futexKey{r.mem, r.off + addr - r.va}, uabi.OK
	}
	return futexKey{sp, addr}, uabi.OK
}

func (sp *Space) word(addr uint64) (uint32, uabi.Error) {
	var b [4]byte
	if sp.read(addr, b[:]) != len(b) {
		return 0, uabi.ErrFault
	}
	return word(b[:]), uabi.OK
}

// waitFutex compares and parks in one step. A value that differs or a bad address ends the wait at once; the handler sees no
// event flag then and looks itself.
func (a *Alien) waitFutex(f uabi.FutexArgs, deadline uint64) {
	s := a.task.sim
	switch {
	case a.killed:
		a.die()
		return
	case a.intr || a.timeout:
		a.back(0, 0)
		return
	}
	key, e := a.space.futexKey(f.Addr, f.Shared != 0)
	v, e2 := a.space.word(f.Addr)
	switch {
	case e != uabi.OK || e2 != uabi.OK:
		a.back(0, -int32(uabi.ErrFault))
		return
	case v != f.Value:
		a.back(0, -int32(uabi.ErrAgain))
		return
	}
	if deadline != uabi.NoDeadline && deadline <= s.now {
		a.timeout = true
		a.back(0, 0)
		return
	}
	a.state = alienWaiting
	a.park = &parking{}
	a.futexOn = &futexWait{key, f.Bitset}
	s.futexes = append(s.futexes, a)
	a.parkAlarm(deadline)
}

func (s *Sim) futexLeave(a *Alien) {
	a.futexOn = nil
	for i, x := range s.futexes {
		if x == a {
			s.futexes = append(s.futexes[:i], s.futexes[i+1:]...)
			return
		}
	}
}

// futexWake wakes at most n waiters of key, first come first.
func (s *Sim) futexWake(key futexKey, n, bitset uint32) uint32 {
	woken := uint32(0)
	for _, a := range append([]*Alien(nil), s.futexes...) {
		if woken == n {
			break
		}
		if a.futexOn != nil && a.futexOn.key == key && a.futexOn.bitset&bitset != 0 {
			a.unparkFor(uabi.FlagEvent)
			woken++
		}
	}
	return woken
}

// FutexWake is uk.Kernel's.
func (k *Native) FutexWake(space uabi.Handle, addr uint64, count, bitset uint32, shared bool) (uint32, uabi.Error) {
	k.enter("futex.wake")
	var sp *Space
	if space == 0 {
		a := k.alienOf()
		if a == nil {
			return 0, uabi.ErrStale
		}
		sp = a.space
	} else {
		var e uabi.Error
		if sp, e = get[*Space](k, space, 0); e != uabi.OK {
			return 0, e
		}
	}
	key, e := sp.futexKey(addr, shared)
	if e != uabi.OK {
		return 0, e
	}
	return k.sim.futexWake(key, count, bitset), uabi.OK
}

// FutexRequeue is uk.Kernel's.
func (k *Native) FutexRequeue(addr uint64, wake uint32, addr2 uint64, requeue, value, flags uint32) (uint32, uabi.Error) {
	k.enter("futex.requeue")
	a := k.alienOf()
	if a == nil {
		return 0, uabi.ErrStale
	}
	shared := flags&uabi.FutexShared != 0
	k1, e := a.space.futexKey(addr, shared)
	if e != uabi.OK {
		return 0, e
	}
	k2, e := a.space.futexKey(addr2, shared)
	if e != uabi.OK {
		return 0, e
	}
	if v, e := a.space.word(addr); flags&uabi.FutexCompare != 0 && (e != uabi.OK || v != value) {
		return 0, uabi.ErrAgain
	}
	n := k.sim.futexWake(k1, wake, ^uint32(0))
	for _, w := range k.sim.futexes {
		if requeue == 0 {
			break
		}
		if w.futexOn.key == k1 {
			w.futexOn.key = k2
			requeue--
			n++
		}
	}
	return n, uabi.OK
}

// FutexOp is uk.Kernel's.
func (k *Native) FutexOp(addr uint64, wake uint32, addr2 uint64, wake2, op uint32, shared bool) (uint32, uabi.Error) {
	k.enter("futex.op")
	a := k.alienOf()
	if a == nil {
		return 0, uabi.ErrStale
	}
	k1, e := a.space.futexKey(addr, shared)
	if e != uabi.OK {
		return 0, e
	}
	k2, e := a.space.futexKey(addr2, shared)
	if e != uabi.OK {
		return 0, e
	}
	old, e := a.space.word(addr2)
	if e != uabi.OK {
		return 0, e
	}
	v, hit, ok := futexOp(op, old)
	if !ok {
		return 0, uabi.ErrArg
	}
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], v)
	if a.space.write(addr2, b[:], false) != len(b) {
		return 0, uabi.ErrFault
	}
	n := k.sim.futexWake(k1, wake, ^uint32(0))
	if hit {
		n += k.sim.futexWake(k2, wake2, ^uint32(0))
	}
	return n, uabi.OK
}

// futexOp applies FUTEX_WAKE_OP's operation to old and compares old (futex(2)).
func futexOp(op, old uint32) (v uint32, hit, ok bool) {
	oparg := uint32(int32(op<<futexOpArgShl) >> (futexOpArgShl + futexArgShift))
	cmparg := uint32(int32(op<<(32-futexArgShift)) >> (32 - futexArgShift))
	kind := op >> futexOpShift
	if kind&futexOpArgShl != 0 { // FUTEX_OP_ARG_SHIFT
		oparg = 1 << (oparg & 31)
	}
	switch kind &^ futexOpArgShl {
	case 0:
		v = oparg
	case 1:
		v = old + oparg
	case 2:
		v = old | oparg
	case 3:
		v = old &^ oparg
	case 4:
		v = old ^ oparg
	default:
		return 0, false, false
	}
	x, y := int32(old), int32(cmparg)
	switch op >> futexCmpShift & 0xf {
	case 0:
		hit = x == y
	case 1:
		hit = x != y
	case 2:
		hit = x < y
	case 3:
		hit = x <= y
	case 4:
		hit = x > y
	case 5:
		hit = x >= y
	default:
		return 0, false, false
	}
	return v, hit, true
}
