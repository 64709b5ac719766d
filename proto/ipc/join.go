package ipc

import (
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Join is one service with the methods of both: those of low whose numbers served names, and all of high, whose numbers lie above low's.
// Another method answers ErrCall.
func Join[C any](low Service[C], served []uint32, high Service[C]) Service[C] {
	j := &joined[C]{low: low.Dispatch, high: high.Dispatch, first: high.First}
	j.served = make([]bool, high.First)
	methods := make([]Method, int(high.First)-1+len(high.Methods))
	for _, n := range served {
		j.served[n] = true
		methods[n-1] = low.Methods[n-low.First]
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
