package main

import (
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Methods of the contract that are not built yet: each leaves this file for one of its own.

// Memfd implements vfs.Handler.
func (h *VFSD) Memfd(c *server.Ctx, in *vfs.MemfdRequest, out *vfs.OpenReply) uabi.Error {
	return uabi.ErrUnsupported
}

// Seals implements vfs.Handler.
func (h *VFSD) Seals(c *server.Ctx, in *vfs.SealsRequest, out *vfs.CountReply) uabi.Error {
	return uabi.ErrUnsupported
}

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

// XattrGet implements vfs.Handler.
func (h *VFSD) XattrGet(c *server.Ctx, in *vfs.XattrRequest, out *vfs.XattrReply) uabi.Error {
	return uabi.ErrUnsupported
}

// XattrSet implements vfs.Handler.
func (h *VFSD) XattrSet(c *server.Ctx, in *vfs.XattrRequest, out *vfs.EmptyReply) uabi.Error {
	return uabi.ErrUnsupported
}

// Copy implements vfs.Handler.
func (h *VFSD) Copy(c *server.Ctx, in *vfs.CopyRequest, out *vfs.CountReply) uabi.Error {
	return uabi.ErrUnsupported
}

// Fallocate implements vfs.Handler.
func (h *VFSD) Fallocate(c *server.Ctx, in *vfs.FallocateRequest, out *vfs.EmptyReply) uabi.Error {
	return uabi.ErrUnsupported
}
