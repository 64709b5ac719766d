package calls

import "testing"

func TestTracingLogsAllCallsOrTheFirstOfEachOutcomeOrNone(t *testing.T) {
	ends := []outcome{{1, false}, {1, false}, {1, true}, {2, true}, {1, true}, {2, false}}
	for which, want := range map[string]string{"": "......", "off": "......", "on": "xxxxxx", "first": "x.xx.x"} {
		var l Linux
		l.Trace(which)
		got := ""
		for _, o := range ends {
			if l.trace.on && l.trace.wanted(o) {
				got += "x"
			} else {
				got += "."
			}
		}
		if got != want {
			t.Errorf("%q logs %s, want %s", which, got, want)
		}
	}
}
