package main

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/vfs"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// file is a socket as an open file: the methods named in net.Served. The others are nobody's, since ipc.Join does not hand them on.
type file struct {
	*Netd
	vfs.Handler[*server.Ctx]
}

// Read implements vfs.Handler.
func (f file) Read(c *server.Ctx, in *vfs.ReadRequest, out *vfs.CountReply) uabi.Error {
	s, err := f.socket(c)
	if err != uabi.OK {
		return err
	}
	if in.Offset != -1 {
		return uabi.ErrSeek
	}
	r := received{grants: grantsOf(c, 1)}
	if r.grants.total == 0 {
		return uabi.OK // as sock_read_iter
	}
	if err := f.receive(c, s, 0, &r, 0); err != uabi.OK {
		return err
	}
	f.discard(c, s, &r)
	out.Count = r.count
	return uabi.OK
}

// Write implements vfs.Handler.
func (f file) Write(c *server.Ctx, in *vfs.ReadRequest, out *vfs.CountReply) uabi.Error {
	s, err := f.socket(c)
	if err != uabi.OK {
		return err
	}
	if in.Offset != -1 {
		return uabi.ErrSeek
	}
	m := message{grants: grantsOf(c, 1)}
	m.total = m.grants.total
	out.Count, err = f.send(c, s, &m)
	return err
}

// Seek implements vfs.Handler.
func (f file) Seek(*server.Ctx, *vfs.SeekRequest, *vfs.CountReply) uabi.Error { return uabi.ErrSeek }

// ReadDir implements vfs.Handler.
func (f file) ReadDir(*server.Ctx, *vfs.ReadDirRequest, *vfs.ReadDirReply) uabi.Error {
	return uabi.ErrNotDir
}

// MapFile implements vfs.Handler.
func (f file) MapFile(*server.Ctx, *vfs.EmptyRequest, *vfs.MapFileReply) uabi.Error {
	return uabi.ErrNoDevice
}

// Sync implements vfs.Handler.
func (f file) Sync(*server.Ctx, *vfs.EmptyRequest, *vfs.EmptyReply) uabi.Error { return uabi.ErrArg }

// sockDev is the device number of Linux's sockfs, as its anonymous file systems come.
const sockDev = 8

// StatAt implements vfs.Handler: of the called socket itself.
func (f file) StatAt(c *server.Ctx, in *vfs.PathRequest, out *vfs.Stat) uabi.Error {
	s, err := f.socket(c)
	if err != uabi.OK {
		return err
	}
	if in.Path != "" {
		return uabi.ErrNotDir
	}
	out.Dev, out.Ino, out.Mode, out.Nlink, out.Blksize = unix.Mkdev(0, sockDev), s.Id, unix.S_IFSOCK|permissions(s), 1, 4096
	out.Uid, out.Gid = s.Uid, s.Gid
	out.AtimeNs, out.MtimeNs, out.CtimeNs, out.BtimeNs = int64(s.MadeNs), int64(s.MadeNs), int64(s.MadeNs), int64(s.MadeNs)
	return uabi.OK
}

// permissions are those of fchmod(2); they bind nobody.
func permissions(s *state.Socket) uint32 {
	if s.Mode != nil {
		return *s.Mode
	}
	return 0o777
}

// SetAt implements vfs.Handler: of the called socket itself, whose times stay.
func (f file) SetAt(c *server.Ctx, in *vfs.SetRequest, out *vfs.EmptyReply) uabi.Error {
	s, err := f.socket(c)
	switch {
	case err != uabi.OK:
		return err
	case in.Path != "":
		return uabi.ErrNotDir
	case in.Size != nil:
		return uabi.ErrArg
	}
	k := f.caller(c)
	owner := uint32(c.Context(ctx.UID)) == s.Uid
	switch {
	case in.Mode != nil && !owner && !k.can(unix.CAP_FOWNER),
		in.Uid != nil && !(owner && *in.Uid == s.Uid) && !k.can(unix.CAP_CHOWN),
		in.Gid != nil && !(owner && k.inGroup(*in.Gid)) && !k.can(unix.CAP_CHOWN):
		return uabi.ErrPerm
	}
	if in.Mode != nil {
		mode := *in.Mode & 0o7777
		s.Mode = &mode
	}
	if in.Uid != nil {
		s.Uid = *in.Uid
	}
	if in.Gid != nil {
		s.Gid = *in.Gid
	}
	return uabi.OK
}

