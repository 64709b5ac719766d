package server

import "aramid/ukernel/uabi"

// The trailer of a committed record, in words:
//
//	0  head: status, words of the reply, handles, bytes
//	   the words or the padded bytes
//	   two words for each handle: handle, rights, repGiven; badge, or 0 when it is not one of ours
//
// A handle that is not of our badges and that the handler closed is given away: it stays open as long as the reply is retained,
// since it cannot be made again.
const (
	repStatusMask   = 0xffff
	repWordsShift   = 16
	repHandlesShift = 20
	repBytesShift   = 32
	repGiven        = 1 << 63
)

// writeReply appends the trailer for b.Out with that status and returns the word behind it. nwords: of the reply's encoding.
func (c *Ctx) writeReply(status uabi.Error, nwords int) int {
	k, m := c.s.kept, c.b.Out
	k.w[c.tail] = inHead(inEnd, 0, uabi.OK, 0)
	at := c.tail + 1
	if status != uabi.OK {
		k.w[at] = uint64(status)
		return at + 1
	}
	n, nh := int(m.Len), int(m.NHandles)
	w := k.w[at : at+1+uabi.MaxWords]
	w[0] = uint64(nwords)<<repWordsShift | uint64(nh)<<repHandlesShift | uint64(n)<<repBytesShift
	for i := 0; i < nwords; i++ {
		w[1+i] = m.W[i]
	}
	at += 1 + nwords
	if n > 0 {
		at = k.putBytes(at, c.b.OutBytes[:n])
	}
	for i := 0; i < nh; i++ {
		h := m.Handle[i]
		k.w[at], k.w[at+1] = uint64(h), 0
		for _, mi := range c.minted {
			if mi.h == h {
				k.w[at] |= uint64(mi.rights) << repBytesShift
				k.w[at+1] = mi.badge
			}
		}
		if len(c.closing) != 0 {
			k.w[at] |= c.give(h)
		}
		at += 2
	}
	return at
}

// give takes a handle of the reply out of those to be closed now.
func (c *Ctx) give(h uabi.Handle) uint64 {
	for i := range c.closing {
		if c.closing[i] == h {
			c.closing = append(c.closing[:i], c.closing[i+1:]...)
			return repGiven
		}
	}
	return 0
}

// retain keeps the reply of the current record, whose trailer is at word o, to be sent again; named: it has handles.
func (s *server) retain(id uabi.ID, o int, named bool) {
	s.ret.put(id.Origin, id.Trap, id.Path, o, named && gives(s.kept.w, o))
	if named {
		s.ret.lend(id.Origin, s.kept.w, o)
	}
}

// forgetLent takes the handles that are closed now out of the replies to earlier steps of the same trap. Those may be sent again (a handler's
// successor goes through its trap anew), but what needed the handle is behind the step that closes it.
func (s *server) forgetLent(origin uint64) {
	if len(s.ret.lent) == 0 {
		return
	}
	for _, h := range s.ctx.closing {
		s.ret.unlend(h, origin, func(word int) { s.kept.w[word] = 0 })
	}
}

// replySize is the number of words of the trailer at word o of w.
func replySize(w []uint64, o int) int {
	head := w[o]
	return 1 + int(head>>repWordsShift&nibble) + wordsOf(int(head>>repBytesShift)) + 2*int(head>>repHandlesShift&nibble)
}

// handleWords calls f with the place of the two words of each handle in the trailer at word o.
func handleWords(w []uint64, o int, f func(at int)) {
	head := w[o]
	at := o + 1 + int(head>>repWordsShift&nibble) + wordsOf(int(head>>repBytesShift))
	for range int(head >> repHandlesShift & nibble) {
		f(at)
		at += 2
	}
}

// replyHandles calls f with the two words of each handle in the trailer at word o.
func replyHandles(w []uint64, o int, f func(word, badge uint64)) {
	handleWords(w, o, func(at int) { f(w[at], w[at+1]) })
}

// gives reports that the trailer at word o has a handle that was given away.
func gives(w []uint64, o int) bool {
	if w[o]>>repHandlesShift&nibble == 0 {
		return false
	}
	given := false
	replyHandles(w, o, func(word, _ uint64) { given = given || word&repGiven != 0 })
	return given
}

// again fills Out with the retained reply at word o, with handles minted again; their numbers go to minted.
func (c *Ctx) again(o int) {
	k, m := c.s.kept, c.b.Out
	head := k.w[o]
	n, nw, nh := int(head>>repBytesShift), int(head>>repWordsShift&nibble), int(head>>repHandlesShift&nibble)
	m.Status = -int32(head & repStatusMask)
	m.Len, m.NHandles = uint32(n), uint32(nh)
	at := o + 1
	for i := 0; i < nw; i++ {
		m.W[i] = k.w[at]
		at++
	}
	copy(c.b.OutBytes, k.bytesAt(at, n))
	at += wordsOf(n)
	for i := 0; i < nh; i++ {
		m.Handle[i] = uabi.Handle(k.w[at])
		if badge := k.w[at+1]; badge != 0 {
			rights := uint32(k.w[at] &^ repGiven >> repBytesShift)
			h, err := c.k.Mint(uabi.BootEndpoint, badge, rights)
			if err != uabi.OK {
				// The badge died: only a caller that is gone can have let that happen.
				h = 0
			} else {
				c.minted = append(c.minted, minted{h, rights, badge})
			}
			m.Handle[i] = h
		}
		at += 2
	}
}
