package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"aramid/boot/qemu"
	"aramid/boot/rootfs"
	"aramid/boot/userland"
)

// options are run's flags.
type options struct {
	root, accel, cpu, mem, extra, logFile, machine, image, name string
	cpus, mib                                                   int
	icount                                                      bool
	timeout                                                     time.Duration
	env                                                         list
	argv                                                        []string
}

type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func parseRun(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("aramid run", flag.ContinueOnError)
	f.SetOutput(&strings.Builder{}) // run says what is wrong
	f.StringVar(&o.root, "root", "", "root file system: `DIR`, tar, cpio or EROFS file (default: the built-in userland, userland.cpio beside this program)")
	f.IntVar(&o.cpus, "smp", 1, "processors, 1 to 8")
	f.StringVar(&o.mem, "mem", "512M", "memory, `SIZE` with M or G")
	f.StringVar(&o.accel, "accel", "auto", "auto, tcg or kvm")
	f.StringVar(&o.cpu, "cpu", "max", "QEMU processor `MODEL`")
	f.StringVar(&o.machine, "machine", "pc", "QEMU machine, pc or q35")
	f.BoolVar(&o.icount, "icount", false, "count guest instructions as time: 1 ns each")
	f.StringVar(&o.extra, "append", "", "more `WORDS` for the kernel command line; those that are not Aramid's are for init, as on Linux")
	f.DurationVar(&o.timeout, "timeout", 0, "stop the machine after `DUR` and exit with status 124 (0: never)")
	f.StringVar(&o.logFile, "log", "", "`FILE` for the kernel and server log (default: shown only if the machine fails)")
	f.StringVar(&o.image, "image", "", "boot image `FILE` (default: aramid.img beside this program)")
	f.StringVar(&o.name, "name", "", "`NAME` of the machine for ps, restart … (default: this process's id)")
	f.Var(&o.env, "env", "`NAME=VALUE` in the program's environment; may be repeated")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		fmt.Println("usage: aramid run [flags] [-- PROGRAM ARGS…]")
		f.SetOutput(os.Stdout)
		f.PrintDefaults()
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w; `aramid run -h` lists the flags", err)
	}
	o.argv = f.Args()
	if len(o.argv) > 0 && args[len(args)-len(o.argv)-1] != "--" {
		return nil, fmt.Errorf("unexpected %q; put -- before the program", o.argv[0])
	}
	switch {
	case o.cpus < 1 || o.cpus > 8:
		return nil, fmt.Errorf("--smp %d: 1 to 8 processors", o.cpus)
	case !slices.Contains([]string{"auto", "tcg", "kvm"}, o.accel):
		return nil, fmt.Errorf("--accel %q: auto, tcg or kvm", o.accel)
	case o.timeout < 0:
		return nil, fmt.Errorf("--timeout %v: a time that is not negative", o.timeout)
	}
	var err error
	o.mib, err = parseSize(o.mem)
	return o, err
}

// parseSize reads a size like 512M, 2G or plain MiB.
func parseSize(s string) (mib int, err error) {
	unit := 1
	switch {
	case strings.HasSuffix(s, "G"), strings.HasSuffix(s, "g"):
		unit = 1024
	case strings.HasSuffix(s, "M"), strings.HasSuffix(s, "m"):
	default:
		if n, err := strconv.Atoi(s); err == nil && n > 0 {
			return n, nil
		}
		return 0, fmt.Errorf("--mem %q: a number with M or G", s)
	}
	n, err := strconv.Atoi(s[:len(s)-1])
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("--mem %q: a number with M or G", s)
	}
	return n * unit, nil
}

// percentList encodes words for the kernel command line: percent-encoded, joined by commas (docs/servers.md).
func percentList(words []string) string {
	enc := make([]string, len(words))
	for i, w := range words {
		enc[i] = url.PathEscape(w)
		enc[i] = strings.ReplaceAll(enc[i], ",", "%2C")
	}
	return strings.Join(enc, ",")
}

func run(args []string) int {
	o, err := parseRun(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return fail(statusUsage, "%v", err)
	}
	dir, err := newStateDir(o.name)
	if err != nil {
		return fail(statusAramid, "%v", err)
	}
	defer os.RemoveAll(dir)
	m, err := o.describe(dir)
	if err != nil {
		return fail(statusAramid, "%v", err)
	}
	return launch(m, o)
}

