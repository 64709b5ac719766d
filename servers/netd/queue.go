package main

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Sizes of a queue's ring, bytes.
const (
	minRing  = 64 << 10
	keepRing = 256 << 10 // a larger one is given back when it is empty
)

// place is where bytes can be added to a queue, found before anything changes.
type place struct {
	memory uabi.Handle
	size   uint64
	head   uint64
	used   uint64
	old    uabi.Handle // the ring that memory takes the place of
}

// room finds a place for n more bytes in q, in a larger ring if need be.
func (h *Netd) room(c *server.Ctx, q *state.Queue, n uint64) (place, uabi.Error) {
	p := place{uabi.Handle(q.Memory), q.Size, q.Head, q.Used, 0}
	if q.Used+n <= q.Size {
		return p, uabi.OK
	}
	p.size = minRing
	for p.size < q.Used+n {
		p.size *= 2
	}
	m, err := c.MemoryCreate(h.payer(), p.size, 0)
	if err != uabi.OK {
		return p, uabi.ErrNoBuffers
	}
	err = pieces(q.Size, q.Head, q.Used, func(done, at, n uint64) (uint64, uabi.Error) {
		return c.MemoryCopy(m, done, p.memory, at, n)
	})
	p.old, p.memory, p.head = p.memory, m, 0
	return p, err
}

// pieces calls f for the one or two pieces of n bytes at pos of a ring. ErrFault: f did less than it was asked to.
func pieces(size, pos, n uint64, f func(done, at, n uint64) (uint64, uabi.Error)) uabi.Error {
	for done := uint64(0); done < n; {
		at := (pos + done) % size
		piece := min(n-done, size-at)
		got, err := f(done, at, piece)
		if got < piece {
			return faultOr(err)
		}
		done += got
	}
	return uabi.OK
}

// faultOr is why a copy was short.
func faultOr(err uabi.Error) uabi.Error {
	if err == uabi.OK {
		return uabi.ErrFault
	}
	return err
}

// maxGrants is how many pieces of the caller's memory a request has at most.
const maxGrants = uabi.MaxGrants

// grants are the lengths of a request's grants; the first empty one ends them.
type grants struct {
	len   [maxGrants]uint64
	n     int
	total uint64
}

func grantsOf(c *server.Ctx, most int) (g grants) {
	for g.n < most {
		n := c.GrantLen(g.n)
		if n == 0 {
			break
		}
		g.len[g.n] = n
		g.n++
		g.total += n
	}
	return g
}

// each calls f for the pieces of the first n bytes of the grants.
func (g *grants) each(n uint64, f func(i int, off, done, n uint64) uabi.Error) uabi.Error {
	done := uint64(0)
	for i := 0; i < g.n && done < n; i++ {
		piece := min(g.len[i], n-done)
		if err := f(i, 0, done, piece); err != uabi.OK {
			return err
		}
		done += piece
	}
	return uabi.OK
}

// fill copies the first n bytes of the grants to place p.
func (p *place) fill(c *server.Ctx, g *grants, n uint64) uabi.Error {
	return g.each(n, func(i int, off, done, n uint64) uabi.Error {
		return pieces(p.size, p.head+p.used+done, n, func(piece, at, n uint64) (uint64, uabi.Error) {
			return c.GrantToMemory(i, off+piece, p.memory, at, n)
		})
	})
}

// put copies b to place p.
func (p *place) put(c *server.Ctx, b []byte) uabi.Error {
	return pieces(p.size, p.head+p.used, uint64(len(b)), func(done, at, n uint64) (uint64, uabi.Error) {
		got, err := c.MemoryWrite(p.memory, at, b[done:done+n])
		return uint64(got), err
	})
}

// copyOut copies n bytes of q, off bytes behind its head, to the grants, done bytes behind their start.
func copyOut(c *server.Ctx, q *state.Queue, g *grants, off, done, n uint64) uabi.Error {
	for i := 0; i < g.n && n > 0; i++ {
		if done >= g.len[i] {
			done -= g.len[i]
			continue
		}
		piece := min(g.len[i]-done, n)
		err := pieces(q.Size, q.Head+off, piece, func(at2, at, n uint64) (uint64, uabi.Error) {
			return c.MemoryToGrant(i, done+at2, uabi.Handle(q.Memory), at, n)
		})
		if err != uabi.OK {
			return err
		}
		off, n, done = off+piece, n-piece, 0
	}
	return uabi.OK
}

// append makes what was copied to p part of the queue: as a packet, or as more of the last one of a stream.
func (h *Netd) append(c *server.Ctx, s *state.Socket, at place, p *state.Packet) {
	q := s.Queue
	q.Memory, q.Size, q.Head, q.Used = uint32(at.memory), at.size, at.head, at.used+p.Len
	if at.old != 0 {
		c.Close(at.old)
	}
	from := h.sockets[p.Sender]
	if from != nil {
		from.Sent += p.Cost
	}
	if last := len(q.Packets) - 1; s.Type == unix.SOCK_STREAM && last >= 0 && sameRun(q.Packets[last], p) {
		q.Packets[last].Len += p.Len
		q.Packets[last].Cost += p.Cost
		h.spare = p
	} else {
		q.Packets = append(q.Packets, p)
	}
	h.level(c, s, pollIn)
	if from != nil {
		h.level(c, from, 0)
	}
}

// sameRun reports that two packets of a stream need not be told apart.
func sameRun(a, b *state.Packet) bool {
	return len(a.Files) == 0 && len(b.Files) == 0 && a.Sender == b.Sender && sameCreds(a.Creds, b.Creds) && a.TimeNs == 0 && b.TimeNs == 0
}

func sameCreds(a, b *state.Creds) bool {
	return (a == nil) == (b == nil) && a.GetPid() == b.GetPid() && a.GetUid() == b.GetUid() && a.GetGid() == b.GetGid()
}

// consume takes n bytes from the queue's head, and the packets that they end; of a stream the last one may stay in part.
func (h *Netd) consume(c *server.Ctx, s *state.Socket, n uint64, packets int) {
	q := s.Queue
	var few [4]uint64
	senders := few[:0]
	for _, p := range q.Packets[:packets] {
		senders = h.pay(p.Sender, p.Cost, senders)
		n -= p.Len
		q.Head, q.Used = q.Head+p.Len, q.Used-p.Len
		h.spare = p
	}
	q.Packets = slices.Delete(q.Packets, 0, packets)
	if n > 0 {
		p := q.Packets[0]
		senders = h.pay(p.Sender, n, senders)
		p.Len, p.Cost = p.Len-n, p.Cost-n
		p.Files = nil
		q.Head, q.Used = q.Head+n, q.Used-n
	}
	if q.Used == 0 {
		q.Head = 0
		if q.Size > keepRing {
			c.Close(uabi.Handle(q.Memory))
			q.Memory, q.Size = 0, 0
		}
	} else {
		q.Head %= q.Size
	}
	h.level(c, s, 0)
	for _, id := range senders {
		h.level(c, h.sockets[id], 0)
	}
}

// pay takes a cost off what a sender has in queues and notes the sender.
func (h *Netd) pay(sender, cost uint64, senders []uint64) []uint64 {
	s := h.sockets[sender]
	if s == nil {
		return senders
	}
	s.Sent -= min(cost, s.Sent)
	if slices.Contains(senders, sender) {
		return senders
	}
	return append(senders, sender)
}

// returned is pay for bytes that nobody will read.
func (h *Netd) returned(c *server.Ctx, sender, cost uint64) {
	if h.pay(sender, cost, nil) != nil {
		h.level(c, h.sockets[sender], 0)
	}
}
