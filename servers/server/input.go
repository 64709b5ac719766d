package server

import (
	"aramid/ukernel/uabi"
)

// An input is one head word and its payload: kind, a small index, the error it came with, the payload's length in bytes.
const (
	inKindMask  = 0xff
	inAuxShift  = 8
	inAuxMask   = 0xff
	inErrShift  = 16
	inErrMask   = 0xffff
	inSizeShift = 32
)

// input is the kind of an input. The names are what divergence reports print.
type input uint8

const (
	inEnd input = 1 + iota // the trailer follows
	inFull
	inClock
	inRandom
	inContext
	inInterrupted
	inGrantLen
	inGrantRead
	inGrantWrite
	inGrantToMemory
	inMemoryToGrant
	inCall
	inMint
	inDup
	inInfo
	inBind
	inEndpoint
	inEventCreate
	inEventUpdate
	inEventRead
	inWaitSetCreate
	inWaitSetAdd
	inWaitSetModify
	inWaitSetRemove
	inWaitSetTake
	inWaitSetEvent
	inTimerCreate
	inTimerSet
	inMemoryCreate
	inMemoryResize
	inMemorySize
	inMemoryRead
	inMemoryWrite
	inMemoryClone
	inMemoryCopy
	inMemoryZero
	inMemoryPager
	inSpaceCreate
	inSpaceClone
	inSpaceMap
	inSpaceUnmap
	inSpaceProtect
	inSpaceMove
	inSpaceTag
	inSpaceQuery
	inSpaceGap
	inSpaceDiscard
	inSpaceInfo
	inSpaceRead
	inSpaceWrite
	inThreadCreate
	inThreadSetRegs
	inThreadGetRegs
	inThreadCopyState
	inThreadContext
	inThreadStart
	inThreadSpace
	inThreadInterrupt
	inThreadKill
	inThreadEvent
	inThreadInfo
	inFutexWake
	inFutexRequeue
	inFutexOp
	inAccountCreate
	inAccountLimit
	inAccountInfo
	inIRQCreate
	inIRQAck
	inPortIn
	inPortOut
	inPortInBuf
	inPortOutBuf
	inClockSet
	inProcess
	inPowerOff
	inFramesFree
	inSpacePunch
	inSpaceTouch
	inSpacePresent
	inCount
)

func inHead(kind input, aux uint8, err uabi.Error, size int) uint64 {
	return uint64(kind) | uint64(aux)<<inAuxShift | uint64(err)<<inErrShift | uint64(size)<<inSizeShift
}

// replaying reports that the next input comes from the log, and moves behind it: payload is its first word's offset. When the log of an open intent
// ends, the handler goes on live. Asking for another input than was logged means that the handler is not deterministic.
func (c *Ctx) replaying(kind input) (head uint64, payload int, ok bool) {
	if c.mode != modeReplay {
		return
	}
	return c.replayed(kind)
}

func (c *Ctx) replayed(kind input) (head uint64, payload int, ok bool) {
	if c.cursor >= c.rec.end && c.rec.open {
		c.goLive()
		return 0, 0, false
	}
	m := c.s.kept
	head = m.w[c.cursor]
	if input(head&inKindMask) == inFull {
		return inHead(kind, 0, uabi.ErrNoMem, 0), c.cursor, true
	}
	if input(head&inKindMask) != kind {
		panic("server: replay diverged: the handler asks for another input than the log has")
	}
	payload = c.cursor + 1
	c.cursor = payload + wordsOf(int(head>>inSizeShift))
	return head, payload, true
}

func headErr(head uint64) uabi.Error { return uabi.Error(head >> inErrShift & inErrMask) }

// room reports that an input of that many bytes can be logged. It is asked before the effect: what cannot be logged is not
// done. One inFull marks that the request was refused from here on.
func (c *Ctx) room(bytes int) bool {
	if c.tail+wordsOf(bytes) <= c.quick+1 || c.mode == modeLookup {
		return true
	}
	if !c.full {
		c.full, c.quick = true, -1
		c.s.kept.w[c.tail] = inHead(inFull, 0, uabi.ErrNoMem, 0)
		c.advance(c.tail + 1)
	}
	return false
}

// advance makes the log's part up to to belong to the request.
func (c *Ctx) advance(to int) {
	c.tail = to
	if c.marks {
		c.claim(to)
	}
}

func (c *Ctx) claim(to int) {
	if c.s.fault.on {
		c.s.step(stepDone)
	}
	if c.intent {
		c.s.kept.mark(c.rec.at, to, markOpen)
	}
	if c.s.fault.on {
		c.s.step(stepInput)
	}
}

// note logs a look-up's one word. false: there is no room for it.
func (c *Ctx) note(kind input, aux uint8, v uint64) bool {
	if c.tail <= c.quick {
		c.put1(inHead(kind, aux, uabi.OK, wordSize), v)
		c.advance(c.tail)
		return true
	}
	return c.room(wordSize)
}

// put1 stores an input of one word; advance comes next.
func (c *Ctx) put1(head, v uint64) {
	w := c.s.kept.w[c.tail : c.tail+2]
	w[0], w[1] = head, v
	c.tail += 2
}

// log0 … log2 append an input of 0 … 2 words.
func (c *Ctx) log0(kind input, err uabi.Error) {
	if c.mode == modeLookup {
		return
	}
	c.s.kept.w[c.tail] = inHead(kind, 0, err, 0)
	c.advance(c.tail + 1)
}

func (c *Ctx) log1(kind input, aux uint8, err uabi.Error, a uint64) {
	if c.mode == modeLookup {
		return
	}
	c.put1(inHead(kind, aux, err, wordSize), a)
	c.advance(c.tail)
}

func (c *Ctx) log2(kind input, err uabi.Error, a, b uint64) {
	if c.mode == modeLookup {
		return
	}
	w := c.s.kept.w[c.tail : c.tail+3]
	w[0], w[1], w[2] = inHead(kind, 0, err, 2*wordSize), a, b
	c.advance(c.tail + 3)
}

// logBytes appends an input of bytes.
func (c *Ctx) logBytes(kind input, err uabi.Error, p []byte) {
	if c.mode == modeLookup {
		return
	}
	c.s.kept.w[c.tail] = inHead(kind, 0, err, len(p))
	c.advance(c.s.kept.putBytes(c.tail+1, p))
}

// logged1 and logged2 read what log1 and log2 wrote.
func (c *Ctx) logged1(p int) uint64           { return c.s.kept.w[p] }
func (c *Ctx) logged2(p int) (uint64, uint64) { return c.s.kept.w[p], c.s.kept.w[p+1] }

// loggedBytes copies a logged input of bytes to b.
func (c *Ctx) loggedBytes(head uint64, p int, b []byte) int {
	return copy(b, c.s.kept.bytesAt(p, int(head>>inSizeShift)))
}
