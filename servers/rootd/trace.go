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

// trace gives the kernel's trace records from in.From on; when a server is named, those of its threads.
func (r *system) trace(k uk.Kernel, body []byte) (message, error) {
	var in root.TraceRequest
	if err := in.UnmarshalVT(body); err != nil {
		return nil, uabi.ErrDecode
	}
	names := r.processNames(k)
	only := func(string) bool { return true }
	if in.Server != "" {
		if !slices.Contains(slices.Collect(maps.Values(names)), in.Server) {
			return nil, notFound(in.Server)
		}
		only = func(name string) bool { return name == in.Server }
	}
	out := &root.TraceReply{Next: in.From}
	most := int(min(max(in.Max, 1), maxTrace))
	owner := map[uint64]string{} // by thread: a switch does not say whose it is
	for len(out.Lines) < most {
		recs := make([]uabi.TraceRecord, most)
		n, next, err := k.Trace(uabi.BootPower, out.Next, recs)
		if err != uabi.OK {
			return nil, err
		}
		for _, t := range recs[:n] {
			if len(out.Lines) == most {
				return out, nil
			}
			out.Next = t.Seq + 1
			name := names[t.Process]
			if name != "" {
				owner[t.Thread] = name
			} else if name = owner[t.Thread]; name == "" {
				name = "-"
			}
			if only(name) {
				out.Lines = append(out.Lines, traceLine(&t, name))
			}
		}
		if out.Next = next; n < len(recs) {
			break
		}
	}
	return out, nil
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