// StatTo implements vfs.Handler: of the called socket itself.
func (f file) StatTo(c *server.Ctx, in *vfs.PathRequest, out *vfs.EmptyReply) uabi.Error {
	var s vfs.Stat
	if err := f.StatAt(c, in, &s); err != uabi.OK {
		return err
	}
	b := make([]byte, vfs.StatSize)
	vfs.PutStat(b, &s)
	n, err := c.GrantWrite(0, 0, b)
	if err == uabi.OK && n < len(b) {
		return uabi.ErrFault
	}
	return err
}

// Path implements vfs.Handler.
func (f file) Path(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.PathReply) uabi.Error {
	s, err := f.socket(c)
	if err != uabi.OK {
		return err
	}
	out.Path = fmt.Sprintf("socket:[%d]", s.Id)
	return uabi.OK
}

// settable are the flags that F_SETFL changes of a socket.
const settable = unix.O_APPEND | unix.O_ASYNC | unix.O_NOATIME | unix.O_NONBLOCK

// Flags implements vfs.Handler.
func (f file) Flags(c *server.Ctx, in *vfs.FlagsRequest, out *vfs.CountReply) uabi.Error {
	s, err := f.socket(c)
	if err != uabi.OK {
		return err
	}
	out.Count = int64(s.Flags | unix.O_RDWR)
	if in.Set {
		s.Flags = in.Flags & settable
	}
	return uabi.OK
}

// Poll implements vfs.Handler.
func (f file) Poll(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.PollReply) uabi.Error {
	s, err := f.socket(c)
	if err != uabi.OK {
		return err
	}
	level, seq, err := c.EventRead(uabi.Handle(s.Event))
	if err != uabi.OK {
		return err
	}
	out.Level, out.Seq, out.Event, out.Id = level&pollMask, seq, s.Event, publicID(s)
	return uabi.OK
}

// Commands of ioctl(2) for sockets (asm-generic/ioctls.h).
const (
	fionread = 0x541b
	fionbio  = 0x5421
	fioasync = 0x5452
)

// Ioctl implements vfs.Handler.
func (f file) Ioctl(c *server.Ctx, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	s, err := f.socket(c)
	if err != uabi.OK {
		return err
	}
	switch in.Cmd {
	case fionread:
		if s.Status == state.Status_LISTENING {
			return uabi.ErrArg
		}
		if s.Domain != unix.AF_UNIX {
			return uabi.ErrNoTTY
		}
		n := s.Queue.Used
		if s.Type == unix.SOCK_DGRAM && len(s.Queue.Packets) > 0 {
			n = s.Queue.Packets[0].Len
		}
		out.Out = binary.LittleEndian.AppendUint32(nil, uint32(n))
	case unix.TIOCOUTQ:
		if s.Domain != unix.AF_UNIX {
			return uabi.ErrNoTTY
		}
		out.Out = binary.LittleEndian.AppendUint32(nil, uint32(s.Sent))
	case fionbio, fioasync:
		if len(in.In) < 4 {
			return uabi.ErrArg
		}
		flag := uint32(unix.O_NONBLOCK)
		if in.Cmd == fioasync {
			flag = unix.O_ASYNC
		}
		s.Flags &^= flag
		if binary.LittleEndian.Uint32(in.In) != 0 {
			s.Flags |= flag
		}
	default:
		return uabi.ErrNoTTY
	}
	return uabi.OK
}
