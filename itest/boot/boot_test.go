package boot

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aramid/boot/image"
)

// expect fails unless each pattern matches a line of the log, in this order, and the status is right.
func (r result) expect(t *testing.T, status int, patterns ...string) {
	t.Helper()
	lines := strings.Split(strings.ReplaceAll(r.log, "\r", ""), "\n")
	for _, p := range append(patterns, fmt.Sprintf("^ukernel: power off, status %d$", status)) {
		re := regexp.MustCompile(p)
		for len(lines) > 0 && !re.MatchString(lines[0]) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			t.Fatalf("no line matches %q; the log:\n%s", p, r.log)
		}
	}
	if r.status != status {
		t.Fatalf("status %d, want %d; the log:\n%s", r.status, status, r.log)
	}
}

func TestRingThreeRunsAndIsPreemptedOnEveryMachine(t *testing.T) {
	img := tinyImage(t, nil)
	for _, m := range []machine{
		{kind: "pc", cpu: "max", cpus: 1, mib: 256},
		{kind: "pc", cpu: "qemu64", cpus: 2, mib: 256},
		{kind: "pc", cpu: "max", cpus: 4, mib: 4096},
		{kind: "q35", cpu: "max", cpus: 2, mib: 4096},
		{kind: "q35", cpu: "qemu64", cpus: 4, mib: 512},
		{kind: "q35", cpu: "qemu64", cpus: 1, mib: 1024},
	} {
		t.Run(fmt.Sprintf("%s %s %d CPUs %d MiB", m.kind, m.cpu, m.cpus, m.mib), func(t *testing.T) {
			m.image = img
			m.boot(t).expect(t, 0, fmt.Sprintf(`^ukernel: %d CPUs, %d MiB, \d+ ms$`, m.cpus, m.mib-1), "^U+$", "^tiny: done$")
		})
	}
}

func TestTheLogGoesWhereTheCommandLineSays(t *testing.T) {
	img := tinyImage(t, nil)
	for _, log := range []string{"com2", "debugcon"} {
		t.Run(log, func(t *testing.T) {
			machine{image: img, log: log, words: "log=" + log}.boot(t).expect(t, 0, `^ukernel: 1 CPUs`, "^tiny: done$")
		})
	}
}

func TestCPUsAreLimitedByTheCommandLine(t *testing.T) {
	machine{image: tinyImage(t, nil), cpus: 4, words: "cpus=2"}.boot(t).expect(t, 0, `^ukernel: 2 CPUs`, "^tiny: done$")
}

func TestOfMoreThanEightCPUsEightAreUsed(t *testing.T) {
	machine{image: tinyImage(t, nil), cpus: 10}.boot(t).expect(t, 0, `^ukernel: 8 CPUs`, "^tiny: done$")
}

func TestPowerOffWorksWithoutTheExitDevice(t *testing.T) {
	img := tinyImage(t, nil)
	for _, kind := range []string{"pc", "q35"} {
		t.Run(kind, func(t *testing.T) {
			machine{image: img, kind: kind, noExit: true}.boot(t).expect(t, 0, "^tiny: done$")
		})
	}
}

