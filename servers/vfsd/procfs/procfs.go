// Package procfs has the pure part of /proc: which nodes there are, their numbers, and their text from what the other servers
// say. Formats are those of proc(5).
package procfs

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
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
	Devices
	Swaps
	Partitions
	Diskstats
	Vmstat
	TTYDir
	TTYDrivers
	SysDir
	SysValue
	NsFile     // what a link below /proc/PID/ns means
	MountSpace // what the one of mounts means: N is its number

	PidDir
	PidStat
	PidStatm
	PidStatus
	PidCmdline
	PidComm
	PidEnviron
	PidExe
	PidCwd
	PidRoot
	PidFdDir
	PidFd
	PidFdinfoDir
	PidFdinfo
	PidMaps
	PidMounts
	PidMountinfo
	PidMountstats
	PidCgroup
	PidLimits
	PidOomScore
	PidOomScoreAdj
	PidUidMap
	PidGidMap
	PidProjidMap
	PidSetgroups
	PidWchan
	PidPersonality
	PidNsDir
	PidNs
	TaskDir
	TidDir

	Locks     // of the root, like those above PidDir
	AramidDir // of the root
	AramidGaps
)

// Node is what a number stands for. N is a descriptor, a thread, a namespace's type, or which name below /proc/sys.
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
	Node Node
	Mode uint32
}

const (
	dir     = unix.S_IFDIR | 0o555
	file    = unix.S_IFREG | 0o444
	private = unix.S_IFREG | 0o400
	open    = unix.S_IFREG | 0o644
	link    = unix.S_IFLNK | 0o777
)

// entry is an Entry of any process, or of the root.
type entry struct {
	name string
	kind Kind
	mode uint32
}

var rootEntries = []entry{
	{"self", Self, link}, {"thread-self", ThreadSelf, link}, {"mounts", MountsLink, link}, {"meminfo", Meminfo, file},
	{"cpuinfo", CPUInfo, file}, {"uptime", Uptime, file}, {"version", Version, file},
	{"filesystems", Filesystems, file}, {"loadavg", Loadavg, file}, {"stat", CPUStat, file},
	{"cmdline", Cmdline, file}, {"cgroups", Cgroups, file}, {"devices", Devices, file}, {"swaps", Swaps, file},
	{"partitions", Partitions, file}, {"diskstats", Diskstats, file}, {"locks", Locks, file}, {"vmstat", Vmstat, file}, {"tty", TTYDir, dir}, {"sys", SysDir, dir},
	{"aramid", AramidDir, dir},
}

var pidEntries = []entry{
	{"task", TaskDir, dir}, {"fd", PidFdDir, unix.S_IFDIR | 0o500}, {"fdinfo", PidFdinfoDir, unix.S_IFDIR | 0o555}, {"ns", PidNsDir, unix.S_IFDIR | 0o511},
	{"cwd", PidCwd, link}, {"root", PidRoot, link}, {"exe", PidExe, link}, {"mounts", PidMounts, file}, {"mountinfo", PidMountinfo, file},
	{"mountstats", PidMountstats, private}, {"projid_map", PidProjidMap, open}, {"stat", PidStat, file}, {"statm", PidStatm, file}, {"status", PidStatus, file},
	{"cmdline", PidCmdline, file}, {"comm", PidComm, open}, {"environ", PidEnviron, private}, {"maps", PidMaps, file},
	{"cgroup", PidCgroup, file}, {"limits", PidLimits, file}, {"oom_score", PidOomScore, file}, {"oom_score_adj", PidOomScoreAdj, open},
	{"uid_map", PidUidMap, open}, {"gid_map", PidGidMap, open}, {"setgroups", PidSetgroups, open}, {"wchan", PidWchan, file},
	{"personality", PidPersonality, private},
}

// notOfThreads are the entries of a process's directory that a thread's has not. What is in a thread's directories of descriptors and namespaces are the
// process's nodes: a thread that has others of its own is not told apart.
var notOfThreads = map[Kind]bool{TaskDir: true, PidMountstats: true}

// Namespaces are the links below /proc/PID/ns, in order of Node.N − 1, with the numbers of the first ones (include/linux/proc_ns.h). Absent ones are not
// shown, as by a Linux that was built without them: programs look there for what they can have (systemd's PrivateNetwork=).
var Namespaces = []struct {
	Name, Type string
	First      uint64
	Absent     bool
}{
	{"cgroup", "cgroup", 0xeffffffb, false}, {"ipc", "ipc", 0xefffffff, true}, {"mnt", "mnt", 0xeffffff8, false}, {"net", "net", 0xeffffff9, true},
	{"pid", "pid", 0xeffffffc, true}, {"pid_for_children", "pid", 0xeffffffc, true}, {"user", "user", 0xeffffffd, true}, {"uts", "uts", 0xeffffffe, false},
}

