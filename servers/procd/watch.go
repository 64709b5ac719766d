package main

import (
	"slices"

	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// watchBit is POLLIN, the bit of a watch's event.
const watchBit = 1

// SignalWatch implements proc.Handler.
func (h *Procd) SignalWatch(c *server.Ctx, in *proc.SignalWatchRequest, out *proc.WatchReply) uabi.Error {
	mask := in.Mask &^ signal.Unblockable
	if in.Id != 0 {
		p, i := h.findWatch(in.Id)
		if p == nil {
			return uabi.ErrNotFound
		}
		p.Watches[i].Mask = mask
		h.showSignals(c, p, 0)
		out.Id = in.Id
		return uabi.OK
	}
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	w := &state.Watch{Id: h.nextID(), Tid: t.Tid, Mask: mask, Event: uint32(event)}
	p.Watches = append(p.Watches, w)
	h.showSignals(c, p, 0)
	out.Id, out.Event = w.Id, w.Event
	return uabi.OK
}

// SignalUnwatch implements proc.Handler.
func (h *Procd) SignalUnwatch(c *server.Ctx, in *proc.WatchRequest, out *proc.EmptyReply) uabi.Error {
	if p, i := h.findWatch(in.Id); p != nil {
		c.Close(uabi.Handle(p.Watches[i].Event))
		p.Watches = slices.Delete(p.Watches, i, i+1)
	}
	return uabi.OK
}

// findWatch is the process that a watch looks at, and its place there; nil when that process is gone.
func (h *Procd) findWatch(id uint64) (*state.Process, int) {
	for _, p := range h.procs.All() {
		if i := slices.IndexFunc(p.Watches, func(w *state.Watch) bool { return w.Id == id }); i >= 0 {
			return p, i
		}
	}
	return nil, 0
}

// showSignals brings the events of a process's watches up to date; came are signals that are new, even of a number that was pending already.
func (h *Procd) showSignals(c *server.Ctx, p *state.Process, came signal.Set) {
	for _, w := range p.Watches {
		pending := p.Pending.GetSet()
		if t := h.threads.Get(w.Tid); t != nil && t.Pid == p.Pid {
			pending |= t.Pending.GetSet()
		}
		up := pending&w.Mask != 0
		switch {
		case up && (!w.Up || came&w.Mask != 0):
			c.EventUpdate(uabi.Handle(w.Event), watchBit, 0, 0)
		case !up && w.Up:
			c.EventUpdate(uabi.Handle(w.Event), 0, watchBit, 0)
		}
		w.Up = up
	}
}

// dropWatches is for a process that has ended: nothing is pending for it any more.
func (h *Procd) dropWatches(c *server.Ctx, p *state.Process) {
	h.showSignals(c, p, 0)
	for _, w := range p.Watches {
		c.Close(uabi.Handle(w.Event))
	}
	p.Watches = nil
}
