package calls

import (
	"golang.org/x/sys/unix"

	"aramid/linuxabi/abi"
	"aramid/proto/proc"
	"aramid/ukernel/uabi"
)

// creds are the caller's credentials.
func (t *Trap) creds() (*proc.CredsReply, int64) {
	out := &proc.CredsReply{}
	if err := t.l.proc.Creds(t, &proc.PidRequest{}, out); err != uabi.OK {
		return nil, t.status(err)
	}
	return out, 0
}

func getuid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	return int64(c.Ruid)
}

func getgid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	return int64(c.Rgid)
}

func geteuid(t *Trap) int64 { return int64(t.uid()) }
func getegid(t *Trap) int64 { return int64(t.gid()) }

func getresuid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	return t.putIDs(c.Ruid, c.Euid, c.Suid)
}

func getresgid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	return t.putIDs(c.Rgid, c.Egid, c.Sgid)
}

func (t *Trap) putIDs(ids ...uint32) int64 {
	for i, id := range ids {
		if e := t.write(t.arg(i), le.AppendUint32(nil, id)); e != 0 {
			return e
		}
	}
	return 0
}

func getgroups(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	n := t.arg32(0)
	if n < 0 || n > 0 && int(n) < len(c.Groups) {
		return errno(unix.EINVAL)
	}
	if n > 0 {
		var w abi.Writer
		for _, g := range c.Groups {
			w.U32(g)
		}
		if e := t.write(t.arg(1), w.B); e != 0 {
			return e
		}
	}
	return int64(len(c.Groups))
}

const maxGroups = 65536 // NGROUPS_MAX

func setgroups(t *Trap) int64 {
	n := t.arg32(0)
	if n < 0 || n > maxGroups {
		return errno(unix.EINVAL)
	}
	b := make([]byte, n*4)
	if e := t.read(t.arg(1), b); n > 0 && e != 0 {
		return e
	}
	in := &proc.SetCredsRequest{SetGroups: true}
	for i := range int(n) {
		in.Groups = append(in.Groups, le.Uint32(b[i*4:]))
	}
	return t.setCreds(in)
}

func (t *Trap) setCreds(in *proc.SetCredsRequest) int64 {
	return t.status(t.l.proc.SetCreds(t, in, &proc.EmptyReply{}))
}

// capable is 0 if the caller has a capability (CAP_*) effective, else -EPERM.
func (t *Trap) capable(capability int) int64 {
	c, e := t.creds()
	if e == 0 && c.Effective>>capability&1 == 0 {
		return errno(unix.EPERM)
	}
	return e
}

// id is a uid_t or gid_t argument; ok is false for −1: leave as it is.
func (t *Trap) id(i int) (v uint32, ok bool) {
	v = uint32(t.arg(i))
	return v, v != ^uint32(0)
}

// setuid and setgid set all three for root (CAP_SETUID), else only the effective one to the real or saved one: setuid(2).
func setuid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	id, ok := t.id(0)
	switch {
	case !ok:
		return errno(unix.EINVAL)
	case c.Effective&(1<<unix.CAP_SETUID) != 0:
		return t.setCreds(&proc.SetCredsRequest{Ruid: &id, Euid: &id, Suid: &id, Fsuid: &id})
	case id == c.Ruid || id == c.Suid:
		return t.setCreds(&proc.SetCredsRequest{Euid: &id, Fsuid: &id})
	}
	return errno(unix.EPERM)
}

func setgid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	id, ok := t.id(0)
	switch {
	case !ok:
		return errno(unix.EINVAL)
	case c.Effective&(1<<unix.CAP_SETGID) != 0:
		return t.setCreds(&proc.SetCredsRequest{Rgid: &id, Egid: &id, Sgid: &id, Fsgid: &id})
	case id == c.Rgid || id == c.Sgid:
		return t.setCreds(&proc.SetCredsRequest{Egid: &id, Fsgid: &id})
	}
	return errno(unix.EPERM)
}

func setresuid(t *Trap) int64 {
	in := &proc.SetCredsRequest{}
	for i, p := range [...]**uint32{&in.Ruid, &in.Euid, &in.Suid} {
		if id, ok := t.id(i); ok {
			*p = &id
		}
	}
	in.Fsuid = in.Euid
	return t.setCreds(in)
}

func setresgid(t *Trap) int64 {
	in := &proc.SetCredsRequest{}
	for i, p := range [...]**uint32{&in.Rgid, &in.Egid, &in.Sgid} {
		if id, ok := t.id(i); ok {
			*p = &id
		}
	}
	in.Fsgid = in.Egid
	return t.setCreds(in)
}

// setreuid and setregid: the saved id follows the effective one if the real one is set, or the effective one to anything but the
// old real one.
func setreuid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	in := &proc.SetCredsRequest{}
	if id, ok := t.id(0); ok {
		in.Ruid = &id
	}
	if id, ok := t.id(1); ok {
		in.Euid, in.Fsuid = &id, &id
	}
	if in.Ruid != nil || in.Euid != nil && *in.Euid != c.Ruid {
		saved := c.Euid
		if in.Euid != nil {
			saved = *in.Euid
		}
		in.Suid = &saved
	}
	return t.setCreds(in)
}

