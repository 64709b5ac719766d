package main

import (
	"testing"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/signal"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uksim"
)

// More system calls of the test's handler: what is asked and set about threads and namespaces.
const (
	sysUnshare      = 300 + iota // (flags)
	sysHostname                  // (length of the new name) → length of the name
	sysThreads                   // (pid) → number of threads
	sysThreadStatus              // (tid) → nice<<32 | threads
	sysCompare                   // (pid, pid, type, fd, fd) → order
	sysSched                     // (tid, policy) → policy before
	sysIoPriority                // (which, who, set<<32 | value) → value before
	sysTotals                    // () → forks<<32 | threads
	sysLayout                    // (pid) → arg_start<<32 | arg_end
	sysBecome                    // (uid)
	sysPlan                      // (uid of a set-user-id file) → AT_SECURE<<32 | effective uid
	sysForkInTheEnd              // () ends the process, and forks in the same call
)

func (h *handler) about(in *uabi.Msg, nr, a, b uint64) (uint64, uabi.Error) {
	l, r := &h.lane, &in.Regs
	var status proc.StatusReply
	switch nr {
	case sysUnshare:
		req := proc.UnshareRequest{Flags: a}
		if a&unix.CLONE_FS != 0 {
			fs, _ := h.k.EventCreate(uabi.BootAccount)
			req.Fs, req.FsId = uint32(fs), in.ID.Origin<<20|in.ID.Trap
			defer h.k.Close(fs)
		}
		return 0, h.proc.Unshare(l, &req, &proc.EmptyReply{})
	case sysHostname:
		var out proc.UtsReply
		req := proc.UtsRequest{}
		if a != 0 {
			s := string(make([]byte, a))
			req.Hostname = &s
		}
		err := h.proc.Uts(l, &req, &out)
		return uint64(len(out.Hostname)), err
	case sysThreads:
		var out proc.ListReply
		err := h.proc.ThreadList(l, &proc.PidRequest{Pid: int32(a)}, &out)
		return uint64(len(out.Pids)), err
	case sysThreadStatus:
		err := h.proc.ThreadStatus(l, &proc.PidRequest{Pid: int32(a)}, &status)
		return uint64(status.Nice)<<32 | uint64(status.Threads), err
	case sysCompare:
		var out proc.PidReply
		err := h.proc.Compare(l, &proc.CompareRequest{Pid1: int32(a), Pid2: int32(b), Type: uint32(r.RDX), Idx1: r.R10, Idx2: r.R8}, &out)
		return uint64(out.Pid), err
	case sysSched:
		var out proc.SchedReply
		err := h.proc.Sched(l, &proc.SchedRequest{Tid: int32(a), Set: true, Policy: uint32(b)}, &out)
		return uint64(out.Policy), err
	case sysIoPriority:
		var out proc.PriorityReply
		err := h.proc.IoPriority(l, &proc.PriorityRequest{Which: uint32(a), Who: int32(b), Set: r.RDX>>32 != 0, Nice: int32(r.RDX)}, &out)
		return uint64(out.Nice), err
	case sysTotals:
		var out proc.TotalsReply
		err := h.proc.Totals(l, &proc.EmptyRequest{}, &out)
		return out.Forks<<32 | uint64(out.Threads), err
	case sysLayout:
		err := h.proc.Status(l, &proc.PidRequest{Pid: int32(a)}, &status)
		return status.Layout.GetArgStart()<<32 | status.Layout.GetArgEnd(), err
	case sysBecome:
		id := uint32(a)
		return 0, h.proc.SetCreds(l, &proc.SetCredsRequest{Ruid: &id, Euid: &id, Suid: &id}, &proc.EmptyReply{})
	}
	if nr == sysForkInTheEnd {
		if err := h.proc.ExitGroup(l, &proc.ExitRequest{}, &proc.EmptyReply{}); err != uabi.OK {
			return 0, err
		}
		return 0, h.proc.Fork(l, &proc.ForkRequest{Flags: unix.CLONE_FS}, &proc.PidReply{})
	}
	if nr == sysPlan {
		var out proc.ExecPlanReply
		err := h.proc.ExecPlan(l, &proc.ExecPlanRequest{SetUid: true, Uid: uint32(a)}, &out)
		secure := uint64(0)
		if out.Secure {
			secure = 1
		}
		return secure<<32 | uint64(out.Euid), err
	}
	return h.groups(in, nr, a, b)
}

