package main

import (
	"math"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// ClockSet implements proc.Handler.
func (h *Procd) ClockSet(c *server.Ctx, in *proc.ClockRequest, out *proc.EmptyReply) uabi.Error {
	t, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if !creds.Has(h.creds.Get(t.Creds), creds.SysTime) {
		return uabi.ErrPerm
	}
	if in.Realtime > math.MaxInt64 || in.Realtime < c.Now() {
		return uabi.ErrArg
	}
	if err := c.ClockSet(uabi.BootPower, in.Realtime); err != uabi.OK {
		return err
	}
	h.clockChanged(c)
	return uabi.OK
}
