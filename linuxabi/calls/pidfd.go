package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

func pidfdOpen(t *Trap) int64 {
	pid, flags := t.arg32(0), t.arg32(1)
	if flags&^unix.PIDFD_NONBLOCK != 0 || pid <= 0 {
		return errno(unix.EINVAL)
	}
	var out vfs.OpenReply
	if err := t.l.vfs.Pidfd(t, &vfs.PidfdRequest{Pid: pid, Nonblock: flags != 0}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.install(out.File, vfs.Kind(out.Kind), true)
}

// pidOf is the process that a pidfd stands for. EBADF: it is another file.
func (t *Trap) pidOf(fd int32) (*vfs.PidfdReply, int64) {
	h, kind, e := t.file(fd)
	if e != 0 {
		return nil, e
	}
	if kind != vfs.Kind_PID {
		return nil, errno(unix.EBADF)
	}
	p := &vfs.PidfdReply{}
	return p, t.status(vfs.Client{H: h}.PidfdPid(t, &vfs.EmptyRequest{}, p))
}

func pidfdSendSignal(t *Trap) int64 {
	if t.arg(3) != 0 {
		return errno(unix.EINVAL)
	}
	p, e := t.pidOf(t.arg32(0))
	if e != 0 {
		return e
	}
	in := proc.KillRequest{Pid: int32(p.Pid), Signal: uint32(t.arg(1)), Code: siUser, Serial: p.Serial}
	if va := t.arg(2); va != 0 {
		var b [abi.SiginfoSize]byte
		if e := t.read(va, b[:]); e != 0 {
			return e
		}
		in.Code, in.Value = int32(le.Uint32(b[8:])), le.Uint64(b[24:])
		if le.Uint32(b[:]) != in.Signal {
			return errno(unix.EINVAL)
		}
		if (in.Code >= 0 || in.Code == siTkill) && uint64(p.Pid) != t.tgid() {
			return errno(unix.EPERM)
		}
	}
	if p.Pid == 0 {
		return errno(unix.ESRCH)
	}
	return t.kill(&in)
}

// pidfdGetfd gives who may trace a process a copy of one of its descriptors.
func pidfdGetfd(t *Trap) int64 {
	if t.arg(2) != 0 {
		return errno(unix.EINVAL)
	}
	p, e := t.pidOf(t.arg32(0))
	if e != 0 {
		return e
	}
	if p.Pid == 0 {
		return errno(unix.ESRCH)
	}
	pid := int32(p.Pid)
	if err := t.mayTrace(pid); err != uabi.OK {
		return t.status(err)
	}
	var f proc.FdGetReply
	if err := t.l.proc.FdGet(t, &proc.FdGetRequest{Pid: pid, Fd: t.arg32(1)}, &f); err != uabi.OK {
		return t.status(err)
	}
	t.temp(uabi.Handle(f.File))
	var out proc.FdInstallReply
	err := t.l.proc.FdInstall(t, &proc.FdInstallRequest{File: f.File, Kind: f.Kind, Id: f.Id, Cloexec: true}, &out)
	if err == uabi.OK {
		t.l.fds.drop(t.files0(), int32(out.Fd))
	}
	return t.result(out.Fd, err)
}

// capSysPtrace is CAP_SYS_PTRACE.
const capSysPtrace = 19

// mayTrace is ptrace(2)'s check of access: the same ids everywhere, or CAP_SYS_PTRACE.
func (t *Trap) mayTrace(pid int32) uabi.Error {
	var me, it proc.CredsReply
	if err := t.l.proc.Creds(t, &proc.PidRequest{}, &me); err != uabi.OK {
		return err
	}
	uid, gid, effective := me.Ruid, me.Rgid, me.Effective
	if err := t.l.proc.Creds(t, &proc.PidRequest{Pid: pid}, &it); err != uabi.OK {
		return err
	}
	same := uid == it.Ruid && uid == it.Euid && uid == it.Suid && gid == it.Rgid && gid == it.Egid && gid == it.Sgid
	if !same && effective>>capSysPtrace&1 == 0 {
		return uabi.ErrPerm
	}
	return uabi.OK
}

// roomForFD is EMFILE's check before a step that cannot be taken back. It is a step itself.
func (t *Trap) roomForFD() int64 {
	var limit proc.LimitReply
	if err := t.l.proc.Limit(t, &proc.LimitRequest{Resource: unix.RLIMIT_NOFILE}, &limit); err != uabi.OK {
		return t.status(err)
	}
	room := t.remember(func() uint64 {
		var list proc.FdListReply
		if t.l.proc.FdList(t, &proc.PidRequest{}, &list) != uabi.OK || uint64(len(list.Fds)) >= limit.Soft {
			return 0
		}
		return 1
	})
	if room == 0 {
		return errno(unix.EMFILE)
	}
	return 0
}

// childPidfd is CLONE_PIDFD: a descriptor for the new process, whose number goes to va.
func (t *Trap) childPidfd(pid int32, va uint64) {
	var out vfs.OpenReply
	if t.l.vfs.Pidfd(t, &vfs.PidfdRequest{Pid: pid}, &out) != uabi.OK {
		return // it was reaped already, by another thread
	}
	t.temp(uabi.Handle(out.File))
	if fd := t.installFile(&proc.FdInstallRequest{File: out.File, Kind: out.Kind, Cloexec: true}); fd >= 0 {
		t.write(va, le.AppendUint32(nil, uint32(fd)))
	}
}

// waitPidfd turns waitid(2)'s P_PIDFD into P_PID. nonblock: the pidfd is, so that EAGAIN takes the place of waiting.
func (t *Trap) waitPidfd(in *proc.WaitRequest) (nonblock bool, e int64) {
	p, e := t.pidOf(in.Id)
	if e != 0 {
		return false, e
	}
	if p.Pid == 0 {
		return false, errno(unix.ECHILD)
	}
	in.Idtype, in.Id = unix.P_PID, int32(p.Pid)
	if p.Nonblock && in.Options&unix.WNOHANG == 0 {
		in.Options |= unix.WNOHANG
		return true, 0
	}
	return false, 0
}
