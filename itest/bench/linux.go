package main

import (
	"fmt"
	"maps"
	"slices"

	"aramid/itest/linuxguest"
)

// against is what issue 3 asks for: the rows of testdata/linux.c, which runs on Debian's Linux kernel and on Aramid in the same QEMU, and the time until a
// console shell answers.
var against = []figure{
	{Name: "getppid", What: "getppid", Unit: "instr", Must: 2500, Aim: 700},
	{Name: "clock_gettime", What: "clock_gettime (vDSO)", Unit: "instr", Must: 100, Aim: 50},
	{Name: "read_zero", What: "read 1 byte of /dev/zero", Unit: "instr", Must: 6000, Aim: 2000},
	{Name: "stat", What: "stat", Unit: "instr", Must: 8000, Aim: 3200},
	{Name: "open_close", What: "open + close", Unit: "instr", Must: 16000, Aim: 6700},
	{Name: "pread_4k", What: "pread 4 KiB, cached", Unit: "instr", Must: 8000, Aim: 2500},
	{Name: "pread_64k", What: "pread 64 KiB, cached", Unit: "instr", Must: 24000, Aim: 12000},
	{Name: "create_unlink", What: "create + unlink", Unit: "instr", Must: 40000, Aim: 16000},
	{Name: "mmap_touch", What: "mmap, touch 64 pages, munmap", Unit: "instr", Must: 292000, Aim: 150000},
	{Name: "mmap_file_touch", What: "mmap a cached file, touch 64 pages, munmap", Unit: "instr", Must: 92000, Aim: 40000},
	{Name: "pipe", What: "pipe, write + read, one process", Unit: "instr", Must: 12000, Aim: 5000},
	{Name: "pipe_ping_pong", What: "pipe ping-pong, two processes", Unit: "instr", Must: 40000, Aim: 15000},
	{Name: "unix_socketpair", What: "AF_UNIX socketpair, write + read", Unit: "instr", Must: 14000, Aim: 6000},
	{Name: "eventfd_epoll", What: "eventfd + epoll_wait + read", Unit: "instr", Must: 18000, Aim: 6000},
	{Name: "signal", What: "signal to oneself, handled", Unit: "instr", Must: 15000, Aim: 6000},
	{Name: "thread", What: "thread create + join", Unit: "instr", Must: 120000, Aim: 50000},
	{Name: "fork", What: "fork + exit + wait", Unit: "instr", Must: 500000, Aim: 200000},
	{Name: "fork_exec", What: "fork + exec + wait (static)", Unit: "instr", Must: 1300000, Aim: 600000},
	{Name: wallRow, What: "QEMU start → console shell answers, wall, TCG, same root", Unit: "ms"},
}

// programs measures the rows of testdata/linux.c on both systems.
func programs(dir string) error {
	const name = "linux"
	root, err := compiled(dir, name)
	if err != nil {
		return err
	}
	g := linuxguest.Guest{CPU: countedCPU, ICount: true, Timeout: limit, Say: func(s string) { fmt.Println("bench:", s) }}
	text, status, err := g.Run(root, "/"+name)
	if err != nil || status != 0 {
		return fmt.Errorf("on Linux: status %d (%w)\n%s", status, err, text)
	}
	if err := fill(text, func(f *figure, v float64) { f.Linux = v }); err != nil {
		return err
	}
	if text, err = onAramid(root, "/"+name); err != nil {
		return fmt.Errorf("on Aramid: %w", err)
	}
	return fill(text, func(f *figure, v float64) { f.Got, f.Have = v, true })
}

// fill calls set with each row that a run's output has.
func fill(text string, set func(*figure, float64)) error {
	all, err := values(text)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if f := find(against, name); f != nil {
			set(f, all[name])
		}
	}
	for _, m := range missing.FindAllString(text, -1) {
		fmt.Println("bench:", m)
	}
	return err
}

// reportAgainst prints the second table.
func reportAgainst() {
	fmt.Printf("\n%-62s %8s %8s %6s\n", "", "Linux", "Aramid", "ratio")
	for i := range against {
		f := &against[i]
		ratio := "–"
		if f.Have && f.Linux != 0 {
			ratio = fmt.Sprintf("%.2f", f.Got/f.Linux)
		}
		fmt.Printf("%-62s %8s %8s %6s %-5s must ≤ %7.0f  aim %6.0f  %s\n", f.What, number(f.Linux, f.Linux != 0), number(f.Got, f.Have), ratio, f.Unit, f.Must, f.Aim, f.mark())
	}
}
