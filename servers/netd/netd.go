package main

import (
	"cmp"
	"slices"

	"golang.org/x/sys/unix"

	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Netd is the server's state and what can be rebuilt from it.
type Netd struct {
	top     *state.State // scalars and the loopback device only
	sockets map[uint64]*state.Socket
	staged  map[uint64]*state.Staging // by origin

	badges map[uint64]*state.Socket
	inodes map[uint64]*state.Socket  // bound to a path
	names  map[nameKey]*state.Socket // bound to an abstract name
	ports  map[portKey]*state.Socket
	fans   map[uint64][]uint64 // ids of datagram sockets by the id that they are connected to, ascending
	lost   map[uint64]bool     // ids of sockets without a badge that messages carry
	spare  *state.Packet       // one that nothing refers to once the request is over; nil: none
}

// nameKey is an abstract name: each type has its own.
type nameKey struct {
	typ  uint32
	name string
}

// portKey is a netlink port: each protocol has its own.
type portKey struct{ protocol, port uint32 }

// New makes the state before the first start.
func New() *Netd {
	h := &Netd{}
	h.reset(&state.State{Lo: newLink()})
	return h
}

func (h *Netd) reset(top *state.State) {
	h.top = top
	h.sockets, h.staged, h.badges = map[uint64]*state.Socket{}, map[uint64]*state.Staging{}, map[uint64]*state.Socket{}
	h.inodes, h.names, h.ports = map[uint64]*state.Socket{}, map[nameKey]*state.Socket{}, map[portKey]*state.Socket{}
	h.fans, h.lost = map[uint64][]uint64{}, map[uint64]bool{}
}

// Start is server.Spec's.
func (h *Netd) Start(c *server.Ctx) {
	if a, err := c.AccountCreate(uabi.BootAccount, 0, 0); err == uabi.OK {
		h.top.Account = uint32(a)
	}
}

// nextID numbers sockets and badges.
func (h *Netd) nextID() uint64 {
	h.top.LastId++
	return h.top.LastId
}

// payer is the account that queued bytes are charged to: the frames kept for servers are out of its reach.
func (h *Netd) payer() uabi.Handle {
	if h.top.Account == 0 {
		return uabi.BootAccount
	}
	return uabi.Handle(h.top.Account)
}

// Save implements server.State.
func (h *Netd) Save() []byte {
	t := h.top
	s := &state.State{
		LastId: t.LastId, Account: t.Account, LastName: t.LastName, LastPort: t.LastPort, Lo: t.Lo,
		Sockets: sorted(h.sockets), Staged: sorted(h.staged),
	}
	b, err := s.MarshalVT()
	if err != nil {
		panic(err)
	}
	return b
}

// Load implements server.State.
func (h *Netd) Load(b []byte) error {
	s := &state.State{}
	if err := s.UnmarshalVT(b); err != nil {
		return err
	}
	if s.Lo == nil {
		s.Lo = newLink()
	}
	h.reset(&state.State{LastId: s.LastId, Account: s.Account, LastName: s.LastName, LastPort: s.LastPort, Lo: s.Lo})
	for _, v := range s.Staged {
		h.staged[v.Origin] = v
	}
	for _, v := range s.Sockets {
		if v.Queue == nil {
			v.Queue = &state.Queue{}
		}
		h.sockets[v.Id] = v
		if v.Badge != 0 {
			h.badges[v.Badge] = v
		} else if v.Flights > 0 {
			h.lost[v.Id] = true
		}
		if v.Bound {
			h.index(v)
		}
		if v.Peer != 0 && v.Type == unix.SOCK_DGRAM {
			h.fan(v)
		}
	}
	return nil
}

// Handles implements server.State.
func (h *Netd) Handles(yield func(uabi.Handle)) {
	give := func(n uint32) {
		if n != 0 {
			yield(uabi.Handle(n))
		}
	}
	files := func(list []*state.File) {
		for _, f := range list {
			give(f.Handle)
		}
	}
	give(h.top.Account)
	for _, s := range sorted(h.sockets) {
		give(s.Event)
		give(s.Queue.Memory)
		for _, p := range s.Queue.Packets {
			files(p.Files)
		}
	}
	for _, v := range sorted(h.staged) {
		files(v.Out)
		files(v.In)
	}
}

// sorted lists a map's values in order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range sortedKeys(m) {
		out = append(out, m[k])
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
