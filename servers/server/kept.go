package server

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
)

// Kept memory: one header page, two snapshot areas, the log. All offsets are in words of 8 bytes.
const (
	wordSize    = 8
	headerWords = 512

	headMagic    = 0 // magicWord
	headLayout   = 1 // layoutVersion
	headSize     = 2 // bytes of the object when it was formatted
	headEpoch    = 3 // commit word of snapshots: the log holds records of this epoch, over the snapshot in area epoch%2
	headSnapLen  = 4 // and 5: bytes of the snapshot in area 0, 1
	headReplays  = 6 // starts in a row that did not get through their replay
	headFinishes = 7 // attempts to finish the open intent
	headUp       = 8 // the number of the start (healthStarts) that last came to serve
	headSent     = 9 // which record was the last when a reply with badges was sent: see sentMark
	headFault    = 16
	headHealth   = 32

	headFaultSeen = 64  // faultMethods words
	headReceipt   = 192 // receipt.go

	magicWord     = 0x64696d617261_4a31 // "1Jaramid"
	layoutVersion = 1
)

// Record state words: length in words, epoch, and a mark in the top byte that is written last even if a store were torn.
const (
	markOpen   = 0xa5 << 56
	markCommit = 0x5a << 56
	markMask   = 0xff << 56
	epochShift = 32
	epochMask  = 1<<24 - 1
	lenMask    = 1<<32 - 1
)

// Room that a request can need beside its inputs, in words.
const (
	requestRoom = (64<<10)/wordSize + 64 // request bytes and header
	replyRoom   = (64<<10)/wordSize + 64 // reply bytes and header
	inputRoom   = (128 << 10) / wordSize // inputs that a request is always given
	logReserve  = requestRoom + replyRoom + inputRoom
	// MinKept is the least size of kept memory, bytes.
	MinKept = (headerWords + 4*logReserve) * wordSize
)

var errKept = errors.New("server: kept memory is damaged")

// kept is the memory object that outlives the image.
type kept struct {
	b     []byte
	w     []uint64
	snap  [2]int // first word of each snapshot area
	snapW int    // words of each
	log   int    // first word of the log
	end   int    // behind its last word
	epoch uint64
	tail  int // where the next record starts

	counts *[healthCount]uint64 // health counters
}

// layout divides memory of that size: half for the log, at most maxLog, the rest for two snapshots.
func layout(b []byte) *kept {
	const maxLog = (4 << 20) / wordSize
	m := &kept{b: b, w: words(b)}
	n := len(m.w) - headerWords
	logW := min(n/2, maxLog)
	m.snapW = (n - logW) / 2
	m.snap[0] = headerWords
	m.snap[1] = headerWords + m.snapW
	m.log = headerWords + 2*m.snapW
	m.end = m.log + logW
	m.counts = (*[healthCount]uint64)(m.w[headHealth:])
	return m
}

// openKept reads the header; cold says that there is no state yet.
func openKept(b []byte) (m *kept, cold bool, err error) {
	if len(b) < MinKept {
		return nil, false, errors.New("server: kept memory is too small")
	}
	m = layout(b)
	switch {
	case m.w[headMagic] == 0:
		m.format()
		return m, true, nil
	case m.w[headMagic] != magicWord || m.w[headLayout] != layoutVersion || m.w[headSize] != uint64(len(b)):
		return nil, false, errKept
	}
	m.epoch = m.w[headEpoch]
	m.tail = m.log
	return m, m.epoch == 0 && m.state(m.log) == 0, nil
}

// format writes an empty header; the magic word comes last.
func (m *kept) format() {
	m.w[headLayout] = layoutVersion
	m.w[headSize] = uint64(len(m.b))
	m.w[headEpoch] = 0
	m.w[m.log] = 0
	m.epoch, m.tail = 0, m.log
	atomic.StoreUint64(&m.w[headMagic], magicWord)
}

// state is the state word at o when it is one of this epoch with a plausible length, else 0: the end of the log.
func (m *kept) state(o int) uint64 {
	v := m.w[o]
	mark := v & markMask
	if mark != markOpen && mark != markCommit || v>>epochShift&epochMask != m.epoch&epochMask {
		return 0
	}
	if n := v & lenMask; n < recordHead || n > uint64(m.end-o-1) {
		return 0
	}
	return v
}

// mark makes the record at o, which ends before end, open or committed: the one store that counts.
func (m *kept) mark(o, end int, mark uint64) {
	atomic.StoreUint64(&m.w[o], mark|(m.epoch&epochMask)<<epochShift|uint64(end-o))
}

// free is the number of words that records may still take.
func (m *kept) free() int { return m.end - m.tail - 1 }

// bytesAt is n bytes at word o.
func (m *kept) bytesAt(o, n int) []byte { return m.b[o*wordSize : o*wordSize+n : o*wordSize+n] }

// putBytes stores p at word o, padded with zeroes to a word, and returns the word behind it.
func (m *kept) putBytes(o int, p []byte) int {
	n := wordsOf(len(p))
	if uint(n-1) < quickWords && cap(p) >= quickWords*wordSize {
		m.putQuick(o, p[:quickWords*wordSize])
		m.w[o+n-1] &= ^uint64(0) >> (uint(-len(p)) * 8 & 63)
	} else if n > 0 {
		m.w[o+n-1] = 0
		copy(m.b[o*wordSize:], p)
	}
	return o + n
}

// quickWords is how much putQuick stores: what follows a short text in its buffer is stored with it, and overwritten by what follows in the log.
const quickWords = 4

func (m *kept) putQuick(o int, p []byte) {
	w, q := m.w[o:o+quickWords], (*[quickWords * wordSize]byte)(p)
	w[0], w[1] = binary.LittleEndian.Uint64(q[0:]), binary.LittleEndian.Uint64(q[8:])
	w[2], w[3] = binary.LittleEndian.Uint64(q[16:]), binary.LittleEndian.Uint64(q[24:])
}

func wordsOf(bytes int) int { return int(uint(bytes+wordSize-1) / wordSize) }
