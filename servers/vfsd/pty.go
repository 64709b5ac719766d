package main

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/servers/vfsd/tree"
	"aramid/servers/vfsd/tty"
	"aramid/ukernel/uabi"
)

// Pseudo terminals (pty(7)): the open of a ptmx device makes one in a devpts, whose node N goes when the master is closed. Each mount
// of a devpts is an instance of its own.

// ptsMajor is the first major number of slaves; ptmMajor of masters.
const (
	ptsMajor = 136
	ptmMajor = 128
	maxPtys  = 4096 // kernel.pty.max
)

// device is a terminal's device number.
func device(t *state.Tty, master bool) uint64 {
	switch {
	case t.Devpts == 0:
		return devSerial
	case master:
		return unix.Mkdev(ptmMajor, t.Number)
	}
	return unix.Mkdev(ptsMajor, t.Number)
}

// ptsOptions are mount options of a devpts.
type ptsOptions struct {
	mode, ptmx uint32
	uid, gid   int64 // -1: the opener's
}

func parsePts(data string) ptsOptions {
	o := ptsOptions{mode: 0o600, uid: -1, gid: -1}
	for f := range strings.SplitSeq(data, ",") {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "mode", "ptmxmode":
			v, err := strconv.ParseUint(value, 8, 12)
			switch {
			case err != nil:
			case name == "mode":
				o.mode = uint32(v)
			default:
				o.ptmx = uint32(v)
			}
		case "uid", "gid":
			v, err := strconv.ParseInt(value, 10, 64)
			switch {
			case err != nil || v < 0:
			case name == "uid":
				o.uid = v
			default:
				o.gid = v
			}
		}
	}
	return o
}

// text is what /proc/mounts shows of them (Linux's devpts_show_options).
func (o ptsOptions) text() (s string) {
	if o.uid >= 0 {
		s += fmt.Sprintf(",uid=%d", o.uid)
	}
	if o.gid >= 0 {
		s += fmt.Sprintf(",gid=%d", o.gid)
	}
	return s + fmt.Sprintf(",mode=%03o,ptmxmode=%03o", o.mode, o.ptmx)
}

// newDevpts makes an instance.
func (k *call) newDevpts(data string) *state.FileSystem {
	f := k.tree.NewFS("devpts", 0o755, 0, k.env.Now)
	opt := parsePts(data)
	f.Options = opt.text()
	k.tree.Add(k.tree.Inode(f.Root), "ptmx", unix.S_IFCHR|opt.ptmx, devPtmx, "", k.env.Now)
	return f
}

// pty is a pseudo terminal of an instance, or nil.
func (h *VFSD) pty(f *state.FileSystem, number uint32) *state.Tty {
	if f == nil {
		return nil
	}
	for _, t := range h.ttys.All() {
		if t.Devpts == f.Id && t.Number == number {
			return t
		}
	}
	return nil
}

// instance is the devpts of a ptmx device: the one that it lies in, or the one on "pts" beside it.
func (k *call) instance(at tree.Ref, name string) *state.FileSystem {
	f := k.tree.FS(at)
	if f == nil || f.Type == "devpts" {
		return f
	}
	pts, err := k.tree.Walk(&tree.Env{Root: k.VFSD.root, Synth: k}, k.VFSD.root, path.Dir(name)+"/pts", tree.Follow)
	if err != uabi.OK || !pts.OK {
		return nil
	}
	if f = k.tree.FS(pts.At); f == nil || f.Type != "devpts" {
		return nil
	}
	return f
}

