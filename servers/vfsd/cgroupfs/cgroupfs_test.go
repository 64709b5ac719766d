package cgroupfs

import (
	"testing"

	"aramid/ukernel/uabi"
)

func TestNumbersParseAsLinuxParsesThem(t *testing.T) {
	for _, c := range []struct {
		s    string
		want int64
		err  uabi.Error
	}{
		{"0", 0, uabi.OK}, {"17", 17, uabi.OK}, {"-17", -17, uabi.OK}, {"+17", 17, uabi.OK}, {"0x1F", 31, uabi.OK}, {"010", 8, uabi.OK},
		{"2147483647", 1<<31 - 1, uabi.OK}, {"2147483648", 0, uabi.ErrRange}, {"", 0, uabi.ErrArg}, {"-", 0, uabi.ErrArg},
		{"1 2", 0, uabi.ErrArg}, {"1_0", 0, uabi.ErrArg}, {"0b1", 0, uabi.ErrArg}, {"max", 0, uabi.ErrArg}, {"--1", 0, uabi.ErrArg},
	} {
		if v, err := Number(c.s, 32); v != c.want || err != c.err {
			t.Errorf("%q is %d, %v; want %d, %v", c.s, v, err, c.want, c.err)
		}
	}
}

func TestSubtreeControlTakesTheLastWord(t *testing.T) {
	for _, c := range []struct {
		s       string
		on, off Mask
		err     uabi.Error
	}{
		{"+pids", Pids, 0, uabi.OK}, {"-pids", 0, Pids, uabi.OK}, {"+pids  -pids", 0, Pids, uabi.OK}, {"", 0, 0, uabi.OK},
		{"pids", 0, 0, uabi.ErrArg}, {"+memory", 0, 0, uabi.ErrArg}, {"+", 0, 0, uabi.ErrArg},
	} {
		if on, off, err := Control(c.s); on != c.on || off != c.off || err != c.err {
			t.Errorf("%q: %v %v %v", c.s, on, off, err)
		}
	}
}

// TestTheHierarchyHasLinuxsRules has root ─ a(2) ─ b(3), c(4) and root ─ d(5).
func TestTheHierarchyHasLinuxsRules(t *testing.T) {
	h := New()
	h.Add(2, RootID, "a", 0)
	h.Add(3, 2, "b", 0)
	h.Add(4, 2, "c", 0)
	h.Add(5, RootID, "d", 0)
	own := map[uint64]uint32{}
	live := func(id uint64) (uint32, bool) {
		for g, n := range own {
			if n > 0 && h.Within(g, id) {
				return own[id], true
			}
		}
		return 0, false
	}
	if h.Path(3) != "/a/b" || h.Path(RootID) != "/" || h.Common(3, 4) != 2 || h.Common(3, 5) != RootID || h.Common(3, 2) != 2 {
		t.Error("paths or common groups are wrong")
	}
	if n := h.Descendants(RootID); n != 4 {
		t.Errorf("%d below the root", n)
	}
	control := func(id uint64, on, off Mask, want uabi.Error) {
		t.Helper()
		m, err := h.CheckControl(id, on, off, live)
		if err != want {
			t.Errorf("control of %d: %v, want %v", id, err, want)
		}
		h[id].Control = uint32(m)
	}
	control(2, Pids, 0, uabi.ErrNotFound)
	control(RootID, Pids, 0, uabi.OK)
	own[3] = 1
	control(2, Pids, 0, uabi.OK)
	if err := h.CheckHold(2, live); err != uabi.ErrBusy {
		t.Errorf("a process beside a child's: %v", err)
	}
	control(RootID, 0, Pids, uabi.ErrBusy)
	own[3], own[2] = 0, 1
	if err := h.CheckHold(3, live); err != uabi.ErrOperation {
		t.Errorf("a process below a thread root: %v", err)
	}
	if h.TypeText(2, live) != "domain threaded\n" || h.TypeText(3, live) != "domain invalid\n" || h.TypeText(5, live) != "domain\n" {
		t.Error("types are wrong")
	}
	h[2].MaxDescendants = 2
	if err := h.CheckMake(4); err != uabi.ErrAgain {
		t.Errorf("a group too many: %v", err)
	}
	h[3].Removed = true
	if n := h.Descendants(2); n != 1 || h.Path(3) != "/a/b (deleted)" || h.Live(3) != nil || len(h.Children(2)) != 1 {
		t.Error("a removed group counts")
	}
	if err := h.CheckMake(4); err != uabi.OK {
		t.Errorf("a group in place of a removed one: %v", err)
	}
	h[2].MaxDescendants, h[RootID].MaxDepth = MaxGroups, 2
	if h.CheckMake(2) != uabi.OK || h.CheckMake(4) != uabi.ErrAgain {
		t.Error("cgroup.max.depth does not bind")
	}
}

func TestWhatIsShownIsWhatWasWritten(t *testing.T) {
	for _, s := range []string{"max", "0", "12"} {
		if v, err := Max(s); err != uabi.OK || MaxText(v) != s+"\n" {
			t.Errorf("pids.max %q shows %q", s, MaxText(v))
		}
		if v, err := Groups(s); err != uabi.OK || GroupsText(v) != s+"\n" {
			t.Errorf("cgroup.max.depth %q shows %q", s, GroupsText(v))
		}
	}
	if _, err := Max("4194305"); err != uabi.ErrArg {
		t.Errorf("pids.max beyond all: %v", err)
	}
	if s := OptionsText("memory_recursiveprot,nsdelegate"); s != ",nsdelegate,memory_recursiveprot" {
		t.Errorf("options show as %q", s)
	}
	if EventsText(true, false) != "populated 1\nfrozen 0\n" {
		t.Errorf("%q", EventsText(true, false))
	}
	for _, e := range entries {
		if NameOf(e.File) != e.Name {
			t.Errorf("%s is called %s", e.Name, NameOf(e.File))
		}
	}
}
