package main

import (
	"math"

	"aramid/proto/mm"
	"aramid/servers/mmd/layout"
	"aramid/servers/mmd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

const unlimited = math.MaxUint64

// SetLimits implements mm.Handler.
func (h *MMD) SetLimits(c *server.Ctx, in *mm.LimitsRequest, out *mm.EmptyReply) uabi.Error {
	m, space, err := h.find(c)
	if err != uabi.OK {
		return err
	}
	m.Limits = &state.Limits{Space: in.Space, Data: in.Data, Lock: in.Lock}
	return h.limitStack(c, m, space, in.Stack)
}

// defaultLock is RLIMIT_MEMLOCK of Linux's process 1, bytes.
const defaultLock = 8 << 20

// limits are those of an mm.
func limits(m *state.MM) *state.Limits {
	if m.Limits == nil {
		return &state.Limits{Space: unlimited, Data: unlimited, Lock: defaultLock}
	}
	return m.Limits
}

// copyLimits are a child's limits.
func copyLimits(l *state.Limits) *state.Limits {
	if l == nil {
		return nil
	}
	return &state.Limits{Space: l.Space, Data: l.Data, Lock: l.Lock}
}

// isData reports whether RLIMIT_DATA counts a region: private, writable and no stack.
func isData(flags uint32, tag uint64) bool {
	return flags&(uabi.ProtWrite|uabi.MapShared) == uabi.ProtWrite && tag&layout.TagStack == 0
}

// promise checks an mmap of a.Len bytes at va, where what is there goes, against the mm's limits and against the heuristic of
// vm.overcommit_memory 0 (proc_sys_vm(5)): no single call gets more memory of its own than the machine has. ErrNoMem.
func (h *MMD) promise(c *server.Ctx, m *state.MM, space uabi.Handle, va uint64, a *layout.Map, anonymous bool) uabi.Error {
	own := isData(a.Flags, a.Tag) || a.Shared && anonymous
	if own && !a.NoReserve && h.excessive(a.Len) {
		return uabi.ErrNoMem
	}
	return h.within(c, m, space, va, a.Len, isData(a.Flags, a.Tag))
}

// grows checks n more bytes of a region of the mm. ErrNoMem.
func (h *MMD) grows(c *server.Ctx, m *state.MM, space uabi.Handle, n uint64, data bool) uabi.Error {
	if data && h.excessive(n) {
		return uabi.ErrNoMem
	}
	return h.within(c, m, space, 0, n, data)
}

// excessive is whether n bytes are more than the machine has.
func (h *MMD) excessive(n uint64) bool { return n > h.memory }

// within is ErrNoMem if n more bytes, in place of what lies in [va, va+n), would exceed the mm's limits.
func (h *MMD) within(c *server.Ctx, m *state.MM, space uabi.Handle, va, n uint64, data bool) uabi.Error {
	if l := m.Limits; l == nil || l.Space == unlimited && l.Data == unlimited {
		return uabi.OK
	}
	all, own, err := h.sizes(c, space, va, va+n)
	switch {
	case err != uabi.OK:
		return err
	case all+n > m.Limits.Space, data && own+n > m.Limits.Data:
		return uabi.ErrNoMem
	}
	return uabi.OK
}

// sizes are the bytes that RLIMIT_AS and RLIMIT_DATA count, without what lies in [from, to).
func (h *MMD) sizes(c *server.Ctx, space uabi.Handle, from, to uint64) (all, data uint64, err uabi.Error) {
	for va := uint64(0); ; {
		r, ok, err := c.SpaceQuery(space, va)
		if err != uabi.OK || !ok {
			return all, data, err
		}
		va = r.Va + r.Len
		n := r.Len
		if lo, hi := max(from, r.Va), min(to, va); lo < hi {
			n -= hi - lo
		}
		used, err := h.used(c, space, &r)
		if err != uabi.OK {
			return 0, 0, err
		}
		n = min(n, used)
		all += n
		if isData(r.Flags, r.Tag) {
			data += n
		}
	}
}
