package main

import (
	"strings"

	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

const (
	rlimInfinity = ^uint64(0)
	rlimCount    = 16
	defaultSlack = 50000 // ns, as Linux's
)

// defaultLimits are those of Linux's process 1, with the descriptors of systemd's.
func defaultLimits() []*state.Limit {
	l := make([]*state.Limit, rlimCount)
	for i := range l {
		l[i] = &state.Limit{Soft: rlimInfinity, Hard: rlimInfinity}
	}
	l[unix.RLIMIT_STACK].Soft = 8 << 20
	l[unix.RLIMIT_CORE].Soft = 0
	l[unix.RLIMIT_NOFILE] = &state.Limit{Soft: 1024, Hard: 524288}
	l[unix.RLIMIT_MEMLOCK] = &state.Limit{Soft: 8 << 20, Hard: 8 << 20}
	l[unix.RLIMIT_SIGPENDING] = &state.Limit{Soft: 4096, Hard: 4096}
	l[unix.RLIMIT_MSGQUEUE] = &state.Limit{Soft: 819200, Hard: 819200}
	l[unix.RLIMIT_NICE] = &state.Limit{}
	l[unix.RLIMIT_RTPRIO] = &state.Limit{}
	return l
}

// Limit implements proc.Handler.
func (h *Procd) Limit(c *server.Ctx, in *proc.LimitRequest, out *proc.LimitReply) uabi.Error {
	t, own, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	p, err := h.process(c, in.Pid)
	if err != uabi.OK {
		return err
	}
	if in.Resource >= rlimCount || in.Set && in.Soft > in.Hard {
		return uabi.ErrArg
	}
	cr := h.creds[t.Creds]
	if p != own && !creds.Has(cr, creds.SysResrc) {
		ot := h.anyThread(p)
		if ot == nil {
			return uabi.ErrSearch
		}
		if o := h.creds[ot.Creds]; cr.Ruid != o.Ruid || cr.Ruid != o.Euid || cr.Ruid != o.Suid || cr.Rgid != o.Rgid {
			return uabi.ErrPerm
		}
	}
	l := p.Limits[in.Resource]
	if in.Set && in.Hard > l.Hard && !creds.Has(cr, creds.SysResrc) {
		return uabi.ErrPerm
	}
	if in.Set && in.Resource == unix.RLIMIT_NOFILE && in.Hard > maxFiles {
		return uabi.ErrPerm
	}
	out.Soft, out.Hard = l.Soft, l.Hard
	if in.Set {
		p.Limits[in.Resource] = &state.Limit{Soft: in.Soft, Hard: in.Hard}
	}
	return uabi.OK
}

// Usage implements proc.Handler.
func (h *Procd) Usage(c *server.Ctx, in *proc.UsageRequest, out *proc.UsageReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	switch in.Who {
	case unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN:
		out.UserNs, out.SystemNs = h.times(c, p)
	case unix.RUSAGE_THREAD:
		info, err := c.ThreadInfo(uabi.Handle(t.Handle))
		if err != uabi.OK {
			return err
		}
		out.UserNs, out.SystemNs = info.UserNS, info.SystemNS
	default:
		return uabi.ErrArg
	}
	out.ChildrenUserNs, out.ChildrenSystemNs = p.Children.GetUserNs(), p.Children.GetSystemNs()
	out.StartNs = p.StartNs
	return uabi.OK
}

// Setting implements proc.Handler.
func (h *Procd) Setting(c *server.Ctx, in *proc.SettingRequest, out *proc.SettingReply) uabi.Error {
	t, p, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	switch in.Option {
	case unix.PR_SET_PDEATHSIG:
		if in.A > signal.Max {
			return uabi.ErrArg
		}
		t.DeathSignal = uint32(in.A)
	case unix.PR_GET_PDEATHSIG:
		out.Value = int64(t.DeathSignal)
	case unix.PR_SET_DUMPABLE:
		return setBool(in.A, func(on bool) { p.NotDumpable = !on })
	case unix.PR_GET_DUMPABLE:
		out.Value = number(!p.NotDumpable)
	case unix.PR_SET_KEEPCAPS:
		return setBool(in.A, func(on bool) { t.KeepCaps = on })
	case unix.PR_GET_KEEPCAPS:
		out.Value = number(t.KeepCaps)
	case unix.PR_SET_NAME:
		t.Name = comm(in.Text)
	case unix.PR_GET_NAME:
		out.Text = t.Name
	case unix.PR_SET_CHILD_SUBREAPER:
		p.Subreaper = in.A != 0
	case unix.PR_GET_CHILD_SUBREAPER:
		out.Value = number(p.Subreaper)
	case unix.PR_SET_NO_NEW_PRIVS:
		if in.A != 1 || in.B != 0 {
			return uabi.ErrArg
		}
		t.NoNewPrivs = true
	case unix.PR_GET_NO_NEW_PRIVS:
		out.Value = number(t.NoNewPrivs)
	case unix.PR_SET_TIMERSLACK:
		t.TimerSlack = in.A
		if in.A == 0 {
			t.TimerSlack = defaultSlack
		}
	case unix.PR_GET_TIMERSLACK:
		out.Value = int64(t.TimerSlack)
	case unix.PR_SET_THP_DISABLE:
		t.ThpDisable = in.A != 0
	case unix.PR_GET_THP_DISABLE:
		out.Value = number(t.ThpDisable)
	default:
		return h.capSetting(c, t, in, out)
	}
	return uabi.OK
}

// capSetting is the part of prctl(2) about capabilities.
func (h *Procd) capSetting(c *server.Ctx, t *state.Thread, in *proc.SettingRequest, out *proc.SettingReply) uabi.Error {
	cr := h.creds[t.Creds]
	const capCount = 41
	var bit uint64
	switch in.Option {
	case unix.PR_CAPBSET_READ, unix.PR_CAPBSET_DROP:
		if in.A >= capCount {
			return uabi.ErrArg
		}
		bit = 1 << in.A
	case unix.PR_CAP_AMBIENT:
		if in.A != unix.PR_CAP_AMBIENT_CLEAR_ALL && in.B >= capCount {
			return uabi.ErrArg
		}
		bit = 1 << (in.B & 63)
	}
	req := proc.SetCredsRequest{}
	switch in.Option {
	case unix.PR_CAPBSET_READ:
		out.Value = number(cr.Bounding&bit != 0)
		return uabi.OK
	case unix.PR_CAPBSET_DROP:
		v := cr.Bounding &^ bit
		req.Bounding = &v
	case unix.PR_GET_SECUREBITS:
		out.Value = int64(t.SecureBits)
		return uabi.OK
	case unix.PR_SET_SECUREBITS:
		// The bits change how ids give capabilities; none of them is built, so only what is the case can be set.
		if !creds.Has(cr, creds.SetPCap) {
			return uabi.ErrPerm
		}
		if in.A != uint64(t.SecureBits) {
			return uabi.ErrArg
		}
		return uabi.OK
	case unix.PR_CAP_AMBIENT:
		v := cr.Ambient
		switch in.A {
		case unix.PR_CAP_AMBIENT_IS_SET:
			out.Value = number(v&bit != 0)
			return uabi.OK
		case unix.PR_CAP_AMBIENT_RAISE:
			v |= bit
		case unix.PR_CAP_AMBIENT_LOWER:
			v &^= bit
		case unix.PR_CAP_AMBIENT_CLEAR_ALL:
			v = 0
		default:
			return uabi.ErrArg
		}
		req.Ambient = &v
	default:
		return uabi.ErrArg
	}
	n, err := creds.Apply(cr, &req, t.KeepCaps, 0)
	if err != uabi.OK {
		return err
	}
	h.replaceCreds(t, n)
	return h.setContext(c, t)
}

func setBool(v uint64, set func(bool)) uabi.Error {
	if v > 1 {
		return uabi.ErrArg
	}
	set(v == 1)
	return uabi.OK
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Thread implements proc.Handler.
func (h *Procd) Thread(c *server.Ctx, in *proc.ThreadRequest, out *proc.PidReply) uabi.Error {
	t, _, err := h.caller(c)
	if err != uabi.OK {
		return err
	}
	if in.ClearChildTid != nil {
		t.ClearTid = *in.ClearChildTid
	}
	if in.RobustList != nil {
		t.Robust = *in.RobustList
	}
	out.Pid = int64(t.Tid)
	return uabi.OK
}

// Uts implements proc.Handler.
func (h *Procd) Uts(c *server.Ctx, in *proc.UtsRequest, out *proc.UtsReply) uabi.Error {
	const maxName = 64
	if in.Hostname != nil || in.Domainname != nil {
		t, _, err := h.caller(c)
		if err != uabi.OK {
			return err
		}
		if !creds.Has(h.creds[t.Creds], creds.SysAdmin) {
			return uabi.ErrPerm
		}
		if len(in.GetHostname()) > maxName || len(in.GetDomainname()) > maxName {
			return uabi.ErrArg
		}
	}
	if in.Hostname != nil {
		h.top.Hostname = strings.Clone(*in.Hostname)
	}
	if in.Domainname != nil {
		h.top.Domainname = strings.Clone(*in.Domainname)
	}
	out.Hostname, out.Domainname = h.top.Hostname, h.top.Domainname
	return uabi.OK
}
