package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/ukernel/uabi"
)

// Sizes of a pipe (pipe(7)), bytes.
const (
	pipeSize = 64 << 10 // unless F_SETPIPE_SZ said otherwise
	pipeBuf  = 4096     // writes up to this are atomic
)

// Bits of a FIFO's event beyond poll(2)'s: somebody has that end open, or waits in open(2) for the other one. That an opener waits is
// the kernel's to remember, since a request that waits leaves nothing in the state (R11); so one that is interrupted stays counted until
// that end is next closed.
const (
	readerHere = 1 << 16
	writerHere = 1 << 17
)

// newPipe makes a pipe's event; its memory comes with the first open end.
func (h *VFSD) newPipe(c *server.Ctx) (*state.Pipe, uabi.Error) {
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return nil, err
	}
	return &state.Pipe{Event: uint32(event)}, uabi.OK
}

// Pipe implements vfs.Handler.
func (h *VFSD) Pipe(c *server.Ctx, in *vfs.PipeRequest, out *vfs.PipeReply) uabi.Error {
	if in.Flags&^uint32(unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_DIRECT) != 0 {
		return uabi.ErrArg
	}
	if in.Flags&unix.O_DIRECT != 0 {
		return uabi.ErrArg // packet mode: as Linux before 3.4
	}
	p, err := h.newPipe(c)
	if err != uabi.OK {
		return err
	}
	k := h.begin(c, true)
	size := k.newPipeSize()
	m, err := c.MemoryCreate(h.payer(), size, 0)
	if err != uabi.OK {
		return err
	}
	r, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	w, err := c.Mint(h.top.LastId + 2)
	if err != uabi.OK {
		return err
	}
	read := &state.Open{Id: h.nextID(), Flags: unix.O_RDONLY | in.Flags&unix.O_NONBLOCK}
	write := &state.Open{Id: h.nextID(), Flags: unix.O_WRONLY | in.Flags&unix.O_NONBLOCK}
	p.Size = size
	p.Id, p.Memory, p.AtimeNs, p.MtimeNs, p.Uid, p.Gid = h.nextID(), uint32(m), k.env.Now, k.env.Now, k.env.UID, k.env.GID
	h.pipes.Put(p.Id, p)
	h.joinPipe(read, p)
	h.joinPipe(write, p)
	h.level(c, p, 0)
	out.Read, out.Write = uint32(r), uint32(w)
	return uabi.OK
}

// joinPipe makes an open file one or both ends of a pipe.
func (h *VFSD) joinPipe(o *state.Open, p *state.Pipe) {
	o.Kind, o.Pipe = uint32(vfs.Kind_PIPE), p.Id
	o.PipeReader, o.PipeWriter = readable(o), writable(o)
	if o.PipeReader {
		p.Readers++
	}
	if o.PipeWriter {
		p.Writers++
		p.HadWriter = true
	}
	h.opens.Put(o.Id, o)
}

// addPipeEnd is joinPipe for Open.
func (k *call) addPipeEnd(o *state.Open, p *state.Pipe, handle uabi.Handle, out *vfs.OpenReply) {
	o.Id = k.nextID()
	k.joinPipe(o, p)
	out.Kind, out.File = uint32(vfs.Kind_PIPE), uint32(handle)
}

// openFifo is fifo(7)'s open: each end waits for the other, unless it is non-blocking.
func (k *call) openFifo(at tree.Ref, n *tree.Inode, o *state.Open, out *vfs.OpenReply) uabi.Error {
	p := k.pipes.Get(n.Pipe)
	if p == nil {
		return uabi.ErrNoDevice
	}
	event := uabi.Handle(p.Event)
	read, write := readable(o), writable(o)
	level, _, err := k.c.EventRead(event)
	if err != uabi.OK {
		return err
	}
	block, here := o.Flags&unix.O_NONBLOCK == 0, uint32(0)
	if read {
		here |= readerHere
	}
	if write {
		here |= writerHere
	}
	switch {
	case read && write:
	case read && block && p.Writers == 0 && level&writerHere == 0:
		k.c.EventUpdate(event, readerHere, 0, 0)
		return k.c.Wait(event, writerHere, onlyLevel, uabi.NoDeadline)
	case write && p.Readers == 0 && level&readerHere == 0:
		if !block {
			return uabi.ErrNoDevice // ENXIO
		}
		k.c.EventUpdate(event, writerHere, 0, 0)
		return k.c.Wait(event, readerHere, onlyLevel, uabi.NoDeadline)
	}
	m, size := uabi.Handle(p.Memory), holds(p)
	if m == 0 {
		size = k.newPipeSize()
		if m, err = k.c.MemoryCreate(k.payer(), size, 0); err != uabi.OK {
			return err
		}
	}
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	p.Memory, p.Size = uint32(m), size
	o.At = at.Pb()
	k.hold(at)
	k.addPipeEnd(o, p, handle, out)
	k.c.EventUpdate(event, here, 0, 0)
	k.level(k.c, p, 0)
	k.notifyOpen(k.c, o, unix.IN_OPEN)
	return uabi.OK
}

