package ipc

import (
	"testing"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// called notes which methods are called.
type called []uint32

func (l *called) Dispatch(c int, method uint32, b *uk.Buffer) uabi.Error {
	*l = append(*l, method)
	return uabi.OK
}

func TestAJoinedServiceAnswersWhatIsServed(t *testing.T) {
	var low, high called
	names := func(list ...string) (out []Method) {
		for _, n := range list {
			out = append(out, Method{Name: n, Mutates: true})
		}
		return out
	}
	s := Join(Service[int]{First: 1, Methods: names("a", "b", "c"), Dispatch: &low}, []Served{{Name: "b", Refuses: true, Errors: []uabi.Error{uabi.ErrSeek}}}, Service[int]{Name: "high", First: 6, Methods: names("x", "y"), Dispatch: &high})
	if s.Name != "high" || s.First != 1 || len(s.Methods) != 7 {
		t.Fatalf("%s from %d with %d methods", s.Name, s.First, len(s.Methods))
	}
	if b := s.Methods[1]; !b.Refuses || len(b.Errors) != 1 || b.Errors[0] != uabi.ErrSeek {
		t.Errorf("what is served of low answers %v", b.Errors)
	}
	for n, want := range map[uint32]string{1: "", 2: "b", 3: "", 4: "", 5: "", 6: "x", 7: "y"} {
		m := s.Methods[n-1]
		if m.Name != want || m.Mutates != (want != "") {
			t.Errorf("method %d is %q", n, m.Name)
		}
		wantErr := uabi.OK
		if want == "" {
			wantErr = uabi.ErrCall
		}
		if err := s.Dispatch.Dispatch(0, n, nil); err != wantErr {
			t.Errorf("method %d answers %v", n, err)
		}
	}
	if len(low) != 1 || low[0] != 2 || len(high) != 2 {
		t.Errorf("called %v below and %v above", low, high)
	}
}
