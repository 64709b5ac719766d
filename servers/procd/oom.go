package main

import (
	"math"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// cameBack is how many more frames must be free than when the last victim was chosen, that nobody else has to end: what a small process has.
const cameBack = 64

// OutOfMemory implements proc.Handler.
func (h *Procd) OutOfMemory(c *server.Ctx, in *proc.EmptyRequest, out *proc.VictimReply) uabi.Error {
	_, own, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if own.Exiting {
		return uabi.OK
	}
	for _, p := range h.procs.Values() {
		if p.Victim && p.Phase != state.Phase_ZOMBIE {
			return h.wait(c, p, bitThread, uabi.NoDeadline)
		}
	}
	v, use := h.chooseVictim(c)
	free, err := c.FramesFree() // mmd has answered: what was dropped before is free by now
	if err != uabi.OK {
		return err
	}
	if h.top.VictimFree != 0 && free > h.top.VictimFree+cameBack {
		h.top.VictimFree = 0
		return uabi.OK
	}
	if v == nil {
		return uabi.ErrSearch
	}
	h.top.VictimFree = free
	out.Pid, out.Mapped, out.Resident, out.OomScoreAdj = v.Pid, use.Mapped, use.Resident, v.OomScoreAdj
	if t := h.anyThread(v); t != nil {
		out.Name, out.Uid = strings.Clone(t.Name), h.creds.Get(t.Creds).Ruid
	}
	for _, p := range h.procs.Values() {
		if p.Mm == v.Mm && p.Pid != initPid {
			p.Victim = true
			h.exitGroup(c, p, signal.Killed(uint32(unix.SIGKILL)))
		}
	}
	return uabi.OK
}

// chooseVictim is Linux's select_bad_process: of those that may be killed, who has most memory, after what oom_score_adj adds in
// thousandths of the machine's. nil: nobody.
func (h *Procd) chooseVictim(c *server.Ctx) (v *state.Process, use *mm.UsageReply) {
	const thousandths = 1000
	most := int64(math.MinInt64)
	for _, p := range h.procs.Values() {
		m := h.mms.Get(p.Mm)
		if p.Pid == initPid || p.Exiting || m == nil || p.Mm == h.procs.Get(initPid).Mm || p.OomScoreAdj == oomLeast {
			continue
		}
		u := &mm.UsageReply{}
		if err := (mm.Client{H: uabi.Handle(m.Mm)}).Usage(c, &mm.EmptyRequest{}, u); err != uabi.OK {
			continue
		}
		if points := int64(u.Resident) + int64(u.Memory/thousandths)*int64(p.OomScoreAdj); points >= most {
			most, v, use = points, p, u
		}
	}
	return v, use
}
