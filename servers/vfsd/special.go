package main

import (
	"encoding/binary"
	"math"
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/procfs"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Open files without a name or inode of their own: eventfd(2), epoll(7) and their like. They are here and not in procd so that every open file
// speaks one protocol.

// anonDev and anonIno are what fstat(2) says of them: the one anonymous inode.
const (
	anonDev = 14
	anonIno = 1
)

func isSpecial(o *state.Open) bool {
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_EVENT, vfs.Kind_EPOLL, vfs.Kind_TIMER, vfs.Kind_SIGNAL, vfs.Kind_INOTIFY, vfs.Kind_PID:
		return true
	}
	return false
}

func (h *VFSD) readSpecial(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_EVENT:
		return h.readEvent(c, o, out)
	case vfs.Kind_TIMER:
		return h.readTimer(c, o, out)
	case vfs.Kind_SIGNAL:
		return h.readSignals(c, o, out)
	case vfs.Kind_INOTIFY:
		return h.readInotify(c, o, out)
	}
	return uabi.ErrArg
}

func statSpecial(out *vfs.Stat) {
	out.Dev, out.Ino, out.Mode, out.Nlink, out.Blksize = unix.Mkdev(0, anonDev), anonIno, 0o600, 1, pageSize
}

// closeSpecial releases what a special file held, and takes any file out of the epoll files that watch it.
func (h *VFSD) closeSpecial(c *server.Ctx, o *state.Open) {
	for _, id := range h.epolls {
		e := h.opens.Get(id)
		if e == nil || id == o.Id {
			continue
		}
		e.Watches = slices.DeleteFunc(e.Watches, func(w *state.Watch) bool {
			if w.Open != o.Id {
				return false
			}
			c.WaitSetRemove(uabi.Handle(e.Set), watchKey(w.Open, w.Fd))
			return true
		})
	}
	if o.Log {
		h.closeLog(o)
	}
	if o.Event != 0 {
		c.Close(uabi.Handle(o.Event))
	}
	h.closeInotify(o)
	if o.Timer != nil {
		c.Close(uabi.Handle(o.Timer.Timer))
	}
	if o.Watch != 0 {
		(proc.Client{H: uabi.BootProc}).SignalUnwatch(c, &proc.WatchRequest{Id: o.Watch}, &proc.EmptyReply{})
	}
	if o.Set != 0 {
		c.Close(uabi.Handle(o.Set))
		h.epolls = slices.DeleteFunc(h.epolls, func(id uint64) bool { return id == o.Id })
	}
}

// addSpecial puts a special file into the state.
func (h *VFSD) addSpecial(o *state.Open, kind vfs.Kind, path string, handle uabi.Handle, out *vfs.OpenReply) {
	o.Id, o.Kind, o.Path = h.nextID(), uint32(kind), path
	h.opens.Put(o.Id, o)
	if o.Set != 0 {
		h.epolls = append(h.epolls, o.Id)
	}
	out.Kind, out.File = o.Kind, uint32(handle)
}

// Eventfd implements vfs.Handler.
func (h *VFSD) Eventfd(c *server.Ctx, in *vfs.EventfdRequest, out *vfs.OpenReply) uabi.Error {
	event, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	o := &state.Open{Flags: unix.O_RDWR, Event: uint32(event), Value: uint64(in.Value), Semaphore: in.Semaphore}
	if in.Nonblock {
		o.Flags |= unix.O_NONBLOCK
	}
	h.addSpecial(o, vfs.Kind_EVENT, "anon_inode:[eventfd]", handle, out)
	h.eventLevel(c, o, 0)
	return uabi.OK
}

const (
	counterSize = 8
	counterMax  = math.MaxUint64 - 1
)

// eventLevel brings an eventfd's event up to date; raise counts bits again that are up already.
func (h *VFSD) eventLevel(c *server.Ctx, o *state.Open, raise uint32) {
	var now uint32
	if o.Value > 0 {
		now |= unix.POLLIN
	}
	if o.Value < counterMax {
		now |= unix.POLLOUT
	}
	set, clear := now&^o.Level|now&raise, o.Level&^now
	if set|clear != 0 {
		c.EventLater(uabi.Handle(o.Event), set, clear, 0)
	}
	o.Level = now
}

