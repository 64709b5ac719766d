package main

import (
	"bufio"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
)

// function is one function of one of the images, and how many instructions ran in it.
type function struct {
	image, name string
	addr        uint64
	count       int
}

// Functions of the profiled program between whose calls everything is counted.
const (
	startMark = "profileStart"
	stopMark  = "profileStop"
)

// functions lists those of all images by address.
func functions(files []string) (all []*function, err error) {
	for _, path := range files {
		f, err := elf.Open(path)
		if err != nil {
			return nil, err
		}
		syms, err := f.Symbols()
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, s := range syms {
			if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
				all = append(all, &function{image: filepath.Base(path), name: s.Name, addr: s.Value})
			}
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].addr < all[j].addr })
	return all, nil
}

// ready is what the program prints when it has warmed up.
const ready = "profile: ready"

// profileFlat runs QEMU and turns its trace on, through its monitor, when the program says that it is ready.
func profileFlat(ctx context.Context, args []string, fifo string, files []string, top int, legs bool) error {
	for i, a := range args {
		if a == "stdio" {
			args[i] = "mon:stdio"
		}
	}
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	s := bufio.NewScanner(out)
	for s.Scan() {
		if strings.Contains(s.Text(), ready) {
			break
		}
	}
	const monitor = "\x01c" // of a multiplexed stdio: from the serial line to the monitor
	if _, err := io.WriteString(in, monitor+"singlestep on\nlogfile "+fifo+"\nlog "+traceFlags+"\n"); err != nil {
		return fmt.Errorf("the machine ended before %q", ready)
	}
	go io.Copy(io.Discard, out)
	trace, err := os.Open(fifo)
	if err != nil {
		return err
	}
	defer trace.Close()
	return flat(trace, files, top, legs)
}

// leg is a piece of the way: what ran in one image before another went on.
type leg struct {
	image string
	total int
	count map[*function]int
	order []*function
}

func (l *leg) add(f *function) {
	if l.count[f] == 0 {
		l.order = append(l.order, f)
	}
	l.count[f]++
	l.total++
}

func printLegs(legs []*leg) {
	for _, l := range legs {
		fmt.Printf("%6d %s\n", l.total, l.image)
		for _, f := range l.order {
			fmt.Printf("\t%5d %s\n", l.count[f], f.name)
		}
	}
}

// flat counts instructions by function from startMark to stopMark and prints the sums, and before them with legs the way in its order.
func flat(r io.Reader, files []string, top int, legs bool) error {
	all, err := functions(files)
	if err != nil {
		return err
	}
	cache := map[uint64]*function{}
	find := func(pc uint64) *function {
		f, ok := cache[pc]
		if !ok {
			if i := sort.Search(len(all), func(i int) bool { return all[i].addr > pc }); i > 0 {
				f = all[i-1]
			}
			cache[pc] = f
		}
		return f
	}
	s := bufio.NewScanner(r)
	on, total := false, 0
	var way []*leg
	for s.Scan() {
		pc, ok := pcOf(s.Bytes())
		if !ok {
			continue
		}
		f := find(pc)
		switch {
		case f == nil:
		case f.addr == pc && f.name == startMark:
			on = true
		case on && f.addr == pc && f.name == stopMark:
			if legs {
				printLegs(way)
			}
			return printFlat(all, total, top)
		case on:
			f.count++
			total++
			if len(way) == 0 || way[len(way)-1].image != f.image {
				way = append(way, &leg{image: f.image, count: map[*function]int{}})
			}
			way[len(way)-1].add(f)
		}
	}
	return fmt.Errorf("the machine ended before %s (%v)", stopMark, s.Err())
}

func printFlat(all []*function, total, top int) error {
	images := map[string]int{}
	for _, f := range all {
		images[f.image] += f.count
	}
	for name, n := range images {
		fmt.Printf("%9d %5.1f%% %s\n", n, 100*float64(n)/float64(total), name)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].count > all[j].count })
	for _, f := range all[:min(top, len(all))] {
		if f.count > 0 {
			fmt.Printf("%9d %5.1f%% %s %s\n", f.count, 100*float64(f.count)/float64(total), f.image, f.name)
		}
	}
	return nil
}
