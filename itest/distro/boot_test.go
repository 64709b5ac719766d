package distro

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// said are lines of a boot that must come, in this order.
var said = []string{"running in system mode", "Detected architecture x86-64", "Welcome to", "Debian GNU/Linux 12", "Started", "Aramid Console Shell"}

// TestStockSystemdReachesAConsoleShellThatWorks is the mission's first proof: nothing of the root is rebuilt or patched.
func TestStockSystemdReachesAConsoleShellThatWorks(t *testing.T) {
	m := boot(t, 1)
	for _, s := range said {
		m.expect(s, bootLimit)
	}
	m.shell()
	for _, c := range []struct{ command, want string }{
		{"echo $((6*7))", `(?m)^42$`},
		{"ls -l /proc/self/fd", `(?m)^l.* 0 -> /dev/console$`},
		{"ps aux", `(?ms)^USER .*^root +1 .*/sbin/init.*ps aux`},
		{"systemctl is-system-running", `(?m)^running$`},
		{"systemctl list-units --no-pager --plain | cat", `(?s)aramid-console\.service +loaded active running Aramid Console Shell.*loaded units listed`},
		{"systemctl status --no-pager", `(?s)State: running.*Failed: 0 units.*aramid-console\.service`},
		{"systemctl status --no-pager aramid-console.service", `Active: active \(running\)`},
		{"sleep 100 & jobs; kill %1; wait; echo gone", `(?s)Running +sleep 100.*gone`},
		{"bash -ic 'sleep 50 & kill -STOP %1; sleep 0.2; jobs; kill -CONT %1; kill %1; wait; exit' 2>/dev/null", `Stopped +sleep 50`},
		{"tty", `/dev/console`},
		{"echo through | cat /dev/stdin", `(?m)^through$`},
		{"mount | head -3", `(?m)^\S+ on / type overlay`},
		{"cat /proc/1/comm; readlink /proc/1/exe", `systemd\n/usr/lib/systemd/systemd`},
	} {
		if got := m.run(c.command); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s printed %q, want %s", c.command, got, c.want)
		}
	}
	m.powerOff()
	checkGaps(t, m)
}

// TestStockSystemdReachesMultiUserAndAsksWhoLogsIn boots what systemd boots when nothing is asked for. The root has no udev, so that the device that the
// serial console's getty waits for never comes, there or on Linux: the getty of containers asks instead.
func TestStockSystemdReachesMultiUserAndAsksWhoLogsIn(t *testing.T) {
	m := start(t, 1, "systemd.mask=serial-getty@ttyS0.service systemd.wants=console-getty.service")
	m.expect("Welcome to", bootLimit)
	m.expect("multi-user.target", multiUserLimit)
	fmt.Fprint(m.in, "\n") // the getty may have asked before
	m.expect("login: ", commandLimit)
	fmt.Fprint(m.in, "nobody-is-called-so\n")
	m.expect("Password: ", commandLimit)
	fmt.Fprint(m.in, "nothing\n")
	m.expect("Login incorrect", commandLimit)
	for _, s := range []string{"Started", "Journal Service"} {
		if !strings.Contains(m.text(), s) {
			t.Errorf("no %q", s)
		}
	}
	m.sound()
	checkGaps(t, m)
}

// gapLine is what linuxabi logs of the first use of each kind that it cannot serve.
var gapLine = regexp.MustCompile(`(?m)^linuxabi: gap: (.*)$`)

// checkGaps compares what a boot missed with gaps.txt, each line of which says why it may.
func checkGaps(t *testing.T, m *machine) {
	t.Helper()
	list, err := os.ReadFile("gaps.txt")
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	for l := range strings.SplitSeq(string(list), "\n") {
		if what, why, ok := strings.Cut(l, " # "); ok && why != "" && !strings.HasPrefix(l, "#") {
			allowed[strings.TrimSpace(what)] = true
		}
	}
	log, err := os.ReadFile(m.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gapLine.FindAllStringSubmatch(string(log), -1) {
		if !allowed[strings.TrimSpace(g[1])] {
			t.Errorf("a gap that gaps.txt does not allow: %s", g[1])
		}
	}
}

// twice has a program say where it lies, and asks whether that differs another time.
const twice = "cmp -s <(cat /proc/self/maps) <(cat /proc/self/maps); echo $?"

// TestProgramsRunFromTheDebianRoot is docker run on the same root.
func TestProgramsRunFromTheDebianRoot(t *testing.T) {
	for _, c := range []struct {
		argv   []string
		out    string
		status int
	}{
		{[]string{"/bin/bash", "-c", "exit 7"}, "", 7},
		{[]string{"bash", "-c", "echo a | sed s/a/b/; id -un; test -w /etc && cat /etc/debian_version | cut -d. -f1"}, "b\nroot\n12\n", 0},
		{[]string{"bash", "-c", twice + "; echo 2 >/proc/sys/kernel/randomize_va_space; " + twice}, "0\n1\n", 0},
		{[]string{"/bin/nothing"}, "", 127},
	} {
		cmd := exec.Command(aramid, append([]string{"run", "--root", root, "--append", noRandom, "--timeout", bootLimit.String(), "--"}, c.argv...)...)
		out, err := cmd.Output()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if string(out) != c.out || cmd.ProcessState.ExitCode() != c.status {
			t.Errorf("%q: %q, status %d", c.argv, out, cmd.ProcessState.ExitCode())
		}
	}
}
