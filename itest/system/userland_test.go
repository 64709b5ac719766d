package system

import (
	"strings"
	"testing"
)

func TestWithoutARootTheBuiltInUserlandRuns(t *testing.T) {
	got := run(t, "run", "--", "ls", "/")
	if want := "bin\ndev\netc\nproc\nroot\nrun\nsys\ntmp\n"; got.out != want || got.status != 0 {
		t.Errorf("ls: %+v", got)
	}
	got = run(t, "run", "--", "gosh", "-c", "echo $((6*7)) | tr 4 5; exit 7")
	if got.out != "52\n" || got.status != 7 {
		t.Errorf("gosh: %+v", got)
	}
	got = runWithInput(t, "echo one > /tmp/f; cat /tmp/f | wc -c\nexit\n", "run")
	if !strings.Contains(got.out, "4\n") || got.status != 0 {
		t.Errorf("interactive gosh: %+v", got)
	}
}

func TestWordsThatAreNotOursReachInitAsOnLinux(t *testing.T) {
	dir := t.TempDir()
	busybox(t, dir)
	got := run(t, "run", "--root", dir, "--append", "a.b=c COLOUR=red quiet init=/bin/busybox -- sh -c echo${IFS}$COLOUR;exit${IFS}5")
	if got.out != "red\n" || got.status != 5 {
		t.Errorf("%+v", got)
	}
	got = run(t, "run", "--root", dir, "--append", "a.b=c COLOUR=red", "--", "/bin/busybox", "sh", "-c", "busybox cat /proc/cmdline; echo ${COLOUR-none}")
	if !strings.Contains(got.out, " a.b=c COLOUR=red\nnone\n") {
		t.Errorf("%+v", got)
	}
}
