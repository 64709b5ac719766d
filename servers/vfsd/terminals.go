package main

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/servers/vfsd/tty"
	"aramid/ukernel/uabi"
)

// Terminals: the console, whose line is the serial port, and pseudo terminals, whose line is the master. Each open file has an
// event of its own, since a terminal that was hung up is ready for those who had it open and not for those who open it then.

// Bits of a terminal file's event beyond poll(2)'s.
const (
	bitDrained = 1 << 16 // all output has been sent
	bitInput   = 1 << 17 // raised by each byte that comes, never up
)

// terminal is the line discipline of an open file's terminal.
func (h *VFSD) terminal(o *state.Open) tty.Tty { return tty.Tty{Tty: h.ttys.Get(o.Tty)} }

// indexTerminal notes an open file of a terminal.
func (h *VFSD) indexTerminal(o *state.Open) { h.ttyOpens[o.Tty] = append(h.ttyOpens[o.Tty], o.Id) }

// slaves and master are the open files of a terminal's two sides.
func (h *VFSD) slaves(t *state.Tty) (out []*state.Open) {
	for _, id := range h.ttyOpens[t.Id] {
		if o := h.opens.Get(id); !o.Master {
			out = append(out, o)
		}
	}
	return out
}

func (h *VFSD) master(t *state.Tty) *state.Open {
	for _, id := range h.ttyOpens[t.Id] {
		if o := h.opens.Get(id); o.Master {
			return o
		}
	}
	return nil
}

// hungBits are what poll(2) says of a file whose terminal was hung up.
const hungBits = unix.POLLIN | unix.POLLOUT | unix.POLLERR | unix.POLLHUP

// readyBits is the level that an open file's event must have.
func readyBits(t tty.Tty, o *state.Open) (now uint32) {
	set := func(on bool, bit uint32) {
		if on {
			now |= bit
		}
	}
	switch {
	case o.Hung:
		return hungBits | bitDrained
	case o.Master:
		told := t.Packet && t.PacketStatus != 0
		set(len(t.Out) > 0 || told, unix.POLLIN)
		set(told, unix.POLLPRI)
		set(t.Room() > 0, unix.POLLOUT)
		set(t.SlaveClosed, unix.POLLHUP)
		return now
	}
	set(t.Readable(), unix.POLLIN)
	set(len(t.Out) < tty.MaxOut && (t.Devpts == 0 || !t.Stopped), unix.POLLOUT)
	set(len(t.Out) == 0 || t.Devpts != 0, bitDrained)
	return now
}

// What has come since ttyLevel was called last.
const (
	newInput  = 1 << iota // for the slaves
	newOutput             // for the master
)

// ttyLevel brings the events of a terminal's open files up to date. What is new counts even if something was there before: for
// edge-triggered waiters.
func (h *VFSD) ttyLevel(c *server.Ctx, t tty.Tty, news uint32) {
	for _, id := range h.ttyOpens[t.Id] {
		o := h.opens.Get(id)
		now := readyBits(t, o)
		set, clear, raise := now&^o.Level, o.Level&^now, uint32(0)
		if news&newOutput != 0 && o.Master || news&newInput != 0 && !o.Master {
			set |= now & unix.POLLIN
		}
		if news&newInput != 0 && !o.Master && t.Counting() {
			raise = bitInput
		}
		if set|clear|raise != 0 {
			c.EventUpdate(uabi.Handle(o.Event), set, clear, raise)
			o.Level = now
		}
	}
}

// openTerminal opens the terminal that a device node means. out is nil: what a walk found is not known by name.
func (k *call) openTerminal(at tree.Ref, rdev uint64, flags uint32, o *state.Open, out *vfs.OpenReply) uabi.Error {
	if rdev == devPtmx {
		return k.openMaster(at, o, out)
	}
	t, err := k.terminalOf(at, rdev)
	if err != uabi.OK {
		return err
	}
	if t.Exclusive && k.env.UID != 0 {
		return uabi.ErrBusy
	}
	event, err := k.c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	o.Tty, o.Event, o.Console = t.Id, uint32(event), rdev == devConsole && !k.cfg.Container
	k.add(o, at, vfs.Kind_TTY, handle, out)
	k.indexTerminal(o)
	t.SlaveClosed = false
	if flags&unix.O_NOCTTY == 0 && !o.Console && readable(o) {
		k.becomeControlling(t)
	}
	k.ttyLevel(k.c, tty.Tty{Tty: t}, 0)
	return uabi.OK
}

// terminalOf is the terminal of a device number.
func (k *call) terminalOf(at tree.Ref, rdev uint64) (*state.Tty, uabi.Error) {
	switch rdev {
	case devConsole, devSerial:
		return k.console().Tty, uabi.OK
	case devTTY:
		if t := k.controlling(); t != nil {
			return t, uabi.OK
		}
		return nil, uabi.ErrNoDevice // ENXIO: no controlling terminal
	}
	t := k.pty(k.tree.FS(at), unix.Minor(rdev))
	if t == nil || t.Locked || k.master(t) == nil {
		return nil, uabi.ErrIO
	}
	return t, uabi.OK
}

