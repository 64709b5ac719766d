package server

import (
	"errors"
	"fmt"
	"slices"

	"aramid/proto/ipc"
	"aramid/servers/server/demo"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// fake is the least kernel that the library runs on: one server, its kept memory, its handle table, a queue of requests. It can
// kill the server before and after any kernel call and at any step of the library. ukernel/uksim is the real thing.
type fake struct {
	uk.Kernel // what is not implemented panics
	buf       *uk.Buffer
	kept      []byte
	table     map[uabi.Handle]object
	last      uabi.Handle
	level     map[uabi.Handle]uint32

	queue   []*request
	cur     *request
	done    []*request
	dead    map[uint64]bool // acknowledged badges
	acked   []uint64        // threads
	exit    uint64
	crashes map[*request]int

	ticks  int
	killAt map[int]bool

	ledger map[uint32]int64 // the server below
	notes  []string
	served map[uabi.ID]belowReply
}

// object is what a handle of the server names.
type object struct {
	kind  uabi.Type
	badge uint64
}

// request is a message with what became of it.
type request struct {
	msg      uabi.Msg
	bytes    []byte
	grant    []byte
	resend   bool
	status   uabi.Error
	answered bool
	reply    uabi.Msg
	out      []byte
	badges   []uint64 // of the handles in the reply
}

type belowReply struct {
	msg   uabi.Msg
	bytes []byte
	args  string
}

// killed and idle end an image: by the test's plan, and because there is nothing more to do.
type killed struct{}
type idle struct{}

func newFake(size int) *fake {
	return &fake{
		buf: &uk.Buffer{
			In: new(uabi.Msg), Out: new(uabi.Msg), Arg: make([]byte, uabi.ArgSize),
			InBytes: make([]byte, uabi.MaxBytes), OutBytes: make([]byte, uabi.MaxBytes),
		},
		kept: make([]byte, size), table: map[uabi.Handle]object{}, last: uabi.BootFirst - 1, level: map[uabi.Handle]uint32{},
		dead: map[uint64]bool{}, killAt: map[int]bool{}, crashes: map[*request]int{},
		ledger: map[uint32]int64{}, served: map[uabi.ID]belowReply{},
	}
}

// tick is one place where the server may be killed.
func (f *fake) tick() {
	f.ticks++
	if f.killAt[f.ticks] {
		panic(killed{})
	}
}

func (f *fake) install(o object) uabi.Handle {
	f.last++
	f.table[f.last] = o
	return f.last
}

// around is tick before and behind a kernel call.
func (f *fake) around() func() {
	f.tick()
	return f.tick
}

func (f *fake) Buf() *uk.Buffer { return f.buf }

func (f *fake) MemorySize(h uabi.Handle) (uint64, uint64, uabi.Error) {
	if h != uabi.BootKept {
		return 0, 0, uabi.ErrHandle
	}
	return uint64(len(f.kept)), 0, uabi.OK
}

func (f *fake) MapSelf(h uabi.Handle, off, n uint64) ([]byte, uabi.Error) { return f.kept, uabi.OK }

func (f *fake) ProcessInfo(h uabi.Handle, info *uabi.ProcessInfo) uabi.Error {
	*info = uabi.ProcessInfo{ID: 7, ExitStatus: f.exit}
	return uabi.OK
}

func (f *fake) Subscribe(uabi.Handle) uabi.Error { return uabi.OK }

func (f *fake) Log(line []byte) (int, uabi.Error) {
	f.notes = append(f.notes, string(line))
	return len(line), uabi.OK
}

// Clock depends on how much was answered, so that it does not depend on kills.
func (f *fake) Clock(uint32) (uint64, uabi.Error) { return uint64(1000 + len(f.done)), uabi.OK }

func (f *fake) Barrier() {}

func (f *fake) Random(b []byte) (int, uabi.Error) {
	for i := range b {
		b[i] = byte(len(f.done)*31 + i)
	}
	return len(b), uabi.OK
}

func (f *fake) EventCreate(uabi.Handle) (uabi.Handle, uabi.Error) {
	defer f.around()()
	return f.install(object{kind: uabi.TypeEvent}), uabi.OK
}

func (f *fake) EventUpdate(h uabi.Handle, set, clear, raise uint32) (uint64, uabi.Error) {
	defer f.around()()
	if _, ok := f.table[h]; !ok {
		return 0, uabi.ErrHandle
	}
	f.level[h] = f.level[h]&^clear | set
	return 1, uabi.OK
}

func (f *fake) Mint(e uabi.Handle, badge uint64, rights uint32) (uabi.Handle, uabi.Error) {
	defer f.around()()
	if f.dead[badge] {
		return 0, uabi.ErrStale
	}
	return f.install(object{uabi.TypeBadge, badge}), uabi.OK
}

func (f *fake) Close(h uabi.Handle) uabi.Error {
	defer f.around()()
	if _, ok := f.table[h]; !ok {
		return uabi.ErrHandle
	}
	delete(f.table, h)
	return uabi.OK
}

func (f *fake) HandleNext(h uabi.Handle) (uabi.Handle, uabi.Error) {
	for n := h + 1; n <= f.last; n++ {
		if _, ok := f.table[n]; ok {
			return n, uabi.OK
		}
	}
	return 0, uabi.OK
}

func (f *fake) BadgeAck(e uabi.Handle, badge uint64) uabi.Error {
	defer f.around()()
	if f.dead[badge] {
		return uabi.ErrStale
	}
	f.dead[badge] = true
	return uabi.OK
}

func (f *fake) ThreadAck(e uabi.Handle, origin uint64) uabi.Error {
	defer f.around()()
	f.acked = append(f.acked, origin)
	return uabi.OK
}

func (f *fake) GrantRead(i int, off uint64, b []byte) (int, uabi.Error) {
	if f.cur == nil || i != 0 {
		return 0, uabi.ErrStale
	}
	return copy(b, f.cur.grant[off:]), uabi.OK
}

func (f *fake) GrantWrite(i int, off uint64, b []byte) (int, uabi.Error) {
	defer f.around()()
	if f.cur == nil || i != 0 {
		return 0, uabi.ErrStale
	}
	return copy(f.cur.grant[off:], b), uabi.OK
}

// Reply answers the current request.
func (f *fake) Reply() uabi.Error {
	f.tick()
	r := f.cur
	if r == nil {
		return uabi.ErrStale
	}
	out := f.buf.Out
	r.reply = *out
	r.status = uabi.Error(-out.Status)
	if out.Kind == uabi.AnswerWait {
		r.status = uabi.ErrWait
	}
	r.out = slices.Clone(f.buf.OutBytes[:out.Len])
	r.badges = nil
	for _, h := range out.Handle[:out.NHandles] {
		if h == 0 {
			r.badges = append(r.badges, 0)
			continue
		}
		o, ok := f.table[h]
		if !ok {
			panic(fmt.Errorf("reply with unknown handle %d", h))
		}
		r.badges = append(r.badges, o.badge)
	}
	r.answered = true
	f.done = append(f.done, r)
	f.cur = nil
	f.tick()
	return uabi.OK
}

func (f *fake) ReplyReceive(e uabi.Handle, deadline uint64) uabi.Error {
	if f.buf.Out.Kind != uabi.AnswerNone {
		f.Reply()
	}
	out := f.buf.Out
	if u := out.Update; u.Event != 0 {
		f.level[u.Event] = f.level[u.Event]&^u.Clear | u.Set
		out.Update.Event = 0
	}
	for _, h := range out.Close[:out.NClose] {
		f.Close(h)
	}
	out.NClose = 0
	return f.Receive(e, deadline)
}

func (f *fake) Receive(e uabi.Handle, deadline uint64) uabi.Error {
	f.tick()
	if f.buf.Out.Kind != uabi.AnswerNone && f.cur != nil {
		panic(errors.New("receive with a current request"))
	}
	if f.cur != nil && f.cur.msg.Kind == uabi.KindCall {
		f.cur.answered = true
		f.done = append(f.done, f.cur)
	}
	f.cur = nil
	if deadline == uabi.OnlyResent && (len(f.queue) == 0 || !f.queue[0].resend || f.queue[0].msg.Kind != uabi.KindCall) {
		return uabi.ErrTimeout
	}
	if len(f.queue) == 0 {
		if deadline != uabi.NoDeadline {
			return uabi.ErrTimeout
		}
		panic(idle{})
	}
	r := f.queue[0]
	f.queue = f.queue[1:]
	f.cur = r
	in := f.buf.In
	*in = r.msg
	if in.Kind == uabi.KindNotice && in.W[0] == uabi.NoticeGone {
		f.dead[in.W[1]] = true
	}
	if r.resend {
		in.Flags |= uabi.FlagResend
	}
	if f.crashes[r] >= uabi.QuarantineTry-1 {
		in.Flags |= uabi.FlagQuarantine
	}
	for i := range in.Handle[:in.NHandles] {
		if b := in.Record[i]; b != 0 {
			in.Handle[i] = f.install(object{uabi.TypeBadge, b})
		} else if in.Handle[i] != 0 {
			in.Handle[i] = f.install(object{kind: uabi.TypeMemory})
		}
	}
	if r.grant != nil {
		in.NGrants = 1
		in.Grant[0].Len = uint64(len(r.grant))
	}
	// What an earlier message left must not be mistaken for this one's.
	for i := range f.buf.InBytes[:4096] {
		f.buf.InBytes[i] = 0xdd
	}
	in.Len = uint32(copy(f.buf.InBytes, r.bytes))
	in.Context[0], in.Context[1] = in.ID.Origin, in.ID.Trap
	f.tick()
	return uabi.OK
}

// Call is the server below: it executes each id once.
func (f *fake) Call(h uabi.Handle) uabi.Error {
	defer f.around()()
	out := f.buf.Out
	m := demo.Methods[out.Method-1]
	in := m.NewIn()
	in.FromWords(&out.W)
	if m.In == ipc.Bytes {
		if err := in.UnmarshalVTUnsafe(slices.Clone(f.buf.OutBytes[:out.Len])); err != nil {
			panic(err)
		}
	}
	args := fmt.Sprint(out.Method, in)
	if m.Mutates {
		if out.ID == (uabi.ID{}) {
			panic(errors.New("mutation without an id"))
		}
		if r, ok := f.served[out.ID]; ok {
			if r.args != args {
				panic(errors.New("same id, other arguments: " + r.args + " " + args))
			}
			return f.belowAnswer(r)
		}
	}
	r := belowReply{args: args, msg: uabi.Msg{Kind: uabi.KindReply}}
	var reply ipc.Message
	switch in := in.(type) {
	case *demo.AddRequest:
		f.ledger[in.Account] += in.Amount
		reply = &demo.AddReply{Balance: f.ledger[in.Account]}
	case *demo.PutRequest:
		f.notes = append(f.notes, string(in.Value))
		reply = &demo.PutReply{Name: in.Name}
	case *demo.GetRequest:
		r.msg.Status = -int32(uabi.ErrNotFound)
		return f.belowAnswer(r)
	}
	reply.ToWords(&r.msg.W)
	if m.Out == ipc.Bytes {
		r.bytes = make([]byte, reply.SizeVT())
		if _, err := reply.MarshalToSizedBufferVT(r.bytes); err != nil {
			panic(err)
		}
		r.msg.Len = uint32(len(r.bytes))
	}
	f.served[out.ID] = r
	return f.belowAnswer(r)
}

func (f *fake) belowAnswer(r belowReply) uabi.Error {
	*f.buf.Out = r.msg
	copy(f.buf.OutBytes, r.bytes)
	return uabi.Error(-r.msg.Status)
}

// image runs one image of the server until it is killed, crashes or is idle; state is its fresh state.
func (f *fake) image(spec Spec) (how any, err error) {
	defer func() {
		if how = recover(); how != nil {
			if _, ok := how.(idle); !ok && f.cur != nil {
				f.cur.resend = true
				f.queue = append([]*request{f.cur}, f.queue...)
				if _, ok := how.(killed); !ok {
					f.crashes[f.cur]++
				}
				f.cur = nil
			}
		}
	}()
	*f.buf.Out = uabi.Msg{}
	s, err := open(f, spec)
	if err != nil {
		return nil, err
	}
	s.onStep = func(step) { f.tick() }
	if err := s.start(); err != nil {
		return nil, err
	}
	return nil, s.serve()
}

// run runs images until there is nothing more to do, and returns the last one's state.
func (f *fake) run() (*bank, error) {
	for {
		b := newBank()
		how, err := f.image(b.spec())
		switch how := how.(type) {
		case nil:
			return nil, err
		case idle:
			return b, nil
		case killed:
			f.exit = 9
		case string:
			f.exit = goPanicStatus
		default:
			panic(how)
		}
	}
}

// send queues a request with that id.
func (f *fake) send(origin, trap uint64, badge uint64, method uint32, in ipc.Message) *request {
	r := &request{}
	r.msg = uabi.Msg{Kind: uabi.KindCall, Method: method, Badge: badge}
	m := demo.Methods[method-1]
	if m.Mutates {
		r.msg.ID = uabi.ID{Origin: origin, Trap: trap, Path: 1 << uabi.PathShift(uabi.RankLinux)}
	}
	if m.In == ipc.Bytes {
		r.bytes = make([]byte, in.SizeVT())
		if _, err := in.MarshalToSizedBufferVT(r.bytes); err != nil {
			panic(err)
		}
	} else {
		in.ToWords(&r.msg.W)
	}
	r.msg.NHandles = uint32(m.InHandles)
	in.ToHandles(&r.msg.Handle)
	f.queue = append(f.queue, r)
	return r
}

func (f *fake) notice(kind, a, b uint64) {
	r := &request{msg: uabi.Msg{Kind: uabi.KindNotice}}
	r.msg.W = [uabi.MaxWords]uint64{kind, a, b}
	f.queue = append(f.queue, r)
}

var _ uk.Kernel = (*fake)(nil)
