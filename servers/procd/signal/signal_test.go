package signal

import (
	"testing"

	"pgregory.net/rapid"

	"aramid/servers/procd/state"
)

// TestPendingSignalsComeOutLikeFromANaiveList compares with a list that is searched.
func TestPendingSignalsComeOutLikeFromANaiveList(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := &state.Pending{}
		var naive []*state.Info
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			if rapid.Bool().Draw(r, "add") {
				i := &state.Info{Signal: uint32(rapid.IntRange(1, Max).Draw(r, "sig")), Value: rapid.Uint64().Draw(r, "value")}
				dup := false
				for _, j := range naive {
					dup = dup || j.Signal == i.Signal && i.Signal < RTMin
				}
				if !dup {
					naive = append(naive, i)
				}
				Add(p, i)
				continue
			}
			blocked := rapid.Uint64().Draw(r, "blocked")
			want := -1
			rank := func(sig uint32) int {
				switch {
				case sig == KILL && true:
					return 100
				case synchronous&Bit(sig) != 0:
					return 0
				}
				return 1000 + int(sig)
			}
			for n, i := range naive {
				if blocked&Bit(i.Signal) != 0 && i.Signal != KILL && i.Signal != STOP {
					continue
				}
				if want < 0 || rank(i.Signal) < rank(naive[want].Signal) ||
					rank(i.Signal) == rank(naive[want].Signal) && i.Signal < naive[want].Signal {
					want = n
				}
			}
			got := Next(p, blocked)
			if want < 0 {
				if got != 0 {
					r.Fatalf("got %d, want none", got)
				}
				continue
			}
			if got != naive[want].Signal {
				r.Fatalf("got %d, want %d", got, naive[want].Signal)
			}
			if i := Take(p, got); i != naive[want] {
				r.Fatalf("took %v, want %v", i, naive[want])
			}
			naive = append(naive[:want:want], naive[want+1:]...)
		}
	})
}

func TestForcedSignalsIgnoreTheMaskAndReplaceAPendingOne(t *testing.T) {
	p := &state.Pending{}
	Add(p, &state.Info{Signal: SEGV, Value: 1})
	Add(p, &state.Info{Signal: SEGV, Value: 2, Forced: true})
	if s := Next(p, ^Set(0)); s != SEGV {
		t.Fatalf("next is %d", s)
	}
	if i := Take(p, SEGV); i.Value != 2 {
		t.Errorf("took %v", i)
	}
	if p.Set != 0 {
		t.Errorf("left %x", p.Set)
	}
}

func TestExecKeepsOnlyIgnoredSignals(t *testing.T) {
	h := &state.Handlers{}
	SetAction(h, &state.Action{Signal: 10, Handler: 0x1000, Flags: Restart})
	SetAction(h, &state.Action{Signal: 2, Handler: Ignore, Mask: 7})
	Reset(h)
	if len(h.Actions) != 1 || !Ignores(h, 2) || Ignores(h, 10) || Action(h, 2).Mask != 0 {
		t.Errorf("after exec: %v", h.Actions)
	}
	if !Ignores(h, CHLD) || Ignores(h, HUP) {
		t.Error("default actions are wrong")
	}
}

func TestStatusesReadAsWaitMacrosDo(t *testing.T) {
	for _, c := range []struct {
		status int32
		code   uint32
		value  int32
		exit   uint64
	}{
		{Exited(7), CldExited, 7, 7},
		{Exited(256 + 3), CldExited, 3, 3},
		{Killed(KILL), CldKilled, KILL, 137},
		{Killed(SEGV), CldKilled, SEGV, 139},
		{StopStatus(TSTP), CldStopped, TSTP, 255},
		{ContStatus, CldCont, CONT, 255},
	} {
		code, value := ChildCode(c.status)
		if code != c.code || value != c.value {
			t.Errorf("%#x: code %d value %d", c.status, code, value)
		}
		if c.code <= CldKilled && ExitCode(c.status) != c.exit {
			t.Errorf("%#x: exit %d", c.status, ExitCode(c.status))
		}
	}
}
