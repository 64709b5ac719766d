package creds

import (
	"testing"

	"aramid/proto/proc"
	"aramid/servers/procd/state"
	"aramid/ukernel/uabi"
)

func u(v uint32) *uint32 { return &v }

func TestUserIDChangesFollowSetresuid(t *testing.T) {
	user := &state.Creds{Ruid: 1, Euid: 2, Suid: 3, Fsuid: 2, Bounding: All}
	for _, c := range []struct {
		name string
		from *state.Creds
		in   *proc.SetCredsRequest
		err  uabi.Error
		euid uint32
		eff  uint64
	}{
		{"root may become anybody and loses its capabilities", Root(1), &proc.SetCredsRequest{Ruid: u(5), Euid: u(5), Suid: u(5)}, uabi.OK, 5, 0},
		{"with a saved 0 only the effective set goes", Root(1), &proc.SetCredsRequest{Euid: u(5)}, uabi.OK, 5, 0},
		{"a user may take one of its own ids", user, &proc.SetCredsRequest{Euid: u(3)}, uabi.OK, 3, 0},
		{"a user may not take another's", user, &proc.SetCredsRequest{Euid: u(0)}, uabi.ErrPerm, 0, 0},
		{"a user may not set groups", user, &proc.SetCredsRequest{SetGroups: true}, uabi.ErrPerm, 0, 0},
	} {
		got, err := Apply(c.from, c.in, 0, 9)
		if err != c.err {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err == uabi.OK && (got.Euid != c.euid || got.Fsuid != c.euid || got.Effective != c.eff || got.Id != 9) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	back, err := Apply(&state.Creds{Ruid: 5, Euid: 5, Suid: 0, Permitted: All, Bounding: All}, &proc.SetCredsRequest{Euid: u(0)}, 0, 2)
	if err != uabi.OK || back.Effective != All {
		t.Errorf("a saved 0 gives the effective set back: %v %v", back, err)
	}
}

func TestCapabilitiesOnlyShrink(t *testing.T) {
	some, none := uint64(1<<SysAdmin), uint64(0)
	c, err := Apply(Root(1), &proc.SetCredsRequest{Permitted: &some, Effective: &some}, 0, 2)
	if err != uabi.OK || c.Permitted != some {
		t.Fatalf("%v %v", c, err)
	}
	all := uint64(All)
	if _, err := Apply(c, &proc.SetCredsRequest{Permitted: &all}, 0, 3); err != uabi.ErrPerm {
		t.Errorf("permitted grew: %v", err)
	}
	if _, err := Apply(Root(1), &proc.SetCredsRequest{Permitted: &none}, 0, 3); err != uabi.ErrPerm {
		t.Errorf("effective beyond permitted: %v", err)
	}
}

func TestExecTransformsCapabilities(t *testing.T) {
	some := uint64(1 << SysAdmin)
	lessRoot, user := Root(1), &state.Creds{Ruid: 1, Euid: 1, Suid: 1, Permitted: some, Bounding: All}
	lessRoot.Permitted, lessRoot.Effective = some, some
	withAmbient := Clone(user, 3)
	withAmbient.Inheritable, withAmbient.Ambient = some, some
	for _, c := range []struct {
		name    string
		from    *state.Creds
		secure  uint32
		p       Program
		euid    uint32
		eff     uint64
		secured bool
	}{
		{"root gets what the bounding set has", lessRoot, 0, Program{}, 0, All, false},
		{"but not with SECBIT_NOROOT", lessRoot, NoRoot, Program{}, 0, 0, false},
		{"a user keeps nothing", user, 0, Program{}, 1, 0, false},
		{"but the ambient set", withAmbient, 0, Program{}, 1, some, false},
		{"set-user-id root", withAmbient, 0, Program{SetUID: true}, 0, All, true},
		{"set-user-id of another user drops the ambient set", withAmbient, 0, Program{SetUID: true, UID: 7}, 7, 0, true},
		{"set-user-id of oneself changes nothing", withAmbient, 0, Program{SetUID: true, UID: 1}, 1, some, false},
		{"set-group-id", user, 0, Program{SetGID: true, GID: 7}, 1, 0, true},
	} {
		got, secured := Exec(c.from, c.secure, c.p, 4)
		if got.Euid != c.euid || got.Suid != c.euid || got.Effective != c.eff || secured != c.secured {
			t.Errorf("%s: %v, secured %v", c.name, got, secured)
		}
	}
}

func TestSecureBitsAreLocked(t *testing.T) {
	for _, c := range []struct {
		old  uint32
		want uint64
		ok   bool
	}{
		{0, NoRoot | KeepCaps, true},
		{NoRoot, 0, true},
		{NoRoot | NoRoot<<1, NoRoot << 1, false},
		{NoRoot << 1, NoRoot | NoRoot<<1, false},
		{NoRoot << 1, 0, false},
		{NoRoot << 1, NoRoot<<1 | KeepCaps, true},
		{0, 1 << 8, false},
	} {
		if MaySecure(c.old, c.want) != c.ok {
			t.Errorf("%#x → %#x: %v", c.old, c.want, !c.ok)
		}
	}
}
