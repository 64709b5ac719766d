package main

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// What /proc says of one process or thread.

// status asks procd about a node's process, or its thread. Its strings stay.
func (k *call) status(n procfs.Node) (*proc.StatusReply, uabi.Error) {
	s := &proc.StatusReply{}
	err := uabi.OK
	if tid := threadOf(n); tid != 0 {
		err = k.proc().ThreadStatus(k.c, &proc.PidRequest{Pid: tid}, s)
	} else {
		err = k.proc().Status(k.c, &proc.PidRequest{Pid: n.Pid}, s)
	}
	s.Name, s.Exe, s.Cmdline, s.State = strings.Clone(s.Name), strings.Clone(s.Exe), []byte(string(s.Cmdline)), strings.Clone(s.State)
	return s, err
}

// threadOf is the thread that a node is about, 0 for the whole process.
func threadOf(n procfs.Node) int32 {
	if procfs.Parent(n).Kind == procfs.TidDir {
		return int32(n.N)
	}
	return 0
}

// may reports whether the caller may look into a process (ptrace(2), access mode checks).
func (k *call) may(pid int32) bool {
	if pid == k.tgid() || k.env.UID == 0 {
		return true
	}
	var cr proc.CredsReply
	return k.proc().Creds(k.c, &proc.PidRequest{Pid: pid}, &cr) == uabi.OK && cr.Ruid == k.env.UID && cr.Euid == k.env.UID && cr.Suid == k.env.UID
}

// context is a process's fs context, or nil.
func (k *call) context(pid int32) *state.Context {
	if pid == k.tgid() {
		return k.fs
	}
	var s proc.StatusReply
	if k.proc().Status(k.c, &proc.PidRequest{Pid: pid}, &s) != uabi.OK {
		return nil
	}
	return k.contexts.Get(s.FsId)
}

// place is what /proc/PID/cwd and root lead to.
func (k *call) place(n procfs.Node) (target string, at tree.Ref, jump bool, err uabi.Error) {
	if !k.may(n.Pid) {
		return "", at, false, uabi.ErrAccess
	}
	f := k.context(n.Pid)
	switch {
	case f == nil && n.Pid == k.tgid():
		at = k.root
	case f == nil:
		return "", at, false, uabi.ErrNotFound
	case n.Kind == procfs.PidRoot:
		at = tree.FromPb(f.Root)
	default:
		at = tree.FromPb(f.Cwd)
	}
	target, _ = k.tree.PathOf(&k.env, at)
	if i := k.tree.Inode(at.Ino); i != nil && i.Nlink == 0 {
		target += " (deleted)"
	}
	return target, at, true, uabi.OK
}

// namespace is the number of a process's namespace.
func (k *call) namespace(n procfs.Node) (uint64, uabi.Error) {
	if !k.may(n.Pid) {
		return 0, uabi.ErrAccess
	}
	ns := procfs.Namespaces[n.N-1]
	if ns.Type != "uts" {
		return ns.First, uabi.OK
	}
	s, err := k.status(procfs.Node{Kind: procfs.PidStat, Pid: n.Pid})
	if err != uabi.OK || s.Uts <= 1 {
		return ns.First, err
	}
	return 0xf0000000 + s.Uts, uabi.OK // Linux numbers later ones from there on
}

// process is the text of a file about one process.
func (k *call) process(n procfs.Node) (string, uabi.Error) {
	switch n.Kind {
	case procfs.PidMounts, procfs.PidMountinfo, procfs.PidMountstats:
		return k.mountTable(n.Pid, n.Kind)
	case procfs.PidMaps:
		return k.maps(n.Pid)
	case procfs.PidCgroup:
		return k.groupOf(n.Pid)
	case procfs.PidLimits:
		return k.limits(n.Pid)
	case procfs.PidUidMap, procfs.PidGidMap, procfs.PidProjidMap:
		return procfs.IDMapText, uabi.OK
	case procfs.PidSetgroups:
		return "allow\n", uabi.OK
	case procfs.PidWchan:
		return "0", uabi.OK
	case procfs.PidFdinfo:
		return k.fdinfo(n)
	}
	s, err := k.status(n)
	if err != uabi.OK {
		return "", err
	}
	switch n.Kind {
	case procfs.PidCmdline:
		return k.words(n.Pid, s, false)
	case procfs.PidEnviron:
		if !k.may(n.Pid) {
			return "", uabi.ErrAccess
		}
		return k.words(n.Pid, s, true)
	case procfs.PidComm:
		return s.Name + "\n", uabi.OK
	case procfs.PidPersonality:
		return fmt.Sprintf("%08x\n", s.Persona), uabi.OK
	case procfs.PidOomScoreAdj:
		return fmt.Sprintf("%d\n", s.OomScoreAdj), uabi.OK
	case procfs.PidOomScore:
		return fmt.Sprintf("%d\n", procfs.OomScore(k.usage(n.Pid).Resident, k.cfg.Machine.Memory, s.OomScoreAdj)), uabi.OK
	case procfs.PidStat:
		return k.stat1(n, s)
	case procfs.PidStatm:
		return procfs.StatmText(k.counted(n.Pid, s)), uabi.OK
	case procfs.PidStatus:
		return k.statusText(n, s)
	}
	return "", uabi.ErrIO
}

