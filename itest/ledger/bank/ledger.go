package bank

import (
	"sort"
	"strings"

	pb "aramid/itest/ledger/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Kinds of entries.
const (
	KindDeposit = 1 + iota
	KindWithdraw
	KindTransferOut
	KindTransferIn
	KindImport
	KindClose
)

// fundsBit is raised in an account's event by whatever adds to its balance.
const fundsBit = 1

// annotateEvery is how often an entry also gets a text: a second nested call.
const annotateEvery = 4

// Ledger is version 1.
type Ledger struct {
	st      *pb.LedgerState
	account map[uint64]*pb.Account
	name    map[string]*pb.Account
	audit   pb.AuditorClient
	// Spin is called again and again by a handler that was asked to loop; a simulation passes its time here.
	Spin func()
	// did is told of each committed request on an account (version 2).
	did func()
}

// New makes a ledger without accounts. auditor is the handle of the auditor's endpoint.
func New(auditor uabi.Handle) *Ledger {
	l := &Ledger{audit: pb.AuditorClient{H: auditor}, Spin: func() {}, did: func() {}}
	l.adopt(&pb.LedgerState{})
	return l
}

// Spec is what the server library runs.
func (l *Ledger) Spec() server.Spec {
	return server.Spec{Name: "ledger", Rank: uabi.RankVFS, Service: pb.LedgerService[*server.Ctx](l), State: l, Gone: l.Gone}
}

// Save implements server.State.
func (l *Ledger) Save() []byte {
	b, err := l.st.MarshalVT()
	if err != nil {
		panic(err) // only for strings that are not UTF-8: none got past decoding
	}
	return b
}

// Load implements server.State. Fields of a later version stay in the message as unknown ones and are saved again.
func (l *Ledger) Load(b []byte) error {
	st := &pb.LedgerState{}
	if err := st.UnmarshalVT(b); err != nil {
		return err
	}
	l.adopt(st)
	return nil
}

func (l *Ledger) adopt(st *pb.LedgerState) {
	l.st, l.account, l.name = st, map[uint64]*pb.Account{}, map[string]*pb.Account{}
	for _, a := range st.Accounts {
		l.account[a.Badge] = a
		l.name[a.Name] = a
	}
}

// Handles implements server.State.
func (l *Ledger) Handles(f func(uabi.Handle)) {
	for _, a := range l.st.Accounts {
		f(uabi.Handle(a.Funds))
		f(uabi.Handle(a.Trail))
	}
}

// Open implements pb.LedgerHandler.
func (l *Ledger) Open(c *server.Ctx, in *pb.OpenRequest, out *pb.AccountReply) uabi.Error {
	if in.Name != "" && l.name[in.Name] != nil {
		return uabi.ErrExists
	}
	badge := l.st.LastBadge + 1
	var trail pb.TrailReply
	if err := l.audit.OpenTrail(c, &pb.TrailRequest{Account: badge}, &trail); err != uabi.OK {
		return err
	}
	funds, err := c.EventCreate(uabi.BootAccount)
	if err != uabi.OK {
		return err
	}
	h, err := c.Mint(badge)
	if err != uabi.OK {
		return err
	}
	a := &pb.Account{Badge: badge, Name: strings.Clone(in.Name), Funds: uint32(funds), Trail: trail.Trail}
	l.st.LastBadge = badge
	l.st.Accounts = append(l.st.Accounts, a)
	l.account[badge] = a
	l.name[a.Name] = a
	out.Account = uint32(h)
	return uabi.OK
}

// Find implements pb.LedgerHandler.
func (l *Ledger) Find(c *server.Ctx, in *pb.FindRequest, out *pb.AccountReply) uabi.Error {
	a := l.name[in.Name]
	if a == nil || in.Name == "" {
		return uabi.ErrNotFound
	}
	h, err := c.Mint(a.Badge)
	out.Account = uint32(h)
	return err
}

// called is the account whose handle was called.
func (l *Ledger) called(c *server.Ctx) *pb.Account { return l.account[c.Badge()] }

// entry has the auditor number a change of a's balance: a nested call, sometimes two. The balance is not changed yet.
func (l *Ledger) entry(c *server.Ctx, a *pb.Account, amount int64, kind uint64) (*pb.Entry, uabi.Error) {
	trail := pb.AuditorClient{H: uabi.Handle(a.Trail)}
	var n pb.NumberReply
	if err := trail.Append(c, &pb.AppendRequest{Amount: amount, Kind: kind}, &n); err != uabi.OK {
		return nil, err
	}
	e := &pb.Entry{Number: n.Number, Account: a.Badge, Amount: amount, Kind: kind}
	if len(a.History)%annotateEvery == 0 {
		e.Text = "entry of " + a.Name
		if err := trail.Annotate(c, &pb.AnnotateRequest{Number: n.Number, Text: e.Text}, &n); err != uabi.OK {
			return nil, err
		}
	}
	return e, uabi.OK
}

// apply changes the balance: after this nothing may fail.
func (l *Ledger) apply(a *pb.Account, e *pb.Entry) {
	a.Balance += uint64(e.Amount)
	a.History = append(a.History, e)
	l.did()
}

// raise wakes whoever waits for funds of a.
func (l *Ledger) raise(c *server.Ctx, a *pb.Account) uabi.Error {
	_, err := c.EventUpdate(uabi.Handle(a.Funds), 0, 0, fundsBit)
	return err
}

// add is Deposit and Import.
func (l *Ledger) add(c *server.Ctx, a *pb.Account, amount, kind uint64, out *pb.BalanceReply) uabi.Error {
	e, err := l.entry(c, a, int64(amount), kind)
	if err != uabi.OK {
		return err
	}
	if err := l.raise(c, a); err != uabi.OK {
		return err
	}
	l.apply(a, e)
	l.st.Deposited += amount
	out.Balance = a.Balance
	return uabi.OK
}

// maxAmount bounds amounts so that sums cannot overflow in any test's lifetime.
const maxAmount = 1 << 40

// Deposit implements pb.LedgerHandler.
func (l *Ledger) Deposit(c *server.Ctx, in *pb.AmountRequest, out *pb.BalanceReply) uabi.Error {
	a := l.called(c)
	switch {
	case a == nil:
		return uabi.ErrStale
	case in.Amount == 0 || in.Amount > maxAmount:
		return uabi.ErrArg
	}
	return l.add(c, a, in.Amount, KindDeposit, out)
}

// take is Withdraw, TryWithdraw and Drain once the amount is there.
func (l *Ledger) take(c *server.Ctx, a *pb.Account, amount uint64) uabi.Error {
	e, err := l.entry(c, a, -int64(amount), KindWithdraw)
	if err != uabi.OK {
		return err
	}
	l.apply(a, e)
	l.st.Withdrawn += amount
	return uabi.OK
}

// wait answers ErrWait for a's next funds.
func (l *Ledger) wait(c *server.Ctx, a *pb.Account, deadline uint64) uabi.Error {
	_, seq, err := c.EventRead(uabi.Handle(a.Funds))
	if err != uabi.OK {
		return err
	}
	return c.Wait(uabi.Handle(a.Funds), fundsBit, seq, deadline)
}

// Withdraw implements pb.LedgerHandler.
func (l *Ledger) Withdraw(c *server.Ctx, in *pb.AmountRequest, out *pb.BalanceReply) uabi.Error {
	a := l.called(c)
	switch {
	case a == nil:
		return uabi.ErrStale
	case in.Amount == 0 || in.Amount > maxAmount:
		return uabi.ErrArg
	}
	if a.Balance < in.Amount {
		if in.Deadline == 0 {
			return l.wait(c, a, uabi.NoDeadline)
		}
		if c.Now() >= in.Deadline {
			return uabi.ErrTimeout
		}
		return l.wait(c, a, in.Deadline)
	}
	err := l.take(c, a, in.Amount)
	out.Balance = a.Balance
	return err
}

// TryWithdraw implements pb.LedgerHandler.
func (l *Ledger) TryWithdraw(c *server.Ctx, in *pb.AmountRequest, out *pb.BalanceReply) uabi.Error {
	a := l.called(c)
	switch {
	case a == nil:
		return uabi.ErrStale
	case in.Amount == 0 || in.Amount > maxAmount:
		return uabi.ErrArg
	case a.Balance < in.Amount:
		return uabi.ErrNoSpace
	}
	err := l.take(c, a, in.Amount)
	out.Balance = a.Balance
	return err
}

// Drain implements pb.LedgerHandler.
func (l *Ledger) Drain(c *server.Ctx, in *pb.AmountRequest, out *pb.BalanceReply) uabi.Error {
	a := l.called(c)
	switch {
	case a == nil:
		return uabi.ErrStale
	case in.Amount == 0 || in.Amount > maxAmount:
		return uabi.ErrArg
	case a.Balance == 0:
		return l.wait(c, a, uabi.NoDeadline)
	}
	out.Balance = min(in.Amount, a.Balance)
	return l.take(c, a, out.Balance)
}

// Transfer implements pb.LedgerHandler.
func (l *Ledger) Transfer(c *server.Ctx, in *pb.TransferRequest, out *pb.BalanceReply) uabi.Error {
	from, to := l.called(c), l.account[c.BadgeOf(uabi.Handle(in.To))]
	switch {
	case from == nil || to == nil:
		return uabi.ErrStale
	case in.Amount == 0 || in.Amount > maxAmount || from == to:
		return uabi.ErrArg
	case from.Balance < in.Amount:
		return uabi.ErrNoSpace
	}
	e1, err := l.entry(c, from, -int64(in.Amount), KindTransferOut)
	if err != uabi.OK {
		return err
	}
	e2, err := l.entry(c, to, int64(in.Amount), KindTransferIn)
	if err != uabi.OK {
		return err
	}
	if err := l.raise(c, to); err != uabi.OK {
		return err
	}
	l.apply(from, e1)
	l.apply(to, e2)
	out.Balance = from.Balance
	return uabi.OK
}

// Gone closes an account: what is left goes to the house.
func (l *Ledger) Gone(c *server.Ctx, badge uint64) {
	a := l.account[badge]
	if a == nil {
		return
	}
	if a.Balance > 0 {
		if _, err := l.entry(c, a, -int64(a.Balance), KindClose); err != uabi.OK {
			return
		}
		l.st.House += a.Balance
	}
	delete(l.account, badge)
	delete(l.name, a.Name)
	as := l.st.Accounts
	i := sort.Search(len(as), func(i int) bool { return as[i].Badge >= badge })
	l.st.Accounts = append(as[:i], as[i+1:]...)
	c.Close(uabi.Handle(a.Funds))
	c.Close(uabi.Handle(a.Trail))
}
