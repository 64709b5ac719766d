// Package qemu builds QEMU's command line for an Aramid machine and tells how one ended. `aramid run`, the tests and the
// benchmarks all start their machines through it, so that they run the same one.
package qemu

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"aramid/proto/control"
)

// Binary is the emulator; Debian's package qemu-system-x86 has it.
const Binary = "qemu-system-x86_64"

// Machine describes a machine. The zero value of a field is its default.
type Machine struct {
	Image   string // build/aramid.img
	Initrd  string // root file system, "" for none
	Append  string // kernel command line beyond what the wiring needs
	Type    string // pc or q35; default pc
	CPU     string // default max
	Accel   string // tcg, kvm or auto; default auto
	CPUs    int    // 1…8; default 1
	MemMiB  int    // default 512
	ICount  bool   // count guest instructions: 1 ns each
	Console string // QEMU chardev for the console (COM1), e.g. "stdio,signal=off"; default null
	Log     string // file for the kernel and server log; "" for none
	Control string // unix socket path for the control channel (COM2); "" for none
	Drop    string // file of the drop disk (proto/control), which is made; "" for none; only a pc has one
}

// words are the kernel command line's words that match this machine's wiring.
const words = "log=debugcon"

// oneThread has TCG run all processors by turns in one thread: more threads than cores wait for each other's time slices wherever a processor spins
// (for a lock, for a TLB shootdown), which made a boot of four processors on two cores 25 times as long. A PAUSE ends a processor's turn. GOMAXPROCS
// says how many cores a machine may take, by default all that this process has.
const oneThread = "tcg,thread=single"

// TCG is QEMU's -accel for an emulated machine of that many processors.
func TCG(cpus int) string {
	if cpus > runtime.GOMAXPROCS(0) {
		return oneThread
	}
	return "tcg"
}

// withoutState takes from a processor what needs register state that the kernel does not keep (XSAVE, and with it AVX): programs that ask CPUID alone, as
// cksum does, would otherwise use it.
const withoutState = ",-xsave,-avx"

// maxLine is how much of its command line the kernel reads, bytes (ukernel/arch/amd64).
const maxLine = 4096

// Args is QEMU's argument list.
func (m *Machine) Args() ([]string, error) {
	accel, err := pickAccel(m.Accel)
	if err != nil {
		return nil, err
	}
	if accel == "tcg" {
		accel = TCG(m.CPUs)
	}
	line := strings.TrimSpace(words + " " + m.Append)
	if len(line) > maxLine {
		return nil, fmt.Errorf("the kernel command line, which holds the program's arguments and environment, has %d bytes; the kernel reads %d", len(line), maxLine)
	}
	a := []string{
		"-machine", def(m.Type, "pc"), "-accel", accel, "-cpu", def(m.CPU, "max") + withoutState,
		"-smp", strconv.Itoa(max(m.CPUs, 1)), "-m", strconv.Itoa(defInt(m.MemMiB, 512)),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-device", "isa-debug-exit,iobase=0xf4,iosize=4",
		"-kernel", m.Image, "-append", line,
		"-chardev", def(m.Console, "null") + ",id=console", "-serial", "chardev:console",
	}
	if m.Control != "" {
		a = append(a, "-chardev", "socket,id=control,server=on,wait=off,path="+m.Control, "-serial", "chardev:control")
	}
	if m.Drop != "" && def(m.Type, "pc") == "pc" { // a q35's disks have no legacy ports
		if err := makeDrop(m.Drop); err != nil {
			return nil, err
		}
		a = append(a, "-drive", "if=none,format=raw,id=drop,file="+m.Drop, "-device", "ide-hd,drive=drop,bus=ide.0,unit=0,serial="+control.DropSerial)
	}
	if m.Initrd != "" {
		a = append(a, "-initrd", m.Initrd)
	}
	if m.Log != "" {
		a = append(a, "-debugcon", "file:"+m.Log)
	}
	if m.ICount {
		a = append(a, "-icount", "shift=0,sleep=off")
	}
	return a, nil
}

// makeDrop makes the drop disk's file, which has holes only.
func makeDrop(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(control.DropSize)
}

func def(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

func defInt(n, d int) int {
	if n == 0 {
		return d
	}
	return n
}

// pickAccel chooses KVM only where the processor reports virtualization and /dev/kvm opens: a machine may have a /dev/kvm
// that cannot run an ordinary guest (DESIGN §8).
func pickAccel(want string) (string, error) {
	switch want {
	case "tcg", "kvm":
		return want, nil
	case "", "auto":
		if kvmWorks() {
			return "kvm", nil
		}
		return "tcg", nil
	}
	return "", fmt.Errorf("accelerator %q: use auto, tcg or kvm", want)
}

func kvmWorks() bool {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return false
	}
	defer f.Close()
	flags := regexp.MustCompile(`\b(vmx|svm)\b`)
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "flags") {
			if !flags.MatchString(s.Text()) {
				return false
			}
			k, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
			if err != nil {
				return false
			}
			k.Close()
			return true
		}
	}
	return false
}

// Command is the machine as a command, not yet started.
func (m *Machine) Command() (*exec.Cmd, error) {
	if _, err := exec.LookPath(Binary); err != nil {
		return nil, fmt.Errorf("%s is not installed: run `make deps`, or install Debian's package qemu-system-x86", Binary)
	}
	if _, err := os.Stat(m.Image); err != nil {
		return nil, fmt.Errorf("boot image: %w; run `make image`", err)
	}
	args, err := m.Args()
	if err != nil {
		return nil, err
	}
	return exec.Command(Binary, args...), nil
}

var (
	powerOff = regexp.MustCompile(`(?m)^ukernel: power off, status (\d+)\s*$`)
	panicRE  = regexp.MustCompile(`(?m)^ukernel: panic`)
)

// Ended is how a machine ended, as its log tells.
type Ended struct {
	Status int    // that it powered off with; −1: it did not power off by itself
	Panic  string // the kernel's panic report, "" for none
}

// ReadEnd looks the end of a machine up in its log file.
func ReadEnd(log string) (Ended, error) {
	b, err := os.ReadFile(log)
	if err != nil {
		return Ended{Status: -1}, fmt.Errorf("log: %w", err)
	}
	e := Ended{Status: -1}
	if all := powerOff.FindAllSubmatch(b, -1); all != nil {
		e.Status, err = strconv.Atoi(string(all[len(all)-1][1]))
		if err != nil {
			return Ended{Status: -1}, fmt.Errorf("log %s: %w", log, err)
		}
	}
	if i := panicRE.FindIndex(b); i != nil {
		e.Panic = string(b[i[0]:])
	}
	return e, nil
}
