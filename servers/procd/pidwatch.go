package main

import (
	"aramid/proto/proc"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// PidWatch implements proc.Handler.
func (h *Procd) PidWatch(c *server.Ctx, in *proc.PidRequest, out *proc.WatchReply) uabi.Error {
	p := h.procs.Get(in.Pid)
	if p == nil {
		if h.threads.Get(in.Pid) != nil {
			return uabi.ErrArg
		}
		return uabi.ErrSearch
	}
	if p.EndEvent == 0 {
		event, err := c.EventCreate(uabi.BootAccount)
		if err != uabi.OK {
			return err
		}
		p.EndEvent = uint32(event)
		if p.Phase == state.Phase_ZOMBIE {
			h.showEnd(c, p)
		}
	}
	out.Id, out.Event = p.Serial, p.EndEvent
	return uabi.OK
}

// showEnd tells who watches a process that it has ended.
func (h *Procd) showEnd(c *server.Ctx, p *state.Process) {
	if p.EndEvent != 0 {
		c.EventUpdate(uabi.Handle(p.EndEvent), watchBit, 0, 0)
	}
}
