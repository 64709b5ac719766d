package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Sizes of ioctl arguments for commands that do not say it themselves (asm-generic/ioctls.h).
const (
	termiosSize = 36 // the kernel's struct termios
	winsizeSize = 8
	intSize     = 4
	charSize    = 1

	tiocglcktrmios = 0x5456
	tiocslcktrmios = 0x5457
	rndAddEntropy  = 0x40085203
)

// ioctlSize is how many bytes of the argument go in and out. Modern commands encode it; the old terminal ones do not.
func ioctlSize(cmd uint32) (in, out int) {
	switch cmd {
	case unix.TCGETS, tiocglcktrmios:
		return 0, termiosSize
	case unix.TCSETS, unix.TCSETSW, unix.TCSETSF, tiocslcktrmios:
		return termiosSize, 0
	case unix.TIOCSTI:
		return charSize, 0
	case unix.TIOCSIG, rndAddEntropy:
		return 0, 0 // by value, or not looked at
	case unix.TIOCGWINSZ:
		return 0, winsizeSize
	case unix.TIOCSWINSZ:
		return winsizeSize, 0
	case unix.TIOCGPGRP, unix.TIOCGSID, unix.TIOCOUTQ, abi.FIONREAD, unix.TIOCGETD, unix.TIOCMGET:
		return 0, intSize
	case unix.TIOCSPGRP, unix.TIOCSETD, unix.TIOCPKT, abi.FIONBIO, unix.TIOCMSET, abi.FIOASYNC:
		return intSize, 0
	}
	const (
		sizeShift, sizeMask    = 16, 0x3fff
		dirShift, dirWr, dirRd = 30, 1, 2
	)
	n := int(cmd >> sizeShift & sizeMask)
	if cmd>>dirShift&dirWr != 0 {
		in = n
	}
	if cmd>>dirShift&dirRd != 0 {
		out = n
	}
	return in, out
}

func ioctl(t *Trap) int64 {
	fd, cmd := t.arg32(0), uint32(t.arg(1))
	switch cmd {
	case abi.FIOCLEX, abi.FIONCLEX:
		return t.status(t.l.proc.FdFlags(t, &proc.FdFlagsRequest{Fd: fd, Set: true, Cloexec: cmd == abi.FIOCLEX}, &proc.FdReply{}))
	}
	f, e := t.target(fd)
	if e != 0 {
		return e
	}
	if cmd == unix.FICLONE {
		return t.reflink(t.arg32(2))
	}
	in := vfs.IoctlRequest{Cmd: cmd, Arg: t.arg(2)}
	nin, nout := ioctlSize(cmd)
	if nin > 0 {
		in.In = make([]byte, nin)
		if e := t.read(t.arg(2), in.In); e != 0 {
			return e
		}
	}
	var out vfs.IoctlReply
	if err := f.Ioctl(t, &in, &out); err != uabi.OK {
		return t.status(err)
	}
	if out.File != 0 {
		return t.install(out.File, vfs.Kind(out.Kind), t.arg(2)&unix.O_CLOEXEC != 0)
	}
	if len(out.Out) > 0 {
		if e := t.write(t.arg(2), out.Out[:min(len(out.Out), max(nout, 0))]); e != 0 {
			return e
		}
	}
	return out.Result
}

// reflink is FICLONE (ioctl_ficlone(2)), which names the other file by its descriptor: no file system here shares extents.
func (t *Trap) reflink(from int32) int64 {
	if _, e := t.target(from); e != 0 {
		return e
	}
	return errno(unix.EOPNOTSUPP)
}

// vhangup hangs the caller's terminal up.
func vhangup(t *Trap) int64 {
	return t.status(t.l.vfs.Vhangup(t, &vfs.EmptyRequest{}, &vfs.EmptyReply{}))
}

// syslog is syslog(2): reading and controlling the kernel log.
func syslog(t *Trap) int64 {
	const readActions = 1<<2 | 1<<3 | 1<<4
	if t.arg(0) < 64 && readActions&(1<<t.arg(0)) != 0 && t.arg(1) == 0 {
		return errno(unix.EINVAL)
	}
	in := vfs.SyslogRequest{Action: uint32(t.arg(0)), Len: t.arg32(2)}
	var out vfs.CountReply
	err := t.l.vfs.Syslog(t, &in, &out, grant(t.arg(1), uint64(max(t.arg32(2), 0)), uabi.RightWrite))
	return t.result(out.Count, err)
}