// describe makes the machine for o; its files go into dir.
func (o *options) describe(dir string) (*qemu.Machine, error) {
	var err error
	m := &qemu.Machine{Image: o.image, Type: o.machine, CPU: o.cpu, Accel: o.accel, CPUs: o.cpus, MemMiB: o.mib, ICount: o.icount,
		Log: filepath.Join(dir, "log"), Control: filepath.Join(dir, "control"), Drop: filepath.Join(dir, "drop"),
		Console: "socket,server=off,path=" + filepath.Join(dir, "console")}
	if m.Image == "" {
		if m.Image, err = beside("aramid.img"); err != nil {
			return nil, err
		}
	}
	if o.logFile != "" {
		m.Log = o.logFile
		if err := os.WriteFile(m.Log, nil, 0o644); err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
	}
	if o.root == "" {
		if err := o.builtIn(); err != nil {
			return nil, err
		}
	}
	words := []string{}
	initrd, kind, err := rootfs.Prepare(filepath.Join(dir, "root"), o.root)
	if err != nil {
		return nil, err
	}
	m.Initrd = initrd
	words = append(words, "aramid.root="+string(kind))
	if len(o.argv) > 0 {
		words = append(words, "aramid.init="+percentList(o.argv), "aramid.mounts=container")
	}
	if len(o.env) > 0 {
		words = append(words, "aramid.env="+percentList(o.env))
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		words = append(words, "aramid.echo=off")
	}
	kernel, rest := splitAppend(o.extra)
	m.Append = strings.Join(slices.Concat(kernel, words, rest), " ")
	return m, nil
}

// beside is the path of a file that `make image` puts beside this program.
func beside(name string) (string, error) {
	exe, err := os.Executable()
	return filepath.Join(filepath.Dir(exe), name), err
}

// builtIn makes the built-in userland the root and, if no program is named, its shell the program.
func (o *options) builtIn() (err error) {
	if o.root, err = beside("userland.cpio"); err != nil {
		return err
	}
	if _, err := os.Stat(o.root); err != nil {
		return fmt.Errorf("no root, and no built-in userland: %w; run `make image`, or name a root with --root", err)
	}
	if len(o.argv) == 0 {
		o.argv = []string{userland.Shell}
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			o.env = append(list{"TERM=dumb"}, o.env...) // no line editor
		}
	}
	return nil
}

// kernelWords begin the words that are the kernel's own (docs/boot.md).
var kernelWords = []string{"cpus=", "log=", "trace=", "watchdog="}

// splitAppend divides the words of --append: the kernel's own go before the first word that begins with aramid., all others, which are for ring 3 and
// process 1, behind it.
func splitAppend(text string) (kernel, rest []string) {
	for _, w := range strings.Fields(text) {
		if slices.ContainsFunc(kernelWords, func(k string) bool { return strings.HasPrefix(w, k) }) {
			kernel = append(kernel, w)
		} else {
			rest = append(rest, w)
		}
	}
	return kernel, rest
}

// launch runs the machine with its console on our standard input and output and returns aramid's exit status.
func launch(m *qemu.Machine, o *options) int {
	cmd, err := m.Command()
	if err != nil {
		return fail(statusAramid, "%v", err)
	}
	consolePath := strings.TrimPrefix(m.Console, "socket,server=off,path=")
	l, err := net.Listen("unix", consolePath)
	if err != nil {
		return fail(statusAramid, "console: %v", err)
	}
	defer l.Close()
	var qemuErr strings.Builder
	cmd.Stderr = &qemuErr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fail(statusAramid, "%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	timedOut := watch(ctx, cmd, o.timeout)
	restore := rawTerminal()
	done := make(chan struct{})
	go func() { defer close(done); relay(ctx, l, m.Log) }()
	err = cmd.Wait()
	l.Close()
	<-done
	restore()
	return o.result(m, timedOut(), err, qemuErr.String())
}

// watch kills the machine after the timeout or on SIGINT, SIGTERM and SIGHUP. The returned function tells whether time ran out.
func watch(ctx context.Context, cmd *exec.Cmd, timeout time.Duration) func() bool {
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	var timer <-chan time.Time
	if timeout > 0 {
		timer = time.After(timeout)
	}
	out := make(chan bool, 1)
	go func() {
		late := false
		select {
		case <-ctx.Done():
		case <-timer:
			late = true
			cmd.Process.Kill()
		case <-sig:
			cmd.Process.Kill()
		}
		out <- late
	}()
	return func() bool {
		select {
		case late := <-out:
			return late
		default:
			return false
		}
	}
}

// rawTerminal puts our terminal into raw mode: the guest's console does echo and line editing.
func rawTerminal() (restore func()) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		return func() {}
	}
	old, err := term.MakeRaw(fd)
	if err != nil {
		return func() {}
	}
	return func() { term.Restore(fd, old) }
}

