package servertest

import (
	"math/rand/v2"

	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
)

// Damaged sends a server what no generated client would: methods that it does not have, bytes that are no messages, bytes where there
// should be words, handles and grants that nobody asked for. It may answer any error, but it must answer; the library's checks see that
// nothing changes (Watch). The caller goes on with requests that are right.
func (s *Script) Damaged(c ipc.Caller, h uabi.Handle, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for _, n := range []uint32{0, uint32(len(s.Methods)) + 1, 1 << 16, 1<<32 - 1} {
		c.Buffer().Out.Len, c.Buffer().Out.NHandles, c.Buffer().Out.NGrants = 0, 0, 0
		if err := c.Exchange(h, n, false); err != uabi.ErrCall {
			s.Fail("method %d: %v, want %v", n, err, uabi.ErrCall)
		}
	}
	for i := range s.Methods {
		m := &s.Methods[i]
		b := c.Buffer()
		size := 1 + r.IntN(40)
		for k := range b.OutBytes[:size] {
			b.OutBytes[k] = byte(r.Uint32()) | 7 // a wire type that there is not, or one that ends too early
		}
		b.Out.Len, b.Out.NHandles, b.Out.NGrants = uint32(size), 0, 0
		if err := c.Exchange(h, uint32(i)+1, m.Mutates); err != uabi.ErrDecode {
			s.Fail("%s of %d bad bytes: %v, want %v", m.Name, size, err, uabi.ErrDecode)
		}
	}
}
