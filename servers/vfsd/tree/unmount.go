package tree

import (
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// CheckUnmount makes umount2(2)'s checks.
func (t *Tree) CheckUnmount(e *Env, r Ref, lazy bool) uabi.Error {
	m, err := t.mounted(e, r)
	if err != uabi.OK || m.Parent == 0 {
		return uabi.ErrArg
	}
	if !lazy && t.busy(m) {
		return uabi.ErrBusy
	}
	return uabi.OK
}

// Unmount takes a mount out, after CheckUnmount: lazily with all that is below it.
func (t *Tree) Unmount(r Ref, lazy bool) {
	m := t.mounts.Get(r.Mount)
	list := []*state.Mount{m}
	if lazy {
		list = t.descend(m)
	}
	t.takeOut(list)
}

// Expire is MNT_EXPIRE: the first time, and after each use of the mount, it only marks the mount (true).
func (t *Tree) Expire(r Ref) bool {
	m := t.mounts.Get(r.Mount)
	first := !m.Expire
	m.Expire = true
	return first
}

// busy reports whether somebody stands in a mount or something is mounted in it, or in what would go with it elsewhere.
func (t *Tree) busy(m *state.Mount) bool {
	if len(t.kids[m.Id]) > 0 || t.uses.Get(m.Id) > 0 {
		return true
	}
	for _, p := range t.receivers(t.mounts.Get(m.Parent)) {
		c := t.over(Ref{p.Id, m.At})
		if c == nil || len(t.kids[c.Id]) > 0 && t.topper(c) == nil {
			continue
		}
		if t.uses.Get(c.Id) > 0 {
			return true
		}
	}
	return false
}

// topper is the mount that covers c's root, if nothing else is mounted in c.
func (t *Tree) topper(c *state.Mount) *state.Mount {
	if kids := t.kids[c.Id]; len(kids) == 1 && t.mounts.Get(kids[0]).At == c.Root {
		return t.mounts.Get(kids[0])
	}
	return nil
}

// takeOut takes out mounts, whose descendants are among them, and what goes with them by propagation.
func (t *Tree) takeOut(list []*state.Mount) {
	going := map[uint64]bool{}
	for _, m := range list {
		going[m.Id] = true
	}
	t.removeMounts(append(list, t.goAlong(list, going)...))
}

// removeMounts takes out mounts, whose descendants are among them, and nothing else.
func (t *Tree) removeMounts(list []*state.Mount) {
	for i := len(list) - 1; i >= 0; i-- {
		m := list[i]
		place := spotOf(m)
		if m.Parent != 0 {
			t.unplace(m)
		}
		for _, id := range append([]uint64(nil), t.kids[m.Id]...) {
			// It covered m: it stays, where m was.
			top := t.mounts.Get(id)
			t.unplace(top)
			t.place(top, place)
		}
		t.part(m)
		t.changed(m.Ns)
		m.Ns, m.Unbindable = 0, false
	}
	for _, m := range list {
		t.forget(m)
	}
}

// goAlong lists what propagation takes out with list: at the same places of mounts that receive from theirs, unless something that stays
// is mounted in it. What only covers it is no hindrance.
func (t *Tree) goAlong(list []*state.Mount, going map[uint64]bool) (out []*state.Mount) {
	var found []*state.Mount
	for _, m := range list {
		if m.Parent == 0 {
			continue
		}
		for _, p := range t.receivers(t.mounts.Get(m.Parent)) {
			if c := t.over(Ref{p.Id, m.At}); c != nil && !going[c.Id] {
				going[c.Id] = true
				found = append(found, c)
			}
		}
	}
	for again := true; again; {
		again = false
		for _, c := range found {
			for _, id := range t.kids[c.Id] {
				if going[c.Id] && !going[id] && t.mounts.Get(id).At != c.Root {
					going[c.Id], again = false, true
				}
			}
		}
	}
	for _, c := range found {
		if going[c.Id] {
			out = append(out, c)
		}
	}
	return out
}
