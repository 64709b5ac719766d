package main

import (
	"fmt"

	"aramid/proto/root"
	"aramid/servers/rootd/wire"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// probeName is the process that makes calls for `aramid proto`: rootd itself is below every server and calls none.
const probeName = "probe"

// probeTime is how long a server may take to answer.
const probeTime = 20e9 // ns

// call has the probe make one call. The request and the reply are in its kept memory; it is started for each, and keeps its handles as every
// restarted process does.
func (r *system) call(k uk.Kernel, body []byte) (message, error) {
	var in root.CallRequest
	if err := in.UnmarshalVT(body); err != nil {
		return nil, uabi.ErrDecode
	}
	p := r.find(probeName)
	if p == nil || in.Method != 0 && r.find(in.Server) == nil {
		return nil, notFound(in.Server)
	}
	if err := wire.Write(k, p.entry.Kept, wire.Request, body); err != uabi.OK {
		return nil, err
	}
	if err := p.once(k); err != nil {
		return nil, err
	}
	text, err := wire.Read(k, p.entry.Kept, wire.Reply)
	if err != uabi.OK {
		return nil, err
	}
	out := &root.CallReply{}
	return out, out.UnmarshalVT(text)
}

// once starts the process and waits for its end.
func (s *srv) once(k uk.Kernel) error {
	k.EventUpdate(s.event, 0, uabi.ProcessDied, 0)
	s.mu.Lock()
	err := s.load(k, "call")
	s.mu.Unlock()
	if err != nil {
		return err
	}
	now, _ := k.Clock(uabi.ClockMonotonic)
	if _, err := k.EventWait(s.event, uabi.ProcessDied, uabi.NoDeadline, now+probeTime); err != uabi.OK {
		k.ProcessKill(s.entry.Process, statusKilled)
		return fmt.Errorf("no answer: %w", err)
	}
	return nil
}
