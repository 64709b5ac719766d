package server

import (
	"aramid/proto/ipc"
	"aramid/ukernel/uabi"
	"aramid/ukernel/uk"
)

// A record, in words:
//
//	0  state word (kept.go)
//	1  head: kind, flags, words, handles, method
//	2  ID.Origin   3  ID.Trap   4  ID.Path   5  badge
//	6  request bytes, or 0; then the words or the padded bytes; then two words for each handle: handle, its badge if it is ours
//	   inputs (input.go)
//	   trailer: reply.go; only in committed records
//
// The trailer's offset is found by walking the inputs: they end with an entry of kind inEnd.
const (
	recordHead = 7

	kindShift    = 0  // recordKind
	flagShift    = 8  // recNoRun
	wordsShift   = 16 // words of the request, 0…6
	handlesShift = 20
	methodShift  = 32
	nibble       = 15
)

// recordKind says what a record's input is.
type recordKind uint8

const (
	recCall recordKind = 1 + iota
	recGone
	recThread
	recEvent
	recStart
)

// recNoRun marks a quarantined request: its handler is not run, not even in replay.
const recNoRun = 1

var kindNames = [...]string{"none", "call", "gone", "thread gone", "event", "start"}

func (k recordKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// writeCall writes the request in b, encoded as e, behind the log's end, where nobody sees it, and returns the word behind it.
func (m *kept) writeCall(b *uk.Buffer, e ipc.Encoding) int {
	in, at := b.In, m.tail+recordHead
	w := m.w[m.tail : m.tail+recordHead+uabi.MaxWords]
	nh := min(in.NHandles, uabi.MaxHandles)
	head := uint64(recCall) | uint64(nh)<<handlesShift | uint64(in.Method)<<methodShift
	w[2], w[3], w[4], w[5] = in.ID.Origin, in.ID.Trap, in.ID.Path, in.Badge
	if e == ipc.Bytes {
		n := min(in.Len, uabi.MaxBytes)
		w[1], w[6] = head, uint64(n)
		at = m.putBytes(at, b.InBytes[:n])
	} else {
		w[1], w[6] = head|uint64(e)<<wordsShift, 0
		*(*[uabi.MaxWords]uint64)(w[recordHead:]) = in.W // all six: what comes next overwrites those that are not the request's
		at += int(e)
	}
	for i := range nh {
		h := m.w[at : at+2]
		h[0], h[1] = uint64(in.Handle[i]), in.Record[i]
		at += 2
	}
	return at
}

// writeOwn writes a record of the server's own: a notice or the start. a and b are its words.
func (m *kept) writeOwn(kind recordKind, id uabi.ID, a, b uint64) int {
	o := m.tail
	w := m.w[o : o+recordHead+2]
	w[1] = uint64(kind) | 2<<wordsShift
	w[2], w[3], w[4] = id.Origin, id.Trap, id.Path
	w[5], w[6] = 0, 0
	w[recordHead], w[recordHead+1] = a, b
	return o + recordHead + 2
}

// record is one read back.
type record struct {
	at, end int // words
	open    bool
	kind    recordKind
	noRun   bool
	method  uint32
	id      uabi.ID
	badge   uint64
	words   int
	inputs  int // first word of the inputs
}

// read takes the record at o apart; ok is false at the end of the log. Handles, words and bytes go to in and inBytes.
func (m *kept) read(o int, in *uabi.Msg) (r record, inBytes []byte, ok bool) {
	st := m.state(o)
	if st == 0 {
		return record{}, nil, false
	}
	w := m.w[o : o+int(st&lenMask)]
	head := w[1]
	r = record{
		at: o, end: o + int(st&lenMask), open: st&markMask == markOpen,
		kind: recordKind(head), noRun: head>>flagShift&recNoRun != 0, method: uint32(head >> methodShift),
		id: uabi.ID{Origin: w[2], Trap: w[3], Path: w[4]}, badge: w[5],
		words: int(head >> wordsShift & nibble),
	}
	*in = uabi.Msg{Kind: uabi.KindCall, Method: r.method, ID: r.id, Badge: r.badge}
	in.NHandles = uint32(head >> handlesShift & nibble)
	in.Len = uint32(w[6])
	at := recordHead
	for i := 0; i < r.words; i++ {
		in.W[i] = w[at]
		at++
	}
	inBytes = m.bytesAt(o+at, int(in.Len))
	at += wordsOf(int(in.Len))
	for i := 0; i < int(in.NHandles); i++ {
		in.Handle[i] = uabi.Handle(w[at])
		in.Record[i] = w[at+1]
		at += 2
	}
	r.inputs = o + at
	return r, inBytes, true
}
