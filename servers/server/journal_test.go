package server

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"aramid/servers/server/demo"
	"aramid/ukernel/uabi"
)

// logged runs requests in a fresh server and returns its machine and state.
func logged(t *testing.T, n int) (*fake, *bank) {
	t.Helper()
	f := newFake(testKept)
	for i := 1; i <= n; i++ {
		f.send(10, uint64(i), 0, demo.MethodAdd, &demo.AddRequest{Account: uint32(i % 3), Amount: int64(i)})
		f.send(11, uint64(i), 0, demo.MethodPut, &demo.PutRequest{Name: fmt.Sprint("name", i%4), Value: bytes.Repeat([]byte{byte(i)}, i)})
	}
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	return f, b
}

// TestATornRecordIsNoRecord cuts the last record's stores off at every byte, over what an earlier epoch left there: the state is
// then the one before, or, when the last byte of the commit word was stored, the one after.
func TestATornRecordIsNoRecord(t *testing.T) {
	for _, garbage := range []byte{0, 0xff, 0x5a, 0xa5} {
		f := newFake(testKept)
		f.send(10, 1, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
		if _, err := f.run(); err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(f.kept)
		f.send(10, 2, 0, demo.MethodPut, &demo.PutRequest{Name: "n", Value: []byte("value")})
		if _, err := f.run(); err != nil {
			t.Fatal(err)
		}
		after := slices.Clone(f.kept)
		k, _, err := openKept(slices.Clone(before))
		if err != nil {
			t.Fatal(err)
		}
		var in uabi.Msg
		start := recordEnds(k, &in)[2] * wordSize // behind the start and Add
		k2, _, err := openKept(slices.Clone(after))
		if err != nil {
			t.Fatal(err)
		}
		end := recordEnds(k2, &in)[3] * wordSize
		// The payload is stored first, then the end mark, then the record's own state word.
		order := append(seq(start+wordSize, end+wordSize), seq(start, start+wordSize)...)
		for cut := 0; cut <= len(order); cut++ {
			mem := slices.Clone(before)
			for i := start + wordSize; i < end; i++ {
				mem[i] = garbage
			}
			for _, i := range order[:cut] {
				mem[i] = after[i]
			}
			b := newBank()
			if _, err := Replay(b.spec(), mem, nil); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			want := 0
			if cut == len(order) {
				want = 1
			}
			if b.balance(1).Amount != 1 || len(b.st.Values) != want {
				t.Fatalf("garbage %#x, cut at %d of %d: %v", garbage, cut, len(order), &b.st)
			}
		}
	}
}

func seq(from, to int) []int {
	var s []int
	for ; from < to; from++ {
		s = append(s, from)
	}
	return s
}

// recordEnds lists where the log's records start, and the end.
func recordEnds(k *kept, in *uabi.Msg) []int {
	ends := []int{k.log}
	for o := k.log; ; {
		r, _, ok := k.read(o, in)
		if !ok {
			return ends
		}
		o = r.end
		ends = append(ends, o)
	}
}

func TestReplayOnTheHostGivesTheStateThatTheServerHad(t *testing.T) {
	f := newFake(testKept)
	script(f)
	want, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	got := newBank()
	var methods []string
	rep, err := Replay(got.spec(), f.kept, func(r Record) { methods = append(methods, r.Method) })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Save(), want.Save()) {
		t.Errorf("replayed %v\nwant %v", &got.st, &want.st)
	}
	// The script takes a snapshot before its last five requests.
	if !slices.Equal(methods, []string{"Add", "Open", "Pay", "Post", "Add"}) || rep.Open || rep.Health.Snapshots != 1 {
		t.Errorf("records %v, report %+v", methods, rep)
	}
}

func TestReplayOnTheHostRunsAnOpenIntentAsFarAsItsLogGoes(t *testing.T) {
	opened := 0
	for at := 1; at < 60; at++ {
		f := newFake(testKept)
		f.send(11, 3, 0, demo.MethodPay, &demo.AddRequest{Account: 1, Amount: 30}).grant = []byte("rent")
		f.killAt[at] = true
		if how, _ := f.image(newBank().spec()); how != (killed{}) {
			break
		}
		b := newBank()
		rep, err := Replay(b.spec(), f.kept, nil)
		if err != nil {
			t.Fatalf("killed at %d: %v", at, err)
		}
		if rep.Open {
			opened++
		}
	}
	if opened < 5 {
		t.Errorf("only %d kills left an open intent", opened)
	}
}

