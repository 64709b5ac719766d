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
