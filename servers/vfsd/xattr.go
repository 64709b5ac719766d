package main

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Extended attributes (xattr(7)) of the inodes that are in memory: tmpfs, devtmpfs, cgroup2.

// Name spaces of attributes.
const (
	userXattr     = "user."
	trustedXattr  = "trusted."
	securityXattr = "security."
	aclXattr      = "system.posix_acl_"
)

// maxXattrs bounds what one inode holds, bytes of names and values.
const maxXattrs = 64 << 10

// XattrGet implements vfs.Handler.
func (h *VFSD) XattrGet(c *server.Ctx, in *vfs.XattrRequest, out *vfs.XattrReply) uabi.Error {
	k := h.begin(c, false)
	at, n, err := k.findXattr(in)
	if err != uabi.OK {
		return err
	}
	if in.Name == "" {
		out.Value = k.xattrNames(n)
		return uabi.OK
	}
	if err := k.xattrAccess(at, in.Name, false); err != uabi.OK {
		return err
	}
	if n == nil || !k.hasXattrs(n) {
		return uabi.ErrOperation
	}
	i, ok := xattrIndex(n, in.Name)
	if !ok {
		return uabi.ErrNoData
	}
	out.Value = n.Xattrs[i].Value
	return uabi.OK
}

// XattrSet implements vfs.Handler.
func (h *VFSD) XattrSet(c *server.Ctx, in *vfs.XattrRequest, out *vfs.EmptyReply) uabi.Error {
	if in.Mode&^uint32(unix.XATTR_CREATE|unix.XATTR_REPLACE) != 0 {
		return uabi.ErrArg
	}
	k := h.begin(c, true)
	at, n, err := k.findXattr(in)
	if err != uabi.OK {
		return err
	}
	if k.tree.ReadOnly(at) {
		return uabi.ErrReadOnly
	}
	if err := k.xattrAccess(at, in.Name, true); err != uabi.OK {
		return err
	}
	if n == nil || !k.hasXattrs(n) {
		return uabi.ErrOperation
	}
	i, exists := xattrIndex(n, in.Name)
	switch {
	case exists && in.Mode&unix.XATTR_CREATE != 0:
		return uabi.ErrExists
	case !exists && (in.Remove || in.Mode&unix.XATTR_REPLACE != 0):
		return uabi.ErrNoData
	case !in.Remove && xattrBytes(n)+len(in.Name)+len(in.Value) > maxXattrs:
		return uabi.ErrNoSpace
	}
	k.tree.Touch(n)
	switch v := (&state.Xattr{Name: strings.Clone(in.Name), Value: bytes.Clone(in.Value)}); {
	case in.Remove:
		n.Xattrs = slices.Delete(n.Xattrs, i, i+1)
	case exists:
		n.Xattrs[i] = v
	default:
		n.Xattrs = slices.Insert(n.Xattrs, i, v)
	}
	n.CtimeNs = k.env.Now
	h.notify(c, k.found, unix.IN_ATTRIB)
	return uabi.OK
}

// findXattr is the inode that a request is about; nil for those that are not in memory.
func (k *call) findXattr(in *vfs.XattrRequest) (tree.Ref, *tree.Inode, uabi.Error) {
	at, o, err := k.find(in.Dir, in.Path, in.Flags)
	if err != uabi.OK {
		return at, nil, err
	}
	if o != nil {
		if in.Path == "" && o.Flags&unix.O_PATH != 0 {
			return at, nil, uabi.ErrBadFD
		}
		at = tree.FromPb(o.At)
	}
	return at, k.tree.Inode(at.Ino), uabi.OK
}

// hasXattrs reports whether an inode's file system keeps attributes.
func (k *call) hasXattrs(n *tree.Inode) bool {
	f := k.tree.FSByID(n.Fs)
	return f != nil && (f.Type == "tmpfs" || f.Type == "devtmpfs" || f.Type == "cgroup2" || f.Lower)
}

// xattrAccess is xattr_permission of Linux.
func (k *call) xattrAccess(at tree.Ref, name string, write bool) uabi.Error {
	refused := uabi.ErrNoData
	if write {
		refused = uabi.ErrPerm
	}
	switch {
	case strings.HasPrefix(name, trustedXattr):
		if !k.mayAdmin() {
			return refused
		}
		return bare(name, trustedXattr)
	case strings.HasPrefix(name, securityXattr):
		if write && !k.mayAdmin() {
			return uabi.ErrPerm
		}
		return bare(name, securityXattr)
	case !strings.HasPrefix(name, userXattr), strings.HasPrefix(name, aclXattr):
		return uabi.ErrOperation
	}
	a := tree.Attr{}
	if at.Ino != 0 {
		var err uabi.Error
		if a, err = k.tree.Attr(&k.env, at); err != uabi.OK {
			return err
		}
	}
	typ := a.Mode & unix.S_IFMT
	if typ != unix.S_IFREG && typ != unix.S_IFDIR {
		return refused
	}
	mode := uint32(unix.R_OK)
	if write {
		if mode = unix.W_OK; typ == unix.S_IFDIR && a.Mode&unix.S_ISVTX != 0 && k.env.UID != 0 && k.env.UID != a.UID {
			return uabi.ErrPerm
		}
	}
	if err := k.tree.Access(&k.env, at, mode); err != uabi.OK {
		return err
	}
	return bare(name, userXattr)
}

// bare refuses a name that is only its name space's.
func bare(name, space string) uabi.Error {
	if name == space {
		return uabi.ErrArg
	}
	return uabi.OK
}

// capSysAdmin is CAP_SYS_ADMIN.
const capSysAdmin = 21

func (k *call) mayAdmin() bool {
	var cr proc.CredsReply
	return k.proc().Creds(k.c, &proc.PidRequest{}, &cr) == uabi.OK && cr.Effective>>capSysAdmin&1 != 0
}

func xattrIndex(n *tree.Inode, name string) (int, bool) {
	return slices.BinarySearchFunc(n.Xattrs, name, func(x *state.Xattr, name string) int { return strings.Compare(x.Name, name) })
}

func xattrBytes(n *tree.Inode) (sum int) {
	for _, x := range n.Xattrs {
		sum += len(x.Name) + len(x.Value)
	}
	return sum
}

// xattrNames is what listxattr(2) gives: trusted ones only to who may read them.
func (k *call) xattrNames(n *tree.Inode) (b []byte) {
	if n == nil || len(n.Xattrs) == 0 {
		return nil
	}
	all := k.mayAdmin()
	for _, x := range n.Xattrs {
		if all || !strings.HasPrefix(x.Name, trustedXattr) {
			b = append(append(b, x.Name...), 0)
		}
	}
	return b
}