func (p *program) is(what string, want, got uint64) {
	if got != want {
		p.w.Fail("%s: %#x, want %#x", what, got, want)
	}
}

func TestUnshareGivesDescriptorsFsAndNamesOfItsOwn(t *testing.T) {
	const flags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
		unix.CLONE_CHILD_CLEARTID | unix.CLONE_PARENT_SETTID
	sweep(t, 3, 0, func(p *program) {
		p.sys("install", sysInstall)
		p.sys("name", sysHostname, 6)
		p.a.Fork(func(a *uksim.Alien) {
			c := &program{a, p.w}
			c.fails("a thread's memory", uabi.ErrArg, sysUnshare, unix.CLONE_VM)
			c.fails("a network", uabi.ErrArg, sysUnshare, unix.CLONE_NEWNET)
			for _, kind := range []uint64{kcmpFiles, kcmpFS} {
				c.is("shared", 0, c.sys("compare", sysCompare, 1, 2, kind))
			}
			c.sys("unshare", sysUnshare, unix.CLONE_FILES|unix.CLONE_FS|unix.CLONE_NEWUTS)
			for _, kind := range []uint64{kcmpFiles, kcmpFS} {
				c.is("unshared", 1, c.sys("compare", sysCompare, 1, 2, kind))
				c.is("the other way", 2, c.sys("compare", sysCompare, 2, 1, kind))
			}
			c.sys("close", sysClose, 0)
			c.sys("name", sysHostname, 9)
			c.sys("become", sysBecome, 7)
			c.fails("name of a user", uabi.ErrPerm, sysHostname, 3)
			c.fails("unshare of a user", uabi.ErrPerm, sysUnshare, unix.CLONE_NEWUTS)
			c.a.Syscall(sysExit, 0)
			a.Step()
		}, sysFork, flags, dataVa, 0)
		for p.a.Word(dataVa) != 0 {
			p.sleep()
		}
		p.is("descriptors", 1, p.sys("fds", sysFds))
		p.is("name", 6, p.sys("name", sysHostname, 0))
		p.fails("a long name", uabi.ErrArg, sysHostname, 65)
		pid := p.fork(unix.CLONE_NEWUTS, 0, signal.CHLD, func(p *program) uint64 {
			p.sys("name", sysHostname, 12)
			return 0
		})
		p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED)
		p.is("name", 6, p.sys("name", sysHostname, 0))
		p.exit(0)
	}, said())
}

