package distro

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// top is the repository's root, aramid the command under test.
const (
	top    = "../.."
	aramid = top + "/build/aramid"
	root   = top + "/build/debian-12.erofs"
)

// How long a machine may take until its shell answers, and for one command. TCG on a busy host is slow; a hang is a failure all the same.
const (
	bootLimit    = 300 * time.Second
	commandLimit = 90 * time.Second
	// multiUserLimit is how long all of multi-user.target may take.
	multiUserLimit = 10 * time.Minute
)

func TestMain(m *testing.M) {
	if out, err := exec.Command("make", "-C", top, "image", "rootfs").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "make image rootfs: %v\n%s", err, out)
		os.Exit(1)
	}
	status := m.Run()
	removeTree()
	os.Exit(status)
}

// machine is Debian on Aramid, with its console on our side of two pipes.
type machine struct {
	t     *testing.T
	name  string
	log   string // file
	cmd   *exec.Cmd
	in    io.WriteCloser
	ended chan error

	mu   sync.Mutex
	out  bytes.Buffer
	more chan struct{} // something was printed
	seen int           // of out: what was expected before
}

// Write takes console output.
func (m *machine) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out.Write(b)
	select {
	case m.more <- struct{}{}:
	default:
	}
	return len(b), nil
}

// text is all output so far.
func (m *machine) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out.String()
}

var machines int

// noRandom has all programs lie at the same addresses each time. QEMU finds what it has translated by the virtual address, so that they run in half
// the time.
const noRandom = "norandmaps"

// boot starts the machine that make run starts, with more words for the kernel command line.
func boot(t *testing.T, smp int, words ...string) *machine {
	t.Helper()
	return start(t, smp, append(words, "systemd.unit=aramid-console.target")...)
}

// start starts a machine with words for the kernel command line.
func start(t *testing.T, smp int, words ...string) *machine {
	t.Helper()
	machines++
	m := &machine{t: t, name: fmt.Sprintf("distro%d-%d", os.Getpid(), machines), log: filepath.Join(t.TempDir(), "log"), ended: make(chan error, 1), more: make(chan struct{}, 1)}
	m.cmd = exec.Command(aramid, "run", "--name", m.name, "--root", root, "--mem", "1G", "--smp", fmt.Sprint(smp), "--log", m.log, "--append", strings.Join(words, " "))
	m.cmd.Stdout, m.cmd.Stderr = m, m
	in, err := m.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.in = in
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { m.ended <- m.cmd.Wait() }()
	t.Cleanup(func() { m.cmd.Process.Signal(os.Interrupt); in.Close() })
	return m
}

// expect waits until want has been printed behind what was expected before.
func (m *machine) expect(want string, limit time.Duration) string {
	m.t.Helper()
	late := time.After(limit)
	for {
		m.mu.Lock()
		rest := m.out.Bytes()[m.seen:]
		if i := bytes.Index(rest, []byte(want)); i >= 0 {
			got := string(rest[:i+len(want)])
			m.seen += i + len(want)
			m.mu.Unlock()
			return got
		}
		m.mu.Unlock()
		select {
		case <-m.more:
		case err := <-m.ended:
			m.t.Fatalf("the machine ended (%v) before %q\n%s", err, want, m.tail())
		case <-late:
			m.t.Fatalf("no %q after %v\n%s", want, limit, m.tail())
		}
	}
}

// tail is the end of the console and of the log, for a failure.
func (m *machine) tail() string {
	const lines = 40
	last := func(s string) string {
		l := strings.Split(strings.TrimRight(s, "\n"), "\n")
		return strings.Join(l[max(0, len(l)-lines):], "\n")
	}
	log, _ := os.ReadFile(m.log)
	return "console:\n" + last(m.text()) + "\nlog:\n" + last(string(log))
}

// shell waits for the prompt of the console shell.
func (m *machine) shell() {
	m.t.Helper()
	m.expect("Reached target", bootLimit)
	m.in.Write([]byte("\n"))
	m.expect("# ", bootLimit)
	m.run("stty -echo; export PS1= SYSTEMD_COLORS=0 SYSTEMD_URLIFY=0")
	m.run("")
}

// run has the shell run a command and returns what it printed. Its end is a word that is not in the command as it is typed.
func (m *machine) run(command string) string {
	m.t.Helper()
	return m.runWithin(commandLimit, command)
}

func (m *machine) runWithin(limit time.Duration, command string) string {
	m.t.Helper()
	machineWord++
	word := fmt.Sprintf("end-of-%d", machineWord)
	fmt.Fprintf(m.in, "%s\necho \"end-of\"-%d\n", command, machineWord)
	out := m.expect(word, limit)
	return strings.ReplaceAll(strings.TrimSuffix(out, word), "\r", "")
}

var machineWord = 1000

// powerOff ends the machine as its user would; its status must be 0.
func (m *machine) powerOff() {
	m.t.Helper()
	io.WriteString(m.in, "systemctl poweroff\n")
	select {
	case err := <-m.ended:
		if err != nil {
			m.t.Fatalf("the machine ended with %v\n%s", err, m.tail())
		}
	case <-time.After(bootLimit):
		m.t.Fatalf("no power off after %v\n%s", bootLimit, m.tail())
	}
	m.sound()
}

// sound fails the test when systemd says that something failed, or vfsd that the image is damaged.
func (m *machine) sound() {
	m.t.Helper()
	for _, bad := range []string{"FAILED", "damaged"} {
		if strings.Contains(m.text(), bad) {
			m.t.Errorf("something is %s:\n%s", bad, m.text())
		}
	}
}

// control runs a command like aramid kill on the machine.
func (m *machine) control(args ...string) string {
	m.t.Helper()
	args = append([]string{args[0], "--vm", m.name}, args[1:]...)
	out, err := exec.Command(aramid, args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("aramid %v: %v\n%s\n%s", args, err, out, m.tail())
	}
	return string(out)
}
