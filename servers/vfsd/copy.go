package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// maxPiece bounds how much one Copy moves, bytes: nobody else is served meanwhile.
const maxPiece = 4 << 20

// end is one side of a Copy: a file's inode and position, or a pipe.
type end struct {
	o    *state.Open
	n    *tree.Inode
	pos  int64
	own  bool // pos is the open file's own position, which moves
	pipe *state.Pipe
}

// copyEnd is one side of a Copy; an offset of −1 is the file's own position.
func (h *VFSD) copyEnd(o *state.Open, offset int64) (e end, err uabi.Error) {
	e.o = o
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_DIRECTORY:
		return e, uabi.ErrIsDir
	case vfs.Kind_PIPE:
		if offset >= 0 {
			return e, uabi.ErrSeek
		}
		e.pipe = h.pipes.Get(o.Pipe)
		return e, uabi.OK
	case vfs.Kind_FILE:
		e.n = h.tree.Inode(o.At.Ino)
	}
	if e.n == nil || e.n.Text != 0 || offset < -1 {
		return e, uabi.ErrArg
	}
	if e.pos = offset; offset < 0 {
		e.pos, e.own = o.Pos, true
	}
	return e, uabi.OK
}

// Copy implements vfs.Handler.
func (h *VFSD) Copy(c *server.Ctx, in *vfs.CopyRequest, out *vfs.CountReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	src := h.opens.Get(c.BadgeOf(uabi.Handle(in.From)))
	if src == nil || !readable(src) || !writable(o) {
		return uabi.ErrBadFD
	}
	if in.Stays && (vfs.Kind(src.Kind) != vfs.Kind_PIPE || vfs.Kind(o.Kind) != vfs.Kind_PIPE) {
		return uabi.ErrArg
	}
	from, err := h.copyEnd(src, in.FromOffset)
	if err != uabi.OK {
		return err
	}
	to, err := h.copyEnd(o, in.ToOffset)
	if err != uabi.OK {
		return err
	}
	switch {
	case in.Files && o.Flags&unix.O_APPEND != 0:
		return uabi.ErrBadFD
	case to.n != nil && o.Flags&unix.O_APPEND != 0, from.pipe != nil && from.pipe == to.pipe:
		return uabi.ErrArg
	case in.Files && (from.n == nil || to.n == nil):
		return uabi.ErrArg
	case in.Files && from.n.Fs != to.n.Fs:
		return uabi.ErrCrossDevice
	case in.Files && from.n == to.n && overlap(from.pos, to.pos, in.Len):
		return uabi.ErrArg
	}
	n, err := h.available(c, from, in)
	if err == uabi.OK && n > 0 {
		n, err = h.room(c, to, n, in.Nonblock)
	}
	if err != uabi.OK || n == 0 {
		return err
	}
	if n, err = h.move(c, from, to, n, in.Stays); err != uabi.OK {
		return err
	}
	h.notifyOpen(c, src, unix.IN_ACCESS)
	h.notifyOpen(c, o, unix.IN_MODIFY)
	out.Count = int64(n)
	return uabi.OK
}

// overlap reports whether two ranges of one file meet.
func overlap(a, b int64, n uint64) bool {
	return uint64(max(a, b)-min(a, b)) < n
}

// available is how much of what is asked for is there; ErrWait when a pipe is empty.
func (h *VFSD) available(c *server.Ctx, e end, in *vfs.CopyRequest) (uint64, uabi.Error) {
	want := min(in.Len, maxPiece)
	if e.pipe == nil {
		return min(want, uint64(max(0, e.n.Size-e.pos))), uabi.OK
	}
	p := e.pipe
	if used := p.Tail - p.Head; used > 0 || want == 0 {
		return min(want, used), uabi.OK
	}
	switch {
	case p.Writers == 0 && !h.coming(c, p, writerHere):
		return 0, uabi.OK
	case in.Nonblock || e.o.Flags&unix.O_NONBLOCK != 0:
		return 0, uabi.ErrAgain
	}
	return 0, c.Wait(uabi.Handle(p.Event), unix.POLLIN|unix.POLLHUP, onlyLevel, uabi.NoDeadline)
}

