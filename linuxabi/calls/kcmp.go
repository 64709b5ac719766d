package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// What kcmp(2) compares (linux/kcmp.h).
const (
	kcmpFile = iota
	kcmpVM
	kcmpFiles
	kcmpFS
	kcmpSighand
	kcmpIO
	kcmpSysVSem
	kcmpEpollTFD
)

func kcmp(t *Trap) int64 {
	in := proc.CompareRequest{Pid1: t.arg32(0), Pid2: t.arg32(1), Type: uint32(t.arg(2)), Idx1: t.arg(3), Idx2: t.arg(4)}
	switch in.Type {
	case kcmpIO, kcmpSysVSem:
		return errno(unix.EOPNOTSUPP) // as without block devices and System V IPC
	case kcmpEpollTFD:
		t.gap(unix.SYS_KCMP, "KCMP_EPOLL_TFD")
		return errno(unix.EOPNOTSUPP)
	}
	var out proc.PidReply
	if err := t.l.proc.Compare(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if in.Type != kcmpFile || out.Pid == 0 {
		return out.Pid
	}
	// Not one from the other, but they may have come by different ways: in a message. Files of one server that numbers them can tell.
	a, b := t.fileNumber(in.Pid1, int32(in.Idx1)), t.fileNumber(in.Pid2, int32(in.Idx2))
	if a != 0 && a == b {
		return 0
	}
	return out.Pid
}

// fileNumber is the number of the open file of a process's descriptor, 0 if it has none.
func (t *Trap) fileNumber(pid, fd int32) uint64 {
	var f proc.FdGetReply
	if err := t.l.proc.FdGet(t, &proc.FdGetRequest{Pid: pid, Fd: fd}, &f); err != uabi.OK {
		return 0
	}
	h := t.temp(uabi.Handle(f.File))
	if f.Id != 0 {
		return f.Id
	}
	var out vfs.PollReply
	if err := (vfs.Client{H: h}).Poll(t, &vfs.EmptyRequest{}, &out); err != uabi.OK {
		return 0
	}
	t.temp(uabi.Handle(out.Event))
	return out.Id
}
