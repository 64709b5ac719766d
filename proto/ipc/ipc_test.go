package ipc

import (
	"testing"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// kernel records what is called.
type kernel struct {
	uk.Kernel
	buf    *uk.Buffer
	sent   []uabi.Msg
	target uabi.Handle
	answer uabi.Error
	closed uabi.Handle
	waited uabi.WaitSpec
}

func newKernel() *kernel {
	return &kernel{buf: &uk.Buffer{In: new(uabi.Msg), Out: new(uabi.Msg), OutBytes: make([]byte, uabi.MaxBytes)}}
}

func (k *kernel) Buf() *uk.Buffer { return k.buf }

func (k *kernel) Call(h uabi.Handle) uabi.Error {
	k.sent = append(k.sent, *k.buf.Out)
	k.target = h
	k.buf.Out.Wait = uabi.WaitSpec{Event: 40, Mask: 3, Since: 2, Deadline: 1}
	return k.answer
}

func (k *kernel) ProcessInfo(h uabi.Handle, info *uabi.ProcessInfo) uabi.Error {
	*info = uabi.ProcessInfo{ID: 9, Starts: 2}
	return uabi.OK
}

func (k *kernel) EventWait(h uabi.Handle, mask uint32, since, deadline uint64) (uint32, uabi.Error) {
	k.waited = uabi.WaitSpec{Event: h, Mask: mask, Since: since, Deadline: deadline}
	return mask, uabi.OK
}

func (k *kernel) Close(h uabi.Handle) uabi.Error { k.closed = h; return uabi.OK }

func TestAThreadNumbersItsMutatingCallsOnly(t *testing.T) {
	k := newKernel()
	th, err := NewThread(k, 3)
	if err != uabi.OK {
		t.Fatal(err)
	}
	for _, mutates := range []bool{true, false, true} {
		th.Exchange(33, 7, mutates)
	}
	first, look, second := k.sent[0], k.sent[1], k.sent[2]
	if first.ID.Origin != uabi.OriginProcess|3<<laneShift|9 || first.ID.Path != 1<<uabi.PathShift(uabi.RankLinux) {
		t.Errorf("id %#v", first.ID)
	}
	if second.ID.Trap != first.ID.Trap+1 || first.ID.Trap>>startShift != 2 {
		t.Errorf("counters %#x, %#x", first.ID.Trap, second.ID.Trap)
	}
	if look.ID != (uabi.ID{}) || look.Method != 7 || look.Kind != uabi.KindCall || k.target != 33 {
		t.Errorf("look-up %+v", look)
	}
}

func TestAWaitIsHandedOnAndItsEventClosed(t *testing.T) {
	k := newKernel()
	th, _ := NewThread(k, 0)
	k.answer = uabi.ErrWait
	if err := th.Exchange(33, 1, true); err != uabi.ErrWait {
		t.Fatal(err)
	}
	want := uabi.WaitSpec{Event: 40, Mask: 3, Since: 2, Deadline: 1}
	if th.LastWait() != want {
		t.Errorf("wait %+v", th.LastWait())
	}
	if err := th.Wait(); err != uabi.OK || k.waited != want || k.closed != 40 {
		t.Errorf("%v: waited %+v, closed %d", err, k.waited, k.closed)
	}
}

func TestALanesStepsAreThePathOfItsTrap(t *testing.T) {
	k := newKernel()
	k.buf.In.ID = uabi.ID{Origin: 5, Trap: 8}
	k.buf.In.Record[0] = 77
	k.buf.In.Flags = uabi.FlagInterrupt | uabi.FlagRedeliver
	l := &Lane{K: k, Rank: uabi.RankLinux}
	l.Begin()
	l.Exchange(33, 1, false)
	l.Save = true
	l.Record[1] = 78
	l.Exchange(33, 2, true)
	l.Exchange(33, 3, true)
	if k.sent[0].ID != (uabi.ID{}) {
		t.Errorf("a look-up has id %v", k.sent[0].ID)
	}
	for i, m := range k.sent[1:] {
		if m.ID != (uabi.ID{Origin: 5, Trap: 8, Path: uint64(i+1) << uabi.PathShift(uabi.RankLinux)}) {
			t.Errorf("step %d has id %+v", i+1, m.ID)
		}
	}
	if m := k.sent[1]; m.Flags != uabi.FlagInterrupt|uabi.FlagSaveRecord || m.Record[0] != 77 || m.Record[1] != 78 {
		t.Errorf("flags %#x, record %v", m.Flags, m.Record)
	}
	if m := k.sent[2]; m.Flags != uabi.FlagInterrupt {
		t.Errorf("the record was saved again: flags %#x", m.Flags)
	}
	// The next trap starts anew.
	l.Begin()
	if l.Step != 0 || l.Save || l.Record[1] != 0 {
		t.Errorf("after Begin: %+v", l)
	}
}

func TestAForwardIsAnAnswerAndHasTheStepsID(t *testing.T) {
	k := newKernel()
	k.buf.In.ID = uabi.ID{Origin: 5, Trap: 8}
	l := &Lane{K: k, Rank: uabi.RankLinux}
	l.Begin()
	out := k.buf.Out
	out.Len = uabi.MaxForward + 1
	if err := l.Forward(44, 6, true); err != uabi.ErrSize || l.Step != 0 {
		t.Errorf("too long: %v, step %d", err, l.Step)
	}
	out.Len = uabi.MaxForward
	if err := l.Forward(44, 6, true); err != uabi.OK {
		t.Fatal(err)
	}
	if out.Kind != uabi.AnswerForward || out.Target != 44 || out.Method != 6 || out.ID.Path != 1<<uabi.PathShift(uabi.RankLinux) || len(k.sent) != 0 {
		t.Errorf("%+v", out)
	}
}

func TestGrantsBeyondTheLimitAreLeftToTheKernelToRefuse(t *testing.T) {
	m := new(uabi.Msg)
	SetGrants(m, make([]uabi.Grant, uabi.MaxGrants+3))
	if m.NGrants <= uabi.MaxGrants {
		t.Errorf("%d grants would pass", m.NGrants)
	}
	SetGrants(m, []uabi.Grant{{Addr: 1, Len: 2}})
	if m.NGrants != 1 || m.Grant[0].Len != 2 {
		t.Errorf("%+v", m.Grant)
	}
}

func TestAbsentHandlesAtTheEndAreNotSent(t *testing.T) {
	for _, c := range []struct {
		handles [uabi.MaxHandles]uabi.Handle
		sent    uint32
	}{{[...]uabi.Handle{0, 0, 7, 7}, 0}, {[...]uabi.Handle{5, 0, 7, 7}, 1}, {[...]uabi.Handle{0, 5, 7, 7}, 2}} {
		m := &uabi.Msg{Handle: c.handles}
		if SetHandles(m, 2); m.NHandles != c.sent {
			t.Errorf("%v: %d are sent", c.handles, m.NHandles)
		}
	}
}

func TestSlotsThatWereNotSentReadAsAbsent(t *testing.T) {
	m := &uabi.Msg{NHandles: 1, Handle: [uabi.MaxHandles]uabi.Handle{5, 6, 7, 8}}
	AbsentHandles(m, 3)
	if m.Handle != [uabi.MaxHandles]uabi.Handle{5, 0, 0, 8} {
		t.Errorf("%v", m.Handle)
	}
}
