// Profile tells where the instructions of kernel entries go. It runs an image in QEMU one instruction at a time, cuts the trace of ring 0 into
// entries, and prints the commonest kinds of entry with the instructions that each function took.
//
//	profile -kernel build/kernel.elf -image FILE [-initrd ROOT] [-append WORDS] [-top 12] [-limit 2m] [-elf FILE … [-legs]]
//
// With -elf (a server linked at an address of its own, a program) it counts instead the instructions of all rings by function between the
// program's functions profileStart and profileStop; -legs prints the way that they took through the images, too. A server is linked at an
// address of its own with `go build -ldflags "-T 0x10001000"`. The program warms up, prints "profile: ready" and calls the pair again and again; what runs before
// is not traced, so that this takes seconds.
//
// The image's rootd should do the operation in question some hundred times and power off: a million instructions make 90 MB of trace,
// which is read as it comes and never stored.
package main

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	kernel := flag.String("kernel", "build/kernel.elf", "the linked kernel, for symbols")
	image := flag.String("image", "build/aramid.img", "the boot image")
	top := flag.Int("top", 12, "how many kinds of entry to print")
	limit := flag.Duration("limit", 2*time.Minute, "how long the machine may run")
	initrd := flag.String("initrd", "", "the root, for an image that wants one")
	words := flag.String("append", "", "the kernel command line")
	var elfs []string
	flag.Func("elf", "an unstripped `FILE` that runs in ring 3, at addresses of its own; may be repeated", func(s string) error {
		elfs = append(elfs, s)
		return nil
	})
	legs := flag.Bool("legs", false, "with -elf: print the way from image to image, with the functions of each leg")
	flag.Parse()
	if err := run(*kernel, *image, elfs, *legs, *top, *limit, *initrd, *words); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1)
	}
}

func run(kernel, image string, elfs []string, legs bool, top int, limit time.Duration, initrd, words string) error {
	k, err := readSymbols(kernel)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "profile")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fifo := filepath.Join(dir, "trace")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	args := []string{"-accel", "tcg", "-machine", "pc", "-cpu", "max,-erms,-fsrm", "-m", "512",
		"-nodefaults", "-display", "none", "-no-reboot", "-kernel", image, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-serial", "stdio",
		"-icount", "shift=0,sleep=off", "-append", words}
	if initrd != "" {
		args = append(args, "-initrd", initrd)
	}
	if len(elfs) > 0 {
		return profileFlat(ctx, args, fifo, append(elfs, kernel), top, legs)
	}
	args = append(args, "-singlestep", "-D", fifo, "-d", traceFlags, "-dfilter", fmt.Sprintf("%#x..%#x", k.low, k.high))
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	trace, err := os.Open(fifo)
	if err != nil {
		return err
	}
	defer trace.Close()
	kinds, err := k.cut(trace)
	if err != nil {
		return err
	}
	cmd.Wait() // isa-debug-exit makes every status an error
	if ctx.Err() != nil {
		return fmt.Errorf("the machine still ran after %v", limit)
	}
	report(kinds, top)
	return nil
}

// traceFlags make QEMU log each instruction as a block of its own.
const traceFlags = "exec,nochain"

// symbols are the kernel's functions by address, and where entries start.
type symbols struct {
	addrs          []uint64
	names          []string
	low, high      uint64
	syscall, traps uint64
	cache          map[uint64]string
}

// The stubs of vectors (arch/amd64/tables.go).
const (
	stubSize = 16
	stubs    = 64
	modname  = "aramid/ukernel/"
)

func readSymbols(path string) (*symbols, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := f.Symbols()
	if err != nil {
		return nil, err
	}
	k := &symbols{cache: map[uint64]string{}}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Value < all[j].Value })
	for _, s := range all {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC {
			continue
		}
		k.addrs = append(k.addrs, s.Value)
		k.names = append(k.names, strings.TrimPrefix(s.Name, modname))
		switch s.Name {
		case modname + "arch/amd64.syscallEntry":
			k.syscall = s.Value
		case modname + "arch/amd64.vectors":
			k.traps = s.Value
		}
	}
	if k.syscall == 0 || k.traps == 0 {
		return nil, fmt.Errorf("%s has no entry points of the kernel", path)
	}
	k.low, k.high = k.addrs[0], k.addrs[len(k.addrs)-1]
	return k, nil
}

func (k *symbols) name(pc uint64) string {
	n, ok := k.cache[pc]
	if !ok {
		n = k.names[max(sort.Search(len(k.addrs), func(i int) bool { return k.addrs[i] > pc })-1, 0)]
		k.cache[pc] = n
	}
	return n
}

func (k *symbols) isEntry(pc uint64) bool {
	return pc == k.syscall || pc >= k.traps && pc < k.traps+stubs*stubSize && (pc-k.traps)%stubSize == 0
}

// kind is a sort of entry: all those that took the same number of instructions through the same functions.
type kind struct {
	times, total int
	count        map[string]int
	order        []string
}

func (e *kind) key() string { return strconv.Itoa(e.total) + " " + strings.Join(e.order, " ") }

// cut reads QEMU's lines "Trace 0: … [base/pc/…] ".
func (k *symbols) cut(r io.Reader) (map[string]*kind, error) {
	kinds := map[string]*kind{}
	var e *kind
	end := func() {
		if e == nil {
			return
		}
		if same := kinds[e.key()]; same != nil {
			same.times++
		} else {
			e.times = 1
			kinds[e.key()] = e
		}
	}
	s := bufio.NewScanner(r)
	for s.Scan() {
		pc, ok := pcOf(s.Bytes())
		if !ok {
			continue
		}
		if k.isEntry(pc) {
			end()
			e = &kind{count: map[string]int{}}
		}
		if e == nil {
			continue
		}
		n := k.name(pc)
		if e.count[n] == 0 {
			e.order = append(e.order, n)
		}
		e.total++
		e.count[n]++
	}
	end()
	return kinds, s.Err()
}

// pcOf finds the address in one of QEMU's lines.
func pcOf(line []byte) (pc uint64, ok bool) {
	const pcDigits = 16
	i := bytes.IndexByte(line, '/') + 1
	if i == 0 || len(line) < i+pcDigits {
		return 0, false
	}
	for _, c := range line[i : i+pcDigits] {
		switch {
		case c >= '0' && c <= '9':
			pc = pc<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			pc = pc<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return pc, true
}

func report(kinds map[string]*kind, top int) {
	var all []*kind
	for _, e := range kinds {
		all = append(all, e)
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].times > all[j].times || all[i].times == all[j].times && all[i].key() < all[j].key()
	})
	for _, e := range all[:min(top, len(all))] {
		fmt.Printf("%d times, %d instructions\n", e.times, e.total)
		for _, n := range e.order {
			fmt.Printf("\t%5d %s\n", e.count[n], n)
		}
	}
}