func TestASnapshotKeepsStateRepliesAndCounter(t *testing.T) {
	f, want := logged(t, 20)
	f.notice(uabi.NoticeEvent, ControlKey, ControlSnapshot)
	again := f.send(11, 20, 0, demo.MethodPut, &demo.PutRequest{Name: "other"})
	again.resend = true
	stale := f.send(10, 19, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 1})
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Save(), want.Save()) {
		t.Errorf("state %v, want %v", &b.st, &want.st)
	}
	first := f.done[39]
	if again.status != uabi.OK || !bytes.Equal(again.out, first.out) {
		t.Errorf("the retained reply is %v %q, was %q", again.status, again.out, first.out)
	}
	if stale.status != uabi.ErrStale {
		t.Errorf("stale request: %v", stale.status)
	}
}

func TestAFullLogBecomesASnapshotByItself(t *testing.T) {
	f := newFake(testKept)
	big := bytes.Repeat([]byte("v"), 40<<10)
	const n = 60
	for i := 1; i <= n; i++ {
		big[0] = byte(i)
		f.send(10, uint64(i), 0, demo.MethodPut, &demo.PutRequest{Name: "big", Value: big})
	}
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := openKept(f.kept)
	if err != nil {
		t.Fatal(err)
	}
	if h := k.health(); h.Snapshots < 5 || h.Commits != n+1 {
		t.Errorf("health %+v", h)
	}
	got := newBank()
	if _, err := Replay(got.spec(), f.kept, nil); err != nil || !bytes.Equal(got.Save(), b.Save()) {
		t.Errorf("replay: %v", err)
	}
}

func TestAStateThatFitsIntoNoSnapshotIsAnErrorToTheCaller(t *testing.T) {
	f := newFake(testKept)
	var last *request
	for i := 1; i <= 60; i++ {
		last = f.send(10, uint64(i), 0, demo.MethodPut, &demo.PutRequest{Name: fmt.Sprint(i), Value: bytes.Repeat([]byte("v"), 40<<10)})
	}
	if _, err := f.run(); err != nil {
		t.Fatal(err)
	}
	if last.status != uabi.ErrNoMem {
		t.Errorf("the last request was answered %v", last.status)
	}
	refused := 0
	for _, r := range f.done {
		if r.status == uabi.ErrNoMem {
			refused++
		}
	}
	if refused == 60 {
		t.Error("nothing was accepted")
	}
}

// TestASwapKeepsTheStateThoughAFieldIsAdded loads a snapshot that a newer binary wrote, with a field this one does not know.
func TestASwapKeepsTheStateThoughAFieldIsAdded(t *testing.T) {
	f, want := logged(t, 5)
	newer := newBank()
	spec := newer.spec()
	spec.State = added{newer}
	f.notice(uabi.NoticeEvent, ControlKey, ControlSnapshot)
	if how, err := f.image(spec); how != (idle{}) {
		t.Fatal(how, err)
	}
	f.notice(uabi.NoticeEvent, ControlKey, ControlSnapshot)
	b, err := f.run()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Save(), append(want.Save(), addedField...)) {
		t.Errorf("back in the old binary: %v, want %v", &b.st, &want.st)
	}
}

// added is the state of a binary that has one persisted field more: number 100, value 1.
type added struct{ *bank }

var addedField = []byte{0xa0, 0x06, 0x01}

func (a added) Save() []byte {
	return append(bytes.TrimSuffix(a.bank.Save(), addedField), addedField...)
}

