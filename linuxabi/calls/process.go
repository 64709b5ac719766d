package calls

import (
	"math"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func (t *Trap) tgid() uint64 { return t.context(ctx.Tgid) }
func (t *Trap) tid() uint64  { return t.context(ctx.Tid) }

func getpid(t *Trap) int64  { return int64(t.tgid()) }
func gettid(t *Trap) int64  { return int64(t.tid()) }
func getppid(t *Trap) int64 { return int64(uint32(t.context(ctx.Ppid))) }

func fork(t *Trap) int64 { return t.clone(&proc.ForkRequest{ExitSignal: uint32(unix.SIGCHLD)}, 0, 0) }
func vfork(t *Trap) int64 {
	return t.clone(&proc.ForkRequest{Flags: unix.CLONE_VM | unix.CLONE_VFORK, ExitSignal: uint32(unix.SIGCHLD)}, 0, 0)
}

const exitSignalMask = 0xff // CSIGNAL

func clone(t *Trap) int64 {
	flags := t.arg(0)
	in := &proc.ForkRequest{Flags: flags &^ exitSignalMask, ExitSignal: uint32(flags & exitSignalMask), Stack: t.arg(1),
		ChildTid: t.arg(3), Tls: t.arg(4)}
	if in.Flags&unix.CLONE_PIDFD == 0 {
		return t.clone(in, t.arg(2), 0)
	}
	if in.Flags&(unix.CLONE_PARENT_SETTID|unix.CLONE_DETACHED) != 0 {
		return errno(unix.EINVAL)
	}
	return t.clone(in, 0, t.arg(2))
}

// Fields of struct clone_args in words, and its smallest size in bytes (CLONE_ARGS_SIZE_VER0).
const (
	cloneFlags = iota
	clonePidfd
	cloneChildTid
	cloneParentTid
	cloneExitSignal
	cloneStack
	cloneStackSize
	cloneTLS
	cloneArgsMin = 8 * iota
)

// Those that came later: set_tid, set_tid_size and cgroup (CLONE_ARGS_SIZE_VER2).
const (
	cloneSetTid = cloneTLS + 1 + iota
	cloneSetTidSize
	cloneCgroup
	cloneArgsKnown = 8 * (cloneTLS + 1 + iota)
)

func clone3(t *Trap) int64 {
	size := t.arg(1)
	if size > unix.PathMax {
		return errno(unix.E2BIG)
	}
	if size < cloneArgsMin {
		return errno(unix.EINVAL)
	}
	b := make([]byte, max(size, cloneArgsKnown))
	if e := t.read(t.arg(0), b[:size]); e != 0 {
		return e
	}
	for _, c := range b[cloneArgsKnown:] {
		if c != 0 {
			return errno(unix.E2BIG)
		}
	}
	w := func(i int) uint64 { return le.Uint64(b[i*8:]) }
	in := &proc.ForkRequest{Flags: w(cloneFlags), ExitSignal: uint32(w(cloneExitSignal)), ChildTid: w(cloneChildTid), Tls: w(cloneTLS)}
	if w(cloneFlags)&exitSignalMask != 0 || w(cloneExitSignal)&^exitSignalMask != 0 || (w(cloneStack) == 0) != (w(cloneStackSize) == 0) {
		return errno(unix.EINVAL)
	}
	if w(cloneStack) != 0 {
		in.Stack = w(cloneStack) + w(cloneStackSize)
	}
	if w(cloneSetTid) != 0 || w(cloneSetTidSize) != 0 {
		t.gap(unix.SYS_CLONE3, "set_tid")
		return errno(unix.EINVAL)
	}
	if in.Flags&cloneIntoCgroup != 0 {
		if size < cloneArgsKnown || w(cloneCgroup) > math.MaxInt32 {
			return errno(unix.EINVAL)
		}
		h, _, e := t.file(int32(w(cloneCgroup)))
		if e != 0 {
			return e
		}
		var out vfs.CountReply
		if err := (vfs.Client{H: h}).CgroupOf(t, &vfs.EmptyRequest{}, &out); err != uabi.OK {
			return t.status(err)
		}
		in.Flags, in.Cgroup = in.Flags&^cloneIntoCgroup, uint64(out.Count)
	}
	if in.Flags&unix.CLONE_PIDFD != 0 && in.Flags&unix.CLONE_PARENT_SETTID != 0 && w(clonePidfd) == w(cloneParentTid) {
		return errno(unix.EINVAL)
	}
	return t.clone(in, w(cloneParentTid), w(clonePidfd))
}

// cloneIntoCgroup is CLONE_INTO_CGROUP.
const cloneIntoCgroup = 1 << 33

// cloneGaps are flags that a Linux without these namespaces refuses, as we do.
const cloneGaps = unix.CLONE_NEWPID | unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWIPC |
	unix.CLONE_NEWCGROUP | unix.CLONE_PTRACE

// clone makes a process or thread: the fs context first (step 1, unless shared), then procd does the rest. A vfork parent
// waits until its child has another image. pidfd is where CLONE_PIDFD puts the descriptor.
func (t *Trap) clone(in *proc.ForkRequest, parentTid, pidfd uint64) int64 {
	if in.Flags&cloneGaps != 0 {
		t.gap(t.regs.RAX, "namespaces or ptrace")
		return errno(unix.EINVAL)
	}
	if in.Flags&(unix.CLONE_NEWNS|unix.CLONE_FS) == unix.CLONE_NEWNS|unix.CLONE_FS {
		return errno(unix.EINVAL)
	}
	if in.Flags&unix.CLONE_PARENT_SETTID != 0 {
		if e := t.writable(parentTid, 4); e != 0 {
			return e
		}
		in.ParentTid = parentTid
	}
	wantsPidfd := in.Flags&unix.CLONE_PIDFD != 0
	if wantsPidfd {
		if e := t.roomForFD(); e != 0 {
			return e
		}
		if e := t.writable(pidfd, 4); e != 0 {
			return e
		}
		in.Flags &^= unix.CLONE_PIDFD
	}
	if in.Flags&unix.CLONE_FS == 0 {
		var fs vfs.FsReply
		if err := t.newFs(in.Flags, &fs); err != uabi.OK {
			return t.status(err)
		}
		in.Fs, in.FsId = fs.Fs, fs.Id
	}
	var out proc.PidReply
	if err := t.l.proc.Fork(t, in, &out); err != uabi.OK {
		return t.status(err)
	}
	if out.Pid == 0 {
		return errno(unix.EAGAIN) // pids.max
	}
	if wantsPidfd {
		t.childPidfd(int32(out.Pid), pidfd)
	}
	if in.Flags&unix.CLONE_VFORK != 0 {
		err := t.l.proc.VforkWait(t, &proc.PidRequest{Pid: int32(out.Pid)}, &proc.EmptyReply{})
		if err == uabi.ErrWait {
			return t.blockFirmly(t.LastWait())
		}
	}
	return out.Pid
}

// blockFirmly waits where only a kill ends the wait (TASK_KILLABLE).
func (t *Trap) blockFirmly(w uabi.WaitSpec) int64 {
	t.answer(uabi.AnswerWait, uabi.FlagCloseEvent|uabi.FlagFirm)
	t.buf.Out.Wait = w
	return pending
}

// fs is the caller's fs context.
func (t *Trap) fs() (uabi.Handle, uabi.Error) {
	var out proc.FsReply
	err := t.l.proc.Fs(t, &proc.EmptyRequest{}, &out)
	return t.temp(uabi.Handle(out.Fs)), err
}

const waitStatusShift = 8 // exit status in a wait(2) status

func exit(t *Trap) int64 {
	t.l.proc.Exit(t, &proc.ExitRequest{Status: t.arg32(0) & 0xff << waitStatusShift}, &proc.EmptyReply{})
	return 0
}

func exitGroup(t *Trap) int64 {
	t.l.dropMM(t.tgid())
	t.l.fds.dropTable(t.files0())
	t.l.proc.ExitGroup(t, &proc.ExitRequest{Status: t.arg32(0) & 0xff << waitStatusShift}, &proc.EmptyReply{})
	return 0
}

func wait4(t *Trap) int64 {
	pid, options := t.arg32(0), uint32(t.arg(2))
	const known = unix.WNOHANG | unix.WUNTRACED | unix.WCONTINUED | abi.WNOTHREAD | abi.WCLONE | unix.WALL
	if options&^uint32(known) != 0 {
		return errno(unix.EINVAL)
	}
	if pid == -1<<31 {
		return errno(unix.ESRCH)
	}
	in := proc.WaitRequest{Options: options | unix.WEXITED}
	switch {
	case pid < -1:
		in.Idtype, in.Id = unix.P_PGID, -pid
	case pid == -1:
		in.Idtype = unix.P_ALL
	case pid == 0:
		in.Idtype = unix.P_PGID
	default:
		in.Idtype, in.Id = unix.P_PID, pid
	}
	for _, p := range [...]struct{ arg, size int }{{1, 4}, {3, abi.RusageSize}} {
		if va := t.arg(p.arg); va != 0 {
			if e := t.writable(va, p.size); e != 0 {
				return t.unlessChildless(&in, e)
			}
		}
	}
	var out proc.WaitReply
	if err := t.l.proc.Wait(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if out.Pid == 0 {
		return 0
	}
	if va := t.arg(1); va != 0 {
		b := t.bytes(4)
		le.PutUint32(b[:], uint32(out.Status))
		if e := t.write(va, b[:]); e != 0 {
			return e
		}
	}
	if va := t.arg(3); va != 0 {
		if e := t.write(va, rusage(out.UserNs, out.SystemNs)); e != 0 {
			return e
		}
	}
	return out.Pid
}

// unlessChildless is ECHILD if a wait would say so, else e: Linux looks for children first.
func (t *Trap) unlessChildless(in *proc.WaitRequest, e int64) int64 {
	in.Options |= unix.WNOHANG | unix.WNOWAIT
	if err := t.l.proc.Wait(t, in, &proc.WaitReply{}); err == uabi.ErrChild {
		return t.status(err)
	}
	return e
}

func rusage(user, system uint64) []byte {
	var w abi.Writer
	w.Timeval(user)
	w.Timeval(system)
	w.Pad(abi.RusageSize - len(w.B))
	return w.B
}

func waitid(t *Trap) int64 {
	info := t.arg(2)
	if info != 0 {
		if e := t.writable(info, abi.SiginfoSize); e != 0 {
			return e
		}
	}
	options := uint32(t.arg(3))
	const known = unix.WNOHANG | unix.WNOWAIT | unix.WEXITED | unix.WSTOPPED | unix.WCONTINUED | abi.WNOTHREAD | abi.WCLONE | unix.WALL
	if options&^uint32(known) != 0 || options&(unix.WEXITED|unix.WSTOPPED|unix.WCONTINUED) == 0 {
		return errno(unix.EINVAL)
	}
	in := proc.WaitRequest{Idtype: uint32(t.arg(0)), Id: t.arg32(1), Options: options}
	nonblock := false
	switch in.Idtype {
	case unix.P_ALL:
	case unix.P_PID:
		if in.Id <= 0 {
			return errno(unix.EINVAL)
		}
	case unix.P_PGID:
		if in.Id < 0 {
			return errno(unix.EINVAL)
		}
	case unix.P_PIDFD:
		if in.Id < 0 {
			return errno(unix.EINVAL)
		}
		var e int64
		if nonblock, e = t.waitPidfd(&in); e != 0 {
			return e
		}
	default:
		return errno(unix.EINVAL)
	}
	var out proc.WaitReply
	if err := t.l.proc.Wait(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if out.Pid == 0 && nonblock {
		return errno(unix.EAGAIN)
	}
	if info != 0 {
		var w abi.Writer
		if out.Pid == 0 {
			w.Pad(abi.SiginfoSize)
		} else {
			w.Siginfo(&abi.Siginfo{Signal: uint32(unix.SIGCHLD), Code: int32(out.Code), PID: int32(out.Pid), UID: out.Uid,
				Status: exitValue(out.Status)})
		}
		if e := t.write(info, w.B[:siginfoUsed]); e != 0 {
			return e
		}
	}
	if va := t.arg(4); va != 0 && out.Pid != 0 {
		return t.write(va, rusage(out.UserNs, out.SystemNs))
	}
	return 0
}

// siginfoUsed is how much of a siginfo_t waitid writes.
const siginfoUsed = 32

// exitValue is si_status: the exit status or the signal of a wait(2) status.
func exitValue(status int32) int32 {
	if s := status & 0x7f; s != 0 && s != 0x7f {
		return s
	}
	return status >> waitStatusShift & 0xff
}

func setTidAddress(t *Trap) int64 {
	addr := t.arg(0)
	var out proc.PidReply
	err := t.l.proc.Thread(t, &proc.ThreadRequest{ClearChildTid: &addr}, &out)
	return t.result(int64(t.tid()), err)
}

const robustListSize = 24 // sizeof(struct robust_list_head)

func setRobustList(t *Trap) int64 {
	if t.arg(1) != robustListSize {
		return errno(unix.EINVAL)
	}
	head := t.arg(0)
	return t.status(t.l.proc.Thread(t, &proc.ThreadRequest{RobustList: &head}, &proc.PidReply{}))
}

func getrusage(t *Trap) int64 {
	who := t.arg32(0)
	var out proc.UsageReply
	if err := t.l.proc.Usage(t, &proc.UsageRequest{Who: who}, &out); err != uabi.OK {
		return t.status(err)
	}
	user, system := out.UserNs, out.SystemNs
	if who == unix.RUSAGE_CHILDREN {
		user, system = out.ChildrenUserNs, out.ChildrenSystemNs
	}
	return t.write(t.arg(1), rusage(user, system))
}

const tickNS = abi.Second / 100 // clock_t of times(2): CLOCKS_PER_SEC of the ABI

func times(t *Trap) int64 {
	var out proc.UsageReply
	if err := t.l.proc.Usage(t, &proc.UsageRequest{}, &out); err != uabi.OK {
		return t.status(err)
	}
	if va := t.arg(0); va != 0 {
		var w abi.Writer
		for _, ns := range [...]uint64{out.UserNs, out.SystemNs, out.ChildrenUserNs, out.ChildrenSystemNs} {
			w.U64(ns / tickNS)
		}
		if e := t.write(va, w.B); e != 0 {
			return e
		}
	}
	return int64(t.monotonic() / tickNS)
}