func (h *VFSD) readEvent(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	if c.GrantLen(0) < counterSize {
		return uabi.ErrArg
	}
	if o.Value == 0 {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLIN, onlyLevel, uabi.NoDeadline)
	}
	v := o.Value
	if o.Semaphore {
		v = 1
	}
	b := h.scratch[:counterSize]
	binary.LittleEndian.PutUint64(b, v)
	if n, err := c.GrantWrite(0, 0, b); n < counterSize {
		return faultOr(err)
	}
	o.Value -= v
	h.eventLevel(c, o, 0)
	out.Count = counterSize
	return uabi.OK
}

func (h *VFSD) writeEvent(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	if c.GrantLen(0) < counterSize {
		return uabi.ErrArg
	}
	b := h.scratch[:counterSize]
	if n, err := c.GrantRead(0, 0, b); n < counterSize {
		return faultOr(err)
	}
	v := binary.LittleEndian.Uint64(b)
	if v == math.MaxUint64 {
		return uabi.ErrArg
	}
	if v > counterMax-o.Value {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLOUT, onlyLevel, uabi.NoDeadline)
	}
	o.Value += v
	h.eventLevel(c, o, unix.POLLIN)
	out.Count = counterSize
	return uabi.OK
}

// faultOr is why a copy was short.
func faultOr(err uabi.Error) uabi.Error {
	if err == uabi.OK {
		return uabi.ErrFault
	}
	return err
}

// EpollCreate implements vfs.Handler.
func (h *VFSD) EpollCreate(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.OpenReply) uabi.Error {
	set, err := c.WaitSetCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	event, err := c.WaitSetEvent(set)
	if err != uabi.OK {
		return err
	}
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	o := &state.Open{Flags: unix.O_RDWR, Event: uint32(event), Set: uint32(set)}
	h.addSpecial(o, vfs.Kind_EPOLL, "anon_inode:[eventpoll]", handle, out)
	return uabi.OK
}

// watchKey names a member of a wait set: Linux's key is the descriptor and the open file together.
func watchKey(open uint64, fd int32) uint64 { return open<<fdBits | uint64(uint32(fd)) }

// fdBits bounds descriptors: RLIMIT_NOFILE is never above 2^20 (fs.nr_open).
const fdBits = 20

// exclusiveBits are what a member with EPOLLEXCLUSIVE may ask for (epoll_ctl(2)); it cannot be modified.
const exclusiveBits = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLERR | unix.EPOLLHUP | unix.EPOLLWAKEUP | unix.EPOLLET | unix.EPOLLEXCLUSIVE

// watchFlags turns EPOLLET, EPOLLONESHOT and EPOLLEXCLUSIVE into the kernel's flags.
func watchFlags(events uint32) (f uint32) {
	if events&unix.EPOLLET != 0 {
		f |= uabi.WaitEdge
	}
	if events&unix.EPOLLONESHOT != 0 {
		f |= uabi.WaitOneshot
	}
	if events&unix.EPOLLEXCLUSIVE != 0 {
		f |= uabi.WaitExclusive
	}
	return f
}

