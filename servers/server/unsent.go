package server

import "aramid/ukernel/uabi"

// A reply with a badge that was committed and not sent must not lose the badge: its caller's image may be gone too, and the successor asks
// again only after this server was told that the badge's last handle is gone. So a start keeps the handle that was minted for such a
// reply, by the same mark as for handles that were given away (reply.go), until the reply is sent, a newer trap of its origin
// comes, or the alien is gone. Only the last record's reply can be unsent, since the next message is received after it.

// sentMark says that the reply of the log's last record was sent.
func (s *server) sentMark() uint64 { return s.kept.epoch<<32 | uint64(s.kept.tail) }

// holdUnsent keeps the handles minted for the last record's reply if that was not sent.
func (s *server) holdUnsent() {
	k, c := s.kept, &s.ctx
	if s.last == 0 || s.lastOrigin == s.self || k.w[headSent] == s.sentMark() {
		return
	}
	held := false
	s.badgeWords(s.last, func(word *uint64) {
		*word |= repGiven
		held = true
		for i, m := range c.minted {
			if m.h == uabi.Handle(*word) {
				c.minted = append(c.minted[:i], c.minted[i+1:]...)
				break
			}
		}
	})
	if o := s.ret.find(s.lastOrigin); held && o != nil {
		o.gives = true
	}
}

// unhold has what was kept for the reply closed, if it was sent again just now.
func (s *server) unhold() {
	if s.repeated == 0 {
		return
	}
	s.badgeWords(s.repeated, func(word *uint64) {
		if *word&repGiven != 0 {
			*word &^= repGiven
			s.ctx.closing = append(s.ctx.closing, uabi.Handle(*word))
		}
	})
}

// badgeWords calls f with the first word of each handle of our badges in the trailer at word o.
func (s *server) badgeWords(o int, f func(word *uint64)) {
	w := s.kept.w
	handleWords(w, o, func(at int) {
		if w[at+1] != 0 {
			f(&w[at])
		}
	})
}
