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
		got, err := Apply(c.from, c.in, false, 9)
		if err != c.err {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if err == uabi.OK && (got.Euid != c.euid || got.Fsuid != c.euid || got.Effective != c.eff || got.Id != 9) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	back, err := Apply(&state.Creds{Ruid: 5, Euid: 5, Suid: 0, Permitted: All, Bounding: All}, &proc.SetCredsRequest{Euid: u(0)}, false, 2)
	if err != uabi.OK || back.Effective != All {
		t.Errorf("a saved 0 gives the effective set back: %v %v", back, err)
	}
}

func TestCapabilitiesOnlyShrink(t *testing.T) {
	some, none := uint64(1<<SysAdmin), uint64(0)
	c, err := Apply(Root(1), &proc.SetCredsRequest{Permitted: &some, Effective: &some}, false, 2)
	if err != uabi.OK || c.Permitted != some {
		t.Fatalf("%v %v", c, err)
	}
	all := uint64(All)
	if _, err := Apply(c, &proc.SetCredsRequest{Permitted: &all}, false, 3); err != uabi.ErrPerm {
		t.Errorf("permitted grew: %v", err)
	}
	if _, err := Apply(Root(1), &proc.SetCredsRequest{Permitted: &none}, false, 3); err != uabi.ErrPerm {
		t.Errorf("effective beyond permitted: %v", err)
	}
	if e := Exec(c, 4); e.Effective != All {
		t.Errorf("exec of root: %x", e.Effective)
	}
	if e := Exec(&state.Creds{Ruid: 1, Euid: 1, Permitted: some, Bounding: All}, 4); e.Permitted != 0 {
		t.Errorf("exec of a user: %x", e.Permitted)
	}
}
