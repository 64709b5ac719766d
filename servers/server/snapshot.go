package server

import (
	"sync/atomic"

	"aramid/ukernel/uabi"
)

// A snapshot, in words: bytes of the state, the own counter, the number of origins; the state, padded; then each origin: id, trap,
// number of replies, and each reply: path, its trailer (R10). There is no open intent: snapshots are taken between requests.
const (
	snapHead   = 3
	originHead = 3
)

// minLimit is the least log, in words, after which a snapshot is due.
const minLimit = (1 << 20) / wordSize

// setLimit makes snapshots due when the log is longer than twice the last one, so that their cost stays a fraction of the work.
func (s *server) setLimit(snapWords int) {
	k := s.kept
	s.due = min(k.log+max(minLimit, 2*snapWords), k.end-1-logReserve)
}

// snapshot writes state and retained replies to the area not in use and makes it valid, with an empty log, by one store. A state
// that does not fit leaves everything as it is. The result is whether there is room for a record now.
func (s *server) snapshot() bool {
	k := s.kept
	s.step(stepSnapshot)
	area := int((k.epoch + 1) % 2)
	state := withField(s.spec.State.Save())
	w := k.w[k.snap[area] : k.snap[area]+k.snapW]
	n, ok := s.writeSnapshot(w, k.snap[area], state)
	if !ok {
		s.logf("a state of %d bytes does not fit into a snapshot of %d", len(state), k.snapW*wordSize)
		return k.free() >= logReserve
	}
	k.w[headSnapLen+area] = uint64(n * wordSize)
	s.step(stepSwitch)
	k.epoch++
	// Records of the epoch before are no records any more: the log is empty by this store.
	atomic.StoreUint64(&k.w[headEpoch], k.epoch)
	k.tail = k.log
	s.count(healthSnapshots)
	s.setLimit(n)
	// The replies are in the snapshot now; the ones in the log will be overwritten.
	s.ret = newRetained()
	s.readReplies(area)
	s.step(stepSwitched)
	return true
}

// writeSnapshot writes to w, whose first word is word base of kept memory.
func (s *server) writeSnapshot(w []uint64, base int, state []byte) (n int, ok bool) {
	k := s.kept
	at := snapHead + wordsOf(len(state))
	if at > len(w) {
		return 0, false
	}
	w[0], w[1], w[2] = uint64(len(state)), s.counter, uint64(s.ret.n)
	k.putBytes(base+snapHead, state)
	for i := range s.ret.slots {
		o := &s.ret.slots[i]
		if o.id == 0 {
			continue
		}
		if at+originHead > len(w) {
			return 0, false
		}
		head := w[at : at+originHead]
		head[0], head[1], head[2] = o.id, o.trap, 0
		at += originHead
		s.ret.replies(o, func(p *reply) {
			size := replySize(k.w, int(p.off))
			if ok = at+1+size <= len(w); ok {
				w[at] = p.path
				copy(w[at+1:], k.w[p.off:int(p.off)+size])
				at += 1 + size
				head[2]++
			} else {
				at = len(w) + 1
			}
		})
		if at > len(w) {
			return 0, false
		}
	}
	return at, true
}

// load brings state, counter and retained replies back from the snapshot, if there is one.
func (s *server) load() error {
	k := s.kept
	k.tail = k.log
	s.setLimit(0)
	if k.epoch == 0 {
		return nil
	}
	area := int(k.epoch % 2)
	n := int(k.w[headSnapLen+area]) / wordSize
	if n < snapHead || n > k.snapW {
		return errKept
	}
	w := k.w[k.snap[area] : k.snap[area]+n]
	if w[0] > uint64(n*wordSize) {
		return errKept
	}
	if err := s.spec.State.Load(append([]byte(nil), k.bytesAt(k.snap[area]+snapHead, int(w[0]))...)); err != nil {
		s.logf("the snapshot does not load: %v", err)
		return errState
	}
	s.counter = w[1]
	s.setLimit(n)
	s.readReplies(area)
	return nil
}

// readReplies fills ret from the snapshot in an area.
func (s *server) readReplies(area int) {
	k := s.kept
	base := k.snap[area]
	at := base + snapHead + wordsOf(int(k.w[base]))
	for i := uint64(0); i < k.w[base+2]; i++ {
		id, trap, n := k.w[at], k.w[at+1], k.w[at+2]
		at += originHead
		s.ret.touch(id, trap)
		for j := uint64(0); j < n; j++ {
			s.retain(&uabi.ID{Origin: id, Trap: trap, Path: k.w[at]}, at+1, uabi.Error(k.w[at+1]&repStatusMask) == uabi.OK)
			at += 1 + replySize(k.w, at+1)
		}
	}
}
