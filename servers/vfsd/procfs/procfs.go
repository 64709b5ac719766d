// Package procfs has the pure part of /proc: which nodes there are, their numbers, and their text from what the other servers
// say. Formats are those of proc(5).
package procfs

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
)

// Kind says what a node is.
type Kind uint8

// The nodes: first those of the root, then those of a process's directory.
const (
	Root Kind = 1 + iota
	Self
	ThreadSelf
	MountsLink
	Meminfo
	CPUInfo
	Uptime
	Version
	Filesystems
	Loadavg
	CPUStat
	Cmdline
	Cgroups
	SysDir
	SysKernelDir
	SysRandomDir
	SysVMDir
	SysFSDir
	SysValue

	PidDir
	PidStat
	PidStatm
	PidStatus
	PidCmdline
	PidComm
	PidExe
	PidCwd
	PidRoot
	PidFdDir
	PidFd
	PidMaps
	PidMounts
	PidMountinfo
	PidCgroup
	PidLimits
)

// Node is what a number stands for. N is a descriptor, or which value below /proc/sys.
type Node struct {
	Kind Kind
	Pid  int32
	N    uint32
}

// Bits of a number, below the base that all synthetic nodes share.
const (
	nShift   = 8
	pidShift = 32
	nMask    = 1<<(pidShift-nShift) - 1
	pidMask  = 1<<24 - 1
)

// Number is a node's inode number, base being the first synthetic one.
func (n Node) Number(base uint64) uint64 {
	return base | uint64(n.Kind) | uint64(n.N)<<nShift | uint64(n.Pid)<<pidShift
}

// FromNumber is the inverse of Number.
func FromNumber(ino uint64) Node {
	return Node{Kind: Kind(ino), Pid: int32(ino >> pidShift & pidMask), N: uint32(ino >> nShift & nMask)}
}

// Entry is a name in one of the fixed directories.
type Entry struct {
	Name string
	Kind Kind
	N    uint32
	Mode uint32
}

const (
	dir  = unix.S_IFDIR | 0o555
	file = unix.S_IFREG | 0o444
	link = unix.S_IFLNK | 0o777
)

var rootEntries = []Entry{
	{"self", Self, 0, link}, {"thread-self", ThreadSelf, 0, link}, {"mounts", MountsLink, 0, link}, {"meminfo", Meminfo, 0, file},
	{"cpuinfo", CPUInfo, 0, file}, {"uptime", Uptime, 0, file}, {"version", Version, 0, file},
	{"filesystems", Filesystems, 0, file}, {"loadavg", Loadavg, 0, file}, {"stat", CPUStat, 0, file},
	{"cmdline", Cmdline, 0, file}, {"cgroups", Cgroups, 0, file}, {"sys", SysDir, 0, dir},
}

var pidEntries = []Entry{
	{"stat", PidStat, 0, file}, {"statm", PidStatm, 0, file}, {"status", PidStatus, 0, file}, {"cmdline", PidCmdline, 0, file},
	{"comm", PidComm, 0, file}, {"exe", PidExe, 0, link}, {"cwd", PidCwd, 0, link}, {"root", PidRoot, 0, link},
	{"fd", PidFdDir, 0, unix.S_IFDIR | 0o500}, {"maps", PidMaps, 0, file}, {"mounts", PidMounts, 0, file},
	{"mountinfo", PidMountinfo, 0, file}, {"cgroup", PidCgroup, 0, file}, {"limits", PidLimits, 0, file},
}

// Values below /proc/sys.
const (
	SysOstype uint32 = iota
	SysOsrelease
	SysVersion
	SysHostname
	SysPidMax
	SysCapLast
	SysNgroupsMax
	SysBootID
	SysUUID
	SysOvercommit
	SysMmapMinAddr
	SysNrOpen
	SysPipeMaxSize
)

