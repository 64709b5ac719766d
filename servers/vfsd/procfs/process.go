package procfs

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
)

const pageSize = 4096

// Memory is a process's, bytes. The kinds are those of status; they are known only after Count.
type Memory struct {
	Mapped, Resident, Locked   uint64
	Data, Stack, Code, Library uint64
	Shared                     uint64
}

// Count adds a region up. own: it maps the process's own program; stack: it is its stack.
func (m *Memory) Count(r *mm.Region, own, stack bool) {
	code := r.Prot&unix.PROT_EXEC != 0
	switch {
	case stack:
		m.Stack += r.Len
	case code && own:
		m.Code += r.Len
	case code:
		m.Library += r.Len
	case r.Prot&unix.PROT_WRITE != 0 && !r.Shared:
		m.Data += r.Len
	}
	if r.Shared {
		m.Shared += r.Len
	}
}

// Terminal is a controlling terminal: its device number, 0 for none, and its foreground group, else -1.
type Terminal struct {
	Device     uint64
	Foreground int32
}

// Numbers of a process's stat line.
const (
	flagRandomize = 0x00400000 // PF_RANDOMIZE
	basePriority  = 20
)

// StatText is /proc/PID/stat.
func StatText(s *proc.StatusReply, m Memory, t Terminal, rss uint64) string {
	f := make([]string, 0, 52)
	add := func(v ...uint64) {
		for _, x := range v {
			f = append(f, strconv.FormatUint(x, 10))
		}
	}
	signed := func(v ...int32) {
		for _, x := range v {
			f = append(f, strconv.Itoa(int(x)))
		}
	}
	l := s.Layout
	if l == nil {
		l = &proc.Layout{}
	}
	signed(s.Pid)
	f = append(f, "("+s.Name+")", s.State)
	signed(s.Ppid, s.Pgid, s.Sid)
	add(t.Device)
	signed(t.Foreground)
	add(flagRandomize, 0, 0, 0, 0)
	add(ticks(s.UserNs), ticks(s.SystemNs), ticks(s.ChildrenUserNs), ticks(s.ChildrenSystemNs))
	signed(basePriority+s.Nice, s.Nice)
	add(uint64(s.Threads), 0, ticks(s.StartNs), m.Mapped, m.Resident/pageSize, rss)
	add(l.StartCode, l.EndCode, l.StartStack, 0, 0)
	add(s.ThreadPending&sigMask, s.Blocked&sigMask, s.Ignored&sigMask, s.Caught&sigMask)
	add(0, 0, 0)
	signed(s.ExitSignal)
	add(0, 0, 0, 0, 0, 0) // processor … cguest_time
	add(l.StartData, l.EndData, l.StartBrk, l.ArgStart, l.ArgEnd, l.EnvStart, l.EnvEnd, 0)
	return strings.Join(f, " ") + "\n"
}

// sigMask are the signals that stat shows: it is from before there were more.
const sigMask = 1<<31 - 1

// StatmText is /proc/PID/statm.
func StatmText(m Memory) string {
	return fmt.Sprintf("%d %d %d %d 0 %d 0\n", m.Mapped/pageSize, m.Resident/pageSize, min(m.Shared, m.Resident)/pageSize, m.Code/pageSize, (m.Data+m.Stack)/pageSize)
}

var stateNames = map[string]string{"R": "running", "S": "sleeping", "T": "stopped", "Z": "zombie", "X": "dead"}

// More is what status shows beyond what procd's Status and Creds say.
type More struct {
	Tid     int32
	Umask   uint32
	Fds     int
	CPUs    uint64
	Limits  uint64 // of pending signals
	Zombie  bool
	Pending int
}

// StatusText is /proc/PID/status.
func StatusText(s *proc.StatusReply, c *proc.CredsReply, m Memory, more *More) string {
	var b strings.Builder
	p := func(format string, v ...any) { fmt.Fprintf(&b, format, v...) }
	p("Name:\t%s\nUmask:\t%04o\nState:\t%s (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		escapeName(s.Name), more.Umask, s.State, stateNames[s.State], s.Pid, more.Tid, s.Ppid)
	p("Uid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\n", c.Ruid, c.Euid, c.Suid, c.Fsuid, c.Rgid, c.Egid, c.Sgid, c.Fsgid)
	p("FDSize:\t%d\nGroups:\t", fdSize(more.Fds))
	for _, g := range c.Groups {
		p("%d ", g)
	}
	p("\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", s.Pid, more.Tid, s.Pgid, s.Sid)
	if !more.Zombie {
		for _, l := range []struct {
			name string
			v    uint64
		}{
			{"VmPeak", m.Mapped}, {"VmSize", m.Mapped}, {"VmLck", m.Locked}, {"VmPin", 0}, {"VmHWM", m.Resident}, {"VmRSS", m.Resident},
			{"RssAnon", m.Resident}, {"RssFile", 0}, {"RssShmem", 0}, {"VmData", m.Data}, {"VmStk", m.Stack}, {"VmExe", m.Code}, {"VmLib", m.Library},
			{"VmPTE", 0}, {"VmSwap", 0},
		} {
			p("%s:\t%8d kB\n", l.name, l.v>>10)
		}
		p("CoreDumping:\t0\nTHP_enabled:\t0\n")
	}
	p("Threads:\t%d\nSigQ:\t%d/%d\n", s.Threads, more.Pending, more.Limits)
	p("SigPnd:\t%016x\nShdPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n", s.ThreadPending, s.Pending, s.Blocked, s.Ignored, s.Caught)
	p("CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\n",
		c.Inheritable, c.Permitted, c.Effective, c.Bounding, c.Ambient)
	privs := 0
	if s.NoNewPrivs {
		privs = 1
	}
	p("NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n", privs)
	p("Cpus_allowed:\t%x\nCpus_allowed_list:\t%s\nMems_allowed:\t1\nMems_allowed_list:\t0\n", uint64(1)<<more.CPUs-1, cpuList(more.CPUs))
	return b.String()
}

// fdSize is the size of the table that so many descriptors need.
func fdSize(n int) int {
	const least = 64
	if n <= least {
		return least
	}
	return 1 << bits.Len(uint(n-1))
}

func cpuList(n uint64) string {
	if n <= 1 {
		return "0"
	}
	return "0-" + strconv.FormatUint(n-1, 10)
}

// escapeName writes a name as status does.
func escapeName(s string) string {
	return strings.NewReplacer("\n", "\\n", "\\", "\\\\").Replace(s)
}

// OomScore is oom_score: how much of the machine's memory a process has, in thousandths, and what was set on top.
func OomScore(resident, total uint64, adj int32) int64 {
	if adj == -1000 {
		return 0
	}
	score := int64(resident*1000/max(total, 1)) + int64(adj)
	return max((1000+score)*2/3, 0)
}
