package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/ctx"
	"aramid/proto/ipc"
	"aramid/proto/mm"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// User memory of the alien.

// pathMax is PATH_MAX: with the NUL.
const pathMax = unix.PathMax

// path reads a path argument, which lasts until the trap is answered. ENAMETOOLONG without a NUL in PATH_MAX bytes, ENOENT for an empty one unless
// it may be.
func (t *Trap) path(va uint64, mayBeEmpty bool) (string, int64) {
	b := t.paths[t.pathsUsed:]
	if len(b) < pathMax {
		b = make([]byte, pathMax)
	}
	b = b[:pathMax]
	n, err := t.K.AlienString(va, b)
	switch {
	case err == uabi.ErrSize:
		return "", errno(unix.ENAMETOOLONG)
	case err != uabi.OK:
		return "", errno(unix.EFAULT)
	case n == 0 && !mayBeEmpty:
		return "", errno(unix.ENOENT)
	}
	t.pathsUsed = min(t.pathsUsed+n, len(t.paths))
	return ipc.String(b[:n]), 0
}

// read fills b from va: 0 or -EFAULT. As in Linux, no address is wrong for no bytes; nor for write.
func (t *Trap) read(va uint64, b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	if n, err := t.K.AlienRead(va, b); err != uabi.OK || n != len(b) {
		return errno(unix.EFAULT)
	}
	return 0
}

// write copies b to va: 0 or -EFAULT.
func (t *Trap) write(va uint64, b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	if n, err := t.K.AlienWrite(va, b); err != uabi.OK || n != len(b) {
		return errno(unix.EFAULT)
	}
	return 0
}

// writable is write of nothing new: 0 if n bytes at va can be written, so that a call that mutates fails before it does.
func (t *Trap) writable(va uint64, n int) int64 {
	b := t.bytes(n)
	if e := t.read(va, b); e != 0 {
		return e
	}
	return t.write(va, b)
}

// timespec reads a struct timespec. va 0 gives def.
func (t *Trap) timespec(va uint64, def int64) (ns int64, e int64) {
	if va == 0 {
		return def, 0
	}
	b := t.bytes(abi.TimespecSize)
	if e := t.read(va, b); e != 0 {
		return 0, e
	}
	ns, ok := abi.ParseTimespec(b)
	if !ok {
		return 0, errno(unix.EINVAL)
	}
	return ns, 0
}

// memory is the client of the caller's mm.
func (t *Trap) memory() (mm.Client, uabi.Error) {
	tgid := t.context(ctx.Tgid)
	if h := t.l.mms[tgid]; h != 0 {
		if _, _, _, err := t.K.HandleInfo(h); err == uabi.OK {
			return mm.Client{H: h}, uabi.OK
		}
		t.l.dropMM(tgid)
	}
	var out proc.MemoryReply
	if err := t.l.proc.Memory(t, &proc.EmptyRequest{}, &out); err != uabi.OK {
		return mm.Client{}, err
	}
	t.temp(uabi.Handle(out.Space))
	h := t.temp(uabi.Handle(out.Mm))
	if weak, err := t.K.Dup(h, uabi.RightCall|uabi.RightWeak); err == uabi.OK {
		t.l.mms[tgid] = weak
	}
	return mm.Client{H: h}, uabi.OK
}

// dropMM forgets the mm of a process: it execs or ends.
func (l *Linux) dropMM(tgid uint64) {
	if h := l.mms[tgid]; h != 0 {
		l.k.Close(h)
		delete(l.mms, tgid)
	}
}

const pageMask = 4095

func mmap(t *Trap) int64 {
	in := mm.MapRequest{Addr: t.arg(0), Len: t.arg(1), Prot: uint32(t.arg(2)) &^ uint32(mm.ProtBit_PROT_MAY_LOCK), Flags: uint32(t.arg(3)), Offset: t.arg(5)}
	if in.Offset&pageMask != 0 {
		return errno(unix.EINVAL)
	}
	if in.Flags&unix.MAP_LOCKED != 0 && t.mayLock() {
		in.Prot |= uint32(mm.ProtBit_PROT_MAY_LOCK)
	}
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	if in.Flags&unix.MAP_ANONYMOUS == 0 {
		return mmapFile(t, m, &in)
	}
	in.Offset = 0
	if t.forwardable {
		return t.forwarded(m.ForwardMap(t, &in))
	}
	var out mm.MapReply
	err = m.Map(t, &in, &out)
	return t.result(int64(out.Addr), err)
}

