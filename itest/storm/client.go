package storm

import (
	"fmt"
	"math/rand/v2"

	"aramid/itest/ledger/bank"
	pb "aramid/itest/ledger/proto"
	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Sum is what clients did, for the checker. Their sums are added.
type Sum struct {
	Deposited, Withdrawn, House uint64
	Entries                     uint64 // the auditor must have numbered so many
	Operations                  uint64 // version 2 of the ledger must have counted so many
	Calls                       uint64 // requests sent
}

// Add adds another client's sum.
func (s *Sum) Add(o Sum) {
	s.Deposited += o.Deposited
	s.Withdrawn += o.Withdrawn
	s.House += o.House
	s.Entries += o.Entries
	s.Operations += o.Operations
	s.Calls += o.Calls
}

// Client is one storm program. It makes no request whose answer it does not know.
type Client struct {
	Name   string // unique among the clients of a run
	K      uk.Kernel
	T      *ipc.Thread
	Ledger uabi.Handle
	Rand   *rand.Rand
	Sum    Sum

	own    []*account
	opened int
	grant  []byte // on the heap, as granted memory must be
}

// account is one that only this client uses.
type account struct {
	h       uabi.Handle
	name    string
	balance uint64
	history []int64
	opened  int // descriptors that mean it, of an alien
}

// New makes the client of the current thread, whose buffer is attached. ledger is the ledger's plain endpoint.
func New(k uk.Kernel, name string, ledger uabi.Handle, seed uint64) (*Client, error) {
	return NewLane(k, name, ledger, seed, 0)
}

// NewLane is New for a process with several clients, each on a thread of its own under a lane number of its own.
func NewLane(k uk.Kernel, name string, ledger uabi.Handle, seed uint64, lane uint16) (*Client, error) {
	t, err := ipc.NewThread(k, lane)
	if err != uabi.OK {
		return nil, err
	}
	return &Client{Name: name, K: k, T: t, Ledger: ledger, Rand: rand.New(rand.NewPCG(seed, 1)), grant: make([]byte, grantSize)}, nil
}

const (
	grantSize   = 40
	maxAccounts = 4
	maxAmount   = 100
)

// fault is an answer that was wrong.
type fault struct{ error }

// check ends the program if the answer is not what it must be.
func (c *Client) check(what string, got, want uabi.Error) {
	c.Sum.Calls++
	if got != want {
		panic(fault{fmt.Errorf("%s: %s answers %q, must be %q", c.Name, what, got.Error(), want.Error())})
	}
}

// equal ends the program if two numbers differ.
func (c *Client) equal(what string, got, want uint64) {
	if got != want {
		panic(fault{fmt.Errorf("%s: %s is %d, must be %d", c.Name, what, got, want)})
	}
}

// caught turns a wrong answer into an error.
func caught(err *error) {
	switch v := recover().(type) {
	case nil:
	case fault:
		*err = v
	default:
		panic(v)
	}
}

// Run makes n random operations, then closes everything. The error is the first wrong answer.
func (c *Client) Run(n int) (err error) {
	defer caught(&err)
	for range n {
		c.operation()
	}
	for len(c.own) > 0 {
		c.drop(len(c.own) - 1)
	}
	return nil
}

// operation is one random operation.
func (c *Client) operation() {
	if len(c.own) == 0 || c.Rand.IntN(6) == 0 && len(c.own) < maxAccounts {
		c.open()
		return
	}
	i := c.Rand.IntN(len(c.own))
	a := c.own[i]
	switch c.Rand.IntN(13) {
	case 0, 1, 2:
		c.deposit(a)
	case 3:
		c.withdraw(a)
	case 4:
		c.overdraw(a)
	case 5, 6:
		c.transfer(a, c.own[c.Rand.IntN(len(c.own))])
	case 7:
		c.again(a)
	case 8:
		c.look(a)
	case 9:
		c.drop(i)
	case 10:
		c.load(a)
	case 11:
		c.export(a)
	case 12:
		c.late(a)
	}
}

func (c *Client) plain() pb.LedgerClient        { return pb.LedgerClient{H: c.Ledger} }
func (c *Client) at(a *account) pb.LedgerClient { return pb.LedgerClient{H: a.h} }
func (c *Client) amount() uint64                { return 1 + c.Rand.Uint64N(maxAmount) }
func (c *Client) did(a *account, amount int64) {
	a.balance += uint64(amount)
	a.history = append(a.history, amount)
	c.Sum.Entries++
	c.Sum.Operations++
}

func (c *Client) open() {
	c.opened++
	a := &account{name: fmt.Sprintf("%s-%d", c.Name, c.opened)}
	a.h = c.openAs(a.name)
	c.own = append(c.own, a)
}

func (c *Client) openAs(name string) uabi.Handle {
	var out pb.AccountReply
	c.check("open "+name, c.plain().Open(c.T, &pb.OpenRequest{Name: name}, &out), uabi.OK)
	if out.Account == 0 {
		panic(fault{fmt.Errorf("%s: open %s answers no handle", c.Name, name)})
	}
	return uabi.Handle(out.Account)
}

func (c *Client) deposit(a *account) {
	var out pb.BalanceReply
	if c.Rand.IntN(8) == 0 {
		c.check("deposit of nothing", c.at(a).Deposit(c.T, &pb.AmountRequest{}, &out), uabi.ErrArg)
		return
	}
	n := c.amount()
	c.check("deposit", c.at(a).Deposit(c.T, &pb.AmountRequest{Amount: n}, &out), uabi.OK)
	c.did(a, int64(n))
	c.Sum.Deposited += n
	c.equal("balance after a deposit", out.Balance, a.balance)
}

func (c *Client) withdraw(a *account) {
	if a.balance == 0 {
		return
	}
	var out pb.BalanceReply
	n := 1 + c.Rand.Uint64N(a.balance)
	switch c.Rand.IntN(3) {
	case 0:
		c.check("withdraw", c.at(a).Withdraw(c.T, &pb.AmountRequest{Amount: n}, &out), uabi.OK)
	case 1:
		c.check("trywithdraw", c.at(a).TryWithdraw(c.T, &pb.AmountRequest{Amount: n}, &out), uabi.OK)
	case 2:
		c.check("drain", c.at(a).Drain(c.T, &pb.AmountRequest{Amount: n}, &out), uabi.OK)
		c.equal("drained", out.Balance, n)
		out.Balance = a.balance - n
	}
	c.did(a, -int64(n))
	c.Sum.Withdrawn += n
	c.equal("balance after a withdrawal", out.Balance, a.balance)
}

// overdraw asks for more than there is.
func (c *Client) overdraw(a *account) {
	var out pb.BalanceReply
	n := a.balance + c.amount()
	c.check("overdraft", c.at(a).TryWithdraw(c.T, &pb.AmountRequest{Amount: n}, &out), uabi.ErrNoSpace)
}

// late waits for funds that do not come until a deadline has passed.
func (c *Client) late(a *account) {
	now, _ := c.K.Clock(uabi.ClockMonotonic)
	in := pb.AmountRequest{Amount: a.balance + c.amount(), Deadline: now + 1 + c.Rand.Uint64N(lateNS)}
	for {
		var out pb.BalanceReply
		err := c.at(a).Withdraw(c.T, &in, &out)
		if err == uabi.ErrWait {
			c.Sum.Calls++
			c.T.Wait()
			continue
		}
		c.check("withdrawal with a deadline", err, uabi.ErrTimeout)
		return
	}
}

// lateNS is the longest time that late waits.
const lateNS = 100_000

func (c *Client) transfer(from, to *account) {
	var out pb.BalanceReply
	in := pb.TransferRequest{Amount: c.amount(), To: uint32(to.h)}
	err := c.at(from).Transfer(c.T, &in, &out)
	switch {
	case from == to:
		c.check("transfer to itself", err, uabi.ErrArg)
	case from.balance < in.Amount:
		c.check("transfer without funds", err, uabi.ErrNoSpace)
	default:
		c.check("transfer", err, uabi.OK)
		c.did(from, -int64(in.Amount))
		c.did(to, int64(in.Amount))
		c.equal("balance after a transfer", out.Balance, from.balance)
	}
}

// again finds the account by its name and goes on with the new handle, or with both in turn.
func (c *Client) again(a *account) {
	var out pb.AccountReply
	c.check("find", c.plain().Find(c.T, &pb.FindRequest{Name: a.name}, &out), uabi.OK)
	old := a.h
	a.h = uabi.Handle(out.Account)
	if c.Rand.IntN(2) == 0 {
		c.look(a)
	}
	c.check("close", c.K.Close(old), uabi.OK)
}

func (c *Client) look(a *account) {
	var out pb.BalanceReply
	c.check("balance", c.at(a).Balance(c.T, &pb.EmptyRequest{}, &out), uabi.OK)
	c.equal("balance", out.Balance, a.balance)
	var h pb.HistoryReply
	from := c.Rand.IntN(len(a.history) + 1)
	c.check("history", c.at(a).History(c.T, &pb.HistoryRequest{From: uint64(from)}, &h), uabi.OK)
	c.equal("length of the history", uint64(len(h.Entries)), uint64(len(a.history)-from))
	last := uint64(0)
	for i, e := range h.Entries {
		c.equal("amount in the history", uint64(e.Amount), uint64(a.history[from+i]))
		if e.Number <= last {
			panic(fault{fmt.Errorf("%s: entry %d comes after entry %d", c.Name, e.Number, last)})
		}
		last = e.Number
	}
}

// load imports from granted memory.
func (c *Client) load(a *account) {
	var sum uint64
	for i := range c.grant {
		c.grant[i] = byte(c.Rand.IntN(5))
		sum += uint64(c.grant[i])
	}
	if sum == 0 {
		return
	}
	var out pb.BalanceReply
	c.check("import", c.at(a).Import(c.T, &pb.EmptyRequest{}, &out, uk.Grant(c.grant, uabi.RightRead)), uabi.OK)
	c.did(a, int64(sum))
	c.Sum.Deposited += sum
	c.equal("balance after an import", out.Balance, a.balance)
}

// export has the account's name written into granted memory.
func (c *Client) export(a *account) {
	clear(c.grant)
	var out pb.BalanceReply
	c.check("export", c.at(a).Export(c.T, &pb.EmptyRequest{}, &out, uk.Grant(c.grant, uabi.RightWrite)), uabi.OK)
	c.Sum.Operations++
	c.equal("bytes exported", out.Balance, uint64(len(a.name)))
	if got := string(c.grant[:len(a.name)]); got != a.name {
		panic(fault{fmt.Errorf("%s: %q was exported, must be %q", c.Name, got, a.name)})
	}
}

// drop closes an account by closing its only handle.
func (c *Client) drop(i int) {
	a := c.own[i]
	c.own = append(c.own[:i], c.own[i+1:]...)
	c.closed(a.balance)
	c.check("close", c.K.Close(a.h), uabi.OK)
}

// closed counts what the ledger does when an account with that balance is closed.
func (c *Client) closed(balance uint64) {
	c.Sum.House += balance
	if balance > 0 {
		c.Sum.Entries++
	}
}

// Poison sends a request that crashes the ledger until it is answered ErrIO.
func (c *Client) Poison(kind uint64) (err error) {
	defer caught(&err)
	c.open()
	a := c.own[len(c.own)-1]
	var out pb.BalanceReply
	c.check("poison", c.at(a).Poison(c.T, &pb.PoisonRequest{Kind: kind}, &out), uabi.ErrIO)
	c.deposit(a)
	for len(c.own) > 0 {
		c.drop(0)
	}
	return nil
}

// PoisonKinds are those that Poison takes.
var PoisonKinds = []uint64{bank.PoisonNow, bank.PoisonAfterEffect, bank.PoisonLoop}
