package server

import (
	"slices"
	"strings"

	"aramid/servers/server/demo"
	"aramid/ukernel/uabi"
)

// bank implements demo.Demo in the plainest way: its truth is the protobuf message itself.
type bank struct {
	st    demo.State
	below demo.Client
}

// belowHandle is where the fake kernel has the server below.
const belowHandle = uabi.BootMM

func newBank() *bank { return &bank{below: demo.Client{H: belowHandle}} }

func (b *bank) spec() Spec {
	return Spec{
		Name: "bank", Rank: uabi.RankVFS, Service: demo.Service(b), State: b,
		Gone: b.gone, ThreadGone: b.threadGone, Event: b.event, Start: b.start, Check: true,
	}
}

func (b *bank) Save() []byte {
	p, err := b.st.MarshalVT()
	if err != nil {
		panic(err)
	}
	return p
}

func (b *bank) Load(p []byte) error {
	b.st.Reset()
	return b.st.UnmarshalVT(p)
}

func (b *bank) Handles(f func(uabi.Handle)) {
	for _, o := range b.st.Objects {
		f(uabi.Handle(o.Event))
	}
	if b.st.Kept != 0 {
		f(uabi.Handle(b.st.Kept))
	}
}

func (b *bank) balance(account uint32) *demo.State_Balance {
	for _, x := range b.st.Balances {
		if x.Account == account {
			return x
		}
	}
	x := &demo.State_Balance{Account: account}
	b.st.Balances = append(b.st.Balances, x)
	return x
}

func (b *bank) object(c *Ctx) *demo.State_Object {
	for _, o := range b.st.Objects {
		if o.Number == c.Badge() {
			return o
		}
	}
	return nil
}

func (b *bank) Add(c *Ctx, in *demo.AddRequest, out *demo.AddReply) uabi.Error {
	if in.Amount == 0 {
		return uabi.ErrRange
	}
	x := b.balance(in.Account)
	x.Amount += in.Amount
	out.Balance = x.Amount
	return uabi.OK
}

func (b *bank) Put(c *Ctx, in *demo.PutRequest, out *demo.PutReply) uabi.Error {
	if in.Name == "" {
		return uabi.ErrArg
	}
	version := c.Rand64()
	value := slices.Clone(in.Value)
	for _, v := range b.st.Values {
		if v.Name == in.Name {
			out.Name, out.Value, out.Version = v.Name, v.Value, v.Version
			v.Value, v.Version = value, version
			return uabi.OK
		}
	}
	b.st.Values = append(b.st.Values, &demo.State_Value{Name: strings.Clone(in.Name), Value: value, Version: version})
	out.Name = in.Name
	return uabi.OK
}

func (b *bank) Get(c *Ctx, in *demo.GetRequest, out *demo.PutReply) uabi.Error {
	for _, v := range b.st.Values {
		if v.Name == in.Name {
			out.Name, out.Value, out.Version = v.Name, v.Value, v.Version
			return uabi.OK
		}
	}
	return uabi.ErrNotFound
}

// checkContext panics unless the context words are those that fake and loop send, or the request is gone.
func checkContext(c *Ctx) {
	for i, want := range []uint64{c.Origin(), c.ID().Trap} {
		if v := c.Context(i); v != 0 && v != want {
			panic("bank: a context word of another request")
		}
	}
}

func (b *bank) Open(c *Ctx, in *demo.OpenRequest, out *demo.OpenReply) uabi.Error {
	note := make([]byte, c.GrantLen(0))
	ev, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	if n, err := c.GrantRead(0, 0, note); n < len(note) {
		return err
	}
	if n, err := c.GrantWrite(0, 0, []byte("open")[:min(len(note), 4)]); n < len(note) {
		return err
	}
	checkContext(c)
	number := b.st.Next + 1
	h, err := c.Mint(number)
	if err != uabi.OK {
		return err
	}
	b.st.Next = number
	b.st.Objects = append(b.st.Objects, &demo.State_Object{Number: number, Event: uint32(ev)})
	out.Number, out.Object = number, uint32(h)
	return uabi.OK
}

