package calls

import (
	"bytes"

	"golang.org/x/sys/unix"

	"aramid/proto/net"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
)

// Sizes of socket addresses, bytes.
const (
	maxSockaddr  = 128 // struct sockaddr_storage
	unixPath     = 2   // where sun_path begins
	maxUnix      = 110 // struct sockaddr_un
	netlinkBytes = 12  // struct sockaddr_nl
)

// sockaddr is a socket address as netd takes it.
type sockaddr struct {
	family uint32
	name   []byte
	port   uint32
	groups uint32
}

// isPath reports a name in the file system.
func (a *sockaddr) isPath() bool { return len(a.name) > 0 && a.name[0] != 0 }

// sockaddr reads one of n bytes. What is wrong for every socket is EINVAL; the rest is netd's to say.
func (t *Trap) sockaddr(va, n uint64) (a sockaddr, e int64) {
	if int32(n) < 0 || n > maxSockaddr {
		return a, errno(unix.EINVAL)
	}
	b := make([]byte, n)
	if e := t.read(va, b); e != 0 {
		return a, e
	}
	if len(b) < unixPath {
		return a, errno(unix.EINVAL)
	}
	a.family = uint32(le.Uint16(b))
	switch a.family {
	case unix.AF_UNIX:
		if len(b) > maxUnix {
			return a, errno(unix.EINVAL)
		}
		a.name = b[unixPath:]
		if i := bytes.IndexByte(a.name, 0); i > 0 {
			a.name = a.name[:i]
		}
	case unix.AF_NETLINK:
		if len(b) < netlinkBytes {
			return a, errno(unix.EINVAL)
		}
		a.port, a.groups = le.Uint32(b[4:]), le.Uint32(b[8:])
	}
	return a, 0
}

// addressBytes is the address that netd says, as a sockaddr.
func addressBytes(family uint32, name []byte, port, groups uint32) []byte {
	b := le.AppendUint16(nil, uint16(family))
	if family == unix.AF_NETLINK {
		return le.AppendUint32(le.AppendUint32(le.AppendUint16(b, 0), port), groups)
	}
	b = append(b, name...)
	if len(name) > 0 && name[0] != 0 {
		b = append(b, 0)
	}
	return b
}

// putAddress gives the caller an address: as much as there is room for, and how long it is (move_addr_to_user).
func (t *Trap) putAddress(va, lenVA uint64, b []byte) int64 {
	n, e := t.addressRoom(lenVA)
	if e != 0 {
		return e
	}
	if e := t.write(va, b[:min(len(b), n)]); e != 0 {
		return e
	}
	return t.write(lenVA, le.AppendUint32(nil, uint32(len(b))))
}

// addressRoom reads how much room there is for an address.
func (t *Trap) addressRoom(lenVA uint64) (int, int64) {
	var b [4]byte
	if e := t.read(lenVA, b[:]); e != 0 {
		return 0, e
	}
	n := int32(le.Uint32(b[:]))
	if n < 0 {
		return 0, errno(unix.EINVAL)
	}
	return int(n), 0
}

// socketInode finds the socket that a path means, which the caller may write to. What it was on the first run is remembered, since the socket
// may be removed before a successor asks again.
func (t *Trap) socketInode(path string) (uint64, int64) {
	e := int64(0)
	find := func() uint64 {
		var s vfs.Stat
		if err := t.l.vfs.StatAt(t, &vfs.PathRequest{Path: path}, &s); err != uabi.OK {
			e = t.status(err)
			return 0
		}
		const write = 2
		if err := t.l.vfs.AccessAt(t, &vfs.PathRequest{Path: path, Mode: write, Flags: unix.AT_EACCESS}, &vfs.EmptyReply{}); err != uabi.OK {
			e = t.status(err)
			return 0
		}
		if s.Mode&unix.S_IFMT != unix.S_IFSOCK {
			e = errno(unix.ECONNREFUSED)
			return 0
		}
		return s.Ino
	}
	if t.words >= recordSent { // of sendmmsg: there are no more words
		return find(), e
	}
	return t.remember(find), e
}

func bind(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	a, e := t.sockaddr(t.arg(1), t.arg(2))
	if e != 0 {
		return e
	}
	in := net.AddressRequest{Family: a.family, Name: a.name, Port: a.port, Groups: a.groups}
	if a.isPath() {
		if in.Ino, e = t.makeSocket(n, string(a.name)); e != 0 {
			return e
		}
	}
	return t.status(n.Bind(t, &in, &net.EmptyReply{}))
}

// Decisions of makeSocket.
const (
	bindMay    = 1
	bindMayNot = 2
)

// makeSocket makes the inode that a socket is bound to.
func (t *Trap) makeSocket(n net.Client, path string) (uint64, int64) {
	may := t.remember(func() uint64 {
		var out net.NameReply
		if err := n.Name(t, &net.NameRequest{}, &out); err != uabi.OK || out.Family != unix.AF_UNIX || len(out.Name) > 0 {
			return bindMayNot
		}
		return bindMay
	})
	if may != bindMay {
		return 0, errno(unix.EINVAL)
	}
	const mode = unix.S_IFSOCK | 0o777 // less the umask, which vfsd knows
	switch err := t.l.vfs.MakeAt(t, &vfs.MakeRequest{Path: path, Mode: mode}, &vfs.EmptyReply{}); err {
	case uabi.OK:
	case uabi.ErrExists:
		return 0, errno(unix.EADDRINUSE)
	default:
		return 0, t.status(err)
	}
	e := int64(0)
	ino := t.remember(func() uint64 {
		var s vfs.Stat
		err := t.l.vfs.StatAt(t, &vfs.PathRequest{Path: path, Flags: unix.AT_SYMLINK_NOFOLLOW}, &s)
		e = t.status(err)
		return s.Ino
	})
	return ino, e
}

func connect(t *Trap) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	a, e := t.sockaddr(t.arg(1), t.arg(2))
	if e != 0 {
		return e
	}
	in := net.AddressRequest{Family: a.family, Name: a.name, Port: a.port, Groups: a.groups}
	if a.isPath() {
		if in.Ino, e = t.socketInode(string(a.name)); e != 0 {
			return e
		}
	}
	return t.socketResult(n, 0, n.Connect(t, &in, &net.EmptyReply{}))
}

func getsockname(t *Trap) int64 { return t.socketName(false) }
func getpeername(t *Trap) int64 { return t.socketName(true) }

func (t *Trap) socketName(peer bool) int64 {
	n, e := t.socketFD(t.arg32(0))
	if e != 0 {
		return e
	}
	var out net.NameReply
	if err := n.Name(t, &net.NameRequest{Peer: peer}, &out); err != uabi.OK {
		return t.status(err)
	}
	return t.putAddress(t.arg(1), t.arg(2), addressBytes(out.Family, out.Name, out.Port, out.Groups))
}
