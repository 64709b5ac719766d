package syscall

import (
	"testing"

	"aramid/ukernel/arch"
	"aramid/ukernel/arch/fake"
	"aramid/ukernel/uabi"
)

// receipted makes a call with a receipt at va.
func (w *world) receipted(va, number uint64, args ...uint64) (uint64, uabi.Error) {
	w.t.Helper()
	var a [6]uint64
	copy(a[:], args)
	a[5] = va
	return w.call(number|uabi.CallReceipt, a[:]...)
}

func TestACallWithAReceiptLeavesWhatItReturns(t *testing.T) {
	w := newWorld(t)
	const port = 0x3f8
	fake.M.Ports[port] = 0x5a
	at := w.poke(0, 1, 2)
	if v, err := w.receipted(at, uabi.CallPortIn, uint64(uabi.BootPorts), port, 1); err != uabi.OK || v != 0x5a || w.peek(at) != 0x5a {
		t.Errorf("%#x, %v; the receipt says %#x", v, err, w.peek(at))
	}
	if _, err := w.receipted(at, uabi.CallPortIn, uint64(uabi.BootPorts), port, 3); err != uabi.ErrArg || int64(w.peek(at)) != -int64(uabi.ErrArg) {
		t.Errorf("%v; the receipt says %d", err, int64(w.peek(at)))
	}
}

func TestWhereNoReceiptCanBeLeftNothingIsDone(t *testing.T) {
	w := newWorld(t)
	const port = 0x3f8
	for _, at := range []uint64{0, nowhereVA, kernelVA, scratchVA + 8} {
		if _, err := w.receipted(at, uabi.CallPortOut, uint64(uabi.BootPorts), port, 1, 7); err != uabi.ErrFault {
			t.Errorf("receipt at %#x: %v", at, err)
		}
	}
	if v := fake.M.Ports[port]; v != 0 {
		t.Errorf("%#x was written all the same", v)
	}
}

func TestWhatAWaitSetGaveIsInTheReceipt(t *testing.T) {
	w := newWorld(t)
	set := w.must("set", uabi.CallWaitSetCreate, uint64(uabi.BootAccount))
	event := w.must("event", uabi.CallEventCreate, uint64(uabi.BootAccount))
	const key, data, bit = 7, 8, 4
	w.must("add", uabi.CallWaitSetAdd, set, event, key, bit, data, uabi.WaitEdge)
	w.must("raise", uabi.CallEventUpdate, event, bit, 0, 0)
	if _, err := w.receipted(scratchVA+arch.PageSize-uabi.ReceiptAlign, uabi.CallWaitSetTake, set, uabi.MaxReady); err != uabi.ErrFault {
		t.Errorf("a receipt over a page's end: %v", err)
	}
	if n, err := w.receipted(scratchVA, uabi.CallWaitSetTake, set, uabi.MaxReady); err != uabi.OK || n != 1 {
		t.Fatalf("%d members, %v", n, err)
	}
	got := [4]uint64{w.peek(scratchVA), w.peek(scratchVA + 16), w.peek(scratchVA + 24), w.peek(scratchVA+32) & 0xffffffff}
	if want := [4]uint64{1, key, data, bit}; got != want {
		t.Errorf("the receipt says %v, want %v", got, want)
	}
	if n := w.must("take", uabi.CallWaitSetTake, set, uabi.MaxReady); n != 0 {
		t.Errorf("the edge is there again: %d", n)
	}
}
