package server

import (
	"sync/atomic"

	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// Effects that cannot be done twice (a byte to a device or from one, an edge of a wait set, a region that moves) leave a receipt in kept memory in the same step in
// which the kernel does them (uabi.CallReceipt). A successor that comes to the end of an intent's log finds there that the
// effect was done, and with what result.

// Words of the receipt, behind headReceipt.
const (
	receiptRAX = 0                    // receiptPending until the kernel has done it
	receiptFor = uabi.ReceiptSize / 8 // which input it is for: its place in the log and its kind; 0: none
)

// receiptPending is no call's RAX.
const receiptPending = 1 << 63

const receiptKindShift = 48

// receipt is the receipt of the effect that is about to be made and logged at the tail. done: an earlier image made it, and v and
// err are what it gave. Else the call is made with r.
func (c *Ctx) receipt(kind input) (r *uk.Receipt, v uint64, err uabi.Error, done bool) {
	w := c.s.kept.w[headReceipt : headReceipt+receiptFor+1]
	is := uint64(c.tail) | uint64(kind)<<receiptKindShift
	if w[receiptFor] == is && w[receiptRAX] != receiptPending {
		if n := int64(w[receiptRAX]); n < 0 {
			return (*uk.Receipt)(w), 0, uabi.Error(-n), true
		}
		return (*uk.Receipt)(w), w[receiptRAX], uabi.OK, true
	}
	atomic.StoreUint64(&w[receiptRAX], receiptPending)
	atomic.StoreUint64(&w[receiptFor], is)
	return (*uk.Receipt)(w), 0, uabi.OK, false
}
