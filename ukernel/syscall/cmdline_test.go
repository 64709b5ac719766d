package syscall

import "testing"

func TestTheKernelTakesItsWordsAndLeavesTheRestToRingThree(t *testing.T) {
	c := parseCmdline([]byte("  trace=on cpus=2\twatchdog=250 log=quiet aramid.run=/hello nonsense cpus=x"))
	if c.bad != nil || !c.trace || c.cpus != 2 || c.watchdogMS != 250 || !c.quiet {
		t.Fatalf("%+v", c)
	}
	if c := parseCmdline(nil); c.bad != nil || c.trace || c.cpus != 0 {
		t.Fatalf("empty line: %+v", c)
	}
}

func TestAnUnknownWordIsNamed(t *testing.T) {
	for line, bad := range map[string]string{
		"quiet":              "quiet",
		"trace=on cpus=0":    "cpus=0",
		"cpus=":              "cpus=",
		"cpus=1234567890123": "cpus=1234567890123",
		"watchdog=1s aramid": "watchdog=1s",
		"aramid":             "aramid",
		"trace=maybe":        "trace=maybe",
	} {
		if c := parseCmdline([]byte(line)); string(c.bad) != bad {
			t.Errorf("%q: bad word %q, want %q", line, c.bad, bad)
		}
	}
}