var kernelEntries = []Entry{
	{"ostype", SysValue, SysOstype, file}, {"osrelease", SysValue, SysOsrelease, file}, {"version", SysValue, SysVersion, file},
	{"hostname", SysValue, SysHostname, file}, {"pid_max", SysValue, SysPidMax, file}, {"cap_last_cap", SysValue, SysCapLast, file},
	{"ngroups_max", SysValue, SysNgroupsMax, file}, {"random", SysRandomDir, 0, dir},
}

var randomEntries = []Entry{{"boot_id", SysValue, SysBootID, file}, {"uuid", SysValue, SysUUID, file}}

var vmEntries = []Entry{{"overcommit_memory", SysValue, SysOvercommit, file}, {"mmap_min_addr", SysValue, SysMmapMinAddr, file}}

var fsEntries = []Entry{{"nr_open", SysValue, SysNrOpen, file}, {"pipe-max-size", SysValue, SysPipeMaxSize, file}}

var sysEntries = []Entry{{"kernel", SysKernelDir, 0, dir}, {"vm", SysVMDir, 0, dir}, {"fs", SysFSDir, 0, dir}}

// lists has every fixed directory's entries, by the directory's kind.
var lists = []struct {
	kind    Kind
	entries []Entry
}{
	{Root, rootEntries}, {PidDir, pidEntries}, {SysDir, sysEntries}, {SysKernelDir, kernelEntries}, {SysRandomDir, randomEntries},
	{SysVMDir, vmEntries}, {SysFSDir, fsEntries},
}

// Entries lists a fixed directory; of /proc without the processes.
func Entries(k Kind) []Entry {
	for i := range lists {
		if lists[i].kind == k {
			return lists[i].entries
		}
	}
	return nil
}

// find is a node's entry and the kind of the directory that has it.
func find(n Node) (Entry, Kind, bool) {
	for _, l := range lists {
		for _, e := range l.entries {
			if e.Kind == n.Kind && (e.Kind != SysValue || e.N == n.N) {
				return e, l.kind, true
			}
		}
	}
	return Entry{}, 0, false
}

// Mode is a node's type and permissions.
func Mode(n Node) uint32 {
	switch n.Kind {
	case Root, PidDir:
		return dir
	case PidFd:
		return unix.S_IFLNK | 0o700
	}
	if e, _, ok := find(n); ok {
		return e.Mode
	}
	return file
}

// Name is a node's name in its directory.
func Name(n Node) string {
	switch n.Kind {
	case PidDir:
		return strconv.Itoa(int(n.Pid))
	case PidFd:
		return strconv.Itoa(int(n.N))
	}
	if e, _, ok := find(n); ok {
		return e.Name
	}
	return "proc"
}

// Parent is the directory that a node is in; the root's is itself.
func Parent(n Node) Node {
	if n.Kind == PidFd {
		return Node{Kind: PidFdDir, Pid: n.Pid}
	}
	if _, k, ok := find(n); ok {
		if k == PidDir {
			return Node{Kind: PidDir, Pid: n.Pid}
		}
		return Node{Kind: k}
	}
	return Node{Kind: Root}
}

// hertz is USER_HZ: how /proc counts time.
const hertz = 100

func ticks(ns uint64) uint64 { return ns / (1e9 / hertz) }

// What the machine is said to run.
const (
	Ostype    = "Linux"
	Osrelease = "6.1.0-aramid"
	Build     = "#1 SMP PREEMPT_DYNAMIC Aramid"
)

// SysText is a value below /proc/sys. overcommit_memory is 1: memory is promised freely and an account's limit decides when it is used.
func SysText(n uint32, hostname string) string {
	switch n {
	case SysOstype:
		return Ostype + "\n"
	case SysOsrelease:
		return Osrelease + "\n"
	case SysVersion:
		return Build + "\n"
	case SysHostname:
		return hostname + "\n"
	case SysPidMax:
		return "32768\n"
	case SysNgroupsMax, SysMmapMinAddr, SysPipeMaxSize:
		return "65536\n"
	case SysOvercommit:
		return "1\n"
	case SysNrOpen:
		return "1048576\n"
	}
	return "40\n"
}

