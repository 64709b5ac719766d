package restart

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"aramid/boot/qemu"
	"aramid/proto/control"
	"aramid/proto/root"
)

// limit is how long one machine's answer may take; TCG on a busy host is slow. A hang is a failure.
const limit = 60 * time.Second

// machine is a running machine.
type machine struct {
	t       *testing.T
	log     string // file
	console net.Conn
	in      *bufio.Reader
	control net.Conn
	reply   *bufio.Reader
	seq     uint32
	drop    string
}

// boot starts a machine, waits until the storm answers, and ends it with the test.
func boot(t *testing.T, q qemu.Machine) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t: t, log: filepath.Join(dir, "log")}
	console := filepath.Join(dir, "console")
	q.Log, q.Control, q.Accel = m.log, filepath.Join(dir, "control"), "tcg"
	m.drop = filepath.Join(dir, "drop")
	q.Drop = m.drop
	q.Console = "socket,server=on,wait=on,path=" + console
	cmd, err := q.Command()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s\nthe log's end:\n%s", out.Bytes(), m.tail())
		}
	})
	m.console = m.dial(console)
	m.control = m.dial(q.Control)
	m.in, m.reply = bufio.NewReader(m.console), bufio.NewReader(m.control)
	if got := m.answer("boot"); got != "ready" {
		t.Fatalf("the storm says %q", got)
	}
	return m
}

// dial connects to a socket as soon as it is there.
func (m *machine) dial(path string) net.Conn {
	m.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("unix", path)
		if err == nil {
			m.t.Cleanup(func() { c.Close() })
			return c
		}
		if time.Now().After(end) {
			m.t.Fatal(err)
		}
	}
}

// tail is the end of the log.
func (m *machine) tail() string {
	const most = 8 << 10
	b := m.text()
	return b[max(0, len(b)-most):]
}

func (m *machine) text() string {
	b, err := os.ReadFile(m.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// do sends a command to the storm and returns its answer.
func (m *machine) do(format string, a ...any) string {
	m.t.Helper()
	m.send(format, a...)
	return m.answer(fmt.Sprintf(format, a...))
}

// send sends a command whose answer is fetched later.
func (m *machine) send(format string, a ...any) {
	m.t.Helper()
	if _, err := fmt.Fprintf(m.console, format+"\n", a...); err != nil {
		m.t.Fatal(err)
	}
}

// answer waits for the answer to a command.
func (m *machine) answer(what string) string {
	m.t.Helper()
	m.console.SetReadDeadline(time.Now().Add(limit))
	line, err := m.in.ReadString('\n')
	if err != nil {
		m.t.Fatalf("%s: no answer: %v", what, err)
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(line), "ok")
	if !ok {
		m.t.Fatalf("%s: %s", what, line)
	}
	return strings.TrimSpace(text)
}

// message is what the generated messages have in common.
type message interface {
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// call makes a request to rootd; its error is rootd's.
func (m *machine) call(method uint32, in, out message, data []byte) error {
	m.t.Helper()
	m.seq++
	body, err := in.MarshalVT()
	if err != nil {
		m.t.Fatal(err)
	}
	m.control.SetDeadline(time.Now().Add(limit))
	if err := control.Write(m.control, &control.Frame{Seq: m.seq, Code: method, Body: body, Data: data}); err != nil {
		m.t.Fatalf("control channel: %v", err)
	}
	for {
		f, err := control.Read(m.reply)
		switch {
		case err != nil:
			m.t.Fatalf("control channel: no reply: %v", err)
		case f.Seq != m.seq:
		case f.Code != 0:
			return fmt.Errorf("%s", f.Body)
		default:
			return out.UnmarshalVT(f.Body)
		}
	}
}

// must is call where an error is a failure.
func (m *machine) must(method uint32, in, out message, data []byte) {
	m.t.Helper()
	if err := m.call(method, in, out, data); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) kill(server string) {
	m.t.Helper()
	m.must(root.MethodKill, &root.ServerRequest{Server: server}, &root.EmptyReply{}, nil)
}

// swap replaces a server's binary by that of one of the programs.
func (m *machine) swap(server, program string) error {
	m.t.Helper()
	b, err := os.ReadFile(filepath.Join(built, program))
	if err != nil {
		m.t.Fatal(err)
	}
	f, err := os.OpenFile(m.drop, os.O_WRONLY, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if err := control.PutDrop(f, m.seq+1, b); err != nil {
		m.t.Fatal(err)
	}
	return m.call(root.MethodSwap, &root.SwapRequest{Server: server, Len: uint64(len(b))}, &root.EmptyReply{}, nil)
}

// ps is rootd's list by name.
func (m *machine) ps() map[string]*root.Process {
	m.t.Helper()
	var out root.PsReply
	m.must(root.MethodPs, &root.PsRequest{}, &out, nil)
	all := map[string]*root.Process{}
	for _, p := range out.Processes {
		all[p.Name] = p
	}
	return all
}

// waitLog waits until the log matches.
func (m *machine) waitLog(pattern string) {
	m.t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	for end := time.Now().Add(limit); !re.MatchString(m.text()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("the log does not come to hold %q", pattern)
		}
	}
}

// count is how often the log matches.
func (m *machine) count(pattern string) int {
	return len(regexp.MustCompile("(?m)"+pattern).FindAllString(m.text(), -1))
}