// stat1 is /proc/PID/stat.
func (k *call) stat1(n procfs.Node, s *proc.StatusReply) (string, uabi.Error) {
	var l proc.LimitReply
	l.Soft = 1<<64 - 1
	if s.State != "Z" {
		k.proc().Limit(k.c, &proc.LimitRequest{Pid: n.Pid, Resource: unix.RLIMIT_RSS}, &l)
	}
	if tid := threadOf(n); tid != 0 {
		s.Pid = tid
	}
	if !k.may(n.Pid) {
		s.Layout = nil
	}
	return procfs.StatText(s, k.usage(n.Pid), k.sessionTerminal(s.Sid), l.Soft), uabi.OK
}

// statusText is /proc/PID/status.
func (k *call) statusText(n procfs.Node, s *proc.StatusReply) (string, uabi.Error) {
	more := procfs.More{Tid: n.Pid, Umask: defaultUmask, CPUs: k.cfg.Machine.CPUs, Zombie: s.State == "Z"}
	if tid := threadOf(n); tid != 0 {
		more.Tid = tid
	}
	if f := k.contexts.Get(s.FsId); f != nil {
		more.Umask = f.Umask
	}
	var cr proc.CredsReply
	if err := k.proc().Creds(k.c, &proc.PidRequest{Pid: more.Tid}, &cr); err != uabi.OK && !more.Zombie {
		return "", err
	}
	groups := append([]uint32(nil), cr.Groups...)
	var fds proc.FdListReply
	if k.proc().FdList(k.c, &proc.PidRequest{Pid: n.Pid}, &fds) == uabi.OK && len(fds.Fds) > 0 {
		more.Fds = int(fds.Fds[len(fds.Fds)-1]) + 1
	}
	var l proc.LimitReply
	if k.proc().Limit(k.c, &proc.LimitRequest{Pid: n.Pid, Resource: unix.RLIMIT_SIGPENDING}, &l) == uabi.OK {
		more.Limits = l.Soft
	}
	cr.Groups = groups
	return procfs.StatusText(s, &cr, k.counted(n.Pid, s), &more), uabi.OK
}

// counted is usage with the kinds of memory told apart.
func (k *call) counted(pid int32, s *proc.StatusReply) procfs.Memory {
	m := k.usage(pid)
	cl, err := k.memoryOf(pid)
	if err != uabi.OK {
		return m
	}
	for after := uint64(0); ; {
		var rep mm.RegionsReply
		if cl.Regions(k.c, &mm.RegionsRequest{After: after}, &rep) != uabi.OK || len(rep.Regions) == 0 {
			return m
		}
		for _, r := range rep.Regions {
			l := s.Layout
			m.Count(r, l != nil && r.Addr < l.EndCode && r.Addr+r.Len > l.StartCode, r.Tag&tagStack != 0)
			after = r.Addr + r.Len
		}
	}
}

// maxWords bounds what is read of a process's arguments or environment, bytes.
const maxWords = 128 << 10

// words reads a process's arguments or environment where its program has them; without a layout there is what exec was told.
func (k *call) words(pid int32, s *proc.StatusReply, env bool) (string, uabi.Error) {
	l := s.Layout
	if l == nil || l.ArgEnd == 0 {
		if env {
			return "", uabi.OK
		}
		return string(s.Cmdline), uabi.OK
	}
	from, to := l.ArgStart, l.ArgEnd
	if env {
		from, to = l.EnvStart, l.EnvEnd
	}
	var rep proc.MemoryReply
	if k.proc().MemoryOf(k.c, &proc.PidRequest{Pid: pid}, &rep) != uabi.OK {
		return "", uabi.OK // a zombie
	}
	k.c.Close(uabi.Handle(rep.Mm))
	k.c.Close(uabi.Handle(rep.Space))
	var out []byte
	b := make([]byte, pageSize)
	for from < to && len(out) < maxWords {
		n, err := k.c.SpaceRead(uabi.Handle(rep.Space), from, b[:min(uint64(len(b)), to-from)])
		out = append(out, b[:n]...)
		from += uint64(n)
		if err != uabi.OK || n == 0 {
			break
		}
	}
	return string(out), uabi.OK
}

// fdinfo is /proc/PID/fdinfo/N.
func (k *call) fdinfo(n procfs.Node) (string, uabi.Error) {
	o, id := k.fd(n.Pid, n.N)
	if o == nil {
		if id == 0 {
			return "", uabi.ErrNotFound
		}
		return fmt.Sprintf("pos:\t0\nflags:\t%#o\nmnt_id:\t0\nino:\t%d\n", unix.O_RDWR, id), uabi.OK
	}
	var b strings.Builder
	ino := uint64(anonIno)
	if o.At != nil {
		ino = o.At.Ino
	} else if o.Pipe != 0 {
		ino = o.Pipe
	}
	flags := o.Flags
	var rep proc.FdGetReply
	if k.proc().FdGet(k.c, &proc.FdGetRequest{Fd: int32(n.N), Pid: n.Pid}, &rep) == uabi.OK && rep.Cloexec {
		flags |= unix.O_CLOEXEC
	}
	fmt.Fprintf(&b, "pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n", o.Pos, flags, o.At.GetMount(), ino)
	for _, w := range o.Watches {
		fmt.Fprintf(&b, "tfd: %8d\n", w.Fd)
	}
	return b.String(), uabi.OK
}
