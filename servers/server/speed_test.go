package server

import (
	"testing"

	"aramid/servers/server/demo"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// loop is a kernel that delivers one request again and again, each under the next id, and then says that the endpoint is gone.
type loop struct {
	*fake
	req  request
	left int
}

func (l *loop) Receive(uabi.Handle, uint64) uabi.Error {
	if l.left == 0 {
		return uabi.ErrDead
	}
	l.left--
	in := l.buf.In
	in.Kind = uabi.KindCall
	l.req.msg.ID.Trap++
	in.ID = l.req.msg.ID
	in.Method = l.req.msg.Method
	in.W = l.req.msg.W
	in.Badge = l.req.msg.Badge
	in.Flags, in.NHandles, in.NGrants = 0, 0, 0
	in.Len = uint32(copy(l.buf.InBytes, l.req.bytes))
	return uabi.OK
}

func (l *loop) ReplyReceive(e uabi.Handle, d uint64) uabi.Error { return l.Receive(e, d) }

var _ uk.Kernel = (*loop)(nil)

// looping is a server that was given one request, so that everything that grows has grown.
func looping(t testing.TB, queue func(f *fake) *request) (*loop, *server) {
	t.Helper()
	f := newFake(4 << 20)
	l := &loop{fake: f}
	l.req = *queue(f)
	f.queue = nil
	b := newBank()
	spec := b.spec()
	spec.Check = false
	s, err := open(l, spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	serveSome(t, l, s, 4)
	return l, s
}

func serveSome(t testing.TB, l *loop, s *server, n int) {
	l.left = n
	s.b.Out.Kind = uabi.AnswerNone
	s.serve()
	if s.b.Out.Status != 0 {
		t.Fatalf("answered %v", uabi.Error(-s.b.Out.Status))
	}
}

// requests that must be cheap: words, and a 50-byte protobuf both ways.
var cheap = []struct {
	name  string
	queue func(f *fake) *request
}{
	{"words", func(f *fake) *request {
		return f.send(10, 1, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 3})
	}},
	{"protobuf", func(f *fake) *request {
		return f.send(10, 1, 0, demo.MethodPing, &demo.PingRequest{Name: "a name of some length", Number: 12345678, Offset: 1 << 40, Flags: 77, Text: "more"})
	}},
}

func TestARequestAllocatesNothing(t *testing.T) {
	for _, c := range cheap {
		l, s := looping(t, c.queue)
		// The end of the loop allocates its error.
		some := testing.AllocsPerRun(10, func() { serveSome(t, l, s, 100) })
		more := testing.AllocsPerRun(10, func() { serveSome(t, l, s, 200) })
		if some != more {
			t.Errorf("%s: %v allocations in 100 more requests", c.name, more-some)
		}
	}
}

func TestASmallRequestTakesLittleOfTheLog(t *testing.T) {
	for _, c := range cheap {
		l, s := looping(t, c.queue)
		before := s.kept.tail
		serveSome(t, l, s, 1)
		if got := (s.kept.tail - before) * wordSize; got < 50 || got > 200 {
			t.Errorf("%s: a record of %d bytes", c.name, got)
		}
	}
}

func BenchmarkServe(b *testing.B) {
	for _, c := range cheap {
		b.Run(c.name, func(b *testing.B) {
			l, s := looping(b, c.queue)
			b.ReportAllocs()
			b.ResetTimer()
			serveSome(b, l, s, b.N)
		})
	}
}