// EpollControl implements vfs.Handler.
func (h *VFSD) EpollControl(c *server.Ctx, in *vfs.EpollControlRequest, out *vfs.EmptyReply) uabi.Error {
	e, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	id, event, bits := in.Id, in.Event, uint32(foreignBits)
	exclusive := in.Op != unix.EPOLL_CTL_DEL && in.Events&unix.EPOLLEXCLUSIVE != 0
	if id == 0 {
		o := h.opens.Get(c.BadgeOf(uabi.Handle(in.File)))
		switch {
		case o == nil:
			return uabi.ErrBadFD
		case e.Set == 0 || o.Id == e.Id || exclusive && o.Set != 0:
			return uabi.ErrArg
		}
		if event, err = h.readiness(o); err != uabi.OK {
			return err
		}
		id, bits = o.Id, pollBits
	} else if e.Set == 0 {
		return uabi.ErrArg
	}
	if exclusive && (in.Op != unix.EPOLL_CTL_ADD || in.Events&^exclusiveBits != 0) {
		return uabi.ErrArg
	}
	i := slices.IndexFunc(e.Watches, func(w *state.Watch) bool { return w.Open == id && w.Fd == in.Fd })
	set, key := uabi.Handle(e.Set), watchKey(id, in.Fd)
	mask, flags := in.Events&bits|unix.POLLERR|unix.POLLHUP, watchFlags(in.Events)
	if in.Event != 0 {
		c.Close(uabi.Handle(in.Event)) // the wait set holds what it needs
	}
	switch in.Op {
	case unix.EPOLL_CTL_ADD:
		if i >= 0 {
			return uabi.ErrExists
		}
		if uint64(len(e.Watches)) >= h.begin(c, false).limit(procfs.MaxPolled) {
			return uabi.ErrNoSpace
		}
		// ErrExists: an image that ended before it could say so has added it.
		if err := c.WaitSetAdd(set, uabi.Handle(event), key, mask, in.Data, flags); err != uabi.OK && err != uabi.ErrExists {
			if err == uabi.ErrDeadlock {
				return uabi.ErrLoop
			}
			return err
		}
		e.Watches = append(e.Watches, &state.Watch{Open: id, Fd: in.Fd, Exclusive: exclusive})
	case unix.EPOLL_CTL_MOD:
		switch {
		case i < 0:
			return uabi.ErrNotFound
		case e.Watches[i].Exclusive:
			return uabi.ErrArg
		}
		return c.WaitSetModify(set, key, mask, in.Data, flags)
	case unix.EPOLL_CTL_DEL:
		if i < 0 {
			return uabi.ErrNotFound
		}
		c.WaitSetRemove(set, key)
		e.Watches = slices.Delete(e.Watches, i, i+1)
	default:
		return uabi.ErrArg
	}
	return uabi.OK
}

// epollEventSize is sizeof(struct epoll_event), which x86-64 packs.
const epollEventSize = 12

// EpollWait implements vfs.Handler.
func (h *VFSD) EpollWait(c *server.Ctx, in *vfs.EpollWaitRequest, out *vfs.CountReply) uabi.Error {
	e, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if e.Set == 0 || in.Max == 0 {
		return uabi.ErrArg
	}
	n, err := c.WaitSetTake(uabi.Handle(e.Set), h.ready[:min(in.Max, uabi.MaxReady)])
	switch {
	case err != uabi.OK:
		return err
	case n == 0 && in.Now:
		return uabi.OK
	case n == 0:
		return c.Wait(uabi.Handle(e.Event), unix.POLLIN, onlyLevel, in.Deadline)
	}
	b := h.scratch[:n*epollEventSize]
	for i, r := range h.ready[:n] {
		binary.LittleEndian.PutUint32(b[i*epollEventSize:], r.Bits)
		binary.LittleEndian.PutUint64(b[i*epollEventSize+4:], r.Data)
	}
	if n, err := c.GrantWrite(0, 0, b); n < len(b) {
		return faultOr(err)
	}
	out.Count = int64(n)
	return uabi.OK
}

// readiness is the event of an open file. ErrPerm: it is always ready, so it has none.
func (h *VFSD) readiness(o *state.Open) (uint32, uabi.Error) {
	switch vfs.Kind(o.Kind) {
	case vfs.Kind_PIPE:
		return h.pipes.Get(o.Pipe).Event, uabi.OK
	case vfs.Kind_EVENT, vfs.Kind_EPOLL, vfs.Kind_TIMER, vfs.Kind_SIGNAL, vfs.Kind_INOTIFY, vfs.Kind_PID, vfs.Kind_TTY:
		return o.Event, uabi.OK
	case vfs.Kind_FILE:
		if o.Event != 0 {
			return o.Event, uabi.OK
		}
		if n := h.tree.Inode(o.At.Ino); n != nil && n.Text != 0 || o.At.Ino == number(procfs.Node{Kind: procfs.Swaps}) {
			return h.top.Ready, uabi.OK // a change of swap areas, which there are none of, would be POLLPRI
		}
	case vfs.Kind_DEVICE:
		if o.Log {
			return o.Event, uabi.OK
		}
		// Linux's null, zero and full have no poll method: epoll_ctl says EPERM.
		if r := h.tree.Inode(o.At.Ino).Rdev; r == devRandom || r == devUrandom {
			return h.top.Ready, uabi.OK
		}
	}
	return 0, uabi.ErrPerm
}