func TestEveryKindOfPanicIsReportedAndStopsAllCPUs(t *testing.T) {
	img := tinyImage(t, nil)
	for _, c := range []struct{ kind, cause, at string }{
		{"nmi", "NMI, code 0", `amd64.Crash .*panic.go:\d+`},
		{"double", "double fault, code 0", `amd64.testDoubleFault .*ops_amd64.s:\d+`},
		{"fault", "page fault in ring 0, address 0xffffa00000000000, code 2", `amd64.Crash .*panic.go:\d+`},
		{"stack", "kernel stack overflow .double fault.", `amd64.testStack .*ops_amd64.s:\d+`},
		{"gostack", "kernel stack overflow .double fault.", `main.deep .*main.go:\d+`},
		{"explicit", "asked for by CallPanic", `amd64.Crash .*panic.go:\d+`},
		{"bounds", "index or slice bounds out of range", `main.provoke .*main.go:\d+`},
		{"nil", "nil dereference, page fault in ring 0", `main.provoke .*main.go:\d+`},
		{"alloc", "allocation .runtime.newobject.", `main.provoke .*main.go:\d+`},
		{"smap", "page fault in ring 0, address 0x0000000000400000, code 1", `main.provoke .*main.go:\d+`},
		{"smep", "page fault in ring 0, address 0x0000000000400000, code 17", `not in the kernel`},
		{"text", "page fault in ring 0, address 0xffffffff80201000, code 3", `main.provoke .*main.go:\d+`},
	} {
		t.Run(c.kind, func(t *testing.T) {
			machine{image: img, cpus: 2, words: "panic=" + c.kind}.boot(t).expect(t, 101,
				"^ukernel: panic on CPU 0: "+c.cause, "RIP [0-9a-f]{16}", "  0x[0-9a-f]{16} .*"+c.at, `amd64.Entry .*boot_amd64.s:\d+`, "CPU 1 stopped at")
		})
	}
}

func TestAnNMIFromOutsideStopsAMachineThatRunsPrograms(t *testing.T) {
	machine{image: tinyImage(t, nil), cpus: 2, words: "panic=never", monitor: "nmi"}.boot(t).expect(t, 101, `^ukernel: panic on CPU \d: NMI`, "RIP", "CPU . stopped at")
}

func TestAMachineCheckIsReported(t *testing.T) {
	const bank, status, global = 0, "0xb200000000000000", 5 // valid, uncorrected, context corrupt (SDM Vol. 3B §15.3)
	machine{image: tinyImage(t, nil), cpus: 2, words: "panic=never", monitor: fmt.Sprintf("mce 0 %d %s %d 0 0", bank, status, global)}.boot(t).expect(t, 101,
		`^ukernel: panic on CPU 0: machine check`, "RIP", "CPU 1 stopped at")
}

func TestCountedInstructionsAsTimeWorkToo(t *testing.T) {
	machine{image: tinyImage(t, nil), cpu: "max,-erms,-fsrm", icount: true}.boot(t).expect(t, 0, "^tiny: done$")
}

func TestAMissingOrDamagedArchiveEndsTheBoot(t *testing.T) {
	img := tinyImage(t, func(o *image.Options) { o.NoArchive = true })
	machine{image: img}.boot(t).expect(t, 2, "^ukernel: cannot boot: the image has no boot archive$")
	img = tinyImage(t, func(o *image.Options) { o.Damage = true })
	machine{image: img}.boot(t).expect(t, 2, "^ukernel: cannot boot: the boot archive is damaged$")
}

func TestTooLittleMemoryEndsTheBoot(t *testing.T) {
	machine{image: tinyImage(t, nil), mib: 12}.boot(t).expect(t, 4, `^ukernel: cannot boot: too little memory: 11 MiB of RAM, .* need \d+ MiB$`)
}

func TestNoFunctionOfTheKernelStartsWithAStackCheck(t *testing.T) {
	f, err := elf.Open(tinyKernel)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	text := f.Section(".text")
	code, err := text.Data()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Value < text.Addr || s.Value >= text.Addr+text.Size {
			continue
		}
		n++
		if bytes.HasPrefix(code[s.Value-text.Addr:], []byte("\x49\x3b\x66\x10\x76")) { // CMPQ SP, 16(R14); JBE
			t.Errorf("%s checks its stack", s.Name)
		}
	}
	if n < 100 {
		t.Fatalf("only %d functions", n)
	}
}

func TestTheSameInputGivesTheSameImage(t *testing.T) {
	again := filepath.Join(t.TempDir(), "tiny.elf")
	if err := image.LinkKernel("../..", "./itest/boot/tiny", again); err != nil {
		t.Fatal(err)
	}
	a := sum(t, tinyImage(t, nil))
	b := sum(t, tinyImage(t, func(o *image.Options) { o.Kernel = again }))
	if a != b {
		t.Fatalf("%x and %x", a, b)
	}
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(b)
}
