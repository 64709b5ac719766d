package calls

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// transfer is what sendfile, copy_file_range and splice have in common: from one open file to another, at offsets that the caller keeps
// (0: the files' own positions).
type transfer struct {
	from, to         uabi.Handle
	fromKind, toKind vfs.Kind
	fromVa, toVa     uint64
	fromOff, toOff   int64
}

// transfer resolves both files and reads their offsets.
func (t *Trap) transfer(from int32, fromVa uint64, to int32, toVa uint64) (x transfer, e int64) {
	x.fromVa, x.toVa = fromVa, toVa
	if x.fromOff, e = t.offset(fromVa); e != 0 {
		return x, e
	}
	if x.toOff, e = t.offset(toVa); e != 0 {
		return x, e
	}
	if x.from, x.fromKind, e = t.opened(from); e != 0 {
		return x, e
	}
	x.to, x.toKind, e = t.opened(to)
	return x, e
}

// offset reads an offset that the caller keeps.
func (t *Trap) offset(va uint64) (int64, int64) {
	if va == 0 {
		return atPosition, 0
	}
	var b [8]byte
	if e := t.read(va, b[:]); e != 0 {
		return 0, e
	}
	off := int64(le.Uint64(b[:]))
	if off < 0 {
		return 0, errno(unix.EINVAL)
	}
	return off, t.write(va, b[:])
}

// copied tells the caller where its offsets are now.
func (t *Trap) copied(x *transfer, n int64) int64 {
	for _, o := range [...]struct {
		va  uint64
		off int64
	}{{x.fromVa, x.fromOff}, {x.toVa, x.toOff}} {
		if o.va != 0 && n > 0 {
			if e := t.write(o.va, le.AppendUint64(nil, uint64(o.off+n))); e != 0 {
				return e
			}
		}
	}
	return n
}

// copyFile moves up to n bytes, in as many steps as it takes; the record remembers how far it got. It waits only for the first byte.
func (t *Trap) copyFile(x *transfer, files bool, n uint64) int64 {
	p := &t.Record[recordProgress]
	done := *p & progressMask
	t.Step = max(t.Step, uint16(*p>>progressBits)) // steps before this loop have numbers too
	for done < n && t.Step < maxSteps {
		in := vfs.CopyRequest{From: uint32(x.from), FromOffset: atPosition, ToOffset: atPosition, Len: n - done, Files: files}
		if x.fromOff >= 0 {
			in.FromOffset = x.fromOff + int64(done)
		}
		if x.toOff >= 0 {
			in.ToOffset = x.toOff + int64(done)
		}
		var out vfs.CountReply
		err := vfs.Client{H: x.to}.Copy(t, &in, &out)
		if err == uabi.OK && out.Count > 0 {
			done += uint64(out.Count)
			*p = done | uint64(t.Step)<<progressBits
			t.Save = true
			continue
		}
		switch {
		case err == uabi.OK:
		case err == uabi.ErrWait && done > 0:
			t.temp(t.LastWait().Event)
		case err == uabi.ErrLimit && done > 0 && !files:
			t.sendSelf(unix.SIGXFSZ) // splice goes on until it cannot
		case done == 0:
			return t.wrote(0, err)
		}
		break
	}
	return t.copied(x, int64(done))
}

// notBetween refuses files whose contents only read and write move; programs fall back to those.
func (t *Trap) notBetween(kinds ...vfs.Kind) bool {
	for _, k := range kinds {
		switch k {
		case vfs.Kind_FILE, vfs.Kind_PIPE, vfs.Kind_DIRECTORY:
		default:
			t.gap(t.regs.RAX, "sockets, devices or terminals")
			return true
		}
	}
	return false
}

func sendfile(t *Trap) int64 {
	x, e := t.transfer(t.arg32(1), t.arg(2), t.arg32(0), 0)
	switch {
	case e != 0:
		return e
	case x.fromKind == vfs.Kind_PIPE && x.fromVa != 0:
		return errno(unix.ESPIPE)
	case x.fromKind != vfs.Kind_FILE, t.notBetween(x.toKind):
		return errno(unix.EINVAL)
	}
	return t.copyFile(&x, false, min(t.arg(3), maxRW))
}

func copyFileRange(t *Trap) int64 {
	x, e := t.transfer(t.arg32(0), t.arg(1), t.arg32(2), t.arg(3))
	switch {
	case e == errno(unix.EINVAL):
		return errno(unix.EOVERFLOW) // an offset below 0
	case e != 0:
		return e
	case t.arg(5) != 0:
		return errno(unix.EINVAL)
	case x.fromKind == vfs.Kind_DIRECTORY || x.toKind == vfs.Kind_DIRECTORY:
		return errno(unix.EISDIR)
	case x.fromKind != vfs.Kind_FILE || x.toKind != vfs.Kind_FILE:
		return errno(unix.EINVAL)
	}
	n := min(t.arg(4), maxRW)
	if n == 0 {
		return 0
	}
	return t.copyFile(&x, true, n)
}