// closeTerminal releases an open file of a terminal.
func (h *VFSD) closeTerminal(c *server.Ctx, o *state.Open) {
	t := h.terminal(o)
	h.ttyOpens[t.Id] = slices.DeleteFunc(h.ttyOpens[t.Id], func(id uint64) bool { return id == o.Id })
	if o.Master {
		t.Packet, t.PacketStatus = false, 0
		h.hangUp(c, t, false)
		h.removePty(c, t)
	}
	switch {
	case len(h.slaves(t.Tty)) > 0:
	case t.Devpts == 0:
		t.Exclusive = false
		h.leaveSession(t)
	case h.master(t.Tty) == nil:
		h.ttys.Delete(t.Id)
		delete(h.ttyOpens, t.Id)
		return
	case !o.Master:
		t.SlaveClosed, t.Exclusive = true, false
		h.leaveSession(t)
	}
	h.ttyLevel(c, t, 0)
}

// input takes typed bytes.
func (h *VFSD) input(c *server.Ctx, t tty.Tty, b []byte) {
	for _, v := range b {
		if sig := t.Input(v); sig != 0 && t.Pgrp != 0 {
			h.signalGroup(c, t.Pgrp, sig)
		}
	}
	h.ttyLevel(c, t, newInput|newOutput)
}

// putOut sends what waits for the device: a master comes for it.
func (h *VFSD) putOut(c *server.Ctx, t tty.Tty) {
	if t.Devpts == 0 {
		h.send(c)
	}
}

// readTty reads from either side of a terminal. expired: the time that the settings allow (VTIME) has passed.
func (h *VFSD) readTty(c *server.Ctx, o *state.Open, expired bool, out *vfs.CountReply) uabi.Error {
	if o.Master {
		return h.readMaster(c, o, out)
	}
	if o.Hung {
		return uabi.OK
	}
	t := h.terminal(o)
	if !o.Console {
		if err := h.background(c, t, uint32(unix.SIGTTIN)); err != uabi.OK {
			return err
		}
	}
	want := int(min(c.GrantLen(0), maxCopy))
	if want == 0 {
		return uabi.OK
	}
	if ok, limit := t.Satisfied(want); !ok && !expired && (o.Flags&unix.O_NONBLOCK == 0 || !t.Some()) {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return h.waitInput(c, t, o, limit)
	}
	b, n := t.Peek(want), 0
	if len(b) > 0 { // else it is an end of file
		var err uabi.Error
		if n, err = c.GrantWrite(0, 0, b); err != uabi.OK && n == 0 {
			return err
		}
	}
	t.Take(n)
	h.ttyLevel(c, t, 0)
	out.Count = int64(n)
	return uabi.OK
}

// waitInput waits for what satisfies a read, at most limit ns if that is not 0.
func (h *VFSD) waitInput(c *server.Ctx, t tty.Tty, o *state.Open, limit uint64) uabi.Error {
	deadline := uint64(uabi.NoDeadline)
	if limit > 0 {
		deadline = c.Now() + limit
	}
	event := uabi.Handle(o.Event)
	if !t.Some() {
		mask := uint32(unix.POLLIN | unix.POLLHUP)
		if !t.Counting() {
			return c.Wait(event, mask, onlyLevel, deadline)
		}
	}
	_, seq, err := c.EventRead(event)
	if err != uabi.OK {
		return err
	}
	return c.Wait(event, bitInput|unix.POLLHUP, seq, deadline)
}

// writeTty writes to either side of a terminal.
func (h *VFSD) writeTty(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	if o.Hung {
		return uabi.ErrIO
	}
	if o.Master {
		return h.writeMaster(c, o, out)
	}
	t := h.terminal(o)
	if t.Lflag&unix.TOSTOP != 0 && !o.Console {
		if err := h.background(c, t, uint32(unix.SIGTTOU)); err != uabi.OK {
			return err
		}
	}
	want := int(min(c.GrantLen(0), maxCopy))
	if want == 0 {
		return uabi.OK
	}
	if readyBits(t, o)&unix.POLLOUT == 0 {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLOUT|unix.POLLHUP, onlyLevel, uabi.NoDeadline)
	}
	if t.Devpts != 0 {
		want = min(want, tty.MaxOut-len(t.Out))
	}
	b := h.scratch[:want]
	n, err := c.GrantRead(0, 0, b)
	if err != uabi.OK && n == 0 {
		return err
	}
	t.Emit(b[:n])
	h.putOut(c, t)
	h.ttyLevel(c, t, newOutput)
	out.Count = int64(n)
	return uabi.OK
}
