package audit

import (
	"sort"
	"strings"

	pb "aramid/itest/ledger/proto"
	"aramid/servers/server"
	"aramid/ukernel/uabi"
)

// Auditor numbers entries. Entries belong to trails, which are badged handles.
type Auditor struct {
	st    *pb.AuditorState
	trail map[uint64]*pb.Trail
	// vault is asked to seal each entry; 0: there is no vault.
	vault uabi.Handle
}

// NewAuditor makes an auditor without entries. vault is the handle of a vault's endpoint, or 0.
func NewAuditor(vault uabi.Handle) *Auditor {
	a := &Auditor{vault: vault}
	a.adopt(&pb.AuditorState{})
	return a
}

// Spec is what the server library runs.
func (a *Auditor) Spec() server.Spec {
	return server.Spec{Name: "auditor", Rank: uabi.RankProc, Service: pb.AuditorService[*server.Ctx](a), State: a, Gone: a.Gone, ThreadGone: a.ThreadGone}
}

// Save implements server.State.
func (a *Auditor) Save() []byte { return marshal(a.st) }

// Load implements server.State.
func (a *Auditor) Load(b []byte) error {
	st := &pb.AuditorState{}
	if err := st.UnmarshalVT(b); err != nil {
		return err
	}
	a.adopt(st)
	return nil
}

func (a *Auditor) adopt(st *pb.AuditorState) {
	a.st, a.trail = st, map[uint64]*pb.Trail{}
	for _, t := range st.Trails {
		a.trail[t.Badge] = t
	}
}

// Handles implements server.State.
func (a *Auditor) Handles(f func(uabi.Handle)) {
	for _, s := range a.st.Slots {
		f(uabi.Handle(s.File))
	}
}

// OpenTrail implements pb.AuditorHandler.
func (a *Auditor) OpenTrail(c *server.Ctx, in *pb.TrailRequest, out *pb.TrailReply) uabi.Error {
	badge := a.st.LastBadge + 1
	h, err := c.Mint(badge)
	if err != uabi.OK {
		return err
	}
	a.st.LastBadge = badge
	t := &pb.Trail{Badge: badge, Account: in.Account}
	a.st.Trails = append(a.st.Trails, t)
	a.trail[badge] = t
	out.Trail = uint32(h)
	return uabi.OK
}

// Append implements pb.AuditorHandler.
func (a *Auditor) Append(c *server.Ctx, in *pb.AppendRequest, out *pb.NumberReply) uabi.Error {
	t := a.trail[c.Badge()]
	if t == nil {
		return uabi.ErrStale
	}
	e := &pb.Entry{Number: uint64(len(a.st.Entries)) + 1, Account: t.Account, Amount: in.Amount, Kind: in.Kind}
	if a.vault != 0 {
		var sealed pb.NumberReply
		if err := (pb.VaultClient{H: a.vault}).Seal(c, &pb.SealRequest{Number: e.Number, Amount: e.Amount}, &sealed); err != uabi.OK {
			return err
		}
		a.st.Sealed = sealed.Number
	}
	a.st.Entries = append(a.st.Entries, e)
	a.st.Sum += e.Amount
	out.Number = e.Number
	return uabi.OK
}

// Annotate implements pb.AuditorHandler.
func (a *Auditor) Annotate(c *server.Ctx, in *pb.AnnotateRequest, out *pb.NumberReply) uabi.Error {
	t := a.trail[c.Badge()]
	if t == nil {
		return uabi.ErrStale
	}
	e := a.entry(in.Number)
	if e == nil || e.Account != t.Account {
		return uabi.ErrNotFound
	}
	e.Text = strings.Clone(e.Text + in.Text) // the request's bytes belong to the message buffer
	out.Number = in.Number
	return uabi.OK
}

func (a *Auditor) entry(n uint64) *pb.Entry {
	if n == 0 || n > uint64(len(a.st.Entries)) {
		return nil
	}
	return a.st.Entries[n-1]
}

// Get implements pb.AuditorHandler.
func (a *Auditor) Get(c *server.Ctx, in *pb.NumberReply, out *pb.Entry) uabi.Error {
	e := a.entry(in.Number)
	if e == nil {
		return uabi.ErrNotFound
	}
	out.Number, out.Account, out.Amount, out.Kind, out.Text = e.Number, e.Account, e.Amount, e.Kind, e.Text
	return uabi.OK
}

// Last implements pb.AuditorHandler.
func (a *Auditor) Last(c *server.Ctx, in *pb.EmptyRequest, out *pb.NumberReply) uabi.Error {
	out.Number = uint64(len(a.st.Entries))
	return uabi.OK
}

// Totals implements pb.AuditorHandler.
func (a *Auditor) Totals(c *server.Ctx, in *pb.EmptyRequest, out *pb.AuditReply) uabi.Error {
	out.Entries, out.Trails, out.Sum, out.Hash = uint64(len(a.st.Entries)), uint64(len(a.st.Trails)), a.st.Sum, a.st.Sealed
	return uabi.OK
}

// Gone ends a trail.
func (a *Auditor) Gone(c *server.Ctx, badge uint64) {
	if a.trail[badge] == nil {
		return
	}
	delete(a.trail, badge)
	ts := a.st.Trails
	i := sort.Search(len(ts), func(i int) bool { return ts[i].Badge >= badge })
	a.st.Trails = append(ts[:i], ts[i+1:]...)
}