// UUID writes 16 random bytes as a version 4 UUID (RFC 9562).
func UUID(random []byte) string {
	var b [16]byte
	copy(b[:], random)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x\n", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Limit is a resource limit.
type Limit struct{ Soft, Hard uint64 }

// LimitNames are the names and units of /proc/PID/limits, by RLIMIT_*.
var LimitNames = [...][2]string{
	{"Max cpu time", "seconds"}, {"Max file size", "bytes"}, {"Max data size", "bytes"}, {"Max stack size", "bytes"},
	{"Max core file size", "bytes"}, {"Max resident set", "bytes"}, {"Max processes", "processes"}, {"Max open files", "files"},
	{"Max locked memory", "bytes"}, {"Max address space", "bytes"}, {"Max file locks", "locks"}, {"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"}, {"Max nice priority", ""}, {"Max realtime priority", ""}, {"Max realtime timeout", "us"},
}

// LimitsText is /proc/PID/limits.
func LimitsText(limits []Limit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units")
	for i, l := range limits {
		fmt.Fprintf(&b, "%-25s %-20s %-20s %-10s\n", LimitNames[i][0], limitText(l.Soft), limitText(l.Hard), LimitNames[i][1])
	}
	return b.String()
}

func limitText(v uint64) string {
	if v == 1<<64-1 {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}

// VersionText is /proc/version.
func VersionText() string {
	return Ostype + " version " + Osrelease + " (aramid@aramid) (go) " + Build + "\n"
}

// MeminfoText is /proc/meminfo, of bytes.
func MeminfoText(total, free uint64) string {
	var b strings.Builder
	for _, l := range []struct {
		name string
		v    uint64
	}{
		{"MemTotal", total}, {"MemFree", free}, {"MemAvailable", free}, {"Buffers", 0}, {"Cached", 0}, {"SwapCached", 0},
		{"SwapTotal", 0}, {"SwapFree", 0}, {"Shmem", 0},
	} {
		fmt.Fprintf(&b, "%-16s%8d kB\n", l.name+":", l.v>>10)
	}
	return b.String()
}

// CPUInfoText is the part of /proc/cpuinfo that does not need CPUID.
func CPUInfoText(cpus, hz uint64) string {
	var b strings.Builder
	for i := range cpus {
		fmt.Fprintf(&b, "processor\t: %d\nmodel name\t: x86-64\ncpu MHz\t\t: %d.%03d\ncpu cores\t: %d\n\n", i, hz/1e6, hz/1e3%1000, cpus)
	}
	return b.String()
}

// UptimeText is /proc/uptime.
func UptimeText(ns uint64) string {
	return fmt.Sprintf("%d.%02d 0.00\n", ns/1e9, ns/1e7%100)
}

// CPUStatText is /proc/stat: nobody counts the idle time yet.
func CPUStatText(cpus, bootSeconds uint64) string {
	var b strings.Builder
	b.WriteString("cpu  0 0 0 0 0 0 0 0 0 0\n")
	for i := range cpus {
		fmt.Fprintf(&b, "cpu%d 0 0 0 0 0 0 0 0 0 0\n", i)
	}
	fmt.Fprintf(&b, "intr 0\nctxt 0\nbtime %d\nprocesses 0\nprocs_running 1\nprocs_blocked 0\n", bootSeconds)
	return b.String()
}

// Memory is what statm and stat say of a process.
type Memory struct{ Mapped, Resident uint64 }

const pageSize = 4096

// Terminal is a controlling terminal: its device number, 0 for none, and its foreground group, else -1.
type Terminal struct {
	Device     uint64
	Foreground int32
}

// StatText is /proc/PID/stat.
func StatText(s *proc.StatusReply, m Memory, t Terminal) string {
	f := make([]string, 0, 52)
	add := func(v ...uint64) {
		for _, x := range v {
			f = append(f, strconv.FormatUint(x, 10))
		}
	}
	add(uint64(s.Pid))
	f = append(f, "("+s.Name+")", s.State)
	add(uint64(s.Ppid), uint64(s.Pgid), uint64(s.Sid), t.Device)
	f = append(f, strconv.Itoa(int(t.Foreground)))
	add(0, 0, 0, 0, 0, ticks(s.UserNs), ticks(s.SystemNs), 0, 0, 20, 0)           // flags … nice
	add(uint64(s.Threads), 0, ticks(s.StartNs), m.Mapped, m.Resident/pageSize)    // … rss
	add(1<<64-1, 0, 0, 0, 0, 0)                                                   // rsslim … kstkeip
	add(s.Pending, s.Blocked, s.Ignored, s.Caught, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0) // … cguest_time
	add(0, 0, 0, 0, 0, 0, 0, 0)                                                   // start_data … exit_code
	return strings.Join(f, " ") + "\n"
}

// StatmText is /proc/PID/statm.
func StatmText(m Memory) string {
	return fmt.Sprintf("%d %d 0 0 0 0 0\n", m.Mapped/pageSize, m.Resident/pageSize)
}

var stateNames = map[string]string{"R": "running", "S": "sleeping", "T": "stopped", "Z": "zombie", "X": "dead"}

// StatusText is /proc/PID/status.
func StatusText(s *proc.StatusReply, c *proc.CredsReply, m Memory) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Name:\t%s\nUmask:\t0022\nState:\t%s (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		s.Name, s.State, stateNames[s.State], s.Pid, s.Pid, s.Ppid)
	fmt.Fprintf(&b, "Uid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\n", c.Ruid, c.Euid, c.Suid, c.Fsuid, c.Rgid, c.Egid, c.Sgid, c.Fsgid)
	b.WriteString("Groups:\t")
	for _, g := range c.Groups {
		fmt.Fprintf(&b, "%d ", g)
	}
	fmt.Fprintf(&b, "\nVmSize:\t%8d kB\nVmRSS:\t%8d kB\nThreads:\t%d\n", m.Mapped>>10, m.Resident>>10, s.Threads)
	fmt.Fprintf(&b, "SigPnd:\t%016x\nShdPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n", 0, s.Pending, s.Blocked, s.Ignored, s.Caught)
	fmt.Fprintf(&b, "CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\n",
		c.Inheritable, c.Permitted, c.Effective, c.Bounding, c.Ambient)
	return b.String()
}

// MapsLine is one line of /proc/PID/maps.
func MapsLine(r *mm.Region, dev string, ino uint64, name string) string {
	perm := []byte("---p")
	for i, bit := range []uint32{unix.PROT_READ, unix.PROT_WRITE, unix.PROT_EXEC} {
		if r.Prot&bit != 0 {
			perm[i] = "rwx"[i]
		}
	}
	if r.Shared {
		perm[3] = 's'
	}
	line := fmt.Sprintf("%08x-%08x %s %08x %s %d", r.Addr, r.Addr+r.Len, perm, r.Offset, dev, ino)
	if name == "" {
		return line + " \n"
	}
	return fmt.Sprintf("%-72s %s\n", line, name)
}

// FilesystemsText is /proc/filesystems.
const FilesystemsText = "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tcgroup2\nnodev\tdevtmpfs\nnodev\tdevpts\n"

// Escape writes a path as /proc/mounts does: white space and backslashes in octal.
func Escape(s string) string {
	if !strings.ContainsAny(s, " \t\n\\") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\\':
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// MountOptions writes MS_* flags as mount(8) does.
func MountOptions(flags uint64) string {
	o := "rw"
	if flags&unix.MS_RDONLY != 0 {
		o = "ro"
	}
	for _, f := range []struct {
		bit  uint64
		name string
	}{{unix.MS_NOSUID, "nosuid"}, {unix.MS_NODEV, "nodev"}, {unix.MS_NOEXEC, "noexec"}, {unix.MS_NOATIME, "noatime"}, {unix.MS_RELATIME, "relatime"}} {
		if flags&f.bit != 0 {
			o += "," + f.name
		}
	}
	return o
}