// Flags of splice(2).
const (
	spliceNonblock = 2
	spliceKnown    = 15 // SPLICE_F_MOVE, NONBLOCK, MORE, GIFT
)

func splice(t *Trap) int64 {
	if t.arg(4) == 0 {
		return 0
	}
	if t.arg(5)&^spliceKnown != 0 {
		return errno(unix.EINVAL)
	}
	x, e := t.transfer(t.arg32(0), t.arg(1), t.arg32(2), t.arg(3))
	switch {
	case e != 0:
		return e
	case x.fromKind == vfs.Kind_PIPE && x.fromVa != 0, x.toKind == vfs.Kind_PIPE && x.toVa != 0:
		return errno(unix.ESPIPE)
	case x.fromKind != vfs.Kind_PIPE && x.toKind != vfs.Kind_PIPE, t.notBetween(x.fromKind, x.toKind):
		return errno(unix.EINVAL)
	}
	return t.pour(&x, t.arg(4), t.arg(5), false)
}

// pour moves up to n bytes in one request; what stays in the first pipe is only copied. flags are splice's.
func (t *Trap) pour(x *transfer, n, flags uint64, stays bool) int64 {
	in := vfs.CopyRequest{From: uint32(x.from), FromOffset: x.fromOff, ToOffset: x.toOff, Len: min(n, maxRW), Nonblock: flags&spliceNonblock != 0, Stays: stays}
	var out vfs.CountReply
	if err := (vfs.Client{H: x.to}).Copy(t, &in, &out); err != uabi.OK {
		return t.wrote(0, err)
	}
	return t.copied(x, out.Count)
}

// tee copies between pipes what stays in the first.
func tee(t *Trap) int64 {
	if t.arg(3)&^spliceKnown != 0 {
		return errno(unix.EINVAL)
	}
	if t.arg(2) == 0 {
		return 0
	}
	x, e := t.transfer(t.arg32(0), 0, t.arg32(1), 0)
	switch {
	case e != 0:
		return e
	case x.fromKind == vfs.Kind_SOCKET || x.toKind == vfs.Kind_SOCKET:
		return errno(unix.EINVAL)
	}
	return t.pour(&x, t.arg(2), t.arg(3), true)
}

// vmsplice is writev to a pipe, or readv from one: pages are copied, which its flags do not forbid.
func vmsplice(t *Trap) int64 {
	if t.arg(3)&^spliceKnown != 0 {
		return errno(unix.EINVAL)
	}
	f, kind, e := t.opened(t.arg32(0))
	switch {
	case e != 0:
		return e
	case kind != vfs.Kind_PIPE:
		return errno(unix.EBADF)
	}
	flags, e := t.fileFlags(f)
	switch {
	case e != 0:
		return e
	case t.arg(3)&spliceNonblock != 0 && flags&unix.O_NONBLOCK == 0:
		t.gap(t.regs.RAX, "SPLICE_F_NONBLOCK of a pipe that waits")
		return errno(unix.EINVAL)
	case flags&unix.O_ACCMODE == unix.O_RDONLY:
		return vector(t, atPosition, uabi.RightWrite)
	}
	return vector(t, atPosition, uabi.RightRead)
}

// readahead and sync_file_range are advice about storage that there is not: only their arguments are checked.
func readahead(t *Trap) int64 {
	f, kind, e := t.opened(t.arg32(0))
	if e != 0 {
		return e
	}
	flags, e := t.fileFlags(f)
	switch {
	case e != 0:
		return e
	case flags&unix.O_ACCMODE == unix.O_WRONLY:
		return errno(unix.EBADF)
	case kind != vfs.Kind_FILE:
		return errno(unix.EINVAL)
	}
	return 0
}

// fileFlags are an open file's O_* flags.
func (t *Trap) fileFlags(f uabi.Handle) (uint32, int64) {
	var out vfs.CountReply
	err := vfs.Client{H: f}.Flags(t, &vfs.FlagsRequest{}, &out)
	return uint32(out.Count), t.status(err)
}

func syncFileRange(t *Trap) int64 {
	const known = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	_, kind, e := t.opened(t.arg32(0))
	off, n := int64(t.arg(1)), int64(t.arg(2))
	switch {
	case e != 0:
		return e
	case t.arg(3)&^known != 0, off < 0, n < 0, off+n < off:
		return errno(unix.EINVAL)
	case kind == vfs.Kind_FILE || kind == vfs.Kind_DIRECTORY:
		return 0
	}
	return errno(unix.ESPIPE)
}
