package main

import (
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Methods of the contract that are not built yet: each leaves this file for one of its own.

// Unshare implements vfs.Handler.
func (h *VFSD) Unshare(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.EmptyReply) uabi.Error {
	return uabi.ErrUnsupported
}

// SetNs implements vfs.Handler.
func (h *VFSD) SetNs(c *server.Ctx, in *vfs.SetNsRequest, out *vfs.EmptyReply) uabi.Error {
	return uabi.ErrUnsupported
}

// PivotRoot implements vfs.Handler.
func (h *VFSD) PivotRoot(c *server.Ctx, in *vfs.TwoPathRequest, out *vfs.EmptyReply) uabi.Error {
	return uabi.ErrUnsupported
}

// MountSetattr implements vfs.Handler.
func (h *VFSD) MountSetattr(c *server.Ctx, in *vfs.MountSetattrRequest, out *vfs.EmptyReply) uabi.Error {
	return uabi.ErrUnsupported
}
