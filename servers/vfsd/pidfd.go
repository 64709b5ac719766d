package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/proto/vfs"
	"aramid/servers/server"
	"aramid/servers/vfsd/state"
	"aramid/ukernel/uabi"
)

// Pidfd implements vfs.Handler.
func (h *VFSD) Pidfd(c *server.Ctx, in *vfs.PidfdRequest, out *vfs.OpenReply) uabi.Error {
	handle, err := c.Mint(h.top.LastId + 1)
	if err != uabi.OK {
		return err
	}
	var w proc.WatchReply
	if err := (proc.Client{H: uabi.BootProc}).PidWatch(c, &proc.PidRequest{Pid: in.Pid}, &w); err != uabi.OK {
		return err
	}
	o := &state.Open{Flags: unix.O_RDWR, Event: w.Event, Pid: in.Pid, Serial: w.Id}
	if in.Nonblock {
		o.Flags |= unix.O_NONBLOCK
	}
	h.addSpecial(o, vfs.Kind_PID, "anon_inode:[pidfd]", handle, out)
	return uabi.OK
}

// PidfdPid implements vfs.Handler.
func (h *VFSD) PidfdPid(c *server.Ctx, in *vfs.EmptyRequest, out *vfs.PidfdReply) uabi.Error {
	o, err := h.open(c)
	if err != uabi.OK {
		return err
	}
	if o.Kind != uint32(vfs.Kind_PID) {
		return uabi.ErrBadFD
	}
	var rep proc.IdentityReply
	err = (proc.Client{H: uabi.BootProc}).Identity(c, &proc.PidRequest{Pid: o.Pid}, &rep)
	if err == uabi.OK && rep.Serial == o.Serial {
		out.Pid = int64(o.Pid)
	}
	out.Serial, out.Nonblock = o.Serial, o.Flags&unix.O_NONBLOCK != 0
	return uabi.OK
}
