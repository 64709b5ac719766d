package server

import (
	"errors"
	"fmt"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// errIntentEnds stops a replay on the host where an open intent would go on live.
var errIntentEnds = errors.New("server: the open intent's log ends here")

// replayBuffer is what a replayed dispatch reads its request from. Out is the thread's: a handler that goes live sends from it.
func (s *server) replayBuffer(in *uabi.Msg, bytes []byte) *uk.Buffer {
	return &uk.Buffer{In: in, InBytes: bytes, Out: s.b.Out, OutBytes: s.b.OutBytes, Arg: s.b.Arg}
}

// replayLog runs every committed record. It returns the open one behind them, if there is one. before, if not nil, sees each
// record before it is run.
func (s *server) replayLog(before func(Record)) (last record, intent bool) {
	k := s.kept
	in := new(uabi.Msg)
	rb := s.replayBuffer(in, nil)
	for {
		r, bytes, ok := k.read(k.tail, in)
		if !ok {
			return record{}, false
		}
		if r.id.Origin == s.self {
			s.counter = max(s.counter, r.id.Trap)
		}
		if before != nil {
			before(s.describe(r, in, bytes))
		}
		if r.open {
			return r, true
		}
		s.step(stepReplay)
		rb.InBytes = bytes
		s.replayRecord(r, rb)
		s.count(healthReplayed)
		k.tail = r.end
	}
}

// replayRecord runs one committed record for its effect on the state, and retains its reply.
func (s *server) replayRecord(r record, rb *uk.Buffer) {
	c := &s.ctx
	c.reset(modeReplay, rb, r.id, r.badge)
	c.rec, c.cursor = r, r.inputs
	c.arrive(rb.In)
	status := uabi.OK
	trailer := s.trailer(r)
	switch {
	case r.noRun:
		status = uabi.ErrIO
	case r.kind == recCall:
		status = s.spec.Service.Dispatch.Dispatch(c, r.method, rb)
	default:
		s.tell(r.kind, rb.In.W[0], rb.In.W[1])
	}
	s.redo = uabi.EventUpdate{}
	if status == uabi.OK {
		s.redo = c.later
	}
	closing := c.closing
	// What it minted was minted then, and what it closed was closed or is cleaned up.
	c.reset(modeLookup, s.b, uabi.ID{}, 0)
	logged := uabi.Error(s.kept.w[trailer] & repStatusMask)
	if logged != status {
		s.count(healthDiverged)
		s.logf("replay diverged: %v method %d gave %v and now gives %v", r.kind, r.method, logged, status)
	}
	s.last, s.lastOrigin = trailer, r.id.Origin
	switch {
	case r.kind == recThread:
		s.ret.remove(rb.In.W[0])
	case r.id.Origin != s.self:
		s.retain(&r.id, trailer, logged == uabi.OK)
	}
	c.closing = closing
	s.forgetLent(r.id.Origin)
	c.closing = c.closing[:0]
}

// trailer walks a committed record's inputs to its trailer.
func (s *server) trailer(r record) int {
	w := s.kept.w
	at := r.inputs
	for input(w[at]&inKindMask) != inEnd {
		at += 1 + wordsOf(int(w[at]>>inSizeShift))
	}
	return at + 1
}

// Record is one record as a debugger's user sees it.
type Record struct {
	Kind   string
	Method string
	ID     uabi.ID
	Badge  uint64
	Bytes  int  // of the record
	Open   bool // an intent
	W      [uabi.MaxWords]uint64
	Body   []byte
}

func (s *server) describe(r record, in *uabi.Msg, bytes []byte) Record {
	d := Record{Kind: r.kind.String(), ID: r.id, Badge: r.badge, Bytes: (r.end - r.at) * wordSize, Open: r.open, W: in.W, Body: bytes}
	if i := int(r.method) - 1; r.kind == recCall && i >= 0 && i < len(s.methods) {
		d.Method = s.methods[i].Name
	}
	return d
}

// Report is what Replay found.
type Report struct {
	Records int
	Open    bool // the last record is an intent; it was run as far as its log goes
	Health  Health
}

// Replay drives a server's handlers with a journal taken from a running system (the bytes of its kept memory), on the host, with no
// kernel: under a debugger, set a breakpoint in a handler. spec.State ends up as it was. before, if not nil, sees each record
// before its handler runs. The journal is not changed.
func Replay(spec Spec, journal []byte, before func(Record)) (rep Report, err error) {
	return ReplayIn(spec, append([]byte(nil), journal[:len(journal)&^(wordSize-1)]...), before)
}

// ReplayIn is Replay in mem itself, which is of no use afterwards.
func ReplayIn(spec Spec, mem []byte, before func(Record)) (rep Report, err error) {
	buf := &uk.Buffer{In: new(uabi.Msg), Out: new(uabi.Msg), Arg: make([]byte, uabi.ArgSize), OutBytes: make([]byte, uabi.MaxBytes)}
	s := prepare(nil, buf, mem, spec)
	s.host = true
	k, cold, err := openKept(mem)
	if err != nil || cold {
		return rep, err
	}
	s.kept = k
	// Own ids are recognised by their mark: which process it was does not matter here.
	s.self = s.findSelf()
	if err := s.load(); err != nil {
		return rep, err
	}
	rep.Health = k.health()
	defer func() {
		if p := recover(); p == errIntentEnds {
			err = nil
		} else if p != nil {
			err = fmt.Errorf("record %d: %v", rep.Records, p)
		}
	}()
	r, open := s.replayLog(func(d Record) {
		rep.Records++
		if before != nil {
			before(d)
		}
	})
	if open {
		rep.Open = true
		s.runOpen(r, true, false)
	}
	return rep, nil
}

// findSelf looks for a record of the server's own in the log.
func (s *server) findSelf() uint64 {
	in := new(uabi.Msg)
	for o := s.kept.log; ; {
		r, _, ok := s.kept.read(o, in)
		if !ok {
			return 0
		}
		if r.kind != recCall {
			return r.id.Origin
		}
		o = r.end
	}
}