// onlyLevel as the raise number of a wait: what was raised before does not count, the level does.
const onlyLevel = ^uint64(0)

// level brings a pipe's event up to date; raise counts bits again that are up already (for edge-triggered waiters).
func (h *VFSD) level(c *server.Ctx, p *state.Pipe, raise uint32) {
	var now uint32
	used := p.Tail - p.Head
	if used > 0 {
		now |= unix.POLLIN
	}
	if holds(p)-used >= pipeBuf {
		now |= unix.POLLOUT
	}
	if p.Writers == 0 && p.HadWriter {
		now |= unix.POLLHUP
	}
	if p.Readers == 0 {
		now |= unix.POLLERR
	}
	set, clear := now&^p.Level|now&raise, p.Level&^now
	if set|clear != 0 {
		c.EventLater(uabi.Handle(p.Event), set, clear, 0)
	}
	p.Level = now
}

// coming reports whether the other end of a FIFO, which nobody has open, is about to be: its open is under way.
func (h *VFSD) coming(c *server.Ctx, p *state.Pipe, bit uint32) bool {
	if p.Ino == 0 {
		return false
	}
	level, _, err := c.EventRead(uabi.Handle(p.Event))
	return err == uabi.OK && level&bit != 0
}

func (h *VFSD) readPipe(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	p := h.pipes.Get(o.Pipe)
	want := c.GrantLen(0)
	if want == 0 {
		return uabi.OK
	}
	used := p.Tail - p.Head
	if used == 0 {
		switch {
		case p.Writers == 0 && !h.coming(c, p, writerHere):
			return uabi.OK
		case o.Flags&unix.O_NONBLOCK != 0:
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(p.Event), unix.POLLIN|unix.POLLHUP, onlyLevel, uabi.NoDeadline)
	}
	got, err := ring(p, p.Head, min(want, used), func(done, at, n uint64) (uint64, uabi.Error) {
		return c.MemoryToGrant(0, done, uabi.Handle(p.Memory), at, n)
	})
	if err != uabi.OK && got == 0 {
		return err
	}
	p.Head += got
	h.level(c, p, 0)
	out.Count = int64(got)
	return uabi.OK
}

func (h *VFSD) writePipe(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	p := h.pipes.Get(o.Pipe)
	if p.Readers == 0 && !h.coming(c, p, readerHere) {
		return uabi.ErrPipe
	}
	want := c.GrantLen(0)
	if want == 0 {
		return uabi.OK
	}
	room := holds(p) - (p.Tail - p.Head)
	if room == 0 || want <= pipeBuf && want > room {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(p.Event), unix.POLLOUT|unix.POLLERR, onlyLevel, uabi.NoDeadline)
	}
	got, err := ring(p, p.Tail, min(want, room), func(done, at, n uint64) (uint64, uabi.Error) {
		return c.GrantToMemory(0, done, uabi.Handle(p.Memory), at, n)
	})
	if err != uabi.OK && got == 0 {
		return err
	}
	p.Tail += got
	h.level(c, p, unix.POLLIN)
	out.Count = int64(got)
	return uabi.OK
}

// ring copies n bytes at position pos of a pipe's ring, in one or two pieces.
func ring(p *state.Pipe, pos, n uint64, copyPiece func(done, at, n uint64) (uint64, uabi.Error)) (done uint64, err uabi.Error) {
	for done < n {
		at := (pos + done) % holds(p)
		piece := min(n-done, holds(p)-at)
		got, err := copyPiece(done, at, piece)
		done += got
		if err != uabi.OK || got < piece {
			return done, err
		}
	}
	return done, uabi.OK
}

// closePipeEnd takes an end away; with the last one an unnamed pipe goes.
func (h *VFSD) closePipeEnd(c *server.Ctx, o *state.Open) {
	p := h.pipes.Get(o.Pipe)
	var clear uint32
	if o.PipeReader {
		if p.Readers--; p.Readers == 0 {
			clear |= readerHere
		}
	}
	if o.PipeWriter {
		if p.Writers--; p.Writers == 0 {
			clear |= writerHere
		}
	}
	if p.Readers == 0 && p.Writers == 0 {
		c.Close(uabi.Handle(p.Memory))
		p.Memory, p.Head, p.Tail, p.HadWriter = 0, 0, 0, false
		if p.Ino == 0 || h.tree.Inode(p.Ino) == nil || h.tree.Inode(p.Ino).Nlink == 0 {
			h.forgetPipe(c, p)
			return
		}
	}
	if p.Ino != 0 && clear != 0 {
		c.EventUpdate(uabi.Handle(p.Event), 0, clear, 0)
	}
	h.level(c, p, 0)
}

func (h *VFSD) forgetPipe(c *server.Ctx, p *state.Pipe) {
	c.Close(uabi.Handle(p.Event))
	h.pipes.Delete(p.Id)
}
