package ipc

import (
	"slices"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Served is a method of another service that a server has, and what it answers there.
type Served struct {
	Name    string
	Blocks  bool
	Refuses bool
	Errors  []uabi.Error
}

// Join is one service with the methods of both: those of low that are named in served, with what that says of them, and all of high, whose numbers
// lie above low's. Another method answers ErrCall.
func Join[C any](low Service[C], served []Served, high Service[C]) Service[C] {
	j := &joined[C]{low: low.Dispatch, high: high.Dispatch, first: high.First}
	j.served = make([]bool, high.First)
	methods := make([]Method, int(high.First)-1+len(high.Methods))
	for _, s := range served {
		i := slices.IndexFunc(low.Methods, func(m Method) bool { return m.Name == s.Name })
		if i < 0 {
			panic("ipc: " + low.Name + " has no method " + s.Name)
		}
		n := low.First + uint32(i)
		j.served[n] = true
		m := low.Methods[i]
		m.Blocks, m.Refuses, m.Errors = s.Blocks, s.Refuses, s.Errors
		methods[n-1] = m
	}
	copy(methods[high.First-1:], high.Methods)
	return Service[C]{Name: high.Name, First: 1, Methods: methods, Dispatch: j}
}

type joined[C any] struct {
	low, high Dispatcher[C]
	first     uint32
	served    []bool // by number, of low's
}

// Dispatch implements Dispatcher.
func (j *joined[C]) Dispatch(c C, method uint32, b *uk.Buffer) uabi.Error {
	switch {
	case method >= j.first:
		return j.high.Dispatch(c, method, b)
	case j.served[method]:
		return j.low.Dispatch(c, method, b)
	}
	return uabi.ErrCall
}
