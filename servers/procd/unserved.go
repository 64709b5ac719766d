package main

import (
	"aramid/proto/proc"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Methods of the contract that are not built yet: each leaves this file for one of its own.

// PidWatch implements proc.Handler.
func (h *Procd) PidWatch(c *server.Ctx, in *proc.PidRequest, out *proc.WatchReply) uabi.Error {
	return uabi.ErrUnsupported
}

// Unshare implements proc.Handler.
func (h *Procd) Unshare(c *server.Ctx, in *proc.UnshareRequest, out *proc.EmptyReply) uabi.Error {
	return uabi.ErrUnsupported
}

// ThreadList implements proc.Handler.
func (h *Procd) ThreadList(c *server.Ctx, in *proc.PidRequest, out *proc.ListReply) uabi.Error {
	return uabi.ErrUnsupported
}

// ThreadStatus implements proc.Handler.
func (h *Procd) ThreadStatus(c *server.Ctx, in *proc.PidRequest, out *proc.StatusReply) uabi.Error {
	return uabi.ErrUnsupported
}

// Compare implements proc.Handler.
func (h *Procd) Compare(c *server.Ctx, in *proc.CompareRequest, out *proc.PidReply) uabi.Error {
	return uabi.ErrUnsupported
}

// Totals implements proc.Handler.
func (h *Procd) Totals(c *server.Ctx, in *proc.EmptyRequest, out *proc.TotalsReply) uabi.Error {
	return uabi.ErrUnsupported
}
