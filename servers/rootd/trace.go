package main

import (
	"fmt"

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

// trace gives the kernel's trace records from in.From on.
func trace(k uk.Kernel, body []byte) (message, error) {
	var in root.TraceRequest
	if err := in.UnmarshalVT(body); err != nil {
		return nil, uabi.ErrDecode
	}
	if in.Server != "" {
		return nil, fmt.Errorf("records do not say which server they belong to; trace without a name: %w", uabi.ErrUnsupported)
	}
	recs := make([]uabi.TraceRecord, min(max(in.Max, 1), maxTrace))
	n, next, err := k.Trace(uabi.BootPower, in.From, recs)
	if err != uabi.OK {
		return nil, err
	}
	out := &root.TraceReply{Next: next}
	for _, t := range recs[:n] {
		format := "event=%d %#x %#x"
		if int(t.Event) < len(traceNames) {
			format = traceNames[t.Event]
		}
		out.Lines = append(out.Lines, fmt.Sprintf("%12d %13.6f ms cpu%d thread %-5d "+format, t.Seq, float64(t.NS)/1e6, t.CPU, t.Thread, t.A, t.B, t.C))
	}
	return out, nil
}
