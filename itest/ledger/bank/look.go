package bank

import (
	pb "aramid/itest/ledger/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Balance implements pb.LedgerHandler.
func (l *Ledger) Balance(c *server.Ctx, in *pb.EmptyRequest, out *pb.BalanceReply) uabi.Error {
	a := l.called(c)
	if a == nil {
		return uabi.ErrStale
	}
	out.Balance = a.Balance
	return uabi.OK
}

// maxHistory is how many entries one reply lists.
const maxHistory = 100

// History implements pb.LedgerHandler.
func (l *Ledger) History(c *server.Ctx, in *pb.HistoryRequest, out *pb.HistoryReply) uabi.Error {
	a := l.called(c)
	if a == nil {
		return uabi.ErrStale
	}
	from := min(in.From, uint64(len(a.History)))
	out.Entries = append(out.Entries, a.History[from:min(from+maxHistory, uint64(len(a.History)))]...)
	return uabi.OK
}

// Totals implements pb.LedgerHandler.
func (l *Ledger) Totals(c *server.Ctx, in *pb.EmptyRequest, out *pb.TotalsReply) uabi.Error {
	out.Accounts, out.House = uint64(len(l.st.Accounts)), l.st.House
	out.Deposited, out.Withdrawn = l.st.Deposited, l.st.Withdrawn
	out.Balances = 0
	for _, a := range l.st.Accounts {
		out.Balances += a.Balance
	}
	return uabi.OK
}

// Operations implements pb.LedgerHandler: version 1 does not count.
func (l *Ledger) Operations(c *server.Ctx, in *pb.EmptyRequest, out *pb.BalanceReply) uabi.Error {
	return uabi.ErrUnsupported
}

// importPiece is how many bytes of a grant are read at a time.
const importPiece = 16

// Import implements pb.LedgerHandler.
func (l *Ledger) Import(c *server.Ctx, in *pb.EmptyRequest, out *pb.BalanceReply) uabi.Error {
	a := l.called(c)
	if a == nil {
		return uabi.ErrStale
	}
	var sum uint64
	var piece [importPiece]byte
	for off, end := uint64(0), c.GrantLen(0); off < end; off += importPiece {
		n, err := c.GrantRead(0, off, piece[:min(importPiece, end-off)])
		if err != uabi.OK {
			return err
		}
		for _, b := range piece[:n] {
			sum += uint64(b)
		}
	}
	if sum == 0 {
		out.Balance = a.Balance
		return uabi.OK
	}
	return l.add(c, a, sum, KindImport, out)
}

// Export implements pb.LedgerHandler. Whoever waits for funds is woken first, for nothing, so that it is an intent that writes to the caller.
func (l *Ledger) Export(c *server.Ctx, in *pb.EmptyRequest, out *pb.BalanceReply) uabi.Error {
	a := l.called(c)
	if a == nil {
		return uabi.ErrStale
	}
	if err := l.raise(c, a); err != uabi.OK {
		return err
	}
	n, err := c.GrantWrite(0, 0, []byte(a.Name))
	if err != uabi.OK {
		return err
	}
	l.did()
	out.Balance = uint64(n)
	return uabi.OK
}

// Kinds of Poison.
const (
	PoisonNow = 1 + iota
	PoisonAfterEffect
	PoisonLoop
)

// PoisonValue is what poisoned handlers panic with.
const PoisonValue = "bank: poisoned, as asked"

// Poison implements pb.LedgerHandler.
func (l *Ledger) Poison(c *server.Ctx, in *pb.PoisonRequest, out *pb.BalanceReply) uabi.Error {
	switch in.Kind {
	case PoisonNow:
		panic(PoisonValue)
	case PoisonAfterEffect:
		if a := l.called(c); a != nil {
			l.raise(c, a)
		}
		panic(PoisonValue)
	case PoisonLoop:
		for {
			l.Spin()
		}
	}
	return uabi.OK
}
