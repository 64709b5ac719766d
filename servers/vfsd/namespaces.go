package main

import (
	"fmt"
	"strings"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// spaceIno is the number of a namespace's file: the first one's is Linux's, others have a range of their own.
func spaceIno(ns *state.Namespace) uint64 {
	const first, later = 0xeffffff8, 0xf0100000
	if ns.Number == 1 {
		return first
	}
	return later + uint64(ns.Number)
}

// spaceNode is the file of a mount namespace: what /proc/PID/ns/mnt leads to.
func spaceNode(ns *state.Namespace) tree.Ref {
	return tree.Ref{Ino: number(procfs.Node{Kind: procfs.MountSpace, N: ns.Number})}
}

// spaceName is what that link shows.
func spaceName(ns *state.Namespace) string { return fmt.Sprintf("mnt:[%d]", spaceIno(ns)) }

// spaceLink is where /proc/PID/ns/mnt leads.
func (k *call) spaceLink(pid int32) (target string, at tree.Ref, jump bool, err uabi.Error) {
	if !k.may(pid) {
		return "", at, false, uabi.ErrAccess
	}
	f := k.context(pid)
	if f == nil {
		return "", at, false, uabi.ErrNotFound
	}
	ns := k.tree.Space(f.Ns)
	return spaceName(ns), spaceNode(ns), true, uabi.OK
}

// spaceOf is the namespace whose file an inode is, or nil.
func (h *VFSD) spaceOf(ino uint64) *state.Namespace {
	if ino < tree.SyntheticBase {
		return nil
	}
	n := procfs.FromNumber(ino)
	if n.Kind != procfs.MountSpace {
		return nil
	}
	for _, ns := range h.tree.Spaces() {
		if ns.Number == n.N {
			return ns
		}
	}
	return nil
}

// enter and leave count who is in a namespace or has its file open: with the last one it goes, unless it is the machine's first.
func (h *VFSD) enter(ns uint64) { h.inSpace[ns]++ }

func (h *VFSD) leave(ns uint64) {
	if h.inSpace[ns]--; h.inSpace[ns] > 0 {
		return
	}
	delete(h.inSpace, ns)
	if h.tree.Space(ns).Number != 1 {
		h.tree.DropSpace(ns)
	}
}

// Unshare implements vfs.Handler.
func (h *VFSD) Unshare(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.EmptyReply) uabi.Error {
	f := h.contexts.Get(c.Badge())
	if f == nil {
		return uabi.ErrHandle
	}
	k := h.begin(c, true)
	if !k.admin() {
		return uabi.ErrPerm
	}
	ns, there := h.tree.CopySpace(f.Ns)
	h.relocate(f, ns.Id, there(tree.FromPb(f.Root)), there(tree.FromPb(f.Cwd)))
	h.closeFreed(c)
	h.mountsChanged(c)
	return uabi.OK
}

// relocate puts a context into a namespace.
func (h *VFSD) relocate(f *state.Context, ns uint64, root, cwd tree.Ref) {
	h.enter(ns)
	h.hold(root)
	h.hold(cwd)
	oldNS, oldRoot, oldCwd := f.Ns, tree.FromPb(f.Root), tree.FromPb(f.Cwd)
	f.Ns, f.Root, f.Cwd = ns, root.Pb(), cwd.Pb()
	h.drop(oldRoot)
	h.drop(oldCwd)
	h.leave(oldNS)
}

// SetNs implements vfs.Handler.
func (h *VFSD) SetNs(c *server.Ctx, in *vfs.SetNsRequest, out *vfs.EmptyReply) uabi.Error {
	f := h.contexts.Get(c.Badge())
	if f == nil {
		return uabi.ErrHandle
	}
	o := h.opens.Get(c.BadgeOf(uabi.Handle(in.Dir)))
	if o == nil || o.At == nil {
		return uabi.ErrArg
	}
	ns := h.spaceOf(o.At.Ino)
	if ns == nil {
		return uabi.ErrArg
	}
	k := h.begin(c, true)
	if !k.admin() {
		return uabi.ErrPerm
	}
	top := h.tree.TopOf(ns.Id)
	h.relocate(f, ns.Id, top, top)
	h.closeFreed(c)
	h.mountsChanged(c)
	return uabi.OK
}

// escape writes a string as /proc/mounts does.
func escape(s string) string {
	if s == "" {
		return "none"
	}
	return procfs.Escape(strings.Clone(s))
}