// TestASuccessorThatCannotLoadLeavesEverythingToTheOldBinary is the failed swap.
func TestASuccessorThatCannotLoadLeavesEverythingToTheOldBinary(t *testing.T) {
	f, want := logged(t, 5)
	f.notice(uabi.NoticeEvent, ControlKey, ControlSnapshot)
	if _, err := f.run(); err != nil {
		t.Fatal(err)
	}
	bad := newBank()
	spec := bad.spec()
	spec.State = deaf{bad}
	for range 2 * maxTries {
		if _, err := f.image(spec); !errors.Is(err, errState) || ExitStatus(err) != ExitState {
			t.Fatalf("the deaf successor: %v", err)
		}
	}
	b, err := f.run()
	if err != nil || !bytes.Equal(b.Save(), want.Save()) {
		t.Errorf("the old binary: %v", err)
	}
}

// deaf is a state that does not load.
type deaf struct{ *bank }

func (deaf) Load([]byte) error { return errors.New("what is this") }

// TestAServerThatCrashesInReplayStopsWithItsJournalKept makes every replay panic.
func TestAServerThatCrashesInReplayStopsWithItsJournalKept(t *testing.T) {
	f, _ := logged(t, 3)
	broken := newBank()
	spec := broken.spec()
	spec.Service = demo.Service(breaks{broken})
	f.exit = goPanicStatus
	crashes := 0
	for range 10 {
		how, err := f.image(spec)
		if errors.Is(err, errReplay) {
			break
		}
		if how == nil {
			t.Fatal(err)
		}
		crashes++
	}
	if crashes != maxTries {
		t.Errorf("%d crashes, want %d", crashes, maxTries)
	}
	b := newBank()
	if rep, err := Replay(b.spec(), f.kept, nil); err != nil || rep.Records != 7 {
		t.Errorf("the kept journal: %+v, %v", rep, err)
	}
}

// breaks is a binary whose Put always panics.
type breaks struct{ *bank }

func (breaks) Put(*Ctx, *demo.PutRequest, *demo.PutReply) uabi.Error { panic("broken") }

// TestDamagedKeptMemoryNeverPanicsInOpen flips bits of the header.
func TestDamagedKeptMemoryNeverPanicsInOpen(t *testing.T) {
	f, _ := logged(t, 3)
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		mem := slices.Clone(f.kept)
		mem[r.IntN(headReplays*wordSize)] ^= 1 << r.IntN(8)
		if _, err := Replay(newBank().spec(), mem, nil); err != nil {
			continue
		}
	}
	if _, err := Replay(newBank().spec(), make([]byte, 100), nil); err == nil {
		t.Error("a hundred bytes were accepted")
	}
}

// TestRetainedRepliesMatchANaiveModel drives the table with random operations beside maps.
func TestRetainedRepliesMatchANaiveModel(t *testing.T) {
	type key struct{ id, path uint64 }
	rapid.Check(t, func(t *rapid.T) {
		r := newRetained()
		traps := map[uint64]uint64{}
		replies := map[key]int{}
		ids := rapid.Uint64Range(1, 200)
		for range rapid.IntRange(1, 400).Draw(t, "operations") {
			id := ids.Draw(t, "id")
			switch rapid.IntRange(0, 3).Draw(t, "operation") {
			case 0:
				r.remove(id)
				delete(traps, id)
				forget(replies, func(k key) bool { return k.id == id })
			case 1:
				traps[id]++
				forget(replies, func(k key) bool { return k.id == id })
				r.touch(id, traps[id])
			default:
				if traps[id] == 0 {
					traps[id] = 1
				}
				path := rapid.Uint64Range(1, 5).Draw(t, "path")
				if _, ok := replies[key{id, path}]; !ok {
					off := rapid.IntRange(1, 1<<20).Draw(t, "offset")
					replies[key{id, path}] = off
					r.put(id, traps[id], path, off)
				}
			}
		}
		if r.n != len(traps) {
			t.Fatalf("%d origins, want %d", r.n, len(traps))
		}
		for id, trap := range traps {
			o := r.find(id)
			if o == nil || o.trap != trap {
				t.Fatalf("origin %d: %+v, want trap %d", id, o, trap)
			}
			for path := uint64(1); path <= 5; path++ {
				if got := r.lookup(o, path); got != replies[key{id, path}] {
					t.Fatalf("reply %d/%d at %d, want %d", id, path, got, replies[key{id, path}])
				}
			}
		}
	})
}

func forget[K comparable](m map[K]int, f func(K) bool) {
	for k := range m {
		if f(k) {
			delete(m, k)
		}
	}
}