func mmapFile(t *Trap, m mm.Client, in *mm.MapRequest) int64 {
	if in.Len == 0 {
		return errno(unix.EINVAL)
	}
	h, kind, e := t.opened(t.arg32(4))
	if e != 0 {
		return e
	}
	if in.Flags&unix.MAP_TYPE == 0 {
		return errno(unix.EINVAL)
	}
	f := vfs.Client{H: h}
	var file vfs.MapFileReply
	if err := f.MapFile(t, &vfs.EmptyRequest{}, &file); err != uabi.OK {
		if kind == vfs.Kind_DEVICE && t.isZero(h) {
			return t.mmapZero(m, in)
		}
		return t.status(err)
	}
	t.temp(uabi.Handle(file.Memory))
	if file.Sealed && in.Flags&unix.MAP_TYPE != unix.MAP_PRIVATE && in.Prot&unix.PROT_WRITE != 0 {
		return errno(unix.EPERM)
	}
	in.Tag, in.Memory = file.Tag, file.Memory
	var out mm.MapReply
	err := m.Map(t, in, &out)
	if err == uabi.ErrRights {
		err = uabi.ErrAccess
	}
	return t.result(int64(out.Addr), err)
}

// isZero reports whether an open file is /dev/zero.
func (t *Trap) isZero(h uabi.Handle) bool {
	var s vfs.Stat
	err := t.l.vfs.StatAt(t, &vfs.PathRequest{Flags: unix.AT_EMPTY_PATH, Dir: uint32(h)}, &s)
	return err == uabi.OK && s.Rdev == unix.Mkdev(1, 5)
}

// mmapZero maps /dev/zero, which is anonymous memory (mmap_zero of Linux).
func (t *Trap) mmapZero(m mm.Client, in *mm.MapRequest) int64 {
	in.Flags, in.Offset = in.Flags|unix.MAP_ANONYMOUS, 0
	var out mm.MapReply
	err := m.Map(t, in, &out)
	return t.result(int64(out.Addr), err)
}

// isMapped reports whether a region covers va, whatever its rights.
func (t *Trap) isMapped(va uint64) bool {
	m, err := t.memory()
	if err != uabi.OK {
		return false
	}
	var out mm.RegionsReply
	err = m.Regions(t, &mm.RegionsRequest{After: va, Max: 1}, &out)
	return err == uabi.OK && len(out.Regions) > 0 && out.Regions[0].Addr <= va
}

func munmap(t *Trap) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	in := mm.RangeRequest{Addr: t.arg(0), Len: t.arg(1)}
	if t.forwardable {
		return t.forwarded(m.ForwardUnmap(t, &in))
	}
	return t.status(m.Unmap(t, &in, &mm.EmptyReply{}))
}

func mprotect(t *Trap) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	in := mm.ProtectRequest{Addr: t.arg(0), Len: t.arg(1), Prot: uint32(t.arg(2))}
	if t.forwardable {
		return t.forwarded(m.ForwardProtect(t, &in))
	}
	return t.status(m.Protect(t, &in, &mm.EmptyReply{}))
}

func mremap(t *Trap) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	in := mm.RemapRequest{Old: t.arg(0), OldLen: t.arg(1), NewLen: t.arg(2), Flags: uint32(t.arg(3)), New: t.arg(4)}
	if t.forwardable {
		return t.forwarded(m.ForwardRemap(t, &in))
	}
	var out mm.MapReply
	err = m.Remap(t, &in, &out)
	return t.result(int64(out.Addr), err)
}

func brk(t *Trap) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	in := mm.BrkRequest{Addr: t.arg(0)}
	if t.forwardable {
		return t.forwarded(m.ForwardBrk(t, &in))
	}
	var out mm.MapReply
	err = m.Brk(t, &in, &out)
	return t.result(int64(out.Addr), err)
}

func madvise(t *Trap) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	in := mm.AdviseRequest{Addr: t.arg(0), Len: t.arg(1), Advice: uint32(t.arg(2))}
	if t.forwardable {
		return t.forwarded(m.ForwardAdvise(t, &in))
	}
	return t.status(m.Advise(t, &in, &mm.EmptyReply{}))
}