// room is how much of n bytes the other side takes; ErrWait when a pipe is full.
func (h *VFSD) room(c *server.Ctx, e end, n uint64, nonblock bool) (uint64, uabi.Error) {
	if e.pipe == nil {
		n, err := limited(c, e.pos, n)
		switch {
		case err != uabi.OK:
			return 0, err
		case e.pos > maxSize-int64(n):
			return 0, uabi.ErrFileSize
		}
		return h.checkWrite(e.n, e.pos, n)
	}
	p := e.pipe
	room := holds(p) - (p.Tail - p.Head)
	switch {
	case p.Readers == 0 && !h.coming(c, p, readerHere):
		return 0, uabi.ErrPipe
	case room > 0:
		return min(n, room), uabi.OK
	case nonblock || e.o.Flags&unix.O_NONBLOCK != 0:
		return 0, uabi.ErrAgain
	}
	return 0, c.Wait(uabi.Handle(p.Event), unix.POLLOUT|unix.POLLERR, onlyLevel, uabi.NoDeadline)
}

// memory is what a side's bytes are in, and where the first of them is.
func (h *VFSD) memory(c *server.Ctx, e end, pipeAt uint64) (uabi.Handle, uint64, uabi.Error) {
	if e.pipe != nil {
		return uabi.Handle(e.pipe.Memory), pipeAt, uabi.OK
	}
	m, err := h.contents(c, e.n)
	return m, uint64(e.pos), err
}

// piece is how much of n bytes at position at lies in one piece of memory.
func (e end) piece(at, n uint64) (off, piece uint64) {
	if e.pipe == nil {
		return at, n
	}
	size := holds(e.pipe)
	return at % size, min(n, size-at%size)
}

// move copies n bytes that are there and have room, and moves the positions; stays: only the writing side's.
func (h *VFSD) move(c *server.Ctx, from, to end, n uint64, stays bool) (uint64, uabi.Error) {
	var head, tail uint64
	if from.pipe != nil {
		head = from.pipe.Head
	}
	if to.pipe != nil {
		tail = to.pipe.Tail
	}
	src, at, err := h.memory(c, from, head)
	if err != uabi.OK {
		return 0, noSpace(err)
	}
	dst, into, err := h.memory(c, to, tail)
	if err != uabi.OK {
		return 0, noSpace(err)
	}
	if to.n != nil && pages(to.pos+int64(n)) > max(pages(to.n.Size), pageSize) {
		if err := c.MemoryResize(dst, pages(to.pos+int64(n))); err != uabi.OK {
			return 0, noSpace(err)
		}
	}
	done := uint64(0)
	for done < n {
		soff, piece := from.piece(at+done, n-done)
		doff, piece := to.piece(into+done, piece)
		got, err := c.MemoryCopy(dst, doff, src, soff, piece)
		done += got
		if err != uabi.OK && done == 0 {
			return 0, noSpace(err)
		}
		if err != uabi.OK || got < piece {
			break
		}
	}
	if !stays {
		h.took(c, from, src, done)
	}
	h.gave(c, to, dst, done)
	return done, uabi.OK
}

// took moves the reading side on.
func (h *VFSD) took(c *server.Ctx, e end, m uabi.Handle, n uint64) {
	if e.pipe != nil {
		e.pipe.Head += n
		h.level(c, e.pipe, 0)
		return
	}
	h.keep(e.n, m)
	if e.own {
		e.o.Pos += int64(n)
	}
}

// gave moves the writing side on.
func (h *VFSD) gave(c *server.Ctx, e end, m uabi.Handle, n uint64) {
	if e.pipe != nil {
		e.pipe.Tail += n
		h.level(c, e.pipe, unix.POLLIN)
		return
	}
	h.wrote(c, e.n, m, e.pos, e.pos+int64(n))
	if e.own {
		e.o.Pos = e.pos + int64(n)
	}
}
