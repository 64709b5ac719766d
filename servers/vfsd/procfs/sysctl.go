package procfs

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What the machine is said to run.
const (
	Ostype    = "Linux"
	Osrelease = "6.1.0-aramid"
	Build     = "#1 SMP PREEMPT_DYNAMIC Aramid"
)

// Rule says what may be written to a value below /proc/sys.
type Rule uint8

// The rules.
const (
	Never    Rule = iota // nothing
	Same                 // what it is already: a property that cannot be changed
	Integer              // a number from Min to Max
	Line                 // a line of text
	PipeSize             // what a pipe can be made to hold, bytes: it is rounded up (RoundPipe)
	Numbers              // as many numbers as it has, or the first of them
	Asked                // who reads or writes it asks somebody: a name of its own below
)

// Sysctl is a value below /proc/sys.
type Sysctl struct {
	Path     string
	Mode     uint32 // permissions
	Rule     Rule
	Text     string // at boot, without the newline
	Min, Max int64
}

// Values that somebody is asked for.
const (
	SysHostname   = "kernel/hostname"
	SysDomainname = "kernel/domainname"
	SysPidMax     = "kernel/pid_max"
	SysBootID     = "kernel/random/boot_id"
	SysUUID       = "kernel/random/uuid"
	SysPrintk     = "kernel/printk"
	SysFileNr     = "fs/file-nr"
	SysPtyNr      = "kernel/pty/nr"
)

// PipeMax bounds what F_SETPIPE_SZ sets without CAP_SYS_RESOURCE (pipe(7)).
var PipeMax = &Sysctl{Path: "fs/pipe-max-size", Mode: 0o644, Rule: PipeSize, Text: "1048576"}

// MaxWatches and MaxPolled bound what one inotify and one epoll file watch (inotify(7), epoll(7): on Linux all of a user).
var (
	MaxWatches = &Sysctl{Path: "fs/inotify/max_user_watches", Mode: 0o644, Rule: Integer, Text: "65536", Max: 1<<31 - 1}
	MaxPolled  = &Sysctl{Path: "fs/epoll/max_user_watches", Mode: 0o644, Rule: Integer, Text: "65536", Max: 1 << 16}
)

// MaxPipe is the largest pipe, bytes (round_pipe_size of Linux).
const MaxPipe = 1 << 31

// RoundPipe is what a pipe holds that is to hold n bytes, n ≤ MaxPipe: a power of two of pages.
func RoundPipe(n uint64) uint64 {
	const pageBits = 12
	return 1 << max(pageBits, bits.Len64(max(n, 1)-1))
}

// Randomize is what of an address space is left to chance: 0 nothing, 1 all but where the heap starts, more: all (proc_sys_kernel(5)).
var Randomize = &Sysctl{Path: "kernel/randomize_va_space", Mode: 0o644, Rule: Integer, Text: "2", Max: 1<<31 - 1}