// Children lists a fixed directory; of /proc without the processes.
func Children(d Node) (out []Entry) {
	switch d.Kind {
	case Root:
		for _, e := range rootEntries {
			out = append(out, Entry{e.name, Node{Kind: e.kind}, e.mode})
		}
	case PidDir, TidDir:
		for _, e := range pidEntries {
			if d.Kind == PidDir || !notOfThreads[e.kind] {
				out = append(out, Entry{e.name, Node{Kind: e.kind, Pid: d.Pid, N: d.N}, e.mode})
			}
		}
	case PidNsDir:
		for i, s := range Namespaces {
			if !s.Absent {
				out = append(out, Entry{s.Name, Node{Kind: PidNs, Pid: d.Pid, N: uint32(i) + 1}, link})
			}
		}
	case TTYDir:
		out = []Entry{{"drivers", Node{Kind: TTYDrivers}, file}}
	case AramidDir:
		out = []Entry{{"gaps", Node{Kind: AramidGaps}, file}}
	case SysDir:
		out = sysChildren(d.N)
	}
	return out
}

// Parent is the directory that a node is in; the root's is itself.
func Parent(n Node) Node {
	switch n.Kind {
	case PidFd:
		return Node{Kind: PidFdDir, Pid: n.Pid}
	case PidFdinfo:
		return Node{Kind: PidFdinfoDir, Pid: n.Pid}
	case PidNs:
		return Node{Kind: PidNsDir, Pid: n.Pid}
	case TidDir:
		return Node{Kind: TaskDir, Pid: n.Pid}
	case TTYDrivers:
		return Node{Kind: TTYDir}
	case AramidGaps:
		return Node{Kind: AramidDir}
	case SysDir, SysValue:
		return sysParent(n)
	}
	switch {
	case n.Kind <= PidDir, n.Kind >= Locks:
		return Node{Kind: Root}
	case n.N != 0:
		return Node{Kind: TidDir, Pid: n.Pid, N: n.N}
	}
	return Node{Kind: PidDir, Pid: n.Pid}
}

// find is a node's entry in its directory.
func find(n Node) (Entry, bool) {
	for _, e := range Children(Parent(n)) {
		if e.Node == n {
			return e, true
		}
	}
	return Entry{}, false
}

// Mode is a node's type and permissions.
func Mode(n Node) uint32 {
	switch n.Kind {
	case Root, PidDir, TidDir:
		return dir
	case PidFd:
		return unix.S_IFLNK | 0o700
	case PidFdinfo:
		return private
	}
	if e, ok := find(n); ok {
		return e.Mode
	}
	return file
}

// Name is a node's name in its directory.
func Name(n Node) string {
	switch n.Kind {
	case PidDir:
		return strconv.Itoa(int(n.Pid))
	case PidFd, PidFdinfo, TidDir:
		return strconv.Itoa(int(n.N))
	}
	if e, ok := find(n); ok {
		return e.Name
	}
	return "proc"
}

// NsText is what a link to a namespace shows.
func NsText(n, id uint64) string {
	return Namespaces[n-1].Type + ":[" + strconv.FormatUint(id, 10) + "]"
}

// Strict reports whether a node's permissions bind the superuser too, as those of /proc/sys do.
func Strict(n Node) bool { return n.Kind == SysDir || n.Kind == SysValue }

// Texts that are always the same.
const (
	// SwapsText is /proc/swaps of a machine without swap.
	SwapsText = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	// PartitionsText is /proc/partitions of a machine whose disks nobody drives.
	PartitionsText = "major minor  #blocks  name\n\n"
	// IDMapText is uid_map of the first user namespace.
	IDMapText = "         0          0 4294967295\n"
	// DriversText is /proc/tty/drivers.
	DriversText = "/dev/tty             /dev/tty        5       0 system:/dev/tty\n" +
		"/dev/console         /dev/console    5       1 system:console\n" +
		"/dev/ptmx            /dev/ptmx       5       2 system\n" +
		"serial               /dev/ttyS       4 64-95 serial\n" +
		"pty_slave            /dev/pts      136 0-1048575 pty:slave\n" +
		"pty_master           /dev/ptm      128 0-1048575 pty:master\n"
	// DevicesText is /proc/devices.
	DevicesText = "Character devices:\n  1 mem\n  4 ttyS\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n128 ptm\n136 pts\n\nBlock devices:\n"
	// FilesystemsText is /proc/filesystems.
	FilesystemsText = "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\nnodev\tcgroup2\nnodev\tdevtmpfs\nnodev\tramfs\nnodev\tdevpts\n"
)

// Trim is what a write to a text value means: up to the first newline or NUL.
func Trim(s string) string {
	if i := strings.IndexAny(s, "\n\x00"); i >= 0 {
		return s[:i]
	}
	return s
}
