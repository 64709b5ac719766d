package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// fdCache remembers what descriptors meant, as weak handles. Only linuxabi's own requests change fd tables, and it drops an entry
// before it sends one; an open file that died leaves its handle stale.
type fdCache struct {
	k      uk.Kernel
	tables map[uint64][]fdEntry // by fd table id
	last   uint64               // the table that was asked for last, which now is newest
	newest []fdEntry
}

type fdEntry struct {
	h    uabi.Handle // weak; 0: unknown
	kind vfs.Kind    // of h; where that is 0, SOCKET or unknown
}

// maxCachedFD bounds the cache of one table.
const maxCachedFD = 1024

// of is what is known of a table.
func (c *fdCache) of(files uint64) []fdEntry {
	if files != c.last {
		c.last, c.newest = files, c.tables[files]
	}
	return c.newest
}

func (c *fdCache) get(files uint64, fd int32) fdEntry {
	if t := c.of(files); uint32(fd) < uint32(len(t)) {
		return t[fd]
	}
	return fdEntry{}
}

// put takes a weak copy of h.
func (c *fdCache) put(files uint64, fd int32, h uabi.Handle, kind vfs.Kind) {
	if fd < 0 || fd >= maxCachedFD {
		return
	}
	weak, err := c.k.Dup(h, uabi.RightCall|uabi.RightTransfer|uabi.RightWeak)
	if err != uabi.OK {
		return
	}
	t := c.table(files, fd)
	if t[fd].h != 0 {
		c.k.Close(t[fd].h)
	}
	t[fd] = fdEntry{weak, kind}
}

// know notes the kind of a new descriptor, whose handle nobody has asked for yet: close takes other steps for a socket.
func (c *fdCache) know(files uint64, fd int32, kind vfs.Kind) {
	c.drop(files, fd)
	if fd >= 0 && fd < maxCachedFD {
		c.table(files, fd)[fd] = fdEntry{kind: kind}
	}
}

// table is a table's entries, at least up to that of fd.
func (c *fdCache) table(files uint64, fd int32) []fdEntry {
	t := c.of(files)
	for int(fd) >= len(t) {
		t = append(t, fdEntry{})
	}
	c.tables[files], c.newest = t, t
	return t
}

// drop forgets an entry and says what kind it had.
func (c *fdCache) drop(files uint64, fd int32) (kind vfs.Kind) {
	if t := c.of(files); uint32(fd) < uint32(len(t)) {
		if t[fd].h != 0 {
			c.k.Close(t[fd].h)
		}
		kind = t[fd].kind
		t[fd] = fdEntry{}
	}
	return kind
}

func (c *fdCache) dropTable(files uint64) {
	for fd := range c.tables[files] {
		c.drop(files, int32(fd))
	}
	delete(c.tables, files)
	c.last, c.newest = files, nil
}

// files0 is the id of the caller's fd table.
func (t *Trap) files0() uint64 { return t.context(ctx.Files) }

// file resolves descriptor fd. The first resolution of a trap is what every later run of the handler gets (DESIGN §4: which
// object an fd meant), as soon as the handler sends a mutating request.
func (t *Trap) file(fd int32) (uabi.Handle, vfs.Kind, int64) {
	slot := t.files
	t.files++
	if slot < len(t.RecordHandle) && t.RecordHandle[slot] != 0 {
		return t.RecordHandle[slot], vfs.Kind(t.Record[recordKind+slot]), 0
	}
	e := t.l.fds.get(t.files0(), fd)
	if e.h == 0 {
		var err uabi.Error
		if e, err = t.lookUp(fd); err != uabi.OK {
			return 0, 0, errno(abi.Errno(err))
		}
	}
	if slot < len(t.RecordHandle) {
		t.RecordHandle[slot], t.Record[recordKind+slot] = e.h, uint64(e.kind)
		t.Save = t.in.Kind == uabi.KindTrap // process 1 is started by no trap
	}
	return e.h, e.kind, 0
}

// opened is file for the calls that O_PATH descriptors refuse: open(2).
func (t *Trap) opened(fd int32) (uabi.Handle, vfs.Kind, int64) {
	h, kind, e := t.file(fd)
	if e == 0 && kind == vfs.Kind_PATH {
		e = errno(unix.EBADF)
	}
	return h, kind, e
}

// recordKind is the record word that holds the kind of file slot 0; remember uses the words below.
const recordKind = uabi.RecordWords - uabi.MaxHandles

// lookUp asks procd what fd means and caches it. The handle it gives is closed at the end of the trap.
func (t *Trap) lookUp(fd int32) (fdEntry, uabi.Error) {
	var out proc.FdGetReply
	if err := t.l.proc.FdGet(t, &proc.FdGetRequest{Fd: fd}, &out); err != uabi.OK {
		return fdEntry{}, err
	}
	e := fdEntry{t.temp(uabi.Handle(out.File)), vfs.Kind(out.Kind)}
	t.l.fds.put(t.files0(), fd, e.h, e.kind)
	return e, uabi.OK
}

// target is file as the client of its open file. errno is 0 or the return value.
func (t *Trap) target(fd int32) (vfs.Client, int64) {
	h, _, e := t.file(fd)
	return vfs.Client{H: h}, e
}

// dirHandle resolves the dirfd argument of an *at call: 0 stands for the cwd.
func (t *Trap) dirHandle(fd int32, path string) (uint32, int64) {
	if fd == unix.AT_FDCWD || len(path) > 0 && path[0] == '/' {
		return 0, 0
	}
	h, _, e := t.file(fd)
	return uint32(h), e
}

// install ends a trap by giving an open file a descriptor, and closes our handle to it.
func (t *Trap) install(h uint32, kind vfs.Kind, cloexec bool) int64 {
	t.temp(uabi.Handle(h))
	in := proc.FdInstallRequest{File: h, Kind: uint32(kind), Cloexec: cloexec}
	if t.forwardable {
		return t.forwarded(t.l.proc.ForwardFdInstall(t, &in))
	}
	return t.installFile(&in)
}

// installFile gives an open file a descriptor.
func (t *Trap) installFile(in *proc.FdInstallRequest) int64 {
	var out proc.FdInstallReply
	err := t.l.proc.FdInstall(t, in, &out)
	if err == uabi.OK {
		t.l.fds.know(t.files0(), int32(out.Fd), vfs.Kind(in.Kind))
	}
	return t.result(out.Fd, err)
}
