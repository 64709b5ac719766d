package calls

import (
	"encoding/binary"
	"runtime"

	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/net"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

var le = binary.LittleEndian

// atPosition asks Read and Write for the file's own position.
const atPosition = -1

// maxRW is how much one read or write moves at most (MAX_RW_COUNT of Linux).
const maxRW = 0x7ffff000

// grant is a window onto the alien's memory.
func grant(addr, n uint64, rights uint32) uabi.Grant {
	return uabi.Grant{Addr: addr, Len: n, Rights: rights, Flags: uabi.GrantAlien}
}

func read(t *Trap) int64   { return readAt(t, atPosition) }
func write(t *Trap) int64  { return writeAt(t, atPosition) }
func pread(t *Trap) int64  { return t.positioned(readAt) }
func pwrite(t *Trap) int64 { return t.positioned(writeAt) }

func (t *Trap) positioned(f func(*Trap, int64) int64) int64 {
	off := int64(t.arg(3))
	if off < 0 {
		return errno(unix.EINVAL)
	}
	return f(t, off)
}

func readAt(t *Trap, off int64) int64 {
	h, kind, e := t.file(t.arg32(0))
	if e != 0 {
		return e
	}
	f := vfs.Client{H: h}
	if t.arg(2) > uabi.MaxUser {
		return errno(unix.EFAULT)
	}
	in := vfs.ReadRequest{Offset: off, Expired: t.in.Flags&uabi.FlagTimeout != 0}
	g := grant(t.arg(1), min(t.arg(2), maxRW), uabi.RightWrite)
	if kind == vfs.Kind_FILE && g.Len > maxPiece {
		n, err := opener{f}.whole(t, off, g)
		if err != uabi.OK {
			return readFailed(t, err)
		}
		return n
	}
	if t.forwardable {
		return t.forwarded(f.ForwardRead(t, &in, g))
	}
	var out vfs.CountReply
	switch err := f.Read(t, &in, &out, g); {
	case err == uabi.OK:
		return out.Count
	case kind == vfs.Kind_SOCKET:
		return t.socketResult(net.Client{H: h}, 0, err)
	default:
		return readFailed(t, err)
	}
}

// readFailed takes note of what a file says only once: that a timerfd's clock was set, that the kernel log has overtaken a reader, who
// goes on with the oldest record, what is wrong with a socket.
func readFailed(t *Trap, e uabi.Error) int64 {
	if isSocketError(e) {
		return recvFailed(t, e)
	}
	if e == uabi.ErrCanceled || e == uabi.ErrPipe {
		f, bad := t.target(t.arg32(0))
		switch {
		case bad != 0:
			return bad
		case e == uabi.ErrCanceled:
			f.TimerfdSet(t, &vfs.TimerfdSetRequest{Noted: true}, &vfs.TimerfdReply{})
		default:
			f.Seek(t, &vfs.SeekRequest{Whence: unix.SEEK_SET}, &vfs.CountReply{})
		}
	}
	return t.status(e)
}

func writeAt(t *Trap, off int64) int64 {
	h, kind, e := t.file(t.arg32(0))
	if e != 0 {
		return e
	}
	if t.arg(2) > uabi.MaxUser {
		return errno(unix.EFAULT)
	}
	f := vfs.Client{H: h}
	if off == atPosition && kind == vfs.Kind_SOCKET && (t.arg(2) > pipeBuf || !t.forwardable) {
		return t.writeSocket(net.Client{H: h}, le.AppendUint64(le.AppendUint64(nil, t.arg(1)), min(t.arg(2), maxRW)))
	}
	if off == atPosition && isStream(kind) && t.arg(2) > pipeBuf {
		iov := le.AppendUint64(le.AppendUint64(nil, t.arg(1)), min(t.arg(2), maxRW))
		return t.writeStream(f, iov)
	}
	in := vfs.ReadRequest{Offset: off}
	g := grant(t.arg(1), min(t.arg(2), maxRW), uabi.RightRead)
	if kind == vfs.Kind_FILE && g.Len > maxPiece {
		n, err := opener{f}.whole(t, off, g)
		return t.wrote(n, err)
	}
	if t.forwardable {
		return t.forwarded(f.ForwardWrite(t, &in, g))
	}
	var out vfs.CountReply
	err := f.Write(t, &in, &out, g)
	return t.wrote(out.Count, err)
}

// wrote is result for what may make a file larger: where nobody reads any more, the writer gets SIGPIPE too, and beyond RLIMIT_FSIZE SIGXFSZ.
func (t *Trap) wrote(n int64, e uabi.Error) int64 {
	switch e {
	case uabi.ErrPipe:
		t.sendSelf(unix.SIGPIPE)
	case uabi.ErrLimit:
		t.sendSelf(unix.SIGXFSZ)
		return errno(unix.EFBIG)
	}
	return t.result(n, e)
}

// sendSelf sends the calling thread a signal that its call has brought on.
func (t *Trap) sendSelf(s unix.Signal) {
	t.l.proc.Kill(t, &proc.KillRequest{Pid: int32(t.tgid()), Tid: int32(t.tid()), Signal: uint32(s), Code: siKernel}, &proc.EmptyReply{})
}

func writeFailed(t *Trap, e uabi.Error) int64 {
	if isSocketError(e) {
		return recvFailed(t, e)
	}
	return t.wrote(0, e)
}

// pipeBuf is PIPE_BUF: what is written to a pipe all at once or not at all.
const pipeBuf = 4096

// isStream reports whether a blocking write to such a file waits until everything is written.
func isStream(k vfs.Kind) bool { return k == vfs.Kind_PIPE || k == vfs.Kind_TTY }

// The record of writeStream: a word with how far it got and the number of the step that got there.
const (
	recordProgress = 0
	progressBits   = 48
	progressMask   = 1<<progressBits - 1
	maxSteps       = 1<<16 - 8 // of one trap
)

// writeStream writes pieces to a file that takes what it has room for: what is left is the next step (R11).
func (t *Trap) writeStream(f vfs.Client, iov []byte) int64 {
	p := &t.Record[recordProgress]
	done := *p & progressMask
	t.Step = max(t.Step, uint16(*p>>progressBits)) // steps before this loop have numbers too
	for {
		addr, n := pieceAt(iov, done)
		if n == 0 && done > 0 || t.Step > maxSteps {
			return int64(done)
		}
		var out vfs.CountReply
		err := f.Write(t, &vfs.ReadRequest{Offset: atPosition}, &out, grant(addr, n, uabi.RightRead))
		switch {
		case err == uabi.OK && out.Count == 0:
			return int64(done)
		case err == uabi.OK:
			done += uint64(out.Count)
			*p = done | uint64(t.Step)<<progressBits
			t.Save = true
			continue
		case err == uabi.ErrWait:
			v := t.block(t.LastWait())
			if v != pending && done > 0 {
				return int64(done)
			}
			return v
		}
		if v := t.wrote(0, err); done == 0 {
			return v
		}
		return int64(done)
	}
}

// writeGathered writes a few short pieces at once: a device may take each write as a record of its own.
func (t *Trap) writeGathered(f vfs.Client, iov []byte) (int64, bool) {
	total := uint64(0)
	for i := 0; i < len(iov); i += abi.IovecSize {
		total += le.Uint64(iov[i+8:])
	}
	if total == 0 || total > pipeBuf {
		return 0, false
	}
	b := make([]byte, total)
	rest := b
	for i := 0; i < len(iov); i += abi.IovecSize {
		n := le.Uint64(iov[i+8:])
		if e := t.read(le.Uint64(iov[i:]), rest[:n]); n > 0 && e != 0 {
			return e, true
		}
		rest = rest[n:]
	}
	var out vfs.CountReply
	err := f.Write(t, &vfs.ReadRequest{Offset: atPosition}, &out, uk.Grant(b, uabi.RightRead))
	runtime.KeepAlive(b)
	return t.wrote(out.Count, err), true
}

// pieceAt is where byte number done of the pieces is, and how much of its piece is left; 0 at the end.
func pieceAt(iov []byte, done uint64) (addr, n uint64) {
	for i := 0; i < len(iov); i += abi.IovecSize {
		addr, n = le.Uint64(iov[i:]), le.Uint64(iov[i+8:])
		if done < n {
			return addr + done, min(n-done, maxRW)
		}
		done -= n
	}
	return addr, 0
}

// Vectored I/O goes piece by piece, each a step of its own; what the record remembers is how far it got.

const maxIovecs = 1024 // UIO_MAXIOV

// iovecs reads an iovec array.
func (t *Trap) iovecs(va, n uint64) ([]byte, int64) {
	if n > maxIovecs {
		return nil, errno(unix.EINVAL)
	}
	b := t.bytes(int(n) * abi.IovecSize)
	if e := t.read(va, b); e != 0 {
		return nil, e
	}
	total := uint64(0)
	for i := 0; i < len(b); i += abi.IovecSize {
		k := le.Uint64(b[i+8:])
		if k > 1<<63-1 || total+k > 1<<63-1 {
			return nil, errno(unix.EINVAL)
		}
		total += k
	}
	return b, 0
}

func readv(t *Trap) int64   { return vector(t, atPosition, uabi.RightWrite) }
func writev(t *Trap) int64  { return vector(t, atPosition, uabi.RightRead) }
func preadv(t *Trap) int64  { return vectorAt(t, uabi.RightWrite) }
func pwritev(t *Trap) int64 { return vectorAt(t, uabi.RightRead) }

func vectorAt(t *Trap, rights uint32) int64 {
	off := int64(t.arg(3))
	if off < 0 {
		return errno(unix.EINVAL)
	}
	return vector(t, off, rights)
}

func vector(t *Trap, off int64, rights uint32) int64 {
	h, kind, e := t.file(t.arg32(0))
	if e != 0 {
		return e
	}
	f := opener{vfs.Client{H: h}}
	iov, e := t.iovecs(t.arg(1), uint64(uint32(t.arg(2))))
	if e != 0 {
		return e
	}
	if kind == vfs.Kind_SOCKET {
		return t.vectorSocket(net.Client{H: h}, off, iov, rights)
	}
	if off == atPosition && rights == uabi.RightRead && isStream(kind) {
		return t.writeStream(f.Client, iov)
	}
	if kind == vfs.Kind_DEVICE && rights == uabi.RightRead && len(iov) > abi.IovecSize {
		if v, ok := t.writeGathered(f.Client, iov); ok {
			return v
		}
	}
	done := int64(0)
	for i := 0; i < len(iov); i += abi.IovecSize {
		n := le.Uint64(iov[i+8:])
		if n == 0 && i+abi.IovecSize < len(iov) {
			continue
		}
		g := grant(le.Uint64(iov[i:]), min(n, maxRW), rights)
		move := f.piece
		if kind == vfs.Kind_FILE && n > maxPiece {
			move = f.whole
		}
		got, err := move(t, off, g)
		if err != uabi.OK {
			if done > 0 {
				if err == uabi.ErrWait {
					t.temp(t.LastWait().Event)
				}
				break
			}
			if rights == uabi.RightRead {
				return t.wrote(0, err)
			}
			return readFailed(t, err)
		}
		done += got
		if off >= 0 {
			off += got
		}
		if uint64(got) < n {
			break
		}
	}
	return done
}

// opener is an open file's client with what linuxabi composes on top.
type opener struct{ vfs.Client }

// maxPiece is how much one request copies at most, bytes: the kernel does a longer copy in several.
const maxPiece = 256 << 10

// whole moves all of a regular file's bytes, a step for each piece.
func (f opener) whole(t *Trap, off int64, g uabi.Grant) (done int64, err uabi.Error) {
	for uint64(done) < g.Len {
		n := min(g.Len-uint64(done), maxPiece)
		at := off
		if off >= 0 {
			at += done
		}
		got, err := f.piece(t, at, grant(g.Addr+uint64(done), n, g.Rights))
		if err != uabi.OK && done == 0 {
			return 0, err
		}
		done += got
		if err != uabi.OK || uint64(got) < n {
			break
		}
	}
	return done, uabi.OK
}

// piece moves one piece of a vector.
func (f opener) piece(t *Trap, off int64, g uabi.Grant) (int64, uabi.Error) {
	var out vfs.CountReply
	in := vfs.ReadRequest{Offset: off}
	if g.Rights == uabi.RightWrite {
		err := f.Read(t, &in, &out, g)
		return out.Count, err
	}
	err := f.Write(t, &in, &out, g)
	return out.Count, err
}

func lseek(t *Trap) int64 {
	f, e := t.target(t.arg32(0))
	if e != 0 {
		return e
	}
	in := vfs.SeekRequest{Offset: int64(t.arg(1)), Whence: uint32(t.arg(2))}
	if t.forwardable {
		return t.forwarded(f.ForwardSeek(t, &in))
	}
	var out vfs.CountReply
	if err := f.Seek(t, &in, &out); err != uabi.OK {
		return seekFailed(t, err)
	}
	return out.Count
}

// seekFailed: no data or hole behind the end is ENXIO.
func seekFailed(t *Trap, e uabi.Error) int64 {
	if e == uabi.ErrNoDevice {
		return errno(unix.ENXIO)
	}
	return t.status(e)
}

func fsync(t *Trap) int64 {
	h, _, e := t.opened(t.arg32(0))
	if e != 0 {
		return e
	}
	return t.status(vfs.Client{H: h}.Sync(t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}))
}