func TestThreadsAreListedComparedAndScheduled(t *testing.T) {
	sweep(t, 5, 0, func(p *program) {
		fd := p.sys("install", sysInstall)
		p.is("dup", 0, p.sys("compare", sysCompare, 1, 1, kcmpFile, fd, p.sys("dup", sysDup, fd, 0)))
		p.is("another", 1, p.sys("compare", sysCompare, 1, 1, kcmpFile, fd, p.sys("install", sysInstall)))
		p.fails("no descriptor", uabi.ErrBadFD, sysCompare, 1, 1, kcmpFile, fd, 77)
		p.fails("no kind", uabi.ErrArg, sysCompare, 1, 1, 77)
		p.fails("nobody", uabi.ErrSearch, sysCompare, 1, 77, kcmpVM)
		pid := p.fork(0, 0, signal.CHLD, func(p *program) uint64 {
			p.is("policy", 0, p.sys("policy", sysSched, 0, schedIdle))
			p.is("policy", schedIdle, p.sys("policy", sysSched, 0, schedBatch))
			p.fails("real time", uabi.ErrArg, sysSched, 0, 1)
			p.fails("policy of nobody", uabi.ErrSearch, sysSched, 77, 0)
			p.is("priority", 0, p.sys("priority", sysIoPriority, 1, 0, 1<<32|ioClassIdle<<ioClassShift))
			p.fails("a class that is not", uabi.ErrArg, sysIoPriority, 1, 0, 1<<32|5<<ioClassShift)
			p.sys("become", sysBecome, 7)
			p.fails("a real-time class", uabi.ErrPerm, sysIoPriority, 1, 0, 1<<32|ioClassRT<<ioClassShift)
			p.fails("another's policy", uabi.ErrPerm, sysSched, 1, schedBatch)
			p.fails("another's memory", uabi.ErrPerm, sysCompare, 1, p.sys("ids", sysIDs)&0xffffffff, kcmpVM)
			p.sys("pause", sysSleep)
			return 0
		})
		p.is("memory of a child", 1, p.sys("compare", sysCompare, 1, pid, kcmpVM))
		p.sys("wait", sysWait, unix.P_PID, pid, unix.WEXITED|unix.WNOWAIT)
		p.fails("a zombie", uabi.ErrPerm, sysCompare, 1, pid, kcmpVM)
		p.is("a zombie's threads", 0, p.sys("threads", sysThreads, pid))
		p.fails("a zombie's thread", uabi.ErrSearch, sysThreadStatus, pid)
		p.fails("threads of nobody", uabi.ErrSearch, sysThreads, 77)
		p.is("threads", 1, p.sys("threads", sysThreads, 1))
		p.is("status", 1, p.sys("status", sysThreadStatus, 1))
		p.is("totals", 1<<32|1, p.sys("totals", sysTotals))
		p.exit(0)
	}, said())
}

func TestStringsOfAProcessCanBeMovedByWhoMay(t *testing.T) {
	w := newWorld(t, uksim.Config{Seed: 9}, func(p *program) {
		p.sys("end", sysSet, unix.PR_SET_MM, unix.PR_SET_MM_ARG_END, 0x6000)
		p.sys("start", sysSet, unix.PR_SET_MM, unix.PR_SET_MM_ARG_START, 0x5000)
		p.fails("end before start", uabi.ErrArg, sysSet, unix.PR_SET_MM, unix.PR_SET_MM_ARG_END, 0x4000)
		p.fails("no address", uabi.ErrArg, sysSet, unix.PR_SET_MM, unix.PR_SET_MM_ARG_END, 1)
		p.fails("no field", uabi.ErrArg, sysSet, unix.PR_SET_MM, 99, 0x5000)
		p.is("layout", 0x5000<<32|0x6000, p.sys("layout", sysLayout, 1))
		p.sys("bounding", sysSet, unix.PR_CAPBSET_DROP, creds.SysAdmin)
		p.is("bounding", 0, p.sys("bounding", sysSet, unix.PR_CAPBSET_READ, creds.SysAdmin))
		p.fails("no such capability", uabi.ErrArg, sysSet, unix.PR_CAPBSET_READ, 41)
		p.sys("secure bits", sysSet, unix.PR_SET_SECUREBITS, creds.NoRoot|creds.NoRoot<<1)
		p.fails("a locked bit", uabi.ErrPerm, sysSet, unix.PR_SET_SECUREBITS, 0)
		p.sys("become", sysBecome, 7)
		p.is("a set-user-id program", 1<<32|9, p.sys("plan", sysPlan, 9))
		p.sys("no new privileges", sysSet, unix.PR_SET_NO_NEW_PRIVS, 1)
		p.is("with no_new_privs", 7, p.sys("plan", sysPlan, 9))
		p.fails("layout of a user", uabi.ErrPerm, sysSet, unix.PR_SET_MM, unix.PR_SET_MM_ARG_END, 0x6000)
		p.fails("no option", uabi.ErrArg, sysSet, 9999, 0)
		p.exit(0)
	})
	w.run(0)
}