func (b *bank) Post(c *Ctx, in *demo.OpenRequest, out *demo.AddReply) uabi.Error {
	o := b.object(c)
	if o == nil {
		return uabi.ErrNotFound
	}
	c.EventLater(uabi.Handle(o.Event), 1, 0, 0)
	o.Posts++
	out.Balance = o.Posts
	return uabi.OK
}

func (b *bank) Take(c *Ctx, in *demo.OpenRequest, out *demo.AddReply) uabi.Error {
	o := b.object(c)
	if o == nil {
		return uabi.ErrNotFound
	}
	if o.Posts == 0 {
		return c.Wait(uabi.Handle(o.Event), 1, 0, uabi.NoDeadline)
	}
	if o.Posts == 1 {
		if _, err := c.EventUpdate(uabi.Handle(o.Event), 0, 1, 0); err != uabi.OK {
			return err
		}
	}
	o.Posts--
	out.Balance = o.Posts
	return uabi.OK
}

func (b *bank) Pay(c *Ctx, in *demo.AddRequest, out *demo.PayReply) uabi.Error {
	if in.Amount <= 0 {
		return uabi.ErrRange
	}
	checkContext(c)
	var got demo.AddReply
	var was demo.PutReply
	if err := b.below.Get(c, &demo.GetRequest{Name: "rate"}, &was); err != uabi.OK && err != uabi.ErrNotFound {
		return err
	}
	note := make([]byte, c.GrantLen(0))
	n, err := c.GrantRead(0, 0, note)
	if err != uabi.OK && len(note) > 0 {
		return err
	}
	if err := b.below.Add(c, &demo.AddRequest{Account: in.Account, Amount: in.Amount}, &got); err != uabi.OK {
		return err
	}
	when := c.Now()
	checkContext(c)
	if err := b.below.Put(c, &demo.PutRequest{Name: "last", Value: note[:n]}, &was); err != uabi.OK {
		return err
	}
	c.GrantWrite(0, 0, []byte("paid"))
	x := b.balance(in.Account)
	x.Amount -= in.Amount
	out.Balance, out.Below, out.When = x.Amount, got.Balance, when
	return uabi.OK
}

func (b *bank) Keep(c *Ctx, in *demo.KeepRequest, out *demo.KeepReply) uabi.Error {
	before := uabi.Handle(b.st.Kept)
	if !in.Drop {
		out.Before = uint32(before)
	}
	if in.Show {
		return uabi.OK
	}
	if before != 0 {
		c.Close(before)
	}
	b.st.Kept = in.Thing
	return uabi.OK
}

func (b *bank) Ping(c *Ctx, in *demo.PingRequest, out *demo.PingRequest) uabi.Error {
	checkContext(c)
	b.st.Pings++
	out.Name, out.Number, out.Offset, out.Flags, out.Text = in.Name, in.Number, in.Offset, in.Flags, in.Text
	return uabi.OK
}

func (b *bank) All(c *Ctx, in *demo.Kinds, out *demo.Kinds) uabi.Error { return uabi.OK }

func (b *bank) Crash(c *Ctx, in *demo.OpenRequest, out *demo.AddReply) uabi.Error {
	panic("crash on request")
}

func (b *bank) gone(c *Ctx, badge uint64) {
	for i, o := range b.st.Objects {
		if o.Number == badge {
			c.Close(uabi.Handle(o.Event))
			b.st.Objects = slices.Delete(b.st.Objects, i, i+1)
			b.st.Gone++
			return
		}
	}
}

// A notice can be told again after a crash, so these say what is, and do not count.
func (b *bank) threadGone(c *Ctx, origin uint64) { b.st.Threads = origin }

func (b *bank) event(c *Ctx, key uint64, bits uint32) { b.st.Events = key * uint64(bits) }

func (b *bank) start(c *Ctx) { b.st.Started++ }
