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

// writeReply appends the trailer for b.Out with that status and returns the word behind it, and whether it has what retained.name notes.
// nwords: of the reply's encoding.
func (c *Ctx) writeReply(status uabi.Error, nwords int) (end int, named bool) {
	k, m, at := c.s.kept, c.b.Out, c.tail
	w := k.w[at : at+2+uabi.MaxWords]
	w[0] = inHead(inEnd, 0, uabi.OK, 0)
	if status != uabi.OK {
		w[1] = uint64(status)
		return at + 2, false
	}
	n, nh := m.Len, m.NHandles
	w[1] = uint64(nwords)<<repWordsShift | uint64(nh)<<repHandlesShift | uint64(n)<<repBytesShift
	*(*[uabi.MaxWords]uint64)(w[2:]) = m.W // all six, as in writeCall
	at += 2 + nwords
	if n != 0 {
		at = k.putBytes(at, c.b.OutBytes[:n])
	}
	if nh != 0 {
		return c.putHandles(at, m.Handle[:nh])
	}
	return at, false
}

// putHandles stores two words for each handle of the reply at word at. Its results are writeReply's.
func (c *Ctx) putHandles(at int, handles []uabi.Handle) (end int, named bool) {
	for _, h := range handles {
		word, badge := uint64(h), uint64(0)
		for i := range c.minted {
			if m := &c.minted[i]; m.h == h {
				word |= uint64(m.rights) << repBytesShift
				badge = m.badge
			}
		}
		if len(c.closing) != 0 {
			word |= c.give(h)
		}
		w := c.s.kept.w[at : at+2]
		w[0], w[1] = word, badge
		at += 2
		named = named || badge == 0 || word&repGiven != 0
	}
	return at, named
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

// retain keeps the reply of an earlier record, whose trailer is at word off, to be sent again; named: it may have handles.
func (s *server) retain(id *uabi.ID, off int, named bool) {
	o := s.ret.put(id.Origin, id.Trap, id.Path, off)
	if named {
		s.ret.name(o, s.kept.w, off)
	}
}

// forgetLent takes the handles that are closed now out of the replies to earlier steps of the same trap. Those may be sent again (a handler's
// successor goes through its trap anew), but what needed the handle is behind the step that closes it.
func (s *server) forgetLent(origin uint64) {
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
