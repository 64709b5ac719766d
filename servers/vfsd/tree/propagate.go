package tree

import (
	"golang.org/x/sys/unix"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Propagation (Linux's Documentation/filesystems/sharedsubtree.rst). A peer group is a number that its mounts have in common; a slave names the group
// that it receives from. All members of a group have the same master.

// newGroup is the lowest number that no peer group has.
func (t *Tree) newGroup() uint64 {
	used := map[uint64]bool{}
	for _, m := range t.mounts.All() {
		used[m.Peer] = true
	}
	g := uint64(1)
	for used[g] {
		g++
	}
	return g
}

// share puts a mount that has none into a peer group of its own.
func (t *Tree) share(m *state.Mount) {
	if m.Peer == 0 {
		m.Peer = t.newGroup()
	}
	m.Unbindable = false
}

// members lists a peer group in order of numbers.
func (t *Tree) members(group uint64) []*state.Mount {
	return t.which(func(m *state.Mount) bool { return group != 0 && m.Peer == group })
}

func (t *Tree) which(f func(*state.Mount) bool) (out []*state.Mount) {
	for _, m := range t.Mounts() {
		if f(m) {
			out = append(out, m)
		}
	}
	return out
}

// leave takes a mount out of its peer group and makes it a slave of it. With its last member a group is gone: its slaves receive from
// what that one received from.
func (t *Tree) leave(m *state.Mount) {
	group := m.Peer
	if group == 0 {
		return
	}
	m.Peer = 0
	if len(t.members(group)) > 0 {
		m.Master = group
		return
	}
	for _, s := range t.mounts.All() {
		if s.Master == group {
			s.Master = m.Master
		}
	}
}

// part makes a mount private.
func (t *Tree) part(m *state.Mount) {
	t.leave(m)
	m.Master = 0
}

func (t *Tree) setPropagation(m *state.Mount, typ uint64) {
	switch typ {
	case unix.MS_SHARED:
		t.share(m)
	case unix.MS_SLAVE:
		t.leave(m)
	case unix.MS_PRIVATE, unix.MS_UNBINDABLE:
		t.part(m)
		m.Unbindable = typ == unix.MS_UNBINDABLE
	}
}

// SetPropagation is mount(2) with MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE.
func (t *Tree) SetPropagation(e *Env, r Ref, typ uint64, recurse bool) uabi.Error {
	m, err := t.mounted(e, r)
	if err != uabi.OK {
		return err
	}
	list := []*state.Mount{m}
	if recurse {
		list = t.descend(m)
	}
	for _, c := range list {
		t.setPropagation(c, typ)
	}
	t.changed(m.Ns)
	return uabi.OK
}

// copied is a copy that propagation makes, and where it goes.
type copied struct {
	m  *state.Mount
	to Spot
}

// propagate copies a tree of mounts, all shared, for every mount that receives what is mounted at a spot.
func (t *Tree) propagate(m *state.Mount, to Spot) (out []copied) {
	add := func(dst, src *state.Mount, mode copyMode) *state.Mount {
		mode.recurse = true
		c := t.copyTree(src, rootSpot(src), mode)
		s := to
		s.Mount = dst.Id
		out = append(out, copied{c, s})
		return c
	}
	dst := t.mounts.Get(to.Mount)
	for _, peer := range t.members(dst.Peer) {
		if peer != dst && t.receives(peer, to) {
			add(peer, m, copyMode{})
		}
	}
	var slaves func(group uint64, src *state.Mount)
	slaves = func(group uint64, src *state.Mount) {
		for _, set := range t.slaveSets(group) {
			from := src
			for _, s := range set {
				switch {
				case !t.receives(s, to):
				case from == src:
					from = add(s, src, copyMode{slave: true, shared: s.Peer != 0})
				default:
					add(s, from, copyMode{})
				}
			}
			if peer := set[0].Peer; peer != 0 {
				slaves(peer, from)
			}
		}
	}
	slaves(dst.Peer, m)
	return out
}

// receives reports whether a mount shows the spot at which something is mounted elsewhere.
func (t *Tree) receives(m *state.Mount, to Spot) bool { return m.Ns != 0 && t.inside(to, m.Root) }

// slaveSets lists a group's slaves: those that are peers of each other together.
func (t *Tree) slaveSets(group uint64) (out [][]*state.Mount) {
	sets := map[uint64]int{}
	for _, m := range t.which(func(m *state.Mount) bool { return m.Master == group }) {
		i, ok := sets[m.Peer]
		if !ok || m.Peer == 0 {
			i = len(out)
			sets[m.Peer] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], m)
	}
	return out
}

// receivers lists the mounts to which what happens in m propagates, without m.
func (t *Tree) receivers(m *state.Mount) []*state.Mount {
	if m.Peer == 0 {
		return nil
	}
	groups := map[uint64]bool{m.Peer: true}
	for grew := true; grew; {
		grew = false
		for _, s := range t.mounts.All() {
			if groups[s.Master] && s.Peer != 0 && !groups[s.Peer] {
				groups[s.Peer], grew = true, true
			}
		}
	}
	return t.which(func(o *state.Mount) bool { return o != m && o.Ns != 0 && (groups[o.Peer] || groups[o.Master]) })
}

// Dominating is the nearest group that a slave receives from, over any number of others, and that has a member in the namespace below
// root; 0: none (propagate_from of proc_pid_mountinfo(5)).
func (t *Tree) Dominating(e *Env, m *state.Mount) uint64 {
	for group, steps := m.Master, 0; group != 0 && steps <= t.mounts.Len(); steps++ {
		members := t.members(group)
		for _, p := range members {
			if p.Ns == m.Ns {
				if _, ok := t.MountPath(e, p); ok {
					return group
				}
			}
		}
		if len(members) == 0 {
			return 0
		}
		group = members[0].Master
	}
	return 0
}
