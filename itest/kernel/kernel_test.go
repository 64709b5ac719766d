package kernel

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aramid/boot/image"
	"aramid/boot/qemu"
)

// root is the module's directory.
const root = "../.."

// kernelELF links the kernel once.
var kernelELF = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aramid-kernel")
	if err != nil {
		return "", err
	}
	elf := filepath.Join(dir, "kernel.elf")
	return elf, image.LinkKernel(root, "./ukernel/main", elf)
})

func TestMain(m *testing.M) {
	status := m.Run()
	if elf, err := kernelELF(); err == nil {
		os.RemoveAll(filepath.Dir(elf))
	}
	os.Exit(status)
}

// build makes an image whose rootd is the program in this folder.
func build(t *testing.T, program string) string {
	t.Helper()
	elf, err := kernelELF()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	rootd := filepath.Join(dir, program)
	if err := image.LinkServer(root, "./itest/kernel/"+program, rootd); err != nil {
		t.Fatal(err)
	}
	img := filepath.Join(dir, program+".img")
	o := image.Options{Kernel: elf, Files: []image.File{{Name: "rootd", Path: rootd}}, Output: img, Verify: true}
	if err := image.Build(o); err != nil {
		t.Fatal(err)
	}
	return img
}

// reportTime is how long a machine that is stopped may take to say where its CPUs are.
const reportTime = 10 * time.Second

// run boots m and returns its log; a machine that does not power off with status 0 in time is a failure. Such a machine is sent an NMI, so that the
// log ends with the panic report and every CPU's backtrace.
func run(t *testing.T, m qemu.Machine, limit time.Duration) string {
	t.Helper()
	m.Accel = "tcg"
	m.Log = filepath.Join(t.TempDir(), "log")
	args, err := m.Args()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, qemu.Binary, append(args, "-monitor", "stdio")...)
	monitor, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Cancel = func() error { _, err := io.WriteString(monitor, "nmi\n"); return err }
	cmd.WaitDelay = reportTime
	out, runErr := cmd.CombinedOutput()
	log, err := os.ReadFile(m.Log)
	if err != nil {
		t.Fatalf("no log: %v (%v: %s)", err, runErr, out)
	}
	if ctx.Err() != nil {
		t.Fatalf("still running after %v; the log:\n%s", limit, log)
	}
	end, err := qemu.ReadEnd(m.Log)
	if err != nil || end.Panic != "" || end.Status != 0 {
		t.Fatalf("status %d (%v, %v); the log:\n%s", end.Status, err, runErr, log)
	}
	return string(log)
}

// word fails unless the log has a line with exactly this text behind its prefix.
func word(t *testing.T, log, text string) {
	t.Helper()
	for _, line := range strings.Split(log, "\n") {
		if _, said, _ := strings.Cut(strings.TrimSpace(line), ": "); said == text {
			return
		}
	}
	t.Fatalf("no line says %q; the log:\n%s", text, log)
}

func TestAStockGoProgramRunsAsTheFirstProcess(t *testing.T) {
	img := build(t, "smoke")
	for _, m := range []qemu.Machine{
		{CPUs: 1, MemMiB: 256},
		{CPUs: 2, CPU: "qemu64"},
		{CPUs: 4, Type: "q35", MemMiB: 1024},
	} {
		t.Run(fmt.Sprintf("%d CPUs %s %s", m.CPUs, m.Type, m.CPU), func(t *testing.T) {
			m.Image = img
			word(t, run(t, m, 2*time.Minute), "smoke: all passed")
		})
	}
}

func TestTracingDoesNotChangeWhatAProgramSees(t *testing.T) {
	word(t, run(t, qemu.Machine{Image: build(t, "smoke"), CPUs: 2, Append: "trace=on"}, 2*time.Minute), "smoke: all passed")
}

// Calls of the fuzz in make test and make soak, and how long a million may take under TCG on a busy host.
const (
	fuzzCalls = 1_000_000
	soakCalls = 20_000_000
	fuzzLimit = 5 * time.Minute
)

func TestRandomNativeCallsLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes")
	}
	fuzz(t, fuzzCalls, uint64(time.Now().UnixNano()))
}

func TestSoakRandomNativeCalls(t *testing.T) {
	if os.Getenv("ARAMID_SOAK") == "" {
		t.Skip("make soak")
	}
	seed := uint64(time.Now().UnixNano())
	log := fuzz(t, soakCalls, seed)
	t.Logf("tally: kernel fuzz: %s", regexp.MustCompile(`\d+ calls done.*`).FindString(log))
}

func fuzz(t *testing.T, calls, seed uint64) string {
	t.Helper()
	t.Logf("aramid.fuzz=%d aramid.seed=%d", calls, seed)
	m := qemu.Machine{Image: build(t, "fuzz"), CPUs: 2, Append: fmt.Sprintf("aramid.fuzz=%d aramid.seed=%d", calls, seed)}
	log := run(t, m, fuzzLimit*time.Duration(1+calls/fuzzCalls))
	word(t, log, "fuzz: passed")
	return log
}

// musts are the figures of issue 2 that the kernel alone decides, guest instructions. itest/bench prints the whole table.
var musts = map[string]int{
	"null_call": 150, "call_reply": 900, "call_reply_4k": 2500, "alien_call": 1800, "anonymous_fault": 3000, "cow_fault": 4000, "event_wake": 1200,
}

func TestTheKernelsFiguresHold(t *testing.T) {
	log := run(t, qemu.Machine{Image: build(t, "bench"), CPUs: 1, CPU: "max,-erms,-fsrm", ICount: true}, 2*time.Minute)
	word(t, log, "bench: all measured")
	got := map[string]int{}
	for _, m := range regexp.MustCompile(`figure (\w+) (\d+) `).FindAllStringSubmatch(log, -1) {
		got[m[1]], _ = strconv.Atoi(m[2])
	}
	for name, must := range musts {
		switch n, ok := got[name]; {
		case !ok:
			t.Errorf("%s was not measured", name)
		case n > must:
			t.Errorf("%s: %d instructions, must be at most %d", name, n, must)
		default:
			t.Logf("%s: %d of %d", name, n, must)
		}
	}
}
