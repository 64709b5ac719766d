package system

import (
	"os"
	"strings"
	"testing"
)

// Each testdata/proto/SERVER.script holds on a running machine, also when an earlier run left things behind. (More scripts are in the servers' own tests.)
func TestProtocolScriptsHoldOnARunningMachine(t *testing.T) {
	dir := t.TempDir()
	busybox(t, dir)
	g := launch(t, dir, 1, []string{"/bin/busybox", "sh", "-c", "echo up; sleep 1000"})
	g.begun()
	for range 2 {
		for _, server := range []string{"mmd", "procd", "vfsd", "netd"} {
			if got := run(t, "proto", "--vm", g.name, server, "testdata/proto/"+server+".script"); got.status != 0 {
				t.Errorf("%s: %+v", server, got)
			}
		}
	}
	if got := run(t, "trace", "--vm", g.name, "vfsd"); got.status != 0 || strings.Contains(got.out, " mmd ") {
		t.Errorf("trace: %+v", got)
	}
	if got := run(t, "trace", "--vm", g.name, "none"); got.status != 1 || !strings.Contains(got.err, "no server is called none") {
		t.Errorf("trace: %+v", got)
	}
	g.stop(t)
}

// stop ends the machine.
func (g *guest) stop(t *testing.T) {
	t.Helper()
	if err := g.process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-g.done
}