const endOfFile = 4 // VEOF: what a terminal sends for the end of input

// relay carries the console between QEMU and our standard files until the machine ends. Where standard output is no terminal
// the carriage returns that the guest's tty adds (ONLCR) are taken out; the end of a standard input that is no terminal is VEOF.
func relay(ctx context.Context, l net.Listener, log string) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	go func() {
		if !consoleReady(ctx, log) {
			return
		}
		io.Copy(c, os.Stdin)
		if !term.IsTerminal(int(os.Stdin.Fd())) {
			c.Write([]byte{endOfFile})
		}
	}()
	var out io.Writer = os.Stdout
	if !term.IsTerminal(int(os.Stdout.Fd())) {
		out = &onlcrUndo{w: os.Stdout}
	}
	io.Copy(out, c)
}

// consoleReady waits until vfsd has set the console up, which its log says: a serial port loses what comes before. It is false when the
// machine ended first.
func consoleReady(ctx context.Context, log string) bool {
	for {
		if b, err := os.ReadFile(log); err == nil && bytes.Contains(b, []byte("vfsd: console ready")) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(readyPoll):
		}
	}
}

const readyPoll = 5 * time.Millisecond

// onlcrUndo drops the one carriage return before each newline.
type onlcrUndo struct {
	w  io.Writer
	cr bool // a carriage return is held back
}

func (u *onlcrUndo) Write(b []byte) (int, error) {
	out := make([]byte, 0, len(b)+1)
	for _, c := range b {
		if u.cr && c != '\n' {
			out = append(out, '\r')
		}
		if u.cr = c == '\r'; !u.cr {
			out = append(out, c)
		}
	}
	_, err := u.w.Write(out)
	return len(b), err
}

// result turns the machine's end into aramid's exit status, with a clear word where it failed.
func (o *options) result(m *qemu.Machine, late bool, waitErr error, stderr string) int {
	if late {
		return fail(statusTimeout, "stopped after %v", o.timeout)
	}
	end, err := qemu.ReadEnd(m.Log)
	if err != nil || end.Status < 0 {
		showLog(m.Log)
		return fail(statusAramid, "the machine ended without powering off (%v)\n%s", waitErr, stderr)
	}
	if end.Panic != "" {
		fmt.Fprint(os.Stderr, end.Panic)
		return fail(statusAramid, "the kernel panicked")
	}
	if end.Status != 0 && o.logFile == "" {
		if why := lastComplaint(m.Log); why != "" {
			fmt.Fprintln(os.Stderr, "aramid:", why)
		}
	}
	return end.Status
}

const logTail = 20 // lines

func showLog(name string) {
	b, err := os.ReadFile(name)
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	for _, s := range lines[max(0, len(lines)-logTail):] {
		fmt.Fprintln(os.Stderr, "log:", s)
	}
}

// ordinary are the beginnings of the kernel's log lines that are no complaint.
var ordinary = regexp.MustCompile(`^ukernel: (\d+ CPUs|power off)`)

// lastComplaint is the last log line that says why the machine ended: "NAME: fatal: …", or a line of the kernel's own.
func lastComplaint(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	why := ""
	for s := range strings.SplitSeq(string(b), "\n") {
		if _, what, ok := strings.Cut(s, ": fatal: "); ok {
			why = what
		} else if strings.HasPrefix(s, "ukernel: ") && !ordinary.MatchString(s) {
			why = s
		}
	}
	return why
}
