package server

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"aramid/servers/server/demo"
	"aramid/ukernel/uabi"
)

const testKept = MinKept

// script queues requests that use all of the library. Each alien's traps grow.
func script(f *fake) {
	f.send(10, 1, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 100})
	f.send(11, 1, 0, demo.MethodPut, &demo.PutRequest{Name: "a", Value: []byte("first"), Tags: []uint64{1, 2}})
	f.send(10, 2, 0, demo.MethodOpen, &demo.OpenRequest{})
	f.send(10, 3, 1, demo.MethodTake, &demo.OpenRequest{})
	f.send(11, 2, 1, demo.MethodPost, &demo.OpenRequest{})
	f.send(10, 3, 1, demo.MethodTake, &demo.OpenRequest{})
	pay := f.send(11, 3, 0, demo.MethodPay, &demo.AddRequest{Account: 1, Amount: 30})
	pay.grant = []byte("rent")
	f.send(11, 4, 0, demo.MethodKeep, &demo.KeepRequest{Thing: 99})
	f.send(11, 5, 0, demo.MethodKeep, &demo.KeepRequest{})
	f.notice(uabi.NoticeEvent, 3, 4)
	f.send(10, 4, 0, demo.MethodAdd, &demo.AddRequest{Account: 1})
	f.send(0, 0, 0, demo.MethodGet, &demo.GetRequest{Name: "a"})
	f.send(10, 5, 0, demo.MethodPut, &demo.PutRequest{Name: "a", Value: bytes.Repeat([]byte("x"), 1000)})
	f.notice(uabi.NoticeGone, 1, 0)
	f.notice(uabi.NoticeThread, 11, 0)
	f.notice(uabi.NoticeEvent, ControlKey, ControlSnapshot)
	f.send(10, 6, 0, demo.MethodAdd, &demo.AddRequest{Account: 2, Amount: 5})
	f.send(10, 7, 0, demo.MethodOpen, &demo.OpenRequest{})
	f.send(12, 1, 0, demo.MethodPay, &demo.AddRequest{Account: 2, Amount: 1})
	f.send(12, 2, 2, demo.MethodPost, &demo.OpenRequest{}) // its event goes up with the answer
	// A newer trap lets go of a handle that was kept because the image ended just after Open's reply (unsent.go).
	f.send(10, 8, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
}

// outcome is all that clients and the world can see: replies, state, the server below, the handle table.
func (f *fake) outcome(b *bank) string {
	var s strings.Builder
	for _, r := range f.done {
		m := demo.Methods[r.msg.Method-1]
		fmt.Fprintf(&s, "%s %v %v", m.Name, r.msg.ID, r.status)
		if r.status == uabi.OK {
			fmt.Fprintf(&s, " %v %x badges %v grant %q", r.reply.W[:max(m.Out, 0)], r.out, r.badges, r.grant)
		}
		s.WriteByte('\n')
	}
	for _, o := range b.st.Objects {
		if f.table[uabi.Handle(o.Event)].kind != uabi.TypeEvent {
			fmt.Fprintf(&s, "object %d has lost its event\n", o.Number)
		}
		fmt.Fprintf(&s, "level %d\n", f.level[uabi.Handle(o.Event)])
		o.Event = 0
	}
	fmt.Fprintf(&s, "%v\nbelow %v handles %d dead %v\n", &b.st, f.ledger, len(f.table), f.dead)
	return s.String()
}

// calm runs the script without a kill.
func calm(t *testing.T) (want string, ticks int) {
	t.Helper()
	f := newFake(testKept)
	script(f)
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	return f.outcome(b), f.ticks
}

func TestAServerThatIsNeverKilledAnswersEverything(t *testing.T) {
	want, ticks := calm(t)
	for _, line := range []string{
		"Add {10 1 1} ok [100]", "Take {10 3 1} would block", "Take {10 3 1} ok [0]", "Add {10 4 1} argument is out", "started:1",
		`badges [1]`, `grant "paid"`, "gone:1", "threads:11", "events:12", "below map[1:30 2:1]",
	} {
		if line == "Add {10 4 1} argument is out" {
			line = "Add {10 4 1} " + uabi.ErrRange.Error()
		}
		if !strings.Contains(want, line) {
			t.Errorf("no %q in\n%s", line, want)
		}
	}
	if ticks < 200 {
		t.Errorf("only %d places to be killed", ticks)
	}
}

