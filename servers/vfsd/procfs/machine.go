package procfs

import (
	"fmt"
	"math"
	"strings"

	"aramid/servers/vfsd/cpuid"
)

// hertz is USER_HZ: how /proc counts time.
const hertz = 100

func ticks(ns uint64) uint64 { return ns / (1e9 / hertz) }

// VersionText is /proc/version.
func VersionText() string {
	return Ostype + " version " + Osrelease + " (aramid@aramid) (go) " + Build + "\n"
}

// MeminfoText is /proc/meminfo, of bytes. cached: contents of files that live in memory only.
func MeminfoText(total, free, cached uint64) string {
	cached = min(cached, total-free)
	var b strings.Builder
	for _, l := range []struct {
		name string
		v    uint64
	}{
		{"MemTotal", total}, {"MemFree", free}, {"MemAvailable", free}, {"Buffers", 0}, {"Cached", cached}, {"SwapCached", 0},
		{"Active", total - free - cached}, {"Inactive", cached}, {"Active(anon)", total - free - cached}, {"Inactive(anon)", cached},
		{"Active(file)", 0}, {"Inactive(file)", 0}, {"Unevictable", 0}, {"Mlocked", 0}, {"SwapTotal", 0}, {"SwapFree", 0}, {"Dirty", 0},
		{"Writeback", 0}, {"AnonPages", total - free - cached}, {"Mapped", 0}, {"Shmem", cached}, {"KReclaimable", 0}, {"Slab", 0},
		{"SReclaimable", 0}, {"SUnreclaim", 0}, {"CommitLimit", total}, {"Committed_AS", total - free},
	} {
		fmt.Fprintf(&b, "%-16s%8d kB\n", l.name+":", l.v>>10)
	}
	return b.String()
}

// VmstatText is the part of /proc/vmstat that there is without disks and swap, of bytes.
func VmstatText(free, cached uint64) string {
	var b strings.Builder
	for _, l := range []struct {
		name string
		v    uint64
	}{
		{"nr_free_pages", free / pageSize}, {"nr_shmem", cached / pageSize}, {"nr_file_pages", cached / pageSize}, {"pgpgin", 0}, {"pgpgout", 0},
		{"pswpin", 0}, {"pswpout", 0},
	} {
		fmt.Fprintf(&b, "%s %d\n", l.name, l.v)
	}
	return b.String()
}

// CPUInfoText is /proc/cpuinfo.
func CPUInfoText(p *cpuid.CPU, cpus, hz uint64) string {
	var b strings.Builder
	for i := range cpus {
		fmt.Fprintf(&b, "processor\t: %d\nvendor_id\t: %s\ncpu family\t: %d\nmodel\t\t: %d\nmodel name\t: %s\nstepping\t: %d\n", i, p.Vendor, p.Family, p.Model, p.Name, p.Stepping)
		fmt.Fprintf(&b, "cpu MHz\t\t: %d.%03d\nphysical id\t: 0\nsiblings\t: %d\ncore id\t\t: %d\ncpu cores\t: %d\napicid\t\t: %d\n", hz/1e6, hz/1e3%1000, cpus, i, cpus, i)
		fmt.Fprintf(&b, "fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %d\nwp\t\t: yes\nflags\t\t: %s\nbugs\t\t:\nbogomips\t: %d.%02d\n", p.MaxLeaf, strings.Join(p.Flags, " "), hz/500_000, hz/5_000%100)
		fmt.Fprintf(&b, "clflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: %d bits physical, %d bits virtual\npower management:\n\n", p.PhysBits, p.VirtBits)
	}
	return b.String()
}

// Work is what processors have done since boot, ns of all together.
type Work struct{ User, System, Idle uint64 }

// NewWork is the work of that many processors in so much time, of which programs had user and system.
func NewWork(now, cpus, user, system uint64) Work {
	all := now * cpus
	return Work{user, system, all - min(user+system, all)}
}

// UptimeText is /proc/uptime.
func UptimeText(ns uint64, w Work) string {
	return fmt.Sprintf("%d.%02d %d.%02d\n", ns/1e9, ns/1e7%100, w.Idle/1e9, w.Idle/1e7%100)
}

// CPUStatText is /proc/stat. What each processor did is not told apart: each has its share.
func CPUStatText(cpus, bootSeconds uint64, w Work, forks uint64, running uint32) string {
	var b strings.Builder
	line := func(name string, n uint64) {
		fmt.Fprintf(&b, "%s %d 0 %d %d 0 0 0 0 0 0\n", name, ticks(w.User/n), ticks(w.System/n), ticks(w.Idle/n))
	}
	line("cpu ", 1)
	for i := range cpus {
		line(fmt.Sprintf("cpu%d", i), cpus)
	}
	fmt.Fprintf(&b, "intr 0\nctxt 0\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked 0\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n", bootSeconds, forks, max(running, 1))
	return b.String()
}

// Load is the load average: how many processors' worth of work there was, over 1, 5 and 15 minutes.
type Load [3]float64

// Next is the average after dt ns in which programs computed for busy ns.
func (l Load) Next(dt, busy uint64) Load {
	if dt == 0 {
		return l
	}
	n := float64(busy) / float64(dt)
	for i, minutes := range [...]float64{1, 5, 15} {
		keep := math.Exp(-float64(dt) / (minutes * 60e9))
		l[i] = l[i]*keep + n*(1-keep)
	}
	return l
}

// LoadText is /proc/loadavg.
func LoadText(l Load, running, threads uint32, last int32) string {
	return fmt.Sprintf("%.2f %.2f %.2f %d/%d %d\n", l[0], l[1], l[2], max(running, 1), threads, last)
}
