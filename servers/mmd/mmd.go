package main

import (
	"slices"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// MMD is the server's state.
type MMD struct {
	mms     map[uint64]*state.MM
	last    uint64
	account uabi.Handle // of programs: the frames kept for servers are out of its reach
	memory  uint64      // of the machine, bytes: a constant of it
}

// New makes the state of a cold start on a machine with that many bytes of memory.
func New(memory uint64) *MMD { return &MMD{mms: map[uint64]*state.MM{}, memory: memory} }

// Save implements server.State.
func (h *MMD) Save() []byte {
	s := &state.State{Last: h.last, Account: uint32(h.account)}
	for _, id := range h.ids() {
		s.Mms = append(s.Mms, h.mms[id])
	}
	b, err := s.MarshalVT()
	if err != nil {
		panic(err)
	}
	return b
}

// Load implements server.State.
func (h *MMD) Load(b []byte) error {
	s := &state.State{}
	if err := s.UnmarshalVT(b); err != nil {
		return err
	}
	clear(h.mms)
	h.last, h.account = s.Last, uabi.Handle(s.Account)
	for _, m := range s.Mms {
		h.mms[m.Id] = m
	}
	return nil
}

// Handles implements server.State.
func (h *MMD) Handles(yield func(uabi.Handle)) {
	if h.account != 0 {
		yield(h.account)
	}
	for _, id := range h.ids() {
		yield(uabi.Handle(h.mms[id].Space))
	}
}

// Start is server.Spec's: programs get an account of their own, so that they cannot use up what servers need to go on.
func (h *MMD) Start(c *server.Ctx) {
	if a, err := c.AccountCreate(uabi.BootAccount, 0, 0); err == uabi.OK {
		h.account = a
	}
}

// payer is the account that programs' memory is charged to.
func (h *MMD) payer() uabi.Handle {
	if h.account == 0 {
		return uabi.BootAccount
	}
	return h.account
}

func (h *MMD) ids() []uint64 {
	ids := make([]uint64, 0, len(h.mms))
	for id := range h.mms {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Gone closes the Space of an mm that nobody names any more (R6).
func (h *MMD) Gone(c *server.Ctx, badge uint64) {
	m := h.mms[badge]
	if m == nil {
		return
	}
	c.Close(uabi.Handle(m.Space))
	delete(h.mms, badge)
}

// Create implements mm.Handler.
func (h *MMD) Create(c *server.Ctx, in *mm.CreateRequest, out *mm.CreateReply) uabi.Error {
	space, err := c.SpaceCreate(h.payer())
	if err != uabi.OK {
		return err
	}
	top := layout.Top(c.Rand64())
	return h.add(c, &state.MM{Space: uint32(space), Top: top}, &out.Mm, &out.Space)
}

// add registers an mm whose Space exists and mints its handle.
func (h *MMD) add(c *server.Ctx, m *state.MM, mmOut, spaceOut *uint32) uabi.Error {
	id := h.last + 1
	handle, err := c.Mint(id)
	if err != uabi.OK {
		return err
	}
	m.Id = id
	h.last = id
	h.mms[id] = m
	*mmOut, *spaceOut = uint32(handle), m.Space
	return uabi.OK
}

// Fork implements mm.Handler.
func (h *MMD) Fork(c *server.Ctx, in *mm.ForkRequest, out *mm.ForkReply) uabi.Error {
	m := h.mms[c.Badge()]
	if m == nil {
		return uabi.ErrHandle
	}
	space, err := c.SpaceClone(uabi.Handle(m.Space), h.payer())
	if err != uabi.OK {
		return err
	}
	child := &state.MM{Space: uint32(space), BrkStart: m.BrkStart, Brk: m.Brk, Top: m.Top, ForkAdvice: m.ForkAdvice, Limits: copyLimits(m.Limits), Fixed: m.Fixed}
	if m.ForkAdvice {
		h.applyForkAdvice(c, space)
	}
	if m.Locks {
		h.unlockAll(c, space)
	}
	return h.add(c, child, &out.Mm, &out.Space)
}

// applyForkAdvice does in a child's Space what madvise(2) asked for in its parent.
func (h *MMD) applyForkAdvice(c *server.Ctx, space uabi.Handle) {
	for va := uint64(0); ; {
		r, ok, err := c.SpaceQuery(space, va)
		if err != uabi.OK || !ok {
			return
		}
		switch {
		case r.Tag&layout.TagDontFork != 0:
			c.SpaceUnmap(space, r.Va, r.Len)
		case r.Tag&layout.TagWipeOnFork != 0:
			c.SpaceDiscard(space, r.Va, r.Len)
		}
		va = r.Va + r.Len
	}
}

// random is a random number for choosing an address, 0 where nothing is left to chance.
func (h *MMD) random(c *server.Ctx, m *state.MM) uint64 {
	if m.Fixed {
		return 0
	}
	return c.Rand64()
}

// find returns the called mm.
func (h *MMD) find(c *server.Ctx) (*state.MM, uabi.Handle, uabi.Error) {
	m := h.mms[c.Badge()]
	if m == nil {
		return nil, 0, uabi.ErrHandle
	}
	return m, uabi.Handle(m.Space), uabi.OK
}
