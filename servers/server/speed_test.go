package server

import (
	"testing"

	"aramid/proto/ipc"
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
	in.Context[0], in.Context[1] = in.ID.Origin, in.ID.Trap
	in.Method = l.req.msg.Method
	in.W = l.req.msg.W
	in.Badge = l.req.msg.Badge
	in.Flags, in.NHandles, in.NGrants = 0, 0, 0
	in.Len = uint32(copy(l.buf.InBytes, l.req.bytes))
	return uabi.OK
}

func (l *loop) ReplyReceive(e uabi.Handle, d uint64) uabi.Error { return l.Receive(e, d) }

// Mint makes the same handle for ever, as a kernel that closes it with the answer.
func (l *loop) Mint(uabi.Handle, uint64, uint32) (uabi.Handle, uabi.Error) { return 1 << 20, uabi.OK }

var _ uk.Kernel = (*loop)(nil)

// opener has one handler, which does what most that open something do.
type opener struct{}

func (opener) Dispatch(c *Ctx, _ uint32, b *uk.Buffer) uabi.Error {
	c.Context(0)
	c.Context(1)
	h, err := c.Mint(5)
	b.Out.Len, b.Out.NHandles, b.Out.Handle[0] = 0, 1, h
	return err
}

// looping is a server that was given one request, so that everything that grows has grown.
func looping(t testing.TB, how cheap) (*loop, *server) {
	t.Helper()
	f := newFake(4 << 20)
	l := &loop{fake: f}
	l.req = *how.queue(f)
	f.queue = nil
	b := newBank()
	spec := b.spec()
	spec.Check = false
	if how.dispatch != nil {
		spec.Service.Dispatch = how.dispatch
	}
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

// cheap is a request that must be cheap.
type cheap struct {
	name     string
	dispatch ipc.Dispatcher[*Ctx] // nil: the bank's
	queue    func(f *fake) *request
}

// allCheap: words, a 50-byte protobuf both ways, context words and a badge.
var allCheap = []cheap{
	{"words", nil, func(f *fake) *request {
		return f.send(10, 1, 0, demo.MethodAdd, &demo.AddRequest{Account: 1, Amount: 3})
	}},
	{"protobuf", nil, func(f *fake) *request {
		return f.send(10, 1, 0, demo.MethodPing, &demo.PingRequest{Name: "a name of some length", Number: 12345678, Offset: 1 << 40, Flags: 77, Text: "more"})
	}},
	{"badge", opener{}, func(f *fake) *request { return f.send(10, 1, 0, demo.MethodOpen, &demo.OpenRequest{}) }},
}

func TestARequestAllocatesNothing(t *testing.T) {
	for _, c := range allCheap {
		l, s := looping(t, c)
		// The end of the loop allocates its error.
		some := testing.AllocsPerRun(10, func() { serveSome(t, l, s, 100) })
		more := testing.AllocsPerRun(10, func() { serveSome(t, l, s, 200) })
		if some != more {
			t.Errorf("%s: %v allocations in 100 more requests", c.name, more-some)
		}
	}
}

func TestASmallRequestTakesLittleOfTheLog(t *testing.T) {
	for _, c := range allCheap {
		l, s := looping(t, c)
		before := s.kept.tail
		serveSome(t, l, s, 1)
		if got := (s.kept.tail - before) * wordSize; got < 50 || got > 200 {
			t.Errorf("%s: a record of %d bytes", c.name, got)
		}
	}
}

func BenchmarkServe(b *testing.B) {
	for _, c := range allCheap {
		b.Run(c.name, func(b *testing.B) {
			l, s := looping(b, c)
			b.ReportAllocs()
			b.ResetTimer()
			serveSome(b, l, s, b.N)
		})
	}
}
