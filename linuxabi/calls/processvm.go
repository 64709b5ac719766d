package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

func processVMReadv(t *Trap) int64  { return t.processVM(false) }
func processVMWritev(t *Trap) int64 { return t.processVM(true) }

// processVM copies between the caller's memory and another process's (process_vm_readv(2)). It is short at a fault.
func (t *Trap) processVM(toRemote bool) int64 {
	if t.arg(5) != 0 {
		return errno(unix.EINVAL)
	}
	own, e := t.iovecs(t.arg(1), uint64(uint32(t.arg(2))))
	if e != 0 {
		return e
	}
	local := pieces{b: own}
	if local.next(1) == 0 {
		return 0
	}
	theirs, e := t.iovecs(t.arg(3), t.arg(4))
	if e != 0 {
		return e
	}
	remote := pieces{b: theirs}
	_, space, e := t.memoryOf(t.arg32(0))
	if e != 0 {
		return e
	}
	buf := t.bytes(pageMask + 1)
	done := int64(0)
	for {
		n := min(local.next(uint64(len(buf))), remote.next(uint64(len(buf))))
		if n == 0 {
			return done
		}
		n = min(n, pageMask+1-remote.at&pageMask)
		got := t.copyRemote(space, toRemote, local.at, remote.at, buf[:n])
		done += int64(got)
		if uint64(got) < n {
			if done == 0 {
				return errno(unix.EFAULT)
			}
			return done
		}
		local.skip(n)
		remote.skip(n)
	}
}

// copyRemote copies len(buf) bytes between addresses of the caller and of a space, and says how many.
func (t *Trap) copyRemote(space uabi.Handle, toRemote bool, local, remote uint64, buf []byte) int {
	var n int
	if toRemote {
		n, _ = t.K.AlienRead(local, buf)
		n, _ = t.K.SpaceWrite(space, remote, buf[:n])
		return n
	}
	n, _ = t.K.SpaceRead(space, remote, buf)
	n, _ = t.K.AlienWrite(local, buf[:n])
	return n
}

// pieces walks through an array of struct iovec.
type pieces struct {
	b        []byte // what is to come
	at, left uint64 // the rest of the piece under way
}

// next is how many bytes lie together at p.at, at most n; 0: there are no more.
func (p *pieces) next(n uint64) uint64 {
	for p.left == 0 && len(p.b) > 0 {
		p.at, p.left = le.Uint64(p.b), le.Uint64(p.b[8:])
		p.b = p.b[abi.IovecSize:]
	}
	return min(n, p.left)
}

func (p *pieces) skip(n uint64) { p.at, p.left = p.at+n, p.left-n }

// memoryOf is the memory of a process, or of a thread's, that the caller may trace.
func (t *Trap) memoryOf(pid int32) (mm.Client, uabi.Handle, int64) {
	var out proc.MemoryReply
	if err := t.l.proc.MemoryOf(t, &proc.PidRequest{Pid: pid}, &out); err != uabi.OK {
		return mm.Client{}, 0, t.status(err)
	}
	m, space := mm.Client{H: t.temp(uabi.Handle(out.Mm))}, t.temp(uabi.Handle(out.Space))
	// kcmp(2) has the same check of access.
	in := proc.CompareRequest{Pid1: int32(t.tid()), Pid2: pid, Type: kcmpVM}
	if err := t.l.proc.Compare(t, &in, &proc.PidReply{}); err != uabi.OK {
		return mm.Client{}, 0, t.status(err)
	}
	return m, space, 0
}

// processMadvise is madvise of another process's memory with what changes none of it (process_madvise(2)).
func processMadvise(t *Trap) int64 {
	if t.arg(4) != 0 {
		return errno(unix.EINVAL)
	}
	vec, e := t.iovecs(t.arg(1), uint64(uint32(t.arg(2))))
	if e != 0 {
		return e
	}
	p, e := t.pidOf(t.arg32(0))
	if e != 0 {
		return e
	}
	if p.Pid == 0 {
		return errno(unix.ESRCH)
	}
	advice := uint32(t.arg(3))
	switch advice {
	case unix.MADV_COLD, unix.MADV_PAGEOUT, unix.MADV_WILLNEED:
	default:
		return errno(unix.EINVAL)
	}
	m, _, e := t.memoryOf(int32(p.Pid))
	if e != 0 {
		return e
	}
	if e := t.capable(unix.CAP_SYS_NICE); e != 0 {
		return e
	}
	done := int64(0)
	for all := (pieces{b: vec}); all.next(1) != 0; all.skip(all.left) {
		err := m.Advise(t, &mm.AdviseRequest{Addr: all.at, Len: all.left, Advice: advice}, &mm.EmptyReply{})
		if err != uabi.OK {
			if done == 0 {
				return t.status(err)
			}
			return done
		}
		done += int64(all.left)
	}
	return done
}
