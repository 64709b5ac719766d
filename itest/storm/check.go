package storm

import (
	"fmt"

	"aramid/itest/ledger/audit"
	pb "aramid/itest/ledger/proto"
	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
)

// Checker asks the servers for their totals when all clients are done.
type Checker struct {
	T       ipc.Caller
	Ledger  uabi.Handle
	Auditor uabi.Handle
	Vault   uabi.Handle // 0: there is none
	// Version2 says that the ledger has counted operations from the beginning.
	Version2 bool
	// Unknown says that clients were killed: their sums are not known, so only what must hold in any case is checked.
	Unknown bool
	// Sleep passes time while the last accounts are being closed; it says false when it is pointless to go on.
	Sleep func() bool
}

// Check compares what clients did with what the servers say.
func (k *Checker) Check(s Sum) error {
	l, a := pb.LedgerClient{H: k.Ledger}, pb.AuditorClient{H: k.Auditor}
	var t pb.TotalsReply
	var au pb.AuditReply
	for {
		if err := l.Totals(k.T, &pb.EmptyRequest{}, &t); err != uabi.OK {
			return fmt.Errorf("the ledger's totals: %w", err)
		}
		if err := a.Totals(k.T, &pb.EmptyRequest{}, &au); err != uabi.OK {
			return fmt.Errorf("the auditor's totals: %w", err)
		}
		if t.Accounts == 0 && au.Trails == 0 || !k.Sleep() {
			break
		}
	}
	if k.Unknown {
		s = Sum{Deposited: t.Deposited, Withdrawn: t.Withdrawn, House: t.Deposited - t.Withdrawn, Entries: au.Entries}
	}
	want := pb.TotalsReply{House: s.House, Deposited: s.Deposited, Withdrawn: s.Withdrawn}
	got := []uint64{t.Accounts, t.Balances, t.House, t.Deposited, t.Withdrawn, au.Trails, au.Entries, uint64(au.Sum)}
	must := []uint64{0, 0, want.House, want.Deposited, want.Withdrawn, 0, s.Entries, s.Deposited - s.Withdrawn - s.House}
	names := []string{"accounts", "balances", "house", "deposited", "withdrawn", "trails", "entries", "sum of entries"}
	for i, n := range names {
		if got[i] != must[i] {
			return fmt.Errorf("%s is %d, must be %d (all: %d, must be %d)", n, int64(got[i]), int64(must[i]), got, must)
		}
	}
	if k.Version2 {
		var ops pb.BalanceReply
		if err := l.Operations(k.T, &pb.EmptyRequest{}, &ops); err != uabi.OK || ops.Balance != s.Operations {
			return fmt.Errorf("the ledger counted %d operations (%v), must be %d", ops.Balance, err, s.Operations)
		}
	}
	return k.entries(&au, s.Deposited-s.Withdrawn-s.House)
}

// entries reads the auditor's entries one by one and compares the vault.
func (k *Checker) entries(au *pb.AuditReply, sum uint64) error {
	a := pb.AuditorClient{H: k.Auditor}
	got, hash := int64(0), uint64(0)
	for n := uint64(1); n <= au.Entries; n++ {
		var e pb.Entry
		if err := a.Get(k.T, &pb.NumberReply{Number: n}, &e); err != uabi.OK {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		if e.Number != n {
			return fmt.Errorf("entry %d has number %d", n, e.Number)
		}
		got += e.Amount
		hash = audit.Hash(hash, e.Number, e.Amount)
	}
	if uint64(got) != sum {
		return fmt.Errorf("the entries' sum is %d, must be %d", got, int64(sum))
	}
	if k.Vault == 0 {
		return nil
	}
	var v pb.AuditReply
	if err := (pb.VaultClient{H: k.Vault}).Totals(k.T, &pb.EmptyRequest{}, &v); err != uabi.OK {
		return fmt.Errorf("the vault's totals: %w", err)
	}
	if v.Entries != au.Entries || v.Sum != got || v.Hash != hash || au.Hash != hash {
		return fmt.Errorf("the vault has %d entries, sum %d, hash %#x; must be %d, %d, %#x (auditor: %#x)", v.Entries, v.Sum, v.Hash, au.Entries, got, hash, au.Hash)
	}
	return nil
}