// openMaster makes a pseudo terminal and opens its master.
func (k *call) openMaster(at tree.Ref, o *state.Open, out *vfs.OpenReply) uabi.Error {
	f := k.instance(at, k.namedAt(at, o))
	if f == nil {
		return uabi.ErrNoDevice
	}
	n := uint32(0)
	for k.pty(f, n) != nil {
		n++
	}
	if n >= maxPtys {
		return uabi.ErrNoSpace
	}
	event, err := k.c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	now := int64(k.c.Realtime())
	handle, err := k.c.Mint(k.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	o.Master, o.Event = true, uint32(event)
	k.add(o, at, vfs.Kind_TTY, handle, out)
	t := &state.Tty{Id: k.nextID(), Devpts: f.Id, Number: n, Locked: true}
	tty.Reset(t, tty.PtyFlags)
	k.ttys.Put(t.Id, t)
	o.Tty = t.Id
	k.indexTerminal(o)
	k.addPtsNode(f, n, now)
	k.ttyLevel(k.c, tty.Tty{Tty: t}, 0)
	return uabi.OK
}

// addPtsNode makes a slave's node.
func (k *call) addPtsNode(f *state.FileSystem, number uint32, now int64) {
	opt := parsePts(f.Options)
	n := k.tree.Add(k.tree.Inode(f.Root), strconv.Itoa(int(number)), unix.S_IFCHR|opt.mode, unix.Mkdev(ptsMajor, number), "", now)
	n.Uid, n.Gid = k.env.UID, k.env.GID
	if opt.uid >= 0 {
		n.Uid = uint32(opt.uid)
	}
	if opt.gid >= 0 {
		n.Gid = uint32(opt.gid)
	}
}

// removePty takes the node of a terminal away whose master was closed.
func (h *VFSD) removePty(c *server.Ctx, t tty.Tty) {
	f := h.tree.FSByID(t.Devpts)
	if f == nil {
		return
	}
	h.tree.Remove(&tree.Env{Now: int64(c.Realtime())}, h.tree.Inode(f.Root), strconv.Itoa(int(t.Number)))
	t.Devpts, t.Locked = gone, true
}

// gone is the instance of a terminal without a master: its number is free again.
const gone = ^uint64(0)

// readMaster reads what was written to the slave.
func (h *VFSD) readMaster(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	t := h.terminal(o)
	want := int(min(c.GrantLen(0), maxCopy))
	if want == 0 {
		return uabi.OK
	}
	told := t.Packet && t.PacketStatus != 0
	if len(t.Out) == 0 && !told {
		switch {
		case t.SlaveClosed:
			return uabi.ErrIO
		case o.Flags&unix.O_NONBLOCK != 0:
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLIN|unix.POLLHUP, onlyLevel, uabi.NoDeadline)
	}
	var b []byte
	head := 0
	switch {
	case told:
		b, head = []byte{byte(t.PacketStatus)}, 1
	case t.Packet:
		b, head = append([]byte{unix.TIOCPKT_DATA}, t.Out[:min(want-1, len(t.Out))]...), 1
	default:
		b = t.Out[:min(want, len(t.Out))]
	}
	n, err := c.GrantWrite(0, 0, b)
	if err != uabi.OK && n == 0 {
		return err
	}
	if told {
		t.PacketStatus = 0
	}
	if t.Out = t.Out[n-min(head, n):]; len(t.Out) == 0 {
		t.Out = nil
	}
	h.ttyLevel(c, t, 0)
	out.Count = int64(n)
	return uabi.OK
}

// writeMaster types.
func (h *VFSD) writeMaster(c *server.Ctx, o *state.Open, out *vfs.CountReply) uabi.Error {
	t := h.terminal(o)
	want := int(min(c.GrantLen(0), maxCopy))
	if want == 0 {
		return uabi.OK
	}
	if want = min(want, t.Room()); want == 0 {
		if o.Flags&unix.O_NONBLOCK != 0 {
			return uabi.ErrAgain
		}
		return c.Wait(uabi.Handle(o.Event), unix.POLLOUT|unix.POLLHUP, onlyLevel, uabi.NoDeadline)
	}
	b := h.scratch[:want]
	n, err := c.GrantRead(0, 0, b)
	if err != uabi.OK && n == 0 {
		return err
	}
	h.input(c, t, b[:n])
	out.Count = int64(n)
	return uabi.OK
}

// ptyIoctl is the part about pseudo terminals (ioctl_tty(2)).
func (h *VFSD) ptyIoctl(c *server.Ctx, t tty.Tty, o *state.Open, in *vfs.IoctlRequest, out *vfs.IoctlReply) uabi.Error {
	if !o.Master {
		return uabi.ErrNoTTY
	}
	flag := func(on bool) uabi.Error {
		if on {
			return give32(out, 1)
		}
		return give32(out, 0)
	}
	v, _ := number32(in)
	switch in.Cmd {
	case unix.TIOCGPTN:
		return give32(out, t.Number)
	case unix.TIOCSPTLCK:
		t.Locked = v != 0
	case unix.TIOCGPTLCK:
		return flag(t.Locked)
	case unix.TIOCPKT:
		if t.Packet != (v != 0) {
			t.Packet, t.PacketStatus = v != 0, 0
		}
	case unix.TIOCGPKT:
		return flag(t.Packet)
	case unix.TIOCSIG:
		return h.signalSlave(c, t, int32(in.Arg))
	case unix.TIOCGPTPEER:
		return h.openPeer(c, t, uint32(in.Arg), out)
	default:
		return uabi.ErrNoTTY
	}
	return uabi.OK
}

// signalSlave is TIOCSIG: the signals that could be typed.
func (h *VFSD) signalSlave(c *server.Ctx, t tty.Tty, sig int32) uabi.Error {
	switch unix.Signal(sig) {
	case unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP:
	default:
		return uabi.ErrArg
	}
	if t.Pgrp != 0 {
		h.signalGroup(c, t.Pgrp, uint32(sig))
	}
	return uabi.OK
}

// openPeer is TIOCGPTPEER: the slave, whatever lies where its path leads.
func (h *VFSD) openPeer(c *server.Ctx, t tty.Tty, flags uint32, out *vfs.IoctlReply) uabi.Error {
	k := h.begin(c, false)
	f := h.tree.FSByID(t.Devpts)
	if f == nil {
		return uabi.ErrIO
	}
	name := strconv.Itoa(int(t.Number))
	n, m := k.tree.Child(k.tree.Inode(f.Root), name), k.tree.MountWith(&k.env, f.Id)
	if n == nil || m == nil {
		return uabi.ErrIO
	}
	at := tree.Ref{Mount: m.Id, Ino: n.Ino}
	dir, _ := k.tree.MountPath(&k.env, m)
	o := &state.Open{Flags: flags & keptFlags, Path: path.Join(dir, name)}
	var rep vfs.OpenReply
	if err := k.openTerminal(at, n.Rdev, flags, o, &rep); err != uabi.OK {
		return err
	}
	out.Kind, out.File = rep.Kind, rep.File
	return uabi.OK
}
