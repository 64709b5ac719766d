package server

import (
	"aramid/ukernel/uabi"
)

// ControlKey is the key of the event that rootd binds to a server's endpoint: bit ControlSnapshot asks for a snapshot, as before a
// swap. The epoch at EpochOffset of the kept memory has grown when it is done.
const (
	ControlKey      = ^uint64(0)
	ControlSnapshot = 1 << 0
	EpochOffset     = headEpoch * wordSize
	// TriesOffset is where the count of failed replays is: rootd clears it when it starts another binary.
	TriesOffset = headReplays * wordSize
	// UpOffset is where the number of the start that last came to serve is: it grows when a successor has loaded and replayed everything.
	UpOffset = headUp * wordSize
	// MagicOffset is where Magic is once there is a journal; the kept memory of a program without one holds something else.
	MagicOffset = headMagic * wordSize
	Magic       = magicWord
	// HealthOffset is where the health counters (Health, in order) start.
	HealthOffset = headHealth * wordSize
)

// notice handles the kernel's notices.
func (s *server) notice(in *uabi.Msg) {
	switch in.W[0] {
	case uabi.NoticeEvent:
		switch {
		case in.W[1] == ControlKey:
			if in.W[2]&ControlSnapshot != 0 {
				s.snapshot()
			}
		case s.spec.Event != nil:
			s.own(recEvent, in.W[1], in.W[2])
		}
		s.count(healthEvents)
	case uabi.NoticeGone:
		s.count(healthGone)
		if s.spec.Gone != nil {
			s.own(recGone, in.W[1], goneTold)
		}
	case uabi.NoticeThread:
		s.count(healthThreads)
		id := in.W[1]
		if s.spec.ThreadGone != nil || s.ret.find(id) != nil {
			s.unclaimed(id)
			s.own(recThread, id, 0)
		} else {
			s.k.ThreadAck(uabi.BootEndpoint, id)
		}
	}
}

// unclaimed reports gone what the replies of a dead alien name and nobody has a handle of (R13): the kernel says nothing of a badge that
// never left this server. Where a handle exists the acknowledgement fails, and the kernel will report.
func (s *server) unclaimed(id uint64) {
	o := s.ret.find(id)
	if o == nil || s.spec.Gone == nil {
		return
	}
	if o.gives {
		s.release(o)
	}
	var badges []uint64
	s.ret.replies(o, func(p *reply) {
		replyHandles(s.kept.w, int(p.off), func(_, badge uint64) {
			if badge != 0 {
				badges = append(badges, badge)
			}
		})
	})
	for _, b := range badges {
		s.own(recGone, b, goneUnclaimed)
		s.closeSent()
	}
}

// The second word of a recGone record: what makes the badge's number dead.
const (
	goneTold      = iota // the notice
	goneUnclaimed        // an acknowledgement behind the intent
)

// begin makes room for a record; false: there is none, since the state does not fit into a snapshot.
func (s *server) begin() bool {
	return s.kept.tail <= s.due || s.snapshot()
}

// own executes what no alien caused: its id is the server's own counter (R7).
func (s *server) own(kind recordKind, a, b uint64) {
	c, k := &s.ctx, s.kept
	if !s.begin() {
		panic("server: no room in the journal, and the state does not fit into a snapshot")
	}
	s.counter++
	id := uabi.ID{Origin: s.self, Trap: s.counter}
	c.reset(modeLive, s.b, id, 0)
	c.orphan = true
	c.rec.at, c.rec.open = k.tail, false
	c.tail = k.writeOwn(kind, id, a, b)
	if s.fault.on {
		s.step(stepDecode)
	}
	s.runOwn(kind, a, b)
}

// runOwn runs an own record, live or continued, to its commit, and acknowledges a thread's notice. That of a badge is done with the next receive.
func (s *server) runOwn(kind recordKind, a, b uint64) {
	c := &s.ctx
	switch {
	case kind == recGone && b == goneUnclaimed:
		// The acknowledgement decides: when it fails, a handle exists and the object must live.
		if c.mode == modeLive {
			c.effect(0)
		}
		if !s.host && s.k.BadgeAck(uabi.BootEndpoint, a) == uabi.ErrBusy && c.cursorAtStart() {
			c.stillOpen()
			s.abandon()
			return
		}
	case kind == recThread:
		if c.mode == modeLive {
			c.effect(0)
		}
		s.dropReplies(a)
	}
	s.tell(kind, a, b)
	c.stillOpen()
	c.b.Out.Len, c.b.Out.NHandles = 0, 0
	s.commit(uabi.OK, 0)
	c.dropWeak()
	if kind == recThread {
		s.ret.remove(a)
		s.step(stepAck)
		s.k.ThreadAck(uabi.BootEndpoint, a)
	}
}

// cursorAtStart reports that the handler has not run yet: live, or in an intent without inputs.
func (c *Ctx) cursorAtStart() bool { return c.mode == modeLive || c.cursor == c.rec.end }

// tell calls the handler of an own record.
func (s *server) tell(kind recordKind, a, b uint64) {
	c := &s.ctx
	c.own = true
	switch kind {
	case recGone:
		if s.spec.Gone != nil {
			s.spec.Gone(c, a)
		}
	case recThread:
		if s.spec.ThreadGone != nil {
			s.spec.ThreadGone(c, a)
		}
	case recEvent:
		if s.spec.Event != nil {
			s.spec.Event(c, a, uint32(b))
		}
	case recStart:
		if s.spec.Start != nil {
			s.spec.Start(c)
		}
	}
}

// dropReplies closes what the replies of an alien that is gone gave away.
func (s *server) dropReplies(id uint64) {
	o := s.ret.find(id)
	if o == nil || s.host {
		return
	}
	if o.gives {
		s.release(o)
	}
}
