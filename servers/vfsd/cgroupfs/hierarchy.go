package cgroupfs

import (
	"slices"

	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// RootID is the number of the root, procd's as all.
const RootID = 1

// Live is what procd says of a group: how many processes it has itself, and whether it or a group below has any.
type Live func(id uint64) (processes uint32, populated bool)

// Hierarchy is all groups by number. The root is always there.
type Hierarchy map[uint64]*state.Cgroup

// New makes a hierarchy of the root alone.
func New() Hierarchy {
	return Hierarchy{RootID: {Id: RootID, MaxDepth: MaxGroups, MaxDescendants: MaxGroups}}
}

// Add notes a new group.
func (h Hierarchy) Add(id, parent uint64, name string, ino uint64) {
	h[id] = &state.Cgroup{Id: id, Parent: parent, Name: name, Ino: ino, MaxDepth: MaxGroups, MaxDescendants: MaxGroups}
}

// Children lists the groups right below one, in order.
func (h Hierarchy) Children(id uint64) (out []*state.Cgroup) {
	for _, g := range h {
		if g.Parent == id && !g.Removed {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *state.Cgroup) int { return int(int64(a.Id) - int64(b.Id)) })
	return out
}

// Descendants counts the groups below one.
func (h Hierarchy) Descendants(id uint64) (n int) {
	for _, g := range h {
		if g.Id != id && !g.Removed && h.Within(g.Id, id) {
			n++
		}
	}
	return n
}

// Removed lists the groups that were removed and are still named, in order.
func (h Hierarchy) Removed() (out []*state.Cgroup) {
	for _, g := range h {
		if g.Removed {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *state.Cgroup) int { return int(int64(a.Id) - int64(b.Id)) })
	return out
}

// Live is a group that was not removed, or nil.
func (h Hierarchy) Live(id uint64) *state.Cgroup {
	if g := h[id]; g != nil && !g.Removed {
		return g
	}
	return nil
}

// Within reports whether a group is top or below it.
func (h Hierarchy) Within(id, top uint64) bool {
	for g := h[id]; g != nil; g = h[g.Parent] {
		if g.Id == top {
			return true
		}
	}
	return false
}

// Common is the lowest group that has both.
func (h Hierarchy) Common(a, b uint64) uint64 {
	for ; a != RootID && h[a] != nil; a = h[a].Parent {
		if h.Within(b, a) {
			return a
		}
	}
	return RootID
}

// Path is a group's path from the root, as /proc/PID/cgroup has it.
func (h Hierarchy) Path(id uint64) string {
	path := ""
	for g := h[id]; g != nil && g.Id != RootID; g = h[g.Parent] {
		path = "/" + g.Name + path
	}
	switch {
	case path == "":
		return "/"
	case h[id].Removed:
		return path + " (deleted)"
	}
	return path
}

// Available are the controllers that a group may hand on: those that its parent does.
func (h Hierarchy) Available(id uint64) Mask {
	g := h[id]
	if g == nil || g.Id == RootID {
		return All
	}
	return Mask(h[g.Parent].Control)
}

// CheckMake says whether a group may get one more below it: cgroup.max.depth and cgroup.max.descendants.
func (h Hierarchy) CheckMake(parent uint64) uabi.Error {
	for g, level := h[parent], uint32(1); g != nil; g, level = h[g.Parent], level+1 {
		if level > g.MaxDepth || h.Descendants(g.Id) >= int(g.MaxDescendants) {
			return uabi.ErrAgain
		}
	}
	return uabi.OK
}

// threadRoot reports whether a group has processes beside controllers that its children compete for: it is "domain threaded".
func (h Hierarchy) threadRoot(id uint64, live Live) bool {
	g := h[id]
	if g.Id == RootID || g.Control == 0 {
		return false
	}
	own, _ := live(id)
	return own > 0
}

// valid reports whether no group above is a thread root.
func (h Hierarchy) valid(id uint64, live Live) bool {
	for g := h[h[id].Parent]; g != nil; g = h[g.Parent] {
		if h.threadRoot(g.Id, live) {
			return false
		}
	}
	return true
}

// mayBeThreadRoot reports whether processes and controllers may meet in a group: none of its children has processes.
func (h Hierarchy) mayBeThreadRoot(id uint64, live Live) bool {
	if id == RootID {
		return true
	}
	for _, g := range h.Children(id) {
		if _, populated := live(g.Id); populated {
			return false
		}
	}
	return true
}

// TypeText is cgroup.type.
func (h Hierarchy) TypeText(id uint64, live Live) string {
	switch {
	case h.threadRoot(id, live):
		return "domain threaded\n"
	case !h.valid(id, live):
		return "domain invalid\n"
	}
	return "domain\n"
}

// CheckHold says whether a process may be put into a group.
func (h Hierarchy) CheckHold(id uint64, live Live) uabi.Error {
	switch {
	case !h.valid(id, live):
		return uabi.ErrOperation
	case h.mayBeThreadRoot(id, live), h[id].Control == 0:
		return uabi.OK
	}
	return uabi.ErrBusy
}

// CheckControl says what cgroup.subtree_control becomes by a write.
func (h Hierarchy) CheckControl(id uint64, enable, disable Mask, live Live) (Mask, uabi.Error) {
	now := Mask(h[id].Control)
	if enable&^now&^h.Available(id) != 0 {
		return now, uabi.ErrNotFound
	}
	for _, g := range h.Children(id) {
		if Mask(g.Control)&disable != 0 {
			return now, uabi.ErrBusy
		}
	}
	if enable&^now != 0 && id != RootID {
		if !h.valid(id, live) {
			return now, uabi.ErrOperation
		}
		if own, _ := live(id); own > 0 && !h.mayBeThreadRoot(id, live) {
			return now, uabi.ErrBusy
		}
	}
	return now&^disable | enable, uabi.OK
}