func TestAServerKilledAtAnyStepGoesOnAsIfNothingHadHappened(t *testing.T) {
	want, ticks := calm(t)
	for at := 1; at <= ticks; at++ {
		f := newFake(testKept)
		f.killAt[at] = true
		script(f)
		b, err := f.run()
		if err != nil {
			t.Fatalf("killed at %d: %v", at, err)
		}
		if got := f.outcome(b); got != want {
			t.Fatalf("killed at %d:\n%s\nwant\n%s\nlog %q", at, got, want, f.notes)
		}
	}
}

func TestAServerKilledManyTimesGoesOnAsIfNothingHadHappened(t *testing.T) {
	want, ticks := calm(t)
	seeds := 3000
	if testing.Short() {
		seeds = 300
	}
	for seed := 0; seed < seeds; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		f := newFake(testKept)
		for n := 1 + r.IntN(6); n > 0; n-- {
			f.killAt[1+r.IntN(ticks+100)] = true
		}
		script(f)
		b, err := f.run()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got := f.outcome(b); got != want {
			t.Fatalf("seed %d:\n%s\nwant\n%s", seed, got, want)
		}
	}
}

func TestARequestThatCrashesItsServerTwiceIsAnsweredWithAnError(t *testing.T) {
	f := newFake(testKept)
	f.send(10, 1, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 100})
	poison := f.send(10, 2, 0, demo.MethodCrash, &demo.OpenRequest{})
	f.send(10, 3, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	if poison.status != uabi.ErrIO {
		t.Errorf("poison was answered %v", poison.status)
	}
	if got := b.balance(1).Amount; got != 101 {
		t.Errorf("balance %d, want 101", got)
	}
	// The quarantine is in the journal: a successor does not run the handler again.
	again := newBank()
	if how, err := f.image(again.spec()); how != (idle{}) {
		t.Fatalf("successor ended with %v, %v", how, err)
	}
	if !bytes.Equal(again.Save(), b.Save()) {
		t.Errorf("the successor's state differs")
	}
}

func TestARetainedReplyIsAnsweredAgainWithItsHandleMintedAgain(t *testing.T) {
	f := newFake(testKept)
	f.send(10, 1, 0, demo.MethodOpen, &demo.OpenRequest{})
	if _, err := f.run(); err != nil {
		t.Fatal(err)
	}
	first := f.done[0]
	again := f.send(10, 1, 0, demo.MethodOpen, &demo.OpenRequest{})
	again.resend = true
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.badges, first.badges) || again.reply.W[0] != first.reply.W[0] {
		t.Errorf("first answer %v %v, again %v %v", first.reply.W[0], first.badges, again.reply.W[0], again.badges)
	}
	if len(b.st.Objects) != 1 {
		t.Errorf("%d objects, want 1", len(b.st.Objects))
	}
	// Only the object's event is left: minted handles are closed once they are sent.
	if len(f.table) != 1 {
		t.Errorf("%d handles, want 1", len(f.table))
	}
}

// A trap's handler ended behind its second request; its successor makes both again. The first one's answer named a handle that the second
// closed: it is closed at once, whatever ended meanwhile, and the successor, which is past it, is given none in its place.
func TestAClosedHandleLeavesTheReplyThatNamedIt(t *testing.T) {
	for kill := range 60 {
		f := newFake(testKept)
		f.killAt[kill] = true
		f.send(10, 1, 0, demo.MethodKeep, &demo.KeepRequest{Thing: 99})
		trap := func() (show, drop *request) {
			show = f.send(10, 2, 0, demo.MethodKeep, &demo.KeepRequest{Show: true})
			drop = f.send(10, 2, 0, demo.MethodKeep, &demo.KeepRequest{Drop: true})
			drop.msg.ID.Path = 2
			return show, drop
		}
		show, drop := trap()
		again, dropAgain := trap()
		if _, err := f.run(); err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		for _, r := range []*request{show, drop, again, dropAgain} {
			if r.status != uabi.OK {
				t.Fatalf("kill %d: step %d answers %v", kill, r.msg.ID.Path, r.status)
			}
		}
		if show.reply.Handle[0] == 0 || again.reply.Handle[0] != 0 {
			t.Fatalf("kill %d: the successor is given %d, the first handler was %d", kill, again.reply.Handle[0], show.reply.Handle[0])
		}
		if len(f.table) != 0 {
			t.Fatalf("kill %d: %d handles are left", kill, len(f.table))
		}
	}
}

func TestARequestOlderThanItsOriginsNewestTrapIsRefused(t *testing.T) {
	f := newFake(testKept)
	f.send(10, 5, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 100})
	old := f.send(10, 4, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 100})
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	if old.status != uabi.ErrStale || b.balance(1).Amount != 100 {
		t.Errorf("status %v, balance %d", old.status, b.balance(1).Amount)
	}
}

