package main

import (
	"slices"

	"golang.org/x/sys/unix"

	"aramid/proto/ctx"
	"aramid/proto/proc"
	"aramid/servers/netd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// nobody is what Linux says where a message has no credentials (the overflow id).
const nobody = 65534

// caller is who sent the request, as procd knows it.
type caller struct {
	c   *server.Ctx
	pid int32
	proc.CredsReply
}

func (h *Netd) caller(c *server.Ctx) *caller {
	k := &caller{c: c, pid: int32(c.Context(ctx.Tgid))}
	if err := (proc.Client{H: uabi.BootProc}).Creds(c, &proc.PidRequest{}, &k.CredsReply); err != uabi.OK {
		k.CredsReply = proc.CredsReply{Ruid: nobody, Euid: nobody, Suid: nobody, Rgid: nobody, Egid: nobody, Sgid: nobody}
	}
	return k
}

// effective is what SO_PEERCRED tells the peer.
func (k *caller) effective() *state.Creds {
	return &state.Creds{Pid: k.pid, Uid: k.Euid, Gid: k.Egid}
}

// real is what goes with messages (scm_send of Linux).
func (k *caller) real() *state.Creds {
	return &state.Creds{Pid: k.pid, Uid: k.Ruid, Gid: k.Rgid}
}

// inGroup reports an effective or supplementary group.
func (k *caller) inGroup(gid uint32) bool { return gid == k.Egid || slices.Contains(k.Groups, gid) }

func (k *caller) groups() []uint32 { return slices.Clone(k.Groups) }

// can reports a capability in the effective set.
func (k *caller) can(capability uint) bool { return k.Effective>>capability&1 != 0 }

// mayPass is scm_check_creds: whether the caller may say that it is that process.
func (k *caller) mayPass(pid int32, uid, gid uint32) uabi.Error {
	switch {
	case pid != k.pid && !k.can(unix.CAP_SYS_ADMIN),
		uid != k.Ruid && uid != k.Euid && uid != k.Suid && !k.can(unix.CAP_SETUID),
		gid != k.Rgid && gid != k.Egid && gid != k.Sgid && !k.can(unix.CAP_SETGID):
		return uabi.ErrPerm
	}
	switch {
	case pid == k.pid:
		return uabi.OK
	case pid <= 0:
		return uabi.ErrSearch
	}
	return proc.Client{H: uabi.BootProc}.Identity(k.c, &proc.PidRequest{Pid: pid}, &proc.IdentityReply{})
}