// Sysctls are all values. overcommit_memory is 0: mmd promises what one call asks for unless the machine has less (proc_sys_vm(5)).
var Sysctls = []Sysctl{
	{Path: "kernel/ostype", Mode: 0o444, Text: Ostype},
	{Path: "kernel/osrelease", Mode: 0o444, Text: Osrelease},
	{Path: "kernel/version", Mode: 0o444, Text: Build},
	{Path: SysHostname, Mode: 0o644, Rule: Asked},
	{Path: SysDomainname, Mode: 0o644, Rule: Asked},
	{Path: SysPidMax, Mode: 0o644, Rule: Asked},
	{Path: "kernel/threads-max", Mode: 0o644, Rule: Same, Text: "32768"},
	{Path: "kernel/cap_last_cap", Mode: 0o444, Text: "40"},
	{Path: "kernel/ngroups_max", Mode: 0o444, Text: "65536"},
	{Path: "kernel/overflowuid", Mode: 0o644, Rule: Same, Text: "65534"},
	{Path: "kernel/overflowgid", Mode: 0o644, Rule: Same, Text: "65534"},
	{Path: "kernel/core_pattern", Mode: 0o644, Rule: Line, Text: "core"},
	{Path: "kernel/panic", Mode: 0o644, Rule: Same, Text: "0"},
	{Path: SysPrintk, Mode: 0o644, Rule: Numbers, Text: "7\t4\t1\t7"},
	{Path: "kernel/printk_devkmsg", Mode: 0o644, Rule: Same, Text: "on"},
	{Path: "kernel/dmesg_restrict", Mode: 0o644, Rule: Same, Text: "0"},
	*Randomize,
	{Path: "kernel/tainted", Mode: 0o444, Text: "0"},
	{Path: SysBootID, Mode: 0o444, Rule: Asked},
	{Path: SysUUID, Mode: 0o444, Rule: Asked},
	{Path: "kernel/random/poolsize", Mode: 0o444, Text: "256"},
	{Path: "kernel/random/entropy_avail", Mode: 0o444, Text: "256"},
	{Path: "kernel/pty/max", Mode: 0o644, Rule: Same, Text: "4096"},
	{Path: SysPtyNr, Mode: 0o444, Rule: Asked},
	{Path: "vm/overcommit_memory", Mode: 0o644, Rule: Same, Text: "0"},
	{Path: "vm/mmap_min_addr", Mode: 0o644, Rule: Same, Text: "65536"},
	{Path: "vm/max_map_count", Mode: 0o644, Rule: Same, Text: "65530"},
	{Path: "fs/nr_open", Mode: 0o644, Rule: Same, Text: "1048576"},
	{Path: "fs/file-max", Mode: 0o644, Rule: Integer, Text: "9223372036854775807", Min: 1 << 20, Max: 1<<63 - 1},
	{Path: SysFileNr, Mode: 0o444, Rule: Asked},
	*PipeMax,
	{Path: "fs/inotify/max_queued_events", Mode: 0o644, Rule: Same, Text: "16384"},
	{Path: "fs/inotify/max_user_instances", Mode: 0o644, Rule: Same, Text: "1048576"},
	*MaxWatches,
	*MaxPolled,
	{Path: "net/unix/max_dgram_qlen", Mode: 0o644, Rule: Same, Text: "512"},
	{Path: "net/core/somaxconn", Mode: 0o644, Rule: Same, Text: "4096"},
}

// sysDirs are the directories, "" being /proc/sys itself; a node's N counts them.
var sysDirs = func() []string {
	seen := map[string]bool{"": true}
	for _, s := range Sysctls {
		for d := above(s.Path); d != ""; d = above(d) {
			seen[d] = true
		}
	}
	out := make([]string, 0, len(seen))
	for d := range seen {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}()

func above(path string) string {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return ""
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func sysChildren(n uint32) (out []Entry) {
	if int(n) >= len(sysDirs) {
		return nil
	}
	for i, d := range sysDirs {
		if d != "" && above(d) == sysDirs[n] {
			out = append(out, Entry{base(d), Node{Kind: SysDir, N: uint32(i)}, dir})
		}
	}
	for i, s := range Sysctls {
		if above(s.Path) == sysDirs[n] {
			out = append(out, Entry{base(s.Path), Node{Kind: SysValue, N: uint32(i)}, unix.S_IFREG | s.Mode})
		}
	}
	return out
}

func sysParent(n Node) Node {
	path := ""
	switch {
	case n.Kind == SysDir && n.N == 0:
		return Node{Kind: Root}
	case n.Kind == SysDir && int(n.N) < len(sysDirs):
		path = sysDirs[n.N]
	case n.Kind == SysValue && int(n.N) < len(Sysctls):
		path = Sysctls[n.N].Path
	}
	i, _ := slices.BinarySearch(sysDirs, above(path))
	return Node{Kind: SysDir, N: uint32(i)}
}

// Accept is what a value becomes when text is written over it. false: EINVAL.
func (s *Sysctl) Accept(old, text string) (string, bool) {
	switch s.Rule {
	case Line:
		return Trim(text), true
	case Same:
		return old, strings.TrimSpace(text) == old
	case Integer:
		v, err := strconv.ParseInt(strings.TrimSpace(text), 0, 64)
		return strconv.FormatInt(v, 10), err == nil && v >= s.Min && v <= s.Max
	case PipeSize:
		v, err := strconv.ParseUint(strings.TrimSpace(text), 0, 32)
		return strconv.FormatUint(RoundPipe(v), 10), err == nil && v <= MaxPipe
	case Numbers:
		have := strings.Fields(old)
		for i, f := range strings.Fields(text) {
			v, err := strconv.ParseInt(f, 0, 32)
			if err != nil || i >= len(have) {
				return "", false
			}
			have[i] = strconv.FormatInt(v, 10)
		}
		return strings.Join(have, "\t"), true
	}
	return "", false
}

// UUID writes 16 random bytes as a version 4 UUID (RFC 9562).
func UUID(random []byte) string {
	var b [16]byte
	copy(b[:], random)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x\n", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
