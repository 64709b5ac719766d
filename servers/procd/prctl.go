package main

import (
	"golang.org/x/sys/unix"

	"aramid/proto/proc"
	"aramid/servers/procd/creds"
	"aramid/servers/procd/signal"
	"aramid/servers/procd/state"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

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
		if int64(in.A) <= 0 {
			t.TimerSlack = defaultSlack
		}
	case unix.PR_GET_TIMERSLACK:
		out.Value = int64(t.TimerSlack)
	case unix.PR_SET_THP_DISABLE:
		t.ThpDisable = in.A != 0
	case unix.PR_GET_THP_DISABLE:
		out.Value = number(t.ThpDisable)
	case unix.PR_GET_TID_ADDRESS:
		out.Value = int64(t.ClearTid)
	case unix.PR_SET_MM:
		return h.setLayout(t, p, in)
	default:
		return h.capSetting(c, t, in, out)
	}
	return uabi.OK
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

// setLayout is PR_SET_MM: a is the field (PR_SET_MM_*), b the address.
func (h *Procd) setLayout(t *state.Thread, p *state.Process, in *proc.SettingRequest) uabi.Error {
	if !creds.Has(h.creds.Get(t.Creds), creds.SysResrc) {
		return uabi.ErrPerm
	}
	if in.B < uabi.MinUser || in.B >= uabi.MaxUser {
		return uabi.ErrArg
	}
	l := &state.Layout{}
	if o := p.Layout; o != nil {
		l = &state.Layout{ArgStart: o.ArgStart, ArgEnd: o.ArgEnd, EnvStart: o.EnvStart, EnvEnd: o.EnvEnd, StartCode: o.StartCode,
			EndCode: o.EndCode, StartData: o.StartData, EndData: o.EndData, StartBrk: o.StartBrk, StartStack: o.StartStack}
	}
	switch in.A {
	case unix.PR_SET_MM_START_CODE:
		l.StartCode = in.B
	case unix.PR_SET_MM_END_CODE:
		l.EndCode = in.B
	case unix.PR_SET_MM_START_DATA:
		l.StartData = in.B
	case unix.PR_SET_MM_END_DATA:
		l.EndData = in.B
	case unix.PR_SET_MM_START_STACK:
		l.StartStack = in.B
	case unix.PR_SET_MM_ARG_START:
		l.ArgStart = in.B
	case unix.PR_SET_MM_ARG_END:
		l.ArgEnd = in.B
	case unix.PR_SET_MM_ENV_START:
		l.EnvStart = in.B
	case unix.PR_SET_MM_ENV_END:
		l.EnvEnd = in.B
	default:
		return uabi.ErrArg
	}
	if l.StartCode > l.EndCode || l.StartData > l.EndData || l.ArgStart > l.ArgEnd || l.EnvStart > l.EnvEnd {
		return uabi.ErrArg
	}
	p.Layout = l
	return uabi.OK
}

// capCount is how many capabilities there are.
const capCount = creds.Last + 1

// capSetting is the part of prctl(2) about capabilities.
func (h *Procd) capSetting(c *server.Ctx, t *state.Thread, in *proc.SettingRequest, out *proc.SettingReply) uabi.Error {
	cr := h.creds.Get(t.Creds)
	switch in.Option {
	case unix.PR_SET_KEEPCAPS:
		if t.SecureBits&(creds.KeepCaps<<1) != 0 {
			return uabi.ErrPerm
		}
		return setBool(in.A, func(on bool) {
			t.SecureBits &^= creds.KeepCaps
			if on {
				t.SecureBits |= creds.KeepCaps
			}
		})
	case unix.PR_GET_KEEPCAPS:
		out.Value = number(t.SecureBits&creds.KeepCaps != 0)
		return uabi.OK
	case unix.PR_GET_SECUREBITS:
		out.Value = int64(t.SecureBits)
		return uabi.OK
	case unix.PR_SET_SECUREBITS:
		if !creds.Has(cr, creds.SetPCap) || !creds.MaySecure(t.SecureBits, in.A) {
			return uabi.ErrPerm
		}
		t.SecureBits = uint32(in.A)
		return uabi.OK
	case unix.PR_CAPBSET_READ:
		if in.A >= capCount {
			return uabi.ErrArg
		}
		out.Value = number(cr.Bounding>>in.A&1 != 0)
		return uabi.OK
	case unix.PR_CAPBSET_DROP:
		if !creds.Has(cr, creds.SetPCap) {
			return uabi.ErrPerm
		}
		if in.A >= capCount {
			return uabi.ErrArg
		}
		v := cr.Bounding &^ (1 << in.A)
		return h.applyCaps(c, t, &proc.SetCredsRequest{Bounding: &v})
	case unix.PR_CAP_AMBIENT:
		return h.ambient(c, t, in, out)
	}
	return uabi.ErrArg
}

// ambient is PR_CAP_AMBIENT.
func (h *Procd) ambient(c *server.Ctx, t *state.Thread, in *proc.SettingRequest, out *proc.SettingReply) uabi.Error {
	v := h.creds.Get(t.Creds).Ambient
	if in.A == unix.PR_CAP_AMBIENT_CLEAR_ALL {
		if in.B != 0 {
			return uabi.ErrArg
		}
		v = 0
		return h.applyCaps(c, t, &proc.SetCredsRequest{Ambient: &v})
	}
	if in.B >= capCount {
		return uabi.ErrArg
	}
	switch bit := uint64(1) << in.B; in.A {
	case unix.PR_CAP_AMBIENT_IS_SET:
		out.Value = number(v&bit != 0)
		return uabi.OK
	case unix.PR_CAP_AMBIENT_RAISE:
		if t.SecureBits&creds.NoAmbientRaise != 0 {
			return uabi.ErrPerm
		}
		v |= bit
	case unix.PR_CAP_AMBIENT_LOWER:
		v &^= bit
	default:
		return uabi.ErrArg
	}
	return h.applyCaps(c, t, &proc.SetCredsRequest{Ambient: &v})
}

// applyCaps gives a thread the record with other capabilities.
func (h *Procd) applyCaps(c *server.Ctx, t *state.Thread, in *proc.SetCredsRequest) uabi.Error {
	n, err := creds.Apply(h.creds.Get(t.Creds), in, t.SecureBits, 0)
	if err != uabi.OK {
		return err
	}
	h.replaceCreds(t, n)
	return h.setContext(c, t)
}