// msync has nothing to write back: a file's page cache is the file. It only checks as msync(2) says.
func msync(t *Trap) int64 {
	addr, n, flags := t.arg(0), t.arg(1), t.arg(2)
	const all = unix.MS_ASYNC | unix.MS_INVALIDATE | unix.MS_SYNC
	if addr&pageMask != 0 || flags&^all != 0 || flags&unix.MS_ASYNC != 0 && flags&unix.MS_SYNC != 0 {
		return errno(unix.EINVAL)
	}
	return t.mappedRange(addr, n)
}

// mlock also is mlock2(2), without its flags.
func mlock(t *Trap) int64 { return t.lock(&mm.LockRequest{}) }

func mlock2(t *Trap) int64 {
	const onFault = 1 // MLOCK_ONFAULT
	if t.arg32(2)&^onFault != 0 {
		return errno(unix.EINVAL)
	}
	return t.lock(&mm.LockRequest{OnFault: t.arg32(2) != 0})
}

func munlock(t *Trap) int64 { return t.lock(&mm.LockRequest{Unlock: true}) }

func (t *Trap) lock(in *mm.LockRequest) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	in.Addr, in.Len, in.MayLock = t.arg(0), t.arg(1), !in.Unlock && t.mayLock()
	var out mm.LockReply
	if err := m.Lock(t, in, &out); err != uabi.OK {
		return t.status(err)
	}
	if out.Partial {
		return errno(unix.ENOMEM)
	}
	return 0
}

// mayLock reports whether RLIMIT_MEMLOCK does not bind the caller.
func (t *Trap) mayLock() bool { return t.capable(unix.CAP_IPC_LOCK) == 0 }

func mlockall(t *Trap) int64 {
	if t.arg32(0) == 0 {
		return errno(unix.EINVAL)
	}
	return t.lockAll(&mm.LockAllRequest{Flags: uint32(t.arg(0)), MayLock: t.mayLock()})
}

func munlockall(t *Trap) int64 { return t.lockAll(&mm.LockAllRequest{}) }

func (t *Trap) lockAll(in *mm.LockAllRequest) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	return t.status(m.LockAll(t, in, &mm.EmptyReply{}))
}

// mincore asks mmd until the range is done or has a hole; what lies before that is written all the same.
func mincore(t *Trap) int64 {
	addr, n, vec := t.arg(0), t.arg(1), t.arg(2)
	if addr&pageMask != 0 {
		return errno(unix.EINVAL)
	}
	if n > uabi.MaxUser || addr > uabi.MaxUser-n {
		return errno(unix.ENOMEM)
	}
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	for end := (addr + n + pageMask) &^ pageMask; addr < end; {
		var out mm.PresentReply
		if err := m.Present(t, &mm.RangeRequest{Addr: addr, Len: end - addr}, &out); err != uabi.OK {
			return t.status(err)
		}
		if e := t.write(vec, out.Pages); e != 0 {
			return e
		}
		vec += uint64(len(out.Pages))
		addr += uint64(len(out.Pages)) * (pageMask + 1)
	}
	return 0
}

// mappedRange is 0 if [addr, addr+n) has no hole, else -ENOMEM.
func (t *Trap) mappedRange(addr, n uint64) int64 {
	m, err := t.memory()
	if err != uabi.OK {
		return t.status(err)
	}
	end := (addr + n + pageMask) &^ pageMask
	if end < addr {
		return errno(unix.ENOMEM)
	}
	for addr < end {
		var out mm.RegionsReply
		if err := m.Regions(t, &mm.RegionsRequest{After: addr, Max: 16}, &out); err != uabi.OK {
			return t.status(err)
		}
		if len(out.Regions) == 0 {
			return errno(unix.ENOMEM)
		}
		for _, r := range out.Regions {
			if r.Addr > addr {
				return errno(unix.ENOMEM)
			}
			if addr = r.Addr + r.Len; addr >= end {
				break
			}
		}
	}
	return 0
}

// forwarded is the return value after a Forward call.
func (t *Trap) forwarded(e uabi.Error) int64 {
	if e != uabi.OK {
		return t.status(e)
	}
	return pending
}