func TestARequestOfTheDeadWithoutAnIntentIsDropped(t *testing.T) {
	f := newFake(testKept)
	r := f.send(10, 5, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 100})
	r.resend = true
	r.msg.Flags = uabi.FlagDead
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	if len(b.st.Balances) != 0 {
		t.Errorf("it was executed: %v", &b.st)
	}
}

func TestAnIntentWhoseCallerDiedIsFinished(t *testing.T) {
	// Find a kill behind Pay's first nested mutation, then let the caller vanish.
	for at := 1; at < 60; at++ {
		f := newFake(testKept)
		pay := f.send(11, 3, 0, demo.MethodPay, &demo.AddRequest{Account: 1, Amount: 30})
		pay.grant = []byte("rent")
		f.killAt[at] = true
		if how, _ := f.image(newBank().spec()); how != (killed{}) {
			break
		}
		f.queue = nil // the kernel drops what a dead caller had queued
		b, err := f.run()
		if err != nil {
			t.Fatal(err)
		}
		below := f.ledger[1]
		if got := b.balance(1).Amount; got != -below {
			t.Fatalf("killed at %d: the server below has %d, this one %d", at, below, got)
		}
	}
}

// An image and its caller are both killed in a request that has an effect and then needs what the caller lent. The caller's successor asks again, and is
// answered as if nothing had happened; where it does not (its alien was killed, too) nothing is left.
func TestAnIntentThatNeedsItsCallerIsUndoneWhenThatDied(t *testing.T) {
	for at := 1; ; at++ {
		for _, again := range []bool{true, false} {
			f := newFake(testKept)
			open := func() *request {
				r := f.send(11, 3, 0, demo.MethodOpen, &demo.OpenRequest{})
				r.grant = []byte("note")
				return r
			}
			open()
			f.killAt[at] = true
			if how, _ := f.image(newBank().spec()); how != (killed{}) {
				return
			}
			f.queue, f.cur = nil, nil // the kernel drops what a dead caller had sent
			asked := &request{}
			if again {
				asked = open()
			}
			b, err := f.run()
			if err != nil {
				t.Fatal(err)
			}
			if again && (asked.status != uabi.OK || asked.reply.W[0] != 1 || len(b.st.Objects) != 1) {
				t.Fatalf("killed at %d: answered %v, %v", at, asked.status, &b.st)
			}
			if len(f.table) > len(b.st.Objects)+1 || len(b.st.Objects) > 1 { // a handle kept for a reply that was not sent
				t.Fatalf("killed at %d, again %v: %d handles for %v", at, again, len(f.table), &b.st)
			}
		}
	}
}

func TestUndecodableRequestsChangeNothing(t *testing.T) {
	f := newFake(testKept)
	bad := f.send(10, 1, 0, demo.MethodPut, &demo.PutRequest{})
	bad.bytes = []byte{0xff, 0xff, 0xff}
	unknown := f.send(10, 2, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
	unknown.msg.Method = 77
	extra := f.send(10, 3, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
	extra.bytes = []byte{1}
	noID := f.send(0, 0, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
	noID.msg.ID = uabi.ID{}
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		r    *request
		want uabi.Error
	}{{bad, uabi.ErrDecode}, {unknown, uabi.ErrCall}, {extra, uabi.ErrDecode}, {noID, uabi.ErrArg}} {
		if x.r.status != x.want {
			t.Errorf("status %v, want %v", x.r.status, x.want)
		}
	}
	if len(b.st.Balances) != 0 {
		t.Errorf("state changed: %v", &b.st)
	}
}

// careless changes its state and then fails, and keeps what it was lent.
type careless struct{ *bank }

func (h careless) Add(c *Ctx, in *demo.AddRequest, out *demo.AddReply) uabi.Error {
	h.balance(in.Account).Amount++
	return uabi.ErrRange
}

func (h careless) Put(c *Ctx, in *demo.PutRequest, out *demo.PutReply) uabi.Error {
	h.st.Values = append(h.st.Values, &demo.State_Value{Name: in.Name})
	return uabi.OK
}

func TestCheckFindsCarelessHandlers(t *testing.T) {
	f := newFake(testKept)
	b := newBank()
	spec := b.spec()
	spec.Service = demo.Service(careless{b})
	f.send(10, 1, 0, demo.MethodPut, &demo.PutRequest{Name: "name"})
	if how, err := f.image(spec); how != (idle{}) {
		t.Fatal(how, err)
	}
	if got := b.st.Values[0].Name; got != "????" {
		t.Errorf("a name that was kept without cloning still reads %q", got)
	}
	f.send(10, 2, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
	if how, _ := f.image(spec); how == (idle{}) {
		t.Error("an error after a change went unseen")
	}
}