// syncfs syncs the file system that a file is on: sync for it.
func syncfs(t *Trap) int64 {
	_, _, e := t.opened(t.arg32(0))
	return e
}

// sync: there is no storage behind the page cache yet, so everything is as safe as it gets.
func sync(*Trap) int64 { return 0 }

// fadvise is advice; only its arguments are checked.
func fadvise(t *Trap) int64 {
	_, kind, e := t.opened(t.arg32(0))
	if e != 0 {
		return e
	}
	if kind == vfs.Kind_PIPE {
		return errno(unix.ESPIPE)
	}
	if int64(t.arg(2)) < 0 || t.arg32(3) < unix.FADV_NORMAL || t.arg32(3) > unix.FADV_NOREUSE {
		return errno(unix.EINVAL)
	}
	return 0
}

func pipe(t *Trap) int64  { return t.pipe(0) }
func pipe2(t *Trap) int64 { return t.pipe(uint32(t.arg(1))) }

func (t *Trap) pipe(flags uint32) int64 {
	if flags&^(unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_DIRECT) != 0 {
		return errno(unix.EINVAL)
	}
	if e := t.writable(t.arg(0), 8); e != 0 {
		return e
	}
	var ends vfs.PipeReply
	if err := t.l.vfs.Pipe(t, &vfs.PipeRequest{Flags: flags &^ unix.O_CLOEXEC}, &ends); err != uabi.OK {
		return t.status(err)
	}
	t.temp(uabi.Handle(ends.Read))
	t.temp(uabi.Handle(ends.Write))
	var out proc.FdInstallReply
	err := t.l.proc.FdInstall(t, &proc.FdInstallRequest{File: ends.Read, File2: ends.Write, Kind: uint32(vfs.Kind_PIPE),
		Kind2: uint32(vfs.Kind_PIPE), Cloexec: flags&unix.O_CLOEXEC != 0}, &out)
	if err != uabi.OK {
		return t.status(err)
	}
	b := t.bytes(8)
	le.PutUint32(b[:], uint32(out.Fd))
	le.PutUint32(b[4:], uint32(out.Fd2))
	return t.write(t.arg(0), b[:])
}

// getdents64 packs entries as the caller's buffer takes them.
func getdents64(t *Trap) int64 {
	f, e := t.target(t.arg32(0))
	if e != 0 {
		return e
	}
	var out vfs.ReadDirReply
	const most = 32 << 10
	if err := f.ReadDir(t, &vfs.ReadDirRequest{MaxBytes: uint32(min(t.arg(2), most))}, &out); err != uabi.OK {
		return t.status(err)
	}
	var w abi.Writer
	for _, d := range out.Entries {
		w.Dirent(d.Ino, d.Off, uint8(d.Type), d.Name)
	}
	if e := t.write(t.arg(1), w.B); e != 0 {
		return e
	}
	return int64(len(w.B))
}
