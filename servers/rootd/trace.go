package main

import (
	"fmt"
	"maps"
	"slices"

	"aramid/proto/root"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// traceNames are the kernel's trace events by number (package ktrace's Ev… in order) with what their three words are.
var traceNames = [...]string{
	1: "call number=%#x a=%#x b=%#x", 2: "return number=%#x result=%#x second=%#x", 3: "runtime call=%d a=%#x result=%#x",
	4: "gap number=%#x rip=%#x seen=%d", 5: "send endpoint=%d method=%d trap=%d", 6: "deliver endpoint=%d kind=%d badge=%#x",
	7: "reply kind=%d status=%d word=%#x", 8: "trap cause=%d number=%#x rip=%#x", 9: "fault address=%#x code=%#x result=%d",
	10: "exception vector=%d rip=%#x address=%#x", 11: "signal number=%d rip=%#x handler=%#x", 12: "switch from=%d cpu=%d%.0d",
	13: "irq line=%d%.0d%.0d", 14: "start process=%d starts=%d entry=%#x", 15: "death process=%d status=%d%.0d",
	16: "restart of rootd tries=%d delay=%d%.0d",
}

// maxTrace is how many records one reply holds.
const maxTrace = 512

// trace gives the kernel's trace records from in.From on; when a server is named, those of its threads. With From 0 it takes a picture of the rings
// first, from which later pages come: what rootd does to answer would soon fill them.
func (r *system) trace(k uk.Kernel, body []byte) (message, error) {
	var in root.TraceRequest
	if err := in.UnmarshalVT(body); err != nil {
		return nil, uabi.ErrDecode
	}
	if in.From == 0 {
		recs, err := allRecords(k)
		if err != uabi.OK {
			return nil, err
		}
		r.traced = recs
	}
	names := r.processNames(k)
	if in.Server != "" && !slices.Contains(slices.Collect(maps.Values(names)), in.Server) {
		return nil, notFound(in.Server)
	}
	out := &root.TraceReply{Next: in.From}
	most := int(min(max(in.Max, 1), maxTrace))
	owner := map[uint64]string{} // by thread: a switch does not say whose it is
	for i := range r.traced {
		t := &r.traced[i]
		name := names[t.Process]
		if name != "" {
			owner[t.Thread] = name
		} else if name = owner[t.Thread]; name == "" {
			name = "-"
		}
		if t.Seq < in.From || in.Server != "" && name != in.Server {
			continue
		}
		if len(out.Lines) == most {
			break
		}
		out.Next = t.Seq + 1
		out.Lines = append(out.Lines, traceLine(t, name))
	}
	return out, nil
}

// allRecords are what the rings hold now.
func allRecords(k uk.Kernel) (all []uabi.TraceRecord, err uabi.Error) {
	const (
		rings = 8 // of maxTrace records
		piece = 2 * maxTrace
	)
	for from := uint64(0); len(all) < rings*maxTrace; {
		recs := make([]uabi.TraceRecord, piece)
		n, next, err := k.Trace(uabi.BootPower, from, recs)
		if err != uabi.OK {
			return nil, err
		}
		if all = append(all, recs[:n]...); n < piece {
			break
		}
		from = next
	}
	return all, uabi.OK
}

// processNames are the names of the servers, and rootd's, by the kernel's process id.
func (r *system) processNames(k uk.Kernel) map[uint16]string {
	names := map[uint16]string{}
	var i uabi.ProcessInfo
	if k.ProcessInfo(uabi.BootProcess, &i) == uabi.OK {
		names[uint16(i.ID)] = selfName
	}
	for _, s := range r.servers {
		if k.ProcessInfo(s.entry.Process, &i) == uabi.OK {
			names[uint16(i.ID)] = s.line.name
		}
	}
	return names
}

func traceLine(t *uabi.TraceRecord, name string) string {
	format := "event=%d %#x %#x"
	if int(t.Event) < len(traceNames) {
		format = traceNames[t.Event]
	}
	return fmt.Sprintf("%12d %13.6f ms cpu%d %-8s thread %-5d "+format, t.Seq, float64(t.NS)/1e6, t.CPU, name, t.Thread, t.A, t.B, t.C)
}
