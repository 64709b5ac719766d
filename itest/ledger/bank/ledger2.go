package bank

import (
	pb "aramid/itest/ledger/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Ledger2 is version 2: it also persists how many requests it committed. The added field lies beside version 1's in the same bytes, so
// that version 1 keeps it as an unknown field while it runs in between.
type Ledger2 struct {
	*Ledger
	ops pb.Operations
}

// New2 makes a ledger of version 2.
func New2(auditor uabi.Handle) *Ledger2 {
	l := &Ledger2{Ledger: New(auditor)}
	l.Ledger.did = func() { l.ops.Operations++ }
	return l
}

// Spec is what the server library runs.
func (l *Ledger2) Spec() server.Spec {
	return server.Spec{Name: "ledger", Rank: uabi.RankVFS, Service: pb.LedgerService[*server.Ctx](l), State: l, Gone: l.Gone}
}

// Save implements server.State.
func (l *Ledger2) Save() []byte {
	extra, err := l.ops.MarshalVT()
	if err != nil {
		panic(err) // it has no strings
	}
	return append(l.Ledger.Save(), extra...)
}

// Load implements server.State.
func (l *Ledger2) Load(b []byte) error {
	var ops pb.Operations
	if err := ops.UnmarshalVT(b); err != nil {
		return err
	}
	if err := l.Ledger.Load(b); err != nil {
		return err
	}
	l.ops.Operations = ops.Operations
	l.Ledger.st.ProtoReflect().SetUnknown(nil)
	return nil
}

// Count is how many requests were committed.
func (l *Ledger2) Count() uint64 { return l.ops.Operations }

// Operations implements pb.LedgerHandler.
func (l *Ledger2) Operations(c *server.Ctx, in *pb.EmptyRequest, out *pb.BalanceReply) uabi.Error {
	out.Balance = l.ops.Operations
	return uabi.OK
}
