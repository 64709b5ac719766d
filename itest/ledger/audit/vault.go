package audit

import (
	pb "aramid/itest/ledger/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Vault hashes what was sealed, so that an entry that came twice, never, or out of order shows for ever.
type Vault struct{ st *pb.VaultState }

// NewVault makes an empty vault.
func NewVault() *Vault { return &Vault{st: &pb.VaultState{}} }

// Spec is what the server library runs.
func (v *Vault) Spec() server.Spec {
	return server.Spec{Name: "vault", Rank: uabi.RankMM, Service: pb.VaultService[*server.Ctx](v), State: v}
}

// Save implements server.State.
func (v *Vault) Save() []byte { return marshal(v.st) }

// Load implements server.State.
func (v *Vault) Load(b []byte) error {
	st := &pb.VaultState{}
	if err := st.UnmarshalVT(b); err != nil {
		return err
	}
	v.st = st
	return nil
}

// Handles implements server.State: the vault keeps none.
func (v *Vault) Handles(func(uabi.Handle)) {}

// hashPrime is FNV-1a's 64-bit prime.
const hashPrime = 0x100000001b3

// Hash is the vault's hash after one more entry.
func Hash(before, number uint64, amount int64) uint64 {
	return ((before^number)*hashPrime ^ uint64(amount)) * hashPrime
}

// Seal implements pb.VaultHandler.
func (v *Vault) Seal(c *server.Ctx, in *pb.SealRequest, out *pb.NumberReply) uabi.Error {
	if in.Number != v.st.Entries+1 {
		return uabi.ErrArg
	}
	v.st.Entries++
	v.st.Sum += in.Amount
	v.st.Hash = Hash(v.st.Hash, in.Number, in.Amount)
	out.Number = v.st.Hash
	return uabi.OK
}

// Totals implements pb.VaultHandler.
func (v *Vault) Totals(c *server.Ctx, in *pb.EmptyRequest, out *pb.AuditReply) uabi.Error {
	out.Entries, out.Sum, out.Hash = v.st.Entries, v.st.Sum, v.st.Hash
	return uabi.OK
}
