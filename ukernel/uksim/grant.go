package uksim

import "aramid/ukernel/uabi"

// grant is a window onto the memory of a caller, or of the alien behind it.
type grant struct {
	alien  *Alien // nil: a native caller's own memory
	space  *Space // the alien's when the grant was made: pinned until the reply
	native []byte
	addr   uint64
	len    uint64
	rights uint32
}

func (g *grant) hold() {
	if g.space != nil {
		ref(g.space)
	}
}

func (g *grant) drop() {
	if g.space != nil {
		unref(g.space)
	}
}

// sendGrants checks the outgoing grants.
func (k *Native) sendGrants(r *request) uabi.Error {
	for i := range min(k.buf.Out.NGrants, uabi.MaxGrants) {
		u := k.buf.Out.Grant[i]
		g := grant{addr: u.Addr, len: u.Len, rights: u.Rights}
		if u.Addr+u.Len < u.Addr || u.Addr+u.Len > uabi.MaxUser {
			return uabi.ErrFault
		}
		if u.Flags&uabi.GrantAlien != 0 {
			a := k.alienOf()
			if a == nil {
				return uabi.ErrArg
			}
			g.alien, g.space = a, a.space
		} else {
			g.native = nativeBytes(u.Addr, u.Len)
		}
		r.grants = append(r.grants, g)
	}
	return uabi.OK
}

// window finds the piece of the current request's grant i.
func (k *Native) window(i int, off, n uint64, right uint32) (*grant, uint64, uabi.Error) {
	r := k.cur
	switch {
	case r == nil || !r.trap && !r.forward && r.caller == nil && !r.againSent(i):
		return nil, 0, uabi.ErrStale
	case i < 0 || i >= len(r.grants) || off > r.grants[i].len:
		return nil, 0, uabi.ErrArg
	case r.grants[i].rights&right == 0:
		return nil, 0, uabi.ErrRights
	}
	g := &r.grants[i]
	return g, min(n, g.len-off), uabi.OK
}

// againSent reports whether a successor of the sender, which is gone, will send the request again, and grant i is of its alien's memory.
func (r *request) againSent(i int) bool {
	if i < 0 || i >= len(r.grants) || r.grants[i].alien == nil {
		return false
	}
	a := r.grants[i].alien
	return a.state != alienGone && a.req != nil && a.req.trap && r.msg.ID.Origin == a.origin && r.msg.ID.Trap == a.traps
}

// access copies through the window.
func (g *grant) access(off uint64, b []byte, write bool) (int, uabi.Error) {
	if g.space != nil {
		return g.space.copy(g.addr+off, b, write)
	}
	if write {
		return copy(g.native[off:], b), uabi.OK
	}
	return copy(b, g.native[off:]), uabi.OK
}

// GrantRead is uk.Kernel's.
func (k *Native) GrantRead(i int, off uint64, b []byte) (int, uabi.Error) {
	k.enter("grant.read")
	g, n, e := k.window(i, off, uint64(len(b)), uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	return g.access(off, b[:n], false)
}

// GrantWrite is uk.Kernel's.
func (k *Native) GrantWrite(i int, off uint64, b []byte) (int, uabi.Error) {
	k.enter("grant.write")
	g, n, e := k.window(i, off, uint64(len(b)), uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	return g.access(off, b[:n], true)
}

// GrantToMemory is uk.Kernel's.
func (k *Native) GrantToMemory(i int, off uint64, memory uabi.Handle, moff, n uint64) (uint64, uabi.Error) {
	k.enter("grant.tomemory")
	m, e := get[*Memory](k, memory, uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	if !m.in(moff, n) {
		return 0, uabi.ErrArg
	}
	g, n, e := k.window(i, off, n, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	b := make([]byte, n)
	got, e := g.access(off, b, false)
	if e != uabi.OK {
		return 0, e
	}
	return uint64(m.write(moff, b[:got])), uabi.OK
}

// MemoryToGrant is uk.Kernel's.
func (k *Native) MemoryToGrant(i int, off uint64, memory uabi.Handle, moff, n uint64) (uint64, uabi.Error) {
	k.enter("grant.frommemory")
	m, e := get[*Memory](k, memory, uabi.RightRead)
	if e != uabi.OK {
		return 0, e
	}
	if !m.in(moff, n) {
		return 0, uabi.ErrArg
	}
	g, n, e := k.window(i, off, n, uabi.RightWrite)
	if e != uabi.OK {
		return 0, e
	}
	got, e := g.access(off, m.Bytes(moff, n), true)
	return uint64(got), e
}