func setregid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	in := &proc.SetCredsRequest{}
	if id, ok := t.id(0); ok {
		in.Rgid = &id
	}
	if id, ok := t.id(1); ok {
		in.Egid, in.Fsgid = &id, &id
	}
	if in.Rgid != nil || in.Egid != nil && *in.Egid != c.Rgid {
		saved := c.Egid
		if in.Egid != nil {
			saved = *in.Egid
		}
		in.Sgid = &saved
	}
	return t.setCreds(in)
}

// setfsuid and setfsgid return the old id, whether or not it changed.
func setfsuid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	if id, ok := t.id(0); ok {
		t.setCreds(&proc.SetCredsRequest{Fsuid: &id})
	}
	return int64(c.Fsuid)
}

func setfsgid(t *Trap) int64 {
	c, e := t.creds()
	if e != 0 {
		return e
	}
	if id, ok := t.id(0); ok {
		t.setCreds(&proc.SetCredsRequest{Fsgid: &id})
	}
	return int64(c.Fsgid)
}

// Process groups and sessions.

func setpgid(t *Trap) int64 {
	if t.arg32(1) < 0 {
		return errno(unix.EINVAL)
	}
	return t.status(t.l.proc.SetGroup(t, &proc.SetGroupRequest{Pid: t.arg32(0), Pgid: t.arg32(1)}, &proc.EmptyReply{}))
}

func (t *Trap) identity(pid int32) (*proc.IdentityReply, int64) {
	out := &proc.IdentityReply{}
	if err := t.l.proc.Identity(t, &proc.PidRequest{Pid: pid}, out); err != uabi.OK {
		return nil, t.status(err)
	}
	return out, 0
}

func getpgid(t *Trap) int64 {
	id, e := t.identity(t.arg32(0))
	if e != 0 {
		return e
	}
	return int64(id.Pgid)
}

func getpgrp(t *Trap) int64 {
	id, e := t.identity(0)
	if e != 0 {
		return e
	}
	return int64(id.Pgid)
}

func getsid(t *Trap) int64 {
	id, e := t.identity(t.arg32(0))
	if e != 0 {
		return e
	}
	return int64(id.Sid)
}

func setsid(t *Trap) int64 {
	var out proc.PidReply
	err := t.l.proc.SetSession(t, &proc.EmptyRequest{}, &out)
	return t.result(out.Pid, err)
}

// Capabilities (capget(2)): version 3 headers, two words a set.

const (
	capV1     = 0x19980330
	capV2     = 0x20071026
	capV3     = 0x20080522
	capHeader = 8
)

// capHead reads the header: how many data words a set has, and of which process.
func (t *Trap) capHead() (words int, pid int32, e int64) {
	b := t.bytes(capHeader)
	if e := t.read(t.arg(0), b[:]); e != 0 {
		return 0, 0, e
	}
	pid = int32(le.Uint32(b[4:]))
	switch le.Uint32(b[:]) {
	case capV1:
		return 1, pid, 0
	case capV2, capV3:
		return 2, pid, 0
	}
	if e := t.write(t.arg(0), le.AppendUint32(nil, capV3)); e != 0 {
		return 0, 0, e
	}
	if t.arg(1) == 0 {
		return 0, 0, 0
	}
	return 0, 0, errno(unix.EINVAL)
}

func capget(t *Trap) int64 {
	words, pid, e := t.capHead()
	if e != 0 || words == 0 || t.arg(1) == 0 {
		return e
	}
	if pid < 0 {
		return errno(unix.EINVAL)
	}
	var c proc.CredsReply
	if err := t.l.proc.Creds(t, &proc.PidRequest{Pid: pid}, &c); err != uabi.OK {
		return t.status(err)
	}
	var w abi.Writer
	for i := range words {
		for _, v := range [...]uint64{c.Effective, c.Permitted, c.Inheritable} {
			w.U32(uint32(v >> (32 * i)))
		}
	}
	return t.write(t.arg(1), w.B)
}

func capset(t *Trap) int64 {
	words, pid, e := t.capHead()
	if e != 0 {
		return e
	}
	if words == 0 {
		return errno(unix.EINVAL)
	}
	if pid != 0 && uint64(pid) != t.tgid() {
		return errno(unix.EPERM)
	}
	b := make([]byte, words*12)
	if e := t.read(t.arg(1), b); e != 0 {
		return e
	}
	var v [3]uint64
	for i := range words {
		for k := range v {
			v[k] |= uint64(le.Uint32(b[i*12+k*4:])) << (32 * i)
		}
	}
	return t.setCreds(&proc.SetCredsRequest{Effective: &v[0], Permitted: &v[1], Inheritable: &v[2]})
}
